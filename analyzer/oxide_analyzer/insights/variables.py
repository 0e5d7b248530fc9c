"""Which numbers the scalars of a kernel hold, and for whom each is one.

    i = thread.index_1d()      i: i64, 0 … 2**31 - 2, differs from thread to thread
    if i < n:                  i at this place

Ranges are those of `facts.ranges`, at each place where a variable is read; levels those of
`facts.uniformity` at their worst. What a variable holds only within a helper that is inlined is
shown at the helper's own lines.
"""

from __future__ import annotations

from collections import defaultdict
from keyword import iskeyword
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.ranges import ranges
from oxide_analyzer.insights.records import Occurrence, VariableInsight
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import Assign, Atomic, For, Forget, Load, Local, Param, Read, WarpOp
from oxide_analyzer.ir.walk import expressions, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.facts.ranges import Interval, Ranges
    from oxide_analyzer.facts.uniformity import Spread
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr, Stmt
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.source import Span

_Places: TypeAlias = "dict[Span, Interval | None]"


def variables(
    judgement: Judgement, found: Spread, facts: Iterable[Fact]
) -> Iterator[VariableInsight]:
    """The locals and scalar parameters that the source names, in the order of their names."""
    kernel = judgement.analysis.kernel
    conditions = [fact.condition for fact in facts]
    known = ranges(kernel, compact=judgement.compact, conditions=conditions)
    locals_, parameters = _places(kernel, known)
    for local, places in sorted(locals_.items(), key=lambda one: one[0].name):
        interval = _joined(places)
        if interval is None and _has_numbers(local.type):
            interval = known.local(local)
        level = found.locals.get(local.name, Level.LAUNCH)
        yield _variable(local.source_name, local.type, interval, level, places, is_parameter=False)
    for parameter in kernel.parameters:
        if isinstance(parameter, ScalarParameter) and parameter.span.path == kernel.path:
            places = {parameter.span: None, **parameters[parameter.name]}
            level = Level.LAUNCH
            yield _variable(
                parameter.name, parameter.type, _joined(places), level, places, is_parameter=True
            )


def _joined(places: _Places) -> Interval | None:
    """What a variable holds wherever it is read: before it is assigned nobody asks."""
    joined: Interval | None = None
    for interval in places.values():
        if interval is not None:
            joined = interval if joined is None else joined.join(interval)
    return joined


def _places(kernel: Kernel, known: Ranges) -> tuple[dict[Local, _Places], dict[str, _Places]]:
    """Where locals are assigned and read, and where parameters are, with what they hold there."""
    locals_: dict[Local, _Places] = defaultdict(dict)
    parameters: dict[str, _Places] = defaultdict(dict)
    for stmt in statements(kernel.body):
        target = _target(stmt)
        if target is not None and _is_named(target) and _is_here(kernel, stmt.span):
            locals_[target].setdefault(stmt.span, None)
    for expr in expressions(kernel.body):
        if not _is_here(kernel, expr.span):
            continue
        match expr:
            case Read(local=local) if _is_named(local):
                _join(locals_[local], expr, known)
            case Param(name=name):
                _join(parameters[name], expr, known)
            case _:
                pass
    return locals_, parameters


def _join(places: _Places, expr: Expr, known: Ranges) -> None:
    """Note what an expression holds; at one place a helper may hold several things."""
    if not _has_numbers(expr.type):
        places.setdefault(expr.span, None)
        return
    interval, before = known.of(expr), places.get(expr.span)
    places[expr.span] = interval if before is None else before.join(interval)


def _target(stmt: Stmt) -> Local | None:
    match stmt:
        case (
            Assign(target=target)
            | Load(target=target)
            | Forget(target=target)
            | Atomic(target=target)
            | WarpOp(target=target)
        ):
            return target
        case For(variable=variable):
            return variable
        case _:
            return None


def _variable(
    name: str,
    type: Scalar,
    interval: Interval | None,
    level: Level,
    places: _Places,
    *,
    is_parameter: bool,
) -> VariableInsight:
    low, high = _ends(interval, type)
    occurrences = tuple(Occurrence(span, *_ends(places[span], type)) for span in sorted(places))
    return VariableInsight(name, str(type), low, high, level, is_parameter, occurrences)


def _ends(interval: Interval | None, type: Scalar) -> tuple[int | None, int | None]:
    """The ends that say more than the type does."""
    if interval is None or not type.is_integer:
        return None, None
    low = interval.low if interval.low > type.min else None
    high = interval.high if interval.high < type.max else None
    return low, high


def _has_numbers(type: Scalar) -> bool:
    return not type.is_float


def _is_named(local: Local) -> bool:
    """Whether the source names it: temporaries, and what helpers return, have other names."""
    return not local.name.startswith("%") and not iskeyword(local.source_name)


def _is_here(kernel: Kernel, span: Span) -> bool:
    return span.path == kernel.path
