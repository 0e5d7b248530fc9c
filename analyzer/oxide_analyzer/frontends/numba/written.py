"""Calls of what is written in the language, such as `numba.cuda.libdevice`: the definition takes
the place of the call.

    libdevice.sincos(x)          math.sin(float64(x)), math.cos(float64(x))
    libdevice.fadd_rd(x, y)      a number that nobody knows, and what to write instead

Arguments are converted to the types of the parameters, and results to theirs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.promotion import as_type
from oxide_analyzer.frontends.oxide.inlining import inline_written
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.frontends.oxide.values import Number, TupleValue
from oxide_analyzer.language import numba
from oxide_analyzer.language.types import BOOL, F64, SCALARS
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.language.row import Builtin
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.language.written import Definition, Library


def call(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value | None:
    """A call of a function of a library; None for a row of something else."""
    library = numba.library_of(row.name)
    if library is None:
        return None
    definition = library.definitions[row.short_name]
    given, wanted = len(node.args), len(definition.parameters)
    if given != wanted or node.keywords:
        lowering.assume(node, f"`{lowering.text(node)}`; it is `{row.signature}`")
        return lowering.forget(node, f"`{lowering.text(node)}`", F64)
    span = lowering.span(node)
    values: list[Value] = []
    for argument, (_, name) in zip(node.args, definition.parameters, strict=True):
        number = lowering.evaluate_number(argument)
        type = _scalar(name) if name else number.expr.type
        values.append(Number(as_type(number, type, span), type))
    found = inline_written(
        lowering,
        node,
        _function(library, definition),
        values,
        f"{library.name}.{definition.name}",
        _own_type(definition, values),
    )
    items = found.items if isinstance(found, TupleValue) else (found,)
    results: list[Value] = []
    for item, name in zip(items, definition.results, strict=True):
        number = lowering.number(item, node)
        type = _scalar(name) if name else number.expr.type
        results.append(lowering.flat(Number(as_type(number, type, span), type, depth=2)))
    return results[0] if len(results) == 1 else TupleValue(tuple(results))


def refused(lowering: NumbaLowering, node: ast.Call, what: str) -> Value | None:
    """A call of something that a library has not; None for a call of anything else."""
    dotted = numba.dotted_row(what.strip("`"))
    library = numba.library_of(dotted)
    if library is None:
        return None
    for argument in node.args:
        lowering.evaluate(argument)
    return lowering.forget(node, library.refusal(dotted.rpartition(".")[2]))


def _own_type(definition: Definition, values: list[Value]) -> Scalar:
    """What `T` is: the type of the family, or that of a first argument that is a float."""
    if definition.type:
        return _scalar(definition.type)
    match values[0]:
        case Number(type=type) if type.is_float:
            return type
        case _:
            return F64


def _scalar(name: str) -> Scalar:
    return BOOL if name == "bool" else SCALARS[numba.SCALAR_DTYPES[name]]


@lru_cache(maxsize=512)
def _function(library: Library, definition: Definition) -> UserFunction:
    return UserFunction(definition.node, _scope(library), FunctionRole.DEVICE)


@lru_cache(maxsize=8)
def _scope(library: Library) -> Scope:
    source = SourceFile(f"<functions of {library.prefix}>", library.text)
    return module_scope(source, library.tree)
