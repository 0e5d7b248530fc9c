"""A kernel on the host: what its threads share, whichever way they are run.

All arguments are read once, from the cells of `abi.Layout.pack`. Shared arrays lie in an arena
that each worker has for itself. Atomics are real ones: other workers run other blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Array, Atomic, AtomicOp, Order, Register, Space
from oxide_codegen import abi
from oxide_codegen.lowering.access import byte_size
from oxide_codegen.lowering.builder import Builder, Value, memory_type, register_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel

ALIGNMENT = 64
_ORDERS = {
    Order.RELAXED: "monotonic",
    Order.ACQUIRE: "acquire",
    Order.RELEASE: "release",
    Order.ACQ_REL: "acq_rel",
}
# Where each extent lies in the launch record: six i64.
_EXTENTS = {Register.GRID_DIM: 0, Register.BLOCK_DIM: 3}


class Host:
    """Arguments, extents and arrays of a kernel, inside a function of the host.

    The function has the parameters `%arguments` and `%launch`, and `%shared` where the kernel has
    shared arrays. `places` holds the block and thread indices, six i64.
    """

    has_minimum = False

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        self.kernel = kernel
        self.places: dict[tuple[Register, int], Value] = {}
        self._arrays: dict[str, str] = {}
        self._dimensions: dict[tuple[str, int], Value] = {}
        self._scalars: dict[str, Value] = {}
        self._offsets, self.shared = shared_offsets(kernel)
        self._build = build

    def read_arguments(self) -> None:
        """Load all cells and extents, at the top of the function."""
        entry = self._build.entry
        for number, slot in enumerate(abi.layout(self.kernel).slots):
            name, at = f"%argument.{number}", number * abi.CELL
            match slot:
                case abi.ScalarSlot(name=scalar, type=type_):
                    loaded = memory_type(type_)
                    self._scalars[scalar] = Value(name, register_type(type_))
                case abi.PointerSlot(array=array):
                    loaded = "ptr"
                    self._arrays[array] = name
                case abi.DimensionSlot(array=array, axis=axis):
                    loaded = "i64"
                    self._dimensions[array, axis] = Value(name, "i64")
            entry.append(f"  {name}.at = getelementptr i8, ptr %arguments, i64 {at}")
            is_bool = isinstance(slot, abi.ScalarSlot) and slot.type.name == "bool"
            cell = f"{name}.cell" if is_bool else name
            entry.append(f"  {cell} = load {loaded}, ptr {name}.at")
            if is_bool:
                entry.append(f"  {name} = icmp ne i8 {cell}, 0")
        for register, first in _EXTENTS.items():
            for axis in range(3):
                name = f"%{register.value}.{axis}"
                at = 8 * (first + axis)
                entry.append(f"  {name}.at = getelementptr i8, ptr %launch, i64 {at}")
                entry.append(f"  {name} = load i64, ptr {name}.at")
                self.places[register, axis] = Value(name, "i64")

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        return self.places[register, axis]

    def scalar(self, name: str) -> Value:
        """A scalar parameter."""
        return self._scalars[name]

    def dimension(self, array: str, axis: int) -> Value:
        """An extent of a slice parameter."""
        return self._dimensions[array, axis]

    def pointer(self, array: Array) -> tuple[str, str]:
        """The pointer to an array's first element."""
        if array.name not in self._arrays:
            name = f"%array.{len(self._arrays)}"
            entry = self._build.entry
            if array.space is Space.SHARED:
                offset = self._offsets[array.name]
                entry.append(f"  {name} = getelementptr i8, ptr %shared, i64 {offset}")
            else:
                entry.append(f"  {name} = alloca [{byte_size(array)} x i8], align {ALIGNMENT}")
            self._arrays[array.name] = name
        return "ptr", self._arrays[array.name]

    def atomic(self, build: Builder, statement: Atomic, address: Value, value: Value) -> Value:
        """A read-modify-write; all scopes are the whole machine."""
        element = self.kernel.arrays[statement.array].element
        match statement.op:
            case AtomicOp.ADD:
                opcode = "fadd" if element.is_float else "add"
        order = _ORDERS[statement.order]
        return build.value(
            value.type, f"atomicrmw {opcode} {address}, {value} {order}, align {element.size}"
        )

    def zero_shared(self, build: Builder, initialised: frozenset[str]) -> None:
        """Set shared arrays to zero, in front of a block."""
        for name, offset in self._offsets.items():
            if name not in initialised:
                size = byte_size(self.kernel.arrays[name])
                at = build.value("ptr", f"getelementptr i8, ptr %shared, i64 {offset}")
                build.emit(f"call void @llvm.memset.p0.i64({at}, i8 0, i64 {size}, i1 false)")


def shared_offsets(kernel: Kernel) -> tuple[Mapping[str, int], int]:
    """Byte offsets of the shared arrays in the arena, and what they take together."""
    offsets: dict[str, int] = {}
    size = 0
    for array in kernel.arrays.values():
        if array.space is Space.SHARED:
            offsets[array.name] = size
            size += rounded(byte_size(array))
    return offsets, size


def rounded(size: int) -> int:
    """`size` up to the next multiple of the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def block_places(build: Builder, host: Host, number: Value) -> None:
    """The (x, y, z) index of the block with a number, into `host.places`."""
    width, height = (host.places[Register.GRID_DIM, axis] for axis in range(2))
    row = build.binary("udiv", number, width)
    host.places[Register.BLOCK, 0] = build.binary("urem", number, width)
    host.places[Register.BLOCK, 1] = build.binary("urem", row, height)
    host.places[Register.BLOCK, 2] = build.binary("udiv", row, height)
