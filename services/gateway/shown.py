"""What a person is shown of their availability and of an invitation: never an id, number or surname of the other.

Place in the flow: rows in the live views -> **state and live events** -> the page.
"""

from datetime import datetime
from typing import Any

from matcher.availability import Waiting
from matcher.invitation import Invitation, State, broke
from services.gateway.openings import opening

_STATES: dict[State, str] = {
    "offered": "ringing",
    "rung": "ringing",
    "accepted": "accepted",
    "confirmed": "confirmed",
}
_ENDS: dict[State, str] = {
    "declined": "declined",
    "expired": "no_answer",
    "voided": "withdrawn",
    "ended": "ended",
}


def shown_availability(row: Waiting, now: datetime) -> dict[str, Any]:
    """A window at the domain time `now`."""
    return {
        "availability": row.availability,
        "state": row.end or "open",
        "until": row.until.isoformat(),
        "remaining_s": _seconds(row.until, now) if row.end is None else 0.0,
        "company": row.company,
    }


def shown_invitation(
    row: Invitation, person: str, first_name: str | None, now: datetime, wall: datetime
) -> dict[str, Any]:
    """An invitation as `person` sees it at the domain time `now` and the wall time `wall`."""
    state = _STATES.get(row.state, "over")
    answerable = state in ("ringing", "accepted")
    return {
        "invitation": row.invitation,
        "state": state,
        "you": row.answer_of(person),
        "first_name": first_name,
        "topic": row.topic,
        "opening": opening(row.topic, row.invitation),
        "reasons": list(row.reasons),
        "remaining_s": _seconds(row.answer_by_wall, wall) if answerable else 0.0,
        "window_s": _seconds(row.until, now) if row.live else 0.0,
        "connected": row.connected_wall is not None,
        "called": row.called,
        "end": _ENDS.get(row.state),
        "you_missed": row.unanswered_by(person),
        "goes_on": row.goes_on,
        "go_on_s": _seconds(row.go_on_by_wall, wall) if broke(row) else 0.0,
    }


def _seconds(end: datetime, now: datetime) -> float:
    return round(max(0.0, (end - now).total_seconds()), 1)
