"""Matrix fragments: `mma.FragmentA`, `mma.load`, `mma.multiply_add`, `mma.store`, ….

A fragment is a local array of which each lane of a warp holds its part (`ir/matrix.py`). What is
done with fragments is written in Oxide, below: that is the meaning which the prover reads, the
interpreter runs and the cpu compiles; a GPU does the same by its matrix units.

    mma.multiply_add(acc, a, b)              matrix multiply_add acc, a, b:
                                        is       inline mma.multiply_add:
                                                     for i in range(a.shape[0]): …
                                                         upper = warp.shuffle(f32(a[i, h, 0]), …)
                                                         …
                                                         acc[i, j, 0] += upper * left

So what a lane reads and writes are ordinary accesses, with their bounds and races, and that the
lanes of a warp come together is what its shuffles and votes ask for.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import literal_bool, named
from oxide_analyzer.frontends.oxide.indexing import leaf, unchecked
from oxide_analyzer.frontends.oxide.inlining import inline_statics
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.places import scalar_of
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    Number,
    Unknown,
)
from oxide_analyzer.frontends.oxide.wide import aligned
from oxide_analyzer.ir.nodes import (
    Array,
    Const,
    Declare,
    MatrixFunction,
    MatrixOp,
    Ownership,
    Space,
)
from oxide_analyzer.language.types import BF16, F16, F32, I64
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.language.types import Scalar

_TEXT = """\
from oxide import device, f32, warp


@device
def load_a():
    met = warp.all(True)
    group, pair = warp.lane // 4, warp.lane % 4
    for i in range(fragment.shape[0]):
        for h in range(2):
            r, c = row + 16 * i + group, col + 8 * h + 2 * pair
            fragment[i, h, 0] = source[r, c]
            fragment[i, h, 1] = source[r, c + 1]
            fragment[i, h, 2] = source[r + 8, c]
            fragment[i, h, 3] = source[r + 8, c + 1]


@device
def load_b():
    met = warp.all(True)
    group, pair = warp.lane // 4, warp.lane % 4
    for j in range(fragment.shape[0]):
        for h in range(2):
            r, c = row + 8 * h + 2 * pair, col + 8 * j + group
            fragment[j, h, 0] = source[r, c]
            fragment[j, h, 1] = source[r + 1, c]


@device
def load_b_transposed():
    met = warp.all(True)
    group, pair = warp.lane // 4, warp.lane % 4
    for j in range(fragment.shape[0]):
        for h in range(2):
            r, c = row + 8 * j + group, col + 8 * h + 2 * pair
            fragment[j, h, 0] = source[r, c]
            fragment[j, h, 1] = source[r, c + 1]


@device
def multiply_add():
    group, pair = warp.lane // 4, warp.lane % 4
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            for h in range(2):
                for p in range(4):
                    upper = warp.shuffle(f32(a[i, h, 0]), 4 * group + p)
                    lower = warp.shuffle(f32(a[i, h, 2]), 4 * group + p)
                    left = warp.shuffle(f32(b[j, h, 0]), 8 * pair + p)
                    right = warp.shuffle(f32(b[j, h, 0]), 8 * pair + 4 + p)
                    acc[i, j, 0] += upper * left
                    acc[i, j, 1] += upper * right
                    acc[i, j, 2] += lower * left
                    acc[i, j, 3] += lower * right
                    upper = warp.shuffle(f32(a[i, h, 1]), 4 * group + p)
                    lower = warp.shuffle(f32(a[i, h, 3]), 4 * group + p)
                    left = warp.shuffle(f32(b[j, h, 1]), 8 * pair + p)
                    right = warp.shuffle(f32(b[j, h, 1]), 8 * pair + 4 + p)
                    acc[i, j, 0] += upper * left
                    acc[i, j, 1] += upper * right
                    acc[i, j, 2] += lower * left
                    acc[i, j, 3] += lower * right


@device
def fill():
    for i in range(acc.shape[0]):
        for j in range(acc.shape[1]):
            acc[i, j, 0] = value
            acc[i, j, 1] = value
            acc[i, j, 2] = value
            acc[i, j, 3] = value


@device
def store():
    group, pair = warp.lane // 4, warp.lane % 4
    for i in range(acc.shape[0]):
        for j in range(acc.shape[1]):
            r, c = row + 16 * i + group, col + 8 * j + 2 * pair
            target[r, c] = target.dtype(acc[i, j, 0])
            target[r, c + 1] = target.dtype(acc[i, j, 1])
            target[r + 8, c] = target.dtype(acc[i, j, 2])
            target[r + 8, c + 1] = target.dtype(acc[i, j, 3])
