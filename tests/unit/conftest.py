"""What unit tests share."""

import secrets
from collections.abc import Iterator

import pytest

from tests.conftest import RedisPlace
from tests.gateway_desk import Desk, desk


@pytest.fixture
def gateway(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway on the embedded Redis, with Kafka's twin in memory."""
    with desk(RedisPlace(one_embedded_redis, f"test-{secrets.token_hex(4)}:")) as made:
        yield made
