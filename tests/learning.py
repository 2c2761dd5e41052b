"""A made-up history in which the truth is known: people, offers and answers as the archivist would have kept them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matcher.events import Event, OutcomeGiven, PersonWaiting
from matcher.features import crowd, pair_columns
from matcher.invitation import Invitation
from matcher.person import AGE_BANDS, TOPICS, Features
from matcher.values import Row, wire

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Truth:
    """What holds in the made-up town: log odds of a yes, spreads of people, and what both answers share."""

    intercept: float = -1.2
    weights: dict[str, float] = field(default_factory=lambda: {"near": 1.5, "shared_likes": 1.5})
    gives_sd: float = 0.8
    gets_sd: float = 0.6
    together: float = 0.0


def features(dice: np.random.Generator, **counts: int) -> Features:
    cell = f"{51.0 + dice.integers(0, 4) / 10:.1f},{dice.integers(0, 4) / 10:.1f}"
    likes = tuple(dice.choice(TOPICS, 5, replace=False).tolist())
    return Features(cell=cell, languages=("en",), age_band=str(dice.choice(AGE_BANDS)), likes=likes, **counts)  # type: ignore[arg-type]


class Town:
    """Writes the history of `talks` between random people under `truth`."""

    def __init__(self, truth: Truth, people: int, talks: int, seed: int = 1, one_sided: float = 0.1) -> None:
        self.dice = np.random.default_rng(seed)
        self.rows: dict[str, list[tuple[int, str | None, bytes]]] = {"pool": [], "invitations": [], "outcomes": []}
        self.names = [f"p{number:04d}" for number in range(people)]
        self.features = {name: features(self.dice) for name in self.names}
        self.counts = {name: [0, 0, 0, 0] for name in self.names}
        self.gives = dict(zip(self.names, self.dice.normal(0, truth.gives_sd, people), strict=True))
        self.gets = dict(zip(self.names, self.dice.normal(0, truth.gets_sd, people), strict=True))
        for talk in range(talks):
            self._talk(truth, talk, one_sided)

    def _talk(self, truth: Truth, talk: int, one_sided: float) -> None:
        a, b = sorted(self.dice.choice(self.names, 2, replace=False).tolist())
        at = START + timedelta(minutes=10 * talk)
        for person in (a, b):
            self._waits(person, at, talk)
        invitation = self._offered(a, b, at, talk)
        logit = self._logit(truth, a, b)
        pair_shared = self.dice.normal(0, truth.together)
        answers = []
        for person, other in ((a, b), (b, a)):
            chance = 1 / (1 + np.exp(-(logit + pair_shared + self.gives[person] + self.gets[other])))
            answers.append((person, other, bool(self.dice.random() < chance)))
        if self.dice.random() < one_sided:
            answers.pop(int(self.dice.integers(0, 2)))
        for person, other, yes in answers:
            self._answers(invitation, person, other, yes, at + timedelta(minutes=9))

    def _logit(self, truth: Truth, a: str, b: str) -> float:
        columns = pair_columns(crowd([self.features[a], self.features[b]]), np.array([0]), np.array([1]))
        return truth.intercept + sum(weight * float(columns[name][0]) for name, weight in truth.weights.items())

    def _waits(self, person: str, at: datetime, talk: int) -> None:
        gave, gave_yes, got, got_yes = self.counts[person]
        known = self.features[person].model_copy(
            update={"gave": gave, "gave_yes": gave_yes, "got": got, "got_yes": got_yes}
        )
        event = PersonWaiting(
            id=f"w-{person}-{talk}", at=at, market="GB", person=person, seq=talk, availability=f"av-{person}-{talk}",
            opened_at=at, until=at + timedelta(minutes=30), company="either", posted_at=at, features=known,
        )  # fmt: skip
        self.say("pool", event)

    def _offered(self, a: str, b: str, at: datetime, talk: int) -> str:
        row = Invitation(
            offset=len(self.rows["pool"]), invitation=f"inv-{talk}", market="GB", a=a, b=b, topic="books", reasons=(),
            availability_a=f"av-{a}-{talk}", availability_b=f"av-{b}-{talk}", score=0.3, decided_wall=at,
            answer_by_wall=at, until=at + timedelta(minutes=30), pool_now=at, pool_wall=at, connected_wall=at,
        )  # fmt: skip
        self.say("invitations", row)
        return row.invitation

    def _answers(self, invitation: str, person: str, other: str, yes: bool, at: datetime) -> None:
        said: Any = "yes" if yes else str(self.dice.choice(["no", "maybe"]))
        key = f"o-{invitation}-{person}"
        about: dict[str, Any] = {"invitation": invitation, "person": person, "other": other}
        self.say("outcomes", OutcomeGiven(id=key, at=at, talk_again=said, **about))
        for who, place in ((person, 0), (other, 2)):
            self.counts[who][place] += 1
            self.counts[who][place + 1] += yes

    def say(self, topic: str, value: Event | Row) -> None:
        self.raw(topic, getattr(value, "type", None), wire(value))

    def raw(self, topic: str, kind: str | None, value: bytes) -> None:
        self.rows[topic].append((len(self.rows[topic]), kind, value))

    def write(self, folder: Path) -> Path:
        """The history's files, one a topic, with the columns that the archivist writes."""
        folder.mkdir(parents=True, exist_ok=True)
        for topic, rows in self.rows.items():
            table = pa.table(
                {
                    "topic": [topic] * len(rows),
                    "partition": pa.array([0] * len(rows), pa.int32()),
                    "offset": pa.array([offset for offset, *_ in rows], pa.int64()),
                    "timestamp": pa.array([START] * len(rows), pa.timestamp("ms", tz="UTC")),
                    "key": ["key"] * len(rows),
                    "type": pa.array([kind for _, kind, _ in rows], pa.string()),
                    "value": [value.decode() for *_, value in rows],
                }
            )
            pq.write_table(table, folder / f"{topic}.00.{0:015d}-{max(len(rows) - 1, 0):015d}.parquet")
        return folder


