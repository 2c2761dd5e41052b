"""A locked telephone rings: asked for with a tap, pushed as a push service would, shown by the worker, tapped on."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Worker, expect

from services.adapters.vapid import public_key
from services.notifier.push import PushChannel
from services.settings import Settings
from tests.browser.chromium import visit
from tests.browser.states import Place, permission, place
from tests.browser.test_installed import worker_stands_in
from tests.conftest import RedisPlace
from tests.gateway_desk import PUSH_KEY, Desk, desk, invitation
from tests.push_double import PushDouble, Pushed, push_double
from tests.world import eventually

WHOLE_BROWSER = True
SOON_S = 20
BROWSER = """
const given = %s;
const made = { ...given, toJSON: () => given, unsubscribe: async () => { delete localStorage.made; return true; } };
PushManager.prototype.getSubscription = async () => (localStorage.made ? made : null);
PushManager.prototype.subscribe = async (options) => {
  localStorage.made = String(options.userVisibleOnly && options.applicationServerKey === %s);
  return made;
};
const ask = Notification.requestPermission;
localStorage.asked ??= 0;
Notification.requestPermission = () => { localStorage.asked = Number(localStorage.asked) + 1; return ask(); };
"""
"""The browsers' push services cannot be reached from here, so what they would give to the page stands here instead."""
SHOWN = """self.registration.getNotifications()
  .then((all) => all.map((one) => [one.title, one.body, one.tag, one.silent]))"""
OPEN_PAGES = "self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((all) => all.length)"
TAP = """async () => {
  self.opened = [];
  self.clients.openWindow = async (path) => { self.opened.push(path); };
  WindowClient.prototype.focus = async function () { self.opened.push("focus"); return this; };
  const [notification] = await self.registration.getNotifications();
  if (!notification) return null; // the page has taken it back
  const waits = [];
  const event = new NotificationEvent("notificationclick", { notification });
  event.waitUntil = (one) => waits.push(one);
  self.dispatchEvent(event);
  await Promise.all(waits);
  return self.opened;
}"""


@dataclass
class Phone:
    """Ada's telephone, the service that pushes to it, and the notifier's channel."""

    one: Place
    double: PushDouble
    channel: PushChannel
    subscription: dict[str, Any]
    registrations: list[str] = field(default_factory=list)

    @property
    def worker(self) -> Worker:
        """The page's worker."""
        context = self.one.page.context
        eventually(lambda: context.service_workers or self.one.page.evaluate("0"), SOON_S)
        return context.service_workers[-1]

    def close_page(self) -> None:
        """Nothing of ours is open any more, and the worker knows it."""
        self.one.page.goto("about:blank")
        eventually(lambda: self.worker.evaluate(OPEN_PAGES) == 0, SOON_S, "no page is open")

    def pushed(self, count: int) -> Pushed:
        """The last push of so many."""
        eventually(lambda: len(self.double.taken) >= count or self.double.refused, SOON_S, "the push")
        assert self.double.refused == []
        return self.double.taken[-1]

    def deliver(self, said: dict[str, Any] | str) -> None:
        """What a push service gives to the browser, given to the worker."""
        origin = self.one.desk.url + "/"
        data = said if isinstance(said, str) else json.dumps(said)
        devtools = self.one.page.context.new_cdp_session(self.one.page)
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: self.registrations.extend(
                each["registrationId"] for each in event["registrations"] if each["scopeURL"] == origin
            ),
        )
        devtools.send("ServiceWorker.enable")
        eventually(lambda: self.registrations or self.one.page.evaluate("0"), SOON_S)
        message = {"origin": origin, "registrationId": self.registrations[-1], "data": data}
        devtools.send("ServiceWorker.deliverPushMessage", message)
        devtools.detach()

    def shows(self, body: str, silent: bool) -> None:
        """Wait until this message, and no other, is shown."""
        def found() -> bool:
            shown = self.worker.evaluate(SHOWN)
            return len(shown) == 1 and body in shown[0][1] and shown[0][2:] == ["invitation", silent]

        eventually(found, SOON_S, body)


