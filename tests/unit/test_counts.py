"""Each answer counts at once, on both people's rows, as numbers only."""

from datetime import UTC, datetime
from typing import Any

from matcher import events as ev
from matcher.enrich import apply_person
from matcher.outcome import apply_outcome
from matcher.person import Features, Person, Profile
from tests.unit.test_outcome import said

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


def registered(person: str) -> Person:
    profile = Profile(first_name="Ann", adult=True, area="N1", cell="51.5,-0.1", languages=("en",), age_band="50-64")
    event = ev.PersonRegistered(id=f"r-{person}", at=AT, person=person, phone="+440", profile=profile)
    return apply_person(None, event, 0, "GB")[0]


def counted(*outcomes: ev.OutcomeGiven) -> dict[str, tuple[int, int, int, int]]:
    """The counts of ann and bob after these outcomes, each delivered twice."""
    people, pair, offset = {name: registered(name) for name in ("ann", "bob")}, None, 0
    for at, outcome in enumerate(outcomes):
        before = pair
        pair, told = apply_outcome(before, outcome, at)
        again = apply_outcome(before, outcome, at)[1]
        for event in (*told, *again):
            offset += 1
            people[event.person], sends = apply_person(people[event.person], event, offset, "GB")
            assert all(isinstance(one.event, ev.PersonEdited) for one in sends)
    return {name: (row.gave, row.gave_yes, row.got, row.got_yes) for name, row in people.items()}


def test_an_answer_counts_for_who_gave_it_and_for_who_got_it() -> None:
    assert counted(said("ann", "yes")) == {"ann": (1, 1, 0, 0), "bob": (0, 0, 1, 1)}
    assert counted(said("ann", "yes"), said("bob", "no")) == {"ann": (1, 1, 1, 0), "bob": (1, 0, 1, 1)}


def test_a_maybe_is_an_answer_and_no_yes() -> None:
    assert counted(said("ann", "maybe"))["bob"] == (0, 0, 1, 0)


def test_an_answer_that_is_changed_is_still_one_answer() -> None:
    assert counted(said("ann", "yes"), said("ann", "no")) == {"ann": (1, 0, 0, 0), "bob": (0, 0, 1, 0)}
    assert counted(said("ann", "no"), said("ann", "yes"))["ann"] == (1, 1, 0, 0)


def test_what_a_friend_says_again_counts_no_more_and_the_first_answer_may_still_be_changed() -> None:
    first = (said("ann", "yes"), said("bob", "yes"))
    assert counted(*first, said("ann", "no", "two")) == counted(*first)
    assert counted(*first, said("ann", "no", "two"), said("ann", "no"))["ann"] == (1, 0, 1, 1)


def test_with_an_answer_goes_what_spoke_for_it_beside_the_person_it_is_counted_for() -> None:
    given = said("ann", "yes").model_copy(update={"gives": 0.5, "gets": -0.25})
    told = {one.person: one for one in apply_outcome(None, given, 0)[1] if isinstance(one, ev.AnswerCounted)}
    assert (told["ann"].ease, told["bob"].ease) == (-0.25, 0.5)
    ann = apply_person(registered("ann"), told["ann"], 1, "GB")[0]
    assert (ann.gave, ann.gave_ease, ann.got_ease) == (1, -0.25, 0.0)
    pair = apply_outcome(None, given, 0)[0]
    changed = given.model_copy(update={"id": "again", "talk_again": "no"})
    assert [one.ease for one in apply_outcome(pair, changed, 1)[1] if isinstance(one, ev.AnswerCounted)] == [0.0, 0.0]


def test_the_pool_is_told_the_counts_and_not_who_said_what() -> None:
    event = ev.AnswerCounted(id="c", at=AT, person="ann", side="got", answers=1, yeses=1)
    row, sends = apply_person(registered("ann"), event, 1, "GB")
    (sent,) = sends
    assert isinstance(sent.event, ev.PersonEdited)
    assert (sent.event.features.got, sent.event.features.got_yes) == (1, 1)
    assert row.features() == sent.event.features


def test_a_row_from_before_answers_were_counted_is_read_and_never_falls_below_nought() -> None:
    old: dict[str, Any] = registered("ann").model_dump(mode="json")
    for name in ("gave", "gave_yes", "got", "got_yes"):
        del old[name]
    row = Person.model_validate(old)
    event = ev.AnswerCounted(id="c", at=AT, person="ann", side="gave", answers=0, yeses=-1)
    changed = apply_person(row, event, 9, "GB")[0]
    assert (changed.gave, changed.gave_yes) == (0, 0)
    assert Features(cell="51.5,-0.1", languages=("en",), age_band="75+").gave == 0


def test_who_is_erased_is_not_counted_any_more() -> None:
    row = apply_person(registered("ann"), ev.PersonErased(id="e", at=AT, person="ann"), 1, "GB")[0]
    event = ev.AnswerCounted(id="c", at=AT, person="ann", side="got", answers=1, yeses=1)
    assert apply_person(row, event, 2, "GB")[0].got == 0
