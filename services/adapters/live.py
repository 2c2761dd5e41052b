"""The live channel: rings a person's open page through the live views."""

from matcher.invitation import Invitation
from services.adapters.views import ViewWriter


class LiveChannel:
    """The port `matcher.ports.Channel` for whoever has the page open."""

    name = "live"

    def __init__(self, views: ViewWriter) -> None:
        self._views = views

    def ring(self, row: Invitation, person: str) -> None:
        """Put the ring before both; the second call finds it there."""
        self._views.put_ring(row)

    def hush(self, row: Invitation, person: str) -> None:
        """Nothing to do: the row that says so is shown by the projector."""
