"""Few threads of a kernel are on a multiprocessor at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.occupancy import Occupancy

RULE = Rule("OX605", "low-occupancy", Severity.HINT)

LEAST = 0.25
"""From this share of a multiprocessor's threads on nothing is said."""


def message(
    held: Occupancy, capability: int, threads: int, shared: int, most: int, advice: str
) -> str:
    """How many are there, of how many, by which limit, and what would help."""
    with_ = f" with {shared:,} bytes of shared memory" if shared else ""
    there = held.blocks * threads
    return (
        f"of blocks of {threads} threads{with_} {held.blocks} fit on a multiprocessor: {there} of"
        f" {most} threads ({100 * there // most} %, sm_{capability}), limited by {held.limit};"
        f" {advice}"
    )


def less_shared(bytes_: int) -> str:
    """What would help where shared memory is the limit."""
    return f"{bytes_:,} bytes would let twice as many in"


def larger_blocks(threads: int) -> str:
    """What would help where blocks are small."""
    return f"take blocks of {threads} threads or more"
