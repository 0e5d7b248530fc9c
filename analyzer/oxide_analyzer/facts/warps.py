"""Warp operations as one thread sees them: who takes part, whom a shuffle reads, what comes out.

Which lanes take part is a condition on a lane. Of a mask that is a number it is one of the ranges
of its bits; of `(1 << k) - 1` it is `lane < k`; a mask that `warp.ballot(c)` gave holds the lanes
for which `c` was true, so that of another thread it is known in that thread's own terms only:

    live = warp.ballot(x > 0.0)            bit of thread t:  x of t > 0.0;  of ~live: not x > 0.0
    if x > 0.0:
        s = warp.reduce_add(x, mask=live)  outside: not x$1 > 0.0, on a path with x$1 > 0.0

`warp.match_any(v)` gives each lane the mask of its peers, among them itself: where all lanes meet
again, each with its own, no lane is missing in any of them.

A shuffle reads the lane `source`, or the own one where that is past the end of the segment. A
lane takes no part that is not in the mask, that the block does not have (48 threads make one warp
and a half), or that has returned. What comes from there is undefined, so the target counts as
assigned only where the source takes part:

    v = warp.shuffle_down(x, 16)           assigned where not lane + 16 < 32,
                                           or warp*32 + lane + 16 < block_dim.x

It may be copied, as long as nobody asks what it is.

Which thread the source is follows from the lane: in a block along x it is `thread.x - lane +
source`. Put in for `thread.x`, the conditions of an exit say whether that thread has left, and a
vote whether it is in the mask; where they speak of more than the place of a thread, or the exit is
in a loop, nothing is known.

How many lower lanes have voted yes, `popc(votes & ((1 << lane) - 1))`, is a scan (`proof/scans`).

Results are unknowns of their level. Approximates towards "unassigned" and "not known".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    TRUE,
    Condition,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    at_most,
    condition_polys,
    is_arithmetic,
    is_zero,
    less,
    negate,
)
from oxide_analyzer.facts.polys import Bits, Level, Poly, Variable, constant
from oxide_analyzer.facts.state import Real, Scan
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Const,
    Convert,
    Expr,
    For,
    Read,
    Register,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.operators import SHUFFLES
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import I64
from oxide_analyzer.launch import WARP
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.facts.accesses import Exit
    from oxide_analyzer.facts.state import State, Value
    from oxide_analyzer.facts.uniformity import Uniformity
    from oxide_analyzer.facts.values import Evaluator
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Stmt
    from oxide_analyzer.language.types import Scalar

FULL = (1 << WARP) - 1
_QUICK = 500


def takes_all(stmt: WarpOp) -> bool:
    """Whether the mask holds all lanes, whatever the thread knows."""
    return stmt.mask is None or (isinstance(stmt.mask, Const) and stmt.mask.value == FULL)


# ---------------------------------------------------------------- masks


def own_lane_in(evaluator: Evaluator, stmt: WarpOp, state: State) -> Condition | None:
    """That the thread's own lane is in the mask, in its own terms; None if that is not known."""
    if stmt.mask is not None and not takes_all(stmt):
        mask = evaluator.integer(stmt.mask, state)
        voted = _own_bit(evaluator, mask)
        if voted is not None:
            return voted
        if mask.single() in evaluator.peers:
            return TRUE
    return lane_in(evaluator, stmt, state, evaluator.launch.lane)


def _own_bit(evaluator: Evaluator, mask: Poly) -> Condition | None:
    """When the bit of the thread's own lane is set in a mask that is made of votes."""
    if mask.value is not None:
        return _in_number(mask.value, evaluator.launch.lane)
    atom = mask.single()
    voted = evaluator.ballots.get(atom) if atom is not None else None
    if voted is not None or mask.level > Level.WARP:
        return voted
    if atom is None:
        # ~m in 32 bits.
        rest = constant(FULL) - mask
        if rest.single() is None:
            return None
        bit = _own_bit(evaluator, rest)
        return negate(bit) if bit is not None else None
    form = atom.form
    if not isinstance(form, Bits) or form.op not in "&|^":
        return None
    left, right = _own_bit(evaluator, form.left), _own_bit(evaluator, form.right)
    if left is None or right is None:
        return None
    match form.op:
        case "&":
            return all_of((left, right))
        case "|":
            return any_of((left, right))
        case _:
            return any_of((all_of((left, negate(right))), all_of((negate(left), right))))


def lane_in(evaluator: Evaluator, stmt: WarpOp, state: State, lane: Poly) -> Condition | None:
    """That `lane` is in the mask, where that follows from the number of the lane."""
    if stmt.mask is None or takes_all(stmt):
        return TRUE
    value = evaluator.integer(stmt.mask, state).value
    if value is not None:
        return _in_number(value, lane)
    count = _lowest(stmt.mask)
    if count is None:
        return None
    # 1 << k is 0 where k is 32 or more, and all bits are set in 0 - 1.
    amount = evaluator.integer(count, state)
    if count.type.is_signed or count.type.bits != WARP or amount.level > Level.WARP:
        return None
    return less(lane, amount)


