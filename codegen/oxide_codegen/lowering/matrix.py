"""Matrix fragments on matrix units: `ldmatrix` and `mma.sync.m16n8k16`.

    mma.load(a, tile, row, col)        for each 16 rows:  ldmatrix.x4
    mma.multiply_add(acc, a, b)   is   for each 16 rows and 8 columns:  mma.m16n8k16.f32

What a `MatrixOp` means is its body, and where the units cannot do it, that is compiled: where the
SM has none, where a warp may lack lanes, and loads from global memory, loads whose elements are
checked, and loads of rows that are not whole units of 16 bytes. A fragment is a local array that
all of it reads and writes at constant places, by pairs of elements, so LLVM keeps it in registers.

`ldmatrix` reads for other lanes, which LLVM does not know: where plain stores to the array may
stand in front of it, a `bar.warp.sync` keeps them there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    CheckAligned,
    CheckIndex,
    CheckView,
    Const,
    Load,
    MatrixFunction,
    Register,
    Space,
    Store,
)
from oxide_analyzer.ir.walk import blocks, statements
from oxide_codegen.lowering import access
from oxide_codegen.lowering.room import extents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.nodes import Array, Block, MatrixOp
    from oxide_codegen.lowering.builder import Value
    from oxide_codegen.lowering.context import Context

_UNIT = 8
_PAIR = "i32"


def lower(context: Context, statement: MatrixOp) -> bool:
    """Let the matrix units do it; False where the body has to be compiled."""
    if not context.environment.has_matrix_units:
        return False
    if statement.function is MatrixFunction.MULTIPLY_ADD:
        _multiply_add(context, statement)
        return True
    if not _may_load(context, statement):
        return False
    _load(context, statement)
    return True


def _may_load(context: Context, statement: MatrixOp) -> bool:
    source = context.checked.kernel.arrays[statement.arrays[1]]
    last = source.shape[-1]
    if source.space is not Space.SHARED or not isinstance(last, Const) or last.value % _UNIT:
        return False
    return all(
        context.is_proved(s.site)
        for s in statements(statement.body)
        if isinstance(s, (Load, Store, CheckAligned, CheckIndex, CheckView))
    )


def _load(context: Context, statement: MatrixOp) -> None:
    """Each lane names a row of eight elements; the matrices of a group of rows come at once."""
    build, kernel = context.build, context.checked.kernel
    fragment, source = (kernel.arrays[name] for name in statement.arrays)
    if any(s.array == source.name for s in _plain_stores(kernel.body)):
        build.emit("call void @llvm.nvvm.bar.warp.sync(i32 -1)")
    stride = int(source.shape[-1].value) if isinstance(source.shape[-1], Const) else 0
    lane = build.cast("trunc", context.environment.special(Register.LANE, 0), "i32")
    high = build.binary("lshr", lane, "4")
    of_b_transposed = statement.function is MatrixFunction.LOAD_B_TRANSPOSED
    if of_b_transposed:
        # Rows are columns of B: eight of them, the inner index in halves, then eight more.
        upper = build.binary("mul", high, str(_UNIT))
        row = build.binary("add", build.binary("and", lane, "7"), upper)
        half = build.binary("and", build.binary("lshr", lane, "3"), "1")
        col = build.binary("mul", half, str(_UNIT))
    else:
        row = build.binary("and", lane, "15")
        col = build.binary("mul", high, str(_UNIT))
    offset = build.binary("add", build.binary("mul", row, str(stride)), col)
    wide = build.cast("zext", offset, "i64")
    origin = access.address_of(context, source, statement.place)
    own = build.value(origin.type, f"getelementptr i16, {origin}, {wide}")
    trans = ".trans" if statement.function is MatrixFunction.LOAD_B else ""
    count = extents(fragment)[0]
    if statement.function is MatrixFunction.LOAD_A:
        for i in range(count):
            _matrices(context, fragment, own, 16 * i * stride, 4, 4 * i, trans)
        return
    step = _UNIT * stride if of_b_transposed else _UNIT
    for j in range(0, count, 2):
        # Of a last group of eight columns there are two matrices alone.
        number = 4 if j + 1 < count else 2
        _matrices(context, fragment, own, j * step, number, 2 * j, trans)


def _matrices(
    context: Context,
    fragment: Array,
    own: Value,
    offset: int,
    count: int,
    register: int,
    trans: str,
) -> None:
    build = context.build
    at = build.value(own.type, f"getelementptr i16, {own}, i64 {offset}") if offset else own
    type_ = f"{{ {', '.join([_PAIR] * count)} }}"
    name = f"llvm.nvvm.ldmatrix.sync.aligned.m8n8.x{count}{trans}.b16.p3"
    found = build.call(type_, name, at)
    for number in range(count):
        pair = build.value(_PAIR, f"extractvalue {found}, {number}")
        build.emit(f"store {pair}, {_register(context, fragment, register + number, _PAIR)}")


def _multiply_add(context: Context, statement: MatrixOp) -> None:
    build, arrays = context.build, context.checked.kernel.arrays
    acc, a, b = (arrays[name] for name in statement.arrays)
    rows, columns = extents(acc)[:2]
    halves = a.element.name == "f16"
    name = "f32.f32" if halves else "bf16"
    type_ = "{ float, float, float, float }"
    for i in range(rows):
        left = _pairs(context, a, 4 * i, 4, halves)
        for j in range(columns):
            right = _pairs(context, b, 2 * j, 2, halves)
            places = [_register(context, acc, 4 * (columns * i + j) + e, "float") for e in range(4)]
            before = [build.load("float", place.text) for place in places]
            found = build.call(
                type_, f"llvm.nvvm.mma.m16n8k16.row.col.{name}", *left, *right, *before
            )
            for number, place in enumerate(places):
                total = build.value("float", f"extractvalue {found}, {number}")
                build.store(total, place.text)


def _pairs(context: Context, fragment: Array, first: int, count: int, halves: bool) -> list[Value]:
    build = context.build
    found = [
        build.load(_PAIR, _register(context, fragment, first + number, _PAIR).text)
        for number in range(count)
    ]
    if halves:
        return [build.cast("bitcast", pair, "<2 x half>") for pair in found]
    return found


def _register(context: Context, fragment: Array, number: int, type_: str) -> Value:
    """The address of one 32-bit register of a fragment."""
    pointer_type, pointer = context.environment.pointer(fragment)
    return context.build.value(
        pointer_type, f"getelementptr {type_}, {pointer_type} {pointer}, i64 {number}"
    )


def _plain_stores(block: Block) -> Iterator[Store]:
    """The stores of a block that are of no asynchronous copy."""
    for stmt in block:
        if isinstance(stmt, Store):
            yield stmt
        if not isinstance(stmt, AsyncCopy):
            for inner in blocks(stmt):
                yield from _plain_stores(inner)
