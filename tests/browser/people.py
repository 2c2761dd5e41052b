"""People in a browser: what they see, tap and hear, as sentences that tests can say."""

import itertools
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, BrowserContext, Locator, Page, expect

from tests.world import eventually

EAR = Path(__file__).with_name("ear.js")
WAIT_MS = 30_000
WAIT_S = 40.0
ABOUT = {"adult": True, "languages": ["en"], "area": "SE", "age_band": "35-49", "likes": ["gardening"]}
YES = "Yes, let’s talk"
FREE = "I’m free to talk for …"
_numbers = itertools.count(1)


@dataclass
class Someone:
    """One person with a browser window of their own; `faults` is whatever the console complained about."""

    name: str
    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phone = f"07400 {next(_numbers):06d}"
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    # --- seeing and tapping ---

    def button(self, name: str) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def sees(self, heading: str | re.Pattern[str]) -> None:
        """Wait until this is the heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading, timeout=WAIT_MS)

    def reads(self, words: str) -> None:
        """Wait until this can be read somewhere."""
        self.page.get_by_text(words).first.wait_for()

    # --- coming in ---

    def sign_in(self) -> None:
        """Number and code."""
        self.page.goto(self.url)
        self.page.get_by_label("Your phone number").fill(self.phone)
        self.button("Send me a code").click()
        code = self.page.locator(".code").inner_text()
        self.page.get_by_label("Six digits").fill(code)
        self.button("Go on").click()

    def tell(self, *topics: str) -> None:
        """Say a little about oneself, a question at a time."""
        self.page.get_by_label("First name").fill(self.name)
        self.button("Go on").click()
        self.button("35 to 49").click()
        self.button("Just English").click()
        self.page.get_by_label("The nearest of these").select_option("SE")
        self.button("Go on").click()
        self.sees("What do you like to talk about?")
        for topic in topics or ("Gardening",):
            self.page.get_by_label(topic, exact=True).check()
        self.button("Go on").click()
        self.sees("What would you rather not talk about?")
        self.button("Skip this").click()
        self.sees("Is any of this you, just now?")
        self.button("Skip this").click()
        self.button("Anyone").click()
        self.button("No quiet hours").click()

    def come_in(self) -> "Someone":
        """All the way to the home view, by taps."""
        self.sign_in()
        self.tell()
        self.sees(FREE)
        return self

    def appear(self) -> "Someone":
        """The same in an instant, for tests of what comes afterwards."""
        code = self.write("POST", "/codes", {"phone": self.phone})["demo_code"]
        self.write("POST", "/sessions", {"phone": self.phone, "code": code})
        self.write("PUT", "/me", {**ABOUT, "first_name": self.name})
        self.page.goto(self.url)
        self.sees(FREE)
        return self

    def be_free(self, length: str = "20 minutes") -> None:
        """Tap one of the four."""
        self.button(length).click()

    # --- what their page's session can do and know without the page ---

    def ask(self, method: str, path: str, body: Any = None) -> APIResponse:
        """Ask the gateway as this person, outside of their page."""
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        data = None if method == "GET" else body or {}
        return self.page.context.request.fetch(  # again, if the gateway has just closed a connection that was idle
            self.url + path, method=method, headers=headers, data=data, max_retries=3
        )

    def write(self, method: str, path: str, body: Any = None) -> Any:
        """The same for what must be taken."""
        answer = self.ask(method, path, body)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json() if answer.status != 204 else None

    def invitation(self) -> dict[str, Any]:
        """The newest invitation, as `/state` tells it; nothing if there is none."""
        answer = self.ask("GET", "/state")
        return (answer.json()["invitation"] or {}) if answer.ok else {}

    def leave(self) -> None:
        """Whatever the page shows: no longer free, and in no call."""
        one = self.invitation()
        self.ask("DELETE", "/availability")
        if one.get("state") == "confirmed":
            self.ask("POST", f"/calls/{one['invitation']}/end")

    # --- hearing ---

    def script(self, script: str) -> Any:
        """The value of `script` in the page now."""
        return self.page.evaluate(script)

    def until(self, script: str, what: str = "", wait_s: float = WAIT_S) -> Any:
        """The first true value of `script` in the page."""
        return eventually(lambda: self.page.evaluate(script), wait_s, f"{self.name}: {what or script}")

    def until_call(self, state: str, wait_s: float = WAIT_S) -> dict[str, Any]:
        """Wait until the call has been in this state; with which words, and when first, in milliseconds."""
        heard: dict[str, Any] = self.until(f"window.heard.find((one) => one.state === '{state}')", state, wait_s)
        return heard

    def until_sound_goes_on(self) -> dict[str, Any]:
        """Wait until sound comes in and goes out that was not there before; what there is of it then."""
        before = self.script("window.sound()")
        grown = "window.sound().then((now) => now.received > {} && now.sent > {} && now)"
        found: dict[str, Any] = self.until(grown.format(before["received"] + 20, before["sent"] + 20), "sound")
        return found


def someone(context: BrowserContext, url: str, name: str) -> Someone:
    """A new person in a context of their own."""
    context.add_init_script(path=EAR)
    return Someone(name, context.new_page(), url)


def rung(ann: Someone, bob: Someone) -> None:
    """These two are free, and are rung for each other."""
    for one in (ann, bob):
        one.be_free()
    ann.sees(f"{bob.name} is free to talk")
    bob.sees(f"{ann.name} is free to talk")


def both_accept(ann: Someone, bob: Someone) -> None:
    """Both say yes to what rings."""
    for one in (ann, bob):
        one.button(YES).click()


def talking(ann: Someone, bob: Someone) -> None:
    """These two come to a call that the bridge calls connected."""
    rung(ann, bob)
    both_accept(ann, bob)
    for one in (ann, bob):
        one.until_call("bridged")