Served = tuple[Desk, PushDouble, PushChannel]


@pytest.fixture(scope="module")
def served(one_embedded_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place_ = RedisPlace(one_embedded_redis, f"push-{secrets.token_hex(4)}:")
    folder = tmp_path_factory.mktemp("push")
    with push_double(folder) as double, desk(place_, push_hosts=(double.host,)) as gateway:
        settings = Settings(
            redis=place_.url, redis_prefix=place_.prefix, push_key=PUSH_KEY, push_hosts=(double.host,),
            push_contact="mailto:ops@example.org",
        )  # fmt: skip
        channel = PushChannel(settings, gateway.redis, lambda: datetime.now(UTC), lambda _: None, double.trust)
        yield gateway, double, channel
        channel.close()


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    with visit(browser) as made:
        made.grant_permissions(["notifications"], origin=served[0].url)
        yield made


@pytest.fixture
def phone(context: BrowserContext, served: Served) -> Phone:
    """One that has not been asked yet; Ada waits for a call."""
    gateway, double, channel = served
    double.taken.clear()
    one, key = place(gateway, context), public_key(PUSH_KEY)
    subscription = double.subscribe(key)
    context.add_init_script(BROWSER % (json.dumps(subscription), json.dumps(key)))
    one.sign_in()
    one.desk.put_waiting(one.person)
    one.show()
    worker_stands_in(one.page)
    return Phone(one, double, channel, subscription)


def test_a_tap_lets_a_locked_telephone_ring_and_a_tap_on_the_message_leads_to_the_invitation(phone: Phone) -> None:
    page = phone.one.page
    expect(page.get_by_text("May we ring this telephone")).to_be_visible()
    assert page.evaluate("localStorage.asked") == "0"
    page.get_by_role("button", name="Yes, ring it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You may lock your telephone")).to_be_visible()
    assert page.evaluate("[localStorage.asked, localStorage.made]") == ["1", "true"]

    _, stan = phone.one.desk.registered("Stan")
    row = phone.one.desk.put_invitation(phone.one.person, stan)
    phone.close_page()
    phone.channel.ring(row, phone.one.person)
    said = phone.pushed(1).said
    assert said == {"kind": "ring", "invitation": row.invitation}
    phone.deliver(said)
    phone.shows("Somebody is free to talk with you", silent=False)
    phone.deliver(said)
    phone.shows("Somebody is free to talk with you", silent=True)
    phone.deliver(said | {"invitation": "another"})
    phone.shows("Somebody is free to talk with you", silent=False)
    phone.deliver({"kind": "answered", "invitation": "another"})
    phone.shows("answered on another telephone", silent=True)
    phone.deliver({"kind": "missed", "invitation": "another"})
    phone.shows("You missed a call", silent=True)
    assert phone.worker.evaluate(TAP) == ["/"]
    assert phone.worker.evaluate(SHOWN) == []

    phone.deliver({"kind": "answered", "invitation": "another"})
    eventually(lambda: phone.worker.evaluate(SHOWN) == [], SOON_S, "nothing stood there that it could replace")
    phone.deliver("this is no news of ours")
    phone.shows("Somebody is free to talk with you", silent=False)
    phone.one.show()
    phone.one.sees("ringing")
    eventually(lambda: phone.worker.evaluate(SHOWN) == [], SOON_S, "the message goes once the page is seen")
    phone.deliver(said)
    eventually(lambda: phone.worker.evaluate(SHOWN) == [], SOON_S, "no message over an open page")
    assert "Stan" not in json.dumps(said)


