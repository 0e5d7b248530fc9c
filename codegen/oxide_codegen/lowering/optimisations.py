"""What a proof makes possible, and what a kernel can be compiled without.

Each is on unless it is left out: by `OXIDE_WITHOUT=indices,aliases` for launches, or by
`oxide inspect --without indices,aliases`. Results are the same; the code is slower, and easier to
compare with its source.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from enum import StrEnum
from functools import cache

VARIABLE = "OXIDE_WITHOUT"


class Optimisation(StrEnum):
    """One gain; its value is its name on the command line."""

    # No check where bounds, divisors, alignments and assertions are proved.
    CHECKS = "checks"
    # Ordinary launches compute indices in 32 bits: `forms`.
    INDICES = "indices"
    # Loads of read-only slices past the coherent cache.
    READ_ONLY = "read-only"
    # Accesses to different slices are known to be apart.
    ALIASES = "aliases"
    # Ordinary launches have arrays that start at multiples of 16 bytes; sizes that the contract
    # calls multiples are.
    ALIGNMENT = "alignment"
    # Loops with few statements are unrolled: `unrolling`.
    UNROLLING = "unrolling"
    # Large launches have several elements per thread: `coarsening`.
    COARSENING = "coarsening"


def named(names: str) -> frozenset[Optimisation]:
    """Those of a list with commas; raises `ValueError`, with the nearest name, for others."""
    found: set[Optimisation] = set()
    known = [str(one) for one in Optimisation]
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"there is no optimisation `{name}`: {hint}")
        found.add(Optimisation(name))
    return frozenset(found)


def left_out() -> frozenset[Optimisation]:
    """What the environment asks to leave out."""
    return _known(os.environ.get(VARIABLE, ""))


@cache
def _known(names: str) -> frozenset[Optimisation]:
    try:
        return named(names)
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from None
