"""What the people of a small town may do: the rules that ask, answer, call, repeat and let time pass.

Place in the flow: people -> **life** -> machine. A `lazy` rule leaves the processes behind, so that events pile up and
meet.
"""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from matcher import events as ev
from matcher.invitation import Invitation
from tests.property.people import PROFILES
from tests.property.world import MARKET, REMEMBER, World

REPEAT_WITHIN = timedelta(minutes=8)
"""Wall time within which anything may come again: rows are kept for longer (`KEEP_ROWS`)."""
PEOPLE = 4
SIMPLE = [ev.AvailabilityClosed, ev.PersonPaused, ev.PersonResumed, ev.PersonResumed, ev.PersonErased]
AGAIN = ["", "event", "event", "window", "request", "request"]
RACE = ["", "", "decline", "end", "stranger", "replay"]
ENDS = ["silence", "lost", "lost", "hung up", "hung up", "never"]
THOUGHTS = ["block", "concern", "mistake", "bond", "firm bond", "met", "no bond"]
WHO = st.integers(0, PEOPLE - 1)
PICK = st.sampled_from([0, 0, 0, 1, 2, 4])
LAZY = st.booleans()
MOSTLY = st.sampled_from([True, True, True, False])
SELDOM = st.sampled_from([False, False, False, True])
MINUTES = st.sampled_from([2, 4, 7, 20, 20, 90])  # a request that is handled late has little left
COMPANY = st.sampled_from(["either", "either", "either", "new", "known"])
PROFILE = st.sampled_from([0, 0, 0, 1, 1, 2, 2, *range(len(PROFILES))])
STEP = st.sampled_from([(2, 2), (2, 2), (5, 60), (12, 120), (25, 25), (40, 300), (80, 80)])


