"""How many threads of a compiled kernel a multiprocessor of a target holds at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer import occupancy as arithmetic

if TYPE_CHECKING:
    from oxide_analyzer.occupancy import Occupancy
    from oxide_codegen.target import Capabilities


def occupancy(target: Capabilities, threads: int, registers: int, shared: int) -> Occupancy:
    """For blocks of so many threads and bytes of shared memory, and registers of a thread."""
    return arithmetic.occupancy(target.number, threads, registers, shared)
