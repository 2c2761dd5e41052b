"""Languages that nobody speaks, made of the catalogue: what is not in it stays English and is seen at once.

Each letter becomes another, and brackets show where a sentence begins and ends. In one vowels stand twice, which makes
it about 40 % longer, in its words too; the other runs from right to left, in letters of which many are wide.
"""

import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations

from babel import Locale

from services.languages.gathering import extracted
from services.languages.speaking import Language, languages

ACCENTED = dict(zip(string.ascii_letters, "áƀçđéƒğĥíĵķļɱñóþǫřšţúṽŵẋýžÁƁÇĐÉƑĞĤÍĴĶĻṀÑÓÞǪŘŠŢÚṼŴẊÝŽ", strict=True))
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنه"
MIRRORED = dict(zip(string.ascii_letters, ARABIC * 2, strict=True))
_PLACE = re.compile(r"(%\(\w+\)s|\[\w+\])")
"""What is put in by us, or by a script."""


@dataclass(frozen=True)
class Pseudo:
    """One of them: its tag, its letters, and whose dates and plurals it has, written in no Latin letters."""

    code: str
    letters: dict[str, str]
    locale: str
    twice: str = ""

    def inside(self, sentence: str) -> str:
        """The sentence without its brackets; a part of a sentence is found in the whole."""
        parts = _PLACE.split(sentence)
        return "".join(part if _PLACE.fullmatch(part) else self._longer(part) for part in parts)

    def whole(self, sentence: str) -> str:
        """The sentence as it is said."""
        return f"⟦{self.inside(sentence)}⟧"

    def _longer(self, text: str) -> str:
        return "".join(self.letters.get(one, one) * (2 if one in self.twice else 1) for one in text)


LONGER = Pseudo("en-XA", ACCENTED, "el", twice="aeiou")
FROM_THE_RIGHT = Pseudo("ar-XB", MIRRORED, "ar")
PSEUDO = (LONGER, FROM_THE_RIGHT)


class _Sentences(NullTranslations):
    """Says what is in the catalogue, and nothing else, in a pseudo language."""

    def __init__(self, pseudo: Pseudo) -> None:
        super().__init__()
        self._pseudo = pseudo

    def gettext(self, message: str) -> str:
        """One sentence."""
        return self._pseudo.whole(message) if message in _known() else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """One of two forms."""
        return self.gettext(msgid1 if n == 1 else msgid2)


@cache
def _known() -> frozenset[str]:
    ids = [one.id for one in extracted() if one.id]
    return frozenset(form for one in ids for form in ((one,) if isinstance(one, str) else one))


@contextmanager
def pseudo_languages() -> Iterator[None]:
    """Within this block they may be chosen."""
    for one in PSEUDO:
        languages()[one.code] = Language(one.code, one.whole(one.code), Locale.parse(one.locale), _Sentences(one))
    try:
        yield
    finally:
        for one in PSEUDO:
            del languages()[one.code]
