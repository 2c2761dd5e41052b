"""How a loop over arrays becomes machine code.

Place in the flow: **compiled** -> auction, alternating, search, links. The machine code is kept beside the source, or
in the user's cache, so that only the first start after a change compiles. Functions that call each other stand in one
file: the cache looks at one file only.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """`function` as machine code; where no folder can keep it, each process compiles its own."""
    return _compiled(function, inline=False)


def inlined(function: Function) -> Function:
    """The same, written into every loop that calls it: for what is called millions of times with many arrays."""
    return _compiled(function, inline=True)


def _compiled(function: Function, inline: bool) -> Function:
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, forceinline=inline)(function))
    except RuntimeError:  # "no locator available": a read-only installation and no home
        return cast(Function, numba.njit(nogil=True, forceinline=inline)(function))
