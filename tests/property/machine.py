"""What may happen to a small town: the life of its people, and processes that die, stall and come back.

Place in the flow: life -> **machine** -> world -> truths. Rules run alone and in the orders that hurt most. After each
run everything drains and nothing may be open.
"""

import sys
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from matcher import events as ev
from tests.property.life import LAZY, WHO, Life
from tests.property.world import Crash, NotifierShell, Zombie

DURING = ["tick", "close", ""]
EFFECTS = st.integers(0, 4)


class Town(Life):
    """A few people, one market, and everything that can go wrong."""

    # --- processes die, stall and come back ---

    @rule(effects=EFFECTS, lost=st.booleans(), events=st.integers(1, 3), during=st.sampled_from(DURING), who=WHO)
    def kill_pool(self, effects: int, lost: bool, events: int, during: str, who: int) -> None:
        if during == "tick":
            self.everybody_is_free(20, True)
        elif during == "close":
            self.everybody_is_free(20, False)
            self.ask(ev.AvailabilityClosed, who, True)
            self.world.enrich.step()
        self._until_crash(self.world.pool, effects, events)
        self.world.pool.restart(lost)

    @rule(effects=EFFECTS, events=st.integers(1, 3), tick=st.booleans(), lazy=LAZY)
    def stall_pool(self, effects: int, events: int, tick: bool, lazy: bool) -> None:
        if tick:
            self.everybody_is_free(20, True)
        crashed = self._until_crash(self.world.pool, effects, events)
        self.world.zombie = Zombie(self.world.pool, crashed)
        self.world.pool.restart(lost=True)
        self.then(lazy)

    @rule(events=st.integers(0, 6), rows=st.integers(1, 6), meanwhile=st.booleans(), lazy=LAZY)
    def zombie_pool_goes_on(self, events: int, rows: int, meanwhile: bool, lazy: bool) -> None:
        if self.world.zombie is None:
            self.stall_pool(rows - 1, 2, True, lazy)
        assert self.world.zombie
        for _ in range(events):
            self.world.zombie.step()
        if meanwhile:
            self.all_decline()
        self.world.zombie.publish(rows)
        self.then(lazy)

    @rule(who=WHO, other=WHO, first=st.booleans(), lazy=LAZY)
    def another_writer_offered_too(self, who: int, other: int, first: bool, lazy: bool) -> None:
        if first:  # it is read, and rung, before the offers of the real writer
            self.everybody_waits()
            self.world.tick(2, 2)
        else:
            self.wake()
            self.world.drain()
        if who < other:
            self.world.offer_of_another_writer(self.person(who), self.person(other))
        if first:
            self.world.read_rows()
            self.let_time_pass((2, 2), False)
        self.then(lazy)

    @rule(who=WHO, other=WHO)
    def the_notifier_stands_still_for_a_lease(self, who: int, other: int) -> None:
        """Two are put through, nothing is renewed for longer than a lease, and then a late offer wants one of them."""
        self.wake()
        self.both_answer(0, connected=True, race="", lazy=False)
        self.world.tick(50, 1)
        self.world.settle_rows()
        if who < other:
            self.world.offer_of_another_writer(self.person(who), self.person(other))
        self.world.drain()

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

    @rule(effects=EFFECTS, steps=st.integers(1, 4), stalled=st.booleans(), lazy=LAZY)
    def kill_or_stall_notifier(self, effects: int, steps: int, stalled: bool, lazy: bool) -> None:
        self.wake()
        old = self.world.notifier
        if stalled:
            self.world.slow_notifier = old
        else:
            old.fuse.left = effects
            for _ in range(steps):
                old.step()
        self.world.notifier = NotifierShell(self.world)
        self.then(lazy)

    @rule(steps=st.integers(0, 4), renew=st.booleans(), lazy=LAZY)
    def slow_notifier_goes_on(self, steps: int, renew: bool, lazy: bool) -> None:
        if self.world.slow_notifier is None:
            self.kill_or_stall_notifier(0, 0, True, lazy)
        slow = self.world.slow_notifier
        if slow and slow.notifier:
            for _ in range(steps):
                slow.step()
            if renew:
                slow.renew()
            self.then(lazy)

    @rule(pool=st.booleans(), enrich=st.booleans())
    def commit(self, pool: bool, enrich: bool) -> None:
        if pool:
            self.world.pool.commit()
        if enrich:
            self.world.enrich.commit()

    @rule(knew=st.booleans(), declined=st.booleans(), wiped=st.booleans(), steps=st.integers(0, 4), renew=st.booleans())
    def a_slow_notifier_wakes_after_the_end(
        self, knew: bool, declined: bool, wiped: bool, steps: int, renew: bool
    ) -> None:
        self.wake()
        self.world.drain()
        self.world.slow_notifier, self.world.notifier = self.world.notifier, NotifierShell(self.world)
        if not knew:
            self.everybody_starts_anew()
        if declined:
            self.all_decline()
        if knew:
            self.everybody_is_free(20, False)
        if wiped:
            self.world.claims.wipe()
        self.slow_notifier_goes_on(steps, renew, True)

    @rule(who=WHO, wall_s=st.sampled_from([2, 25, 40]), close=st.booleans(), lazy=LAZY)
    def the_notifier_comes_late(self, who: int, wall_s: int, close: bool, lazy: bool) -> None:
        """What was offered has changed before the notifier reads the offer."""
        self.world.drain()
        self.everybody_is_free(20, True)
        self.world.settle_rows()
        if close:
            self.ask(ev.AvailabilityClosed, who, True)
            self.world.settle_rows()
        self.world.tick(wall_s, wall_s)
        self.world.settle_rows()
        self.then(lazy)

    @rule(run=st.sampled_from(["enrich", "pool", "notifier"]), steps=st.integers(1, 4))
    def only_one_runs(self, run: str, steps: int) -> None:
        for _ in range(steps):
            getattr(self.world, run).step()

    @rule(wiped=st.booleans(), renewed=st.booleans(), lazy=LAZY)
    def tend_claims(self, wiped: bool, renewed: bool, lazy: bool) -> None:
        if wiped:
            self.world.claims.wipe()
        if renewed:
            self.world.notifier.renew()
        self.then(lazy)

    # --- the end ---

    def teardown(self) -> None:
        """Everything runs again, time passes, and nothing is left open."""
        if sys.exc_info()[1]:
            return  # a rule has failed already; what follows would hide it
        world = self.world
        world.bury()
        for wall_s, domain_s in ((2, 2), (35, 35), (80, 80), (80, 14 * 3600), (80, 80), (700, 700), (40, 1)):
            world.drain()
            world.notifier.renew()
            world.tick(wall_s, domain_s)
        world.drain()
        world.truths.at_rest()
