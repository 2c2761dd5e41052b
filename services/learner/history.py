"""The history as answers: who was offered to whom, what was known of both then, and what each said afterwards.

Place in the flow: Parquet of the archivist -> **history** -> answers. What cannot be read is left out and counted. What
an answer is joined with is what the pool knew when it made the offer, and never anything later.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from matcher.errors import BadEvent, BadRequest
from matcher.events import Event, ModelPromoted2, OutcomeGiven, PersonEdited, PersonWaiting, read_event
from matcher.features import Ints, bond_of, crowd, pair_columns
from matcher.invitation import Invitation
from matcher.model_file import ModelFile
from matcher.outcome import pair_key
from matcher.person import Features
from services.learner.answers import NOBODY, Answers

POOL_TYPES = ("person.waiting.v1", "person.edited.v1", "model.promoted.v2")
BATCH = 10_000


@dataclass(slots=True)
class History:
    """What was read: answers, whom they are about, who waited and who was called, the model in service."""

    answers: Answers
    people: list[Features]
    markets: list[str]
    called: Ints
    promoted: ModelFile | None
    left_out: Counter[str]


@dataclass(slots=True)
class Reading:
    """What is gathered on the way through the history."""

    market: str
    known: dict[str, list[tuple[int, Features]]] = field(default_factory=lambda: defaultdict(list))
    offers: dict[str, tuple[int, Invitation]] = field(default_factory=dict)
    said: dict[tuple[str, str], OutcomeGiven] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    promoted: ModelFile | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def pool(self, event: Event, offset: int) -> None:
        """An event of the pool's log."""
        if isinstance(event, PersonWaiting | PersonEdited) and event.features is not None:
            self.known[event.person].append((offset, event.features))
        elif isinstance(event, ModelPromoted2):
            self.promoted = event.promoted

    def invitation(self, row: Invitation) -> None:
        """A row of `invitations`; the first one of an invitation tells when it was offered."""
        if row.connected_wall is not None:
            self.called |= set(row.people)
        known = self.offers.get(row.invitation)
        if known is None or row.offset < known[0]:
            self.offers[row.invitation] = (row.offset, row)

    def outcome(self, event: OutcomeGiven) -> None:
        """What somebody said; a later answer replaces an earlier one."""
        self.said[event.invitation, event.person] = event

    def history(self) -> History:
        """Everything that was gathered, put together."""
        return _history(self)


def rows(folder: Path, topic: str, types: tuple[str, ...] = ()) -> Iterator[tuple[int, str]]:
    """Offset and JSON of each message of `topic`, oldest first in a partition; of `types` alone if any are named.

    The one place that knows how the archivist lays out its files: Parquet anywhere below `folder`, each with the
    columns topic, partition, offset, type and value; files that were merged but not yet removed hold rows twice.
    """
    import duckdb

    found = sorted(path for path in folder.rglob("*.parquet") if topic in (path.name.split(".")[0], path.parent.name))
    if not found:
        return
    wanted = "AND type IN (SELECT unnest(?))" if types else ""
    query = f"""SELECT "offset", any_value(value) FROM read_parquet(?) WHERE topic = ? AND value IS NOT NULL {wanted}
        GROUP BY partition, "offset" ORDER BY partition, "offset\""""
    try:
        asked = [[str(path) for path in found], topic, *([list(types)] if types else [])]
        cursor = duckdb.connect().execute(query, asked)
        while batch := cursor.fetchmany(BATCH):
            yield from batch
    except duckdb.Error as error:
        raise BadRequest(f"the history of {topic} cannot be read: {type(error).__name__}") from None


def read(folder: Path, market: str = "GB") -> History:
    """All answers of `market` in the history at `folder`. Raises BadRequest if there is no history."""
    if not folder.is_dir() or not any(folder.rglob("*.parquet")):
        raise BadRequest(f"there is no history at {folder}")
    reading = Reading(market)
    for offset, text in rows(folder, "pool", POOL_TYPES):
        _about_pool(reading, offset, text)
    for _, text in rows(folder, "invitations"):
        _about_invitation(reading, text)
    for _, text in rows(folder, "outcomes"):
        _about_outcome(reading, text)
    return reading.history()


