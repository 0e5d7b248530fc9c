"""The interval of integers in which each integer expression of a kernel lies.

An interval analysis that follows the control flow: a guard narrows what it speaks of, an
assignment replaces, ways that meet are joined, and a loop is repeated until its head is stable,
bounds that move being widened to 0 or to the end of the type.

    i = block.x * block_dim.x + thread.x     [0, 2**31 - 2]    where sizes fit 32 bits
    if i < len(a):
        a[i]                                 [0, 2**31 - 2]
        i + 1                                [1, 2**31 - 1]

It knows the limits of launches, the extents that the contract fixes, facts that compare a
parameter, a dimension or an extent with a number, and that the index of a thread in the grid
lies below grid times block. Approximate towards more values: an interval always holds every
value that the expression takes in a launch that fulfils the facts. A local that was never
assigned counts as 0, which is what the back end makes of one that may be read.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias, assert_never

from oxide_analyzer.facts.intervals import (
    BIT,
    ZERO,
    Interval,
    binary,
    compare,
    fitted,
    restricted,
    unary,
    whole,
)
from oxide_analyzer.facts.tables import span_of
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import (
    Apply,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    BinaryOp,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    Fence,
    For,
    Forget,
    If,
    Inline,
    Leave,
    Load,
    Local,
    Logic,
    LogicOp,
    Math,
    MatrixOp,
    Not,
    Param,
    Print,
    Read,
    Register,
    Reinterpret,
    Return,
    Select,
    Special,
    Store,
    Symbol,
    Unary,
    Unsafe,
    WarpOp,
    While,
)
from oxide_analyzer.ir.operators import MIRRORED, OPPOSITE
from oxide_analyzer.launch import (
    MAX_BLOCK,
    MAX_GRID,
    MAX_LENGTH,
    MAX_SHARED,
    MAX_THREADS,
    WARP,
)
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Block, CompareOp, Expr, Stmt
    from oxide_analyzer.language.types import Scalar

__all__ = ["Interval", "Ranges", "ranges"]

COMPACT = (1 << 31) - 1

# What a guard can narrow: a local, or something that no statement changes.
Leaf: TypeAlias = "Local | tuple[str, str | Register, int]"
State: TypeAlias = "dict[Leaf, Interval]"


@record
class Ranges:
    """The answer for one kernel."""

    _expressions: Mapping[Expr, Interval]
    _locals: Mapping[Local, Interval]
    _limits: _Limits

    def of(self, expr: Expr) -> Interval:
        """The values that an integer or bool expression of the kernel can have."""
        known = self._expressions.get(expr)
        if known is None:
            state: State = {**self._locals}
            known = _Evaluation(self._limits, {}).of(expr, state)
        return known

    def local(self, local: Local) -> Interval:
        """All values that an integer or bool local ever holds."""
        return self._locals.get(local, whole(local.type))


def ranges(kernel: Kernel, *, compact: bool, conditions: Iterable[Expr] = ()) -> Ranges:
    """The intervals of `kernel`.

    `compact` as in `CheckedKernel`; `conditions` hold for every launch, over Z.
    """
    limits = _Limits(kernel, compact)
    for condition in conditions:
        limits.learn(condition)
    flow = _Flow(limits, kernel.arrays)
    flow.block(kernel.body, {})
    return Ranges(flow.evaluation.found, flow.locals, limits)


# ---------------------------------------------------------------- what a launch may be


class _Limits:
    """The intervals of parameters, dimensions and special registers."""

    def __init__(self, kernel: Kernel, compact: bool) -> None:
        self._compact = compact
        self._dynamic = {a.name for a in kernel.arrays.values() if a.is_dynamic}
        self._learnt: State = {}
        self._blocks = list(MAX_BLOCK)
        self._fixed = [False, False, False]
        self._domain = kernel.contract.domain or 3
        for axis, extent in enumerate(kernel.contract.block or ()):
            if isinstance(extent, Const):
                self._blocks[axis] = int(extent.value)
                self._fixed[axis] = True

    def _most_warps(self) -> int:
        """The most warps that a block can have."""
        return (min(prod(self._blocks), MAX_THREADS) + WARP - 1) // WARP

    def learn(self, condition: Expr) -> None:
        """Take in a fact of the launch, where it compares a leaf with a number."""
        match condition:
            case Logic(op=LogicOp.AND, left=left, right=right):
                self.learn(left)
                self.learn(right)
            case Compare(op=op, left=left, right=right):
                for leaf, how, other in ((left, op, right), (right, MIRRORED[op], left)):
                    key = _leaf(leaf)
                    if key is not None and isinstance(other, Const) and leaf.type.is_integer:
                        value = Interval(int(other.value), int(other.value))
                        # A contradictory fact admits no launch: then nothing runs.
                        kept = restricted(self.of(leaf), how, value)
                        self._learnt[key] = kept or self.of(leaf)
            case _:
                pass

    def of(self, leaf: Expr) -> Interval:
        """The interval of a leaf that is no local."""
        key = _leaf(leaf)
        if key is not None and key in self._learnt:
            return self._learnt[key]
        match leaf:
            case Dim(array=array) if array in self._dynamic:
                return Interval(0, MAX_SHARED)
            case Dim():
                return Interval(0, COMPACT if self._compact else MAX_LENGTH)
            case Special(register=register, axis=axis):
                return self._special(register, axis)
            case Param(type=scalar) if self._compact and scalar.is_integer:
                return Interval(max(scalar.min, -COMPACT), min(scalar.max, COMPACT))
            case _:
                return whole(leaf.type)

    def product(self, axis: int) -> int:
        """The most that grid times block along an axis can be."""
        most = MAX_GRID[axis] * self._blocks[axis]
        return min(most, COMPACT) if self._compact else most

    def _special(self, register: Register, axis: int) -> Interval:
        is_one = axis >= self._domain
        block = 1 if is_one else self._blocks[axis]
        grid = 1 if is_one else MAX_GRID[axis]
        if self._compact and self._fixed[axis]:
            grid = min(grid, COMPACT // block)
        match register:
            case Register.THREAD:
                return Interval(0, block - 1)
            case Register.BLOCK_DIM:
                return Interval(block if self._fixed[axis] else 1, block)
            case Register.BLOCK:
                return Interval(0, grid - 1)
            case Register.GRID_DIM:
                return Interval(1, grid)
            case Register.LANE:
                return Interval(0, WARP - 1)
            case Register.WARP:
                return Interval(0, self._most_warps() - 1)
            case Register.WARPS:
                # Extents that nobody fixes are at least 1.
                most = self._most_warps()
                return Interval(most if all(self._fixed) else 1, most)


def _leaf(expr: Expr) -> Leaf | None:
    match expr:
        case Read(local=local):
            return local
        case Param(name=name):
            return ("parameter", name, 0)
        case Dim(array=array, axis=axis):
            return ("dimension", array, axis)
        case Special(register=register, axis=axis):
            return ("special", register, axis)
        case _:
            return None


# ---------------------------------------------------------------- expressions


class _Evaluation:
    """Intervals of expressions; `found` joins what a node had wherever it was met."""

    def __init__(self, limits: _Limits, found: dict[Expr, Interval]) -> None:
        self.limits = limits
        self.found = found

    def of(self, expr: Expr, state: State) -> Interval:
        """The interval of an integer or bool expression."""
        result = self._of(expr, state)
        before = self.found.get(expr)
        self.found[expr] = result if before is None else before.join(result)
        return result

    def _of(self, expr: Expr, state: State) -> Interval:
        match expr:
            case Const(value=value):
                return Interval(int(value), int(value))
            case Read(local=local):
                return state.get(local, ZERO)
            case Param() | Dim() | Special():
                leaf = _leaf(expr)
                known = state.get(leaf) if leaf is not None else None
                return known or self.limits.of(expr)
            case Unary(op=op, operand=operand, type=scalar):
                return unary(op, self.of(operand, state), scalar)
            case Binary():
                return self._binary(expr, state)
            case Compare(op=op, left=left, right=right):
                if left.type.is_float:
                    self.operands((left, right), state)
                    return BIT
                return compare(op, self.of(left, state), self.of(right, state))
            case Logic(op=op, left=left, right=right):
                a, b = self.of(left, state), self.of(right, state)
                pick = min if op is LogicOp.AND else max
                return Interval(pick(a.low, b.low), pick(a.high, b.high))
            case Not(operand=operand):
                a = self.of(operand, state)
                return Interval(1 - a.high, 1 - a.low)
            case Select(condition=condition, then=then, otherwise=otherwise):
                self.of(condition, state)
                return self.of(then, state).join(self.of(otherwise, state))
            case Convert(operand=operand, type=scalar):
                return self._convert(operand, scalar, state)
            case Math() | Symbol():
                return whole(expr.type)
            case Apply() | Reinterpret():
                self.operands(walk.children(expr), state)
                return whole(expr.type)
            case _:
                assert_never(expr)

    def operands(self, exprs: Iterable[Expr], state: State) -> None:
        """Visit expressions, of whatever type."""
        for expr in exprs:
            if not expr.type.is_float:
                self.of(expr, state)
                continue
            self.operands(walk.children(expr), state)

    def _binary(self, expr: Binary, state: State) -> Interval:
        a, b = self.of(expr.left, state), self.of(expr.right, state)
        result = binary(expr.op, a, b, expr.type)
        place = self._place(expr)
        if place is None:
            return result
        return Interval(max(result.low, place.low), min(result.high, place.high))

    def _place(self, expr: Binary) -> Interval | None:
        """Products of special registers along an axis, which no interval of theirs bounds."""
        match expr:
            case Binary(op=BinaryOp.MUL, left=Special() as one, right=Special() as other):
                if one.axis != other.axis:
                    return None
                registers = {one.register, other.register}
                most = self.limits.product(one.axis)
                if registers == {Register.GRID_DIM, Register.BLOCK_DIM}:
                    return Interval(1, most)
                if registers == {Register.BLOCK, Register.BLOCK_DIM}:
                    return Interval(0, most - 1)
                return None
            case Binary(op=BinaryOp.ADD, left=left, right=right):
                for product, other in ((left, right), (right, left)):
                    if (
                        isinstance(product, Binary)
                        and isinstance(other, Special)
                        and other.register is Register.THREAD
                        and _is_block_start(product, other.axis)
                    ):
                        return Interval(0, self.limits.product(other.axis) - 1)
                return None
            case _:
                return None

    def _convert(self, operand: Expr, scalar: Scalar, state: State) -> Interval:
        if operand.type.is_float:
            self.operands((operand,), state)
            return whole(scalar)
        interval = self.of(operand, state)
        if scalar.name == "bool":
            if interval == ZERO:
                return ZERO
            return Interval(1, 1) if interval.excludes(0) else BIT
        return fitted(interval, scalar)


def _is_block_start(product: Binary, axis: int) -> bool:
    factors = (product.left, product.right)
    if product.op is not BinaryOp.MUL or not all(isinstance(f, Special) for f in factors):
        return False
    places = {(f.register, f.axis) for f in factors if isinstance(f, Special)}
    return places == {(Register.BLOCK, axis), (Register.BLOCK_DIM, axis)}


# ---------------------------------------------------------------- statements


class _Flow:
    """The walk. A state of None is a place that is not reached."""

    def __init__(self, limits: _Limits, arrays: Mapping[str, Array]) -> None:
        self.evaluation = _Evaluation(limits, {})
        self._arrays = arrays
        self._vouched = 0
        self.locals: dict[Local, Interval] = {}
        self._breaks: list[list[State]] = []
        self._continues: list[list[State]] = []
        self._leaves: dict[int, list[State]] = {}

    def block(self, statements: Block, state: State | None) -> State | None:
        """The state behind the statements."""
        for statement in statements:
            if state is None:
                return None
            state = self._statement(statement, state)
        return state

    def _statement(self, statement: Stmt, state: State) -> State | None:
        evaluate = self.evaluation
        match statement:
            case Assign(target=target, value=value):
                if target.type.is_float:
                    evaluate.operands((value,), state)
                else:
                    self._assign(target, evaluate.of(value, state), state)
            case Load(target=target, array=array, index=index):
                evaluate.operands(index, state)
                known = None if self._vouched else span_of(self._arrays[array])
                self._assign(target, known, state)
            case Forget(target=target):
                evaluate.operands(walk.operands(statement), state)
                self._assign(target, None, state)
            case Atomic(target=target) | WarpOp(target=target):
                evaluate.operands(walk.operands(statement), state)
                if target is not None:
                    self._assign(target, None, state)
            case (
                Store()
                | CheckDivisor()
                | CheckIndex()
                | CheckView()
                | CheckAligned()
                | Assert()
                | Print()
            ):
                # What a check demands is not taken in: where threads may wait for each other, one
                # that fails goes on.
                evaluate.operands(walk.operands(statement), state)
            case Unsafe(body=body):
                self._vouched += 1
                behind = self.block(body, state)
                self._vouched -= 1
                return behind
            case AsyncCopy(body=body) | MatrixOp(body=body):
                evaluate.operands(walk.operands(statement), state)
                return self.block(body, state)
            case If():
                return self._if(statement, state)
            case For():
                return self._for(statement, state)
            case While():
                return self._while(statement, state)
            case Inline(label=label, body=body):
                self._leaves[label] = []
                end = self.block(body, state)
                return _joined([end, *self._leaves.pop(label)])
            case Break():
                self._breaks[-1].append(state)
                return None
            case Continue():
                self._continues[-1].append(state)
                return None
            case Leave(label=label):
                self._leaves[label].append(state)
                return None
            case Return():
                return None
            case Declare() | Barrier() | Fence() | AsyncCommit() | AsyncWait() | Breakpoint():
                pass
            case _:
                assert_never(statement)
        return state

    def _assign(self, target: Local, value: Interval | None, state: State) -> None:
        if target.type.is_float:
            return
        value = whole(target.type) if value is None else value
        state[target] = value
        self.locals[target] = value.join(self.locals.get(target, ZERO))

    def _if(self, statement: If, state: State) -> State | None:
        self.evaluation.operands((statement.condition,), state)
        then = self.block(statement.then, self._guarded(statement.condition, state, holds=True))
        otherwise = self.block(
            statement.otherwise, self._guarded(statement.condition, state, holds=False)
        )
        return _joined([then, otherwise])

    def _for(self, statement: For, state: State) -> State | None:
        evaluate = self.evaluation
        start, stop, step = (
            evaluate.of(e, state) for e in (statement.start, statement.stop, statement.step)
        )
        # With a step of either sign the variable lies between start and stop in either order.
        rising = Interval(start.low, max(start.low, stop.high - 1))
        falling = Interval(min(start.high, stop.low + 1), start.high)
        if step.low > 0:
            variable = rising
        elif step.high < 0:
            variable = falling
        else:
            variable = rising.join(falling)

        def once(head: State) -> list[State | None]:
            self._assign(statement.variable, variable, head)
            return [self.block(statement.body, head)]

        ends, head = self._stable(state, once)
        return _joined([head, *ends])

    def _while(self, statement: While, state: State) -> State | None:
        outside: list[State | None] = []

        def once(head: State) -> list[State | None]:
            outside.clear()
            inside = self.block(statement.header, head)
            if inside is None:
                return []
            self.evaluation.operands((statement.condition,), inside)
            outside.append(self._guarded(statement.condition, inside, holds=False))
            return [self.block(statement.body, self._guarded(statement.condition, inside))]

        ends, _ = self._stable(state, once)
        return _joined([*outside, *ends])

    def _stable(
        self, state: State, once: Callable[[State], list[State | None]]
    ) -> tuple[list[State], State]:
        """Repeat a loop until its head is stable: the states of its breaks, and of its head."""
        head = state
        while True:
            self._breaks.append([])
            self._continues.append([])
            ends = once(dict(head))
            breaks, continues = self._breaks.pop(), self._continues.pop()
            again = _joined([head, *ends, *continues])
            widened = _widened(head, again or head)
            if widened == head:
                return breaks, head
            head = widened

    def _guarded(self, condition: Expr, state: State, *, holds: bool = True) -> State | None:
        """The state where a condition holds, or does not."""
        match condition:
            case Not(operand=operand):
                return self._guarded(operand, state, holds=not holds)
            case Logic(op=op, left=left, right=right):
                if (op is LogicOp.AND) == holds:
                    first = self._guarded(left, state, holds=holds)
                    return None if first is None else self._guarded(right, first, holds=holds)
                sides = [self._guarded(side, state, holds=holds) for side in (left, right)]
                return _joined(sides)
            case Compare(op=op, left=left, right=right) if not left.type.is_float:
                return self._compared(op if holds else OPPOSITE[op], left, right, state)
            case _:
                return dict(state)

    def _compared(self, op: CompareOp, left: Expr, right: Expr, state: State) -> State | None:
        result = dict(state)
        a, b = self.evaluation.of(left, state), self.evaluation.of(right, state)
        for expr, mine, how, other in ((left, a, op, b), (right, b, MIRRORED[op], a)):
            kept = restricted(mine, how, other)
            if kept is None:
                return None
            leaf = _leaf(expr)
            if leaf is not None:
                result[leaf] = kept
        return result


def _joined(states: Iterable[State | None]) -> State | None:
    reached = [state for state in states if state is not None]
    if len(reached) < 2:
        return reached[0] if reached else None
    first, *rest = reached
    result = dict(first)
    for state in rest:
        for leaf in result.keys() | state.keys():
            mine, other = result.get(leaf), state.get(leaf)
            if mine is other or mine == other:
                continue
            if isinstance(leaf, Local):
                result[leaf] = (mine or ZERO).join(other or ZERO)
            elif mine is None or other is None:
                # Narrowed on one way only: on the other it is what the launch makes it.
                result.pop(leaf, None)
            else:
                result[leaf] = mine.join(other)
    return result


def _widened(head: State, again: State) -> State:
    """`again`, with bounds that have moved since `head` at 0 or at the end of the type."""
    result: State = {}
    for leaf, after in again.items():
        before = head.get(leaf)
        if before is after or not isinstance(leaf, Local):
            result[leaf] = after
            continue
        if before is None:
            before = ZERO
        low, high = after.low, after.high
        if low < before.low:
            low = 0 if low >= 0 else leaf.type.min
        if high > before.high:
            high = leaf.type.max
        result[leaf] = Interval(low, high)
    return result