"""

_ROWS, _COLUMNS = 16, 8
# So many elements of 16 bits are what `ldmatrix` reads at once, aligned.
_ALIGNED = 8
_KINDS = {
    "mma.FragmentA": "an `mma.FragmentA`",
    "mma.FragmentB": "an `mma.FragmentB`",
    "mma.Accumulator": "an `mma.Accumulator`",
}


def fragment(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`mma.FragmentA(T, rows)`, `mma.FragmentB(T, columns)`, `mma.Accumulator(rows, columns)`."""
    sizes = {
        "mma.FragmentA": (("rows", _ROWS),),
        "mma.FragmentB": (("columns", _COLUMNS),),
        "mma.Accumulator": (("rows", _ROWS), ("columns", _COLUMNS)),
    }[row.name]
    names = tuple(name for name, _ in sizes)
    typed = row.name != "mma.Accumulator"
    given = named(lowering, node, row, ("dtype", *names) if typed else names, typed + len(names))
    if given is None:
        return UNKNOWN
    element: Scalar | None = F32
    if typed:
        element = _element(lowering, given["dtype"])
    counts = [_count(lowering, given[name], name, unit) for name, unit in sizes]
    if element is None or None in counts:
        return UNKNOWN
    span = lowering.span(node)
    parts = {"mma.FragmentA": (2, 4), "mma.FragmentB": (2, 2), "mma.Accumulator": (4,)}[row.name]
    shape = tuple(Const(n, I64, span) for n in (*counts, *parts) if n is not None)
    made = lowering.allocation(node)
    if made is None:
        name = lowering.unique(lowering.allocation_name or "fragment")
        array = Array(name, element, shape, Space.LOCAL, Ownership.SCRATCH, span)
        made = lowering.allocate(node, array)
    lowering.fragments[made.array.name] = row.name
    lowering.emit(Declare(made.array.name, span))
    if not typed:
        zero = Number(Const(0.0, F32, span), F32)
        inline_statics(lowering, node, _meaning("fill"), {"acc": made, "value": zero}, row.name)
    return made


