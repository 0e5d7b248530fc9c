"""Where the numbers of records lie: an array that is a leaf of them steps from record to record.

    load pts.y[i]      is    %1 = getelementptr [8 x i8], ptr %pts, i64 i
                             %2 = getelementptr i8, ptr %1, i64 4
                             load float, ptr %2, align 4
    load pts.v[i, k]         the same, and k times the stride inside of the record

No access says that it is aligned to more than the memory, the size of a record and the places of
the leaf in it allow; what is aligned to less than its size is taken apart by LLVM. Leaves of one
record are read through one pointer, so LLVM can make one access of neighbours.

Of a float that is stored in pieces a device gets the bits as an integer. LLVM would store parts of
the register that it is computed in, `cvt.rn.f32.f64 %r4, …; st.global.b16 [%rd8+2], %r4`, and
ptxas 13.0 takes that for a conversion to an integer of 16 bits (`F2I.U16`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.records import alignment_of
from oxide_codegen.forms import ALIGNMENT
from oxide_codegen.lowering.builder import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.ir.nodes import Array, Part
    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder
    from oxide_codegen.lowering.context import Context


def alignment(context: Context, array: Array) -> int:
    """To how many bytes each element of an array is sure to lie aligned."""
    part, size = array.part, array.element.size
    if part is None:
        return size
    start = part.record.alignment
    if context.ordinary:
        start = max(start, ALIGNMENT)
    return min(alignment_of(part.record, part.leaf, start), ALIGNMENT)


def in_pieces(context: Context, value: Value, element: Scalar) -> Value:
    """A number that is stored where it is not aligned."""
    build = context.build
    if context.environment.stores_parts_of_floats or not element.is_float:
        return value
    if value.type == "i16":
        wide = build.value("i32", f'call i32 asm "cvt.u32.u16 $0, $1;", "=r,h"({value})')
        return build.cast("trunc", wide, "i16")
    return _whole(build, value, *_HALVES[value.type])


def _whole(build: Builder, value: Value, half: str, move: str, constraints: str) -> Value:
    """The bits of a register as an integer, put together from its halves."""
    text = f'asm "{move} {{$0, $1}}, $2;", "{constraints}"({value})'
    pair = build.value(f"{{ {half}, {half} }}", f"call {{ {half}, {half} }} {text}")
    low, high = (build.value(half, f"extractvalue {pair}, {k}") for k in range(2))
    if half == "i32":
        low, high = (_whole(build, part, *_HALVES["i32"]) for part in (low, high))
    whole, bits = ("i32", 16) if half == "i16" else ("i64", 32)
    low, high = (build.cast("zext", part, whole) for part in (low, high))
    return build.binary("or", low, build.binary("shl", high, str(bits)))


# How registers are taken apart: the halves, the instruction, what it reads and writes.
_HALVES = {
    "float": ("i16", "mov.b32", "=h,=h,f"),
    "i32": ("i16", "mov.b32", "=h,=h,r"),
    "double": ("i32", "mov.b64", "=r,=r,d"),
}


def address(
    context: Context,
    array: Array,
    part: Part,
    values: Sequence[Value],
    offset: Callable[[Context, Array, Sequence[Value]], Value],
) -> Value:
    """The address of a number in a record; `offset` counts records."""
    build = context.build
    type_, pointer = context.environment.pointer(array)
    rank, leaf = array.held_rank, part.leaf
    number = offset(context, array, values[:rank])
    record = build.value(
        type_, f"getelementptr [{part.record.size} x i8], {type_} {pointer}, {number}"
    )
    place = Value(str(leaf.offset), "i64")
    for value, stride in zip(values[rank:], leaf.strides, strict=True):
        inside = build.binary("mul", context.resized(value), str(stride))
        place = build.binary("add", inside, place)
    return build.value(type_, f"getelementptr i8, {record}, {place}")