def test_an_open_page_is_brought_to_the_front_and_looks_again(phone: Phone) -> None:
    page = phone.one.page
    page.goto(phone.one.desk.url + "/settings")
    worker_stands_in(page)
    _, stan = phone.one.desk.registered("Stan")
    page.route("**/live", lambda route: route.abort())
    show = "self.registration.showNotification('Partyline', { tag: 'invitation' })"
    phone.one.desk.put_invitation(phone.one.person, stan)
    eventually(lambda: phone.worker.evaluate(show) or phone.worker.evaluate(TAP) == ["focus"], SOON_S, "the tap")
    phone.one.sees("ringing")


def test_it_is_switched_off_under_settings_and_ends_with_the_session(phone: Phone) -> None:
    page = phone.one.page
    phone.one.press("Yes, ring it")
    page.get_by_text("You may lock your telephone").wait_for()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Ring me when my telephone is locked").click()
    phone.one.press("Don’t ring it any more")
    page.get_by_role("button", name="Ring this telephone").wait_for()
    assert page.evaluate("localStorage.made ?? ''") == ""
    phone.one.press("Ring this telephone")
    page.get_by_text("This telephone rings").wait_for()
    phone.one.show("/settings")
    phone.one.press("Sign out")
    phone.one.sees("sign_in")
    eventually(lambda: page.evaluate("localStorage.made ?? ''") == "", SOON_S, "the browser forgets it")
    row = invitation(phone.one.person, "p-other")
    phone.channel.ring(row, phone.one.person)
    eventually(lambda: phone.one.desk.redis.zcard(phone.one.desk.prefix + "push-due") == 0, SOON_S)
    assert phone.double.taken == []


def test_a_browser_that_never_answers_is_not_waited_for(context: BrowserContext, served: Any) -> None:
    one = place(served[0], context)
    one.page.clock.install()
    one.page.add_init_script(permission("default") + "Notification.requestPermission = () => new Promise(() => {});")
    one.sign_in()
    one.desk.put_waiting(one.person)
    one.show()
    one.press("Yes, ring it")
    expect(one.page.get_by_role("button", name="Yes, ring it")).to_be_disabled()
    one.page.clock.run_for(21_000)
    expect(one.page.get_by_text("Your browser did not answer")).to_be_visible()
    expect(one.page.get_by_role("button", name="Yes, ring it")).to_be_focused()
    one.press("No, thank you")
    expect(one.page.get_by_text("May we ring this telephone")).to_have_count(0)
    one.show()
    one.sees("waiting")
    expect(one.page.get_by_text("May we ring this telephone")).to_have_count(0)


def test_what_browser_and_session_know_is_made_the_same_again(phone: Phone) -> None:
    page, desk_ = phone.one.page, phone.one.desk
    page.evaluate("localStorage.made = 'by somebody who used this telephone before'")
    phone.one.show()
    eventually(lambda: page.evaluate("localStorage.made ?? ''") == "", SOON_S, "theirs goes")
    phone.one.ring_when_locked(phone.double.subscribe(public_key(PUSH_KEY)))  # at an older address
    page.evaluate("localStorage.made = 'moved'")
    phone.one.show()
    newer = [phone.subscription["endpoint"]]
    eventually(lambda: _endpoints(desk_, phone.one.person) == newer, SOON_S, "the newer address")
    phone.one.show("/nowhere")
    phone.one.sees("nothing")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("localStorage.made") == "moved"
    assert "looking for somebody" in page.evaluate("caches.match('/last').then((one) => one.text())")
    page.evaluate("delete localStorage.made")
    phone.one.show()
    eventually(lambda: _endpoints(desk_, phone.one.person) == [], SOON_S, "taken back in the browser")


def _endpoints(gateway: Desk, person: str) -> list[str]:
    sessions = gateway.redis.zrange(f"{gateway.prefix}sessions:{person}", 0, -1)
    kept = [gateway.redis.hget(f"{gateway.prefix}session:{one.decode()}", "push") for one in sessions]
    return [json.loads(one)["endpoint"] for one in kept if one]
