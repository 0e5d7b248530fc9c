"""Accesses to arrays: checked addresses, and what tells LLVM which accesses are apart.

    v = a[i, j]    is    check i < a.shape[0]          unless the site is proved
                         check j < a.shape[1]
                         load a + (i * a.shape[1] + j)

    x, y = a.load(i, 2)    is    check i % 2 == 0, check i < len(a), check i + 1 < len(a)
                                 load <2 x T> a + i, aligned to both

Slices never overlap where one of them is written (a launch that breaks this is refused), so each
array has an alias scope, and each access says that it lies outside the scopes of all others.
`noalias` on a parameter would say more: LLVM then merges loads across barriers and deletes stores
in front of them. Only what the launch never writes carries it.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Load, Space, Store
from oxide_codegen.lowering import checks, records
from oxide_codegen.lowering.builder import Names, Value, memory_type, metadata, register_type
from oxide_codegen.lowering.room import byte_size, extents

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.nodes import Array, Atomic, CheckAligned, Expr, Local
    from oxide_codegen.lowering.context import Context


def alias_marks(names: Names, checked: CheckedKernel) -> dict[str, tuple[str, ...]]:
    """For each array, the attachments of an access to it."""
    arrays = [a for a in checked.kernel.arrays.values() if a.space is not Space.LOCAL]
    if len(arrays) < 2 or checked.may_overlap:
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


def load(context: Context, statement: Load) -> None:
    """`target = array[index]`."""
    array = context.checked.kernel.arrays[statement.array]
    with _element(context, array, statement.index, statement.site, (statement.target,)) as address:
        type_ = memory_type(array.element)
        value = context.build.value(
            type_,
            f"load {type_}, {address}, align {records.alignment(context, array)}"
            f"{_marks(context, array)}",
        )
        context.assign(statement.target, _in_register(context, value, array))


def store(context: Context, statement: Store) -> None:
    """`array[index] = value`."""
    array = context.checked.kernel.arrays[statement.array]
    value = _in_memory(context, context.widened(statement.value))
    alignment = records.alignment(context, array)
    if alignment < array.element.size:
        value = records.in_pieces(context, value, array.element)
    with _element(context, array, statement.index, statement.site) as address:
        context.build.emit(f"store {value}, {address}, align {alignment}{_marks(context, array)}")


def load_neighbours(threads: Sequence[Context], statement: Load, widest: int) -> None:
    """`target = array[index]` by threads whose elements lie side by side, the first aligned.

    The accesses have `widest` bytes, or as many as there are.
    """
    build, array = threads[0].build, threads[0].checked.kernel.arrays[statement.array]
    element = memory_type(array.element)
    for start, address, type_, align in _side_by_side(threads, array, statement.index, widest):
        vector = build.value(type_, f"load {type_}, {address}, {align}")
        for position, thread in enumerate(threads[start : start + _lanes(type_)]):
            value = build.value(element, f"extractelement {vector}, i32 {position}")
            thread.assign(statement.target, _in_register(thread, value, array))


def store_neighbours(threads: Sequence[Context], statement: Store, widest: int) -> None:
    """`array[index] = value`, likewise."""
    build, array = threads[0].build, threads[0].checked.kernel.arrays[statement.array]
    values = [_in_memory(thread, thread.widened(statement.value)) for thread in threads]
    for start, address, type_, align in _side_by_side(threads, array, statement.index, widest):
        vector = Value("poison", type_)
        for position, value in enumerate(values[start : start + _lanes(type_)]):
            vector = build.value(type_, f"insertelement {vector}, {value}, i32 {position}")
        build.emit(f"store {vector}, {address}, {align}")


def _side_by_side(
    threads: Sequence[Context], array: Array, index: tuple[Expr, ...], widest: int
) -> Iterator[tuple[int, Value, str, str]]:
    """For each access: the first thread, its address, the vector's type, attachments."""
    context, build = threads[0], threads[0].build
    element, size = memory_type(array.element), array.element.size
    first = address_of(context, array, index)
    count = min(len(threads), widest // size)
    for start in range(0, len(threads), count):
        address = first
        if start:
            address = build.value(first.type, f"getelementptr {element}, {first}, i64 {start}")
        align = f"align {size * count}{_marks(context, array)}"
        yield start, address, f"<{count} x {element}>", align


def _lanes(vector: str) -> int:
    """How many elements a vector type has."""
    return int(vector[1 : vector.index(" ")])


def atomic(context: Context, statement: Atomic) -> None:
    """`target = array[index]`, and `array[index] op= value`, as one step."""
    array = context.checked.kernel.arrays[statement.array]
    value, expected = (
        None if e is None else context.widened(e) for e in (statement.value, statement.compare)
    )
    targets = () if statement.target is None else (statement.target,)
    with _element(context, array, statement.index, statement.site, targets) as address:
        old = context.environment.atomic(context.build, statement, address, value, expected)
        if statement.target is not None and old is not None:
            context.assign(statement.target, old)


def wide(context: Context, check: CheckAligned, accesses: Sequence[Load | Store]) -> None:
    """Neighbouring elements, of which the first is aligned, at once."""
    checks.check_aligned(context, check)
    build, array = context.build, context.checked.kernel.arrays[check.array]
    type_ = f"<{check.width} x {memory_type(array.element)}>"
    align = f"align {array.element.size * check.width}{_marks(context, array)}"
    stored = [
        _in_memory(context, context.widened(access.value))
        for access in accesses
        if isinstance(access, Store)
    ]
    targets = tuple(access.target for access in accesses if isinstance(access, Load))
    with _elements(context, array, [(a.index, a.site) for a in accesses], targets) as address:
        if stored:
            vector = Value("poison", type_)
            for position, value in enumerate(stored):
                vector = build.value(type_, f"insertelement {vector}, {value}, i32 {position}")
            build.emit(f"store {vector}, {address}, {align}")
            return
        vector = build.value(type_, f"load {type_}, {address}, {align}")
        for position, target in enumerate(targets):
            element = build.value(
                memory_type(array.element), f"extractelement {vector}, i32 {position}"
            )
            context.assign(target, _in_register(context, element, array))


def declare(context: Context, name: str) -> None:
    """A local array is undefined from here on, and zero where a read of that is not ruled out."""
    if name in context.checked.initialised:
        return
    array = context.checked.kernel.arrays[name]
    context.declared(array)
    _, pointer = context.environment.pointer(array)
    context.build.emit(
        f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, i64 {byte_size(array)}, i1 false)"
    )