def load(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`mma.load(fragment, source, row, col, transposed=False)`."""
    names = ("fragment", "source", "row", "col")
    given = named(lowering, node, row, names, 4, ("transposed",))
    if given is None:
        return UNKNOWN
    into = _fragment(lowering, given["fragment"], "mma.FragmentA", "mma.FragmentB")
    source = _matrix(lowering, given["source"])
    place = _place(lowering, given)
    transposed = literal_bool(lowering, given.get("transposed"), "`transposed`")
    if into is None or source is None or place is None or transposed is None:
        return UNKNOWN
    if source.array.element != into.array.element:
        return lowering.mismatch(
            given["source"],
            f"the fragment holds {into.array.element}, "
            f"`{lowering.text(given['source'])}` holds {source.array.element}",
        )
    is_a = lowering.fragments[into.array.name] == "mma.FragmentA"
    if is_a and transposed:
        return lowering.refuse(
            given["transposed"], "an `mma.FragmentA` is loaded from rows of its matrix alone"
        )
    function = MatrixFunction.LOAD_A if is_a else MatrixFunction.LOAD_B
    if transposed:
        function = MatrixFunction.LOAD_B_TRANSPOSED
    span = lowering.span(node)
    # What the place is made of stands in front: who does not do the body needs it, too.
    held: list[Expr] = [leaf(lowering, one, span) for one in place]
    with lowering.collect() as body:
        if _is_in_units(source):
            aligned(lowering, source, held, _ALIGNED, span)
        row_and_col = dict(zip(("row", "col"), (Number(e, I64) for e in held), strict=True))
        statics: dict[str, Value] = {"fragment": into, "source": source, **row_and_col}
        inline_statics(lowering, node, _meaning(function.value), statics, row.name)
    index = unchecked(source, held, span)
    arrays = into.array.name, source.array.name
    lowering.emit(MatrixOp(function, arrays, index, tuple(body), lowering.site(), span))
    return NOTHING


def multiply_add(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`mma.multiply_add(acc, a, b)`."""
    given = named(lowering, node, row, ("acc", "a", "b"), 3)
    if given is None:
        return UNKNOWN
    kinds = ("mma.Accumulator", "mma.FragmentA", "mma.FragmentB")
    found = [
        _fragment(lowering, given[name], kind)
        for name, kind in zip(("acc", "a", "b"), kinds, strict=True)
    ]
    acc, a, b = found
    if acc is None or a is None or b is None:
        return UNKNOWN
    if a.array.element != b.array.element:
        return lowering.mismatch(
            node, f"`a` holds {a.array.element}, `b` holds {b.array.element}; both hold one type"
        )
    sizes = [_extent(array.array, 0) for array in (acc, a, b)]
    if sizes[1] != sizes[0] or sizes[2] != _extent(acc.array, 1):
        rows, columns = _ROWS * sizes[1], _COLUMNS * sizes[2]
        return lowering.mismatch(
            node,
            f"the product is {rows} × {columns}, the accumulator "
            f"{_ROWS * sizes[0]} × {_COLUMNS * _extent(acc.array, 1)}",
        )
    function, span = MatrixFunction.MULTIPLY_ADD, lowering.span(node)
    with lowering.collect() as body:
        statics: dict[str, Value] = {"acc": acc, "a": a, "b": b}
        inline_statics(lowering, node, _meaning(function.value), statics, row.name)
    arrays = acc.array.name, a.array.name, b.array.name
    lowering.emit(MatrixOp(function, arrays, (), tuple(body), lowering.site(), span))
    return NOTHING


def fill(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`mma.fill(acc, value)`."""
    given = named(lowering, node, row, ("acc", "value"), 2)
    if given is None:
        return UNKNOWN
    acc = _fragment(lowering, given["acc"], "mma.Accumulator")
    number = lowering.evaluate_number(given["value"])
    if acc is None or number is None:
        return UNKNOWN
    expr = lowering.convert(number, F32, given["value"], "the value")
    if expr is None:
        return UNKNOWN
    value = Number(leaf(lowering, expr, lowering.span(node)), F32)
    inline_statics(lowering, node, _meaning("fill"), {"acc": acc, "value": value}, row.name)
    return NOTHING


def store(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`mma.store(target, row, col, acc)`."""
    given = named(lowering, node, row, ("target", "row", "col", "acc"), 4)
    if given is None:
        return UNKNOWN
    target = _matrix(lowering, given["target"])
    place = _place(lowering, given)
    acc = _fragment(lowering, given["acc"], "mma.Accumulator")
    if target is None or place is None or acc is None:
        return UNKNOWN
    array, text = target.array, lowering.text(given["target"])
    if target.read_only or array.ownership in (Ownership.READ_ONLY, Ownership.ATOMIC):
        return lowering.mismatch(
            given["target"], f"`{text}` is a {array.ownership.value} slice, which is not stored to"
        )
    if not array.element.is_float:
        return lowering.mismatch(given["target"], f"`{text}` holds {array.element}, no floats")
    span = lowering.span(node)
    held = [Number(leaf(lowering, one, span), I64) for one in place]
    statics: dict[str, Value] = {"target": target, "acc": acc, "row": held[0], "col": held[1]}
    inline_statics(lowering, node, _meaning("store"), statics, row.name)
    return NOTHING


@lru_cache(maxsize=1)
def _meanings() -> dict[str, UserFunction]:
    source = SourceFile("<matrix operations>", _TEXT)
    tree = ast.parse(source.text)
    scope = module_scope(source, tree)
    return {
        node.name: UserFunction(node, scope, FunctionRole.DEVICE)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _meaning(name: str) -> UserFunction:
    return _meanings()[name]


def _element(lowering: Lowering, node: ast.expr) -> Scalar | None:
    value = lowering.evaluate(node)
    element = scalar_of(value)
    if element in (BF16, F16):
        return element
    if not isinstance(value, Unknown):
        text = lowering.text(node)
        lowering.mismatch(node, f"`{text}` is not a type of matrix units; write `bf16` or `f16`")
    return None


def _count(lowering: Lowering, node: ast.expr, what: str, unit: int) -> int | None:
    """How many units of rows or columns; a literal."""
    value = lowering.evaluate(node)
    if isinstance(value, Unknown):
        return None
    size = value.value if isinstance(value, Number) and isinstance(value.expr, Const) else None
    if not isinstance(size, int) or size < unit or size % unit:
        lowering.mismatch(node, f"`{what}` is a literal multiple of {unit}")
        return None
    return size // unit


def _fragment(lowering: Lowering, node: ast.expr, *kinds: str) -> ArrayValue | None:
    value = lowering.evaluate(node)
    if isinstance(value, ArrayValue) and lowering.fragments.get(value.array.name) in kinds:
        return value
    if not isinstance(value, Unknown):
        wanted = " or ".join(_KINDS[kind] for kind in kinds)
        lowering.mismatch(node, f"`{lowering.text(node)}` is not {wanted}")
    return None


def _matrix(lowering: Lowering, node: ast.expr) -> ArrayValue | None:
    """An array, or a view of one, of two dimensions."""
    value = lowering.evaluate(node)
    if isinstance(value, Unknown):
        return None
    text = lowering.text(node)
    if not isinstance(value, ArrayValue) or value.array.name in lowering.fragments:
        lowering.mismatch(node, f"`{text}` is no array of two dimensions")
        return None
    if value.rank != 2:
        lowering.mismatch(node, f"`{text}` has {value.rank} dimensions; a matrix has two")
        return None
    if value.array.ownership is Ownership.ATOMIC:
        lowering.mismatch(node, f"`{text}` is changed through `atomic.*` only")
        return None
    return value


def _place(lowering: Lowering, given: dict[str, ast.expr]) -> tuple[Expr, Expr] | None:
    row = lowering.index(given["row"], "`row`")
    col = lowering.index(given["col"], "`col`")
    return None if row is None or col is None else (row, col)


def _is_in_units(source: ArrayValue) -> bool:
    """Whether the rows of a shared array are made of units of 16 bytes, so that places can be."""
    last = source.array.shape[-1]
    shared = source.array.space is Space.SHARED
    return shared and isinstance(last, Const) and last.value % _ALIGNED == 0


def _extent(array: Array, axis: int) -> int:
    extent = array.shape[axis]
    assert isinstance(extent, Const)
    return int(extent.value)
