"""What is kept of a test in a browser that failed: a picture of every open page, and all that its console said."""

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, WebError

RESULTS = Path("test-results")
PICTURE_WITHIN_MS = 5_000

_said: dict[BrowserContext, list[str]] = {}


def listen(browser: Browser) -> None:
    """Write down what the consoles of this browser say from now on."""
    browser.on("context", _listen_to)


def _listen_to(context: BrowserContext) -> None:
    said = _said.setdefault(context, [])
    context.on("console", partial(_note, said))
    context.on("weberror", partial(_note_error, said))
    context.on("close", lambda gone: _said.pop(gone, None))


def _note(said: list[str], message: ConsoleMessage) -> None:
    said.append(f"{message.type}: {message.text}")


def _note_error(said: list[str], error: WebError) -> None:
    said.append(f"error: {error.error}")


def keep(browser: Any, test: str) -> None:
    """Keep everything that is open in `browser`, under the test's name."""
    folder = _folder(test)
    folder.mkdir(parents=True, exist_ok=True)
    for person, context in enumerate(one for one in browser.contexts if one.pages):
        (folder / f"{person}-console.txt").write_text("\n".join(_said.get(context, ())))
        for window, page in enumerate(context.pages):
            with suppress(Error):  # as of a page that has crashed
                path = folder / f"{person}-{window}.png"
                page.screenshot(path=path, full_page=True, timeout=PICTURE_WITHIN_MS)


def forget(test: str) -> None:
    """Whatever an earlier run kept of this test."""
    shutil.rmtree(_folder(test), ignore_errors=True)


def _folder(test: str) -> Path:
    return RESULTS / "".join(one if one.isalnum() or one in "-_" else "-" for one in test)
