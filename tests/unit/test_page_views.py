"""Which view somebody sees, in every state; that it says the same as /state; that nothing in it is believed as HTML."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import AvailabilityClosed, LegHungUp, PersonBlocked
from matcher.invitation import Invitation
from matcher.person import Person, QuietHours
from services.adapters.waits import WaitWriter
from services.gateway.contact import Contact
from services.gateway.pages.render import HERE, environment
from services.gateway.pages.view import BLANK, URGENT, View, about_me
from tests.gateway_desk import MORNING, Desk, Page, invitation, over
from tests.page_reader import Seen, look, press, press_here
from tests.world import profile

ENDED = over()
NEVER = over(connected_wall=None)


def in_window(gateway: Desk, change: dict[str, Any]) -> tuple[Page, str]:
    """Somebody with an open window, whose newest invitation, made under it, stands like this."""
    page, person = gateway.registered()
    _, other = gateway.registered("Bob")
    window = gateway.put_waiting(person)
    me, you = ("a", "b") if person < other else ("b", "a")
    sides = {"answer_me": f"answer_{me}", "answer_you": f"answer_{you}"}
    change = {sides.get(key, key): value for key, value in change.items()}
    row = gateway.put_invitation(person, other, **{f"availability_{me}": window.availability}, **change)
    return page, row.invitation


def people_of(gateway: Desk, invitation: str) -> tuple[str, ...]:
    row = gateway.redis.hget(f"{gateway.prefix}invitation:{invitation}", "row")
    return Invitation.model_validate_json(row).people  # type: ignore[arg-type]


def agree(page: Page, seen: Seen) -> None:
    """The page and /state say the same of whether somebody is rung or talks."""
    one = page.get("/state").json()["invitation"]
    state = one["state"] if one else None
    expected = {"ringing": "ringing", "accepted": "accepted" if one and one["you"] else "ringing", "confirmed": "call"}
    assert (seen.view if seen.view in URGENT else None) == expected.get(state)
    if seen.view == "outcome":
        assert one["called"]


@pytest.mark.parametrize(
    ("change", "view"),
    [
        ({}, "ringing"),
        ({"state": "offered"}, "ringing"),
        ({"state": "accepted", "answer_me": "accept"}, "accepted"),
        ({"state": "accepted", "answer_you": "accept"}, "ringing"),
        ({"state": "confirmed", "answer_me": "accept", "answer_you": "accept"}, "call"),
        (ENDED, "outcome"),
        (NEVER, "waiting"),
        ({"state": "declined", "answer_you": "decline"}, "waiting"),
        ({"state": "declined", "answer_me": "decline"}, "waiting"),
        ({"state": "expired", "answer_me": "accept"}, "waiting"),
        ({"state": "expired"}, "missed"),
        ({"state": "voided"}, "waiting"),
    ],
)
def test_each_state_of_an_invitation_has_its_view_and_agrees_with_state(
    gateway: Desk, change: dict[str, Any], view: str
) -> None:
    page, _ = in_window(gateway, change)
    seen = look(page)
    assert seen.view == view
    agree(page, seen)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "declined", "answer_you": "decline"}, "Bob can’t talk just now"),
        ({"state": "declined", "answer_me": "decline"}, "quite all right"),
        ({"state": "expired", "answer_me": "accept"}, "Bob didn’t come to the phone"),
        ({"state": "voided"}, "Bob had to go"),
        (NEVER, "The line to Bob didn’t work"),
    ],
)
def test_who_was_let_down_is_told_kindly_and_why(gateway: Desk, change: dict[str, Any], words: str) -> None:
    page, _ = in_window(gateway, change)
    assert words in look(page).text


def test_before_a_profile_there_is_the_first_question_and_without_a_window_there_is_home(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    assert look(page).view == "welcome_name"
    page, person = gateway.registered()
    assert look(page).view == "home"
    gateway.put_waiting(person, end="ran_out")
    assert "nobody was free" in look(page).text


@pytest.mark.parametrize(("change", "view"), [({"paused": True}, "paused"), ({"held": True}, "held")])
def test_who_is_paused_or_held_is_told_so(gateway: Desk, change: dict[str, Any], view: str) -> None:
    page, person = gateway.registered()
    gateway.put_person(person, **change)
    assert look(page).view == view


def test_in_quiet_hours_the_page_says_why_nobody_rings(gateway: Desk) -> None:
    page, person = gateway.registered()
    quiet = profile(quiet=QuietHours(start_min=22 * 60, end_min=9 * 60))
    gateway.views.put_person(Person(offset=5000, person=person, profile=quiet))
    gateway.put_waiting(person)
    assert "nobody rings you before 09:00" in look(page).text


def test_with_whom_is_asked_only_of_those_who_know_somebody(gateway: Desk) -> None:
    page, person = gateway.registered()
    assert "With whom?" not in look(page).text
    gateway.put_person(person, bonds=("p-other",))
    assert "Someone I know" in look(page).text
    gateway.put_person(person, bonds=("p-other",), blocks=("p-other",))
    assert "With whom?" not in look(page).text


def test_who_missed_a_ring_asks_again_for_the_same_company(gateway: Desk) -> None:
    page, person = gateway.registered()
    window = gateway.put_waiting(person, company="known")
    sides = {"availability_a": window.availability, "availability_b": window.availability}
    gateway.put_invitation(person, "p-other", state="expired", **sides)
    assert look(page).form("/free").fields["company"] == "known"


def _waits(gateway: Desk, minutes: list[int], end: str | None = None) -> None:
    """So many people were rung after so many minutes at this hour, or left unrung."""
    waits = WaitWriter(gateway.redis, gateway.prefix)
    for number, passed in enumerate(minutes):
        later = MORNING + timedelta(minutes=passed)
        row = gateway.put_waiting(f"p-{end}-{number}", pool_now=later, end=end)
        window = {"availability_a": row.availability, "availability_b": "av-other"}
        waits.note(row if end else invitation(row.person, "p-zz", pool_now=later, **window))


@pytest.mark.parametrize(
    ("rung", "unrung", "words"),
    [
        ([2] * 11, [], "can’t say yet"),
        ([2, 3, 4, 5] * 3, [], "usually takes 2 to 4 minutes"),
        ([0] * 12, [], "less than a minute"),
        ([0, 1, 2, 3] * 3, [], "no more than 2 minutes"),
        ([2] * 4, [30] * 8, "Few people are about"),
        ([2] * 12, [1] * 12, "usually takes about 2 minutes"),
    ],
)
def test_how_long_it_takes_is_told_from_the_waits_of_others_and_only_from_them(
    gateway: Desk, rung: list[int], unrung: list[int], words: str
) -> None:
    _waits(gateway, rung)
    _waits(gateway, unrung, end="ran_out")
    page, person = gateway.registered()
    gateway.put_waiting(person)
    assert words in look(page).text
    gateway.clock.domain = MORNING + timedelta(hours=1)
    assert "can’t say yet" in look(page).text
    gateway.put_waiting(person, company="known")
    assert "one of the people you know" in look(page).text


def test_a_part_is_sent_only_when_something_else_is_to_be_seen(gateway: Desk) -> None:
    page, person = gateway.registered()
    htmx = {"HX-Request": "true"}
    first = page.get("/view", params={"showing": "home:"}, headers=htmx)
    assert first.status_code == 204
    gateway.put_waiting(person)
    part = page.get("/view", params={"showing": "home:"}, headers=htmx)
    assert part.status_code == 200
    assert "<html" not in part.text
    assert Seen(part.text).view == "waiting"


@pytest.mark.parametrize(
    "showing", ["settings", "about_me", "erase", "my_calls", "my_people", "ask_for", "my_blocks", "my_passkeys"]
)
def test_settings_stay_until_somebody_rings(gateway: Desk, showing: str) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    assert page.get("/view", params={"showing": showing}).status_code == 204
    gateway.put_invitation(person, "p-other")
    assert Seen(page.get("/view", params={"showing": showing}).text).view == "ringing"
    assert page.get("/settings").headers["location"] == "/"


def test_what_was_just_done_is_shown_before_the_views_know_it(gateway: Desk) -> None:
    page, _ = gateway.registered()
    assert press_here(page, "/free", minutes="20").view == "waiting"
    page, person = gateway.registered()
    gateway.put_waiting(person)
    assert press_here(page, "/not-free").view == "home"
    page, _ = in_window(gateway, {})
    assert press_here(page, "/accept").view == "accepted"
    page, _ = in_window(gateway, {})
    assert press_here(page, "/decline").view == "waiting"
    page, _ = in_window(gateway, {"state": "confirmed"})
    assert press_here(page, "/hang-up").view == "ending"


def test_a_call_that_used_its_window_up_leads_home(gateway: Desk) -> None:
    page, _ = in_window(gateway, ENDED)
    assert press_here(page, "/outcome", talk_again="yes").view == "home"
    assert gateway.said("outcomes")


@pytest.mark.parametrize(
    ("left_s", "words"),
    [(619, "10 minutes left"), (61, "1 minute left"), (59, "less than a minute left"), (0, "need not stop at once")],
)
def test_a_call_says_how_long_both_still_have_also_without_javascript(
    gateway: Desk, left_s: int, words: str
) -> None:
    page, _ = in_window(gateway, {"state": "confirmed", "until": MORNING + timedelta(seconds=left_s)})
    assert words in look(page).text


@pytest.mark.parametrize("change", [{}, {"state": "confirmed"}], ids=["ringing", "in a call"])
@pytest.mark.parametrize(
    ("why", "view", "words"),
    [("no-microphone", "no_microphone", "allow the microphone"), ("no-calls", "no_calls", "in another browser")],
)
def test_who_cannot_talk_here_is_told_what_to_do_and_is_rung_no_more(
    gateway: Desk, change: dict[str, Any], why: str, view: str, words: str
) -> None:
    page, invitation = in_window(gateway, change)
    assert press_here(page, "/no-microphone", why=why).view == ("ending" if change else view)
    assert [type(event) for event in gateway.said("person-events")] == [AvailabilityClosed]
    assert [type(event) for event in gateway.said("calls")] == ([LegHungUp] if change else [])
    a, b = people_of(gateway, invitation)
    gateway.put_invitation(a, b, invitation=invitation, **NEVER)
    assert words in look(page).text
    gateway.put_invitation(a, b, invitation=invitation, **ENDED)
    seen = look(page)
    assert (seen.view, "microphone could not be reached" in seen.text) == ("outcome", why == "no-microphone")


def test_a_block_says_that_they_never_meet_again(gateway: Desk) -> None:
    page, _ = in_window(gateway, ENDED)
    assert press_here(page, "/block").view == "blocked"
    assert [type(event) for event in gateway.said("person-events")] == [PersonBlocked]
    assert press_here(page, "/wrong").view == "wrong"


def _broken(**change: Any) -> dict[str, Any]:
    """What turns an invitation into a call whose line broke just now."""
    return over(end_reason="lost", **change)


def _window_of(gateway: Desk, invitation: str, page: Page, **change: Any) -> None:
    """The window of whoever asks to go on."""
    gateway.put_waiting(gateway.said("person-events")[-1].person, goes_on=invitation, company="known", **change)


def test_after_a_broken_line_one_tap_goes_on_and_who_waits_in_vain_is_asked_how_it_was(gateway: Desk) -> None:
    page, invitation = in_window(gateway, _broken())
    seen = look(page)
    assert (seen.view, seen.heading) == ("broke", "The line broke. Go on with Bob?")
    assert 110 < page.get("/state").json()["invitation"]["go_on_s"] <= 120
    assert press_here(page, "/go-on").view == "going_on"
    _window_of(gateway, invitation, page)
    assert look(page).view == "going_on"
    _window_of(gateway, invitation, page, end="ran_out")
    a, b = people_of(gateway, invitation)
    late = MORNING - timedelta(days=300)
    gateway.put_invitation(a, b, invitation=invitation, **_broken(ended_wall=late))
    seen = look(page)
    assert (seen.view, "did not come to going on" in seen.text) == ("outcome", True)
    press_here(page, "/aside")
    seen = look(page)
    assert (seen.view, "nobody was free" in seen.text) == ("home", False)


def test_who_does_not_want_to_go_on_is_asked_how_it_was_at_once(gateway: Desk) -> None:
    page, _ = in_window(gateway, _broken())
    seen = press_here(page, "/enough")
    assert (seen.view, "going on" in seen.text) == ("outcome", False)
    assert gateway.outbox.said == []


def test_when_both_go_on_the_page_accepts_by_itself_and_how_it_was_is_asked_once(gateway: Desk) -> None:
    page, first = in_window(gateway, _broken())
    press_here(page, "/go-on")
    a, b = people_of(gateway, first)
    _window_of(gateway, first, page)
    row = gateway.put_invitation(a, b, goes_on=first)
    seen = look(page)
    assert seen.view == "back"
    (accept,) = [tag for name, tag in seen.tags if name == "form" and str(tag["action"]).endswith("/accept")]
    assert accept["hx-trigger"] == "submit, load"
    gateway.put_invitation(a, b, invitation=row.invitation, goes_on=first, **ENDED)
    seen = look(page)
    assert (seen.view, seen.form("/outcome").action) == ("outcome", f"/page/calls/{row.invitation}/outcome")


@pytest.mark.parametrize("change", [{"state": "expired"}, {"state": "voided"}, {"state": "declined"}])
def test_if_it_does_not_come_to_going_on_the_first_call_is_asked_about(gateway: Desk, change: dict[str, Any]) -> None:
    page, first = in_window(gateway, _broken())
    press_here(page, "/go-on")
    a, b = people_of(gateway, first)
    _window_of(gateway, first, page)
    gateway.put_invitation(a, b, goes_on=first, **change)
    seen = look(page)
    assert (seen.view, seen.form("/outcome").action) == ("outcome", f"/page/calls/{first}/outcome")
    assert "did not come to going on" in seen.text
    press_here(page, "/outcome", talk_again="yes")
    assert look(page).view == "home"


def test_a_missed_ring_is_followed_by_another_only_if_asked_for(gateway: Desk) -> None:
    page, _ = in_window(gateway, {"state": "expired"})
    assert look(page).view == "missed"
    assert press_here(page, "/free").view == "waiting"


def test_while_the_views_are_away_the_page_waits_and_says_so(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    gateway.break_views()
    answer = page.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert Seen(answer.text).view == "away"
    assert page.get("/view").status_code == 204


NASTY = "'\"></title></textarea><script>alert(1)</script><hx-partial hx-target='#main'><img src=x onerror=alert(1)>"
VIEWS = sorted(path.stem for path in (HERE / "templates" / "views").glob("*.html"))


def _shown(word: str) -> dict[str, Any]:
    """Everything that any view is told, with `word` for each text."""
    about = about_me({"first_name": word, "quiet": {"start": word, "end": word}}, dict.fromkeys(BLANK, word))
    mine = dict.fromkeys(("first_name", "when", "used", "block", "passkey", "person", "ago"), word)
    mine |= {"talked_s": 600, "can_be_lifted": False, "this_one": False, "reasons": [f"topic:{word}"]}
    mine["rings_when_locked"] = True
    asked = dict.fromkeys(("name", "number", "of", "can_wait", "back"), word)
    line = dict.fromkeys(("name", "number", "when", "emergency"), word)
    texts = ("said", "phone", "error", "demo_code", "first_name", "other_name", "quiet", "until", "topic", "invitation",
             "side", "what", "message", "action", "key", "comfort", "company", "likely", "hope",
             "hoped_name")  # fmt: skip
    invited = {"opening": word, "goes_on": None, "nobody_else": False, "pace": 1.0}
    numbers: dict[str, Any] = invited | {"remaining_s": 20.0, "window_s": 600.0, "minutes_left": 10}
    return {**dict.fromkeys(texts, word), **numbers, **about.shown, "reasons": [word, f"topic:{word}"], "note": "x",
            "ran_out": True, "knows_somebody": True, "offers_passkey": True, "offers_ringing": True,
            "no_microphone": True, "in_vain": True, "can_take_back": True, "go_on_s": 90.0,
            "wished": [word, word], "beside": True, "fields": [(word, word)], "crisis_line": line,
            "asked": asked, "mine": [mine, mine | {"can_be_lifted": True, "this_one": True}]}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_whatever_a_view_is_told_stays_text(name: str) -> None:
    pages = []
    for word in ("plain", NASTY):
        told = {"view": View(name, f"{name}:{word}"), "shown": _shown(word), "signed_in": True, "notice": word}
        told |= {"version": "v-1", "contact": Contact("help@example.org"), "push": {"key": word, "mark": ""}}
        pages.append(Seen(environment().get_template("page.html").render(told)))
    plain, nasty = pages
    assert [tag for tag, _ in nasty.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(attrs) for _, attrs in nasty.tags] == [sorted(attrs) for _, attrs in plain.tags]


def test_nobody_is_shown_an_id_of_the_other_or_a_clock_of_their_own(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other", until=MORNING + timedelta(minutes=12))
    html = page.get("/").text
    assert "p-other" not in html
    assert person not in html
    assert "12 minutes" in html
    assert press(page, Seen(html).form("/accept")).status_code == 303