def _in_number(mask: int, lane: Poly) -> Condition:
    return any_of(
        all_of((at_most(constant(low), lane), at_most(lane, constant(high))))
        for low, high in _ranges(mask & FULL)
    )


def _ranges(mask: int) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for lane in range(WARP + 1):
        held = lane < WARP and mask >> lane & 1
        if held and start is None:
            start = lane
        elif not held and start is not None:
            yield start, lane - 1
            start = None


def _lowest(mask: Expr) -> Expr | None:
    """The k of `(1 << k) - 1`, in 32 bits or more."""
    match mask:
        case Binary(
            op=BinaryOp.SUB,
            left=Binary(op=BinaryOp.SHL, left=base, right=amount),
            right=Const(value=1),
        ) if mask.type.bits >= WARP:
            while isinstance(base, Convert):
                base = base.operand
            return amount if isinstance(base, Const) and base.value == 1 else None
        case _:
            return None


# ---------------------------------------------------------------- sources of shuffles


def source_takes_part(
    evaluator: Evaluator, stmt: WarpOp, state: State, exits: Sequence[Exit] | None
) -> Condition:
    """That the lane which a shuffle reads takes part in it, in the reader's terms.

    `exits` may have been taken before; None if it is not known which.
    """
    nobody_left = exits is not None and not exits
    if stmt.lane is None or (nobody_left and takes_all(stmt) and has_whole_warps(evaluator)):
        return TRUE
    launch = evaluator.launch
    own, width = launch.lane, constant(stmt.width)
    within = own if stmt.width == WARP else launch.terms.remainder(own, width)
    argument = evaluator.integer(stmt.lane, state)
    source, is_read = _source(evaluator, stmt, state, own, within, argument)
    if source is None:
        return _not_known(evaluator)
    least, _ = evaluator.interval(argument)
    is_lower = stmt.function is WarpFunction.SHUFFLE_UP and least is not None and least >= 0
    # What is read is a lane of the warp: whoever has a lower lane than a thread exists.
    start = launch.warp.scale(WARP)
    has = TRUE if is_lower or has_whole_warps(evaluator) else less(start + source, launch.threads)
    in_mask = _source_in(evaluator, stmt, state, source)
    parts = [has, in_mask if in_mask is not None else _not_known(evaluator)]
    if exits is None:
        parts.append(_not_known(evaluator))
    parts.extend(negate(_has_left(evaluator, leaving, source)) for leaving in exits or ())
    return any_of((negate(is_read), all_of(parts)))


def _source(
    evaluator: Evaluator, stmt: WarpOp, state: State, own: Poly, within: Poly, argument: Poly
) -> tuple[Poly | None, Condition]:
    """The lane that is read if the condition holds; else it is the own one."""
    terms, width = evaluator.launch.terms, constant(stmt.width)
    match stmt.function:
        case WarpFunction.SHUFFLE:
            place = terms.remainder(argument, width)
        case WarpFunction.SHUFFLE_UP:
            place = within - argument
        case WarpFunction.SHUFFLE_DOWN:
            place = within + argument
        case _:
            outside = less(argument, constant(0)), less(constant(WARP - 1), argument)
            if not all(refutes(terms, (*state.path, c), _QUICK) for c in outside):
                return None, TRUE
            place = terms.bits("^", within, argument, 0, WARP - 1)
    is_read = all_of((at_least_zero(place), less(place, width)))
    if stmt.function is WarpFunction.SHUFFLE:
        is_read = TRUE
    return own - within + place, is_read


def has_whole_warps(evaluator: Evaluator) -> bool:
    """Whether blocks are made of whole warps: by their extents, or by what is known of these."""
    launch = evaluator.launch
    if evaluator.whole_warps is None:
        rest = launch.terms.remainder(launch.threads, constant(WARP))
        evaluator.whole_warps = refutes(launch.terms, (negate(is_zero(rest)),), _QUICK)
    return evaluator.whole_warps


def doubtful(
    kernel: Kernel, evaluator: Evaluator, uniform: Uniformity
) -> dict[str, frozenset[Stmt]]:
    """The locals that may hold what comes from a lane which takes no part, unread until later.

    Each with the statements that put it there: shuffles, and copies of what they gave.
    """
    found: dict[str, set[Stmt]] = {}
    copies: list[tuple[str, str, Stmt]] = []
    for stmt in statements(kernel.body):
        match stmt:
            case WarpOp(function=function, target=target) if target and function in SHUFFLES:
                low = isinstance(stmt.lane, Const) and (
                    (function is WarpFunction.SHUFFLE and stmt.lane.value == 0)
                    or (function is WarpFunction.SHUFFLE_UP and stmt.lane.value >= 0)
                )
                exist = low or has_whole_warps(evaluator)
                if not (exist and stmt.mask is None and not uniform.departures):
                    found.setdefault(target.name, set()).add(stmt)
            case Assign(target=target, value=Read(local=local)):
                copies.append((local.name, target.name, stmt))
            case _:
                pass
    while more := [
        (to, stmt)
        for source, to, stmt in copies
        if source in found and stmt not in found.get(to, ())
    ]:
        for to, stmt in more:
            found.setdefault(to, set()).add(stmt)
    return {name: frozenset(by) for name, by in found.items()}


