"""What may hold of the locals that a loop carries, whatever the iteration: candidates.

Guesses, of which `loops` keeps those that hold at the entry and that every iteration preserves:

* At least or at most the entry value, or a number that something enters with; and the sum of two
  variables, which a swap keeps.
* What is assigned from a variable of a known range is in that range, or still what it was:

    best = 0                          best == 0  or  0 <= best, and so on with best < n; where
    for c in range(n):                n >= 1 at the entry, 0 <= best and best < n as they are
        if far(c) < far(best):
            best = c

  The range is that of the `for` whose variable it is, and what the branches and `while` loops
  round the assignment say of it, as long as the ends do not change in the loop.
* What is assigned a remainder `x % n`, or `x & mask`, is below n, or at most the mask:

    h = x % n
    while …:
        h = (h + 1) % n               0 <= h <= n - 1

  and what a branch sets back at a number does not pass it: `if h == n: h = 0`, or
  `h = 0 if h == n - 1 else h + 1`.
* Two locals by which the loop ends do not pass each other: `while low < high` keeps low <= high.
* What would end the loop has not come yet: behind `if b >= n: break` b is below n, and what
  `while j > 0` has counted down by one is at least 0.
* What only some iterations add one to is at most its entry value and the number of iterations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import any_of, at_most, equal
from oxide_analyzer.facts.polys import Poly, constant
from oxide_analyzer.facts.uniformity import assigned
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Break,
    Compare,
    CompareOp,
    Const,
    Continue,
    Convert,
    For,
    If,
    Leave,
    Logic,
    LogicOp,
    Not,
    Read,
    Return,
    Select,
    While,
)
from oxide_analyzer.ir.operators import MIRRORED, OPPOSITE
from oxide_analyzer.ir.walk import blocks, statements, subexpressions
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.ir.nodes import Block, Expr, Stmt

Candidate: TypeAlias = "Callable[[State], Condition]"
# An expression as it is where a loop is entered.
Evaluate: TypeAlias = "Callable[[Expr], Poly]"


@record
class Counter:
    """A local that every iteration changes by `amount`, and its value at the entry."""

    name: str
    start: Poly
    amount: int


def candidates(
    loop: Loop,
    entry: State,
    names: Sequence[str],
    counters: Sequence[Counter],
    evaluate: Evaluate,
    is_implied: Callable[[Condition], bool],
) -> Iterator[Candidate]:
    """Guesses about the integers `names` that hold at the entry, as `is_implied` there says."""
    polys = {n: v for n in names for v in (entry.values[n],) if isinstance(v, Poly)}
    for candidate in _simple(polys):
        if is_implied(candidate(entry)):
            yield candidate
    for candidate in _ordered(loop, polys):
        if is_implied(candidate(entry)):
            yield candidate
    changed = assigned((loop,))
    for counter in counters if isinstance(loop, While) else ():
        ends = [*_broken_at(loop, counter.name, changed, evaluate)]
        ends.extend(_led_on(loop, counter, changed, evaluate))
        for end in dict.fromkeys(ends):
            if is_implied(end.holds(counter.start)):
                yield lambda s, n=counter.name, e=end: e.holds(_integer(s, n))
    for name, start in polys.items():
        ends = [e for s in _all_sources(loop, name) for e in _ends(s, changed, evaluate)]
        ends.extend(_rests(loop, name, changed, evaluate))
        ends.extend(_set_back(loop, name, changed, evaluate))
        for end in dict.fromkeys(ends):
            if is_implied(end.holds(start)):
                yield lambda s, n=name, e=end: e.holds(_integer(s, n))
            else:
                yield lambda s, n=name, e=end, b=start: any_of(
                    (equal(_integer(s, n), b), e.holds(_integer(s, n)))
                )
        most = max(_increments(loop.body, name), default=0)
        for counter in counters if most > 0 else ():
            yield lambda s, n=name, b=start, m=most, c=counter: _is_outrun(s, n, b, m, c)


def _simple(polys: dict[str, Poly]) -> Iterator[Candidate]:
    numbers = [v.value for v in polys.values() if v.value is not None]
    for name, start in polys.items():
        bounds = [start]
        bounds.extend(constant(n) for n in {0, 1, *numbers} if constant(n) != start)
        for bound in bounds:
            yield lambda s, n=name, b=bound: at_most(b, _integer(s, n))
            yield lambda s, n=name, b=bound: at_most(_integer(s, n), b)
    for first, value in polys.items():
        for second, other in polys.items():
            if first < second:
                total = value + other
                yield lambda s, a=first, b=second, t=total: equal(
                    _integer(s, a) + _integer(s, b), t
                )


def _ordered(loop: Loop, polys: dict[str, Poly]) -> Iterator[Candidate]:
    """That two locals do not pass each other, by which the loop ends."""
    if not isinstance(loop, While):
        return
    for condition in _conditions(loop):
        if not isinstance(condition, Compare):
            continue
        left, right = _name(condition.left), _name(condition.right)
        if left not in polys or right not in polys:
            continue
        op = condition.op
        if op in (CompareOp.GT, CompareOp.GE):
            left, right, op = right, left, MIRRORED[op]
        past = int(op is CompareOp.LE)
        yield lambda s, a=left, b=right, p=past: at_most(_integer(s, a), _integer(s, b).shift(p))


def _name(expr: Expr) -> str:
    while isinstance(expr, Convert):
        expr = expr.operand
    return expr.local.name if isinstance(expr, Read) else ""


def _increments(block: Block, name: str) -> Iterator[int]:
    """The numbers that statements of a block add to a local, all rounds of inner loops together."""
    for stmt in block:
        match stmt:
            case Assign(
                target=target,
                value=Binary(op=BinaryOp.ADD, left=Read(local=local), right=Const(value=number)),
            ) if target.name == name == local.name:
                yield int(number)
            case For(body=body):
                rounds = _rounds(stmt)
                yield from (n * rounds for n in _increments(body, name))
            case _:
                for inner in blocks(stmt):
                    yield from _increments(inner, name)


def _rounds(loop: For) -> int:
    """How often a loop over numbers goes round; 1 of others, of which nothing can be said."""
    ends = [_number(e) for e in (loop.start, loop.stop, loop.step)]
    start, stop, step = ends
    if start is None or stop is None or not step:
        return 1
    return len(range(start, stop, step))


def _number(expr: Expr) -> int | None:
    while isinstance(expr, Convert):
        expr = expr.operand
    return int(expr.value) if isinstance(expr, Const) else None


def _is_outrun(state: State, name: str, start: Poly, most: int, counter: Counter) -> Condition:
    """That a local grew by no more than `most` in each iteration that `counter` has counted."""
    grown = (_integer(state, name) - start).scale(abs(counter.amount))
    passed = _integer(state, counter.name) - counter.start
    return at_most(grown, passed.scale(most if counter.amount > 0 else -most))


def _integer(state: State, name: str) -> Poly:
    value = state.values[name]
    assert isinstance(value, Poly)
    return value


# ---------------------------------------------------------------- ranges


@record
class _End:
    """A number that something is at least, or at most."""

    number: Poly
    is_least: bool

    def holds(self, value: Poly) -> Condition:
        """That `value` keeps to it."""
        return at_most(self.number, value) if self.is_least else at_most(value, self.number)


@record
class _Source:
    """A local that is assigned to another, by its name, and what stands round the assignment.

    That is loops, and conditions of branches that lead there or, where `taken` is false, do not.
    """

    name: str
    around: tuple[For | _Guard, ...]


@record
class _Guard:
    condition: Expr
    taken: bool


_JUMPS = (Break, Continue, Leave, Return)


def _all_sources(loop: Loop, name: str) -> Iterator[_Source]:
    """What is assigned to a local, also by way of others."""
    pending, seen = [name], {name}
    while pending:
        for source in _sources((loop,), pending.pop(), ()):
            yield source
            if source.name not in seen:
                seen.add(source.name)
                pending.append(source.name)


def _sources(block: Block, name: str, around: tuple[For | _Guard, ...]) -> Iterator[_Source]:
    for stmt in block:
        if isinstance(stmt, If) and stmt.then and isinstance(stmt.then[-1], _JUMPS):
            # Who comes on has not gone there.
            yield from _sources(stmt.then, name, (*around, _Guard(stmt.condition, True)))
            yield from _sources(stmt.otherwise, name, (*around, _Guard(stmt.condition, False)))
            around = (*around, _Guard(stmt.condition, False))
            continue
        match stmt:
            case Assign(target=target, value=value) if target.name == name:
                yield from _chosen(value, around)
            case If(condition=condition, then=then, otherwise=otherwise):
                yield from _sources(then, name, (*around, _Guard(condition, True)))
                yield from _sources(otherwise, name, (*around, _Guard(condition, False)))
            case While(header=header, body=body):
                yield from _sources(header, name, around)
                guards = (_Guard(c, True) for c in _conditions(stmt))
                yield from _sources(body, name, (*around, *guards))
            case For(body=body):
                yield from _sources(body, name, (*around, stmt))
            case _:
                for inner in blocks(stmt):
                    yield from _sources(inner, name, around)


def _chosen(value: Expr, around: tuple[For | _Guard, ...]) -> Iterator[_Source]:
    match value:
        case Read(local=local):
            yield _Source(local.name, around)
        case Convert(operand=operand):
            yield from _chosen(operand, around)
        case Select(condition=condition, then=then, otherwise=otherwise):
            yield from _chosen(then, (*around, _Guard(condition, True)))
            yield from _chosen(otherwise, (*around, _Guard(condition, False)))
        case Binary(op=BinaryOp.MIN | BinaryOp.MAX, left=left, right=right):
            yield from _chosen(left, around)
            yield from _chosen(right, around)
        case _:
            pass


def _fixed(expr: Expr, changed: frozenset[str], evaluate: Evaluate) -> Poly | None:
    """What an expression is in every iteration, if that is one number."""
    reads = (e.local.name for e in subexpressions(expr) if isinstance(e, Read))
    return None if any(name in changed for name in reads) else evaluate(expr)


def _rests(loop: Loop, name: str, changed: frozenset[str], evaluate: Evaluate) -> Iterator[_End]:
    """The ends of what is left by a division, or by a mask, that is assigned to a local."""
    for stmt in statements((loop,)):
        if not (isinstance(stmt, Assign) and stmt.target.name == name):
            continue
        value = stmt.value
        while isinstance(value, Convert):
            value = value.operand
        match value:
            case Binary(op=BinaryOp.MOD, right=divisor):
                limits, least = (divisor,), 1
            case Binary(op=BinaryOp.AND, left=left, right=right, type=type_) if type_.is_integer:
                limits, least = (left, right), 0
            case _:
                continue
        yield _End(constant(0), True)
        for limit in limits:
            most = _fixed(limit, changed, evaluate)
            if most is not None:
                yield _End(most.shift(-least), False)


def _set_back(loop: Loop, name: str, changed: frozenset[str], evaluate: Evaluate) -> Iterator[_End]:
    """The ends at which a branch assigns a local anew."""
    for stmt in statements((loop,)):
        moves_on = False
        match stmt:
            case If(condition=condition, then=then, otherwise=otherwise) if name in assigned(then):
                moves_on = name in assigned(otherwise)
            case Assign(target=target, value=Select(condition=condition)) if target.name == name:
                moves_on = True
            case _:
                continue
        for op, expr in _compared(condition, True, name):
            number = _fixed(expr, changed, evaluate)
            if number is None:
                continue
            strict = op in (CompareOp.GT, CompareOp.LT)
            # Who comes to the end is set back, or moves on from the one before to the end.
            for within in (0,) if strict else (1, 0) if moves_on else (1,):
                if op in (CompareOp.EQ, CompareOp.GE, CompareOp.GT):
                    yield _End(number.shift(-within), False)
                if op in (CompareOp.EQ, CompareOp.LE, CompareOp.LT):
                    yield _End(number.shift(within), True)


def _broken_at(
    loop: Loop, name: str, changed: frozenset[str], evaluate: Evaluate
) -> Iterator[_End]:
    """The ends beyond which a local leaves the loop."""
    for stmt in statements(loop.body):
        if not isinstance(stmt, If):
            continue
        for block, taken in ((stmt.then, False), (stmt.otherwise, True)):
            if not any(isinstance(s, Break) for s in block):
                continue
            for op, expr in _compared(stmt.condition, taken, name):
                number = _fixed(expr, changed, evaluate)
                if number is not None:
                    yield from _ends_of(op, number)


def _ends(source: _Source, changed: frozenset[str], evaluate: Evaluate) -> Iterator[_End]:
    """The ends of the range of a source which are the same in every iteration."""

    def fixed(expr: Expr) -> Poly | None:
        return _fixed(expr, changed, evaluate)

    for place in source.around:
        if isinstance(place, _Guard):
            for op, expr in _compared(place.condition, place.taken, source.name):
                number = fixed(expr)
                if number is not None:
                    yield from _ends_of(op, number)
        elif place.variable.name == source.name and isinstance(place.step, Const):
            start, stop = fixed(place.start), fixed(place.stop)
            ascends = place.step.value > 0
            if start is not None:
                yield _End(start, ascends)
            if stop is not None:
                yield _End(stop.shift(-1 if ascends else 1), not ascends)


def _led_on(
    loop: Loop, counter: Counter, changed: frozenset[str], evaluate: Evaluate
) -> Iterator[_End]:
    """The ends that a counter is within behind an iteration, because the loop went on before."""
    if not isinstance(loop, While):
        return
    for condition in _conditions(loop):
        for op, expr in _compared(condition, True, counter.name):
            number = _fixed(expr, changed, evaluate)
            if number is not None:
                yield from _ends_of(op, number.shift(counter.amount))


def _conditions(loop: While) -> Iterator[Expr]:
    """What holds in the body because the loop goes on; parts that load are in its header.

    `while k > 0 and a[k - 1] > x` has the header `if k > 0: go = a[k - 1] > x` `else: go = False`.
    """
    pending = [loop.condition]
    while pending:
        condition = pending.pop()
        yield condition
        if not isinstance(condition, Read):
            continue
        name = condition.local.name
        for stmt in loop.header:
            if isinstance(stmt, If) and any(_is_denied(s, name) for s in stmt.otherwise):
                pending.append(stmt.condition)
                pending.extend(
                    s.value for s in stmt.then if isinstance(s, Assign) and s.target.name == name
                )


def _is_denied(stmt: Stmt, name: str) -> bool:
    return (
        isinstance(stmt, Assign)
        and stmt.target.name == name
        and isinstance(stmt.value, Const)
        and not stmt.value.value
    )


def _ends_of(op: CompareOp, number: Poly) -> Iterator[_End]:
    if op in (CompareOp.GE, CompareOp.GT):
        yield _End(number.shift(int(op is CompareOp.GT)), True)
    if op in (CompareOp.LE, CompareOp.LT):
        yield _End(number.shift(-int(op is CompareOp.LT)), False)


def _compared(condition: Expr, taken: bool, name: str) -> Iterator[tuple[CompareOp, Expr]]:
    """What a condition says of a local, if it holds or, if not `taken`, does not."""
    match condition:
        case Compare(op=op, left=left, right=right) if left.type.is_integer:
            # As a float an integer may be another number.
            op = op if taken else OPPOSITE[op]
            if _reads(left, name):
                yield op, right
            if _reads(right, name):
                yield MIRRORED[op], left
        case Logic(op=op, left=left, right=right) if (op is LogicOp.AND) is taken:
            yield from _compared(left, taken, name)
            yield from _compared(right, taken, name)
        case Not(operand=operand):
            yield from _compared(operand, not taken, name)
        case _:
            pass


def _reads(expr: Expr, name: str) -> bool:
    return _name(expr) == name
