"""The dashboard's figures: every message of the topics goes in, what operators see comes out.

Place in the flow: all topics -> reading -> **Figures** -> board. It counts by itself and shares nothing with the
checker, so that two independent counts can be compared. Memory is bounded: rows that can still change, and a named
number of those before them. The reader's thread and the board's may both come in.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from matcher.availability import Waiting
from matcher.events import OutcomeGiven
from matcher.invitation import Invitation
from matcher.outcome import Pair
from services.adapters.dead_letters import DeadLetter, Mark
from services.dashboard.invitations import Bonds, Invitations
from services.dashboard.letters import Concerns, Letters
from services.dashboard.windows import Windows
from services.topics import DEAD_LETTERS, INVITATIONS, MODELS, OUTCOMES, PAIRS, PEOPLE, POOL, WAITING

TOPICS = (POOL, PEOPLE, WAITING, INVITATIONS, PAIRS, OUTCOMES, DEAD_LETTERS, MODELS)
TOTALS = (
    "offered", "rung", "accepts", "accepted_both", "connected", "both_would_talk_again", "declined", "expired",
    "voided",
)  # fmt: skip

_LETTER: TypeAdapter[DeadLetter | Mark] = TypeAdapter(DeadLetter | Mark)


class Figures:
    """All that was counted so far."""

    def __init__(self, now: Callable[[], datetime], prefix: str = "") -> None:
        """`now` is domain time; `prefix` is what stands before the names of topics on this Kafka."""
        self._now = now
        self._prefix = prefix
        self._lock = threading.Lock()
        self._windows = Windows()
        self._invitations = Invitations(self._windows)
        self._letters, self._concerns = Letters(), Concerns()
        self._bonds = Bonds()
        self._unreadable: Counter[str] = Counter()
        self._since_ms: int | None = None
        self._take: dict[str, Callable[[str, int, bytes], None]] = {
            POOL.name: self._pool,
            PEOPLE.name: self._person,
            WAITING.name: self._waiting,
            INVITATIONS.name: self._invitation,
            PAIRS.name: self._pair,
            OUTCOMES.name: self._outcome,
            DEAD_LETTERS.name: self._letter,
            MODELS.name: self._model,
        }
        self._models: dict[str, tuple[int, dict[str, Any]]] = {}

    def see(self, messages: list[tuple[str, Any]]) -> None:
        """Messages, each with its topic's declared name; of one partition in their order, tombstones too."""
        with self._lock:
            for topic, record in messages:
                self._see(topic, record.offset, record.timestamp, record.key, record.value)

    def shown(self) -> dict[str, Any]:
        """The figures as they stand, by section."""
        with self._lock:
            return {
                "now": self._shown_now(),
                "totals": {
                    "opened": self._windows.opened,
                    **{name: self._invitations.sums[name] for name in TOTALS},
                    "bonds": self._bonds.count,
                },
                "ends": dict(sorted(self._windows.ends.items())),
                "waits": {
                    "until_rung": self._windows.until_rung.shown(), "until_call": self._windows.until_call.shown(),
                },
                "letters": self._letters.shown(),
                "concerns": self._concerns.shown(),
                "models": {market: told for market, (_, told) in sorted(self._models.items())},
                "unreadable": dict(sorted(self._unreadable.items())),
                "counted_since": _iso(self._since_ms),
            }  # fmt: skip

    def _shown_now(self) -> dict[str, Any]:
        busy = self._invitations.busy()
        now = self._now()
        free = self._windows.open_now(busy, now)
        waiting = [one for person, one in free.items() if person not in busy]
        longest_s = max((round((now - one.since).total_seconds()) for one in waiting), default=None)
        return {"open": len(free), "waiting": len(waiting), "longest_wait_s": longest_s, **self._invitations.now()}

    def _see(self, topic: str, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> None:
        self._since_ms = timestamp_ms if self._since_ms is None else min(self._since_ms, timestamp_ms)
        name = (key or b"").decode(errors="replace")
        if value is None:
            if topic == WAITING.name:
                self._windows.forget(name)
            return
        try:
            self._take[topic](name, offset, value)
        except (ValueError, KeyError, TypeError):  # ValidationError is a ValueError
            self._unreadable[topic] += 1

    # --- one reader a topic ---

    def _pool(self, _: str, __: int, value: bytes) -> None:
        # The busiest topic: of its events only one kind is wanted, so the others are not even decoded.
        if b"invitation.rung.v1" in value:
            event = json.loads(value)
            if event["type"] == "invitation.rung.v1":
                self._invitations.ring(event["invitation"]["invitation"])

    def _person(self, name: str, _: int, value: bytes) -> None:
        self._concerns.row(name, value)

    def _waiting(self, _: str, __: int, value: bytes) -> None:
        self._windows.row(Waiting.model_validate_json(value))

    def _invitation(self, _: str, __: int, value: bytes) -> None:
        self._invitations.row(Invitation.model_validate_json(value))

    def _pair(self, name: str, _: int, value: bytes) -> None:
        self._bonds.row(name, Pair.model_validate_json(value))

    def _outcome(self, _: str, offset: int, value: bytes) -> None:
        event = OutcomeGiven.model_validate_json(value)
        self._invitations.outcome(event.invitation, event.person, event.talk_again, offset)

    def _model(self, market: str, _: int, value: bytes) -> None:
        # Of a market that is not here no model was ever promoted: its pool scores with the fallback.
        row = json.loads(value)
        promoted = row["promoted"]
        if row["offset"] > self._models.get(market, (-1, {}))[0]:
            told = {name: promoted[name] for name in ("version", "learned_until", "answers")}
            self._models[market] = (row["offset"], told)

    def _letter(self, _: str, __: int, value: bytes) -> None:
        self._letters.add(_LETTER.validate_json(value), self._prefix)


def _iso(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat("T", "seconds")
