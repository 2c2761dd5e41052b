"""The checker's book of inputs: every event is applied, or stands among the dead letters, or is lost.

Place in the flow: person-events, calls, outcomes, dead-letters and the rows they change -> **inputs** -> judge. A row
of `people` names the newest events that it rests on: each event has to be named once. A row of `pairs` says up to
which offset of its source it has come. Whatever a row does not show, and is no dead letter, is still owed.
"""

from collections.abc import Iterable, Iterator

from services.checker.windows import Place

SHOWN_LIMIT = 256
"""Ids remembered for each owner: several times as many as a row names, since rows may be read before their events."""

Owner = tuple[str, int, str]
"""Whose row it is: source topic, partition, and the person or pair."""


class Inputs:
    """Events that are not yet applied, and the places of all dead letters."""

    def __init__(self) -> None:
        self.letters: set[Place] = set()
        self._letter_ids: set[str] = set()
        self._applied: dict[Owner, int] = {}
        self._owed: dict[Owner, set[int]] = {}
        self._shown: dict[Owner, dict[str, None]] = {}
        self._unshown: dict[Owner, dict[str, set[int]]] = {}
        self._unreadable: set[Place] = set()

    @property
    def dead_letters(self) -> int:
        """Distinct dead letters; marks are none."""
        return len(self._letter_ids)

    def arrived(self, owner: Owner, offset: int) -> None:
        """An event for this owner stands in the log."""
        if offset > self._applied.get(owner, -1):
            self._owed.setdefault(owner, set()).add(offset)

    def applied(self, owner: Owner, offset: int) -> None:
        """The owner's row has come to `offset`."""
        if offset <= self._applied.get(owner, -1):
            return
        self._applied[owner] = offset
        left = {one for one in self._owed.pop(owner, ()) if one > offset}
        if left:
            self._owed[owner] = left

    def said(self, owner: Owner, event: str, offset: int) -> None:
        """An event of this id stands in the log; the same id again is the same event."""
        if event not in self._shown.get(owner, ()):
            self._unshown.setdefault(owner, {}).setdefault(event, set()).add(offset)

    def shown(self, owner: Owner, events: Iterable[str]) -> None:
        """The owner's row names these events, the newest last."""
        shown, unshown = self._shown.setdefault(owner, {}), self._unshown.get(owner, {})
        for event in events:
            shown.pop(event, None)
            shown[event] = None
            unshown.pop(event, None)
        if not unshown:
            self._unshown.pop(owner, None)
        while len(shown) > SHOWN_LIMIT:
            del shown[next(iter(shown))]

    def unreadable(self, place: Place) -> None:
        """A message that is no event: it has to be among the dead letters."""
        self._unreadable.add(place)

    def letter(self, letter: str, place: Place) -> None:
        """A dead letter about the message at `place`."""
        self._letter_ids.add(letter)
        self.letters.add(place)

    def owed(self) -> Iterator[Place]:
        """Messages that are neither applied nor dead letters."""
        for (topic, partition, _), offsets in self._owed.items():
            yield from ((topic, partition, offset) for offset in sorted(offsets))
        for (topic, partition, _), events in self._unshown.items():
            yield from ((topic, partition, offset) for offsets in events.values() for offset in sorted(offsets))
        yield from sorted(self._unreadable)

    def lost(self, counted: set[Place]) -> list[str]:
        """The same as sentences, without those `counted` already under another name."""
        places = sorted(set(self.owed()) - self.letters - counted)
        return [
            f"the message at {topic}/{part}/{offset} was neither applied nor kept" for topic, part, offset in places
        ]
