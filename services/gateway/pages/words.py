"""Plain words for what the core knows by code: topics, reasons, languages, wishes.

Place in the flow: a view -> **words** -> template. A code without words of its own is shown as it is, with spaces.
"""

import math
from collections.abc import Iterable
from datetime import datetime

from matcher.invitation import ANY_TOPIC
from matcher.person import AGE_BANDS, LANGUAGES, MARKETS, TOPICS
from matcher.waits import Usual
from services.gateway.lists import AREAS

LANGUAGE_NAMES = {
    "en": "English", "cy": "Cymraeg (Welsh)", "gd": "Gàidhlig (Scottish Gaelic)", "ga": "Gaeilge (Irish)",
    "pl": "Polski (Polish)", "pa": "ਪੰਜਾਬੀ (Punjabi)", "ur": "اردو (Urdu)", "bn": "বাংলা (Bengali)",
    "gu": "ગુજરાતી (Gujarati)", "ar": "العربية (Arabic)", "fr": "Français (French)", "pt": "Português (Portuguese)",
    "es": "Español (Spanish)", "ta": "தமிழ் (Tamil)", "tr": "Türkçe (Turkish)", "it": "Italiano (Italian)",
    "so": "Soomaali (Somali)", "ro": "Română (Romanian)", "zh": "中文 (Chinese)", "de": "Deutsch (German)",
}  # fmt: skip
GENDER_WORDS = {"unsaid": "I’d rather not say", "woman": "Woman", "man": "Man", "other": "Another"}
WISH_WORDS = {
    "same_gender": "Only people of my own gender",
    "near_age": "Only people near my age",
    "near_home": "Only people who live near me",
}
SITUATION_WORDS = {
    "new-parent": "I have a new baby",
    "caring": "I care for somebody",
    "bereaved": "Somebody close to me has died",
    "living-alone": "I live alone",
    "leaver": "I have left school or a job",
}
COMPANY_WORDS = {"new": "Someone new", "known": "Someone I know", "either": "Either"}
FELT_WORDS = {"good": "Good", "fine": "All right", "awkward": "A bit awkward", "sad": "It made me sad"}
KNOWN_ONLY = "We ring you when one of the people you know is free."
ONE_ONLY = "We ring you both when {} is free too. When that is we can’t say: perhaps not today."
ONE_FIRST = "We ring you both when {} is free too, or you and somebody new, whoever comes first."
_TOPIC_WORDS = {"news": "the news", "weather": "the weather", "theatre": "the theatre", "radio": "the radio"}
_REASON_WORDS = {
    "bond": "You have talked before, and both wanted to talk again.",
    "near": "You live not far from each other.",
    "goes_on": "The line broke, and you both want to go on.",
    "free_now": "You are both free to talk right now.",
}
_TOPIC_REASON = "topic:"


def topic_words(topic: str) -> str:
    """A topic as it stands in a sentence."""
    return "anything you like" if topic == ANY_TOPIC else _TOPIC_WORDS.get(topic, topic.replace("-", " "))


def reason_words(reasons: Iterable[str]) -> list[str]:
    """Why these two, as sentences; several shared topics make one."""
    given = tuple(reasons)
    sentences = [_REASON_WORDS[reason] for reason in given if reason in _REASON_WORDS]
    topics = [topic_words(reason.removeprefix(_TOPIC_REASON)) for reason in given if reason.startswith(_TOPIC_REASON)]
    if topics:
        sentences.append(f"You both like {listed(topics)}.")
    return sentences or [_REASON_WORDS["free_now"]]


def listed(words: list[str]) -> str:
    """Several words as one says them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def minutes_words(seconds: float) -> str:
    """A length of time as people say it: never more than there is."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def day_words(when: datetime) -> str:
    """A day and an hour where people live."""
    local = when.astimezone(MARKETS["GB"])
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M}"


def ago_words(seconds: float) -> str:
    """How long ago something was, in the largest unit that fits."""
    for unit, length_s in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length_s)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def likely_words(usual: Usual | None) -> str:
    """How long it is likely to take, from what is known of others at this hour; never more than that."""
    if usual is None:
        return "We can’t say yet how long it takes at this hour. We ring you if somebody comes."
    if usual.high_s is None:
        return "Few people are about at this hour, so it may take long. We ring you if somebody comes."
    low, high = int(usual.low_s // 60), math.ceil(usual.high_s / 60)
    if high <= 1:
        return "At this hour it usually takes less than a minute."
    span = f"{low} to {high}" if 0 < low < high else f"about {high}" if low else f"no more than {high}"
    return f"At this hour it usually takes {span} minutes."


def choices() -> dict[str, list[tuple[str, str]]]:
    """What a form lets people choose: (code, words)."""
    topics = sorted((topic, topic.replace("-", " ").capitalize()) for topic in TOPICS)
    return {
        "topics": topics,
        "languages": [(code, LANGUAGE_NAMES.get(code, code)) for code in LANGUAGES],
        "areas": [(area["code"], area["name"]) for area in AREAS.values()],
        "age_bands": [(band, band.replace("-", " to ")) for band in AGE_BANDS],
        "genders": list(GENDER_WORDS.items()),
        "wishes": list(WISH_WORDS.items()),
        "situations": list(SITUATION_WORDS.items()),
        "company": list(COMPANY_WORDS.items()),
        "felt": list(FELT_WORDS.items()),
    }
