"""Every state of the companion page, at a gateway whose views are put in place by hand; for axe and screenshots."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playwright.sync_api import BrowserContext, Page

from matcher.invitation import LOST
from matcher.person import Call, Passkey, Person
from matcher.waits import ENOUGH
from services.adapters.waits import WaitWriter
from tests.gateway_desk import MORNING, Desk, invitation, over
from tests.push_double import Subscribed

Setting = Callable[["Place"], None]


@dataclass
class Place:
    """A gateway, and a browser page that is signed in as Ada once it is asked to be."""

    desk: Desk
    page: Page
    person: str = ""

    def sign_in(self, registered: bool = True, phone: str | None = None, **change: Any) -> None:
        """Become Ada."""
        client, self.person = self.desk.signed_in(phone)
        if registered:
            self.desk.put_person(self.person, first_name="Ada", **change)
        self.page.context.add_cookies([{"name": "session", "value": client.cookies["session"], "url": self.desk.url}])

    def show(self, path: str = "/") -> None:
        """Load the page."""
        self.page.goto(self.desk.url + path)

    def invite(self, **change: Any) -> None:
        """An open window, and an invitation with Stan under it."""
        self.sign_in()
        _, other = self.desk.registered("Stan")
        window = self.desk.put_waiting(self.person)
        me, you = ("a", "b") if self.person < other else ("b", "a")
        sides = {"answer_me": f"answer_{me}", "answer_you": f"answer_{you}"}
        given = {
            f"availability_{me}": window.availability, "topic": "gardening",
            "reasons": ("near", "topic:gardening", "topic:radio"), "until": MORNING + timedelta(minutes=20),
        }  # fmt: skip
        self.desk.put_invitation(self.person, other, **given, **{sides.get(k, k): v for k, v in change.items()})
        self.show()

    def bonds(self) -> tuple[str, ...]:
        """Whom Ada keeps."""
        row: Any = self.desk.redis.hget(f"{self.desk.prefix}person:{self.person}", "row")
        return Person.model_validate_json(row).bonds

    def ring_when_locked(self, subscription: dict[str, Any]) -> None:
        """Say in this session where its telephone can be rung."""
        client = self.desk.page()
        kept = {one["name"]: one["value"] for one in self.page.context.cookies()}
        client.cookies.set("session", kept["session"])
        assert client.post("/push/subscription", subscription).status_code == 201

    def press(self, name: str) -> None:
        """Tap a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, view: str) -> None:
        """Wait for a view."""
        self.page.locator(f'[data-view="{view}"]').wait_for()


def place(desk: Desk, context: BrowserContext) -> Place:
    """Nobody is signed in yet."""
    return Place(desk, context.new_page())


def _door(one: Place) -> None:
    one.show()


def _wrong_number(one: Place) -> None:
    one.show()
    one.page.get_by_label("Your phone number").fill("12")
    one.press("Send me a code")
    one.page.locator("#phone-error").wait_for()


def _code(one: Place) -> None:
    one.show()
    one.page.get_by_label("Your phone number").fill("07400 222333")
    one.press("Send me a code")
    one.sees("code")


def _asked(question: str) -> Setting:
    def put(one: Place) -> None:
        one.sign_in(registered=False)
        one.show(f"/welcome/{question}")

    return put


def _asked_wrong(one: Place) -> None:
    _asked("who")(one)
    one.page.get_by_label("Only people of my own gender").check()
    one.press("Go on")
    one.page.locator(".error").wait_for()


def _too_young(one: Place) -> None:
    _asked("age")(one)
    one.press("Under 18")
    one.sees("welcome_too_young")


def _about_me_wrong(one: Place) -> None:
    _signed_in_as("/about-me")(one)
    one.page.get_by_label("First name").fill("")
    one.page.get_by_label("I am 18 or over").uncheck()
    one.page.locator("summary").click()
    one.press("Save")
    one.page.locator(".error").first.wait_for()


def _home(one: Place) -> None:
    one.sign_in()
    one.show()


def _beside(path: str) -> Setting:
    def put(one: Place) -> None:
        """Signed in on another telephone as well."""
        other, _ = one.desk.signed_in()
        one.sign_in(phone=other.get("/me/export").json()["phone"])
        one.show(path)

    return put


def _home_known(one: Place) -> None:
    one.sign_in(bonds=("p-stan",))
    one.show()


def _with_stan(path: str) -> Setting:
    def put(one: Place) -> None:
        _, stan = one.desk.registered("Stan")
        call = Call(other=stan, ended_at=MORNING - timedelta(days=3), talked_s=700)
        one.sign_in(bonds=(stan,), calls=(call,))
        one.desk.put_person(stan, "Stan", bonds=(one.person,))
        one.show(path)

    return put


def _ask_for(one: Place) -> None:
    _with_stan("/people")(one)
    one.page.get_by_role("link", name="Ask Stan for a call").click()
    one.sees("ask_for")


def _wished(one: Place) -> None:
    _with_stan("/")(one)
    (stan,) = one.bonds()
    one.desk.redis.hset(f"{one.desk.prefix}wishes:{one.person}", stan, MORNING.isoformat())
    one.show()


