"""The two clocks: domain time for people's lives, wall time for machines (see `matcher.ports.Clock`)."""

from datetime import UTC, datetime

from services.settings import Settings


class SystemClock:
    """Wall time from the machine; domain time is the same, or starts elsewhere and runs faster in a demo."""

    def __init__(self, settings: Settings) -> None:
        self._start = settings.domain_start
        self._origin = settings.domain_origin
        self._speed = settings.speed

    def wall(self) -> datetime:
        """Wall time, UTC."""
        return datetime.now(UTC)

    def now(self) -> datetime:
        """Domain time, UTC."""
        wall = self.wall()
        if self._start is None or self._origin is None:
            return wall
        return self._start + (wall - self._origin) * self._speed
