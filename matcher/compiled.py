"""How a loop over arrays becomes machine code.

Place in the flow: **compiled** -> auction, alternating, links, index, keys, scored, search. The machine code is kept
beside the source, or in the user's cache, so that only the first start after a change compiles. Functions that call
each other stand in one file: the cache looks at one file only.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """`function` as machine code; where no folder can keep it, each process compiles its own."""
    return _compiled(function, {"nogil": True})


def leaf(function: Function) -> Function:
    """The same for what makes no array and is called millions of times: written into each loop that calls it.

    It counts no references to the arrays that it is given. Counting took most of the time of a look at one person, and
    threads would wait for each other's counts.
    """
    return _compiled(function, {"nogil": True, "forceinline": True, "_nrt": False})


def _compiled(function: Function, how: dict[str, Any]) -> Function:
    try:
        return cast(Function, numba.njit(cache=True, **how)(function))
    except RuntimeError:  # "no locator available": a read-only installation and no home
        return cast(Function, numba.njit(**how)(function))
