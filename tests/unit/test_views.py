"""The live views keep the newest, and every ring finds its end, in whatever order the two arrive."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.person import Person, Profile
from services.adapters.views import ViewWriter
from tests.conftest import RedisPlace

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
OFFERED = Invitation(
    offset=10, invitation="inv-1", market="GB", a="ann", b="bob", availability_a="av-ann", availability_b="av-bob",
    topic="birds", reasons=("near",), score=0.3, decided_wall=NOW, answer_by_wall=NOW + timedelta(seconds=30),
    until=NOW + timedelta(minutes=20), pool_now=NOW, pool_wall=NOW,
)  # fmt: skip
VOIDED = OFFERED.model_copy(update={"offset": 12, "state": "voided", "end_reason": "closed"})
WAITING = Waiting(
    offset=5, person="ann", market="GB", availability="av-ann", opened_at=NOW, since=NOW,
    until=NOW + timedelta(minutes=20), seq=1, asked=5, posted_at=NOW, pool_now=NOW, pool_wall=NOW,
)  # fmt: skip


class Views:
    """A writer, and what it wrote."""

    def __init__(self, place: RedisPlace) -> None:
        self.redis = redis.Redis.from_url(place.url)
        self.prefix = place.prefix
        self.write = ViewWriter(self.redis, place.prefix)

    def state(self, invitation: str = "inv-1") -> str | None:
        row = self.redis.hget(f"{self.prefix}invitation:{invitation}", "row")
        return Invitation.model_validate_json(row).state if row else None

    def told(self, person: str) -> list[str]:
        entries = self.redis.xrange(f"{self.prefix}live:{person}")
        return [Invitation.model_validate_json(fields[b"row"]).state for _, fields in entries]


@pytest.fixture
def views(redis_url: RedisPlace) -> Iterator[Views]:
    made = Views(redis_url)
    yield made
    made.redis.close()


def test_a_ring_is_told_to_both_and_so_is_its_end(views: Views) -> None:
    views.write.put_ring(OFFERED)
    views.write.put_ring(OFFERED)
    views.write.put_invitation(VOIDED)
    assert views.told("ann") == views.told("bob") == ["rung", "voided"]


def test_a_ring_that_comes_after_the_end_rings_nobody(views: Views) -> None:
    views.write.put_invitation(VOIDED)
    views.write.put_ring(OFFERED)
    assert views.state() == "voided"
    assert views.told("ann") == []


def test_an_offer_that_has_not_rung_is_nobodys_news(views: Views) -> None:
    views.write.put_invitation(OFFERED)
    assert views.state() is None
    assert views.told("ann") == []


def test_a_late_row_changes_nothing(views: Views) -> None:
    views.write.put_ring(OFFERED)
    views.write.put_invitation(VOIDED)
    views.write.put_invitation(OFFERED.model_copy(update={"state": "rung", "rung": True, "offset": 11}))
    assert views.told("bob") == ["rung", "voided"]


def test_a_heartbeat_is_kept_but_is_nobodys_news(views: Views) -> None:
    talking = OFFERED.model_copy(update={"offset": 13, "state": "confirmed", "rung": True, "connected_wall": NOW})
    views.write.put_invitation(talking)
    heard = talking.model_copy(update={"offset": 14, "heard_a_wall": NOW + timedelta(seconds=10), "pool_wall": NOW})
    views.write.put_invitation(heard)
    assert views.told("ann") == ["confirmed"]
    assert views.redis.hget(f"{views.prefix}invitation:inv-1", "row") == heard.model_dump_json().encode()


def test_nothing_is_left_of_the_window_of_somebody_erased(views: Views) -> None:
    views.write.put_waiting(WAITING)
    views.write.put_waiting(WAITING.model_copy(update={"offset": 6, "end": "erased"}))
    assert list(views.redis.scan_iter(match=views.prefix + "*")) == []


def test_a_person_stays_and_their_number_is_never_shown(views: Views) -> None:
    profile = Profile(
        first_name="Ann", adult=True, area="SE", cell="51.5,-0.1", languages=("en",), age_band="35-49"
    )  # fmt: skip
    views.write.put_person(Person(offset=1, person="ann", phone="+442079460000", profile=profile))
    key = views.prefix + "person:ann"
    assert views.redis.ttl(key) == -1
    assert b"442079460000" not in views.redis.hget(key, "row")
