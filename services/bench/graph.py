"""A graph in a file: an edge a line, "u v weight", separated by spaces, tabs, commas or semicolons.

Place in the flow: file -> **graph** -> solve. What follows # is a comment; a line of other words before all edges is a
header.
"""

import math
import re
from pathlib import Path

from matcher.errors import BadRequest
from matcher.solve import Edges, edges

SEPARATOR = re.compile(r"[\s,;]+")
WEIGHT_LIMIT = 1e100
Edge = tuple[str, str, float]


def read_graph(path: Path) -> Edges:
    """The graph in the file at `path`; people are numbered in the order of their names.

    Raises:
        BadRequest: it cannot be read, or a line is no edge; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read: {type(error).__name__}") from None
    told = [(number, words) for number, line in enumerate(lines, 1) if (words := _words(line))]
    if told and not any(_number(word) is not None for word in told[0][1]):
        told = told[1:]
    found = [_edge(words, f"{path}, line {number}") for number, words in told]
    names = sorted({name for edge in found for name in edge[:2]}, key=_by_number)
    place = {name: number for number, name in enumerate(names)}
    return edges(
        len(names), [place[a] for a, _, _ in found], [place[b] for _, b, _ in found], [weight for _, _, weight in found]
    )


def _words(line: str) -> list[str]:
    return [word for word in SEPARATOR.split(line.split("#")[0]) if word]


def _edge(words: list[str], where: str) -> Edge:
    if len(words) != 3:
        raise BadRequest(f"{where}: an edge is two names and a weight, but there are {len(words)} words")
    weight = _number(words[2])
    if weight is None or not math.isfinite(weight):
        raise BadRequest(f"{where}: the weight is not a finite number")
    if weight > WEIGHT_LIMIT:
        raise BadRequest(f"{where}: a weight is up to {WEIGHT_LIMIT:g}, so that weights can be added")
    if words[0] == words[1]:
        raise BadRequest(f"{where}: an edge joins somebody to themselves")
    return words[0], words[1], weight


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _by_number(name: str) -> tuple[int, int, str, str]:
    if not name.isdecimal():
        return 1, 0, name, name
    digits = name.lstrip("0")  # compared by length and then as text: some names have more digits than a number may
    return 0, len(digits), digits, name
