"""A concern that was raised by mistake, or that an operator has settled: what it lets go of, and what it never does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher import events as ev
from matcher.enrich import apply_person
from matcher.invitation import Invitation
from matcher.person import TAKE_BACK_WITHIN, Person, Profile
from matcher.pool import Pool

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
PROFILE = Profile(first_name="Ann", adult=True, area="N1", cell="51.5,-0.1", languages=("en",), age_band="50-64")
CALL = {"invitation": "one"}


class Town:
    """Everybody's rows, and one log for all: what an event says to another person comes next."""

    def __init__(self, *people: str) -> None:
        self.rows: dict[str, Person] = {}
        self.log: list[ev.PersonEvent] = []
        self.pool: list[Any] = []
        for person in people:
            self.ask(ev.PersonRegistered, person, phone="+440", profile=PROFILE)

    def ask(self, kind: type[ev.PersonEvent], person: str, at: datetime = AT, **told: Any) -> ev.PersonEvent:
        """Somebody asks for something."""
        event = kind(id=f"e{len(self.log)}", at=at, person=person, **told)
        self.say(event)
        return event

    def say(self, event: ev.PersonEvent) -> None:
        """The event comes next in the log, and is handled with all that follows from it."""
        self.log.append(event)
        row, sends = apply_person(self.rows.get(event.person), event, len(self.log), "GB")
        self.rows[event.person] = row
        for send in sends:
            if isinstance(send.event, ev.PersonEvent):
                self.say(send.event)
            else:
                self.pool.append(send.event)

    def wrong(self, by: str, other: str, what: str = "", **told: Any) -> ev.PersonEvent:
        """`by` taps that it feels wrong, or says what happened."""
        return self.ask(ev.ConcernRaised, by, other=other, what=what, **(CALL | told))

    def mistake(self, by: str, other: str, **told: Any) -> ev.PersonEvent:
        """`by` takes it back."""
        return self.ask(ev.ConcernWithdrawn, by, other=other, **(CALL | told))

    def said_of(self, person: str) -> list[tuple[str, str]]:
        """By whom and with which words concerns about them stand."""
        return [(one.by, one.what) for one in self.rows[person].concerns]


def test_a_tap_without_a_word_blocks_and_holds_and_words_that_follow_belong_to_the_same_concern() -> None:
    town = Town("ann", "bob")
    town.wrong("ann", "bob")
    assert (town.rows["ann"].blocks, town.rows["bob"].held, town.said_of("bob")) == (("bob",), True, [("ann", "")])
    town.wrong("ann", "bob", "he shouted")
    assert town.said_of("bob") == [("ann", "he shouted")]
    town.wrong("ann", "bob")
    assert town.said_of("bob") == [("ann", "he shouted")]


@pytest.mark.parametrize("what", ["", "he shouted"])
def test_a_mistake_taken_back_leaves_everything_as_it_was_and_the_pool_knows(what: str) -> None:
    town = Town("ann", "bob")
    town.ask(ev.BondChanged, "ann", other="bob", bond=True)
    before = {name: town.rows[name].features() for name in ("ann", "bob")}
    town.wrong("ann", "bob")
    if what:
        town.wrong("ann", "bob", what)
    town.mistake("ann", "bob")
    ann, bob = town.rows["ann"], town.rows["bob"]
    assert (ann.blocks, ann.reported, ann.raised, ann.bonds) == ((), (), (), ("bob",))
    assert (bob.held, bob.concerns) == (False, ())
    assert {name: town.rows[name].features() for name in before} == before
    assert (town.pool[-1].type, town.pool[-1].features) == ("person.edited.v1", before["ann"])


def test_what_was_there_before_or_was_said_meanwhile_stays_when_a_mistake_is_taken_back() -> None:
    town = Town("ann", "bob")
    town.ask(ev.PersonBlocked, "ann", other="bob")
    town.wrong("ann", "bob")
    town.mistake("ann", "bob")
    assert (town.rows["ann"].blocks, town.rows["ann"].reported) == (("bob",), ())
    town = Town("ann", "bob")
    town.ask(ev.BondChanged, "ann", other="bob", bond=True)
    town.wrong("ann", "bob")
    town.ask(ev.BondChanged, "ann", other="bob", bond=False)
    town.ask(ev.PersonBlocked, "ann", other="bob")
    town.mistake("ann", "bob")
    assert (town.rows["ann"].bonds, town.rows["ann"].blocks) == ((), ("bob",))