def _hoping(one: Place) -> None:
    _with_stan("/")(one)
    one.desk.put_waiting(one.person, hopes_for=one.bonds()[0], company="known")
    one.show()


def _hope_asked(one: Place) -> None:
    _hoping(one)
    (stan,), window = one.bonds(), one.desk.put_waiting(one.person, hopes_for=one.bonds()[0], company="known")
    side = "a" if one.person < stan else "b"
    one.desk.put_invitation(one.person, stan, state="expired", **{f"availability_{side}": window.availability,
                            f"answer_{side}": "accept"})  # fmt: skip
    one.show()


def _hope_gone(one: Place) -> None:
    one.sign_in()
    one.desk.put_waiting(one.person, hopes_for="p-gone", company="known")
    one.show()


def _home_stop(one: Place) -> None:
    _home_known(one)
    one.page.get_by_label("until my stop").fill("21:30")
    one.press("Free until then")
    one.page.locator("#until-error").wait_for()


def _mine(path: str) -> Setting:
    def put(one: Place) -> None:
        _, stan = one.desk.registered("Stan")
        _, eve = one.desk.registered("Eve")
        calls = [Call(other=who, ended_at=MORNING, talked_s=length) for who, length in ((stan, 700), (eve, 70))]
        one.sign_in(calls=calls, blocks=(stan, eve), reported=(eve,))
        one.show(path)

    return put


def _with_a_name(then: Setting) -> Setting:
    """The same at an address that can have passkeys."""

    def put(one: Place) -> None:
        one.desk = replace(one.desk, url=one.desk.url.replace("127.0.0.1", "localhost"))
        then(one)
        one.page.locator("[data-passkey]:not([hidden])").first.wait_for()

    return put


def _my_passkeys(one: Place) -> None:
    key = Passkey(id="id", public_key="key", site="localhost", added=MORNING)
    one.sign_in(passkeys=(key, key.model_copy(update={"id": "other"})))
    one.show("/passkeys")


def _ran_out(one: Place) -> None:
    one.sign_in()
    one.desk.put_waiting(one.person, end="ran_out")
    one.show()


def _waiting(one: Place) -> None:
    waits = WaitWriter(one.desk.redis, one.desk.prefix)
    for number in range(2 * ENOUGH):
        later = MORNING + timedelta(minutes=2 + number % 3)
        row = one.desk.put_waiting(f"p-{number}")
        waits.note(invitation(row.person, "p-zz", pool_now=later, availability_a=row.availability))
    one.sign_in()
    one.desk.put_waiting(one.person)
    one.show()


def _wrong(one: Place) -> None:
    one.invite(state="confirmed", answer_me="accept", answer_you="accept")
    one.press("This feels wrong")
    one.sees("wrong")


def _reported(one: Place) -> None:
    _wrong(one)
    one.page.get_by_label("What happened?").fill("He asked for money.")
    one.press("Tell Partyline")
    one.sees("reported")


def _mistake(one: Place) -> None:
    _wrong(one)
    one.press("It was a mistake")
    one.sees("mistake")


def _blocked(one: Place) -> None:
    one.invite(**over())
    one.press("Never put me through to them again")
    one.sees("blocked")


def _ending(one: Place) -> None:
    one.invite(state="confirmed", answer_me="accept", answer_you="accept")
    one.press("Hang up")
    one.sees("ending")


def _no_microphone(one: Place) -> None:
    one.invite()
    one.page.locator("form.no-microphone").evaluate("form => form.requestSubmit()")
    one.sees("no_microphone")


def _no_calls(one: Place) -> None:
    one.page.add_init_script("delete window.RTCPeerConnection")
    one.invite()
    one.press("Yes, let’s talk")
    one.sees("no_calls")


def _asking(one: Place) -> None:
    one.page.add_init_script("navigator.mediaDevices.getUserMedia = () => new Promise(() => {})")
    one.invite(state="confirmed", answer_me="accept", answer_you="accept")
    one.page.get_by_text("Please allow it").wait_for()


def _elsewhere(one: Place) -> None:
    one.invite(state="confirmed", answer_me="accept", answer_you="accept")
    one.page.locator("[data-call]").evaluate("(call) => { call.dataset.callState = 'elsewhere'; }")


def _number_wrong(one: Place) -> None:
    _signed_in_as("/number")(one)
    one.page.get_by_label("Your new phone number").fill("12")
    one.press("Send a code there")
    one.page.locator("#phone-error").wait_for()


def _number_code(one: Place) -> None:
    _signed_in_as("/number")(one)
    one.page.get_by_label("Your new phone number").fill("07400 222334")
    one.press("Send a code there")
    one.sees("my_number_code")


def _number_changed(one: Place) -> None:
    _number_code(one)
    one.page.get_by_label("Six digits").fill(one.page.locator(".code").inner_text())
    one.press("This is my number now")
    one.sees("number_changed")


def _broke(one: Place) -> None:
    one.invite(**over(end_reason=LOST))


def _going_on(one: Place) -> None:
    _broke(one)
    one.press("Go on")
    one.sees("going_on")


