"""What each of a person's events does to their row and says to the pool."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher import events as ev
from matcher.enrich import Send, apply_person
from matcher.person import CALLS_LIMIT, Person, Profile

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
PROFILE = Profile(first_name="Ann", adult=True, area="N1", cell="51.5,-0.1", languages=("en",), age_band="50-64")
REGISTERED = ev.PersonRegistered(id="r", at=AT, person="ann", phone="+440", profile=PROFILE)


def window(key: str = "w") -> ev.AvailabilityOpened:
    until = AT + timedelta(minutes=20)
    return ev.AvailabilityOpened(id=key, at=AT, person="ann", availability=f"av-{key}", opened_at=AT, until=until)


def told(kind: type[ev.PersonEvent], key: str, **more: Any) -> ev.PersonEvent:
    return kind(id=key, at=AT, person="ann", **more)


def after(*events: ev.PersonEvent) -> tuple[Person, list[Send]]:
    row, sends = None, []
    for offset, event in enumerate(events):
        row, sends = apply_person(row, event, offset, "GB")
    assert row is not None
    return row, sends


def only(sends: list[Send]) -> Any:
    assert len(sends) == 1
    return sends[0].event


def test_a_window_goes_to_the_pool_with_what_the_pool_may_know_and_no_more() -> None:
    waiting = only(after(REGISTERED, window())[1])
    assert (waiting.availability, waiting.seq, waiting.refused) == ("av-w", 1, None)
    assert waiting.features.cell == PROFILE.cell
    wire = waiting.model_dump_json()
    assert "Ann" not in wire
    assert "+440" not in wire


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ([], "unknown"),
        ([REGISTERED, told(ev.PersonPaused, "p")], "paused"),
        ([REGISTERED, told(ev.PersonHeld, "h", by="bob", invitation="one", what="unkind")], "held"),
        ([REGISTERED, told(ev.PersonErased, "e")], "erased"),
    ],
)
def test_who_cannot_wait_is_refused_with_the_reason(before: list[ev.PersonEvent], why: str) -> None:
    assert only(after(*before, window())[1]).refused == why


def test_who_has_resumed_can_wait_again() -> None:
    row, sends = after(REGISTERED, told(ev.PersonPaused, "p"), told(ev.PersonResumed, "q"), window())
    assert not row.paused
    assert only(sends).refused is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(ev.AvailabilityClosed, "closed"), (ev.PersonPaused, "paused"), (ev.PersonErased, "erased")],
)
def test_who_leaves_leaves_the_pool_for_that_reason(kind: type[ev.PersonEvent], reason: str) -> None:
    assert only(after(REGISTERED, told(kind, "x"))[1]).reason == reason


def test_a_concern_blocks_at_once_and_holds_the_other_with_the_words_kept_out_of_the_pool() -> None:
    concern = told(ev.ConcernRaised, "c", other="bob", invitation="one", what="he shouted")
    row, sends = after(REGISTERED, concern)
    assert row.blocks == ("bob",)
    held, edited = (send.event for send in sends)
    assert isinstance(held, ev.PersonHeld)
    assert (held.person, held.by, held.what) == ("bob", "ann", "he shouted")
    assert isinstance(edited, ev.PersonEdited)
    assert edited.features.blocks == ("bob",)
    assert "shouted" not in edited.model_dump_json()


def test_whoever_is_held_is_held_after_erasing_and_coming_back() -> None:
    held = told(ev.PersonHeld, "h", by="bob", invitation="one", what="unkind")
    again = REGISTERED.model_copy(update={"id": "r2"})
    row, _ = after(REGISTERED, held, told(ev.PersonErased, "e"), again)
    assert row.held
    assert row.why_not() == "held"


def test_erasing_leaves_neither_name_number_nor_anybody_they_knew() -> None:
    row, _ = after(REGISTERED, told(ev.PersonBlocked, "b", other="eve"), told(ev.PersonErased, "e"))
    assert (row.phone, row.profile, row.blocks, row.concerns, row.erased) == (None, None, (), (), True)


def test_a_block_ends_a_bond() -> None:
    bond, firm = (told(ev.BondChanged, str(firm), other="bob", bond=True, firm=firm) for firm in (False, True))
    blocked = told(ev.PersonBlocked, "x", other="bob")
    for order in ((bond, blocked), (bond, blocked, firm), (blocked, bond)):
        row, _ = after(REGISTERED, *order)
        assert (row.bonds, row.blocks) == ((), ("bob",))


def test_a_bond_that_grows_firm_keeps_its_place_and_names_nobody_to_an_erased_person() -> None:
    bob, cat = (told(ev.BondChanged, name, other=name, bond=True) for name in ("bob", "cat"))
    firm = told(ev.BondChanged, "f", other="bob", bond=True, firm=True)
    assert after(REGISTERED, bob, cat, firm)[0].bonds == ("bob", "cat")
    row, _ = after(REGISTERED, bob, told(ev.PersonErased, "e"), firm)
    assert (row.bonds, row.firm) == ((), ())


def test_the_pool_is_told_of_a_bond_that_grows_firm_and_of_none_that_is_over() -> None:
    bond, firm = (told(ev.BondChanged, str(firm), other="bob", bond=True, firm=firm) for firm in (False, True))
    assert after(REGISTERED, bond)[0].features().firm == ()
    row, sent = after(REGISTERED, bond, firm)
    assert row.features().firm == ("bob",)
    assert sent[-1].event.features == row.features()
    for over in (told(ev.PersonBlocked, "x", other="bob"), told(ev.BondChanged, "y", other="bob", bond=False)):
        assert after(REGISTERED, bond, firm, over)[0].features().firm == ()


def test_a_lifted_block_is_told_to_the_pool_and_one_that_came_with_a_report_stays() -> None:
    blocked, lifted = told(ev.PersonBlocked, "b", other="bob"), told(ev.PersonUnblocked, "u", other="bob")
    row, sends = after(REGISTERED, blocked, lifted)
    assert row.blocks == ()
    assert only(sends).features.blocks == ()
    raised = told(ev.ConcernRaised, "c", other="bob", invitation="one", what="unkind")
    for events in ((raised, lifted), (blocked, raised, lifted), (raised, blocked, lifted)):
        row, sends = after(REGISTERED, *events)
        assert (row.blocks, row.reported, sends) == (("bob",), ("bob",), [])


def test_a_call_is_remembered_with_its_end_and_its_length_and_an_old_event_without() -> None:
    calls = [
        told(ev.PersonMet, f"m{number}", other="bob", ended_at=AT, talked_s=number) for number in range(CALLS_LIMIT + 5)
    ]
    row, _ = after(REGISTERED, *calls, told(ev.PersonMet, "old", other="eve"))
    assert (row.met, len(row.calls), row.calls[-1].talked_s) == (("bob", "eve"), CALLS_LIMIT, CALLS_LIMIT + 4)
    row, _ = after(REGISTERED, told(ev.PersonErased, "e"), calls[0])
    assert (row.met, row.calls) == ((), ())


def test_an_edit_that_the_pool_cannot_see_is_not_told_to_it() -> None:
    renamed = PROFILE.model_copy(update={"first_name": "Anna"})
    assert after(REGISTERED, told(ev.PersonChanged, "x", profile=renamed))[1] == []


def test_a_request_that_comes_again_is_not_obeyed_again() -> None:
    paused, resumed = told(ev.PersonPaused, "p"), told(ev.PersonResumed, "q")
    row, sends = after(REGISTERED, paused, resumed, paused)
    assert not row.paused
    assert sends == []
    assert row.offset == 3


def test_a_redelivered_event_says_nothing_and_the_same_event_says_the_same_with_the_same_ids() -> None:
    row, _ = after(REGISTERED)
    changed, first = apply_person(row, window(), 1, "GB")
    assert apply_person(row, window(), 1, "GB") == (changed, first)
    assert apply_person(changed, window(), 1, "GB") == (changed, [])


def test_only_so_many_requests_are_remembered() -> None:
    row = None
    for offset in range(5):
        row, _ = apply_person(row, told(ev.PersonPaused, f"p{offset}"), offset, "GB", remember=2)
    assert row is not None
    assert row.recent == ("p3", "p4")
