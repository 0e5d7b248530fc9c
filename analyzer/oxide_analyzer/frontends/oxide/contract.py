"""`@kernel(block=…, domain=…, requires=lambda …, …)`: what every launch fulfils."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.meanings import NumberConstant, NumberKind, TupleConstant
from oxide_analyzer.frontends.oxide.requirements import read_requires
from oxide_analyzer.frontends.oxide.scopes import Scope
from oxide_analyzer.frontends.oxide.values import Number, TupleValue
from oxide_analyzer.ir.kernel import Contract
from oxide_analyzer.ir.nodes import Const
from oxide_analyzer.ir.specialise import fold
from oxide_analyzer.language.types import I64
from oxide_analyzer.launch import MAX_BLOCK, MAX_THREADS
from oxide_analyzer.rules import ox002_unsupported_construct, ox404_bad_requirement
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.ir.kernel import DataFact, Parameter, Requirement
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import SourceFile

_RULE = ox404_bad_requirement.RULE
_LIMITS = ("shared", "max_threads", "min_blocks")
KEYWORDS = {
    "block": "the threads of a block: an int, or (x, y, z)",
    "domain": "how many axes the kernel uses; the others have extent 1",
    "requires": "a lambda: what every launch fulfils",
    "shared": "bytes of dynamic shared memory",
    "max_threads": "the most threads of a block",
    "min_blocks": "how many blocks fit on a multiprocessor",
    "cooperative": "all blocks are on the device at once, which `grid_sync` needs",
    "cluster": "how many blocks lie side by side",
    "fast_math": "functions may be approximated, sums arranged anew",
}
"""What `@kernel` takes, and what each of it says."""


def read_contract(
    lowering: Lowering, decorator: ast.expr, declared: tuple[Parameter, ...]
) -> Contract:
    """The contract that a `@kernel` decorator declares."""
    place, prefix, suffix = insertion(lowering.source, decorator)
    if not isinstance(decorator, ast.Call):
        return Contract(insertion=place, prefix=prefix, suffix=suffix)
    if decorator.args:
        lowering.refuse(decorator.args[0], "`@kernel` takes keywords only: `@kernel(block=256)`")
    before = set(lowering.constants)
    block = domain = None
    cooperative = fast_math = False
    cluster: tuple[int, int, int] | None = None
    requirements: tuple[Requirement, ...] = ()
    data: tuple[DataFact, ...] = ()
    limits: dict[str, Expr | None] = {}
    has_requires = False
    extension: tuple[Span, Span, tuple[str, ...]] | None = None
    for keyword in decorator.keywords:
        match keyword.arg:
            case "block":
                block = _block(lowering, keyword.value)
            case "domain":
                domain = _domain(lowering, keyword.value)
            case "requires":
                has_requires = True
                extension = _extension(lowering, keyword.value)
                requirements, data = read_requires(lowering, keyword.value, declared)
            case "shared" | "max_threads" | "min_blocks" as name:
                limits[name] = _limit(lowering, name, keyword.value)
            case "cooperative":
                cooperative = _flag(lowering, "cooperative", keyword.value)
            case "fast_math":
                fast_math = _flag(lowering, "fast_math", keyword.value)
            case None:
                lowering.refuse(keyword.value, "`@kernel(**…)`; write each keyword")
            case "cluster":
                cluster = _cluster(lowering, keyword.value)
            case name:
                lowering.refuse(keyword, ox002_unsupported_construct.keyword(name, tuple(KEYWORDS)))
    _find_cells(lowering, decorator, set(lowering.constants) - before)
    if block is not None:
        _demand_inside(lowering, decorator, block, domain, limits.get("max_threads"))
    if cluster is not None:
        _demand_clusters(lowering, decorator, cluster, domain, cooperative)
    contract = Contract(
        block,
        domain,
        requirements,
        data=data,
        shared=limits.get("shared"),
        max_threads=limits.get("max_threads"),
        min_blocks=limits.get("min_blocks"),
        cooperative=cooperative,
        cluster=cluster,
        fast_math=fast_math,
    )
    if extension is not None:
        conjunction, naming, named = extension
        return replace(contract, conjunction=conjunction, naming=naming, named=named)
    if has_requires:
        return contract
    return replace(contract, insertion=place, prefix=prefix, suffix=suffix)


def _extension(lowering: Lowering, node: ast.expr) -> tuple[Span, Span, tuple[str, ...]] | None:
    """Behind what a lambda says, behind its parameters, and their names."""
    if not isinstance(node, ast.Lambda):
        return None
    body = lowering.span(node.body)
    conjunction = Span(body.path, body.end_line, body.end_column, body.end_line, body.end_column)
    names = node.args.args
    if names:
        last = lowering.span(names[-1])
        line, column = last.end_line, last.end_column
    else:
        start = lowering.span(node)
        line, column = start.line, start.column + len("lambda")
    naming = Span(body.path, line, column, line, column)
    return conjunction, naming, tuple(a.arg for a in names)


def insertion(source: SourceFile, decorator: ast.expr) -> tuple[Span, str, str]:
    """Where another keyword may be written, and what has to stand before and behind it."""
    place = source.span(decorator)
    line, column = place.end_line, place.end_column
    if not isinstance(decorator, ast.Call):
        return Span(place.path, line, column, line, column), "(", ")"
    if not decorator.keywords:
        column = max(column - 1, 1)
        return Span(place.path, line, column, line, column), "", ""
    last = source.span(decorator.keywords[-1])
    line, column = last.end_line, last.end_column
    return Span(last.path, line, column, line, column), ", ", ""


def _find_cells(lowering: Lowering, decorator: ast.Call, keys: set[tuple[object, ...]]) -> None:
    """Say where the values of variables of an enclosing function are, when the kernel is launched.

    What the body uses is in the kernel's closure, what the lambda uses in the lambda's. A variable
    that is an extent or limit by itself is what the decorator got.
    """
    cells = [key for key in keys if isinstance(key[0], Scope)]
    if not cells:
        return
    used = {name for statement in lowering.frame.body.statements for name in _names(statement)}
    holders: dict[str, tuple[str, ...]] = {}
    for keyword in decorator.keywords:
        name, value = str(keyword.arg), keyword.value
        match value:
            case ast.Lambda(args=own, body=body):
                free = set(_names(body)) - {argument.arg for argument in own.args}
                holders.update(dict.fromkeys(free, (name,)))
            case ast.Name(id=variable):
                holders.setdefault(variable, (name,))
            case ast.Tuple(elts=elements):
                for k, element in enumerate(elements):
                    if isinstance(element, ast.Name):
                        holders.setdefault(element.id, (name, str(k)))
            case _:
                pass
    for key in cells:
        constant = lowering.constants[key]
        name = constant.attributes[0]
        if name in used:
            continue
        if name in holders:
            lowering.constants[key] = replace(constant, holder=holders[name])
        else:
            message = ox404_bad_requirement.not_in_closure(name, lowering.root.node.name)
            lowering.diagnostics.append(
                _RULE.diagnostic(constant.span, message, kernel=lowering.root.node.name)
            )


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _block(lowering: Lowering, node: ast.expr) -> tuple[Expr, Expr, Expr] | None:
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    count = len(found.items) if isinstance(found, TupleConstant) else 1
    if not isinstance(found, NumberConstant | TupleConstant) or count > 3:
        lowering.report(
            _RULE,
            node,
            "`block` is an integer or a tuple (x, y, z) of integers known at compile time",
        )
        return None
    with lowering.at_compile_time():
        value = lowering.evaluate(node)
    values = value.items if isinstance(value, TupleValue) else (value,)
    extents: list[Expr] = []
    known: list[int | None] = []
    for value in values:
        if not isinstance(value, Number):
            return None
        if not value.type.is_integer or not value.constant:
            lowering.report(_RULE, node, f"`block` is made of integers, not of {value.type}")
            return None
        expr = lowering.convert(value, I64, node, "`block`")
        if expr is None:
            return None
        extents.append(expr)
        known.append(value.value if isinstance(value.value, int) else None)
    span = lowering.span(node)
    while len(extents) < 3:
        extents.append(Const(1, I64, span))
        known.append(1)
    message = ox404_bad_requirement.block(known, MAX_BLOCK, MAX_THREADS)
    if message is not None:
        lowering.report(_RULE, node, message)
        return None
    return extents[0], extents[1], extents[2]


def _demand_inside(
    lowering: Lowering,
    decorator: ast.Call,
    block: tuple[Expr, Expr, Expr],
    domain: int | None,
    most: Expr | None,
) -> None:
    """Report a block that `domain` or `max_threads` forbids, as far as its extents are known."""
    values = {c.symbol: c.value for c in lowering.constants.values() if c.value is not None}
    extents = [_known(extent, values) for extent in block]
    limit = None if most is None else _known(most, values)
    found = ox404_bad_requirement.beyond(extents, domain, limit)
    if found is not None:
        name, message = found
        place = next(keyword.value for keyword in decorator.keywords if keyword.arg == name)
        lowering.report(_RULE, place, message)


def _known(expr: Expr, values: Mapping[str, int | float | bool]) -> int | None:
    folded = fold(expr, values)
    return int(folded.value) if isinstance(folded, Const) else None


def _domain(lowering: Lowering, node: ast.expr) -> int | None:
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    if (
        isinstance(found, NumberConstant)
        and found.value in (1, 2, 3)
        and found.kind is NumberKind.INT
    ):
        return int(found.value)
    lowering.report(
        _RULE, node, "`domain` is 1, 2 or 3: the axes along which threads and blocks extend"
    )
    return None


def _limit(lowering: Lowering, name: str, node: ast.expr) -> Expr | None:
    """`shared=`, `max_threads=`, `min_blocks=`: an integer known at compile time."""
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    value = None
    if isinstance(found, NumberConstant) and found.kind is NumberKind.INT:
        with lowering.at_compile_time():
            value = lowering.evaluate(node)
    if not isinstance(value, Number) or not value.constant:
        lowering.report(_RULE, node, f"`{name}` is an integer known at compile time")
        return None
    message = ox404_bad_requirement.limit(name, value.value, MAX_THREADS)
    if message is not None:
        lowering.report(_RULE, node, message)
        return None
    return lowering.convert(value, I64, node, f"`{name}`")


def _cluster(lowering: Lowering, node: ast.expr) -> tuple[int, int, int] | None:
    """`cluster=`: how many blocks lie side by side along x, y and z, numbers of the source."""
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    items = found.items if isinstance(found, TupleConstant) else (found,)
    extents = [
        int(item.value)
        for item in items
        if isinstance(item, NumberConstant)
        and item.kind is NumberKind.INT
        and item.value is not None
    ]
    if len(extents) != len(items) or len(extents) > 3:
        lowering.report(
            _RULE, node, "`cluster` is an integer or a tuple (x, y, z) of integers of the source"
        )
        return None
    x, y, z = (*extents, 1, 1)[:3]
    message = ox404_bad_requirement.cluster((x, y, z))
    if message is not None:
        lowering.report(_RULE, node, message)
        return None
    return x, y, z


def _demand_clusters(
    lowering: Lowering,
    decorator: ast.Call,
    cluster: tuple[int, int, int],
    domain: int | None,
    cooperative: bool,
) -> None:
    """Report clusters along axes beyond `domain`, and in launches that meet as a whole."""
    place = next(keyword.value for keyword in decorator.keywords if keyword.arg == "cluster")
    for axis in range(domain or 3, 3):
        if cluster[axis] > 1:
            lowering.report(_RULE, place, ox404_bad_requirement.cluster_beyond(axis, domain))
    if cooperative:
        lowering.report(_RULE, place, ox404_bad_requirement.cluster_and_cooperative())


def _flag(lowering: Lowering, name: str, node: ast.expr) -> bool:
    """`True` or `False`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    lowering.report(_RULE, node, f"`{name}` is `True` or `False`")
    return True
