"""In which order the threads of a launch take their turns.

Everything that a kernel may come to under some order is a behaviour of the kernel: what holds of
it has to hold under every schedule. A schedule is one of a few with a name, or the seed of a
random one; with either a run can be repeated.

    IN_ORDER        threads in the order of their index, each up to where it waits
    REVERSE         the same backwards, blocks too
    ROUND_ROBIN     one statement of each thread by turns
    WARPS           a few statements of each warp by turns, of every warp a different number
    seed            a thread, for a number of statements, both at random

Where a kernel has no atomics no thread sees what another is doing, short of a race; then a
schedule is the order of blocks, and of threads between two barriers. Every thread gets a turn
again and again, whatever the others do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias


class Named(StrEnum):
    """Schedules with a name."""

    IN_ORDER = "in order"
    REVERSE = "reverse"
    ROUND_ROBIN = "round robin"
    WARPS = "warps interleaved"


Schedule: TypeAlias = Named | int


def is_stepwise(schedule: Schedule) -> bool:
    """Whether threads may be interrupted at any access."""
    return schedule not in (Named.IN_ORDER, Named.REVERSE)
