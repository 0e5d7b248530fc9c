"""A kernel on an NVIDIA device: special registers, shared memory, atomics, and the way out.

`atomicrmw` on NVPTX drops order and scope: whatever they are, plain `atom.add` comes out, which
is relaxed at device scope. So exactly those become `atomicrmw`, and all others inline PTX:

    atomic.add(h, i, 1)                              atomicrmw add ... monotonic
    atomic.add(h, i, 1, order="acq_rel")             asm "atom.acq_rel.gpu.global.add.u32 ..."

A failed check ends the thread by `exit`, which counts as arrived at every later barrier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Array, Atomic, AtomicOp, Order, Register, Scope, Space
from oxide_codegen import abi
from oxide_codegen.lowering.access import byte_size
from oxide_codegen.lowering.builder import Builder, Value, memory_type, register_type
from oxide_codegen.lowering.failure import FailureBlock
from oxide_codegen.target import STATIC_SHARED, Capabilities, Unsupported, require_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Barrier
    from oxide_codegen.lowering.environment import Failure

_AXES = "xyz"
_REGISTERS = {
    Register.THREAD: "tid",
    Register.BLOCK: "ctaid",
    Register.BLOCK_DIM: "ntid",
    Register.GRID_DIM: "nctaid",
}
_SCOPES = {
    Scope.BLOCK: "cta",
    Scope.DEVICE: "gpu",
    Scope.CLUSTER: "cluster",
    Scope.SYSTEM: "sys",
}
_ADDRESS_SPACES = {Space.GLOBAL: 1, Space.SHARED: 3, Space.LOCAL: 0}
_ALIGNMENT = 16


class Device:
    """The environment of a kernel on one SM."""

    has_minimum = True

    def __init__(self, kernel: Kernel, build: Builder, target: Capabilities) -> None:
        self.kernel = kernel
        self.target = target
        self.failures = FailureBlock(build, "ptr addrspace(1)")
        self._build = build
        self._specials: dict[tuple[Register, int], Value] = {}
        self._locals: dict[str, str] = {}
        self._numbers = {p.name: n for n, p in enumerate(kernel.parameters)}
        self._scalars = {
            slot.name: slot.type
            for slot in abi.layout(kernel).slots
            if isinstance(slot, abi.ScalarSlot)
        }
        shared = [a for a in kernel.arrays.values() if a.space is Space.SHARED]
        self._offsets, size = _placed(shared)
        self.is_dynamic = size > STATIC_SHARED
        self.shared = size
        if size > target.shared:
            raise Unsupported(
                f"the shared arrays of `{kernel.name}` take {size} bytes, {target.sm} has "
                f"{target.shared} for a block"
            )

    def parameters(self) -> Iterator[str]:
        """The parameters of the function, in the order of `abi`."""
        for slot in abi.layout(self.kernel).slots:
            match slot:
                case abi.ScalarSlot(name=name, type=type_):
                    yield f"{memory_type(type_)} %p{self._numbers[name]}"
                case abi.PointerSlot(array=name, element=element, ownership=ownership):
                    # Only of memory that the launch does not write: see `access`.
                    read_only = "noalias readonly " if ownership.value == "read-only" else ""
                    yield (
                        f"ptr addrspace(1) {read_only}align {element.size} %p{self._numbers[name]}"
                    )
                case abi.DimensionSlot(array=name, axis=axis):
                    yield f"i64 %p{self._numbers[name]}.{axis}"
        yield "ptr addrspace(1) %failure"

    def globals(self) -> Iterator[str]:
        """The definitions of shared arrays."""
        if self.is_dynamic:
            yield f"@shared = external addrspace(3) global [0 x i8], align {_ALIGNMENT}"
            return
        for name in self._offsets:
            array = self.kernel.arrays[name]
            type_ = f"[{byte_size(array) // array.element.size} x {memory_type(array.element)}]"
            yield (
                f"@shared.{list(self._offsets).index(name)} = internal addrspace(3) global "
                f"{type_} undef, align {_ALIGNMENT}"
            )

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        key = register, axis
        if key not in self._specials:
            number = len(self._specials)
            name = f"%special.{number}"
            self._build.entry.append(
                f"  {name}.32 = call i32 @llvm.nvvm.read.ptx.sreg."
                f"{_REGISTERS[register]}.{_AXES[axis]}()"
            )
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
        """An extent of a slice parameter."""
        return Value(f"%p{self._numbers[array]}.{axis}", "i64")

    def pointer(self, array: Array) -> tuple[str, str]:
        """The pointer to an array's first element."""
        match array.space:
            case Space.GLOBAL:
                return "ptr addrspace(1)", f"%p{self._numbers[array.name]}"
            case Space.SHARED if self.is_dynamic:
                offset = self._offsets[array.name]
                return (
                    "ptr addrspace(3)",
                    f"getelementptr (i8, ptr addrspace(3) @shared, i64 {offset})",
                )
            case Space.SHARED:
                return (
                    "ptr addrspace(3)",
                    f"@shared.{list(self._offsets).index(array.name)}",
                )
            case Space.LOCAL:
                if array.name not in self._locals:
                    type_ = f"[{byte_size(array) // array.element.size} x "
                    self._locals[array.name] = self._build.variable(
                        f"{type_}{memory_type(array.element)}], align {_ALIGNMENT}", "array"
                    )
                return "ptr", self._locals[array.name]

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block."""
        del statement
        build.emit("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)")

    def atomic(self, build: Builder, statement: Atomic, address: Value, value: Value) -> Value:
        """A read-modify-write."""
        array = self.kernel.arrays[statement.array]
        require_scope(self.target, statement.scope)
        type_ = value.type
        wide = statement.scope in (Scope.BLOCK, Scope.DEVICE)
        match statement.op:
            case AtomicOp.ADD:
                opcode = "fadd" if array.element.is_float else "add"
        if statement.order is Order.RELAXED and wide:
            return build.value(type_, f"atomicrmw {opcode} {address}, {value} monotonic")
        operation = (
            f"atom.{statement.order.value}.{_SCOPES[statement.scope]}.{array.space.value}."
            f"{statement.op.value}.{'f' if array.element.is_float else 'u'}{array.element.bits}"
        )
        operand = {"i32": "r", "i64": "l", "float": "f", "double": "d"}[type_]
        return build.value(
            type_,
            f'call {type_} asm sideeffect "{operation} $0, [$1], $2;", '
            f'"={operand},l,{operand},~{{memory}}"({address}, {value})',
        )

    def mark_loop_atomic(self, build: Builder) -> None:
        """Nothing: the hardware lets every thread run."""
        del build

    def finish(self, build: Builder) -> None:
        """Return."""
        build.end("ret void")

    def fail(self, build: Builder, failure: Failure) -> None:
        """Go to where the failure is recorded."""
        self.failures.jump(build, failure)

    def close(self, build: Builder) -> None:
        """The end of the function, and the block that records failures."""
        build.end("ret void")
        if self.failures.is_used:
            places = {
                register: [self.special(register, axis) for axis in range(3)]
                for register in (Register.BLOCK, Register.THREAD)
            }
            self.failures.place(build, places[Register.BLOCK], places[Register.THREAD])
            build.emit("call void @llvm.nvvm.exit()")
            build.end("unreachable")

    def zero_shared(self, names: frozenset[str]) -> None:
        """Set shared arrays to zero before the block starts."""
        arrays = [self.kernel.arrays[name] for name in self._offsets if name not in names]
        if not arrays:
            return
        build = self._build
        extent = [self.special(Register.BLOCK_DIM, axis) for axis in range(3)]
        place = [self.special(Register.THREAD, axis) for axis in range(3)]
        row = build.binary("add", build.binary("mul", place[2], extent[1]), place[1])
        first = build.binary("add", build.binary("mul", row, extent[0]), place[0])
        plane = build.binary("mul", extent[0], extent[1])
        threads = build.binary("mul", plane, extent[2])
        for array in arrays:
            type_, pointer = self.pointer(array)
            element = memory_type(array.element)
            count = byte_size(array) // array.element.size
            with build.counted(first, str(count), threads) as index:
                at = build.value(type_, f"getelementptr {element}, {type_} {pointer}, {index}")
                build.emit(f"store {element} zeroinitializer, {at}")
        build.emit("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)")


def _placed(arrays: list[Array]) -> tuple[dict[str, int], int]:
    """Byte offsets of shared arrays, and what they take together."""
    offsets: dict[str, int] = {}
    size = 0
    for array in arrays:
        offsets[array.name] = size
        size += -(-byte_size(array) // _ALIGNMENT) * _ALIGNMENT
    return offsets, size
