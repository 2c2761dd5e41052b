"""The claim is the fence: one contract for the Lua script in Redis, embedded and real, and for its twin in memory.

The script's own guards are removed in turn, and for each the contract must fail.
"""

import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from matcher.invitation import ANSWER, Invitation
from matcher.ports import Busy, Claims, Done, Granted, Wiped
from matcher.twins import MemoryClaims
from services.adapters import claims as adapter
from services.adapters.claims import RedisClaims
from tests.conftest import RedisPlace

LEASE_S = 45
POLL_S = 0.02
WAIT_S = 10


@dataclass
class Fence:
    """The claims under test, and how to wipe them."""

    claims: Claims
    wipe: Callable[[], None]


def invitation(key: str, a: str = "ann", b: str = "bob", *, token: int = 0, late_s: float = -30) -> Invitation:
    """An invitation whose deadline passed `late_s` ago."""
    now = datetime.now(UTC)
    return Invitation(
        offset=1, invitation=key, market="GB", a=a, b=b, availability_a="x", availability_b="y", topic="birds",
        reasons=(), score=0.5, token=token, decided_wall=now, answer_by_wall=now - timedelta(seconds=late_s),
        until=now + ANSWER, pool_now=now, pool_wall=now,
    )  # fmt: skip


def in_memory() -> Fence:
    twin = MemoryClaims(lambda: datetime.now(UTC))
    return Fence(twin, twin.wipe)


def in_redis(client: "redis.Redis", prefix: str) -> Fence:
    def wipe() -> None:
        for key in client.scan_iter(match=prefix + "*"):
            client.delete(key)

    return Fence(RedisClaims(client, prefix), wipe)


@pytest.fixture
def in_a_redis(redis_url: RedisPlace) -> Iterator[Fence]:
    with redis.Redis.from_url(redis_url.url) as client:
        yield in_redis(client, redis_url.prefix)


# --- the contract: each takes claims that were never whole ---


