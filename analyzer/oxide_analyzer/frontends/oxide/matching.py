"""`match` on integers, enums, bools and tuples of them: a chain of `If`.

The subject is evaluated once. Each case is a condition, and the names that its pattern captures;
a guard stands behind them, as the right side of an `and`.

    match op:                          %1 = op
        case Op.ADD | Op.SUB:          if %1 == 0 or %1 == 1:
            f()                            f()
        case n if n > limit:      is   else:
            g()                            n = %1
        case _:                            if n > limit:
            h()                                g()
                                           else:
                                               h()

A case that nothing can reach is read for its mistakes and left out.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import operators
from oxide_analyzer.frontends.oxide.meanings import EnumMember
from oxide_analyzer.frontends.oxide.operators import guarded
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    MeaningValue,
    Nothing,
    Number,
    TupleValue,
    Unknown,
    again,
)
from oxide_analyzer.ir.nodes import CompareOp, Const, If, Logic, LogicOp
from oxide_analyzer.language.types import BOOL

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span


def match(lowering: Lowering, node: ast.Match, tail: bool) -> None:
    """The whole statement."""
    value = lowering.evaluate(node.subject)
    if isinstance(value, ArrayValue | MeaningValue | Nothing) or _is_float(value):
        lowering.refuse(
            node.subject, "a kernel matches integers, bools, members of enums and tuples of them"
        )
        value = UNKNOWN
    subject = held(lowering, value, lowering.span(node.subject))
    names_all = names_every_member(lowering, node.cases)
    _cases(lowering, node.cases, subject, node.subject, tail, names_all)


def held(lowering: Lowering, value: Value, span: Span) -> Value:
    """A value in temporaries, to be used once for each case."""
    match value:
        case Number():
            return lowering.hold(value, span)
        case TupleValue(items=items, struct=struct):
            return TupleValue(tuple(held(lowering, item, span) for item in items), struct)
        case _:
            return value


def _cases(
    lowering: Lowering,
    cases: list[ast.match_case],
    subject: Value,
    at: ast.expr,
    tail: bool,
    is_last: bool,
) -> None:
    """The cases that are left; `is_last` says that the last of them takes all that comes to it."""
    if not cases:
        return
    case, *rest = cases
    before = len(lowering.block)
    condition = _case(lowering, case, subject, at)
    if not rest and is_last and condition is not None:
        condition = Const(True, BOOL, lowering.span(case.pattern))
    is_certain = isinstance(condition, Const) and bool(condition.value)
    with lowering.collect() as then:
        # Once more behind a guard: here it is plain that the names have a value.
        _bind(lowering, case.pattern, subject, at)
        lowering.execute(case.body, tail)
    with lowering.collect() as otherwise:
        _cases(lowering, rest, subject, at, tail, is_last)
    if is_certain:
        for statement in then:
            lowering.emit(statement)
    elif condition is not None:
        span = lowering.span(case.pattern)
        lowering.emit(If(condition, tuple(then), tuple(otherwise), span))
    else:
        del lowering.block[before:]


def _case(lowering: Lowering, case: ast.match_case, subject: Value, at: ast.expr) -> Expr | None:
    """Whether a case is taken; the names that a guard may use are bound in front of it."""
    span = lowering.span(case.pattern)
    condition = _pattern(lowering, case.pattern, subject, at)
    if condition is None:
        return None
    if case.guard is None:
        return condition
    with lowering.collect() as inner:
        _bind(lowering, case.pattern, subject, at)
        guard = lowering.condition(case.guard)
    if guard is None:
        return None
    if isinstance(condition, Const) and condition.value:
        for statement in inner:
            lowering.emit(statement)
        return guard
    return guarded(lowering, LogicOp.AND, condition, inner, guard, span)


def _pattern(lowering: Lowering, pattern: ast.pattern, subject: Value, at: ast.expr) -> Expr | None:
    """Whether a pattern fits, a bool; None where it was reported."""
    span = lowering.span(pattern)
    match pattern:
        case ast.MatchAs(pattern=None):
            return Const(True, BOOL, span)
        case ast.MatchAs(pattern=inner):
            assert inner is not None
            return _pattern(lowering, inner, subject, at)
        case ast.MatchOr(patterns=patterns):
            if any(_captures(one) for one in patterns):
                lowering.refuse(pattern, "alternatives joined by `|` capture no names in a kernel")
                return None
            return _joined(lowering, LogicOp.OR, patterns, [subject] * len(patterns), at, span)
        case ast.MatchValue(value=value):
            return _equal(lowering, subject, at, value)
        case ast.MatchSingleton(value=bool() as value):
            return _equal(lowering, subject, at, ast.copy_location(ast.Constant(value), pattern))
        case ast.MatchSequence(patterns=patterns) if (
            isinstance(subject, TupleValue) and subject.struct is None
        ):
            if len(patterns) != len(subject.items):
                count = len(subject.items)
                lowering.mismatch(pattern, f"{len(patterns)} patterns for a tuple of {count}")
                return None
            return _joined(lowering, LogicOp.AND, patterns, list(subject.items), at, span)
        case _:
            if not isinstance(subject, Unknown):
                lowering.refuse(
                    pattern,
                    "a case is an integer, a member of an enum, a name, `_`, or a tuple of these",
                )
            return None


def _joined(
    lowering: Lowering,
    op: LogicOp,
    patterns: list[ast.pattern],
    subjects: list[Value],
    at: ast.expr,
    span: Span,
) -> Expr | None:
    result: Expr | None = None
    failed = False
    for pattern, subject in zip(patterns, subjects, strict=True):
        made = _pattern(lowering, pattern, subject, at)
        failed = failed or made is None
        if made is None:
            continue
        if isinstance(made, Const):
            if bool(made.value) is (op is LogicOp.OR):
                result = made
                break
            result = made if result is None else result
        else:
            decided = isinstance(result, Const)
            result = made if result is None or decided else Logic(op, result, made, span)
    return None if failed else result


def _equal(lowering: Lowering, subject: Value, at: ast.expr, value: ast.expr) -> Expr | None:
    if isinstance(subject, Unknown):
        lowering.evaluate(value)
        return None
    left = lowering.number(again(subject, lowering.span(value)), at)
    right = lowering.evaluate_number(value)
    if left is None or right is None:
        return None
    if right.type.is_float:
        lowering.refuse(value, "a case is no float; compare with `<` and `<=` in `if`")
        return None
    return operators.comparison(lowering, CompareOp.EQ, left, right, at, value)


def _bind(lowering: Lowering, pattern: ast.pattern, subject: Value, at: ast.expr) -> None:
    """Assign what a pattern captures."""
    match pattern:
        case ast.MatchAs(pattern=inner, name=name):
            if inner is not None:
                _bind(lowering, inner, subject, at)
            if name is not None:
                span = lowering.span(pattern)
                lowering.assign((lowering.frame.key, name), again(subject, span), at, span)
        case ast.MatchSequence(patterns=patterns) if isinstance(subject, TupleValue):
            for inner, item in zip(patterns, subject.items, strict=False):
                _bind(lowering, inner, item, at)
        case _:
            pass


def _captures(pattern: ast.pattern) -> bool:
    return any(
        isinstance(part, ast.MatchAs | ast.MatchStar) and part.name is not None
        for part in ast.walk(pattern)
    )


def _is_float(value: Value) -> bool:
    return isinstance(value, Number) and value.type.is_float


def is_exhaustive(lowering: Lowering, cases: list[ast.match_case]) -> bool:
    """Whether one of the cases is taken, whatever comes."""
    return is_irrefutable(cases[-1]) or names_every_member(lowering, cases)


def names_every_member(lowering: Lowering, cases: list[ast.match_case]) -> bool:
    """Whether the cases, none of them guarded, are the members of one enum: then the last is
    taken by what is none of the others."""
    scope, resolver = lowering.frame.function.scope, lowering.resolver
    owner, named = None, set[int]()
    for case in cases:
        if case.guard is not None:
            return False
        pattern = case.pattern
        parts = pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]
        for part in parts:
            if not isinstance(part, ast.MatchValue):
                return False
            member = resolver.expression(part.value, scope)
            if not isinstance(member, EnumMember) or owner not in (None, member.owner):
                return False
            owner = member.owner
            named.add(member.value)
    if owner is None:
        return False
    return named == {member.value for member in resolver.members(owner).values()}


def is_irrefutable(case: ast.match_case) -> bool:
    """Whether a case takes whatever comes to it."""
    pattern = case.pattern
    while isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        pattern = pattern.pattern
    return case.guard is None and isinstance(pattern, ast.MatchAs)
