"""What a compiled kernel takes on its GPU, in words.

    12 registers, 0 bytes of spills, 1024 bytes of shared memory
    occupancy in blocks of 256 threads: 8 blocks, 64 of 64 warps (100 %), limited by warps

Registers are known where an assembler is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from oxide_codegen import toolchain
from oxide_codegen.contract import declared_block
from oxide_codegen.occupancy import occupancy
from oxide_codegen.target import capabilities

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel
    from oxide_codegen.ptx import Ptx

# Threads of a block, for occupancy, where neither the kernel nor its user says a number.
BLOCK = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """The registers of a thread, None where nobody knows, and lines that say everything."""

    registers: int | None
    lines: tuple[str, ...]


def taken(compiled: Ptx, checked: CheckedKernel, block: int = BLOCK) -> Taken:
    """What a kernel takes; in blocks of `block` threads if it does not say itself."""
    shared = f"{compiled.shared} bytes of shared memory"
    try:
        used = toolchain.registers(compiled.text, compiled.sm)
    except toolchain.AssemblyError as error:
        refused = f"{shared}; the assembler refuses this PTX, which is a bug in Oxide:"
        return Taken(None, (refused, *str(error).splitlines()))
    if used is None:
        unknown = "registers unknown: neither ptxas nor nvJitLink was found"
        return Taken(None, (f"{shared}; {unknown}",))
    declared = declared_block(checked.kernel)
    threads = block if declared is None else prod(declared)
    fit = occupancy(capabilities(compiled.sm), threads, used.registers, compiled.shared)
    spills = f"{used.spill_stores + used.spill_loads} bytes of spills"
    return Taken(
        used.registers,
        (
            f"{used.registers} registers, {spills}, {shared}",
            f"occupancy in blocks of {threads} threads: {fit}",
        ),
    )
