"""The parts that tests run on: a broker and a Redis server, embedded and real, each test with names of its own.

Real ones are named by PARTYLINE_TEST_KAFKA and PARTYLINE_TEST_REDIS. Where they are missing their tests are skipped,
unless PARTYLINE_REQUIRE_SERVICES=1 (as in CI) makes that an error.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
import redis
from hypothesis import settings

from services import topics
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from services.topics import KafkaAddress

settings.register_profile("untimed", parent=settings(), deadline=None)  # a busy machine is no fault of the code
settings.load_profile("untimed")

EMBEDDED_OR_REAL = ("embedded", "real")
BROKER_START_S = 30
MARKED_FOLDERS = ("integration", "chaos")
ALONE_FOLDER = "chaos"


class RedisPlace(NamedTuple):
    """A Redis server and the prefix that a test puts before all its keys there."""

    url: str
    prefix: str


@dataclass(frozen=True)
class Parts:
    """All that Partyline's processes need from outside, of one kind; the topics are there already."""

    kafka: KafkaAddress
    redis: RedisPlace


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests after the folder that they stand in, and with whom they are played one after another."""
    for item in items:
        folders = Path(item.path).parts
        if item.get_closest_marker("alone") and ALONE_FOLDER not in folders:
            raise pytest.UsageError(f"{item.nodeid}: what runs alone is only looked for in tests/{ALONE_FOLDER}")
        for folder in MARKED_FOLDERS:
            if folder in folders:
                item.add_marker(folder)
        if not {"unit", "property"} & {*folders}:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_turn)


def _group(item: pytest.Item) -> str:
    """Demos go one after another, since each would use the whole machine, and so do tests that share every process."""
    if "demo" in item.path.name or "chaos" in Path(item.path).parts:
        return "demo"
    shares = isinstance(item, pytest.Function) and "partyline" in item.fixturenames
    return "partyline" if shares else item.path.name


def _turn(item: pytest.Item) -> int:
    """The longest rows of tests first: what is short fills what they leave."""
    group = item.get_closest_marker("xdist_group")
    if group and group.args[0] in ("demo", "partyline"):
        return 0
    return 1 if "property" in Path(item.path).parts else 2


@pytest.fixture(scope="session")
def one_embedded_broker() -> Iterator[KafkaAddress]:
    """The session's embedded broker."""
    with embedded_broker() as address:
        yield address


@pytest.fixture(scope="session")
def one_embedded_redis() -> Iterator[str]:
    """The session's embedded Redis server."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(params=EMBEDDED_OR_REAL)
def kafka(request: pytest.FixtureRequest) -> Iterator[KafkaAddress]:
    """Kafka with a prefix of this test's own; topics are the test's to create and are removed afterwards."""
    yield from _kafka(request, request.param)


@pytest.fixture
def real_kafka(request: pytest.FixtureRequest) -> Iterator[KafkaAddress]:
    """The same for what only a real Kafka can do."""
    yield from _kafka(request, "real")


@pytest.fixture(params=EMBEDDED_OR_REAL)
def redis_url(request: pytest.FixtureRequest) -> Iterator[RedisPlace]:
    """Redis with a key prefix of this test's own; its keys are removed afterwards."""
    yield from _redis(request, request.param)


@pytest.fixture(params=EMBEDDED_OR_REAL)
def parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    """Kafka, with all topics, and Redis: both embedded or both real."""
    yield from _parts(request)


@pytest.fixture(scope="module", params=EMBEDDED_OR_REAL)
def shared_parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    """The same once for all tests of a module."""
    yield from _parts(request)


@pytest.fixture(scope="module")
def real_parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    """Where real ones are, for what makes its own topics and keys there."""
    address = KafkaAddress(_named_service("PARTYLINE_TEST_KAFKA"))
    topics.wait_for_broker(address.bootstrap, BROKER_START_S, print)
    return Parts(address, RedisPlace(_named_service("PARTYLINE_TEST_REDIS"), ""))


@pytest.fixture(scope="module", params=EMBEDDED_OR_REAL)
def demo_arguments(request: pytest.FixtureRequest) -> list[str]:
    """What a demo is told of the parts that it plays on."""
    if request.param == "embedded":
        return []
    parts: Parts = request.getfixturevalue("real_parts")
    return ["--broker", parts.kafka.bootstrap, "--redis", parts.redis.url]


def _parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    for address in _kafka(request, request.param):
        topics.create(address.bootstrap, address.prefix, address.embedded)
        for place in _redis(request, request.param):
            yield Parts(address, place)


def _kafka(request: pytest.FixtureRequest, kind: str) -> Iterator[KafkaAddress]:
    prefix = f"test-{secrets.token_hex(4)}-"
    if kind == "embedded":
        yield replace(request.getfixturevalue("one_embedded_broker"), prefix=prefix)
        return
    address = KafkaAddress(_named_service("PARTYLINE_TEST_KAFKA"), prefix)
    topics.wait_for_broker(address.bootstrap, BROKER_START_S, print)
    try:
        yield address
    finally:
        topics.delete(address.bootstrap, prefix)


def _redis(request: pytest.FixtureRequest, kind: str) -> Iterator[RedisPlace]:
    embedded = kind == "embedded"
    url = request.getfixturevalue("one_embedded_redis") if embedded else _named_service("PARTYLINE_TEST_REDIS")
    place = RedisPlace(url, f"test-{secrets.token_hex(4)}:")
    try:
        yield place
    finally:
        _remove_keys(place)


def _named_service(variable: str) -> str:
    value = os.environ.get(variable, "")
    if value:
        return value
    return missing(f"{variable} is not set")


def missing(what: str) -> NoReturn:
    """Skip a test for want of `what`; in CI that is an error."""
    if os.environ.get("PARTYLINE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and PARTYLINE_REQUIRE_SERVICES=1 allows no skipping")
    pytest.skip(what)


def _remove_keys(place: RedisPlace) -> None:
    with redis.Redis.from_url(place.url) as client:
        for key in client.scan_iter(match=place.prefix + "*", count=1000):
            client.delete(key)
