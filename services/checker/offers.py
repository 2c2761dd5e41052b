"""The checker's book of invitations: their ends, answers, deliveries, outcomes, and who was rung for two at once.

Place in the flow: invitations, pool, receipts and outcomes -> **offers** -> judge. What happened first is judged by
the offsets of the pool's log alone: a ring's event and the row that ended an invitation stand in one order.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

from services.checker.times import milliseconds
from services.checker.windows import FAULT_LIMIT, SAMPLE_LIMIT, Place

SETTLED_LIMIT = 20_000
"""Ended invitations that are still watched; older ones live on as numbers only."""
DROPPED_LIMIT = 100_000
"""Ids of those older ones, so that late news of them is not taken for news of an unknown invitation."""
ENDS = frozenset({"declined", "expired", "voided", "ended"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in the pool's log."""

    place: Place
    person: str
    answer: str


@dataclass(slots=True)
class Offer:
    """One invitation as the topics tell of it; `rung_at` and `ended_at` are pool offsets."""

    invitation: str
    market: str = ""
    people: tuple[str, ...] = ()
    availabilities: tuple[str, ...] = ()
    offset: int = -1
    state: str = ""
    decided_ms: int = 0
    rung_at: int | None = None
    ended_at: int | None = None
    confirmed: bool = False
    connected: bool = False
    shown: dict[str, str | None] = field(default_factory=dict)
    accepts: set[str] = field(default_factory=set)
    open_answers: list[Answer] = field(default_factory=list)
    held_ms: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    said: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def both_would(self) -> bool:
        """Whether both people's latest word is yes."""
        return sum(word == "yes" for _, word in self.said.values()) == 2

    @property
    def delivery_ms(self) -> int | None:
        """From the deciding tick until both live channels held it."""
        both = self.people and all(person in self.held_ms for person in self.people)
        return max(0, max(self.held_ms.values()) - self.decided_ms) if both else None

    @property
    def met_offline(self) -> bool:
        """Whether somebody only found it when they came back to the page."""
        reached = self.people and all(person in self.held_ms or person in self.seen for person in self.people)
        return bool(reached) and self.delivery_ms is None

    @property
    def interval(self) -> tuple[float, float] | None:
        """From the first ring to the end, in pool offsets; a ring after the end still rang, for a moment."""
        if self.rung_at is None:
            return None
        return self.rung_at, inf if self.ended_at is None else max(self.ended_at, self.rung_at)

    def applied(self, answer: Answer) -> bool:
        """Whether the rows show that this answer was taken, or that it came too late to count."""
        if self.ended_at is not None and self.ended_at <= answer.place[2]:
            return True
        shown = self.shown.get(answer.person)
        return shown == answer.answer or (shown == "decline" and self.offset > answer.place[2])

    def figures(self) -> Counter[str]:
        """What this invitation adds to the figures."""
        return Counter(
            offered=self.offset >= 0, rung=self.rung_at is not None, accepted_both=self.confirmed,
            connected=self.connected, both_would_talk_again=self.both_would, expired=self.state == "expired",
            declined=self.state == "declined", voided=self.state == "voided", offers_met_offline=self.met_offline,
        )  # fmt: skip


