"""The calling convention that both back ends and the runtime share.

Parameters of a compiled kernel, in the order of the signature: a scalar is its machine type
(`bool` is one byte, 0 or 1), a slice is a pointer to its first element followed by one i64 per
dimension; last comes a hidden pointer to a `FailureRecord`. So

    k(a: Slice2D[f32], n: i32)    is    (ptr a, i64 a.shape[0], i64 a.shape[1], i32 n, ptr failure)

On a device, `Hidden` names what comes behind that: how many bytes of shared memory the launch asked
for, if the kernel has `dynamic_shared`, a pointer to a word that is 0 at the start of the launch,
if it calls `grid_sync`, and the blocks of the launch, if a thread plays several.

Every argument travels in a cell of 8 bytes, little-endian, smaller ones at its start: what
`Layout.pack` makes is at once the argument block of native code and, taken cell by cell, what
the `kernelParams` of a launch on the device point at.

A run-time check that fails claims the record by an atomic compare-exchange of `state` from
`EMPTY` to `CLAIMED`, so the first failure wins, fills it in, sets `state` to `COMPLETE`, and ends
its thread. The host reads it when the launch is done, and finds what stood at the site in
the table of `FailureSite`s beside the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.kernel import ArrayParameter, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Assert,
    Atomic,
    Barrier,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    DivisorRole,
    Group,
    Load,
    Ownership,
    Store,
)
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.source import Span

CELL = 8

_CODES = {
    "bool": "B7x",
    "i8": "b7x",
    "u8": "B7x",
    "i16": "h6x",
    "u16": "H6x",
    "i32": "i4x",
    "u32": "I4x",
    "i64": "q",
    "u64": "Q",
    "f16": "e6x",
    "f32": "f4x",
    "f64": "d",
}


# ---------------------------------------------------------------- arguments


@record
class ScalarSlot:
    """A scalar parameter."""

    name: str
    type: Scalar


@record
class PointerSlot:
    """The address of a slice's first element, aligned to as many bytes as an element wants."""

    array: str
    element: Scalar
    ownership: Ownership
    alignment: int


@record
class DimensionSlot:
    """`array.shape[axis]`, an i64."""

    array: str
    axis: int


Slot: TypeAlias = ScalarSlot | PointerSlot | DimensionSlot


@dataclass(frozen=True)
class Layout:
    """The arguments of a kernel in order, without the hidden failure pointer behind them."""

    slots: tuple[Slot, ...]

    @cached_property
    def packer(self) -> Struct:
        """Packs one value per slot: an int, float or bool for scalars, ints for the others."""
        return Struct("<" + "".join(_code(slot) for slot in self.slots))

    def pack(self, arguments: Sequence[int | float]) -> bytes:
        """The argument block: one cell per slot. `struct.error` if a value does not fit."""
        return self.packer.pack(*arguments)


def layout(kernel: Kernel) -> Layout:
    """The slots of `kernel`'s parameters."""
    slots: list[Slot] = []
    for parameter in kernel.parameters:
        match parameter:
            case ScalarParameter(name=name, type=type_):
                slots.append(ScalarSlot(name, type_))
            case ArrayParameter(name=name):
                array = kernel.arrays[name]
                slots.append(
                    PointerSlot(name, array.element, array.ownership, array.held.alignment)
                )
                slots.extend(DimensionSlot(name, axis) for axis in range(array.held_rank))
    return Layout(tuple(slots))


class Hidden(StrEnum):
    """What a launch on a device passes besides the arguments, each in a cell."""

    FAILURE = "failure"
    SHARED = "shared"
    WORKSPACE = "workspace"
    GRID = "grid"


def hidden(kernel: Kernel, lanes: int = 1) -> tuple[Hidden, ...]:
    """The hidden parameters of a kernel, in order, where each thread plays `lanes` of them."""
    found = [Hidden.FAILURE]
    if any(array.is_dynamic for array in kernel.arrays.values()):
        found.append(Hidden.SHARED)
    if any(isinstance(s, Barrier) and s.group is Group.GRID for s in walk.statements(kernel.body)):
        found.append(Hidden.WORKSPACE)
    if lanes > 1:
        found.append(Hidden.GRID)
    return tuple(found)


