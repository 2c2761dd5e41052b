"""Whoever is asked to get in touch can do so with one tap, on every page that asks it; a demo says that it is one."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from matcher.errors import BadRequest
from services.adapters.views import NUMBER_LEFT
from services.gateway.app import build
from services.gateway.contact import EXAMPLE, Contact, linked
from services.gateway.numbers import HOLDERS_LIMIT, number_id
from services.gateway.outbox import AsyncMemoryOutbox
from services.gateway.signin import DemoSender
from services.settings import Settings, read_settings
from tests.conftest import RedisPlace
from tests.gateway_desk import SECRET, Desk, desk
from tests.page_reader import Seen, look, press, press_here

NUMBER = "0800 123 456"
TURN: dict[str, Any] = {"turn_urls": ("turn:turn.example.org",), "turn_secret": "secret"}


@pytest.fixture(scope="module")
def reachable(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway whose settings name a number."""
    with desk(RedisPlace(one_embedded_redis, "reachable:"), contact=NUMBER) as made:
        yield made


def links(seen: Seen) -> list[str | None]:
    """What a tap on the page would call or write to, but for the crisis line."""
    found = [attrs["href"] for tag, attrs in seen.tags if tag == "a" and "href" in attrs]
    return [one for one in found if one and re.match("tel:0800|mailto:", one)]


def test_whoever_is_held_finds_a_number_wherever_they_look(reachable: Desk) -> None:
    page, _ = reachable.registered(held=True)
    seen = look(page)
    assert (seen.view, links(seen)) == ("held", ["tel:0800123456"])
    assert f"in touch with us too: {NUMBER}." in seen.text
    said = page.post("/availability", {"minutes": 20}).json()["message"]
    assert said.endswith(f"Please get in touch with us: {NUMBER}.")
    refused = Seen(press(page, look(page, "/number").form("/code"), phone="07400 999001").text)
    assert links(refused) == ["tel:0800123456"] * 2
    german = look(page, **{"Accept-Language": "de"})
    assert f"bei uns melden: {NUMBER}." in german.text


def test_a_number_that_cannot_be_used_any_more_names_it_beside_the_field(reachable: Desk) -> None:
    phone = "+447400999002"
    for holder in range(HOLDERS_LIMIT):
        reachable.redis.set(f"{reachable.prefix}number:{number_id(SECRET, phone, holder)}", NUMBER_LEFT)
    page = reachable.page()
    code = press_here(page, "/code", phone=phone)
    wrong = Seen(press(page, code.form("/session"), code=code.form("/session").fields["demo_code"]).text)
    assert (wrong.view, links(wrong)) == ("code", ["tel:0800123456"])


def test_a_demo_shows_an_example_and_says_so(gateway: Desk) -> None:
    page, _ = gateway.registered(held=True)
    seen = look(page)
    assert links(seen) == [f"mailto:{EXAMPLE}"]
    assert f"{EXAMPLE} (only an example: this is a demo)" in seen.text


def test_outside_a_demo_the_gateway_does_not_start_without_one() -> None:
    def start(**change: Any) -> None:
        build(Settings(secret="long enough", **TURN, **change), outbox=AsyncMemoryOutbox(), sender=DemoSender())

    with pytest.raises(BadRequest, match="PARTYLINE_CONTACT"):
        start()
    start(contact=NUMBER)


@pytest.mark.parametrize("given", ["0800 123456", "+44 20 7946 0000", "116123", "help@example.org", "a.b+c@x-y.org.uk"])
def test_a_contact_is_a_telephone_number_or_a_mail_address(given: str) -> None:
    assert read_settings({"PARTYLINE_CONTACT": given}).contact == given


@pytest.mark.parametrize(
    "given", ["us", "12", "https://example.org", "mailto:help@example.org", "a@b", "a@b.org\n", '"><b>@x.org', "0800-1"]
)
def test_what_is_neither_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(BadRequest, match=r"such as 0800 123456 or help@example\.org"):
        read_settings({"PARTYLINE_CONTACT": given})


def test_nothing_but_the_address_becomes_a_link() -> None:
    made = linked("<b>Ann</b>, write to help@example.org & wait.", Contact("help@example.org"))
    link = '<a href="mailto:help@example.org" dir="ltr">help@example.org</a>'
    assert made == f"&lt;b&gt;Ann&lt;/b&gt;, write to {link} &amp; wait."
