"""Which iterations of a loop have been run, once it is over: what a store in one of them takes.

A store round which a loop stands was made in iteration v if the way there holds in it and no
iteration before was the last. Of a `for` that nobody leaves the first says the second. Of other
loops the conditions that lead on, at the head of a `while` and past each `break`, are asked at
the first iteration and at the last that must lead on:

    b = t                              iteration v is run:   t + v·n < 256  and  t + 0·n < 256
    while b < 256:
        bins[b] = 0
        b += n

    while True:                        iteration v is run:   v <= 0,  or
        tile[t + k] = 0                    t + 0·32 + 32 < 64  and  t + (v - 1)·32 + 32 < 64
        k += 32
        if t + k >= 64: break

That is enough where each is a linear inequality in the number of the iteration: what holds at two
places of a line holds between them. Conditions of any other form, and those that speak of what
nobody can choose (data, or a value that the loop carries without a closed form), say nothing, and
neither do loops which somebody leaves by a `return`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    AllOf,
    AtLeastZero,
    Condition,
    all_of,
    any_of,
    at_least_zero,
    condition_polys,
)
from oxide_analyzer.facts.polys import Atom, Level, Poly, constant
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.nodes import Break, If, Inline, Leave, Return, Unsafe, While
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.ir.nodes import Block


def is_left_for_good(loop: Loop) -> bool:
    """Whether a thread may return from within a loop, from the kernel or from a helper."""
    return any(isinstance(s, (Leave, Return)) for s in statements(loop.body))


def is_run(
    analysis: Analysis, write: Access, loop: Loop, values: dict[Atom, Poly]
) -> list[Condition] | None:
    """What must hold, besides the path of `write`, for its iteration of `loop` to be run.

    `values` choose the iteration; where they do not, it is the first. None if it is not known.
    """
    iterations = analysis.evaluator.iterations
    counts = [a for a in values if iterations.get(a) is loop]
    if not counts:
        return []
    if len(counts) > 1:
        return None
    (count,) = counts
    ways = _ways_on(analysis, loop, count)
    if ways is None:
        return None
    header, breaks = ways
    if not all(_is_told(analysis, write, c, count, values) for c in (*header, *breaks)):
        return None
    value = values[count]
    first = Substitution(analysis.terms, {**values, count: constant(0)})
    found = [first.condition(c) for c in header]
    if breaks:
        before = Substitution(analysis.terms, {**values, count: value.shift(-1)})
        led_on = all_of(put.condition(c) for c in breaks for put in (first, before))
        found.append(any_of((at_least_zero(-value), led_on)))
    return found


def _ways_on(
    analysis: Analysis, loop: Loop, count: Atom
) -> tuple[list[Condition], list[Condition]] | None:
    """What leads into the body of a `while`, and past the `break`s of a loop."""
    header: list[Condition] = []
    if isinstance(loop, While):
        heads = [d for d in analysis.effects.decisions if d.stmt is loop and d.count is count]
        if len(heads) != 1 or heads[0].taken is None:
            return None
        header = [c for c in heads[0].taken if _mentions(analysis, c, count)]
        header = [_expanded(analysis, c) for c in header]
    breaks: list[Condition] = []
    for branch, is_taken in _breaks(loop.body):
        if branch is None:
            return None
        ways = [d for d in analysis.effects.decisions if d.stmt is branch]
        if len(ways) != 1:
            return None
        stays = ways[0].other if is_taken else ways[0].taken
        leaves = ways[0].taken if is_taken else ways[0].other
        if stays is None:
            return None
        if leaves is None:
            continue
        breaks.extend(_expanded(analysis, c) for c in stays[_shared(stays, leaves) :])
    return header, breaks


def _breaks(
    block: Block, branch: tuple[If | None, bool] = (None, True)
) -> Iterator[tuple[If | None, bool]]:
    """The innermost branch round each `break` out of a loop, and whether it is its `then`."""
    for stmt in block:
        match stmt:
            case Break():
                yield branch
            case If(then=then, otherwise=otherwise):
                yield from _breaks(then, (stmt, True))
                yield from _breaks(otherwise, (stmt, False))
            case Unsafe(body=body) | Inline(body=body):
                yield from _breaks(body, branch)
            case While(header=header):
                # A `break` in the body is its own.
                yield from _breaks(header, branch)
            case _:
                pass


def _shared(one: tuple[Condition, ...], other: tuple[Condition, ...]) -> int:
    """How many conditions two ways have in common at their start."""
    length = min(len(one), len(other))
    return next((i for i in range(length) if one[i] != other[i]), length)


def _expanded(analysis: Analysis, condition: Condition) -> Condition:
    """The condition with `start + step·count` for the variables of loops."""
    if not isinstance(condition, AtLeastZero):
        return condition
    return at_least_zero(expanded(analysis, condition.poly))


def expanded(analysis: Analysis, poly: Poly) -> Poly:
    """Put in the definitions `i == start + step·k` of loop variables."""
    for atom in dict.fromkeys(poly.atoms()):
        if atom in analysis.evaluator.counters:
            for axiom in analysis.terms.axioms.get(atom, ()):
                for p in condition_polys(axiom):
                    if p.terms.get((atom,)) in (1, -1):
                        value = Poly({(atom,): 1}) - p.scale(p.terms[atom,])
                        return Substitution(analysis.terms, {atom: value}).poly(poly)
    return poly


def _mentions(analysis: Analysis, condition: Condition, atom: Atom) -> bool:
    return atom in analysis.terms.reachable(condition_polys(condition))


def _is_told(
    analysis: Analysis, write: Access, condition: Condition, count: Atom, values: dict[Atom, Poly]
) -> bool:
    """Whether a condition is linear in the iteration, and made of what the store is made of."""
    if isinstance(condition, AllOf):
        return all(_is_told(analysis, write, c, count, values) for c in condition.parts)
    if not isinstance(condition, AtLeastZero):
        return False
    polys = (*write.index, *(p for c in write.path for p in condition_polys(c)))
    vetted = analysis.terms.reachable(polys)
    undetermined = analysis.evaluator.undetermined
    for monomial in condition.poly.terms:
        if monomial.count(count) > 1:
            return False
        for atom in monomial:
            if atom is count:
                continue
            for inner in analysis.terms.reachable((Poly({(atom,): 1}),)):
                fixed = inner.level is Level.LAUNCH and inner not in undetermined
                if inner is count or not (inner in vetted or inner in values or fixed):
                    return False
    return True
