"""A kernel on the host: what its threads share, whichever way they are run.

All arguments are read once, from the cells of `abi.Layout.pack`. Shared arrays lie in an arena
that each worker has for itself. Atomics are real ones: other workers run other blocks.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Array, Atomic, Register, Scope, Space
from oxide_analyzer.launch import WARP
from oxide_codegen import abi
from oxide_codegen.lowering import atomics, places, printing, tables
from oxide_codegen.lowering.builder import Builder, Value, memory_type, register_type
from oxide_codegen.lowering.failure import has_failed, operands, record
from oxide_codegen.lowering.room import ALIGNMENT, byte_size, shared_offsets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.ir.expressions import MathFunction
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import For, Print, While
    from oxide_codegen.lowering.environment import Failure
    from oxide_codegen.lowering.functions import Definition

REQUESTED = "%requested"
# Where each extent lies in the launch record: six i64, and behind them the bytes of dynamic shared
# memory.
_EXTENTS = {Register.GRID_DIM: 0, Register.BLOCK_DIM: 3}


class Host:
    """Arguments, extents and arrays of a kernel, inside a function of the host.

    The function has the parameters `%arguments` and `%launch`, and `%shared` where the kernel has
    shared arrays. `places` holds the block and thread indices, six i64.
    """

    has_minimum = False
    wraps_magnitudes = True
    stores_parts_of_floats = True
    copies_asynchronously = False
    has_matrix_units = False
    functions: Mapping[MathFunction, Definition] = MappingProxyType({})
    approximations: Mapping[MathFunction, Definition] = MappingProxyType({})

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
        for array in self.kernel.arrays.values():
            if array.is_dynamic:
                entry.append(f"  {REQUESTED}.at = getelementptr i8, ptr %launch, i64 {8 * 6}")
                entry.append(f"  {REQUESTED} = load i64, ptr {REQUESTED}.at")
                entry.append(f"  {REQUESTED}.length = udiv i64 {REQUESTED}, {array.element.size}")
                self._dimensions[array.name, 0] = Value(f"{REQUESTED}.length", "i64")

    def turns(self, build: Builder, loop: For | While) -> str | None:
        """Nobody asks."""
        del build, loop
        return None

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        match register:
            case Register.LANE:
                return self.lane()
            case Register.WARP:
                return places.warp(self._build, self.special)
            case Register.WARPS:
                return places.warps(self._build, self.special)
            case _:
                return self.places[register, axis]

    def lane(self) -> Value:
        """The place of the thread in its warp, as i64."""
        place = places.place(self._build, self.special)
        return self._build.binary("and", place, str(WARP - 1))

    def scalar(self, name: str) -> Value:
        """A scalar parameter."""
        return self._scalars[name]

    def dimension(self, array: str, axis: int) -> Value:
        """An extent of a slice parameter, or of dynamic shared memory."""
        return self._dimensions[array, axis]

    def pointer(self, array: Array) -> tuple[str, str]:
        """The pointer to an array's first element."""
        if array.space is Space.GLOBAL:
            return "ptr", self._arrays[array.memory]
        if array.name not in self._arrays:
            name = f"%array.{len(self._arrays)}"
            entry = self._build.entry
            if array.space is Space.CONSTANT:
                name = tables.define(self._build, array, "")
            elif array.space is Space.SHARED:
                offset = self._offsets[array.name]
                entry.append(f"  {name} = getelementptr i8, ptr %shared, i64 {offset}")
            else:
                entry.append(f"  {name} = alloca [{byte_size(array)} x i8], align {ALIGNMENT}")
            self._arrays[array.name] = name
        return "ptr", self._arrays[array.name]

    def fence(self, build: Builder, scope: Scope) -> None:
        """A fence of the machine, whatever the scope."""
        del scope
        build.emit("fence acq_rel")

    def print(self, build: Builder, statement: Print, values: Sequence[Value]) -> None:
        """Hand the line to the runtime."""
        printing.on_host(build, statement, values)

    def atomic(
        self,
        build: Builder,
        statement: Atomic,
        address: Value,
        value: Value | None,
        expected: Value | None,
    ) -> Value | None:
        """An atomic; all scopes are the whole machine."""
        element = self.kernel.arrays[statement.array].element
        return atomics.on_host(build, statement, element, address, value, expected)

    def note(self, build: Builder, failure: Failure) -> None:
        """Record the failure here."""
        here, there = (
            [self.places[r, axis] for axis in range(3)] for r in (Register.BLOCK, Register.THREAD)
        )
        record(build, "ptr", operands(failure), here, there)

    def has_failed(self, build: Builder) -> Value:
        """Look at the record."""
        return has_failed(build, "ptr")

    def zero_shared(self, build: Builder, initialised: frozenset[str], shared: Value) -> None:
        """Set the shared arrays at `shared` to zero, in front of a block."""
        for name, offset in self._offsets.items():
            if name not in initialised:
                array = self.kernel.arrays[name]
                size = Value(str(byte_size(array)), "i64")
                if array.is_dynamic:
                    size = Value(REQUESTED, "i64")
                at = build.value("ptr", f"getelementptr i8, {shared}, i64 {offset}")
                build.emit(f"call void @llvm.memset.p0.i64({at}, i8 0, {size}, i1 false)")


def block_places(build: Builder, host: Host, number: Value) -> None:
    """The (x, y, z) index of the block with a number, into `host.places`."""
    width, height = (host.places[Register.GRID_DIM, axis] for axis in range(2))
    row = build.binary("udiv", number, width)
    host.places[Register.BLOCK, 0] = build.binary("urem", number, width)
    host.places[Register.BLOCK, 1] = build.binary("urem", row, height)
    host.places[Register.BLOCK, 2] = build.binary("udiv", row, height)
