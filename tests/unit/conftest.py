"""What unit tests share."""

import secrets
from collections.abc import Iterator

import pytest

from tests.conftest import RedisPlace
from tests.gateway_desk import Desk, desk


@pytest.fixture(scope="module")
def served_gateway(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway on the embedded Redis, with Kafka's twin in memory, for all tests of a file."""
    with desk(RedisPlace(one_embedded_redis, f"test-{secrets.token_hex(4)}:")) as made:
        yield made


@pytest.fixture
def gateway(served_gateway: Desk) -> Iterator[Desk]:
    """The same as if it had just been started."""
    yield served_gateway
    served_gateway.begin_anew()