@pytest.mark.parametrize("blocked_first", [True, False])
def test_a_bond_that_grew_firm_meanwhile_is_there_again_unless_blocked_by_hand(blocked_first: bool) -> None:
    for by_hand in (False, True):
        town = Town("ann", "bob")
        town.ask(ev.BondChanged, "ann", other="bob", bond=True)
        if by_hand and blocked_first:
            town.ask(ev.PersonBlocked, "ann", other="bob")
        town.wrong("ann", "bob")
        if by_hand and not blocked_first:
            town.ask(ev.PersonBlocked, "ann", other="bob")
        town.ask(ev.BondChanged, "ann", other="bob", bond=True, firm=True)
        assert town.rows["ann"].bonds == ()
        town.mistake("ann", "bob")
        kept = () if by_hand else ("bob",)
        assert (town.rows["ann"].bonds, town.rows["ann"].features().firm) == (kept, kept)


def test_of_concerns_by_two_people_only_ones_own_is_taken_back_and_the_last_one_lets_go() -> None:
    town = Town("ann", "eve", "bob")
    town.wrong("ann", "bob", invitation="one")
    town.wrong("eve", "bob", "he shouted", invitation="two")
    town.mistake("ann", "bob", invitation="one")
    assert (town.rows["bob"].held, town.said_of("bob")) == (True, [("eve", "he shouted")])
    assert (town.rows["ann"].blocks, town.rows["eve"].blocks) == ((), ("bob",))
    town.mistake("eve", "bob", invitation="two")
    assert not town.rows["bob"].held


def test_a_mistake_about_one_call_takes_back_no_concern_about_another_call_or_person() -> None:
    town = Town("ann", "bob", "eve")
    town.wrong("ann", "bob", invitation="one")
    town.wrong("ann", "bob", invitation="two")
    town.mistake("ann", "bob", invitation="three")
    town.mistake("ann", "eve", invitation="two")
    assert len(town.rows["bob"].concerns) == 2
    town.mistake("ann", "bob", invitation="two")
    assert (town.rows["bob"].held, town.rows["ann"].blocks, town.rows["ann"].reported) == (True, ("bob",), ("bob",))


@pytest.mark.parametrize(("late", "stands"), [(timedelta(), False), (timedelta(seconds=1), True)])
def test_after_an_hour_a_concern_is_the_operators(late: timedelta, stands: bool) -> None:
    town = Town("ann", "bob")
    town.wrong("ann", "bob")
    town.mistake("ann", "bob", at=AT + TAKE_BACK_WITHIN + late)
    assert (town.rows["bob"].held, bool(town.rows["ann"].blocks)) == (stands, stands)


def test_what_is_delivered_again_changes_nothing_and_says_the_same() -> None:
    town = Town("ann", "bob")
    raised = town.wrong("ann", "bob")
    before = town.rows["ann"]
    taken = ev.ConcernWithdrawn(id="t", at=AT, person="ann", other="bob", **CALL)
    once, sends = apply_person(before, taken, 90, "GB")
    assert apply_person(before, taken, 90, "GB") == (once, sends)  # killed before the row was written
    assert apply_person(once, taken, 90, "GB") == (once, [])
    town.say(taken)
    for event in (*town.log[2:], raised, taken):
        town.say(event)
    assert (town.rows["bob"].held, town.rows["ann"].blocks, town.rows["ann"].raised) == (False, (), ())


