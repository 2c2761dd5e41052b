"""What may happen to a small town: the rules that drive the world, alone and in the orders that hurt most.

Place in the flow: **machine** -> world -> truths. A rule asks, answers, lets time pass, kills or revives; most leave the
processes behind, `lazy`, so that events pile up and meet. After each run everything drains and nothing may be open.
"""

import sys
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from matcher import events as ev
from matcher.invitation import Invitation
from matcher.person import Profile, QuietHours
from tests.property.world import MARKET, REMEMBER, Crash, World, Zombie

REPEAT_WITHIN = timedelta(minutes=8)
"""Wall time within which anything may come again: rows are kept for longer (`KEEP_ROWS`)."""
PEOPLE = 4
HERE, NEARBY, FAR = "51.5,-0.1", "51.6,-0.1", "55.9,-3.2"
QUIET_AT_TEN = QuietHours(start_min=9 * 60 + 30, end_min=10 * 60)  # local; the town wakes at 9:00 local


def profile(**told: Any) -> Profile:
    """Somebody who fits most, but for what is told."""
    usual = {"first_name": "Ada", "adult": True, "area": "N1", "cell": HERE, "languages": ("en",), "age_band": "50-64"}
    return Profile(**{**usual, "gender": "woman", "likes": ("birds",), **told})


PROFILES = [
    profile(),
    profile(first_name="Bo", cell=NEARBY, gender="man", likes=("birds", "radio")),
    profile(first_name="Cy", languages=("en", "cy"), age_band="65-74"),
    profile(languages=("cy",)),
    profile(wishes=("same_gender",)),
    profile(gender="unsaid", wishes=("same_gender",)),
    profile(age_band="75+", wishes=("near_age",)),
    profile(age_band="18-24"),
    profile(wishes=("near_home",)),
    profile(cell=FAR),
    profile(quiet=QUIET_AT_TEN),
]
WHO = st.integers(0, PEOPLE - 1)
PICK = st.sampled_from([0, 0, 0, 1, 2, 4])
LAZY = st.booleans()
EFFECTS = st.integers(0, 4)
MINUTES = st.sampled_from([4, 7, 20, 20, 90])
COMPANY = st.sampled_from(["either", "either", "either", "new", "known"])
PROFILE = st.sampled_from([0, 0, 1, 1, 2, *range(len(PROFILES))])
STEP = st.sampled_from([(2, 2), (2, 2), (5, 60), (12, 120), (25, 25), (40, 300), (65, 65)])


