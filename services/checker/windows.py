"""The checker's book of requests to talk: each must end exactly once, and how long each took to stand in the pool.

Place in the flow: person-events and waiting -> **windows** -> judge. A *request* is one POST; a *window* is what stood
in the pool for one or several of them. Nothing here comes from the code that is being checked.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SETTLED_LIMIT = 20_000
"""Settled requests that are still watched for a second end; older ones live on as numbers only."""
SAMPLE_LIMIT = 50_000
FAULT_LIMIT = 100

Place = tuple[str, int, int]
"""Where a message stands: topic, partition, offset."""


@dataclass(slots=True)
class Request:
    """One request to talk, as person-events, the town and the pool tell of it."""

    places: set[Place] = field(default_factory=set)
    answered_2xx: bool = False
    posted_ms: int | None = None
    at_ms: int | None = None
    stood_ms: int | None = None
    windows: set[str] = field(default_factory=set)

    @property
    def intake_ms(self) -> int | None:
        """From the POST to the first row that shows it; None while one of the two is unknown."""
        start_ms = self.posted_ms if self.posted_ms is not None else self.at_ms
        return None if start_ms is None or self.stood_ms is None else max(0, self.stood_ms - start_ms)


@dataclass(slots=True)
class Window:
    """What stood in the pool under one availability id, and every end that was ever seen of it."""

    ids: set[str]
    ends: set[str] = field(default_factory=set)
    open_row: bool = False


class Windows:
    """All requests and windows; ends are remembered as they are seen, since a person's row moves on."""

    def __init__(self) -> None:
        self.town_known = False
        self.faults: deque[str] = deque(maxlen=FAULT_LIMIT)
        self._requests: dict[str, Request] = {}
        self._windows: dict[str, Window] = {}
        self._highest: dict[str, int] = {}
        self._newest: dict[str, str] = {}
        self._blocks: dict[str, tuple[int, frozenset[str]]] = {}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._dropped = {"opened": 0, "answered": 0}
        self._intake_ms: deque[int] = deque(maxlen=SAMPLE_LIMIT)

    def requested(self, availability: str, place: Place, at_ms: int) -> None:
        """A request stands in person-events."""
        request = self._requests.setdefault(availability, Request())
        request.places.add(place)
        request.at_ms = at_ms if request.at_ms is None else min(at_ms, request.at_ms)
        self._settle(availability)

    def answered_2xx(self, availability: str, posted_ms: int | None) -> None:
        """The town was told that this request is in."""
        self.town_known = True
        request = self._requests.setdefault(availability, Request())
        request.answered_2xx = True
        request.posted_ms = posted_ms

    def row(self, row: dict[str, Any], timestamp_ms: int) -> None:
        """A row of `waiting`: the highest offset counts, an equal one is a rewrite and no news."""
        person, offset = row["person"], row["offset"]
        if offset <= self._highest.get(person, -1):
            return
        self._highest[person] = offset
        self._newest[person] = row["availability"]
        self._blocks[person] = (offset, frozenset((row.get("features") or {}).get("blocks", ())))
        window = self._window(row["availability"])
        for availability in (row["availability"], *row["also"]):
            self._link(availability, row["availability"])
            request = self._requests[availability]
            request.stood_ms = timestamp_ms if request.stood_ms is None else request.stood_ms
        window.open_row = row["end"] is None
        if row["end"] is not None:
            window.ends.add(row["end"])
        elif any(not end.startswith("called") for end in window.ends):
            self.faults.append(f"availability {row['availability']} was open again after its end")
        self._settle_all(window)

    def called(self, invitation: str, availability: str) -> None:
        """An invitation under this availability ended after audio went both ways."""
        window = self._window(availability)
        window.ends.add(f"called by {invitation}")
        self._settle_all(window)

    def blocked(self, person: str, other: str, offset: int) -> bool:
        """Whether `person` was known to have blocked `other` when the pool was at `offset`."""
        known_at, blocks = self._blocks.get(person, (offset + 1, frozenset()))
        return known_at < offset and other in blocks

    def _window(self, availability: str) -> Window:
        if availability not in self._windows:
            self._windows[availability] = Window({availability})
            self._link(availability, availability)
        return self._windows[availability]

    def _link(self, request: str, window: str) -> None:
        self._requests.setdefault(request, Request()).windows.add(window)
        self._windows[window].ids.add(request)

    def _ends(self, request: Request) -> set[str]:
        return {end for window in request.windows for end in self._windows[window].ends}

    # --- forgetting what is settled ---

    def _settle_all(self, window: Window) -> None:
        for availability in window.ids:
            self._settle(availability)

    def _settle(self, availability: str) -> None:
        request = self._requests[availability]
        if request.places and len(self._ends(request)) == 1:
            self._settled[availability] = None
            while len(self._settled) > SETTLED_LIMIT:
                self._drop(self._settled.popitem(last=False)[0])
        else:
            self._settled.pop(availability, None)

    def _drop(self, availability: str) -> None:
        request = self._requests.pop(availability)
        self._dropped["opened"] += 1
        self._dropped["answered"] += request.answered_2xx
        if request.intake_ms is not None:
            self._intake_ms.append(request.intake_ms)
        for key in request.windows:
            self._windows[key].ids.discard(availability)
            if not self._windows[key].ids:
                del self._windows[key]

    # --- what the judge asks ---

    @property
    def opened(self) -> int:
        """Distinct requests: those answered 2xx if the town told, otherwise those in person-events."""
        if self.town_known:
            return self._dropped["answered"] + sum(one.answered_2xx for one in self._requests.values())
        return self._dropped["opened"] + sum(bool(one.places) for one in self._requests.values())

    @property
    def open_now(self) -> int:
        """Windows without an end."""
        return sum(window.open_row and not window.ends for window in self._windows.values())

    def intake_ms(self) -> list[int]:
        """One figure a request that reached the pool."""
        known = (one.intake_ms for one in self._requests.values())
        return [*self._intake_ms, *(one for one in known if one is not None)]

    def lost(self, letters: set[Place]) -> Iterator[tuple[str, set[Place], str]]:
        """Requests without exactly one end: the id, where it stands, and what is wrong.

        A request that nobody was promised anything for may also be a dead letter. Who came to the town from outside may
        still be there when it closes: their window may stand open, as long as it is their newest.
        """
        standing = set(self._newest.values())
        for availability, request in self._requests.items():
            excused = bool(request.places & letters) and not request.answered_2xx
            if not request.places:
                if request.answered_2xx:
                    yield availability, set(), f"availability {availability} was answered 2xx and is in no topic"
                continue
            ends = self._ends(request)
            visiting = self.town_known and not request.answered_2xx and bool(request.windows & standing)
            if not ends and not excused and not visiting:
                where = "has no end" if request.windows else "never stood in the pool"
                yield availability, request.places, f"availability {availability} {where}"
            elif len(ends) > 1:
                yield (
                    availability,
                    request.places,
                    f"availability {availability} ended twice: {', '.join(sorted(ends))}",
                )

    def ended_twice(self) -> int:
        """Requests with more than one end."""
        return sum(len(self._ends(one)) > 1 for one in self._requests.values())