def _element(
    context: Context,
    array: Array,
    index: tuple[Expr, ...],
    site: int,
    targets: Sequence[Local] = (),
) -> AbstractContextManager[Value]:
    """The address of an element, checked, for the access within."""
    return _elements(context, array, [(index, site)], targets)


@contextmanager
def _elements(
    context: Context,
    array: Array,
    places: Sequence[tuple[tuple[Expr, ...], int]],
    targets: Sequence[Local],
) -> Generator[Value]:
    """The address of the first of some elements, all checked, for the access within.

    Where threads go on behind a failed check, the access is skipped, and `targets` are 0.
    """
    build = context.build
    # Of a proved index the value fits whatever its terms do: the low bits are enough.
    proved = [context.is_proved(site) for _, site in places]
    values = [
        [context.index(i) if is_proved else context.value(i) for i in index]
        for (index, _), is_proved in zip(places, proved, strict=True)
    ]
    skip = build.label("skipped")
    skips = context.continues and not all(proved)
    if skips:
        for target in targets:
            context.clear(target)
    for (index, site), at, is_proved in zip(places, values, proved, strict=True):
        if not is_proved and context.checked.kernel.counts_from_behind:
            at[:] = _from_front(context, array, index, at)
        if not is_proved:
            checks.check_bounds(context, array, index, at, site, skip)
    if context.observes:
        for (_, site), at in zip(places, values, strict=True):
            context.observe(array, site, _offset(context, array, at))
    yield _address(context, array, values[0])
    if skips:
        build.place(skip)


def _from_front(
    context: Context, array: Array, index: tuple[Expr, ...], values: Sequence[Value]
) -> Iterator[Value]:
    """Indices of other dialects, where a negative one counts from behind."""
    build = context.build
    for one, value, extent in zip(index, values, array.shape, strict=True):
        if context.ranges.of(one).low >= 0:
            yield value
            continue
        at, length = context.resized(value), context.wide(extent)
        is_negative = build.compare("icmp slt", at, "0")
        behind = build.binary("add", at, length)
        yield build.select(is_negative, behind, at)


def _offset(context: Context, array: Array, values: Sequence[Value]) -> Value:
    """Elements in front of an element, in C order, as i64."""
    row = _row(context, array, values)
    last = context.resized(values[-1])
    return last if row is None else context.build.binary("add", row, last)


def _row(context: Context, array: Array, values: Sequence[Value]) -> Value | None:
    """Elements in front of the last axis, as i64; None where that is the only one."""
    if len(values) == 1:
        return None
    build = context.build
    # Of an ordinary array all elements are fewer than 32 bits count, and this one is among them.
    narrow = context.narrows and context.ordinary
    width, kept = ("i32", " nsw") if narrow else ("i64", "")
    offset = context.resized(values[0], width)
    for axis in range(1, len(values)):
        extent = context.resized(context.value(array.shape[axis]), width)
        offset = build.binary(f"mul{kept}", offset, extent)
        if axis < len(values) - 1:
            offset = build.binary(f"add{kept}", offset, context.resized(values[axis], width))
    return context.resized(offset)


def address_of(context: Context, array: Array, index: tuple[Expr, ...]) -> Value:
    """The address of an element whose bounds are proved."""
    return _address(context, array, [context.index(i) for i in index])


def _address(context: Context, array: Array, values: Sequence[Value]) -> Value:
    if array.part is not None:
        return records.address(context, array, array.part, values, _offset)
    build = context.build
    type_, pointer = context.environment.pointer(array)
    element = memory_type(array.element)
    if array.rank > 1 and array.space is Space.GLOBAL and context.ordinary:
        # The row by itself: LLVM walks along it, and down the rows, by a pointer each.
        row = _row(context, array, values)
        start = build.value(type_, f"getelementptr {element}, {type_} {pointer}, {row}")
        last = context.resized(values[-1])
        return build.value(type_, f"getelementptr {element}, {start}, {last}")
    offset = _offset(context, array, values)
    if array.space is Space.GLOBAL or array.is_dynamic:
        return build.value(type_, f"getelementptr {element}, {type_} {pointer}, {offset}")
    whole = f"[{prod(extents(array))} x {element}]"
    return build.value(type_, f"getelementptr {whole}, {type_} {pointer}, i64 0, {offset}")


def _in_register(context: Context, value: Value, array: Array) -> Value:
    if value.type != register_type(array.element):
        return context.build.compare("icmp ne", value, "0")
    return value


def _in_memory(context: Context, value: Value) -> Value:
    return context.build.cast("zext", value, "i8") if value.type == "i1" else value


def _marks(context: Context, array: Array) -> str:
    return metadata(context.marks.get(array.name, ()))
