"""How many threads of a kernel a multiprocessor holds at once, and what keeps it from more.

A multiprocessor has so many registers, so much shared memory, and room for so many warps and
blocks. Registers are handed out to whole warps, in units of 256, and each of the four schedulers
has a quarter of them; shared memory comes in units of 128 bytes, of which the system takes 1 KiB a
block from sm_80 on. Figures are those of the CUDA programming guide, table of compute capabilities.

    32 registers, blocks of 256, sm_90      8 blocks, 64 of 64 warps: 100 %
    60 registers                            4 blocks, 32 of 64 warps:  50 %, registers
"""

from __future__ import annotations

from oxide_analyzer.launch import WARP
from oxide_analyzer.record import record

_KIB = 1024
# Warps, blocks and bytes of shared memory that a multiprocessor holds, by compute capability.
_ROOM = {
    75: (32, 16, 64 * _KIB),
    80: (64, 32, 164 * _KIB),
    86: (48, 16, 100 * _KIB),
    87: (48, 16, 164 * _KIB),
    89: (48, 24, 100 * _KIB),
    90: (64, 32, 228 * _KIB),
    100: (64, 32, 228 * _KIB),
    103: (64, 32, 228 * _KIB),
    120: (48, 24, 100 * _KIB),
    121: (48, 24, 100 * _KIB),
}
CAPABILITIES = tuple(_ROOM)
"""Compute capabilities, times ten."""
_REGISTERS, _REGISTER_UNIT, _SCHEDULERS = 65536, 256, 4
_SHARED_UNIT = 128


@record
class Occupancy:
    """Blocks and warps that are there at once, of so many warps; and what runs out first."""

    blocks: int
    warps: int
    most: int
    limit: str

    def __str__(self) -> str:
        share = round(100 * self.warps / self.most)
        blocks = f"{self.blocks} block{'s' if self.blocks != 1 else ''}"
        return f"{blocks}, {self.warps} of {self.most} warps ({share} %), limited by {self.limit}"


def occupancy(capability: int, threads: int, registers: int, shared: int) -> Occupancy:
    """For blocks of so many threads and bytes of shared memory, and registers of a thread."""
    most, blocks, room = _ROOM[capability]
    warps = -(-threads // WARP)
    unit = -(-registers * WARP // _REGISTER_UNIT) * _REGISTER_UNIT
    quarter = _REGISTERS // _SCHEDULERS // max(unit, 1)
    taken = _taken(capability, shared)
    limits = {
        "warps": most // warps,
        "blocks": blocks,
        "registers": quarter * _SCHEDULERS // warps,
        "shared memory": room // taken if taken else blocks,
    }
    limit = min(limits, key=lambda name: limits[name])
    return Occupancy(limits[limit], limits[limit] * warps, most, limit)


def shared_for(capability: int, blocks: int) -> int:
    """With how many bytes of shared memory in each, so many blocks are there at once."""
    room = _ROOM[capability][2] // blocks // _SHARED_UNIT * _SHARED_UNIT
    return room - _taken(capability, 0)


def _taken(capability: int, shared: int) -> int:
    system = 0 if capability < 80 else _KIB
    return -(-(shared + system) // _SHARED_UNIT) * _SHARED_UNIT