class Town(RuleBasedStateMachine):
    """A few people, one market, and everything that can go wrong."""

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
        self.world.tick(2, 2)
        self.world.drain()

    @rule(who=WHO, minutes=MINUTES, company=COMPANY, lazy=LAZY)
    def open_window(self, who: int, minutes: int, company: str, lazy: bool) -> None:
        now = self.world.now
        told = {"opened_at": now, "until": now + timedelta(minutes=minutes), "company": company}
        self.ask(ev.AvailabilityOpened, who, lazy, availability=f"av-{self.asked + 1}", **told)

    @rule(minutes=MINUTES)
    def everybody_is_free(self, minutes: int) -> None:
        for who in range(PEOPLE):
            self.open_window(who, minutes, "either", True)
        self.world.drain()
        self.let_time_pass((2, 2), False)

    @rule(who=WHO, minutes=st.sampled_from([1, 10, 60]), lazy=LAZY)
    def move(self, who: int, minutes: int, lazy: bool) -> None:
        self.ask(ev.AvailabilityMoved, who, lazy, until=self.world.now + timedelta(minutes=minutes))

    @rule(who=WHO, lazy=LAZY)
    def close(self, who: int, lazy: bool) -> None:
        self.ask(ev.AvailabilityClosed, who, lazy)

    @rule(who=WHO, lazy=LAZY)
    def pause(self, who: int, lazy: bool) -> None:
        self.ask(ev.PersonPaused, who, lazy)

    @rule(who=WHO, lazy=LAZY)
    def resume(self, who: int, lazy: bool) -> None:
        self.ask(ev.PersonResumed, who, lazy)

    @rule(who=WHO, back=st.booleans(), which=PROFILE, lazy=LAZY)
    def erase(self, who: int, back: bool, which: int, lazy: bool) -> None:
        self.ask(ev.PersonErased, who, lazy)
        if back:
            self.ask(ev.PersonRegistered, who, lazy, phone="+440", profile=PROFILES[which])

    @rule(who=WHO, which=PROFILE, lazy=LAZY)
    def edit(self, who: int, which: int, lazy: bool) -> None:
        self.ask(ev.PersonChanged, who, lazy, profile=PROFILES[which])

    @rule(who=WHO, other=WHO, lazy=LAZY)
    def block(self, who: int, other: int, lazy: bool) -> None:
        if who != other:
            self.ask(ev.PersonBlocked, who, lazy, other=self.person(other))

    @rule(who=WHO, other=WHO, lazy=LAZY)
    def raise_concern(self, who: int, other: int, lazy: bool) -> None:
        if who != other:
            self.ask(ev.ConcernRaised, who, lazy, other=self.person(other), invitation="one", what="unkind")

    @rule(who=WHO, other=WHO, met=st.booleans(), bond=st.booleans(), lazy=LAZY)
    def remember_each_other(self, who: int, other: int, met: bool, bond: bool, lazy: bool) -> None:
        for one, two in ((who, other), (other, who)) if who != other else ():
            if met:
                self.ask(ev.PersonMet, one, True, other=self.person(two))
            self.ask(ev.BondChanged, one, lazy, other=self.person(two), bond=bond)

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

    @rule(back=st.integers(1, 12), lazy=LAZY)
    def repeat_pool_event(self, back: int, lazy: bool) -> None:
        world = self.world
        if back <= len(world.pool_log) and world.wall - world.log_walls[-back] < REPEAT_WITHIN:
            world.say(world.pool_log[-back])
            self.then(lazy)

    # --- time ---

    @rule(step=STEP, lazy=LAZY)
    def let_time_pass(self, step: tuple[int, int], lazy: bool) -> None:
        self.world.tick(*step)
        self.then(lazy)

    @rule(hours=st.sampled_from([0, 2]))
    def a_long_time_passes(self, hours: int) -> None:
        self.world.bury()
        self.world.drain()
        self.commit(pool=True, enrich=True)  # rows are kept for longer than a commit may take
        self.world.tick(660, 660 + hours * 3600)
        self.world.drain()

    # --- answers and calls ---

    @rule(pick=PICK, second=st.booleans(), lazy=LAZY)
    def accept(self, pick: int, second: bool, lazy: bool) -> None:
        row = self.invitation(pick)
        if row:
            self.about(ev.InvitationAnswered, pick, lazy, person=row.people[second], answer="accept")

    @rule(pick=PICK, second=st.booleans(), lazy=LAZY)
    def decline(self, pick: int, second: bool, lazy: bool) -> None:
        row = self.invitation(pick)
        if row:
            self.about(ev.InvitationAnswered, pick, lazy, person=row.people[second], answer="decline")

    @rule(pick=PICK, who=WHO, answer=st.sampled_from(["accept", "decline"]), lazy=LAZY)
    def somebody_answers(self, pick: int, who: int, answer: str, lazy: bool) -> None:
        self.about(ev.InvitationAnswered, pick, lazy, person=self.person(who), answer=answer)

    @rule(pick=PICK, connected=st.booleans(), race=st.sampled_from(["", "", "decline", "end"]), lazy=LAZY)
    def both_answer(self, pick: int, connected: bool, race: str, lazy: bool) -> None:
        row = self.invitation(pick)
        if row is None:
            return
        for person in row.people:
            self.tell(ev.InvitationAnswered, row, person=person, answer="accept")
        if race == "decline":
            self.tell(ev.InvitationAnswered, row, person=row.b, answer="decline")
        if connected:
            self.tell(ev.CallHeartbeat, row, heard=row.people, connected=True)
        if race == "end":
            self.tell(ev.CallEnded, row, reason="hung up")
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

    # --- processes die, stall and come back ---

    @rule(effects=EFFECTS, lost=st.booleans(), events=st.integers(1, 3))
    def kill_pool(self, effects: int, lost: bool, events: int) -> None:
        self._until_crash(self.world.pool, effects, events)
        self.world.pool.restart(lost)

    @rule(effects=EFFECTS, events=st.integers(1, 3))
    def stall_pool(self, effects: int, events: int) -> None:
        crashed = self._until_crash(self.world.pool, effects, events)
        self.world.zombie = Zombie(self.world.pool, crashed)
        self.world.pool.restart(lost=True)

    @rule(events=st.integers(0, 4), rows=st.integers(0, 6), lazy=LAZY)
    def zombie_pool_goes_on(self, events: int, rows: int, lazy: bool) -> None:
        if self.world.zombie:
            for _ in range(events):
                self.world.zombie.step()
            self.world.zombie.publish(rows)
            self.then(lazy)

    @rule(effects=EFFECTS, events=st.integers(1, 3))
    def kill_enrich(self, effects: int, events: int) -> None:
        self._until_crash(self.world.enrich, effects, events)
        self.world.enrich.restart()

    @staticmethod
    def _until_crash(shell: Any, effects: int, events: int) -> bool:
        shell.fuse.left = effects
        try:
            for _ in range(events):
                shell.step()
        except Crash:
            return True
        finally:
            shell.fuse.left = None
        return False

    @rule(pool=st.booleans(), enrich=st.booleans())
    def commit(self, pool: bool, enrich: bool) -> None:
        if pool:
            self.world.pool.commit()
        if enrich:
            self.world.enrich.commit()

    @rule(effects=EFFECTS, steps=st.integers(1, 4))
    def kill_notifier(self, effects: int, steps: int) -> None:
        notifier = self.world.notifier
        notifier.fuse.left = effects
        for _ in range(steps):
            notifier.step()
        notifier.fuse.left, notifier.notifier = None, None

    @rule(slow=st.integers(0, 6), lazy=LAZY)
    def stall_notifier(self, slow: int, lazy: bool) -> None:
        self.world.slow_notifier = self.world.notifier
        self.world.notifier = type(self.world.notifier)(self.world)
        self.then(lazy)

    @rule(steps=st.integers(0, 4), renew=st.booleans(), lazy=LAZY)
    def slow_notifier_goes_on(self, steps: int, renew: bool, lazy: bool) -> None:
        slow = self.world.slow_notifier
        if slow and slow.notifier:
            for _ in range(steps):
                slow.step()
            if renew:
                slow.renew()
            self.then(lazy)

    @rule(run=st.sampled_from(["enrich", "pool", "notifier"]), steps=st.integers(1, 4))
    def only_one_runs(self, run: str, steps: int) -> None:
        for _ in range(steps):
            getattr(self.world, run).step()

    @rule()
    def renew(self) -> None:
        self.world.notifier.renew()

    @rule(lazy=LAZY)
    def wipe_claims(self, lazy: bool) -> None:
        self.world.claims.wipe()
        self.then(lazy)

    # --- the end ---

    def teardown(self) -> None:
        """Everything runs again, time passes, and nothing is left open."""
        if sys.exc_info()[1]:
            return  # a rule has failed already; what follows would hide it
        world = self.world
        world.bury()
        for wall_s, domain_s in ((2, 2), (35, 35), (65, 65), (65, 14 * 3600), (65, 65), (700, 700), (40, 1)):
            world.drain()
            world.notifier.renew()
            world.tick(wall_s, domain_s)
        world.drain()
        world.truths.at_rest()
