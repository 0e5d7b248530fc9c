"""Atomics: which LLVM instruction or PTX each of them is.

`atomicrmw` on NVPTX drops order and scope: whatever they are, plain `atom.add` comes out, which
is relaxed at device scope. So exactly that becomes `atomicrmw`, and all others inline PTX:

    atomic.add(h, i, 1)                              atomicrmw add ... monotonic
    atomic.add(h, i, 1, order="acq_rel")             asm "atom.acq_rel.gpu.global.add.u32 ..."
    atomic.load(f, 0, order="acquire")               asm "ld.acquire.gpu.global.b32 ..."

On the host every scope is the machine, and LLVM's own atomics are right. Neither has an atomic
minimum of floats that gives the number if one is NaN, and devices count round with 32 bits only:
that is a loop round a compare-exchange.
`atom.add.f32` on global memory flushes subnormal numbers to zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import AtomicOp, BinaryOp, Order, Scope
from oxide_codegen.lowering import arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.ir.nodes import Atomic
    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder, Value

PTX_SCOPES = {
    Scope.BLOCK: "cta",
    Scope.DEVICE: "gpu",
    Scope.CLUSTER: "cluster",
    Scope.SYSTEM: "sys",
}
LLVM_SCOPES = {
    Scope.BLOCK: 'syncscope("block") ',
    Scope.DEVICE: 'syncscope("device") ',
    Scope.CLUSTER: 'syncscope("cluster") ',
    Scope.SYSTEM: "",
}
_LLVM_ORDERS = {
    Order.RELAXED: "monotonic",
    Order.ACQUIRE: "acquire",
    Order.RELEASE: "release",
    Order.ACQ_REL: "acq_rel",
}
# The order in which a compare-exchange that fails reads.
_FAILING = {
    Order.RELAXED: "monotonic",
    Order.ACQUIRE: "acquire",
    Order.RELEASE: "monotonic",
    Order.ACQ_REL: "acquire",
}
_OPCODES = {
    AtomicOp.ADD: "add",
    AtomicOp.SUB: "sub",
    AtomicOp.MIN: "min",
    AtomicOp.MAX: "max",
    AtomicOp.AND: "and",
    AtomicOp.OR: "or",
    AtomicOp.XOR: "xor",
    AtomicOp.EXCHANGE: "xchg",
    AtomicOp.INC: "uinc_wrap",
    AtomicOp.DEC: "udec_wrap",
}
_PTX_NAMES = {AtomicOp.EXCHANGE: "exch", AtomicOp.INC: "inc", AtomicOp.DEC: "dec"}
_COUNTS = (AtomicOp.INC, AtomicOp.DEC)
_EXTREMA = {AtomicOp.MIN: BinaryOp.MIN, AtomicOp.MAX: BinaryOp.MAX}


# ---------------------------------------------------------------- on a device


def on_device(
    build: Builder,
    statement: Atomic,
    element: Scalar,
    address: Value,
    value: Value | None,
    expected: Value | None,
) -> Value | None:
    """An atomic in global or shared memory; its old value."""
    space = "shared" if address.type.endswith("(3)") else "global"
    scope = PTX_SCOPES[statement.scope]
    order = statement.order.value
    bits = f"b{element.bits}"

    def load(order: str) -> Value:
        return _asm(build, f"ld.{order}.{scope}.{space}.{bits} $0, [$1];", element, address)

    def swap(compare: Value, new: Value) -> Value:
        text = f"atom.{order}.{scope}.{space}.cas.{bits} $0, [$1], $2, $3;"
        return _asm(build, text, element, address, compare, new)

    match statement.op:
        case AtomicOp.LOAD:
            return _from_bits(build, load(order), element)
        case AtomicOp.STORE:
            assert value is not None
            stored = _to_bits(build, value, element)
            constraint = _constraint(element)
            build.emit(
                f'call void asm sideeffect "st.{order}.{scope}.{space}.{bits} [$0], $1;", '
                f'"l,{constraint},~{{memory}}"({address}, {stored})'
            )
            return None
        case AtomicOp.COMPARE_EXCHANGE:
            assert value is not None
            assert expected is not None
            pair = (_to_bits(build, v, element) for v in (expected, value))
            return _from_bits(build, swap(*pair), element)
        case AtomicOp.MIN | AtomicOp.MAX if element.is_float:
            assert value is not None
            change = _change(build, statement.op, value, element, has_minimum=True)
            return _swap_loop(build, element, load("relaxed"), swap, change)
        case AtomicOp.INC | AtomicOp.DEC if element.bits == 64:
            assert value is not None
            counted = _count(build, statement.op, value)
            return _swap_loop(build, element, load("relaxed"), swap, counted)
        case _:
            pass
    assert value is not None
    op, operand = statement.op, value
    if op is AtomicOp.SUB:
        # There is no atomic subtraction; x - y and x + -y are one number.
        op, operand = AtomicOp.ADD, _negated(build, value, element)
    if op not in (AtomicOp.ADD, AtomicOp.MIN, AtomicOp.MAX):
        operand = _to_bits(build, operand, element)
    if statement.order is Order.RELAXED and statement.scope in (Scope.BLOCK, Scope.DEVICE):
        opcode = _opcode(op, element)
        old = build.value(operand.type, f"atomicrmw {opcode} {address}, {operand} monotonic")
        return _from_bits(build, old, element)
    name = _PTX_NAMES.get(op, _OPCODES[op])
    text = f"atom.{order}.{scope}.{space}.{name}.{_ptx_type(op, element)} $0, [$1], $2;"
    operand = _to_bits(build, operand, element)
    return _from_bits(build, _asm(build, text, element, address, operand), element)


def _asm(build: Builder, text: str, element: Scalar, address: Value, *operands: Value) -> Value:
    constraint = _constraint(element)
    inputs = f",{constraint}" * len(operands)
    values = ", ".join(map(str, (address, *operands)))
    type_ = f"i{element.bits}"
    return build.value(
        type_,
        f'call {type_} asm sideeffect "{text}", "={constraint},l{inputs},~{{memory}}"({values})',
    )


def _constraint(element: Scalar) -> str:
    return "r" if element.bits == 32 else "l"


def _ptx_type(op: AtomicOp, element: Scalar) -> str:
    if op is AtomicOp.ADD or op in _COUNTS:
        return f"{'f' if element.is_float else 'u'}{element.bits}"
    if op in _EXTREMA:
        return f"{'s' if element.is_signed else 'u'}{element.bits}"
    return f"b{element.bits}"


# ---------------------------------------------------------------- on the host


def on_host(
    build: Builder,
    statement: Atomic,
    element: Scalar,
    address: Value,
    value: Value | None,
    expected: Value | None,
) -> Value | None:
    """An atomic in the memory of the host; its old value."""
    order, type_, align = _LLVM_ORDERS[statement.order], f"i{element.bits}", element.size

    def load(order: str) -> Value:
        return build.value(type_, f"load atomic {type_}, {address} {order}, align {align}")

    def swap(compare: Value, new: Value) -> Value:
        pair = build.value(
            f"{{ {type_}, i1 }}",
            f"cmpxchg {address}, {compare}, {new} {order} {_FAILING[statement.order]}, "
            f"align {align}",
        )
        return build.value(type_, f"extractvalue {pair}, 0")

    match statement.op:
        case AtomicOp.LOAD:
            return _from_bits(build, load(order), element)
        case AtomicOp.STORE:
            assert value is not None
            stored = _to_bits(build, value, element)
            build.emit(f"store atomic {stored}, {address} {order}, align {align}")
            return None
        case AtomicOp.COMPARE_EXCHANGE:
            assert value is not None
            assert expected is not None
            pair = (_to_bits(build, v, element) for v in (expected, value))
            return _from_bits(build, swap(*pair), element)
        case AtomicOp.MIN | AtomicOp.MAX if element.is_float:
            assert value is not None
            change = _change(build, statement.op, value, element, has_minimum=False)
            return _swap_loop(build, element, load("monotonic"), swap, change)
        case _:
            assert value is not None
            opcode = _opcode(statement.op, element)
            return build.value(
                value.type, f"atomicrmw {opcode} {address}, {value} {order}, align {align}"
            )


# ---------------------------------------------------------------- on both


def _opcode(op: AtomicOp, element: Scalar) -> str:
    """The operation of `atomicrmw`."""
    opcode = _OPCODES[op]
    if element.is_float and op in (AtomicOp.ADD, AtomicOp.SUB):
        return f"f{opcode}"
    if op in _EXTREMA and not element.is_signed:
        return f"u{opcode}"
    return opcode


def _negated(build: Builder, value: Value, element: Scalar) -> Value:
    if element.is_float:
        return build.value(value.type, f"fneg {value}")
    return build.value(value.type, f"sub {value.type} 0, {value.text}")


def _change(
    build: Builder, op: AtomicOp, value: Value, element: Scalar, *, has_minimum: bool
) -> Callable[[Value], Value]:
    """From the old bits of an element to the new ones."""

    def change(old: Value) -> Value:
        number = _from_bits(build, old, element)
        new = arithmetic.combined(
            build, _EXTREMA[op], number, value, element, has_minimum=has_minimum
        )
        return _to_bits(build, new, element)

    return change


def _count(build: Builder, op: AtomicOp, last: Value) -> Callable[[Value], Value]:
    """One more or one less, round behind `last`: of 64 bits devices have none."""
    type_ = last.type

    def change(old: Value) -> Value:
        if op is AtomicOp.INC:
            ends = build.compare("icmp uge", old, last)
            stepped = build.value(type_, f"add {old}, 1")
            return build.value(type_, f"select {ends}, {type_} 0, {stepped}")
        ends = build.compare("icmp eq", old, "0")
        over = build.compare("icmp ugt", old, last)
        either = build.value("i1", f"or {ends}, {over.text}")
        stepped = build.value(type_, f"sub {old}, 1")
        return build.value(type_, f"select {either}, {last}, {stepped}")

    return change


def _swap_loop(
    build: Builder,
    element: Scalar,
    first: Value,
    swap: Callable[[Value, Value], Value],
    change: Callable[[Value], Value],
) -> Value:
    """Exchange until nobody came between; what was there before."""
    slot = build.variable(first.type, "seen")
    again, done = build.label("swap"), build.label("swapped")
    build.store(first, slot)
    build.place(again)
    old = build.load(first.type, slot)
    seen = swap(old, change(old))
    build.store(seen, slot)
    same = build.compare("icmp eq", seen, old)
    build.branch(same.text, done, again)
    build.place(done)
    return _from_bits(build, old, element)


def _to_bits(build: Builder, value: Value, element: Scalar) -> Value:
    return build.cast("bitcast", value, f"i{element.bits}") if element.is_float else value


def _from_bits(build: Builder, value: Value, element: Scalar) -> Value:
    if not element.is_float or not value.type.startswith("i"):
        return value
    return build.cast("bitcast", value, "float" if element.bits == 32 else "double")
