"""Learning about people on purpose: now and then a pair is offered because little is known of them.

Place in the flow: effects -> **explore** -> match. Thompson sampling (1933) in a form whose probabilities are known: a
model with `draws` above 1 draws that many times what might be true of everybody, the same seed the same draws, and one
of the draws, each as likely as the other, is acted upon. Given the draws, the probability of an offer is exactly the
share of draws that would have made it, never below 1/draws, so that logged offers can be judged by inverse propensity.
"""

import hashlib
from collections.abc import Hashable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Effect, Effects
from matcher.features import Floats

Words = NDArray[np.uint64]
_STEP, _MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def acted_upon(seed: str, draws: int) -> int:
    """Which of the draws is acted upon."""
    return _word(f"{seed}|draw") % draws


def drawn(effects: Effects, people: Sequence[str], seed: str, draws: int) -> list[Effects]:
    """What might be true of `people`: for each draw, certain effects taken from what is believed of them."""
    words = np.array([_word(f"{seed}|{person}") for person in people], dtype=np.uint64)
    return [
        Effects(_one(effects.gives, words, 2 * draw), _one(effects.gets, words, 2 * draw + 1)) for draw in range(draws)
    ]


def propensity(offer: Hashable, made: Sequence[Set[Hashable]]) -> float:
    """The probability of an offer, given what each draw would have made."""
    return sum(offer in one for one in made) / len(made)


def _one(effect: Effect, words: Words, stream: int) -> Effect:
    normal = _normals(words + np.uint64((2 * stream + 1) * int(_STEP) % 2**64))
    return Effect(effect.mean + np.sqrt(effect.var) * normal, np.zeros_like(effect.var))


def _normals(words: Words) -> Floats:
    """A standard normal number for each word (Box & Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(_shares(words)))
    return np.asarray(radius * np.cos(2.0 * np.pi * _shares(words ^ _STEP)))


def _shares(words: Words) -> Floats:
    """A number between 0 and 1, both excluded, for each word (the mixer of SplitMix64: Steele, Lea & Flood 2014)."""
    mixed = (words ^ (words >> np.uint64(30))) * _MIX
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)


def _word(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
