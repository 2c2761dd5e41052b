"""The judge: every message that anybody wrote goes in, the figures of the whole run come out.

Place in the flow: all topics -> **judge** -> `partyline demo`, chaos tests. It shares no code with what it checks: it
reads plain JSON, knows only what the topics promise, and takes messages of different partitions in any order.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from services.checker.inputs import Inputs
from services.checker.offers import Answer, Offers
from services.checker.times import milliseconds, percentiles
from services.checker.windows import FAULT_LIMIT, Windows

TOPICS = (
    "person-events", "people", "pool", "waiting", "invitations", "pairs", "receipts", "calls", "outcomes",
    "dead-letters",
)  # fmt: skip
"""What the judge has to see, from the first message on."""
INPUTS = frozenset({"person-events", "pool", "calls", "outcomes"})
"""What comes in from outside: a message that cannot be read there has to be a dead letter."""
LOGS = INPUTS | {"dead-letters"}
"""Topics that are never compacted: an offset that is missing was missed."""
CALL_EVENTS = frozenset({"leg.heard.v1", "leg.hung_up.v1", "call.bridged.v1"})
VIOLATION_LIMIT = 20
LIVE_CHANNEL = "live"

Message = tuple[str, int, int, int]
"""Topic, partition, offset, Kafka's timestamp in milliseconds."""