def _code(slot: Slot) -> str:
    match slot:
        case ScalarSlot(type=type_):
            return _CODES[type_.name]
        case PointerSlot():
            return "Q"
        case DimensionSlot():
            return "q"


# ---------------------------------------------------------------- failures


class FailureState(IntEnum):
    """How far a record is filled in."""

    EMPTY = 0
    CLAIMED = 1
    COMPLETE = 2
    STOPPED = 3  # nothing failed: the host wants no more


class FailureKind(IntEnum):
    """What a run-time check found."""

    BOUNDS = 1  # index and length along axis
    DIVISOR = 2  # a zero divisor
    STEP = 3  # a zero step of range
    # Threads that should meet do not: site is the state of the thread with number index in its
    # block, stop that of the one with number length; `lowering.schedule` knows states.
    DIVERGENCE = 4
    VIEW = 5  # index (where it starts), stop and length along axis
    ALIGNMENT = 6  # index (an offset) is no multiple of length
    ASSERTION = 7


@record
class FailureRecord:
    """The first failure of a launch.

    As a C struct: u32 state, site, kind, axis; i64 index, length, stop; u32 block[3], thread[3].
    What the numbers mean says the kind.
    """

    site: int
    kind: FailureKind
    axis: int
    index: int
    length: int
    stop: int
    block: Extent
    thread: Extent


_RECORD = Struct("<4I3q6I")

RECORD_SIZE = _RECORD.size
STATE_OFFSET, SITE_OFFSET, KIND_OFFSET, AXIS_OFFSET = 0, 4, 8, 12
INDEX_OFFSET, LENGTH_OFFSET, STOP_OFFSET, BLOCK_OFFSET, THREAD_OFFSET = 16, 24, 32, 40, 52
EMPTY_RECORD = bytes(RECORD_SIZE)
_EMPTY_STATE = EMPTY_RECORD[:SITE_OFFSET]


def decode(record: bytes | bytearray | memoryview) -> FailureRecord | None:
    """The failure that a record holds after its launch, or None."""
    # Most launches end with nothing to tell.
    if record[:SITE_OFFSET] == _EMPTY_STATE:
        return None
    state, site, kind, axis, index, length, stop, *places = _RECORD.unpack_from(record)
    if state == FailureState.STOPPED:
        return None
    block, thread = (places[0], places[1], places[2]), (places[3], places[4], places[5])
    return FailureRecord(site, FailureKind(kind), axis, index, length, stop, block, thread)


@record
class FailureSite:
    """What stands at a site: an access to `array`, or a divisor (`array` is None).

    `message` is that of an `assert`.
    """

    span: Span
    kind: FailureKind
    array: str | None
    access: str
    message: str = ""


def failure_sites(kernel: Kernel) -> Mapping[int, FailureSite]:
    """The sites at which a run-time check may stand, proved or not."""
    return dict(_sites(kernel.body))


def _sites(block: Block) -> Iterator[tuple[int, FailureSite]]:
    for statement in walk.statements(block):
        match statement:
            case Load(site=site, span=span, array=array):
                yield site, FailureSite(span, FailureKind.BOUNDS, array, "read")
            case Store(site=site, span=span, array=array):
                yield site, FailureSite(span, FailureKind.BOUNDS, array, "write")
            case Atomic(site=site, span=span, array=array):
                yield site, FailureSite(span, FailureKind.BOUNDS, array, "atomic")
            case CheckIndex(site=site, span=span, array=array, is_row=is_row):
                access = "row" if is_row else "view"
                yield site, FailureSite(span, FailureKind.BOUNDS, array, access)
            case CheckView(site=site, span=span, array=array):
                yield site, FailureSite(span, FailureKind.VIEW, array, "view")
            case CheckAligned(site=site, span=span, array=array):
                yield site, FailureSite(span, FailureKind.ALIGNMENT, array, "wide")
            case Assert(site=site, span=span, message=message):
                yield site, FailureSite(span, FailureKind.ASSERTION, None, "assert", message)
            case CheckDivisor(site=site, span=span, role=role):
                kind = FailureKind.STEP if role is DivisorRole.STEP else FailureKind.DIVISOR
                yield site, FailureSite(span, kind, None, role.value)
            case _:
                pass
