"""Branches at which warps part: what some lanes do while the others wait.

The lanes of a warp run one instruction at a time. Where a condition holds in some of them only,
the warp runs one side and then the other.

    if i < n: …                  parts one warp of the grid: a guard
    if thread.x == 0: …          one warp of the block
    if thread.x % 2 == 0: …      every warp
    if a[i] > 0.0: …             nearly every warp, on most data

`partings` gives the branches of the last two kinds with what their sides cost. It goes by the form
of the condition: one that compares numbers which count up with the lanes parts at most one warp
and is not meant. What is known of neither form is not meant either.

Costs count operations of the IR, accesses to memory fourfold, and loops as often as they go round
(16 times where that is not known): an estimate, for telling a long side from a short one.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import Element, Level, Variable
from oxide_analyzer.ir.nodes import (
    Atomic,
    Barrier,
    Binary,
    Const,
    For,
    If,
    Load,
    Math,
    Store,
    Unary,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import blocks, operands, subexpressions
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Decision
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.lanes import Lanes
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.ir.nodes import Block, Stmt

_MEMORY, _FUNCTION, _ROUNDS = 4, 8, 16


class Split(Enum):
    """Why lanes of one warp part."""

    LANES = "lanes"  # every warp does, whatever the data are
    DATA = "data"  # the data decide


@record
class Parted:
    """A branch whose sides cost `then` and `otherwise`, and `lanes` of a warp take the first.

    `lanes` is None where the data decide.
    """

    stmt: If
    split: Split
    then: int
    otherwise: int
    lanes: int | None


def partings(analysis: Analysis, lanes: Lanes) -> tuple[Parted, ...]:
    """The branches at which most warps part, in source order, each once."""
    found: dict[If, Parted] = {}
    for decision in analysis.effects.decisions:
        stmt = decision.stmt
        if not isinstance(stmt, If) or decision.taken is None or decision.other is None:
            continue
        own = _own(decision)
        split = _split(own, lanes)
        taking = sum(lanes.taking(own)) if split is Split.LANES else None
        if split is not None and taking not in (0, lanes.number):
            found[stmt] = Parted(stmt, split, cost(stmt.then), cost(stmt.otherwise), taking)
    return tuple(sorted(found.values(), key=lambda parted: parted.stmt.span))


def cost(block: Block) -> int:
    """About how many operations a block takes."""
    return sum(map(_cost, block))


def _cost(stmt: Stmt) -> int:
    own = 0
    for root in operands(stmt):
        for expr in subexpressions(root):
            if isinstance(expr, Math):
                own += _FUNCTION
            elif isinstance(expr, (Binary, Unary)):
                own += 1
    if isinstance(stmt, (Load, Store, Atomic, WarpOp, Barrier)):
        own += _MEMORY
    inner = [cost(block) for block in blocks(stmt)]
    if isinstance(stmt, If):
        return own + max(inner, default=0)
    return own + sum(inner) * (_trips(stmt) if isinstance(stmt, (For, While)) else 1)


def _trips(stmt: For | While) -> int:
    if isinstance(stmt, For):
        ends = stmt.start, stmt.stop, stmt.step
        values = [int(end.value) for end in ends if isinstance(end, Const)]
        if len(values) == len(ends) and values[2]:
            return len(range(*values))
    return _ROUNDS


def _own(decision: Decision) -> tuple[Condition, ...]:
    """What the branch itself adds to the way that leads there."""
    taken, other = decision.taken or (), decision.other or ()
    shared = 0
    for one, two in zip(taken, other, strict=False):
        if one != two:
            break
        shared += 1
    return taken[shared:]


def _split(own: tuple[Condition, ...], lanes: Lanes) -> Split | None:
    kinds = [_kind(condition, lanes) for condition in own]
    if Split.DATA in kinds:
        return Split.DATA
    return Split.LANES if Split.LANES in kinds else None


def _kind(condition: Condition, lanes: Lanes) -> Split | None:
    match condition:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return _split(parts, lanes)
        case Opaque(key=key, parts=parts, own_level=level):
            if level > Level.WARP:
                return Split.DATA if any("'" in name for name in key) else None
            reads = "[#]" in key
            return Split.DATA if reads and any(p.level > Level.WARP for p in parts) else None
        case AtLeastZero(poly=poly) | IsZero(poly=poly) | NotZero(poly=poly):
            pass
    if poly.level <= Level.WARP:
        return None
    value = lanes.value(poly)
    if value is None:
        return Split.DATA if _is_of_data(poly) else None
    if set(value) > {()}:
        return None  # Where lanes part depends on which warp it is: one of many does.
    taken = lanes.taking((condition,))
    return Split.LANES if any(taken) and not all(taken) else None


def _is_of_data(poly: Poly) -> bool:
    """Whether it is made of what a thread has loaded from a place of its own."""
    return any(
        isinstance(atom.form, Element)
        or (isinstance(atom.form, Variable) and (atom.form.assumed or "").startswith("an element"))
        for atom in poly.atoms()
        if atom.level > Level.WARP
    )