def both_are_claimed_and_a_second_try_keeps_the_token(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    first = fence.claims.claim(invitation("one"), LEASE_S)
    assert isinstance(first, Granted)
    assert fence.claims.claim(invitation("one"), LEASE_S) == first


def busy_names_the_right_people_and_the_time_left(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one", "ann", "bob"), LEASE_S)
    for a, b, taken in (("ann", "cat", ("ann",)), ("abe", "bob", ("bob",)), ("ann", "bob", ("ann", "bob"))):
        busy = fence.claims.claim(invitation("two", a, b), LEASE_S)
        assert isinstance(busy, Busy)
        assert busy.people == taken
        assert 0 < busy.left_ms <= LEASE_S * 1000
    assert isinstance(fence.claims.claim(invitation("three", "abe", "cat"), LEASE_S), Granted)


def only_ones_own_claim_is_renewed(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one", "ann", "bob"), LEASE_S)
    assert fence.claims.renew(invitation("one", "ann", "bob"), LEASE_S * 2)
    assert not fence.claims.renew(invitation("two", "ann", "bob"), LEASE_S)
    assert not fence.claims.renew(invitation("two", "ann", "cat"), LEASE_S)
    assert not fence.claims.renew(invitation("two", "abe", "cat"), LEASE_S)
    assert isinstance(fence.claims.claim(invitation("three", "abe", "cat"), LEASE_S), Granted)
    busy = fence.claims.claim(invitation("four", "ann", "eve"), LEASE_S)
    assert isinstance(busy, Busy)
    assert busy.left_ms > LEASE_S * 1000


def only_ones_own_claim_is_released(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one", "ann", "bob"), LEASE_S)
    fence.claims.release(invitation("two", "ann", "bob"))
    for a, b in (("ann", "cat"), ("abe", "bob")):
        assert isinstance(fence.claims.claim(invitation("three", a, b), LEASE_S), Busy)
    fence.claims.release(invitation("one", "ann", "bob"))
    assert isinstance(fence.claims.claim(invitation("three", "ann", "bob"), LEASE_S), Granted)


def what_is_done_is_never_claimed(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one"), LEASE_S)
    fence.claims.release(invitation("one"))
    assert fence.claims.claim(invitation("one"), LEASE_S) == Done()
    assert not fence.claims.restore(invitation("one"), LEASE_S)


def what_is_overdue_is_never_claimed(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    assert fence.claims.claim(invitation("one", late_s=1), LEASE_S) == Done()
    assert isinstance(fence.claims.claim(invitation("two"), LEASE_S), Granted)


def after_a_wipe_nothing_is_claimed_until_the_claims_are_whole(fence: Fence) -> None:
    assert fence.claims.claim(invitation("one"), LEASE_S) == Wiped()
    fence.claims.set_whole("GB")
    assert isinstance(fence.claims.claim(invitation("one"), LEASE_S), Granted)
    fence.wipe()
    assert fence.claims.claim(invitation("one"), LEASE_S) == Wiped()
    assert fence.claims.claim(invitation("two"), LEASE_S) == Wiped()


def what_is_restored_takes_nothing_from_others(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one", "ann", "bob"), LEASE_S)
    assert not fence.claims.restore(invitation("two", "ann", "cat", token=9), LEASE_S)
    assert not fence.claims.restore(invitation("two", "abe", "bob", token=9), LEASE_S)
    assert isinstance(fence.claims.claim(invitation("three", "abe", "cat"), LEASE_S), Granted)
    assert fence.claims.renew(invitation("one", "ann", "bob"), LEASE_S)


def what_is_restored_keeps_its_token_and_later_tokens_are_higher(fence: Fence) -> None:
    fence.wipe()
    assert fence.claims.restore(invitation("one", "ann", "bob", token=41), LEASE_S)
    assert fence.claims.restore(invitation("two", "cat", "dan", token=7), LEASE_S)
    fence.claims.set_whole("GB")
    assert fence.claims.claim(invitation("one", "ann", "bob"), LEASE_S) == Granted(41)
    assert fence.claims.claim(invitation("three", "eve", "fay"), LEASE_S) == Granted(42)


def what_had_no_token_yet_is_restored_under_a_new_one(fence: Fence) -> None:
    assert fence.claims.restore(invitation("one", token=5), LEASE_S)
    assert fence.claims.restore(invitation("two", "cat", "dan"), LEASE_S)
    fence.claims.set_whole("GB")
    assert fence.claims.claim(invitation("two", "cat", "dan"), LEASE_S) == Granted(6)


def what_still_stands_keeps_its_token_when_it_is_restored(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    first = fence.claims.claim(invitation("one"), LEASE_S)
    assert fence.claims.restore(invitation("one"), LEASE_S)
    assert fence.claims.claim(invitation("one"), LEASE_S) == first


def a_lease_that_is_not_renewed_runs_out(fence: Fence) -> None:
    fence.claims.set_whole("GB")
    fence.claims.claim(invitation("one", "ann", "bob"), 1)
    deadline = time.monotonic() + WAIT_S
    while not isinstance(fence.claims.claim(invitation("two", "ann", "cat"), LEASE_S), Granted):
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
    assert not fence.claims.renew(invitation("one", "ann", "bob"), LEASE_S)


CONTRACT = [
    both_are_claimed_and_a_second_try_keeps_the_token,
    busy_names_the_right_people_and_the_time_left,
    only_ones_own_claim_is_renewed,
    only_ones_own_claim_is_released,
    what_is_done_is_never_claimed,
    what_is_overdue_is_never_claimed,
    after_a_wipe_nothing_is_claimed_until_the_claims_are_whole,
    what_is_restored_takes_nothing_from_others,
    what_is_restored_keeps_its_token_and_later_tokens_are_higher,
    what_had_no_token_yet_is_restored_under_a_new_one,
    what_still_stands_keeps_its_token_when_it_is_restored,
    a_lease_that_is_not_renewed_runs_out,
]
BY_NAME = pytest.mark.parametrize("part", CONTRACT, ids=lambda part: part.__name__)


@BY_NAME
def test_the_claims_in_memory_keep_the_contract(part: Callable[[Fence], None]) -> None:
    part(in_memory())


@BY_NAME
def test_the_claims_in_redis_keep_the_contract(part: Callable[[Fence], None], in_a_redis: Fence) -> None:
    part(in_a_redis)


def test_twin_and_adapter_take_the_same_arguments() -> None:
    for name in ("claim", "renew", "release", "restore", "set_whole"):
        assert inspect.signature(getattr(MemoryClaims, name)) == inspect.signature(getattr(RedisClaims, name))


def test_every_key_of_a_market_has_its_hash_tag_so_that_one_script_may_touch_them_all(redis_url: RedisPlace) -> None:
    with redis.Redis.from_url(redis_url.url) as client:
        fence = in_redis(client, redis_url.prefix)
        fence.claims.set_whole("GB")
        fence.claims.claim(invitation("one"), LEASE_S)
        fence.claims.release(invitation("two", "cat", "dan"))
        keys = {key.decode() for key in client.scan_iter(match=redis_url.prefix + "*")}
    tag = redis_url.prefix + "{GB}:"
    assert keys == {tag + name for name in ("epoch", "fence", "claim:ann", "claim:bob", "done:two")}


def test_every_lease_and_every_done_mark_runs_out_by_itself(redis_url: RedisPlace) -> None:
    with redis.Redis.from_url(redis_url.url) as client:
        fence = in_redis(client, redis_url.prefix)
        fence.claims.set_whole("GB")
        fence.claims.claim(invitation("one"), LEASE_S)
        fence.claims.release(invitation("two", "cat", "dan"))
        for name in ("claim:ann", "claim:bob", "done:two"):
            assert client.pttl(redis_url.prefix + "{GB}:" + name) > 0


# --- the script's own guards ---

GUARDS = {
    "the epoch": ("if redis.call('EXISTS', KEYS[1]) == 0 then return {'wiped'} end", ""),
    "the done mark at a claim": ("if redis.call('EXISTS', KEYS[5]) == 1 then return {'done'} end", ""),
    "the deadline": ("> tonumber(ARGV[4]) then return {'done'} end", "> tonumber(ARGV[4]) then end"),
    "the claims of others": ("if others_a or others_b then", "if false then"),
    "the token that stands": ("local token = ours_a or ours_b or redis.call('INCR'", "local token = redis.call('INCR'"),
    "only one's own at a renewal": ("if not (ours_a and ours_b) then return 0 end", ""),
    "only one's own at a release of a": ("if ours_a then redis.call('DEL', KEYS[3]) end", "redis.call('DEL', KEYS[3])"),
    "only one's own at a release of b": ("if ours_b then redis.call('DEL', KEYS[4]) end", "redis.call('DEL', KEYS[4])"),
    "the done mark at a release": ("redis.call('SET', KEYS[5], '1', 'PX', ms)", ""),
    "the token that stands at a restoration": ("local token = ours_a or ours_b or tonumber", "local token = tonumber"),
    "the others at a restoration": ("if others_a or others_b or redis.call", "if redis.call"),
    "the done mark at a restoration": ("or redis.call('EXISTS', KEYS[5]) == 1 then return 0", "then return 0"),
    "the fence that rises": ("if fence < tonumber(ARGV[4]) then", "if false then"),
    "the fence that never falls": ("if fence < tonumber(ARGV[4]) then", "if true then"),
}


def _keeps_the_contract(client: "redis.Redis", prefix: str) -> bool:
    for number, part in enumerate(CONTRACT):
        try:
            part(in_redis(client, f"{prefix}{number}:"))
        except (AssertionError, redis.ResponseError):
            return False
    return True


@pytest.mark.parametrize("guard", GUARDS)
def test_without_this_line_of_the_script_the_contract_breaks(
    guard: str, one_embedded_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, without = GUARDS[guard]
    assert adapter.SCRIPT.count(line) == 1
    monkeypatch.setattr(adapter, "SCRIPT", adapter.SCRIPT.replace(line, without))
    prefix = f"mutant-{list(GUARDS).index(guard)}:"
    client: Any
    with redis.Redis.from_url(one_embedded_redis) as client:
        assert not _keeps_the_contract(client, prefix)


def test_the_script_as_it_is_keeps_the_contract_that_its_mutants_break(one_embedded_redis: str) -> None:
    with redis.Redis.from_url(one_embedded_redis) as client:
        assert _keeps_the_contract(client, "whole:")