def _source_in(evaluator: Evaluator, stmt: WarpOp, state: State, source: Poly) -> Condition | None:
    """That the lane `source` is in the mask, by its number or by what it voted."""
    if stmt.mask is not None and not takes_all(stmt):
        atom = evaluator.integer(stmt.mask, state).single()
        voted = evaluator.ballots.get(atom) if atom is not None else None
        if voted is not None:
            return _of_source(evaluator, voted, source)
    return lane_in(evaluator, stmt, state, source)


def _has_left(evaluator: Evaluator, leaving: Exit, source: Poly) -> Condition:
    """That the lane `source` of the warp has taken an exit, as far as it can be said."""
    found: Condition | None = None
    if not any(isinstance(frame.owner, (For, While)) for frame in leaving.position):
        found = _of_source(evaluator, all_of(leaving.path), source)
    return negate(_not_known(evaluator)) if found is None else found


def _of_source(evaluator: Evaluator, condition: Condition, source: Poly) -> Condition | None:
    """A condition of the thread in the lane `source`, if the place of a thread decides it."""
    launch = evaluator.launch
    thread = launch.register(Register.THREAD, 0).single()
    if thread is None or not launch.is_line or not is_arithmetic(condition):
        return None
    for atom in launch.terms.reachable(condition_polys(condition)):
        private = atom.level > Level.WARP and isinstance(atom.form, Variable)
        if private and atom is not thread:
            return None
    here = launch.register(Register.THREAD, 0) - launch.lane + source
    return Substitution(launch.terms, {thread: here}).condition(condition)


def _not_known(evaluator: Evaluator) -> Condition:
    return Opaque(("source", str(evaluator.serial())), (), Level.THREAD)


# ---------------------------------------------------------------- results


def result(
    evaluator: Evaluator,
    stmt: WarpOp,
    type_: Scalar,
    value: Value | None,
    member: Condition | None,
    level: Level,
    part: Condition,
) -> Value:
    """What a warp operation gives to a thread, where the lane that it reads takes `part`."""
    shown = f"what `warp.{stmt.function.value}` gives"
    if not type_.is_integer:
        return evaluator.unknown(type_, level, stmt.function.value, shown)
    low, high = type_.min, type_.max
    if isinstance(value, Poly) and stmt.function in _SUMS:
        _, most = evaluator.interval(value)
        if may_be_summed(evaluator, value, type_) and most is not None:
            low, high = 0, most * (WARP - 1 if stmt.exclusive else WARP)
    # The first lane gets the identity of an exclusive scan.
    if isinstance(value, Poly) and stmt.function in _OF_VALUES and not stmt.exclusive:
        least, most = evaluator.interval(value)
        low = low if least is None else max(low, least)
        high = high if most is None else min(high, most)
    if part == TRUE:
        found = evaluator.havoc(stmt.function.value, level, low, high, shown)
    else:
        found = evaluator.havoc(stmt.function.value, level, type_.min, type_.max, shown)
        inside = (at_most(constant(low), found), at_most(found, constant(high)))
        evaluator.launch.terms.axiom(found, any_of((negate(part), all_of(inside))))
    atom = found.single()
    if stmt.function is WarpFunction.MATCH_ANY and atom is not None and stmt.mask is None:
        evaluator.peers.add(atom)
    if stmt.function is WarpFunction.BALLOT and atom is not None and member is not None:
        match value:
            case None | Poly() | Real():
                pass
            case _:
                evaluator.ballots[atom] = all_of((member, value))
    return found


def votes_below(evaluator: Evaluator, counted: Expr, state: State) -> Scan | None:
    """The scan that `popc(votes & ((1 << lane) - 1))` is: how many lower lanes have voted yes."""
    if not (isinstance(counted, Binary) and counted.op is BinaryOp.AND):
        return None
    for votes, below in ((counted.left, counted.right), (counted.right, counted.left)):
        amount = _lowest(below)
        if amount is None or evaluator.integer(amount, state) != evaluator.launch.lane:
            continue
        atom = evaluator.integer(votes, state).single()
        voted = evaluator.ballots.get(atom) if atom is not None else None
        if atom is None or voted is None or atom.level > Level.WARP:
            continue
        one = evaluator.join(voted, constant(1), constant(0), I64)
        if isinstance(one, Poly):
            return Scan(one, exclusive=True, path=state.path)
    return None


def may_be_summed(evaluator: Evaluator, value: Poly, type_: Scalar) -> bool:
    """Whether what the lanes bring is not negative, and no sum of it wraps."""
    least, most = evaluator.interval(value)
    return least is not None and least >= 0 and most is not None and most * WARP <= type_.max


_SUMS = (WarpFunction.SCAN_ADD, WarpFunction.REDUCE_ADD)
_OF_VALUES = (
    *SHUFFLES,
    WarpFunction.REDUCE_MIN,
    WarpFunction.REDUCE_MAX,
    WarpFunction.SCAN_MIN,
    WarpFunction.SCAN_MAX,
)
