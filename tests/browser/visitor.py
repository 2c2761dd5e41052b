"""Somebody with a browser: signs in at the gateway, is free to talk, accepts, and hears what there is to hear."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, Route

from tests.world import eventually

STATIC = Path(__file__).parents[2] / "services" / "gateway" / "static"
PAGES = Path(__file__).parent / "pages"
STRICT = {"Content-Security-Policy": "default-src 'self'"}
WAIT_S = 40.0
AWAY = 503


class Visitor:
    """One person with one browser window of their own; `name` is what others are told."""

    def __init__(self, browser: Browser, url: str, phone: str, name: str) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(permissions=["microphone"])
        self.context.route(f"{url}/test/call", _page("call.html", "text/html"))
        self.context.route(f"{url}/test/page.js", _page("page.js", "text/javascript"))
        for name in ("call.js", "microphone.js"):
            self.context.route(f"{url}/static/{name}", _page(STATIC / name, "text/javascript"))
        self._sign_in(phone, name)
        self.page = self.look()

    def look(self) -> Page:
        """Another window on the page of the call."""
        page = self.context.new_page()
        page.goto(f"{self.url}/test/call")
        return page

    def write(self, method: str, path: str, body: Any = None) -> Any:
        """A write of this person's, outside their page, or a read; tried again while a part is away."""
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        more = {} if method == "GET" else {"data": body or {}}

        def answered() -> APIResponse | None:
            got = self.context.request.fetch(self.url + path, method=method, headers=headers, **more)
            return got if got.status != AWAY else None

        answer = eventually(answered, WAIT_S, path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json() if answer.status != 204 else None

    def _sign_in(self, phone: str, name: str) -> None:
        code = self.write("POST", "/codes", {"phone": phone})["demo_code"]
        self.write("POST", "/sessions", {"phone": phone, "code": code})
        about = {"first_name": name, "adult": True, "languages": ["en"], "area": "SW", "age_band": "35-49"}
        self.write("PUT", "/me", {**about, "likes": ["books"]})

    def free(self, minutes: int = 30) -> None:
        """I'm free to talk."""
        self.write("POST", "/availability", {"minutes": minutes})

    def until(self, script: str, what: str = "", wait_s: float = WAIT_S) -> Any:
        """The first true value of `script` in the page."""
        return eventually(lambda: self.see(script), wait_s, what or script)

    def see(self, script: str) -> Any:
        """The value of `script` in the page now."""
        return self.page.evaluate(script)

    def accept(self) -> int:
        """Say yes to what rings; when, in milliseconds."""
        self.until("window.invitation && ['ringing', 'accepted'].includes(window.invitation.state)", "it rings")
        at: int = self.see("window.accept()")
        return at

    def until_connected(self, state: str = "connected") -> int:
        """Wait for the sound, or with `/connected` until the bridge says so; when it first was, in milliseconds."""
        at: int = self.until(f"window.heard.find((one) => one.state === '{state}')?.at", state)
        return at

    def until_sound_goes_on(self) -> None:
        """Wait until sound comes in and goes out that was not there before."""
        before = self.see("window.sound()")
        grown = "window.sound().then((now) => now.received > {} && now.sent > {})"
        self.until(grown.format(before["received"] + 20, before["sent"] + 20), "sound both ways")

    def until_told(self, state: str, wait_s: float = WAIT_S) -> str:
        """Wait until the page was told this state of the call, with which words."""
        script = f"window.heard.find((one) => one.state === '{state}')"
        words: str = self.until(script, f"told {state}", wait_s)["words"]
        return words

    def until_over(self) -> dict[str, Any]:
        """Wait until the invitation is over; how it ended."""
        seen: dict[str, Any] = self.until("window.invitation?.state === 'over' && window.invitation")
        return seen

    def close(self) -> None:
        """Close everything."""
        self.context.close()


def _page(file: str | Path, kind: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(path=PAGES / file, content_type=kind, headers=STRICT)
