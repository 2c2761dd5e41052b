"""Plain words for what the core knows by code: topics, reasons, languages, wishes.

Place in the flow: a view -> **words** -> template. A code without words of its own is shown as it is, with spaces.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from matcher.invitation import ANY_TOPIC
from matcher.person import AGE_BANDS, LANGUAGES, MARKETS, TOPICS
from matcher.waits import Usual
from services.gateway.lists import AREAS
from services.languages.speaking import N_, _, ago, day_and_clock, in_all_forms, language, listed, ngettext

LANGUAGE_NAMES = {
    "en": N_("English"), "cy": N_("Cymraeg (Welsh)"), "gd": N_("Gàidhlig (Scottish Gaelic)"),
    "ga": N_("Gaeilge (Irish)"), "pl": N_("Polski (Polish)"), "pa": N_("ਪੰਜਾਬੀ (Punjabi)"), "ur": N_("اردو (Urdu)"),
    "bn": N_("বাংলা (Bengali)"), "gu": N_("ગુજરાતી (Gujarati)"), "ar": N_("العربية (Arabic)"),
    "fr": N_("Français (French)"), "pt": N_("Português (Portuguese)"), "es": N_("Español (Spanish)"),
    "ta": N_("தமிழ் (Tamil)"), "tr": N_("Türkçe (Turkish)"), "it": N_("Italiano (Italian)"),
    "so": N_("Soomaali (Somali)"), "ro": N_("Română (Romanian)"), "zh": N_("中文 (Chinese)"),
    "de": N_("Deutsch (German)"),
}  # fmt: skip
GENDER_WORDS = {
    "unsaid": N_("I’d rather not say"), "woman": N_("Woman"), "man": N_("Man"), "other": N_("Another"),
}  # fmt: skip
WISH_WORDS = {
    "same_gender": N_("Only people of my own gender"),
    "near_age": N_("Only people near my age"),
    "near_home": N_("Only people who live near me"),
}
SITUATION_WORDS = {
    "new-parent": N_("I have a new baby"),
    "caring": N_("I care for somebody"),
    "bereaved": N_("Somebody close to me has died"),
    "living-alone": N_("I live alone"),
    "leaver": N_("I have left school or a job"),
}
COMPANY_WORDS = {"new": N_("Someone new"), "known": N_("Someone I know"), "either": N_("Either")}
FELT_WORDS = {
    "good": N_("Good"), "fine": N_("All right"), "awkward": N_("A bit awkward"), "sad": N_("It made me sad"),
}  # fmt: skip
KNOWN_ONLY = N_("We ring you when one of the people you know is free.")
ONE_ONLY = N_("We ring you both when %(name)s is free too. When that is we can’t say: perhaps not today.")
ONE_FIRST = N_("We ring you both when %(name)s is free too, or you and somebody new, whoever comes first.")
TOPIC_WORDS = {
    "animals": N_("animals"), "baking": N_("baking"), "birds": N_("birds"), "books": N_("books"),
    "cooking": N_("cooking"), "crafts": N_("crafts"), "cricket": N_("cricket"), "dancing": N_("dancing"),
    "family-history": N_("family history"), "films": N_("films"), "football": N_("football"),
    "gardening": N_("gardening"), "history": N_("history"), "holidays": N_("holidays"), "knitting": N_("knitting"),
    "local-life": N_("local life"), "music": N_("music"), "nature": N_("nature"), "news": N_("the news"),
    "pets": N_("pets"), "puzzles": N_("puzzles"), "radio": N_("the radio"), "science": N_("science"),
    "singing": N_("singing"), "television": N_("television"), "theatre": N_("the theatre"), "trains": N_("trains"),
    "walking": N_("walking"), "weather": N_("the weather"), "work": N_("work"),
}  # fmt: skip
"""Topics as they stand in a sentence."""
_TOPIC_NAMES = {"news": N_("News"), "weather": N_("Weather"), "theatre": N_("Theatre"), "radio": N_("Radio")}
"""Where the name of a topic by itself is another."""
_REASON_WORDS = {
    "bond": N_("You have talked before, and both wanted to talk again."),
    "near": N_("You live not far from each other."),
    "goes_on": N_("The line broke, and you both want to go on."),
    "free_now": N_("You are both free to talk right now."),
}
_TOPIC_REASON = "topic:"


def topic_words(topic: str) -> str:
    """A topic as it stands in a sentence."""
    return _("anything you like") if topic == ANY_TOPIC else _said(TOPIC_WORDS, topic)


def topic_name(topic: str) -> str:
    """A topic by itself."""
    name = _(_TOPIC_NAMES[topic]) if topic in _TOPIC_NAMES else _said(TOPIC_WORDS, topic)
    return name[:1].upper() + name[1:]


def _said(words: Mapping[str, str], code: str) -> str:
    return _(words[code]) if code in words else code.replace("-", " ")


def reason_words(reasons: Iterable[str]) -> list[str]:
    """Why these two, as sentences; several shared topics make one."""
    given = tuple(reasons)
    sentences = [_(_REASON_WORDS[reason]) for reason in given if reason in _REASON_WORDS]
    topics = [topic_words(reason.removeprefix(_TOPIC_REASON)) for reason in given if reason.startswith(_TOPIC_REASON)]
    if topics:
        sentences.append(_("You both like %(topics)s.", topics=listed(topics)))
    return sentences or [_said(_REASON_WORDS, "free_now")]


def minutes_words(seconds: float) -> str:
    """A length of time as people say it: never more than there is."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("less than a minute")
    return ngettext("%(number)s minute", "%(number)s minutes", minutes)


