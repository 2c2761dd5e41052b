"""A graph in a file: an edge a line, "u v weight", separated by spaces, tabs, commas or semicolons.

Place in the flow: file -> **graph** -> solve. A first line of other words is a header; what follows # is a comment.
"""

import math
import re
from pathlib import Path

from matcher.errors import BadRequest
from matcher.solve import Edges, edges

SEPARATOR = re.compile(r"[\s,;]+")
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
    found = [edge for number, line in enumerate(lines, 1) if (edge := _edge(line, number, path))]
    names = sorted({name for edge in found for name in edge[:2]}, key=_by_number)
    place = {name: number for number, name in enumerate(names)}
    return edges(
        len(names), [place[a] for a, _, _ in found], [place[b] for _, b, _ in found], [weight for _, _, weight in found]
    )


def _edge(line: str, number: int, path: Path) -> Edge | None:
    words = [word for word in SEPARATOR.split(line.split("#")[0].strip()) if word]
    if not words:
        return None
    weight = _number(words[2]) if len(words) == 3 else None
    if weight is None and number == 1 and not any(_number(word) is not None for word in words):
        return None
    where = f"{path}, line {number}"
    if len(words) != 3:
        raise BadRequest(f"{where}: an edge is two names and a weight, but there are {len(words)} words")
    if weight is None or not math.isfinite(weight):
        raise BadRequest(f"{where}: the weight is not a finite number")
    if words[0] == words[1]:
        raise BadRequest(f"{where}: an edge joins somebody to themselves")
    return words[0], words[1], weight


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _by_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)
