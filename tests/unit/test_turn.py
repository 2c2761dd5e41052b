"""TURN passwords follow the published rule, and a gateway that others can reach does not start without TURN."""

import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from matcher.errors import BadRequest
from services.gateway.app import build
from services.gateway.outbox import AsyncMemoryOutbox
from services.gateway.signin import DemoSender
from services.gateway.turn import CREDENTIALS_S, ice_servers, opaque_name, turn_credentials
from services.settings import Settings, read_settings

TURN = {"turn_urls": ("turn:turn.example.org:3478",), "turn_secret": "shared"}
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_the_user_name_is_the_expiry_and_a_name_and_the_password_its_keyed_hash() -> None:
    username, password = turn_credentials("logen", "fc3d", datetime.fromtimestamp(1_400_000_000 - CREDENTIALS_S, UTC))
    assert username == "1400000000:fc3d"
    told = f"printf %s {username} | openssl dgst -sha1 -hmac logen -binary | openssl base64"
    assert subprocess.run(["sh", "-c", told], capture_output=True, text=True, check=True).stdout.strip() == password


def test_passwords_are_short_lived() -> None:
    username, _ = turn_credentials("shared", "name", AT)
    assert int(username.split(":")[0]) == int(AT.timestamp()) + CREDENTIALS_S
    assert CREDENTIALS_S <= 600


def test_the_name_is_neither_a_person_nor_the_same_in_another_call() -> None:
    names = {opaque_name("secret", invitation, person) for invitation in ("i-1", "i-2") for person in ("p-1", "p-2")}
    assert len(names) == 4
    assert not any("p-" in name or "i-" in name for name in names)
    assert opaque_name("secret", "i-1", "p-1") in names


def test_without_turn_no_server_is_named() -> None:
    assert ice_servers((), "", "name", AT) == []


def _build(**change: Any) -> None:
    settings = Settings(**{"demo": True, "secret": "secret", **change})
    build(settings, outbox=AsyncMemoryOutbox(), sender=DemoSender())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "partyline.example.org"])
def test_what_others_can_reach_is_refused_without_turn_in_one_sentence(host: str) -> None:
    with pytest.raises(BadRequest, match="PARTYLINE_TURN_URLS") as refused:
        _build(host=host)
    assert "\n" not in refused.value.message
    _build(host=host, **TURN)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_demo_on_loopback_needs_no_turn(host: str) -> None:
    _build(host=host)


def test_what_is_no_demo_may_stand_behind_a_proxy_and_needs_turn_on_loopback_too() -> None:
    with pytest.raises(BadRequest, match="PARTYLINE_TURN_URLS"):
        _build(demo=False)
    _build(demo=False, contact="0800 123456", **TURN)


@pytest.mark.parametrize("half", [{"PARTYLINE_TURN_URLS": "turn:x"}, {"PARTYLINE_TURN_SECRET": "s"}])
def test_half_of_turn_is_refused(half: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match="turn_urls and turn_secret go together"):
        read_settings(half)


def test_what_is_no_turn_server_is_refused() -> None:
    with pytest.raises(BadRequest, match="turn_urls are addresses of TURN servers"):
        read_settings({"PARTYLINE_TURN_URLS": "http://example.org", "PARTYLINE_TURN_SECRET": "s"})


def test_several_servers_survive_the_environment() -> None:
    given = Settings(turn_urls=("turn:a:1?transport=udp", "turns:b:2"), turn_secret="s")
    assert read_settings(given.environment()) == given
    assert read_settings(Settings().environment()) == Settings()