def _back(one: Place) -> None:
    one.page.route("**/accept", lambda route: None)  # what the page sends by itself stays on its way
    one.invite(goes_on="inv-before")


def _outcome_in_vain(one: Place) -> None:
    one.invite(goes_on="inv-before", state="expired")


def _signed_in_as(path: str, **change: Any) -> Setting:
    def put(one: Place) -> None:
        one.sign_in(**change)
        one.show(path)

    return put


def _away(one: Place) -> None:
    one.sign_in(registered=False)
    one.desk.break_views()
    one.show()


def _again(one: Place) -> None:
    _home(one)
    one.desk.outbox.away = True
    one.press("20 minutes")
    one.sees("again")


def permission(state: str) -> str:
    """As in a browser whose person has said this about messages ("default": nothing yet)."""
    return f"Object.defineProperty(Notification, 'permission', {{ get: () => '{state}' }});"


def _ringing_refused(one: Place) -> None:
    one.page.add_init_script(permission("default") + "Notification.requestPermission = async () => 'denied';")
    _waiting(one)
    one.press("Yes, ring it")
    one.page.get_by_text("That is all right").wait_for()


def _ringing_on_iphone(one: Place) -> None:
    one.page.add_init_script("delete window.PushManager; navigator.standalone = false;")
    _waiting(one)
    one.page.get_by_text("Add to Home Screen").wait_for()


def _my_ringing_on(one: Place) -> None:
    one.sign_in()
    one.ring_when_locked(Subscribed("/x", "").as_json("https://fcm.googleapis.com"))
    one.show("/ringing")
    one.page.get_by_text("This telephone rings").wait_for()


def _my_ringing_blocked(one: Place) -> None:
    one.page.add_init_script(permission("denied"))
    _signed_in_as("/ringing")(one)
    one.page.get_by_text("keeps our messages back").wait_for()


def _offline(one: Place) -> None:
    _waiting(one)
    one.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    one.page.wait_for_function("navigator.serviceWorker.controller?.state === 'activated'")
    one.page.context.set_offline(True)
    one.show()
    one.page.locator("#last:not([hidden])").wait_for()


def _invited(**change: Any) -> Setting:
    def put(one: Place) -> None:
        one.invite(**change)

    return put


STATES: dict[str, Setting] = {
    "sign-in": _door,
    "sign-in-wrong": _wrong_number,
    "sign-in-passkey": _with_a_name(_door),
    "code": _code,
    "question-name": _asked("name"),
    "question-age": _asked("age"),
    "question-languages": _asked("languages"),
    "question-area": _asked("area"),
    "question-likes": _asked("likes"),
    "question-situation": _asked("situation"),
    "question-who": _asked("who"),
    "question-who-wrong": _asked_wrong,
    "question-quiet": _asked("quiet"),
    "too-young": _too_young,
    "about-me-wrong": _about_me_wrong,
    "home": _home,
    "home-ran-out": _ran_out,
    "home-known": _home_known,
    "home-beside": _beside("/"),
    "home-stop": _home_stop,
    "home-wished": _wished,
    "my-people": _with_stan("/people"),
    "ask-for": _ask_for,
    "waiting": _waiting,
    "waiting-hopes": _hoping,
    "waiting-hope-gone": _hope_gone,
    "waiting-hope-asked": _hope_asked,
    "invitation": _invited(),
    "accepted": _invited(state="accepted", answer_me="accept"),
    "call": _invited(state="confirmed", answer_me="accept", answer_you="accept"),
    "call-asking": _asking,
    "call-elsewhere": _elsewhere,
    "no-microphone": _no_microphone,
    "no-calls": _no_calls,
    "ending": _ending,
    "broke": _broke,
    "going-on": _going_on,
    "back": _back,
    "outcome": _invited(**over()),
    "outcome-in-vain": _outcome_in_vain,
    "other-declined": _invited(state="declined", answer_you="decline"),
    "missed": _invited(state="expired"),
    "wrong": _wrong,
    "mistake": _mistake,
    "blocked": _blocked,
    "reported": _reported,
    "paused": _signed_in_as("/", paused=True),
    "held": _signed_in_as("/", held=True),
    "settings": _signed_in_as("/settings"),
    "my-calls": _mine("/calls"),
    "my-blocks": _mine("/blocked"),
    "home-passkey": _with_a_name(_home),
    "my-passkeys": _with_a_name(_my_passkeys),
    "my-sessions": _mine("/signed-in"),
    "my-sessions-beside": _beside("/signed-in"),
    "my-language": _signed_in_as("/language"),
    "number-wrong": _number_wrong,
    "number-code": _number_code,
    "number-changed": _number_changed,
    "change-me": _signed_in_as("/about-me"),
    "erase": _signed_in_as("/erase"),
    "nothing": _signed_in_as("/nowhere"),
    "waiting-ringing-refused": _ringing_refused,
    "waiting-ringing-iphone": _ringing_on_iphone,
    "my-ringing-on": _my_ringing_on,
    "my-ringing-blocked": _my_ringing_blocked,
    "away": _away,
    "offline": _offline,
    "again": _again,
}
"""How to get to each state, by a name for its picture."""
