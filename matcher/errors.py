"""The errors of Partyline, one tree; only the edges turn them into HTTP answers or dead letters.

PartylineError
├── BadRequest          what was asked cannot be read or is out of bounds
├── NotAllowed          known, but not for this person (under 18, paused, held)
├── NotFound            does not exist, or not for this person: the two look the same
├── AlreadyEnded        an answer to something that is over
├── TooMany             a named limit was reached; carries the seconds to wait
├── Away                a part (Kafka, Redis) is not reachable; carries the seconds to wait
└── BadEvent            an event that cannot be applied: dead-lettered with this reason
"""


class PartylineError(Exception):
    """Base of all errors: a code for machines, a sentence for people."""

    code = "error"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class BadRequest(PartylineError):
    """What was asked cannot be read or is out of bounds."""

    code = "bad_request"


class NotAllowed(PartylineError):
    """Understood, but not open to this person."""

    code = "not_allowed"


class NotFound(PartylineError):
    """There is no such thing, or it is somebody else's: the answer is the same."""

    code = "not_found"


class AlreadyEnded(PartylineError):
    """The invitation or call is over."""

    code = "already_ended"


class TooMany(PartylineError):
    """A named limit was reached."""

    code = "too_many"


class Away(PartylineError):
    """A part that we need cannot be reached just now; nothing is lost by trying again."""

    code = "away"


class BadEvent(PartylineError):
    """The event cannot be applied, whatever the state."""

    code = "bad_event"
