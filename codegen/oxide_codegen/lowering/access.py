"""Accesses to arrays: run-time checks, addresses, and what tells LLVM which accesses are apart.

    v = a[i, j]    is    check i < a.shape[0]          unless the site is proved
                         check j < a.shape[1]
                         load a + (i * a.shape[1] + j)

Slices never overlap where one of them is written (a launch that breaks this is refused), so each
array has an alias scope, and each access says that it lies outside the scopes of all others.
`noalias` on a parameter would say more: LLVM then merges loads across barriers and deletes stores
in front of them. Only what the launch never writes carries it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Const, Space
from oxide_analyzer.language.types import I64
from oxide_codegen.abi import FailureKind
from oxide_codegen.lowering import arithmetic
from oxide_codegen.lowering.builder import Names, Value, memory_type, metadata, register_type
from oxide_codegen.lowering.environment import Failure

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Atomic, CheckDivisor, Expr, Load, Store
    from oxide_codegen.lowering.context import Context

_UNLIKELY = '!{!"branch_weights", i32 1, i32 1048576}'


def alias_marks(names: Names, kernel: Kernel) -> dict[str, tuple[str, ...]]:
    """For each array, the attachments of an access to it."""
    arrays = [a for a in kernel.arrays.values() if a.space is not Space.LOCAL]
    if len(arrays) < 2:
        return {}
    domain = names.reserve()
    names.define(domain, f"distinct !{{{domain}}}")
    scopes: dict[str, str] = {}
    for array in arrays:
        scope = names.reserve()
        names.define(scope, f"distinct !{{{scope}, {domain}}}")
        scopes[array.name] = scope
    marks: dict[str, tuple[str, ...]] = {}
    for name, scope in scopes.items():
        others = ", ".join(other for other in scopes.values() if other != scope)
        own, rest = names.node(f"!{{{scope}}}"), names.node(f"!{{{others}}}")
        marks[name] = f"!alias.scope {own}", f"!noalias {rest}"
    return marks


def extents(array: Array) -> tuple[int, ...]:
    """The shape of a shared or local array, of which every extent is a constant."""
    return tuple(_literal(extent) for extent in array.shape)


def byte_size(array: Array) -> int:
    """Bytes of a shared or local array."""
    return prod(extents(array)) * array.element.size


def load(context: Context, statement: Load) -> None:
    """`target = array[index]`."""
    array = context.checked.kernel.arrays[statement.array]
    address, marks = _address(context, array, statement.index, statement.site)
    type_ = memory_type(array.element)
    value = context.build.value(
        type_, f"load {type_}, {address}, align {array.element.size}{metadata(marks)}"
    )
    if type_ != register_type(array.element):
        value = context.build.compare("icmp ne", value, "0")
    context.assign(statement.target, value)


def store(context: Context, statement: Store) -> None:
    """`array[index] = value`."""
    array = context.checked.kernel.arrays[statement.array]
    value = context.widened(statement.value)
    address, marks = _address(context, array, statement.index, statement.site)
    if value.type == "i1":
        value = context.build.cast("zext", value, "i8")
    context.build.emit(f"store {value}, {address}, align {array.element.size}{metadata(marks)}")


def atomic(context: Context, statement: Atomic) -> None:
    """`target = array[index]`, and `array[index] op= value`, as one step."""
    array = context.checked.kernel.arrays[statement.array]
    value = context.widened(statement.value)
    address, _ = _address(context, array, statement.index, statement.site)
    old = context.environment.atomic(context.build, statement, address, value)
    context.assign(statement.target, old)


def declare(context: Context, name: str) -> None:
    """A local array is undefined from here on, and zero where a read of that is not ruled out."""
    if name in context.checked.initialised:
        return
    array = context.checked.kernel.arrays[name]
    _, pointer = context.environment.pointer(array)
    context.build.emit(
        f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, i64 {byte_size(array)}, i1 false)"
    )


def check_divisor(context: Context, statement: CheckDivisor, kind: FailureKind) -> None:
    """Fail if the divisor is zero."""
    if statement.site in context.checked.proved_divisors:
        return
    divisor = context.value(statement.divisor)
    if context.ranges.of(statement.divisor).excludes(0):
        return
    zero = context.build.compare("icmp eq", divisor, "0")
    failure = Failure(str(statement.site), str(int(kind)), "0", "0", "0")
    _fail_if(context, zero, failure)


def _address(
    context: Context, array: Array, index: tuple[Expr, ...], site: int
) -> tuple[Value, tuple[str, ...]]:
    """The address of an element, checked, and the marks of an access to it."""
    build = context.build
    proved = site in context.checked.proved_bounds
    # Of a proved index the value fits whatever its terms do: the low bits are enough.
    values = [context.index(i) if proved else context.value(i) for i in index]
    if not proved:
        for axis, value in enumerate(values):
            _check(context, array, axis, index[axis], value, site)
    marks = context.marks.get(array.name, ())
    type_, pointer = context.environment.pointer(array)
    element = memory_type(array.element)
    if array.space is not Space.GLOBAL:
        element = f"[{prod(extents(array))} x {element}]"
    offset = _resized(context, values[0])
    for axis in range(1, array.rank):
        extent = _resized(context, context.value(array.shape[axis]))
        scaled = build.binary("mul", offset, extent)
        offset = build.binary("add", scaled, _resized(context, values[axis]))
    if array.space is not Space.GLOBAL:
        return (
            build.value(type_, f"getelementptr {element}, {type_} {pointer}, i64 0, {offset}"),
            marks,
        )
    return build.value(type_, f"getelementptr {element}, {type_} {pointer}, {offset}"), marks


def _check(context: Context, array: Array, axis: int, index: Expr, value: Value, site: int) -> None:
    extent = array.shape[axis]
    limit, interval = context.ranges.of(extent), context.ranges.of(index)
    if interval.low >= 0 and interval.high < limit.low:
        return
    narrow = context.fits(limit) and context.fits(interval)
    type_ = "i32" if narrow else "i64"
    at = arithmetic.resize(context.build, value, type_, signed=True)
    length = arithmetic.resize(context.build, context.value(extent), type_, signed=True)
    # A negative index is a huge unsigned one.
    outside = context.build.compare("icmp uge", at, length)
    wide_index, wide_length = _resized(context, at), _resized(context, length)
    failure = Failure(
        str(site), str(int(FailureKind.BOUNDS)), str(axis), wide_index.text, wide_length.text
    )
    _fail_if(context, outside, failure)


def _fail_if(context: Context, condition: Value, failure: Failure) -> None:
    build = context.build
    failed, passed = build.label("failed"), build.label("passed")
    build.branch(condition.text, failed, passed, _unlikely(context.build.names))
    build.place(failed)
    context.environment.fail(build, failure)
    build.place(passed)


def _unlikely(names: Names) -> tuple[str]:
    return (f"!prof {names.shared(_UNLIKELY)}",)


def _resized(context: Context, value: Value) -> Value:
    return arithmetic.resize(context.build, value, "i64", signed=True)


def _literal(extent: Expr) -> int:
    if isinstance(extent, Const) and extent.type == I64:
        return int(extent.value)
    raise ValueError(f"{extent.span}: the extent of an array in a kernel is not a number yet")