def _about_pool(reading: Reading, offset: int, text: str) -> None:
    try:
        event = read_event("pool", text.encode())
    except BadEvent:
        reading.left_out["events of the pool that cannot be read"] += 1
        return
    if event.market == reading.market:
        reading.pool(event, offset)


def _about_invitation(reading: Reading, text: str) -> None:
    try:
        row = Invitation.model_validate_json(text)
    except ValidationError:
        reading.left_out["rows of invitations that cannot be read"] += 1
        return
    if row.market == reading.market:
        reading.invitation(row)


def _about_outcome(reading: Reading, text: str) -> None:
    try:
        reading.outcome(OutcomeGiven.model_validate_json(text))
    except ValidationError:
        reading.left_out["outcomes that cannot be read"] += 1


def _as_of(reading: Reading, person: str, offset: int) -> Features | None:
    """What the pool knew of `person` just before its event at `offset`."""
    known = reading.known.get(person, [])
    at = bisect_left(known, offset, key=lambda one: one[0])
    return known[at - 1][1] if at else None


def _history(reading: Reading) -> History:
    people = {person: at for at, person in enumerate(sorted(reading.known))}
    last = [reading.known[person][-1][1] for person in people]
    called = np.array([person in reading.called for person in people], dtype=np.int64)
    answers = _answers(reading, people, last)
    return History(answers, last, [reading.market] * len(last), called, reading.promoted, reading.left_out)


def _answers(reading: Reading, people: dict[str, int], last: list[Features]) -> Answers:
    told: list[tuple[OutcomeGiven, Invitation, Features, Features]] = []
    for (invitation, person), event in sorted(reading.said.items()):
        offset, row = reading.offers.get(invitation, (0, None))
        if row is None or set(row.people) != {person, event.other}:
            reading.left_out["outcomes without their invitation"] += 1
            continue
        mine, theirs = _as_of(reading, person, offset), _as_of(reading, event.other, offset)
        if mine is None or theirs is None:
            reading.left_out["outcomes of people of whom nothing is known"] += 1
            continue
        told.append((event, row, mine, theirs))
    told.sort(key=lambda one: (one[1].decided_wall, one[0].invitation, one[0].person))
    return _table(told, people, last)


def _table(
    told: list[tuple[OutcomeGiven, Invitation, Features, Features]], people: dict[str, int], last: list[Features]
) -> Answers:
    place = {(event.invitation, event.person): at for at, (event, *_) in enumerate(told)}
    # How two happen to fit is in all their talks: held out one by one, each would be foretold by the others.
    pairs: dict[str, int] = {}
    then = crowd([features for _, _, mine, theirs in told for features in (mine, theirs)])
    mine_at = 2 * np.arange(len(told), dtype=np.int64)
    bond = np.array([bond_of(said.person, mine, said.other, theirs) for said, _, mine, theirs in told], np.int8)
    return Answers(
        traits=crowd(last).traits(),
        giver=np.array([people[event.person] for event, *_ in told], dtype=np.int64),
        getter=np.array([people[event.other] for event, *_ in told], dtype=np.int64),
        yes=np.array([event.talk_again == "yes" for event, *_ in told], dtype=np.float64),
        back=np.array([place.get((event.invitation, event.other), NOBODY) for event, *_ in told], dtype=np.int64),
        columns=pair_columns(then, mine_at, mine_at + 1, bond),
        giver_before=then.counts.take(mine_at),
        getter_before=then.counts.take(mine_at + 1),
        gives=np.array([event.gives for event, *_ in told], dtype=np.float64),
        gets=np.array([event.gets for event, *_ in told], dtype=np.float64),
        at=np.array([row.decided_wall.timestamp() for _, row, *_ in told], dtype=np.float64),
        group=np.array([pairs.setdefault(pair_key(*row.people), len(pairs)) for _, row, *_ in told], dtype=np.int64),
    )
