"""What a newcomer answers, question by question."""

from typing import Any

from tests.gateway_desk import Page
from tests.page_reader import Seen, look, press

ANSWERS: dict[str, dict[str, Any]] = {
    "name": {"first_name": "Ann"},
    "age": {"age_band": "65-74"},
    "languages": {"languages": ["en", "cy"]},
    "area": {"area": "SW"},
    "likes": {"likes": ["birds", "music"]},
    "avoids": {"avoids": ["news"]},
    "situation": {"situation": ["living-alone"]},
    "who": {"wishes": ["near_home"], "gender": "woman"},
    "quiet": {"quiet_start": "22:00", "quiet_end": "07:00"},
}
SKIP = {"skip": "yes"}


def answer_to(page: Page, name: str, fields: dict[str, Any] | None = None) -> Seen:
    """Answer this question, and read what follows."""
    sent = press(page, look(page, f"/welcome/{name}").form(f"/welcome/{name}"), **(fields or ANSWERS[name]))
    return look(page, sent.headers["location"]) if sent.status_code == 303 else Seen(sent.text)
