"""People in a browser: what they see and tap, as sentences that tests can say."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

WAIT_MS = 30_000
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

    def button(self, name: str) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def sees(self, heading: str) -> None:
        """Wait until this is the heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading, timeout=WAIT_MS)

    def view(self) -> str:
        """The name of the view."""
        return str(self.page.locator("#showing").get_attribute("data-view"))

    def invitation(self) -> str:
        """The id of the invitation that the page shows."""
        return str(self.page.locator("#showing").get_attribute("data-showing")).partition(":")[2]

    def sign_in(self) -> None:
        """Number and code."""
        self.page.goto(self.url)
        self.page.get_by_label("Your phone number").fill(self.phone)
        self.button("Send me a code").click()
        code = self.page.locator(".code").inner_text()
        self.page.get_by_label("Six digits").fill(code)
        self.button("Go on").click()

    def tell(self, *topics: str) -> None:
        """Say a little about oneself."""
        self.page.get_by_label("First name").fill(self.name)
        self.page.get_by_label("I am 18 or over").check()
        self.page.get_by_label("Age", exact=True).select_option("35-49")
        self.page.get_by_label("Where you live, roughly").select_option("SE")
        for topic in topics or ("Gardening",):
            self.page.get_by_label(topic, exact=True).first.check()
        self.button("That’s me").click()

    def come_in(self) -> "Someone":
        """All the way to the home view."""
        self.sign_in()
        self.tell()
        self.sees("I’m free to talk for …")
        return self

    def be_free(self, length: str = "20 minutes") -> None:
        """Tap one of the four."""
        self.button(length).click()

    def leave(self) -> None:
        """Whatever the page shows: no longer free."""
        self.page.evaluate(
            """async () => { const write = (method, path) => fetch(path, {method, headers:
            {"Idempotency-Key": crypto.randomUUID()}});
            await write("DELETE", "/availability");
            const state = await (await fetch("/state")).json();
            const one = state.invitation;
            if (one && one.state === "confirmed") await write("POST", `/calls/${one.invitation}/end`); }"""
        )


def someone(context: BrowserContext, url: str, name: str) -> Someone:
    """A new person in a context of their own."""
    return Someone(name, context.new_page(), url)