def countdown(seconds: float, one: str, many: str) -> dict[str, Any]:
    """What a page needs to count down in a sentence: the number now, and what stands around it in each form."""
    number = int(seconds)
    around = {form: sentence.split("%(number)s") for form, sentence in in_all_forms(one, many).items()}
    before, after = around[language().locale.plural_form(number)]
    return {"seconds": seconds, "number": number, "before": before, "after": after, "forms": around}


def day_words(when: datetime) -> str:
    """A day and an hour where people live."""
    return day_and_clock(when.astimezone(MARKETS["GB"]))


def ago_words(seconds: float) -> str:
    """How long ago something was, in the largest unit that fits."""
    return ago(seconds) if seconds >= 60 else _("just now")


def likely_words(usual: Usual | None) -> str:
    """How long it is likely to take, from what is known of others at this hour; never more than that."""
    if usual is None:
        return _("We can’t say yet how long it takes at this hour. We ring you if somebody comes.")
    if usual.high_s is None:
        return _("Few people are about at this hour, so it may take long. We ring you if somebody comes.")
    low, high = int(usual.low_s // 60), math.ceil(usual.high_s / 60)
    if high <= 1:
        return _("At this hour it usually takes less than a minute.")
    if 0 < low < high:
        return ngettext(
            "At this hour it usually takes %(low)s to %(number)s minute.",
            "At this hour it usually takes %(low)s to %(number)s minutes.", high, low=low,
        )  # fmt: skip
    if low:
        return ngettext(
            "At this hour it usually takes about %(number)s minute.",
            "At this hour it usually takes about %(number)s minutes.", high,
        )  # fmt: skip
    return ngettext(
        "At this hour it usually takes no more than %(number)s minute.",
        "At this hour it usually takes no more than %(number)s minutes.", high,
    )  # fmt: skip


def choices() -> dict[str, list[tuple[str, str]]]:
    """What a form lets people choose: (code, words), in the language of whoever is being answered."""
    return _choices(language().code)


@cache
def _choices(_language: str) -> dict[str, list[tuple[str, str]]]:
    def said(words: Mapping[str, str]) -> list[tuple[str, str]]:
        return [(code, _(sentence)) for code, sentence in words.items()]

    return {
        "topics": sorted(((topic, topic_name(topic)) for topic in TOPICS), key=lambda one: one[1].casefold()),
        "languages": [(code, _said(LANGUAGE_NAMES, code)) for code in LANGUAGES],
        "areas": said({area["code"]: area["name"] for area in AREAS.values()}),
        "age_bands": [(band, _age_words(band)) for band in AGE_BANDS],
        "genders": said(GENDER_WORDS),
        "wishes": said(WISH_WORDS),
        "situations": said(SITUATION_WORDS),
        "company": said(COMPANY_WORDS),
        "felt": said(FELT_WORDS),
    }


def _age_words(band: str) -> str:
    youngest, to, oldest = band.partition("-")
    return _("%(youngest)s to %(oldest)s", youngest=youngest, oldest=oldest) if to else band
