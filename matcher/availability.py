"""A window in which a person is free to talk: the row `Waiting` and what may happen to it.

Place in the flow: person -> **availability** -> pool. One open availability a person; a second one moves its end
under the same id. "Called" is not written here: it stands in the invitation that ended.
"""

from datetime import datetime, timedelta
from typing import Literal

from matcher.person import Features, Market
from matcher.values import Row, Utc

MIN_TALK = timedelta(minutes=3)
"""Nobody is rung for less than this (domain time)."""
MAX_WINDOW = timedelta(hours=12)
"""The longest window that can be offered at once (domain time)."""
KEEP_ROWS = timedelta(minutes=10)
"""Wall time for which a row outlives its window: longer than any redelivery or late writer."""
PAST_LIMIT = 16
ALSO_LIMIT = 1_000

Company = Literal["new", "known", "either"]
End = Literal["closed", "ran_out", "paused", "held", "erased", "unknown"]


class Waiting(Row):
    """The row of one person in `waiting`: their newest availability. `offset` is that of the pool topic.

    `since` is their place in the queue and survives moves; `also` names requests that moved this window;
    `past` names earlier availabilities, which never reopen; `seq` is the person-events offset of the newest event
    about the person; `asked` is the pool offset at which the person last asked to be rung. Of the people whom they know
    `hopes_for` names the only one whom they hope to be put through to, and `goes_on` the call with them that broke.
    """

    person: str
    market: Market
    availability: str
    also: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    end: End | None = None
    opened_at: Utc
    since: Utc
    until: Utc
    company: Company = "either"
    hopes_for: str | None = None
    goes_on: str | None = None
    features: Features | None = None
    seq: int
    asked: int
    posted_at: Utc
    pool_now: Utc
    pool_wall: Utc

    @property
    def ids(self) -> tuple[str, ...]:
        """Every request that this window answers."""
        return (self.availability, *self.also)

    def knows(self, availability: str) -> bool:
        """Whether this id was seen before."""
        return availability in self.ids or availability in self.past

    def moved(self, until: datetime, offset: int) -> "Waiting":
        """The same window with another end, within reason; asking again also ends a rest."""
        return self.model_copy(update={"until": min(until, self.opened_at + 2 * MAX_WINDOW), "asked": offset})

    def also_for(self, availability: str) -> "Waiting":
        """The same window, which answers this request as well."""
        return self.model_copy(update={"also": (*self.also, availability)[-ALSO_LIMIT:]})

    def ended(self, end: End) -> "Waiting":
        """The window is over for a reason that the person or the clock gave."""
        return self.model_copy(update={"end": end})

    def forgotten(self) -> "Waiting":
        """The same window without anything about the person: they were erased."""
        return self.model_copy(update={"features": None})
