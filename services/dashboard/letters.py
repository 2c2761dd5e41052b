"""What operators have to look at: dead letters by source and reason, concerns by number and age. Never what is in them.

Place in the flow: dead-letters, people -> **Letters**, **Concerns** -> figures.
"""

from collections import OrderedDict, deque
from datetime import datetime
from typing import Any

from matcher.person import Person
from services.adapters.dead_letters import DeadLetter, Mark

NEWEST = 5
WORDS_LIMIT = 160
"""Characters of a reason or a topic that are shown."""
REMEMBERED_LIMIT = 50_000
"""Letters of which a repetition or a mark is known for what it is; older ones only count."""


class Letters:
    """How many events were given up, how many of them still wait for an operator, and the newest reasons."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting = 0
        self._met: OrderedDict[str, bool] = OrderedDict()
        self._marked: OrderedDict[str, None] = OrderedDict()
        self._newest: deque[dict[str, str]] = deque(maxlen=NEWEST)

    def add(self, message: DeadLetter | Mark, prefix: str) -> None:
        """A letter, or the mark that settles one; `prefix` is left out of the names of topics."""
        if isinstance(message, Mark):
            self._mark(message.id)
        elif message.id not in self._met:
            self._letter(message, prefix)
        for book in (self._met, self._marked):
            if len(book) > REMEMBERED_LIMIT:
                book.popitem(last=False)

    def shown(self) -> dict[str, Any]:
        """The figures."""
        return {"count": self._count, "waiting": self._waiting, "newest": list(self._newest)}

    def _letter(self, dead: DeadLetter, prefix: str) -> None:
        self._count += 1
        waits = dead.id not in self._marked
        self._waiting += waits
        self._met[dead.id] = waits
        topic = dead.source_topic.removeprefix(prefix)[:WORDS_LIMIT]
        at = dead.at.isoformat(timespec="seconds")
        self._newest.appendleft({"at": at, "topic": topic, "reason": dead.error[:WORDS_LIMIT]})

    def _mark(self, letter: str) -> None:
        self._marked[letter] = None
        if self._met.get(letter):
            self._met[letter] = False
            self._waiting -= 1


class Concerns:
    """Concerns that stand in people's rows: how many, about how many, since when. Only rows that held one are kept."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, list[datetime]]] = {}

    def row(self, key: str, value: bytes) -> None:
        """A row of `people`; the highest offset counts. Raises ValidationError for what is no row."""
        if key not in self._rows and b'"concerns":[]' in value:  # almost all rows: what is in them is not even read
            return
        row = Person.model_validate_json(value)
        known = self._rows.get(key)
        if (known is None and row.concerns) or (known is not None and row.offset >= known[0]):
            self._rows[key] = (row.offset, [one.at for one in row.concerns])

    def shown(self) -> dict[str, Any]:
        """The figures; no id and no word of what was reported."""
        times = [at for _, stand in self._rows.values() for at in stand]
        people = sum(bool(stand) for _, stand in self._rows.values())
        oldest = min(times).isoformat(timespec="seconds") if times else None
        return {"count": len(times), "people": people, "oldest_at": oldest}
