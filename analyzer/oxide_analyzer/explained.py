"""What stands behind a verdict, as lines of text: facts about one thread, obligations, answers.

    12:5   write  tile[thread.x]
    15:13  write  tile[thread.x]  where stride >= 1, thread.x < stride

    affine    race  write tile[thread.x] (12:5) and read tile[thread.x + stride] (15:24)

The names are those of the terms that provers work with: the source's, with a number behind a name
where one has several values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.facts.accesses import Access, Claim, Divisor, LocalRead
from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import Poly
from oxide_analyzer.ir.nodes import Barrier
from oxide_analyzer.ir.walk import assigned, statements
from oxide_analyzer.proof.subjects import Bound, Leaving, Meeting, Pair
from oxide_analyzer.proof.verdicts import Lifted, Proved, Refuted, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.subjects import Subject
    from oxide_analyzer.proof.verdicts import Judged, Result
    from oxide_analyzer.source import Span


def accesses(judgement: Judgement) -> Iterator[str]:
    """What one thread does to memory, in the order of the source, and under which conditions."""
    for access in judgement.analysis.effects.whole:
        path = ", ".join(map(condition, access.path))
        where = f"  where {path}" if path else ""
        yield f"{_at(access.span):7} {_touch(access)}{where}"


def barriers(kernel: Kernel) -> Iterator[str]:
    """Where the threads of a block or of the grid meet."""
    for statement in statements(kernel.body):
        if isinstance(statement, Barrier):
            yield f"{_at(statement.span):7} of the {statement.group.value}"


def intervals(kernel: Kernel, ranges: Ranges) -> Iterator[str]:
    """Which numbers the variables of integer types hold."""
    for local in sorted(assigned(kernel.body), key=lambda local: local.name):
        if local.type.is_integer and not local.name.startswith("%"):
            interval = ranges.local(local)
            yield f"{local.source_name}: {local.type} in {interval.low} … {interval.high}"


def obligations(judgement: Judgement) -> Iterator[str]:
    """Every obligation with who settled it, or why nobody did; alike ones once, with a count."""
    seen: dict[str, int] = {}
    for judged in judgement.judged:
        line = _judged(judged)
        seen[line] = seen.get(line, 0) + 1
    for line, count in seen.items():
        yield line if count == 1 else f"{line}  ({count} times)"


def condition(it: Condition) -> str:
    """A condition, as a comparison of what is added on either side."""
    match it:
        case AtLeastZero(poly=poly):
            return _at_least(poly)
        case IsZero(poly=poly):
            return _compared(poly, "==")
        case NotZero(poly=poly):
            return _compared(poly, "!=")
        case Opaque(key=key, positive=positive):
            return f"{'' if positive else 'not '}({' '.join(key)})"
        case AllOf(parts=parts):
            return f"({' and '.join(map(condition, parts))})" if parts else "true"
        case AnyOf(parts=parts):
            return f"({' or '.join(map(condition, parts))})" if parts else "false"
        case _:
            assert_never(it)


def _at_least(poly: Poly) -> str:
    """`len(a) - thread.x - 1 >= 0` as `thread.x < len(a)`."""
    more, less, number = _sides(poly)
    if not less.terms:
        return f"{more} >= {-number}"
    if not more.terms:
        return f"{less} <= {number}"
    if number == -1:
        return f"{less} < {more}"
    return f"{less} <= {more.shift(number)}"


def _compared(poly: Poly, operator: str) -> str:
    more, less, number = _sides(poly)
    if not more.terms:
        more, less, number = less, more, -number
    return f"{more} {operator} {less.shift(-number)}"


def _sides(poly: Poly) -> tuple[Poly, Poly, int]:
    """What is added, what is taken away, and the number."""
    more = Poly({m: c for m, c in poly.terms.items() if m and c > 0})
    less = Poly({m: -c for m, c in poly.terms.items() if m and c < 0})
    return more, less, poly.terms.get((), 0)


def _judged(judged: Judged) -> str:
    who = _answer(judged.result)
    return f"{who:11} {judged.obligation.kind}: {_subject(judged.obligation.subject)}" + _why(
        judged.result
    )


def _answer(result: Result) -> str:
    match result:
        case Proved(tier=tier):
            return tier
        case Refuted():
            return "VIOLATED"
        case Unknown():
            return "UNPROVED"
        case Lifted():
            return "unsafe"


def _why(result: Result) -> str:
    return f"; {result.reason}" if isinstance(result, Unknown) else ""


def _subject(subject: Subject) -> str:
    match subject:
        case Pair(first=first, second=second):
            if first is second:
                return f"{_touch(first)} ({_at(first.span)}) by two threads"
            return f"{_touch(first)} ({_at(first.span)}) and {_touch(second)} ({_at(second.span)})"
        case Bound(access=access, axis=axis, index=index, length=length):
            along = f" along axis {axis}" if len(access.index) > 1 else ""
            return f"{access.array}[{index}] ({_at(access.span)}): 0 <= {index} < {length}{along}"
        case Leaving(exit=leaving, pair=pair):
            return f"return ({_at(leaving.stmt.span)}) before {_subject(pair)}"
        case Meeting(arrival=arrival):
            return f"all threads come to the one at {_at(arrival.stmt.span)}"
        case Divisor(value=value, span=span, role=role):
            return f"{role} {value} ({_at(span)}) != 0"
        case Claim(stmt=stmt, goals=goals):
            return f"{' and '.join(map(condition, goals))} ({_at(stmt.span)})"
        case Access(span=span):
            return f"{_touch(subject)} ({_at(span)})"
        case LocalRead(source_name=name, span=span):
            return f"{name} ({_at(span)})"
        case _:
            assert_never(subject)


def _touch(access: Access) -> str:
    return f"{access.kind.value} {access.array}[{', '.join(map(str, access.index))}]"


def _at(span: Span) -> str:
    return f"{span.line}:{span.column}"
