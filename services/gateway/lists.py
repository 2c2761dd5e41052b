"""What may be chosen: areas, topics, languages, age bands, wishes. Places: `areas.json`, cells rounded to 0.1 degree.

Place in the flow: shown before a person tells about themselves, and asked when they have.
"""

import json
from pathlib import Path
from typing import Any, get_args

from matcher.person import AGE_BANDS, LANGUAGES, TOPICS, Gender, Situation, Wish

AREAS: dict[str, dict[str, str]] = {
    area["code"]: area for area in json.loads(Path(__file__).with_name("areas.json").read_text())
}
"""Coarse areas by code: {code, name, cell}."""


def lists() -> dict[str, Any]:
    """All that may be chosen; cells stay here."""
    return {
        "topics": list(TOPICS),
        "languages": list(LANGUAGES),
        "areas": [{"code": area["code"], "name": area["name"]} for area in AREAS.values()],
        "age_bands": list(AGE_BANDS),
        "genders": list(get_args(Gender)),
        "wishes": list(get_args(Wish)),
        "situations": list(get_args(Situation)),
    }
