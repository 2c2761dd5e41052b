"""A hand-made history of all topics for the checker's judge: what the processes would write, without any of them."""

import json
from itertools import count
from typing import Any

from services.checker.judge import Judge

WALL = "2026-11-23T09:00:{:06.3f}Z"
START_MS = 1_795_424_400_000


def at(seconds: float) -> str:
    return WALL.format(seconds)


class History:
    """Writes the messages that the processes would write, and shows them to a judge at once.

    The pool's log is one partition: `pool` gives the offset of each event, which rows then carry.
    """

    def __init__(self) -> None:
        self.judge = Judge("demo-")
        self._offsets: dict[str, count[int]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._did: dict[str, list[str]] = {}

    def say(self, topic: str, value: Any, timestamp_ms: int = START_MS) -> int:
        offset = next(self._offsets.setdefault(topic, count()))
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        self.judge.see(topic, 0, offset, timestamp_ms, b"key", raw)
        return offset

    def opened(self, availability: str, person: str, seconds: float = 0) -> int:
        offset = self.did(person, "availability.opened.v1", availability=availability, at=at(seconds))
        self.person(person, offset)
        return offset

    def did(self, person: str, kind: str, **event: Any) -> int:
        """An event of a person; without an `id` it is a new one."""
        did = self._did.setdefault(person, [])
        did.append(event.setdefault("id", f"{person}-{len(did)}"))
        return self.say("person-events", {"type": kind, "person": person, **event})

    def person(self, person: str, offset: int, recent: list[str] | None = None) -> None:
        """A row that names all that the person did so far, or `recent`."""
        named = list(dict.fromkeys(self._did.get(person, ()))) if recent is None else recent
        self.say("people", {"person": person, "offset": offset, "recent": named[-64:]})

    def tick(self) -> int:
        return self.say("pool", {"type": "tick.v1", "market": "GB"})

    def waiting(self, person: str, availability: str, *, timestamp_ms: int = START_MS, **change: Any) -> None:
        offset = change.pop("offset", None)
        row = {
            "person": person, "availability": availability, "also": [], "end": None, "features": {"blocks": []},
            "offset": self.tick() if offset is None else offset, **change,
        }  # fmt: skip
        self.say("waiting", row, timestamp_ms)

    def stood_and_ended(self, availability: str, person: str, end: str = "closed") -> None:
        self.opened(availability, person)
        self.waiting(person, availability)
        self.waiting(person, availability, end=end)

    def invitation(self, name: str, *, offset: int | None = None, **change: Any) -> int:
        """The next row of an invitation between a person called `a` and one called `b`; changes stay."""
        row = self._rows.setdefault(name, {
            "invitation": name, "market": "GB", "a": "a", "b": "b", "availability_a": "window-a",
            "availability_b": "window-b", "state": "offered", "rung": False, "answer_a": None, "answer_b": None,
            "decided_wall": at(0), "connected_wall": None,
        })  # fmt: skip
        row.update(change, offset=self.tick() if offset is None else offset)
        self.say("invitations", row)
        return int(row["offset"])

    def rung(self, name: str) -> int:
        event = {"type": "invitation.rung.v1", "market": "GB", "invitation": {"invitation": name}}
        return self.say("pool", event)

    def answer(self, name: str, person: str, answer: str) -> int:
        event = {"type": "invitation.answered.v1", "invitation": {"invitation": name}, "person": person}
        return self.say("pool", {**event, "answer": answer})

    def receipt(self, name: str, person: str, result: str, seconds: float) -> None:
        event = {"invitation": name, "person": person, "result": result, "channel": "live", "at": at(seconds)}
        self.say("receipts", event)

    def outcome(self, name: str, person: str, other: str, word: str, applied: bool = True) -> None:
        event = {"invitation": name, "person": person, "other": other, "talk_again": word}
        offset = self.say("outcomes", event)
        if applied:
            self.say("pairs", {"a": "a", "b": "b", "offset": offset})

    def letter(self, topic: str, offset: int, name: str = "letter-1") -> None:
        letter = {"kind": "letter", "id": name, "source_topic": f"demo-{topic}", "partition": 0, "offset": offset}
        self.say("dead-letters", letter)

    def confirmed(self, name: str = "one") -> None:
        """Offered, rung, and both accept."""
        self.invitation(name)
        self.invitation(name, offset=self.rung(name), state="rung", rung=True)
        self.invitation(name, offset=self.answer(name, "a", "accept"), state="accepted", answer_a="accept")
        self.invitation(name, offset=self.answer(name, "b", "accept"), state="confirmed", answer_b="accept")

    def call(self, name: str = "one") -> None:
        """A call from the offer to the hang-up, with audio both ways."""
        self.confirmed(name)
        self.invitation(name, connected_wall=at(9))
        self.invitation(name, state="ended")

    def report(self) -> dict[str, Any]:
        return self.judge.report()


def faultless(report: dict[str, Any]) -> bool:
    return report["lost"] == 0 and report["double_booked"] == 0 and report["violations"] == []


def both_stand(history: History) -> None:
    for name in ("a", "b"):
        history.opened(f"window-{name}", name)
        history.waiting(name, f"window-{name}")