class Life(RuleBasedStateMachine):
    """A few people, one market, and all that they may ask, answer and repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.asked = 0
        self.posted: dict[str, Any] = {}

    # --- words ---

    def person(self, who: int) -> str:
        """The id of one of the town."""
        return f"p{who}"

    def ask(self, kind: type[ev.PersonEvent], who: int, lazy: bool = False, **told: Any) -> None:
        """A request of one person."""
        self.asked += 1
        event = kind(id=f"ask-{self.asked}", at=self.world.wall, person=self.person(who), **told)
        self.posted[event.id] = self.world.wall
        self.world.ask(event)
        self.then(lazy)

    def then(self, lazy: bool) -> None:
        """Let the processes run, or leave it for later."""
        if not lazy:
            self.world.drain()

    def invitation(self, pick: int) -> Invitation | None:
        """One of the newest invitations that anybody saw, if it is not long gone."""
        rows = list(self.world.newest.values())
        row = rows[-1 - pick] if pick < len(rows) else None
        return row if row and self.world.wall - row.decided_wall < REPEAT_WITHIN else None

    def about(self, kind: type[ev.InvitationEvent], pick: int, lazy: bool, **told: Any) -> None:
        """An event about an invitation, if there is one."""
        row = self.invitation(pick)
        if row:
            self.tell(kind, row, **told)
            self.then(lazy)

    def tell(self, kind: type[ev.InvitationEvent], row: Invitation, **told: Any) -> None:
        """An event about this invitation."""
        self.asked += 1
        event = kind(id=f"tell-{self.asked}", at=self.world.wall, market=MARKET, invitation=row, **told)
        self.world.say(event)

    # --- people ---

    @initialize(profiles=st.lists(PROFILE, min_size=PEOPLE, max_size=PEOPLE), strangers=st.sampled_from([0, 0, 0, 1]))
    def settle(self, profiles: list[int], strangers: int) -> None:
        """Most of the town registers."""
        for who in range(PEOPLE - strangers):
            self.ask(ev.PersonRegistered, who, True, phone="+440", profile=PROFILES[profiles[who]])
        self.everybody_is_free(20, False)

    @rule(who=WHO, minutes=MINUTES, company=COMPANY, lazy=LAZY)
    def open_window(self, who: int, minutes: int, company: str, lazy: bool, **wanted: Any) -> None:
        now = self.world.now
        told = {"opened_at": now, "until": now + timedelta(minutes=minutes), "company": company, **wanted}
        self.ask(ev.AvailabilityOpened, who, lazy, availability=f"av-{self.asked + 1}", **told)

    @rule(minutes=MINUTES, company=COMPANY, lazy=LAZY)
    def everybody_is_free(self, minutes: int, lazy: bool, company: str = "either") -> None:
        self.world.drain()
        for who in range(PEOPLE):
            self.ask(ev.PersonResumed, who, True)
            self.open_window(who, minutes, "either" if who else company, True)
        self.world.drain()
        self.world.tick(2, 2)
        self.then(lazy)

    def live(self) -> list[Invitation]:
        """The invitations that anybody would say are alive."""
        return [row for row in self.world.newest.values() if row.state in ("offered", "rung", "accepted", "confirmed")]

    def wake(self) -> None:
        """If nobody is invited, everybody is free again: most rules have nothing to hurt otherwise."""
        if not self.live():
            self.everybody_is_free(20, False)
        if not self.live():
            self.everybody_starts_anew()

    def everybody_starts_anew(self) -> None:
        """Everybody waits, and time passes."""
        self.everybody_waits()
        self.let_time_pass((2, 2), False)

    def everybody_waits(self) -> None:
        """New windows for all, under which nobody was asked about anybody yet."""
        self.world.drain()
        for who in range(PEOPLE):
            for kind in (ev.AvailabilityClosed, ev.PersonResumed):
                self.ask(kind, who, True)
            self.open_window(who, 20, "either", True)
        self.world.drain()

    @rule(who=WHO, kind=st.sampled_from(SIMPLE), lazy=LAZY)
    def request(self, who: int, kind: type[ev.PersonEvent], lazy: bool) -> None:
        self.ask(kind, who, lazy)

    @rule(who=WHO, kind=st.sampled_from(SIMPLE), lazy=LAZY, again=st.sampled_from(AGAIN))
    def go_and_come_back(self, who: int, kind: type[ev.PersonEvent], lazy: bool, again: str) -> None:
        self.open_window(who, 20, "either", False)
        self.ask(ev.PersonPaused if again == "request" else kind, who, lazy)
        self.ask(ev.PersonResumed, who, lazy)
        if again == "window":
            self.repeat_window_long_after(0, lazy)
        elif again == "request":
            self.repeat_request(who, 2, lazy)
        self.open_window(who, 20, "either", False)
        if again == "event":
            self.repeat_pool_event(2, True, False)

    @rule(who=WHO, minutes=st.sampled_from([1, 10, 60]), lazy=LAZY)
    def move(self, who: int, minutes: int, lazy: bool) -> None:
        self.ask(ev.AvailabilityMoved, who, lazy, until=self.world.now + timedelta(minutes=minutes))

    @rule(who=WHO, kind=st.sampled_from(["edit", "edit", "register", "come back"]), which=PROFILE, lazy=LAZY)
    def tell_about_themselves(self, who: int, kind: str, which: int, lazy: bool) -> None:
        if kind == "edit":
            self.ask(ev.PersonChanged, who, lazy, profile=PROFILES[which])
            return
        if kind == "come back":
            self.ask(ev.PersonErased, who, lazy)
        self.ask(ev.PersonRegistered, who, lazy, phone="+440", profile=PROFILES[which])

    @rule(who=WHO, other=WHO, kind=st.sampled_from(THOUGHTS), lazy=LAZY)
    def think_of_another(self, who: int, other: int, kind: str, lazy: bool) -> None:
        if who == other:
            return
        about = {"other": self.person(other)}
        if kind == "block":
            self.ask(ev.PersonBlocked, who, lazy, **about)
        elif kind in ("concern", "mistake"):
            self.ask(ev.ConcernRaised, who, lazy, invitation="one", what="unkind", **about)
            if kind == "mistake":
                self.ask(ev.ConcernWithdrawn, who, lazy, invitation="one", **about)
        else:
            for one, two in ((who, other), (other, who)):
                told = {} if kind == "met" else {"bond": kind != "no bond", "firm": kind == "firm bond"}
                self.ask(ev.BondChanged if told else ev.PersonMet, one, lazy, other=self.person(two), **told)

    @rule(who=WHO, hoped=WHO, only=st.booleans(), lazy=LAZY)
    def hope_for_one(self, who: int, hoped: int, only: bool, lazy: bool) -> None:
        """Somebody who knows everybody is free for one of them."""
        self.everybody_waits()
        for other in range(PEOPLE):
            self.think_of_another(who, other, "met", True)
            self.think_of_another(who, other, "bond", True)
        hopes_for = self.person(hoped) if hoped != who else None
        self.open_window(who, 20, "known" if only else "either", False, hopes_for=hopes_for)
        self.let_time_pass((2, 2), lazy)

    @rule(pick=PICK, late=SELDOM, both=MOSTLY, same=MOSTLY, how=st.sampled_from(ENDS), lazy=LAZY)
    def go_on_with_a_call(self, pick: int, late: bool, both: bool, same: bool, how: str, lazy: bool) -> None:
        """A call ends, mostly since its line broke; one of the two, or both, want to go on, in time or too late."""
        self.wake()
        self.world.drain()
        row = self.invitation(pick)
        if row is None:
            return
        self.both_answer(pick, connected=how != "never", race="", lazy=False)
        self.let_time_pass((65, 65), False) if how == "silence" else self.tell(ev.CallEnded, row, reason=how)
        self.world.drain()
        if late:
            self.let_time_pass((130, 130), False)
        for who in row.people if both else row.people[:1]:
            other = row.other(who) if same else self.person((int(row.other(who)[1:]) + 1) % PEOPLE)
            wanted = {"hopes_for": other, "goes_on": row.invitation}
            self.open_window(int(who[1:]), 20, "known", True, **wanted)
        self.world.drain()
        self.let_time_pass((2, 2), lazy)

    # --- the same again ---

    @rule(who=WHO, back=st.integers(1, REMEMBER), lazy=LAZY)
    def repeat_request(self, who: int, back: int, lazy: bool) -> None:
        known: list[Any] = []
        for event in self.world.person_log:
            if event.person == self.person(who) and event.id not in [one.id for one in known[-REMEMBER:]]:
                known.append(event)
        if len(known) >= back and self.recent(known[-back]):
            self.world.ask(known[-back])
            self.then(lazy)

    @rule(back=PICK, lazy=LAZY)
    def repeat_window_long_after(self, back: int, lazy: bool) -> None:
        opened = [one for one in self.world.person_log if isinstance(one, ev.AvailabilityOpened) and self.recent(one)]
        if back < len(opened):
            self.world.ask(opened[-1 - back])
            self.then(lazy)

    def recent(self, event: ev.PersonEvent) -> bool:
        """Whether this request may still come again."""
        return self.world.wall - self.posted.get(event.id, event.at) < REPEAT_WITHIN

    @rule(back=st.integers(1, 6), of_people=LAZY, lazy=LAZY)
    def repeat_pool_event(self, back: int, of_people: bool, lazy: bool) -> None:
        walls = zip(self.world.pool_log, self.world.log_walls, strict=True)
        known = [event for event, wall in walls if self.world.wall - wall < REPEAT_WITHIN]
        if of_people:
            known = [event for event in known if isinstance(event, ev.PersonPoolEvent)]
        if back <= len(known):
            self.world.say(known[-back])
            self.then(lazy)

    # --- time ---

    @rule(step=STEP, lazy=LAZY)
    def let_time_pass(self, step: tuple[int, int], lazy: bool) -> None:
        self.world.tick(*step)
        self.then(lazy)

    @rule(hours=st.sampled_from([0, 2]), answer=st.sampled_from(["", "accept", "decline"]))
    def a_long_time_passes(self, hours: int, answer: str) -> None:
        page = list(self.world.offered.values())[-1:]
        self.world.bury()
        self.world.drain()
        self.commit(pool=True, enrich=True)  # rows are kept for longer than a commit may take
        self.world.tick(660, 660 + hours * 3600)
        self.world.drain()
        for row in page if answer else ():  # a page that was left open
            self.tell(ev.InvitationAnswered, row, person=row.a, answer=answer)
            self.world.drain()

    # --- answers and calls ---

    @rule(pick=PICK, by=st.sampled_from(["a", "b", "anybody"]), who=WHO, yes=st.booleans(), lazy=LAZY)
    def answer(self, pick: int, by: str, who: int, yes: bool, lazy: bool) -> None:
        self.wake()
        row = self.invitation(pick)
        if row:
            person = self.person(who) if by == "anybody" else getattr(row, by)
            self.about(ev.InvitationAnswered, pick, lazy, person=person, answer="accept" if yes else "decline")

    def all_decline(self) -> None:
        """Everything that lives is declined, and everybody who is up to date knows it."""
        self.world.drain()
        for row in self.live():
            self.tell(ev.InvitationAnswered, row, person=row.a, answer="decline")
        self.world.drain()

    @rule(lazy=LAZY)
    def everybody_says_not_now(self, lazy: bool) -> None:
        self.wake()
        self.all_decline()
        self.let_time_pass((2, 2), lazy)

    @rule(pick=PICK, connected=st.booleans(), race=st.sampled_from(RACE), lazy=LAZY)
    def both_answer(self, pick: int, connected: bool, race: str, lazy: bool) -> None:
        self.wake()
        row = self.invitation(pick)
        if row is None:
            return
        for person in (row.a, "stranger") if race == "stranger" else row.people:
            self.tell(ev.InvitationAnswered, row, person=person, answer="accept")
        if race == "decline":
            self.tell(ev.InvitationAnswered, row, person=row.b, answer="decline")
        if connected or race == "replay":
            self.tell(ev.CallHeartbeat, row, heard=row.people, connected=True)
        if race == "end":
            self.tell(ev.CallEnded, row, reason="hung up")
        if race == "replay":
            self.let_time_pass((2, 2), False)
            self.world.pool.restart(lost=True)
        self.then(lazy)

    @rule(pick=PICK, connected=st.booleans(), heard=st.sampled_from(["ab", "ab", "a", ""]), lazy=LAZY)
    def heartbeat(self, pick: int, connected: bool, heard: str, lazy: bool) -> None:
        row = self.invitation(pick)
        if row:
            people = tuple(getattr(row, side) for side in heard)
            self.about(ev.CallHeartbeat, pick, lazy, heard=people, connected=connected)

    @rule(pick=PICK, lazy=LAZY)
    def hang_up(self, pick: int, lazy: bool) -> None:
        self.about(ev.CallEnded, pick, lazy, reason="hung up")