def test_a_concern_that_comes_after_it_was_taken_back_stands_and_a_late_hold_of_one_that_is_settled_does_not() -> None:
    town = Town("ann", "bob")
    town.mistake("ann", "bob")
    town.wrong("ann", "bob")
    assert (town.rows["bob"].held, town.rows["ann"].reported) == (True, ("bob",))
    town = Town("ann", "bob")
    raised = ev.ConcernRaised(id="r", at=AT, person="ann", other="bob", what="", **CALL)
    _, (held, _) = apply_person(town.rows["ann"], raised, 90, "GB")
    town.ask(ev.PersonReleased, "bob", concern=held.event.id)
    town.say(held.event)  # type: ignore[arg-type]
    assert not town.rows["bob"].held


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_who_was_erased_takes_nothing_back_and_is_let_go_of_all_the_same(who: str) -> None:
    town = Town("ann", "bob")
    town.wrong("ann", "bob", "he shouted")
    town.ask(ev.PersonErased, who)
    town.mistake("ann", "bob")
    bob = town.rows["bob"]
    assert (bob.held, len(bob.concerns)) == ((True, 1) if who == "ann" else (False, 0))
    assert bob.why_not() == ("held" if who == "ann" else "erased")


def test_an_operator_settles_one_concern_and_what_was_said_since_still_holds() -> None:
    town = Town("ann", "bob")
    town.wrong("ann", "bob")
    (seen,) = town.rows["bob"].concerns
    town.wrong("ann", "bob", "he shouted")
    town.ask(ev.PersonReleased, "bob", concern=seen.concern)
    assert town.said_of("bob") == [("ann", "he shouted")]
    town.ask(ev.PersonReleased, "bob", concern=town.rows["bob"].concerns[0].concern)
    assert (town.rows["bob"].held, town.rows["bob"].why_not()) == (False, None)
    assert (town.rows["ann"].blocks, town.rows["ann"].reported) == (("bob",), ("bob",))


WAYS: dict[str, dict[str, Any]] = {
    "whoever comes": {"company": "either"}, "somebody they know": {"company": "known"},
    "only the other": {"company": "known", "hopes_for": True},
    "the other first": {"company": "either", "hopes_for": True},
}  # fmt: skip


def _friends() -> Town:
    town = Town("ann", "bob")
    for one, other in (("ann", "bob"), ("bob", "ann")):
        town.ask(ev.PersonMet, one, other=other)
        town.ask(ev.BondChanged, one, other=other, bond=True)
    return town


def _offered(town: Town, way: dict[str, Any]) -> int:
    """How many offers there are when both are free this way."""
    pool = Pool("GB")
    for one, other in (("ann", "bob"), ("bob", "ann")):
        hopes_for = other if "hopes_for" in way else None
        window = {"availability": f"av-{one}", "opened_at": AT, "until": AT + timedelta(minutes=20)}
        town.ask(ev.AvailabilityOpened, one, **window, **(way | {"hopes_for": hopes_for}))
    town.pool.append(ev.Tick(id="tick", at=AT, market="GB", now=AT, wall=AT))
    return sum(isinstance(row, Invitation) for at, event in enumerate(town.pool) for row in pool.apply(event, at))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("settled", [False, True], ids=["held", "settled"])
def test_after_a_tap_that_it_feels_wrong_nothing_pairs_the_two_again_unless_it_is_taken_back(
    way: dict[str, Any], settled: bool
) -> None:
    assert _offered(_friends(), way) == 1
    town = _friends()
    town.wrong("ann", "bob")
    if settled:
        town.ask(ev.PersonReleased, "bob", concern=town.rows["bob"].concerns[0].concern)
    for one, other in (("ann", "bob"), ("bob", "ann")):  # both had said yes; the last answer comes after the tap
        town.ask(ev.BondChanged, one, other=other, bond=True)
    assert _offered(town, way) == 0
    town = _friends()
    town.wrong("ann", "bob")
    town.mistake("ann", "bob")
    assert _offered(town, way) == 1


def test_rows_from_before_anything_could_be_taken_back_still_read() -> None:
    row = Person(offset=1, person="ann", profile=PROFILE, blocks=("bob",), reported=("bob",))
    assert Person.model_validate(row.model_dump(mode="json", exclude={"raised"})) == row
