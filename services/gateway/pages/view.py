"""Which view somebody is to see, from what stands: one template for each, and a key that changes when it must change.

Place in the flow: live views, the page's memory -> **view** -> template. Pure: nothing is read or written here, and
what is shown of a window and an invitation is what `/state` and `/live` say.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.person import MARKETS, TAKE_BACK_WITHIN, Person
from matcher.waits import Usual
from services.gateway.availability import quiet_note
from services.gateway.invitations import CONCERN_COMFORT, CONCERN_TAKEN, CRISIS_LINE
from services.gateway.pages.memory import Remembered
from services.gateway.pages.words import KNOWN_ONLY, ONE_FIRST, ONE_ONLY, likely_words
from services.gateway.shown import shown_availability, shown_invitation
from services.languages.speaking import _, clock

AGAIN = "again"
"""What is shown until a form could be sent; only what became of the form replaces it."""
URGENT = ("ringing", "back", "accepted", "call")
"""What takes the place of whatever page is open."""
CALM = ("home", "waiting", "missed", "paused")
"""In these a page may load itself anew without taking anything from anybody."""


@dataclass(frozen=True, slots=True)
class View:
    """A template by its name, the key of what it shows, and what it is told."""

    name: str
    key: str
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def calm(self) -> bool:
        """Whether nobody is in the middle of something."""
        return self.name in CALM


@dataclass(frozen=True, slots=True)
class Standing:
    """All that stands for somebody who has told us about themselves, read at one moment."""

    me: Person
    waiting: Waiting | None
    invitation: Invitation | None
    other_name: str | None
    remembered: Remembered
    now: datetime
    wall: datetime
    usual: Usual | None = None
    hope: str | None = None
    """The first name of the one whom their window hopes for, while it can."""
    wished: tuple[str, ...] = ()
    """First names of those who would like to talk with them."""
    pace: float = 1.0
    """Seconds of domain time in one on the page."""
    beside: bool = False
    """Whether they came in here while they were signed in elsewhere, and have not said whether they use both."""

    @property
    def window_open(self) -> bool:
        """Whether their window is open, as far as they themselves know."""
        if self.waiting is not None and self.waiting.end is None and not self.called and not self.waiting.goes_on:
            return not self.remembered.does("close", self.waiting.availability)
        known = self.waiting.availability if self.waiting else None
        return self.remembered.act == "open" and self.remembered.subject != known

    @property
    def other(self) -> str | None:
        """With whom their newest invitation is."""
        return self.invitation.other(self.me.person) if self.invitation else None

    def goes_on_with(self, row: Invitation) -> bool:
        """Whether they are waiting to go on with this call, which broke."""
        waiting, act = self.waiting, self.remembered
        if waiting is not None and waiting.goes_on == row.invitation and waiting.end is None:
            return not act.does("close", waiting.availability)
        return act.does("go_on", row.invitation) and not (waiting and waiting.goes_on == row.invitation)

    def can_take_back(self, row: Invitation) -> bool:
        """Whether what they raised about this call is so new that it may have been a mistake."""
        raised = self.me.concern_about(row.other(self.me.person), row.invitation)
        return raised is None or self.wall - raised.at <= TAKE_BACK_WITHIN  # the view may not show it yet

    @property
    def called(self) -> bool:
        """Whether the newest call used the newest window up: no row of the window says so."""
        row, waiting = self.invitation, self.waiting
        return bool(row and waiting and row.called and row.availability_of(self.me.person) == waiting.availability)


BLANK: dict[str, Any] = {
    "first_name": "", "adult": False, "age_band": "", "area": "", "languages": ["en"], "likes": [], "avoids": [],
    "wishes": [], "situation": [], "gender": "unsaid", "quiet": {"start": "22:00", "end": "07:00"},
}  # fmt: skip
"""What the form about oneself holds before anything is told."""


def about_me(given: dict[str, Any], errors: dict[str, str]) -> View:
    """The form about oneself with what was given, and what is wrong with it by field ("" for no field)."""
    errors = dict.fromkeys((*BLANK, ""), "") | errors
    return View("about_me", "about_me", {"given": BLANK | given, "errors": errors})


def view_of(standing: Standing) -> View:
    """The one view for this moment."""
    row = standing.invitation
    found = _of_invitation(standing, row) if row is not None else None
    return found or _of_window(standing)


def _of_invitation(standing: Standing, row: Invitation) -> View | None:
    step, remembered = standing.remembered.reached(row.invitation), standing.remembered
    shown = _shown(standing, row)
    if step == "telling":  # they have left the page that sends it again, and must not be put through once more
        form = {"action": f"/page/invitations/{row.invitation}/wrong", "key": "", "fields": []}
        return View(AGAIN, AGAIN, {**form, "comfort": _(CONCERN_COMFORT.sentence), **CRISIS_LINE})
    if step in ("wrong", "mistake", "blocked", "reported"):
        words = {"error": "", "what": "", "message": _(CONCERN_TAKEN), **CRISIS_LINE}
        words["can_take_back"] = standing.can_take_back(row)
        return View(step, f"{step}:{row.invitation}", shown | words)
    if step == "aside" or remembered.does("decline", row.invitation):
        return None
    if row.live and (remembered.does("end", row.invitation) or step == "enough"):
        return View("ending", f"ending:{row.invitation}", shown)
    unable = step in ("no_microphone", "no_calls")
    if row.live and (row.state == "confirmed" or not unable):
        return _of_live(standing, row, shown)
    if shown["go_on_s"] and step is None:
        name = "going_on" if standing.goes_on_with(row) else "broke"
        return View(name, f"{name}:{row.invitation}", shown)
    if row.called:
        return _outcome(standing, row.invitation, shown | {"no_microphone": step == "no_microphone"})
    if row.goes_on:
        return None if remembered.reached(row.goes_on) == "aside" else _outcome(standing, row.goes_on, shown)
    return View(step, f"{step}:{row.invitation}", shown) if unable and step else None


def _outcome(standing: Standing, call: str, shown: dict[str, Any]) -> View:
    """How this call was; `in_vain` if they wanted to go on with it and it did not come to that."""
    in_vain = standing.waiting is not None and standing.waiting.goes_on == call
    told = {"no_microphone": False, **shown, "in_vain": in_vain, "invitation": call}
    return View("outcome", f"outcome:{call}", told)


def _of_live(standing: Standing, row: Invitation, shown: dict[str, Any]) -> View:
    accepted = row.answer_of(standing.me.person) == "accept" or standing.remembered.does("accept", row.invitation)
    rings = "back" if row.goes_on else "ringing"
    name = "call" if row.state == "confirmed" else "accepted" if accepted else rings
    return View(name, f"{name}:{row.invitation}", shown)


def _of_window(standing: Standing) -> View:
    me, waiting = standing.me, standing.waiting
    if me.held:
        return View("held", "held", {**CRISIS_LINE})
    if me.paused:
        return View("paused", "paused")
    if not standing.window_open:
        in_vain = waiting is not None and waiting.end == "ran_out" and not waiting.goes_on
        ran_out = waiting.availability if waiting and in_vain else ""
        offers = not (me.passkeys or standing.remembered.no_passkey or standing.beside)
        blank = {"offers_passkey": offers, "until": "", "company": "either", "error": ""}
        knows = not set(me.bonds) <= set(me.blocks)
        shown = {"ran_out": bool(ran_out), "first_name": _first_name(me), "knows_somebody": knows}
        shown |= {"wished": list(standing.wished), "beside": standing.beside}
        known = ("known",) if knows else ()
        beside = ("beside",) if standing.beside else ()
        return View("home", ":".join(("home", ran_out, *known, *beside, *standing.wished)), shown | blank)
    note = _note(standing)
    shown = {"note": note, "other_name": standing.other_name, "likely": likely_words(standing.usual), "hope": ""}
    shown["offers_ringing"] = not standing.remembered.no_ringing
    if waiting is not None and waiting.end is None and not standing.called:
        shown |= shown_availability(waiting, standing.now)
        shown["until"] = local_time(waiting.until, me)
        shown["minutes_left"] = max(5, int(shown["remaining_s"] // 60))
        shown |= _company(standing, waiting)
    shown["quiet"] = quiet_note(me.profile, standing.now).get("note") if me.profile else None
    name = "missed" if note == "missed" else "waiting"
    return View(name, f"{name}:{note}:{shown.get('until', '')}:{shown['hope']}", shown)


def _company(standing: Standing, waiting: Waiting) -> dict[str, Any]:
    """For whom they wait, and how likely it is to come about."""
    only = waiting.company == "known"
    if waiting.hopes_for and not standing.hope:
        return {"hope": "gone"} | ({"likely": ""} if only else {})
    if standing.hope and _note(standing) and standing.other == waiting.hopes_for:  # nobody is asked twice in a window
        return {"hope": "asked", "hoped_name": standing.hope} | ({"likely": ""} if only else {})
    if standing.hope:
        words = ONE_ONLY if only else ONE_FIRST
        return {"hope": "stands", "hoped_name": standing.hope, "likely": _(words, name=standing.hope)}
    return {"likely": _(KNOWN_ONLY)} if only else {}


def _note(standing: Standing) -> str:
    """What became of the newest invitation of this window, unless they have asked again since."""
    row, waiting, me = standing.invitation, standing.waiting, standing.me.person
    if row is None or waiting is None or row.called or row.availability_of(me) != waiting.availability:
        return ""
    if standing.remembered.act == "open" or waiting.asked > row.offset:
        return ""
    if standing.remembered.does("decline", row.invitation) or row.answer_of(me) == "decline":
        return "i_declined"
    if row.unanswered_by(me):
        return "missed"
    return {"declined": "other_declined", "expired": "no_answer", "ended": "no_line"}.get(row.state, "withdrawn")


def _shown(standing: Standing, row: Invitation) -> dict[str, Any]:
    me, waiting = standing.me, standing.waiting
    shown = shown_invitation(row, me.person, standing.other_name, standing.now, standing.wall)
    shown["nobody_else"] = bool(waiting and waiting.hopes_for and waiting.company == "known")
    return shown | {"side": "a" if me.person == row.a else "b", "pace": standing.pace}


def local_time(when: datetime, me: Person) -> str:
    """The time on a clock where `me` lives."""
    market = me.profile.market if me.profile else next(iter(MARKETS))
    return clock(when.astimezone(MARKETS[market]))


def _first_name(me: Person) -> str:
    return me.profile.first_name if me.profile else ""