class Judge:
    """Sees messages, partition by partition in order, and reports what was promised and what was kept."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix` is what dead letters put before the names of topics."""
        self._prefix = prefix
        self._windows = Windows()
        self._offers = Offers()
        self._inputs = Inputs()
        self._faults: deque[str] = deque(maxlen=FAULT_LIMIT)
        self._next: dict[tuple[str, int], int] = {}
        self._read: dict[str, Callable[[Message, dict[str, Any]], None]] = {
            "person-events": self._person_event,
            "people": self._person,
            "pool": self._pool_event,
            "waiting": self._waiting,
            "invitations": self._invitation,
            "pairs": self._pair,
            "receipts": self._receipt,
            "calls": self._call_event,
            "outcomes": self._outcome,
            "dead-letters": self._dead_letter,
        }

    def see(
        self, topic: str, partition: int, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None
    ) -> None:
        """One message; `topic` is the declared name, without a prefix. A tombstone only forgets."""
        if not self._in_turn(topic, partition, offset):
            return
        if value is None and topic not in LOGS:
            return
        try:
            self._read[topic]((topic, partition, offset, timestamp_ms), _object(value))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._unreadable(topic, partition, offset)

    def answered_2xx(self, availability: str, posted_ms: int | None = None) -> None:
        """The town's own record: this request was answered 2xx, and its POST began then."""
        self._windows.answered_2xx(availability, posted_ms)

    def expect_town(self) -> None:
        """The town keeps a record, even if it is empty so far: only what it holds was promised anything."""
        self._windows.town_known = True

    def report(self) -> dict[str, Any]:
        """The figures as they stand; what is still under way counts as lost, so the last report is the truth."""
        double_booked, doubles = self._offers.double_booked()
        windows = list(self._windows.lost(self._inputs.letters))
        places = {place for _, where, _ in windows for place in where}
        endless = self._offers.endless()
        inputs = [*self._inputs.lost(places), *self._offers.unapplied(self._inputs.letters)]
        figures = self._offers.figures()
        lost = [*(sentence for *_, sentence in windows), *endless, *inputs]
        broken = [*self._faults, *self._windows.faults, *self._offers.faults, *self._offers.without_accepts()]
        return {
            "opened": self._windows.opened,
            **{name: figures[name] for name in ("offered", "rung", "accepted_both", "connected")},
            **{name: figures[name] for name in ("both_would_talk_again", "expired", "declined", "voided")},
            "double_booked": double_booked,
            "lost": len(lost),
            "lost_of": {"availabilities": len(windows), "invitations": len(endless), "inputs": len(inputs)},
            "ended_twice": self._windows.ended_twice(),
            "dead_letters": self._inputs.dead_letters,
            "offer_delivery_ms": percentiles(self._offers.delivery_ms()),
            "intake_ms": percentiles(self._windows.intake_ms()),
            "offers_met_offline": figures["offers_met_offline"],
            "open_now": {"windows": self._windows.open_now, "invitations": len(endless), "calls": figures["in_calls"]},
            "violations": [*broken, *doubles, *lost][:VIOLATION_LIMIT],
        }

    # --- one reader a topic ---

    def _person_event(self, message: Message, event: dict[str, Any]) -> None:
        topic, partition, offset, _ = message
        self._inputs.said((topic, partition, event["person"]), event["id"], offset)
        if event["type"] == "availability.opened.v1":
            self._windows.requested(event["availability"], message[:3], milliseconds(event["at"]))

    def _person(self, message: Message, row: dict[str, Any]) -> None:
        self._inputs.shown(("person-events", message[1], row["person"]), row["recent"])

    def _pool_event(self, message: Message, event: dict[str, Any]) -> None:
        match event["type"]:
            case "invitation.rung.v1":
                self._offers.rung(event["invitation"]["invitation"], event["market"], message[2])
            case "invitation.answered.v1":
                answer = Answer(message[:3], event["person"], event["answer"])
                self._offers.answered(event["invitation"]["invitation"], answer)

    def _waiting(self, message: Message, row: dict[str, Any]) -> None:
        self._windows.row(row, message[3])

    def _invitation(self, message: Message, row: dict[str, Any]) -> None:
        offer = self._offers.row(row)
        if offer is None:
            return
        if offer.state == "ended" and row["connected_wall"] is not None:
            for availability in offer.availabilities:
                self._windows.called(offer.invitation, availability)
        a, b = offer.people
        blocked = self._windows.blocked(a, b, offer.offset) or self._windows.blocked(b, a, offer.offset)
        if offer.state == "offered" and blocked:
            self._faults.append(f"invitation {offer.invitation} pairs somebody with a person they blocked")

    def _pair(self, message: Message, row: dict[str, Any]) -> None:
        self._inputs.applied(("outcomes", message[1], _pair_name(row["a"], row["b"])), row["offset"])

    def _receipt(self, message: Message, event: dict[str, Any]) -> None:
        if event["channel"] == LIVE_CHANNEL:
            self._offers.receipt(event["invitation"], event["person"], event["result"], milliseconds(event["at"]))

    def _call_event(self, message: Message, event: dict[str, Any]) -> None:
        # What a leg says leaves no row that names it, so all that can be asked is whether it could be read.
        if event["type"] not in CALL_EVENTS or not isinstance(event["invitation"]["invitation"], str):
            raise ValueError("not an event of a call")

    def _outcome(self, message: Message, event: dict[str, Any]) -> None:
        topic, partition, offset, _ = message
        self._inputs.arrived((topic, partition, _pair_name(event["person"], event["other"])), offset)
        self._offers.outcome(event["invitation"], event["person"], event["talk_again"], offset)

    def _dead_letter(self, message: Message, letter: dict[str, Any]) -> None:
        if letter["kind"] == "letter":
            place = (letter["source_topic"].removeprefix(self._prefix), letter["partition"], letter["offset"])
            self._inputs.letter(letter["id"], place)

    # --- what cannot be read ---

    def _in_turn(self, topic: str, partition: int, offset: int) -> bool:
        expected = self._next.get((topic, partition), 0)
        if offset < expected:
            return False
        if offset > expected and topic in LOGS:
            self._faults.append(f"the checker missed {topic}/{partition} from {expected} to {offset - 1}")
        self._next[topic, partition] = offset + 1
        return True

    def _unreadable(self, topic: str, partition: int, offset: int) -> None:
        if topic in INPUTS:
            self._inputs.unreadable((topic, partition, offset))
        else:
            self._faults.append(f"the message at {topic}/{partition}/{offset} cannot be read")


def _object(value: bytes | None) -> dict[str, Any]:
    found = json.loads(value or b"null")
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _pair_name(a: str, b: str) -> str:
    return "|".join(sorted((a, b)))
