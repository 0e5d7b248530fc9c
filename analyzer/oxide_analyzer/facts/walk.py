"""Symbolic execution of one generic thread through a kernel.

A `Walk` runs statements on a `State` and collects what happens. It is used in two ways:

* through the whole kernel, barriers ignored (`effects` does this once): every access with the
  conditions under which one thread makes it, and what a thread knows at every barrier, warp
  operation and branch;
* from the start, or from one point that orders the threads of a group, up to the next such
  points: what may happen in one interval. What orders a grid is `grid_sync`, a block that and
  `sync_threads`, a warp those and `sync_warp` with all lanes; walks go through everything else.
  A loop is then entered or gone round with the values that the thread really has there, so that
  the end of one iteration and the start of the next meet in one interval.

    while stride > 0:                    from the barrier, with the stride s of its iteration:
        if t < stride:
            tile[t] += tile[t+stride]      tile[t], tile[t + s//2]  where  t < s//2, s//2 > 0
        sync_threads()                     (the body of the next iteration)
        stride //= 2                       and the code behind the loop where s//2 <= 0

A loop that can be gone round without such a point is summarised (`loops.py`): its carried values
are then private to the thread, for two threads may be in different iterations. Where paths meet,
values become unknowns that are one or the other under the condition of each path. All of it
over-approximates: no access is missed, some collected ones may be impossible.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer import deadline
from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.accesses import (
    Access,
    Arrival,
    Claim,
    Decision,
    Divisor,
    Exit,
    Frame,
    Observation,
    Position,
)
from oxide_analyzer.facts.checks import claimed, goes_on
from oxide_analyzer.facts.conditions import (
    TRUE,
    Condition,
    all_of,
    condition_level,
    is_zero,
    negate,
)
from oxide_analyzer.facts.flow import Collected, Flow
from oxide_analyzer.facts.join import merge
from oxide_analyzer.facts.loop_heads import at_head, begin, enter, step
from oxide_analyzer.facts.loops import summarise
from oxide_analyzer.facts.polys import Atom, Level, Poly
from oxide_analyzer.facts.state import Real, Scan, State, Value
from oxide_analyzer.facts.tables import looked_up
from oxide_analyzer.facts.under_way import committed, started, waited
from oxide_analyzer.facts.uniformity import hands_over
from oxide_analyzer.facts.warps import (
    may_be_summed,
    own_lane_in,
    result,
    source_takes_part,
    takes_all,
)
from oxide_analyzer.ir.nodes import (
    Array,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Block,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Continue,
    Declare,
    DivisorRole,
    Fence,
    For,
    Forget,
    Group,
    If,
    Inline,
    Leave,
    Load,
    Local,
    MatrixOp,
    Ownership,
    Print,
    Read,
    Return,
    Space,
    Stmt,
    Store,
    Unsafe,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.operators import SHUFFLES
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.launch import WARP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.facts.uniformity import Loop, Uniformity
    from oxide_analyzer.facts.values import Evaluator
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar


@dataclass(slots=True)
class Walk:
    """One walk. With `until`, it stops at what orders the threads of that group, and gives every
    thread its own iterations; `round_stops` are the statements that contain such a point.

    In the loops round here, iterations are one for the threads of the group `apart`. A walk that
    `tracks` copies knows which are under way, and a brief one leaves out what has none, and checks;
    `copied` is the last store of a copy that it has met.
    """

    kernel: Kernel
    evaluator: Evaluator
    uniform: Uniformity
    round_stops: frozenset[Stmt]
    until: Level | None
    types: Mapping[str, Scalar]
    known: int = 0
    since: int = 0
    collected: Collected | None = field(default_factory=Collected)
    apart: Level = Level.GRID
    goes_on: bool = field(init=False)
    hands_over: bool = field(init=False)
    tracks: bool = field(init=False)
    is_brief: bool = False
    copied: Access | None = None

    def __post_init__(self) -> None:
        self.goes_on = goes_on(self.kernel)
        self.hands_over = hands_over(self.kernel)
        copies = any(isinstance(s, AsyncCopy) for s in statements(self.kernel.body))
        self.tracks = copies and self.until is None

    # ------------------------------------------------------------ statements

    def block(
        self, block: Block, state: State, owner: Stmt | None, prefix: Position, start: int = 0
    ) -> Flow:
        """Run `block` from statement `start` on."""
        flow = Flow(state)
        for index in range(start, len(block)):
            if flow.normal is None:
                break
            position = (*prefix, Frame(owner, block, index))
            step = self.statement(block[index], flow.normal, position)
            flow.normal = step.normal
            flow.absorb(step)
        return flow

    def statement(self, stmt: Stmt, state: State, position: Position) -> Flow:
        """Run one statement."""
        deadline.check()
        evaluator = self.evaluator
        match stmt:
            case Assign(target=target, value=Read(local=local)) if self._hands_on(local, state):
                # What a shuffle may not have been given is copied, and not looked at yet.
                held = state.assign(target.name, state.values[local.name])
                part = state.unassigned[local.name]
                return Flow(replace(held, unassigned={**held.unassigned, target.name: part}))
            case Assign(target=target, value=value):
                given = evaluator.value(value, state)
                return Flow(evaluator.noted(state).assign(target.name, given))
            case Load(target=target):
                array = self.kernel.arrays[stmt.array]
                index = tuple(evaluator.integer(e, state) for e in stmt.index)
                state = evaluator.noted(state)
                vouched = any(isinstance(frame.owner, Unsafe) for frame in position)
                loaded = self._loaded(array, index, target.type, vouched)
                self._access(stmt, AccessKind.READ, index, state, position, result=loaded)
                return Flow(state.assign(target.name, loaded))
            case Store():
                index = tuple(evaluator.integer(e, state) for e in stmt.index)
                value = evaluator.value(stmt.value, state)
                state = evaluator.noted(state)
                access = self._access(stmt, AccessKind.WRITE, index, state, position, value)
                if access.is_asynchronous:
                    self.copied = access
                return Flow(state)
            case AsyncCopy():
                return self._copy(stmt, state, position)
            case MatrixOp(body=body):
                return Flow(state) if self.is_brief else self.block(body, state, stmt, position)
            case AsyncCommit():
                return Flow(committed(state) if self.tracks else state)
            case AsyncWait(pending=pending):
                if not self.tracks:
                    return Flow(state)
                return Flow(waited(evaluator.launch.terms, state, pending))
            case Atomic():
                return Flow(self._atomic(stmt, state, position))
            case CheckDivisor(divisor=divisor, site=site, role=role, span=span):
                value = evaluator.integer(divisor, state)
                if self.collected is not None:
                    self.collected.divisors.append(
                        Divisor(value, state.path, site, span, role.value)
                    )
                is_0 = role is DivisorRole.DIVISOR and self.kernel.divides_by_zero
                return Flow(state if is_0 else self._checked(state, negate_zero(value), position))
            case CheckIndex() | CheckView() | CheckAligned() | Assert() if self.is_brief:
                return Flow(state)
            case CheckIndex() | CheckView() | CheckAligned() | Assert():
                goals = claimed(evaluator, stmt, state)
                if self.collected is not None:
                    self.collected.claims.append(Claim(stmt, goals, state.path, position))
                return Flow(self._checked(state, all_of(goals), position))
            case Forget(target=target):
                return Flow(state.assign(target.name, evaluator.forgotten(stmt, state)))
            case Print(values=values):
                for value in values:
                    evaluator.value(value, state)
                return Flow(state)
            case Declare() | Fence() | Breakpoint():
                return Flow(state)
            case Unsafe(body=body):
                return self.block(body, state, stmt, position)
            case Barrier():
                self._arrive(stmt, state, position, TRUE)
                return Flow(None if self._stops(stmt) else state)
            case WarpOp():
                return Flow(self._warp(stmt, state, position))
            case If():
                return self._branch(stmt, state, position)
            case For() | While():
                return self.loop(stmt, state, position)
            case Inline(body=body, label=label):
                flow = self.block(body, state, stmt, position)
                left = flow.leaves.pop(label, [])
                flow.normal = merge([s for s in (flow.normal, *left) if s], evaluator)
                return flow
            case Break():
                return Flow(None, breaks=[state])
            case Continue():
                return Flow(None, continues=[state])
            case Leave(label=label):
                return Flow(None, leaves={label: [state]})
            case Return():
                self._exit(stmt, state, position)
                return Flow(None)
            case _:
                assert_never(stmt)

    def _copy(self, stmt: AsyncCopy, state: State, position: Position) -> Flow:
        """A copy: its elements are under way from here on."""
        mark = self.evaluator.serial() if self.tracks else 0
        tracks, self.tracks = self.tracks, False
        flow = self.block(stmt.body, state, stmt, position)
        self.tracks = tracks
        if tracks and flow.normal is not None and self.copied is not None:
            flow.normal = started(self.evaluator, flow.normal, self.copied, mark)
        return flow

    def _branch(self, stmt: If, state: State, position: Position) -> Flow:
        condition = self.evaluator.condition(stmt.condition, state)
        flow = Flow(None)
        ends: list[State] = []
        ways = state.under(condition), state.under(negate(condition))
        self.decide(stmt, *ways)
        for inside, block in zip(ways, (stmt.then, stmt.otherwise), strict=True):
            if inside is None:
                continue
            branch = self.block(block, inside, stmt, position)
            flow.absorb(branch)
            if branch.normal is not None:
                ends.append(branch.normal)
        flow.normal = merge(ends, self.evaluator)
        return flow

    # ------------------------------------------------------------ loops

    def loop(self, stmt: Loop, state: State, position: Position) -> Flow:
        """Run a loop from its entry."""
        entered = enter(self, stmt, state)
        if self.until is not None and stmt in self.round_stops:
            return self.iterate(stmt, entered, position)
        return summarise(self, stmt, entered, position)

    def iterate(self, stmt: Loop, state: State, position: Position) -> Flow:
        """Come to the head of a loop with exactly these values, in a walk that barriers end."""
        head = at_head(self, stmt, state, position)
        return self._past_head(stmt, head.entering, head.leaving, position, head.flow)

    def _past_head(
        self,
        stmt: Loop,
        entering: State | None,
        leaving: State | None,
        position: Position,
        flow: Flow,
    ) -> Flow:
        """Run the body once; where it can end without a barrier, any number of times."""
        after = Flow(None)
        after.leave(flow)
        ends = [s for s in (leaving, *flow.breaks) if s]
        if entering is not None:
            body = self.block(stmt.body, begin(self, stmt, entering), stmt, position)
            after.leave(body)
            ends.extend(body.breaks)
            around = merge([s for s in (body.normal, *body.continues) if s], self.evaluator)
            if around is not None:
                rest = summarise(self, stmt, step(self, stmt, around), position)
                after.leave(rest)
                ends.extend(s for s in (rest.normal,) if s)
        after.normal = merge(ends, self.evaluator)
        return after

    # ------------------------------------------------------------ from the middle

    def resume(self, position: Position, state: State) -> None:
        """Run on behind the statement at `position`, to the next barriers or the end."""
        last = position[-1]
        flow = self.block(last.block, state, last.owner, position[:-1], last.index + 1)
        for depth in range(len(position) - 1, 0, -1):
            flow = self._outwards(position[depth], flow, position[:depth])
            outer = position[depth - 1]
            if flow.normal is not None:
                rest = self.block(
                    outer.block, flow.normal, outer.owner, position[: depth - 1], outer.index + 1
                )
                flow.normal = rest.normal
                flow.absorb(rest)

    def _outwards(self, frame: Frame, flow: Flow, around: Position) -> Flow:
        """From the end of a block to behind the statement that contains it."""
        owner = frame.owner
        match owner:
            case While() if frame.block is owner.header:
                entering, leaving = None, None
                if flow.normal is not None:
                    condition = self.evaluator.condition(owner.condition, flow.normal)
                    entering = flow.normal.under(condition)
                    leaving = flow.normal.under(negate(condition))
                return self._past_head(owner, entering, leaving, around, flow)
            case For() | While():
                after = Flow(None)
                after.leave(flow)
                ends = list(flow.breaks)
                back = merge([s for s in (flow.normal, *flow.continues) if s], self.evaluator)
                if back is not None:
                    again = self.iterate(owner, step(self, owner, back), around)
                    after.leave(again)
                    ends.extend(s for s in (again.normal,) if s)
                after.normal = merge(ends, self.evaluator)
                return after
            case Inline(label=label):
                left = flow.leaves.pop(label, [])
                flow.normal = merge([s for s in (flow.normal, *left) if s], self.evaluator)
                return flow
            case _:
                return flow

    # ------------------------------------------------------------ collecting

    def _access(
        self,
        stmt: Load | Store | Atomic,
        kind: AccessKind,
        index: tuple[Poly, ...],
        state: State,
        position: Position,
        value: Value | None = None,
        result: Value | None = None,
    ) -> Access:
        atomic = stmt if isinstance(stmt, Atomic) else None
        access = Access(
            stmt.array,
            kind,
            index,
            state.path,
            stmt.site,
            stmt.span,
            position,
            value,
            atomic,
            result,
        )
        if self.collected is not None:
            self.collected.accesses.append(access)
            own = (u.store for u in state.under_way if u.store.array == access.array)
            self.collected.touches.extend((store, access) for store in own)
        return access

    def _checked(self, state: State, claim: Condition, position: Position) -> State | None:
        """The state behind a check: who fails it goes no further.

        But what a user vouches for is not known to a proof, and in a kernel whose threads wait
        for one another a failed check is recorded and the thread goes on.
        """
        if self.goes_on or _is_vouched(position):
            return state
        return state.under(claim)

    def _atomic(self, stmt: Atomic, state: State, position: Position) -> State:
        """What an atomic gives is known to its thread alone, and only by its type."""
        evaluator = self.evaluator
        index = tuple(evaluator.integer(e, state) for e in stmt.index)
        value = evaluator.value(stmt.value, state) if stmt.value is not None else None
        if stmt.compare is not None:
            evaluator.value(stmt.compare, state)
        old: Value | None = None
        if stmt.target is not None:
            shown = f"an element of `{stmt.array}`"
            old = evaluator.unknown(stmt.target.type, Level.THREAD, "old", shown)
            if isinstance(old, Poly):
                seen = Observation(stmt, index, state.path, position, self.until is None)
                evaluator.observed.update(dict.fromkeys(old.atoms(), seen))
        self._access(stmt, AccessKind.ATOMIC, index, state, position, value, old)
        if stmt.target is None or old is None:
            return state
        return state.assign(stmt.target.name, old)

    # ------------------------------------------------------------ meeting

    def _stops(self, stmt: Barrier | WarpOp) -> bool:
        """Whether it orders the threads of the group that this walk is about."""
        ordered = ordered_by(stmt)
        return self.until is not None and ordered is not None and ordered <= self.until

    def _arrive(
        self, stmt: Barrier | WarpOp, state: State, position: Position, member: Condition | None
    ) -> None:
        if self.collected is not None and self.until is None:
            self.collected.arrivals.append(Arrival(stmt, state, position, member))

    def decide(
        self, stmt: Stmt, taken: State | None, other: State | None, count: Atom | None = None
    ) -> None:
        """Note what leads each way at a branch or at the head of a loop."""
        if self.collected is not None and self.until is None:
            first = taken.path if taken is not None else None
            second = other.path if other is not None else None
            self.collected.decisions.append(Decision(stmt, first, second, count))

    def _warp(self, stmt: WarpOp, state: State, position: Position) -> State | None:
        evaluator = self.evaluator
        member = own_lane_in(evaluator, stmt, state)
        self._arrive(stmt, state, position, member)
        if self._stops(stmt):
            return None
        value = evaluator.value(stmt.value, state) if stmt.value is not None else None
        target = stmt.target
        if target is None:
            return state
        # Without its own number of the iteration, a result is not that of another iteration.
        level = max(self.uniform.results.get(stmt.site, Level.THREAD), self.apart)
        part = self._source_takes_part(stmt, state, position)
        given = result(evaluator, stmt, target.type, value, member, level, part)
        held = state.assign(target.name, given)
        if stmt.function is WarpFunction.SCAN_ADD and stmt.width == WARP:
            self._note_scan(stmt, state, value, given)
        if part == TRUE or self.collected is None or self.until is not None:
            return held
        return replace(held, unassigned={**held.unassigned, target.name: part})

    def _source_takes_part(self, stmt: WarpOp, state: State, position: Position) -> Condition:
        """That the lane which a shuffle reads takes part in it."""
        if stmt.target is None or stmt.target.name not in self.evaluator.doubtful:
            return TRUE
        if stmt.function not in SHUFFLES:
            return TRUE
        exits: list[Exit] | None = []
        if self.uniform.departures:
            throughout = self.collected is not None and self.until is None
            exits = self._left_before(position) if throughout else None
        return source_takes_part(self.evaluator, stmt, state, exits)

    def _note_scan(self, stmt: WarpOp, state: State, value: Value | None, given: Value) -> None:
        """Two lanes that are in one iteration of the loops round it are in one scan."""
        if self.apart > Level.WARP or not isinstance(value, Poly) or not isinstance(given, Poly):
            return
        atom = given.single()
        if (
            atom is not None
            and stmt.target is not None
            and may_be_summed(self.evaluator, value, stmt.target.type)
        ):
            self.evaluator.scans[atom] = Scan(value, stmt.exclusive, state.path)

    def _hands_on(self, local: Local, state: State) -> bool:
        """Whether it is the result of a shuffle on its way to where the user keeps it."""
        temporary = local.name.startswith("%") and local.name in self.evaluator.doubtful
        return temporary and local.name in state.values and local.name in state.unassigned

    def _left_before(self, position: Position) -> list[Exit] | None:
        """The exits that a thread may have taken before it comes to `position`.

        None if one of them is in a loop round it, further on.
        """
        for frame in position:
            if isinstance(frame.owner, (For, While)) and any(
                s in self.uniform.departures for s in statements((frame.owner,))
            ):
                return None
        return self.collected.exits if self.collected is not None else []

    def _exit(self, stmt: Return, state: State, position: Position) -> None:
        if self.collected is None:
            return
        # What led here since the start of the interval decides who leaves and who stays.
        group = self.until if self.until is not None else Level.GRID
        if any(condition_level(c) > group for c in state.path[self.known :]):
            self.collected.exits.append(Exit(stmt, state.path, position, self.since))

    def _loaded(self, array: Array, index: tuple[Poly, ...], type_: Scalar, vouched: bool) -> Value:
        level = max((p.level for p in index), default=Level.LAUNCH)
        if array.space is Space.CONSTANT:
            return looked_up(self.evaluator, array, index, level, vouched=vouched)
        if array.ownership is Ownership.READ_ONLY:
            if type_.is_integer:
                return self.evaluator.launch.terms.element(array.name, index, type_.min, type_.max)
            real = Real((array.name, "[#]"), index, Level.LAUNCH)
            if type_ == BOOL:
                return self.evaluator.opaque(real)
            return real
        handed = array.space is Space.GLOBAL and self.hands_over
        private = array.space is Space.LOCAL or array.ownership is Ownership.ATOMIC or handed
        widest = Level.BLOCK if array.space is Space.SHARED else Level.GRID
        level = Level.THREAD if private else max(level, widest)
        return self.evaluator.unknown(type_, level, array.name, f"an element of `{array.name}`")


def ordered_by(stmt: Stmt) -> Level | None:
    """The largest group whose threads a statement orders: what they did before it and do behind.

    A `sync_warp` with a mask of its own orders some lanes, which is not made use of.
    """
    match stmt:
        case Barrier(group=group):
            return Level.GRID if group is Group.GRID else Level.BLOCK
        case WarpOp(function=WarpFunction.SYNC) if takes_all(stmt):
            return Level.WARP
        case _:
            return None


def negate_zero(value: Poly) -> Condition:
    """`value != 0`."""
    return negate(is_zero(value))


def _is_vouched(position: Position) -> bool:
    """Whether an `unsafe` block is round the statement at `position`."""
    return any(isinstance(frame.owner, Unsafe) for frame in position)
