"""Every setting of every process, read once from the environment into one frozen model.

Names are PARTYLINE_ and the field in capitals. A half-specified setting is refused at start with one sentence.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from matcher.errors import BadRequest
from matcher.person import Market
from matcher.prices import CALL_COUNTS, MINUTE_COSTS, Prices
from matcher.values import Utc
from services.topics import KafkaAddress

PREFIX = "PARTYLINE_"
LISTS = ("markets", "turn_urls", "push_hosts")
"""Settings with commas between several values."""
CONTACT = re.compile(r"\+?\d[\d ]{3,20}\d|[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+", re.ASCII)


class Settings(BaseModel):
    """What a process needs to know. Times: `domain_start` and `domain_origin` are UTC, `speed` is domain per wall.

    A `patient` pool holds a pair back while both may expect more by waiting. For that a waited minute costs
    `minute_costs`, and a call counts `call_counts` beside its score, both as shares of what the mean pair is worth.
    With `push_key` and whom to write to about it (`push_contact`) locked telephones are rung over the push services
    that we know; `push_hosts` names further ones. `contact` is how people reach whoever runs this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: str = "127.0.0.1:9092"
    embedded: bool = False
    topic_prefix: str = ""
    redis: str = "redis://127.0.0.1:6379/0"
    redis_prefix: str = "partyline:"
    data: Path = Path("partyline-data")
    host: str = "127.0.0.1"
    port: int = 8080
    secret: str = ""
    contact: str = ""
    demo: bool = False
    domain_start: Utc | None = None
    domain_origin: Utc | None = None
    speed: float = 1.0
    markets: tuple[Market, ...] = ("GB",)
    tick_ms: int = 500
    patient: bool = True
    minute_costs: Annotated[float, Field(ge=0, le=1)] = MINUTE_COSTS
    call_counts: Annotated[float, Field(ge=0, le=10)] = CALL_COUNTS
    codes_per_address: int = 20
    archive_flush_ms: Annotated[int, Field(ge=50, le=600_000)] = 5_000
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 8081
    dashboard_password: str = ""
    turn_urls: tuple[str, ...] = ()
    turn_secret: str = ""
    push_key: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{43})?$")] = ""
    push_contact: Annotated[str, Field(pattern=r"^((mailto:|https://)\S{3,200})?$")] = ""
    push_hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:\d{1,5})?$")], ...] = ()
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if (self.domain_start is None) != (self.domain_origin is None):
            raise ValueError("domain_start and domain_origin go together: set both or neither")
        if self.speed <= 0 or (self.speed != 1.0 and self.domain_start is None):
            raise ValueError("speed must be more than 0, and another speed than 1 needs domain_start and domain_origin")
        if bool(self.turn_urls) != bool(self.turn_secret):
            raise ValueError("turn_urls and turn_secret go together: set both or neither")
        if not all(url.startswith(("turn:", "turns:")) for url in self.turn_urls):
            raise ValueError("turn_urls are addresses of TURN servers, such as turn:turn.example.org:3478")
        if self.contact and not CONTACT.fullmatch(self.contact):
            raise ValueError("contact is a telephone number or a mail address, such as 0800 123456 or help@example.org")
        if bool(self.push_key) != bool(self.push_contact):
            raise ValueError("push_key and push_contact go together: set both or neither")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether `host` can be reached from this machine alone."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def patience(self) -> Prices | None:
        """The prices at which pools wait for a better pair; None: they offer at once."""
        return Prices(self.minute_costs, self.call_counts) if self.patient else None

    @property
    def kafka(self) -> KafkaAddress:
        """Where the broker is."""
        return KafkaAddress(self.broker, self.topic_prefix, self.embedded)

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a process that we start."""
        values = self.model_dump(mode="json", exclude_none=True)
        for name in LISTS:
            values[name] = ",".join(values[name])
        return {PREFIX + name.upper(): str(value) for name, value in values.items()}


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environ`.

    Raises:
        BadRequest: a setting is unknown, unreadable or half-specified.
    """
    given: dict[str, object] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith(PREFIX + "TEST_") and name != PREFIX + "REQUIRE_SERVICES"
    }
    for name in given.keys() & set(LISTS):
        given[name] = tuple(filter(None, str(given[name]).split(",")))
    unknown = sorted(set(given) - set(Settings.model_fields))
    if unknown:
        raise BadRequest(f"there is no setting {PREFIX}{unknown[0].upper()}")
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = PREFIX + "".join(str(part) for part in first["loc"]).upper()
        raise BadRequest(f"setting {name}: {first['msg']}") from None
