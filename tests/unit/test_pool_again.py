"""A pool made again from its rows decides as the one that lived through all of it: a writer that lost its partition
without noticing, and the one that took over, choose alike."""

from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest

from matcher.availability import Waiting
from matcher.candidates import CANDIDATES_PER_PERSON
from matcher.events import InvitationAnswered, InvitationRung, PersonLeft, PersonWaiting, PoolEvent, Tick
from matcher.invitation import Invitation
from matcher.patience import FEW
from matcher.person import AGE_BANDS, TOPICS, Features
from matcher.pool import Change, Forgotten, Pool, write_order
from matcher.prices import Prices
from matcher.search import ALL_LOOKED_AT
from matcher.solve import EXACT_PEOPLE

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
TICKS, EVERY_S, EACH_NTH = 45, 10, 3
FREE = Prices(minute_costs=0.0, call_counts=0.0)
"""Where waiting costs nothing most of a crowd is held back."""
EACH_TICK = 5
Rows = dict[str, Waiting | Invitation]


def features(dice: Random, number: int) -> Features:
    return Features.model_validate(
        {
            "cell": f"{dice.randint(514, 516) / 10},{dice.randint(-3, 1) / 10}", "languages": ("en",),
            "age_band": dice.choice(AGE_BANDS), "likes": tuple(dice.sample(TOPICS, dice.randint(1, 6))),
            "gender": dice.choice(["woman", "man"]), "wishes": dice.choice([(), (), (), ("same_gender",)]),
            "bonds": dice.choice([(), (f"p-{number // 2:03d}",)]),
        }
    )  # fmt: skip


def evening(seed: int, answers: float) -> Generator[PoolEvent, list[Change], None]:
    """Some come before each tick and stay for half an hour or less; the changes of each event are sent in."""
    dice, number, rung = Random(seed), 0, 0
    for tick in range(TICKS):
        at = NOW + timedelta(seconds=tick * EVERY_S)
        for _ in range(dice.randint(0, 2 * EACH_TICK)):
            number += 1
            until = at + timedelta(minutes=dice.randint(5, 30))
            yield PersonWaiting(
                id=f"w-{number}", at=at, market="GB", person=f"p-{number % 997:03d}", seq=number,
                availability=f"av-{number}", opened_at=at, until=until, posted_at=at, company="either",
                features=features(dice, number),
            )  # fmt: skip
        changes = yield Tick(id=f"t-{tick}", at=at, market="GB", now=at, wall=at)
        for row in changes:
            if not isinstance(row, Invitation) or row.state != "offered":
                continue
            rung += 1
            yield InvitationRung(id=f"r-{rung}", at=at, market="GB", invitation=row, token=rung)
            for person in row.people:
                if dice.random() < answers:
                    yield InvitationAnswered(
                        id=f"a-{rung}-{person}", at=at, market="GB", invitation=row, person=person,
                        answer=dice.choice(["accept"] * 9 + ["decline"]),
                    )  # fmt: skip
                elif dice.random() < 0.2:
                    number += 1
                    yield PersonLeft(id=f"l-{number}", at=at, market="GB", person=person, seq=number, reason="closed")


def keep(rows: Rows, changes: Iterable[Change]) -> None:
    for change in changes:
        if isinstance(change, Forgotten):
            rows.pop(change.key)
        elif isinstance(change, Waiting):
            rows[change.person] = change
        elif isinstance(change, Invitation):
            rows[change.invitation] = change


def lived(seed: int, answers: float) -> Iterator[tuple[Tick, int, Rows, list[Change], int]]:
    """Each tick, the rows before it, what it changed, and how many could be asked."""
    pool, rows, played, changes = Pool("GB", patience=FREE), {}, evening(seed, answers), []
    event = next(played)
    offset = 0
    while True:
        before = dict(rows) if isinstance(event, Tick) else {}
        changes = pool.apply(event, offset)
        if isinstance(event, Tick):
            yield event, offset, before, changes, len(pool._askable._candidates.standing)
        keep(rows, changes)
        offset += 1
        try:
            event = played.send(changes) if isinstance(event, Tick) else next(played)
        except StopIteration:
            return


def offers(changes: Iterable[Change]) -> list[Invitation]:
    return [row for row in changes if isinstance(row, Invitation) and row.state == "offered"]


SOME, OTHERS = (1, 0.9), (3, 0.7)


def test_looks_candidates_and_matching_agree_on_what_is_few() -> None:
    assert FEW == ALL_LOOKED_AT == EXACT_PEOPLE["fast"]


@pytest.mark.parametrize(("seed", "answers"), [SOME, OTHERS])
def test_a_pool_made_again_before_any_tick_decides_as_the_one_that_was_there(seed: int, answers: float) -> None:
    most = held_back = 0
    for tick, offset, before, changes, standing in islice(lived(seed, answers), 1, None, EACH_NTH):
        again = Pool("GB", before.values(), FREE).apply(tick, offset)
        assert offers(again) == offers(changes), tick.id
        most = max(most, standing)
        held_back += len(offers(changes)) <= standing // 4
    assert CANDIDATES_PER_PERSON + 1 < most <= FEW
    assert held_back > TICKS // EACH_NTH // 3


def test_a_tick_that_was_written_in_part_is_completed_as_it_began() -> None:
    cut = 0
    for tick, offset, before, changes, _ in islice(lived(*SOME), 2, None, EACH_NTH):
        writes = write_order(changes)
        ahead = sum(isinstance(row, Invitation) for row in writes) - len(offers(changes)) // 2
        if len(offers(changes)) < 2:
            continue
        written, rest = writes[:ahead], writes[ahead:]
        rows = dict(before)
        keep(rows, written)
        again = write_order(Pool("GB", rows.values(), FREE).apply(tick, offset))
        assert offers(again) == offers(rest), tick.id
        cut += 1
    assert cut > 5
