"""A kernel on an NVIDIA device: special registers, shared memory, barriers, and the way out.

A failed check ends the thread by `exit`, which counts as arrived at every later barrier; where
threads wait for each other by other means, it is recorded and the thread goes on.

Shared arrays are globals of the address space 3. Where they are larger than a static allocation
may be, they lie in the memory that a launch asks for, one behind the other; what the kernel itself
asks for by `dynamic_shared` lies there too, behind them.
"""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.expressions import MathFunction
from oxide_analyzer.ir.nodes import (
    Array,
    Atomic,
    Const,
    Group,
    Register,
    Return,
    Scope,
    Space,
    WarpOp,
)
from oxide_analyzer.launch import WARP
from oxide_codegen import abi, libdevice
from oxide_codegen.contract import literal
from oxide_codegen.lowering import atomics, device_warps, multiples, places, printing, tables
from oxide_codegen.lowering.approximations import APPROXIMATIONS
from oxide_codegen.lowering.atomics import LLVM_SCOPES
from oxide_codegen.lowering.builder import Builder, Value, memory_type, register_type
from oxide_codegen.lowering.failure import FailureBlock, has_failed, record
from oxide_codegen.lowering.failure import operands as operands_of
from oxide_codegen.lowering.functions import DEVICE_EXP
from oxide_codegen.lowering.grid import GridBarrier
from oxide_codegen.lowering.library import LIBRARY
from oxide_codegen.lowering.optimisations import Optimisation
from oxide_codegen.lowering.room import byte_size
from oxide_codegen.target import (
    STATIC_SHARED,
    Capabilities,
    Unsupported,
    require_clusters,
    require_scope,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Barrier, Expr, For, Forget, Print, While
    from oxide_codegen.lowering.environment import Failure, WarpOperands
    from oxide_codegen.lowering.functions import Definition

_AXES = "xyz"
_REGISTERS = {
    Register.THREAD: "tid",
    Register.BLOCK: "ctaid",
    Register.BLOCK_DIM: "ntid",
    Register.GRID_DIM: "nctaid",
}
_GLOBAL = "ptr addrspace(1)"
_ALIGNMENT = 16
# The first with `cp.async`.
_CP_ASYNC = 80
# The first with those that `matrix` uses.
_MATRIX_UNITS = 80

_FUNCTIONS: Mapping[MathFunction, Definition] = {MathFunction.EXP: DEVICE_EXP}
_WITH_LIBRARY: Mapping[MathFunction, Definition] = {**LIBRARY, **_FUNCTIONS}


class Device:
    """The environment of a kernel on one SM."""

    has_minimum = True
    wraps_magnitudes = False
    stores_parts_of_floats = False
    approximations: Mapping[MathFunction, Definition] = MappingProxyType(APPROXIMATIONS)
    # How many threads of the launch one thread is.
    lanes = 1

    def __init__(
        self,
        kernel: Kernel,
        build: Builder,
        target: Capabilities,
        hidden: Sequence[abi.Hidden] | None = None,
        *,
        facts: Collection[Expr] = (),
        alignment: int = 1,
        without: Collection[Optimisation] = (),
    ) -> None:
        self.kernel = kernel
        # At which multiple of bytes every array starts, besides that of its element.
        self._alignment = alignment
        self._without = without
        self.target = target
        self.copies_asynchronously = target.number >= _CP_ASYNC
        self.failures = FailureBlock(build, "ptr addrspace(1)")
        self._build = build
        self._specials: dict[tuple[Register, int], Value] = {}
        self._locals: dict[str, str] = {}
        self._length: Value | None = None
        self._numbers = {p.name: n for n, p in enumerate(kernel.parameters)}
        self._scalars = {
            slot.name: slot.type
            for slot in abi.layout(kernel).slots
            if isinstance(slot, abi.ScalarSlot)
        }
        # Whether each warp has all its lanes, and keeps them: see `lower` of `ptx`.
        self.is_whole = _has_whole_warps(kernel, facts)
        self.has_matrix_units = self.is_whole and target.number >= _MATRIX_UNITS
        shared = [a for a in kernel.arrays.values() if a.space is Space.SHARED]
        self._offsets, size = _placed(sorted(shared, key=lambda array: array.is_dynamic))
        self.is_dynamic = size > STATIC_SHARED
        self.shared = size
        self._block_barrier = _block_barrier(kernel)
        self._hidden = abi.hidden(kernel) if hidden is None else hidden
        self._grid = (
            GridBarrier(self.special, self._block_barrier)
            if abi.Hidden.WORKSPACE in self._hidden
            else None
        )
        if self._grid is not None:
            self.shared += self._grid.size
        if kernel.contract.cluster is not None:
            require_clusters(target)
        if size > target.shared:
            raise Unsupported(
                f"the shared arrays of `{kernel.name}` take {size} bytes, {target.sm} has "
                f"{target.shared} for a block"
            )

    @property
    def functions(self) -> Mapping[MathFunction, Definition]:
        """Asked for when a kernel calls one: to find the library takes as long as to compile."""
        return _FUNCTIONS if libdevice.chosen() is None else _WITH_LIBRARY

    def parameters(self) -> Iterator[str]:
        """The parameters of the function, in the order of `abi`."""
        for slot in abi.layout(self.kernel).slots:
            match slot:
                case abi.ScalarSlot(name=name, type=type_):
                    yield f"{memory_type(type_)} %p{self._numbers[name]}"
                case abi.PointerSlot(array=name, alignment=own, ownership=ownership):
                    # Only of memory that the launch does not write: see `access`.
                    is_read = ownership.value == "read-only"
                    is_read = is_read and Optimisation.READ_ONLY not in self._without
                    read_only = "noalias readonly " if is_read else ""
                    alignment = max(own, self._alignment)
                    yield f"{_GLOBAL} {read_only}align {alignment} %p{self._numbers[name]}"
                case abi.DimensionSlot(array=name, axis=axis):
                    yield f"i64 %p{self._numbers[name]}.{axis}"
        for name in self._hidden:
            type_ = "i64" if name in (abi.Hidden.SHARED, abi.Hidden.GRID) else _GLOBAL
            yield f"{type_} %{name}"

    def globals(self) -> Iterator[str]:
        """The definitions of shared arrays."""
        if self.is_dynamic or abi.Hidden.SHARED in self._hidden:
            yield f"@shared = external addrspace(3) global [0 x i8], align {_ALIGNMENT}"
        if self._grid is not None:
            yield from self._grid.globals()
        if self.is_dynamic:
            return
        for number, name in enumerate(self._offsets):
            array = self.kernel.arrays[name]
            if not array.is_dynamic:
                type_ = f"[{byte_size(array) // array.element.size} x {memory_type(array.element)}]"
                yield (
                    f"@shared.{number} = internal addrspace(3) global {type_} undef, "
                    f"align {_ALIGNMENT}"
                )

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        if register is Register.WARP:
            return places.warp(self._build, self.special)
        if register is Register.WARPS:
            return places.warps(self._build, self.special)
        fixed = _fixed(self.kernel, register, axis)
        if fixed is not None:
            return Value(str(fixed), "i64")
        key = register, axis
        if key not in self._specials:
            number = len(self._specials)
            name = f"%special.{number}"
            place = "laneid"
            if register is not Register.LANE:
                place = f"{_REGISTERS[register]}.{_AXES[axis]}"
            self._build.entry.append(f"  {name}.32 = call i32 @llvm.nvvm.read.ptx.sreg.{place}()")
            # None of them reaches 2**31.
            self._build.entry.append(f"  {name} = zext nneg i32 {name}.32 to i64")
            self._specials[key] = Value(name, "i64")
        return self._specials[key]

    def scalar(self, name: str) -> Value:
        """A scalar parameter."""
        parameter = f"%p{self._numbers[name]}"
        if self._scalars[name].name == "bool":
            return self._build.compare("icmp ne", Value(parameter, "i8"), "0")
        return Value(parameter, register_type(self._scalars[name]))

    def dimension(self, array: str, axis: int) -> Value:
        """An extent of a slice parameter, or of dynamic shared memory."""
        if array not in self._numbers:
            return self._dynamic_length(array)
        return Value(f"%p{self._numbers[array]}.{axis}", "i64")

    def _dynamic_length(self, array: str) -> Value:
        size = self.kernel.arrays[array].element.size
        if self._length is None:
            self._length = Value("%dynamic.length", "i64")
            self._build.entry.append(
                f"  {self._length.text} = udiv i64 %{abi.Hidden.SHARED}, {size}"
            )
        return self._length

    def pointer(self, array: Array) -> tuple[str, str]:
        """The pointer to an array's first element."""
        match array.space:
            case Space.GLOBAL:
                return "ptr addrspace(1)", f"%p{self._numbers[array.memory]}"
            case Space.SHARED if self.is_dynamic or array.is_dynamic:
                offset = self._offsets[array.name] if self.is_dynamic else 0
                return (
                    "ptr addrspace(3)",
                    f"getelementptr (i8, ptr addrspace(3) @shared, i64 {offset})",
                )
            case Space.SHARED:
                return (
                    "ptr addrspace(3)",
                    f"@shared.{list(self._offsets).index(array.name)}",
                )
            case Space.CONSTANT:
                space = tables.device_space(self.kernel)
                return f"ptr {space}", tables.define(self._build, array, f"{space} ")
            case Space.LOCAL:
                if array.name not in self._locals:
                    type_ = f"[{byte_size(array) // array.element.size} x "
                    self._locals[array.name] = self._build.variable(
                        f"{type_}{memory_type(array.element)}], align {_ALIGNMENT}", "array"
                    )
                return "ptr", self._locals[array.name]

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block, or for the grid."""
        if statement.group is Group.GRID:
            assert self._grid is not None
            self._grid.meet(build)
        else:
            build.emit(self._block_barrier)

    def fence(self, build: Builder, scope: Scope) -> None:
        """Order memory accesses within a scope."""
        require_scope(self.target, scope)
        build.emit(f"fence {LLVM_SCOPES[scope]}acq_rel")

    def print(self, build: Builder, statement: Print, values: Sequence[Value]) -> None:
        """Hand the line to the driver."""
        printing.on_device(build, statement, values)

    def atomic(
        self,
        build: Builder,
        statement: Atomic,
        address: Value,
        value: Value | None,
        expected: Value | None,
    ) -> Value | None:
        """An atomic of this order and scope."""
        require_scope(self.target, statement.scope)
        element = self.kernel.arrays[statement.array].element
        return atomics.on_device(build, statement, element, address, value, expected)

    def warp(self, build: Builder, statement: WarpOp, operands: WarpOperands) -> Value | None:
        """An operation of the warp."""
        own = self.special(Register.LANE, 0)
        lane = build.cast("trunc", own, "i32")
        return device_warps.lower(
            build, statement, operands, lane, self.target, is_whole=self.is_whole
        )

    def active_lanes(self, build: Builder, statement: Forget) -> Value:
        """What the hardware says, which may be other lanes the next time."""
        del statement
        text = 'call i32 asm sideeffect "activemask.b32 $0;", "=r"() convergent'
        return build.value("i32", text)

    def turns(self, build: Builder, loop: For | While) -> str | None:
        """The hardware knows who is there."""
        del build, loop
        return None

    def mark_loop_atomic(self, build: Builder) -> None:
        """Nothing: the hardware lets every thread run."""
        del build

    def finish(self, build: Builder) -> None:
        """Return."""
        if self._grid is not None:
            self._grid.leave(build)
        build.end("ret void")

    def fail(self, build: Builder, failure: Failure) -> None:
        """Go to where the failure is recorded."""
        self.failures.jump(build, failure)

    def note(self, build: Builder, failure: Failure) -> None:
        """Record the failure here."""
        record(build, _GLOBAL, operands_of(failure), *self._place())

    def has_failed(self, build: Builder) -> Value:
        """Look at the record."""
        return has_failed(build, _GLOBAL)

    def _place(self) -> tuple[list[Value], list[Value]]:
        """The indices of block and thread."""
        block, thread = (
            [self.special(register, axis) for axis in range(3)]
            for register in (Register.BLOCK, Register.THREAD)
        )
        return block, thread

    def close(self, build: Builder) -> None:
        """The end of the function, and the block that records failures."""
        build.end("ret void")
        if self.failures.is_used:
            self.failures.place(build, *self._place())
            build.emit("call void @llvm.nvvm.exit()")
            build.end("unreachable")

    def begin(self, initialised: frozenset[str]) -> None:
        """Before the block starts: zero shared arrays, and what the grid's barrier needs."""
        arrays = [self.kernel.arrays[n] for n in self._offsets if n not in initialised]
        if not arrays and self._grid is None:
            return
        build = self._build
        first = places.place(build, self.special)
        threads = places.threads(build, self.special)
        for array in arrays:
            type_, pointer = self.pointer(array)
            element = memory_type(array.element)
            count = Value(str(byte_size(array) // array.element.size), "i64")
            if array.is_dynamic:
                count = self.dimension(array.name, 0)
            with build.counted(first, count, threads) as index:
                at = build.value(type_, f"getelementptr {element}, {type_} {pointer}, {index}")
                build.emit(f"store {element} zeroinitializer, {at}")
        if self._grid is not None:
            self._grid.begin(build, first, threads)
        build.emit(self._block_barrier)


def _fixed(kernel: Kernel, register: Register, axis: int) -> int | None:
    """What the contract says a special register is, so that nobody has to read it."""
    contract = kernel.contract
    extent = None if contract.block is None else contract.block[axis]
    width = 1 if axis >= (contract.domain or 3) else literal(extent)
    match register:
        case Register.BLOCK_DIM:
            return width
        case Register.THREAD:
            return 0 if width == 1 else None
        case Register.GRID_DIM | Register.BLOCK if axis >= (contract.domain or 3):
            return 1 if register is Register.GRID_DIM else 0
        case _:
            return None


def _block_barrier(kernel: Kernel) -> str:
    """The instruction of `sync_threads()`.

    The aligned form wants each warp to come as a whole. It does, except where lanes of one warp
    may name different masks at one operation: from there on they go on by groups.
    """
    parts = any(
        isinstance(s, WarpOp) and s.mask is not None and not isinstance(s.mask, Const)
        for s in walk.statements(kernel.body)
    )
    return f"call void @llvm.nvvm.barrier.cta.sync{'' if parts else '.aligned'}.all(i32 0)"


def _has_whole_warps(kernel: Kernel, facts: Collection[Expr]) -> bool:
    """Whether no block has a warp with fewer lanes, and no thread returns."""
    extents = [e.value for e in kernel.contract.block or () if isinstance(e, Const)]
    threads = int(prod(extents)) if len(extents) == 3 else 1
    returns = any(isinstance(s, Return) for s in walk.statements(kernel.body))
    return (threads % WARP == 0 or multiples.has_whole_warps(facts)) and not returns


def _placed(arrays: list[Array]) -> tuple[dict[str, int], int]:
    """Byte offsets of shared arrays, and what they take together."""
    offsets: dict[str, int] = {}
    size = 0
    for array in arrays:
        offsets[array.name] = size
        size += -(-byte_size(array) // _ALIGNMENT) * _ALIGNMENT
    return offsets, size