class Offers:
    """All invitations; `faults` are promises broken for good."""

    def __init__(self) -> None:
        self.faults: deque[str] = deque(maxlen=FAULT_LIMIT)
        self._offers: dict[str, Offer] = {}
        self._of_person: dict[str, set[str]] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._ended_at: OrderedDict[str, int] = OrderedDict()
        self._dropped: Counter[str] = Counter()
        self._delivery_ms: deque[int] = deque(maxlen=SAMPLE_LIMIT)

    def row(self, row: dict[str, Any]) -> Offer | None:
        """A row of `invitations`; None if it is no news. The highest offset counts, an equal one is a rewrite."""
        offer = self._offer(row["invitation"])
        if row["offset"] <= offer.offset or self._ended_before(offer, row):
            return None
        for person in (row["a"], row["b"]):
            self._of_person.setdefault(person, set()).add(offer.invitation)
        offer.offset, offer.state, offer.market = row["offset"], row["state"], row["market"]
        offer.people, offer.availabilities = (row["a"], row["b"]), (row["availability_a"], row["availability_b"])
        offer.decided_ms = milliseconds(row["decided_wall"])
        offer.shown = {row["a"]: row["answer_a"], row["b"]: row["answer_b"]}
        offer.connected = offer.connected or row["connected_wall"] is not None
        if row["rung"]:
            self._rang(offer, row["offset"])
        if row["state"] == "confirmed":
            self._confirmed(offer)
        if row["state"] in ENDS:
            offer.ended_at = row["offset"]
            self._settle(offer)
        self._check_answers(offer)
        return offer

    def _ended_before(self, offer: Offer, row: dict[str, Any]) -> bool:
        # A writer that has forgotten an old invitation may end it once more; it may never live again.
        if offer.ended_at is not None and row["state"] not in ENDS:
            self.faults.append(f"invitation {offer.invitation} changed after its end")
        return offer.ended_at is not None

    def rung(self, invitation: str, market: str, offset: int) -> None:
        """An event in the pool's log says that both were rung."""
        offer = self._offer(invitation)
        offer.market = offer.market or market
        self._rang(offer, offset)

    def answered(self, invitation: str, answer: Answer) -> None:
        """An answer in the pool's log."""
        offer = self._offer(invitation)
        if answer.answer == "accept":
            offer.accepts.add(answer.person)
        offer.open_answers.append(answer)
        self._check_answers(offer)

    def receipt(self, invitation: str, person: str, result: str, at_ms: int) -> None:
        """The live channel reached one of the two."""
        offer = self._offer(invitation)
        if result == "held":
            offer.held_ms[person] = min(at_ms, offer.held_ms.get(person, at_ms))
        elif result == "seen":
            offer.seen.add(person)

    def outcome(self, invitation: str, person: str, word: str, offset: int) -> None:
        """One of the two said whether they would talk again; their latest word counts."""
        said = self._offer(invitation).said
        said[person] = max(said.get(person, (-1, "")), (offset, word))

    def _offer(self, invitation: str) -> Offer:
        if invitation in self._ended_at:  # dropped: what comes now is compared with its end and then forgotten
            ended_at = self._ended_at[invitation]
            return Offer(invitation, offset=ended_at, ended_at=ended_at)
        return self._offers.setdefault(invitation, Offer(invitation))

    @staticmethod
    def _rang(offer: Offer, offset: int) -> None:
        offer.rung_at = offset if offer.rung_at is None else min(offset, offer.rung_at)

    def _confirmed(self, offer: Offer) -> None:
        offer.confirmed = True
        if any(answer != "accept" for answer in offer.shown.values()):
            self.faults.append(f"invitation {offer.invitation} was confirmed without two accepts")

    @staticmethod
    def _check_answers(offer: Offer) -> None:
        if offer.offset >= 0:
            offer.open_answers = [one for one in offer.open_answers if not offer.applied(one)]

    # --- forgetting what is settled ---

    def _settle(self, offer: Offer) -> None:
        self._ended[offer.invitation] = None
        while len(self._ended) > SETTLED_LIMIT:
            gone = self._offers[self._ended.popitem(last=False)[0]]
            self._dropped["double_booked"] += sum(gone in pair for _, *pair in overlaps(self._meeting(gone)))
            self._dropped += gone.figures()
            if gone.delivery_ms is not None:
                self._delivery_ms.append(gone.delivery_ms)
            self._drop(gone)

    def _meeting(self, offer: Offer) -> list[Offer]:
        """All invitations of the two people, this one among them."""
        names = {name for person in offer.people for name in self._of_person[person]}
        return [self._offers[name] for name in sorted(names)]

    def _drop(self, offer: Offer) -> None:
        del self._offers[offer.invitation]
        for person in offer.people:
            self._of_person[person].discard(offer.invitation)
            if not self._of_person[person]:
                del self._of_person[person]
        self._ended_at[offer.invitation] = offer.offset
        if len(self._ended_at) > DROPPED_LIMIT:
            self._ended_at.popitem(last=False)

    # --- what the judge asks ---

    def figures(self) -> Counter[str]:
        """The sums over all invitations."""
        total = Counter(self._dropped)
        for offer in self._offers.values():
            total.update(offer.figures())
        total["in_calls"] = sum(one.state == "confirmed" for one in self._offers.values())
        return total

    def delivery_ms(self) -> list[int]:
        """One figure an invitation that both live channels held."""
        known = (one.delivery_ms for one in self._offers.values())
        return [*self._delivery_ms, *(one for one in known if one is not None)]

    def double_booked(self) -> tuple[int, list[str]]:
        """How many pairs of invitations rang or talked at once for one person, and which."""
        found = [
            f"person {person} was rung for {x.invitation} and {y.invitation} at once"
            for person, x, y in overlaps(self._offers.values())
        ]
        return self._dropped["double_booked"] + len(found), found

    def endless(self) -> list[str]:
        """Invitations without an end."""
        return [
            f"invitation {one.invitation} has no end"
            for one in self._offers.values()
            if one.offset >= 0 and one.ended_at is None
        ]

    def unapplied(self, letters: set[Place]) -> Iterator[str]:
        """Answers that no row shows and no dead letter names."""
        for offer in self._offers.values():
            for answer in offer.open_answers:
                if answer.place not in letters:
                    yield f"an answer to invitation {offer.invitation} at {_spot(answer.place)} was not applied"

    def without_accepts(self) -> Iterator[str]:
        """Calls that the log has no two accepts for."""
        for offer in self._offers.values():
            if (offer.confirmed or offer.connected) and not set(offer.people) <= offer.accepts:
                yield f"invitation {offer.invitation} became a call without two accepts"


def overlaps(offers: Iterable[Offer]) -> Iterator[tuple[str, Offer, Offer]]:
    """Pairs of invitations that rang or talked at once for one person."""
    of: dict[tuple[str, str], list[tuple[float, float, str, Offer]]] = defaultdict(list)
    for offer in offers:
        if offer.interval is not None:
            for person in offer.people:
                of[offer.market, person].append((*offer.interval, offer.invitation, offer))
    for (_, person), rings in of.items():
        rings.sort(key=lambda ring: ring[:3])
        for index, (_, end, _, offer) in enumerate(rings):
            for start, _, _, later in rings[index + 1 :]:
                if start >= end:
                    break
                yield person, offer, later


def _spot(place: Place) -> str:
    return f"{place[0]}/{place[1]}/{place[2]}"
