"""The page as an app on a telephone: installed, opened offline, and never older than the gateway."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from services.demo.options import free_port
from tests.browser.chromium import visit
from tests.browser.states import Place, place
from tests.conftest import RedisPlace
from tests.gateway_desk import Desk, desk
from tests.world import eventually

WHOLE_BROWSER = True
SOON_S = 20
SOON_MS = 1000 * SOON_S
AGES_AGO = """caches.open("last").then((one) =>
  one.put("/last", new Response(JSON.stringify({ at: Date.now() - 13 * 3600000, html: "<p>long ago</p>" }))))"""
THEN = "This is how things were at"


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    with visit(browser) as context:
        yield place(gateway, context)


def worker_stands_in(page: Page) -> None:
    """Wait until the worker has taken the page over."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    eventually(lambda: page.evaluate("navigator.serviceWorker.controller?.state === 'activated'"), SOON_S)


def _kept(page: Page) -> Any:
    return page.evaluate("caches.match('/last').then((one) => one ? one.text() : '')")


def test_it_can_be_installed(one: Place) -> None:
    one.show()
    worker_stands_in(one.page)
    devtools = one.page.context.new_cdp_session(one.page)
    found = devtools.send("Page.getAppManifest")
    manifest = json.loads(found["data"])
    assert found["errors"] == []
    assert {manifest[name] for name in ("name", "short_name")} == {"Partyline"}
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    errors = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in errors} <= {"in-incognito"}, errors  # as every context of a test is


def test_offline_it_shows_the_last_state_without_buttons_and_comes_back_by_itself(one: Place) -> None:
    one.sign_in()
    one.desk.put_waiting(one.person)
    one.show()
    one.sees("waiting")
    worker_stands_in(one.page)
    eventually(lambda: "looking for somebody" in _kept(one.page), SOON_S)
    one.page.context.set_offline(True)
    expect(one.page.locator("#trouble")).to_contain_text("You are offline. This is how things were at")
    one.press("I’m no longer free")
    expect(one.page.locator("#trouble")).to_contain_text("You are offline")
    for path in ("/", "/settings"):
        one.show(path)
        expect(one.page.get_by_role("heading", level=1)).to_have_text("You are offline")
        expect(one.page.locator("#then")).to_contain_text(THEN)
        expect(one.page.locator("#last")).to_contain_text("looking for somebody")
        assert one.page.get_by_role("button").all_text_contents() == ["Try again now"]
        assert one.page.get_by_role("link").count() == 0
    one.press("Try again now")
    expect(one.page.locator("#said")).to_contain_text("Still no way through")
    one.page.evaluate(AGES_AGO)
    one.show()
    expect(one.page.locator("#last")).to_be_hidden()
    expect(one.page.locator("#then")).to_be_hidden()
    one.page.context.set_offline(False)
    one.sees("waiting")


@pytest.mark.parametrize("leave", ["signs out", "is erased", "ends elsewhere"])
def test_who_comes_next_sees_nothing_of_whoever_left(one: Place, leave: str) -> None:
    one.sign_in()
    one.show()
    worker_stands_in(one.page)
    eventually(lambda: "Hello Ada" in _kept(one.page), SOON_S)
    if leave == "ends elsewhere":
        elsewhere = one.desk.page()
        elsewhere.cookies.set("session", one.page.context.cookies()[0]["value"])
        assert elsewhere.write("DELETE", "/me/sessions").status_code == 202
        one.show()
    else:
        one.show("/settings" if leave == "signs out" else "/erase")
        one.press("Sign out" if leave == "signs out" else "Yes, erase me")
    one.sees("sign_in")
    eventually(lambda: _kept(one.page) == "", SOON_S)
    worker_stands_in(one.page)
    one.page.context.set_offline(True)
    one.show()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    expect(one.page.locator("#last")).to_be_hidden()
    assert "Ada" not in one.page.content()


def test_after_an_update_the_next_page_is_the_new_one_and_an_open_one_becomes_it(
    browser: Browser, one_embedded_redis: str
) -> None:
    where, port = RedisPlace(one_embedded_redis, "update:"), free_port()
    with visit(browser) as context:
        with desk(where, port=port, version="v-one") as old:
            one = place(old, context)
            one.sign_in()
            one.show()
            worker_stands_in(one.page)
            open_one = context.new_page()
            open_one.goto(old.url)
            assert _version(one.page) == _version(open_one) == "v-one"
        one.show()
        expect(one.page.get_by_role("heading", level=1)).to_have_text("You are offline")
        with desk(where, port=port, version="v-two"):
            one.sees("home")
            assert _version(one.page) == "v-two"
            open_one.locator("#main[data-version='v-two']").wait_for(timeout=SOON_MS)
            eventually(lambda: _shells(one.page) == ["shell-v-two-en"], SOON_S)
            assert all("/v-two/" in path for path in _scripts(one.page))


def _version(page: Page) -> str:
    return str(page.locator("#main").get_attribute("data-version"))


def _shells(page: Page) -> Any:
    return page.evaluate("caches.keys().then((all) => all.filter((one) => one.startsWith('shell-')))")


def _scripts(page: Page) -> Any:
    loaded = "performance.getEntriesByType('resource').map((one) => one.name)"
    return page.evaluate(f"{loaded}.filter((one) => /static.*[.](js|css)$/.test(one))")
