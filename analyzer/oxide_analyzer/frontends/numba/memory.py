"""Arrays that Numba kernels make: `cuda.shared.array`, `cuda.local.array`, `jit.shared_memory`.

A shape of which a part is not known when compiling makes an array of which nothing is known. A name
that the function assigns once, at its top, is known where its value is (`N = 100`). An array
of no elements is the dynamic shared memory of the launch, which a kernel may name only once here:
Numba lets every such array begin at the same place.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import dtypes, records
from oxide_analyzer.frontends.oxide.meanings import HostObject, Known
from oxide_analyzer.frontends.oxide.places import scalar_of
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    MeaningValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.nodes import Array, Declare, Dim, Ownership, Space
from oxide_analyzer.language.records import COMPLEXES, Record
from oxide_analyzer.language.types import F64, I64

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.functions import Body
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.records import Element
    from oxide_analyzer.language.row import Builtin

_DEEPEST = 4
_NAMES = {"jit.shared_memory": ("dtype", "size")}


def scratch(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """One array for one place in the source."""
    space = Space.LOCAL if "local" in row.name else Space.SHARED
    names = _NAMES.get(row.name, ("shape", "dtype"))
    given = dict(zip(names, node.args, strict=False))
    given.update({keyword.arg: keyword.value for keyword in node.keywords if keyword.arg})
    extent = given.get("shape", given.get("size"))
    if extent is None:
        lowering.assume(node, f"`{lowering.text(node)}` has no shape")
        return UNKNOWN
    known = lowering.allocation(node)
    if known is None:
        type = element_of(lowering, given["dtype"]) if "dtype" in given else None
        shape = _shape(lowering, extent)
        if shape is None:
            lowering.assume(node, f"the shape of `{lowering.text(node)}`")
            return UNKNOWN
        name = lowering.unique(lowering.allocation_name or space.value)
        span = lowering.span(node)
        if not shape:
            if any(array.is_dynamic for array in lowering.arrays.values()):
                lowering.assume(node, "a second array in the dynamic shared memory")
                return UNKNOWN
            shape = (Dim(name, 0, span),)
        if isinstance(type, Record):
            if any(isinstance(extent, Dim) for extent in shape):
                lowering.assume(node, "records in the dynamic shared memory")
                return UNKNOWN
            made = records.allocated(lowering, name, type, shape, space, span)
            known = lowering.keep_allocation(node, made)
        else:
            array = Array(name, type or F64, shape, space, Ownership.SCRATCH, span)
            known = lowering.allocate(node, array)
    if space is Space.LOCAL:
        for array in dict.fromkeys(records.leaves_of(lowering, known)):
            lowering.emit(Declare(array.name, lowering.span(node)))
    return known


def element_of(lowering: NumbaLowering, node: ast.expr) -> Element | None:
    """The type of elements that an expression names; None if it names none."""
    read = dtypes.element(node, lowering.frame.function.scope, lowering.dialect)
    if isinstance(node, ast.Call) or (lowering.launched is None and read is not None):
        # `np.dtype([…])`: its parts are no values of a kernel.
        return read
    value = lowering.evaluate(node)
    found = scalar_of(value)
    if found is not None:
        return found
    if isinstance(value, MeaningValue):
        if isinstance(value.meaning, Known):
            name = value.meaning.builtin.name
            return COMPLEXES.get("complex128" if name == "complex" else name)
        if isinstance(value.meaning, HostObject) and value.meaning.element is not None:
            return value.meaning.element
    return read


def _shape(lowering: NumbaLowering, node: ast.expr) -> tuple[Expr, ...] | None:
    """The extents; none of them for dynamic memory, None where one is not known."""
    with lowering.at_compile_time():
        given = {argument.arg for argument, _ in parameters(lowering.frame.function.node)}
        value = lowering.evaluate(_Settled(lowering.frame.body, given).visit(deepcopy(node)))
    items = value.items if isinstance(value, TupleValue) else (value,)
    shape: list[Expr] = []
    for item in items:
        if not isinstance(item, Number) or not item.constant or not item.expr.type.is_integer:
            return None
        if item.value == 0 and len(items) == 1:
            return ()
        if item.value is not None and item.value < 1:
            return None
        shape.append(lowering.convert(item, I64, node, "an extent"))
    return tuple(shape)


class _Settled(ast.NodeTransformer):
    """A name that a function assigns once, and what it is made of so, is that: `N = 100`."""

    def __init__(self, body: Body, given: set[str], depth: int = 0) -> None:
        self._body = body
        self._given = given
        self._depth = depth

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What was assigned to it, if that happens in one place."""
        once = self._body.assigned.get(node.id) == 1 and node.id not in self._given
        if not once or self._depth >= _DEEPEST:
            return node
        for statement in self._body.statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == node.id:
                    inner = _Settled(self._body, self._given, self._depth + 1)
                    return inner.visit(deepcopy(value))
                case _:
                    pass
        return node


def constant(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.const.array_like(a)`: values that are read and never written."""
    del row
    value = lowering.evaluate(node.args[0]) if len(node.args) == 1 else UNKNOWN
    is_constant = isinstance(value, ArrayValue) and value.array.space is Space.CONSTANT
    if lowering.launched is not None and not is_constant:
        return lowering.assume(node, f"the elements of `{lowering.text(node)}`")
    return value if is_constant else UNKNOWN


CALLS: dict[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    "cuda.shared.array": scratch,
    "cuda.local.array": scratch,
    "jit.shared_memory": scratch,
    "cuda.const.array_like": constant,
}
