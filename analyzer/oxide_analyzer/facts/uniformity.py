"""For whom a value is one: the grid, a block, a warp, or a single thread.

A forward analysis over levels. Uniform means equal among the live threads of a group that stand
at the same statement in the same iteration of every loop round it; LAUNCH stands for the grid.

    stride = 128                   launch
    while stride > 0:              launch condition: all threads go round together
        if thread.x < stride:      thread condition
            v = tile[thread.x]     thread
        s = warp.reduce_add(v)     warp
        stride //= 2               launch

* A load takes the level of its index: of a read-only slice because nobody writes it; of a shared
  or owned array because, if it is free of races, nobody writes what several threads read in one
  interval: who writes it would be a third thread, or one of them, and race with another. Such a
  load is a lean: who uses the level must also have proved that array. Shared memory is another in
  each block. Where atomics or fences hand data over, some threads may load a slice before, others
  after somebody has written it, and no two of them race: then such a load is private.
* What a branch assigns is at most as uniform as its condition. So is what the rest of an
  iteration assigns behind a `continue` under a condition, and everything that a loop assigns if
  its threads leave in different iterations.
* Where paths meet, levels meet: at the head of a loop those of every `continue`, behind it those
  of every `break`, behind a helper those of every early return from it.
* A `return` changes nothing: those who go on are uniform among themselves.
* What all lanes get from a reduction or a vote is one value for the warp, if they have met there;
  with a `width` below the warp's it is one for a segment only.

A `Parting` says that threads are missing at a statement because of a branch. A barrier or a warp
operation is divergent if a parting has a level above that of the group which must meet there: a
condition of the block keeps whole blocks from a barrier, which does no harm to `sync_threads` and
breaks `grid_sync`. What the provers know of branches (`known`: the level at which all threads of a
group take a branch alike) lowers the level of its condition.

Approximates towards THREAD: a condition that is in fact uniform may be called private.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, assert_never

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import (
    Apply,
    Array,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    BinaryOp,
    Block,
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
    Expr,
    Fence,
    For,
    Forget,
    Group,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    MatrixOp,
    Not,
    Order,
    Ownership,
    Param,
    Print,
    Read,
    Register,
    Reinterpret,
    Return,
    Select,
    Space,
    Special,
    Stmt,
    Store,
    Symbol,
    Unary,
    Unsafe,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.operators import REDUCTIONS, SHUFFLES
from oxide_analyzer.launch import WARP
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.facts.launch_terms import LaunchTerms
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import Span

Loop: TypeAlias = For | While
_Levels: TypeAlias = dict[str, Level]


@record
class Way:
    """The way that the missing threads went at a branch: they found its condition `missing`.

    None stands for either; of a loop head, that they have left the loop.
    """

    stmt: If | Loop
    level: Level
    missing: bool | None


@record
class Parting:
    """Threads that are missing at a statement: those that went all of `ways`.

    With `earlier` they may have gone in an earlier iteration of a loop than the one that the
    others are in.
    """

    ways: tuple[Way, ...]
    earlier: bool = False

    @property
    def level(self) -> Level:
        """For whom it is one question whether they are missing."""
        return max(way.level for way in self.ways)

    @property
    def span(self) -> Span:
        """The condition or loop head that tells most of the threads apart."""
        return max(reversed(self.ways), key=lambda way: way.level).stmt.span


@record
class Uniformity:
    """Levels of what loops carry, and where control is not uniform.

    `carried[loop][local]` is the level of a local at the head of the loop, `trips[loop]` the
    level of its number of iterations. `results[site]` is the level of what a warp operation
    gives. `divergent[site]` lists the branches and loop heads that keep threads of the group
    from the barrier or warp operation `site`. `leans` names the arrays whose freedom from races
    the levels take for granted. `departures` are the returns, from the kernel or from a helper,
    that only some threads of a block take.
    """

    carried: Mapping[Loop, Mapping[str, Level]]
    trips: Mapping[Loop, Level]
    results: Mapping[int, Level]
    divergent: Mapping[int, tuple[Parting, ...]]
    leans: frozenset[str]
    departures: frozenset[Stmt]


def uniformity(
    kernel: Kernel, launch: LaunchTerms, known: Mapping[Stmt, Level] | None = None
) -> Uniformity:
    """The levels of a kernel, with what is `known` of its branches and loops."""
    levels = _Walk(kernel, launch, known or {}, _places_in_block(kernel), hands_over(kernel))
    levels.block(kernel.body, {}, ())
    return Uniformity(
        levels.carried,
        levels.trips,
        levels.results,
        levels.divergent,
        frozenset(levels.leans),
        frozenset(levels.departures),
    )


@record
class Spread:
    """For whom values and ways are one, at their worst.

    Of each local the level behind its assignments, of each branch and loop that of its condition,
    and of each statement which threads of a warp or block do not come to, at what level those are
    told apart who are missing.
    """

    locals: Mapping[str, Level]
    branches: Mapping[Stmt, Level]
    missing: Mapping[Stmt, Level]


def spread(kernel: Kernel, launch: LaunchTerms, known: Mapping[Stmt, Level]) -> Spread:
    """What `uniformity` finds on its way, for who wants to show it."""
    levels = _Noting(kernel, launch, known, _places_in_block(kernel), hands_over(kernel))
    levels.block(kernel.body, {}, ())
    return Spread(levels.noted, levels.branches, levels.missing)


def group_of(stmt: Barrier | WarpOp) -> Level:
    """The group whose threads meet at a statement."""
    if isinstance(stmt, WarpOp):
        return Level.WARP
    return Level.GRID if stmt.group is Group.GRID else Level.BLOCK


@lru_cache(maxsize=8)
def hands_over(kernel: Kernel) -> bool:
    """Whether something of the kernel may order threads that do not meet."""
    return any(
        isinstance(stmt, Fence) or (isinstance(stmt, Atomic) and stmt.order is not Order.RELAXED)
        for stmt in walk.statements(kernel.body)
    )


def assigned(block: Block) -> frozenset[str]:
    """The names of the locals that a block may assign."""
    return frozenset(local.name for local in walk.assigned(block))


def _places_in_block(kernel: Kernel) -> frozenset[str]:
    """The locals that are `thread.x` wherever they are assigned."""
    once: dict[str, bool] = {}
    for stmt in walk.statements(kernel.body):
        for local in walk.assigned((stmt,)) if not walk.blocks(stmt) else ():
            is_x = isinstance(stmt, Assign) and _is_register(stmt.value, Register.THREAD, 0)
            once[local.name] = is_x and local.name not in once
        if isinstance(stmt, For):
            once[stmt.variable.name] = False
    return frozenset(name for name, is_x in once.items() if is_x)


def _is_register(expr: Expr, register: Register, axis: int) -> bool:
    return isinstance(expr, Special) and expr.register is register and expr.axis == axis


_Control: TypeAlias = "tuple[Parting, ...]"


@dataclass(slots=True)
class _Region:
    """A loop or an inlined helper that jumps may leave.

    `skips` and `exits` are who is missing because of jumps to the end of the body, and out of
    it. `at_skips` and `at_exits` are the levels at all such jumps. `outside` is who is missing
    already when the body starts.
    """

    loop: Loop | None
    label: int | None
    outside: _Control
    skips: list[Parting] = field(default_factory=list[Parting])
    exits: list[Parting] = field(default_factory=list[Parting])
    at_skips: list[_Levels] = field(default_factory=list["_Levels"])
    at_exits: list[_Levels] = field(default_factory=list["_Levels"])

    def jumped(self, control: _Control, *, earlier: bool) -> Iterable[Parting]:
        """Who has jumped, as those who are missing behind the jump."""
        inside = [parting for parting in control if parting not in self.outside]
        ways: dict[Way, None] = {}
        for parting in inside:
            for way in parting.ways:
                turned = len(parting.ways) == 1 and way.missing is not None
                ways[Way(way.stmt, way.level, not way.missing if turned else None)] = None
        if ways:
            yield Parting(tuple(ways), earlier or any(p.earlier for p in inside))


@dataclass(slots=True)
class _Walk:
    kernel: Kernel
    launch: LaunchTerms
    known: Mapping[Stmt, Level]
    places: frozenset[str]
    hands_over: bool
    carried: dict[Loop, _Levels] = field(default_factory=dict[Loop, _Levels])
    trips: dict[Loop, Level] = field(default_factory=dict[Loop, Level])
    results: dict[int, Level] = field(default_factory=dict[int, Level])
    divergent: dict[int, tuple[Parting, ...]] = field(
        default_factory=dict[int, "tuple[Parting, ...]"]
    )
    leans: set[str] = field(default_factory=set[str])
    departures: set[Stmt] = field(default_factory=set["Stmt"])
    regions: list[_Region] = field(default_factory=list[_Region])

    def block(self, block: Block, levels: _Levels, control: _Control) -> None:
        """Run a block; `levels` is changed in place, `control` lists who is missing in it."""
        for stmt in block:
            inside = (
                *control,
                *(parting for region in self.regions for parting in (*region.skips, *region.exits)),
            )
            self.statement(stmt, levels, tuple(dict.fromkeys(inside)))

    def statement(self, stmt: Stmt, levels: _Levels, control: _Control) -> None:
        match stmt:
            case Assign(target=target, value=value):
                levels[target.name] = self.level(value, levels)
            case Load(target=target, array=name, index=index):
                levels[target.name] = self.loaded(self.kernel.arrays[name], index, levels)
            case Forget(target=target, of=of):
                level = Level.THREAD if of is None else Level.LAUNCH
                levels[target.name] = max((level, *(self.level(e, levels) for e in of or ())))
            case Atomic(target=target):
                if target is not None:
                    levels[target.name] = Level.THREAD
            case (
                Store()
                | Fence()
                | AsyncCommit()
                | AsyncWait()
                | CheckDivisor()
                | CheckIndex()
                | CheckView()
                | CheckAligned()
                | Assert()
                | Print()
                | Breakpoint()
                | Declare()
            ):
                pass
            case Return():
                if any(parting.level > Level.BLOCK for parting in control):
                    self.departures.add(stmt)
            case Barrier():
                self.meeting(stmt, control)
            case WarpOp(target=target, site=site):
                self.meeting(stmt, control)
                if target is not None:
                    levels[target.name] = self.results[site] = self.result(stmt, levels)
            case Unsafe(body=body) | AsyncCopy(body=body) | MatrixOp(body=body):
                self.block(body, levels, control)
            case If():
                self.branch(stmt, levels, control)
            case For() | While():
                self.loop(stmt, levels, control)
            case Inline(label=label, body=body):
                region = _Region(None, label, control)
                self.regions.append(region)
                self.block(body, levels, control)
                self.regions.pop()
                _meet(levels, region.at_skips)
                _raise(levels, assigned(body), region.skips)
            case Break():
                region = self.innermost()
                region.exits.extend(region.jumped(control, earlier=True))
                region.at_exits.append(dict(levels))
            case Continue():
                region = self.innermost()
                region.skips.extend(region.jumped(control, earlier=False))
                region.at_skips.append(dict(levels))
            case Leave(label=label):
                if any(parting.level > Level.BLOCK for parting in control):
                    self.departures.add(stmt)
                inner = False
                for region in reversed(self.regions):
                    if region.label == label:
                        region.skips.extend(region.jumped(control, earlier=inner))
                        region.at_skips.append(dict(levels))
                        break
                    region.exits.extend(region.jumped(control, earlier=True))
                    inner = True
            case _:
                assert_never(stmt)

    def meeting(self, stmt: Barrier | WarpOp, control: _Control) -> None:
        """Note who is missing from the group that meets here; the last round of a loop counts."""
        missing = tuple(parting for parting in control if parting.level > group_of(stmt))
        if missing:
            self.divergent[stmt.site] = missing
        else:
            self.divergent.pop(stmt.site, None)

    def innermost(self) -> _Region:
        return next(r for r in reversed(self.regions) if r.loop is not None)

    def branch(self, stmt: If, levels: _Levels, control: _Control) -> None:
        condition = self.capped(stmt, self.level(stmt.condition, levels))
        then, otherwise = dict(levels), dict(levels)
        parts = condition > Level.LAUNCH
        for block, inside, missing in (
            (stmt.then, then, False),
            (stmt.otherwise, otherwise, True),
        ):
            here = Parting((Way(stmt, condition, missing),))
            inner = (*control, here) if parts else control
            self.block(block, inside, inner)
        changed = assigned(stmt.then) | assigned(stmt.otherwise)
        for name in then.keys() | otherwise.keys():
            level = max(then.get(name, Level.LAUNCH), otherwise.get(name, Level.LAUNCH))
            levels[name] = max(level, condition) if name in changed else level

    def loop(self, stmt: Loop, levels: _Levels, control: _Control) -> None:
        changed = assigned((stmt,))
        head = dict(levels)
        start = Level.LAUNCH
        if isinstance(stmt, For):
            start = max(self.level(e, levels) for e in (stmt.start, stmt.step))
            head[stmt.variable.name] = max(start, levels.get(stmt.variable.name, start))
        left: list[Parting] = []
        while True:
            # Who left in an earlier iteration is missing at every statement of the next.
            region = _Region(stmt, None, (*control, *left), exits=list(left))
            self.regions.append(region)
            inside = dict(head)
            if isinstance(stmt, For):
                condition = max(self.level(e, levels) for e in (stmt.start, stmt.stop, stmt.step))
                inside[stmt.variable.name] = start
            else:
                self.block(stmt.header, inside, control)
                condition = self.level(stmt.condition, inside)
            condition = self.capped(stmt, condition)
            at_exit = dict(inside)
            if condition > Level.LAUNCH:
                region.exits.append(Parting((Way(stmt, condition, None),), earlier=True))
            self.block(stmt.body, inside, control)
            self.regions.pop()
            _meet(inside, region.at_skips)
            _meet(at_exit, region.at_exits)
            _raise(inside, assigned(stmt.body), region.skips)
            merged = {
                name: max(head.get(name, Level.LAUNCH), inside.get(name, Level.LAUNCH))
                for name in head.keys() | inside.keys()
            }
            exits = list(dict.fromkeys(region.exits))
            if merged == head and exits == left:
                break
            head, left = merged, exits
        self.carried[stmt] = head
        self.trips[stmt] = max((p.level for p in left), default=condition)
        for name in head.keys() | at_exit.keys():
            levels[name] = max(head.get(name, Level.LAUNCH), at_exit.get(name, Level.LAUNCH))
        _raise(levels, changed, left)

    def capped(self, stmt: If | Loop, level: Level) -> Level:
        return min(level, self.known.get(stmt, Level.THREAD))

    # ------------------------------------------------------------ values

    def loaded(self, array: Array, index: tuple[Expr, ...], levels: _Levels) -> Level:
        level = max((self.level(e, levels) for e in index), default=Level.LAUNCH)
        if array.space is Space.LOCAL or array.ownership is Ownership.ATOMIC:
            return Level.THREAD
        if array.ownership is Ownership.READ_ONLY:
            return level
        if array.space is Space.GLOBAL and self.hands_over:
            return Level.THREAD
        if level is not Level.THREAD:
            self.leans.add(array.name)
        return max(level, Level.BLOCK) if array.space is Space.SHARED else level

    def result(self, stmt: WarpOp, levels: _Levels) -> Level:
        """For whom one value comes out of a warp operation."""
        own = self.level(stmt.value, levels) if stmt.value is not None else Level.LAUNCH
        if stmt.function in SHUFFLES and own <= Level.WARP:
            return own  # whichever lane it comes from
        together = Level.BLOCK if self.launch.has_one_warp else Level.WARP
        if stmt.mask is not None and self.level(stmt.mask, levels) > together:
            return Level.THREAD  # some lanes may meet here with one mask, others with another
        match stmt.function:
            case WarpFunction.ANY | WarpFunction.ALL | WarpFunction.BALLOT | WarpFunction.MATCH_ALL:
                return together
            case WarpFunction.SHUFFLE:
                lane = self.level(stmt.lane, levels) if stmt.lane is not None else Level.THREAD
                broadcasts = lane <= Level.WARP and stmt.width == WARP
                return max(together, lane) if broadcasts else Level.THREAD
            case function if function in REDUCTIONS:
                return together if stmt.width == WARP else Level.THREAD
            case _:
                return Level.THREAD

    def level(self, expr: Expr, levels: _Levels) -> Level:
        match expr:
            case Const() | Symbol() | Param() | Dim():
                return Level.LAUNCH
            case Read(local=local):
                return levels.get(local.name, Level.LAUNCH)
            case Special():
                return self.register(expr)
            case Unary(operand=a) | Not(operand=a) | Convert(operand=a) | Reinterpret(operand=a):
                return self.level(a, levels)
            case Binary() if self.is_warp_number(expr):
                return Level.WARP
            case Binary(left=a, right=b) | Compare(left=a, right=b) | Logic(left=a, right=b):
                return max(self.level(a, levels), self.level(b, levels))
            case Select(condition=c, then=a, otherwise=b):
                return max(self.level(c, levels), self.level(a, levels), self.level(b, levels))
            case Apply(operands=operands) | Math(operands=operands):
                return max((self.level(a, levels) for a in operands), default=Level.LAUNCH)
            case _:
                assert_never(expr)

    def register(self, expr: Special) -> Level:
        if expr.register is Register.THREAD and expr.axis > 0:
            width = self.launch.register(Register.BLOCK_DIM, 0).value
            if width is not None and width % WARP == 0:
                return Level.WARP  # rows of whole warps
        return _REGISTERS[expr.register]

    def is_warp_number(self, expr: Binary) -> bool:
        """Whether it is `thread.x // 32`, or a coarser division, in a block along x."""
        if not (self.launch.is_line and isinstance(expr.right, Const)):
            return False
        divides = (expr.op is BinaryOp.FLOORDIV and expr.right.value in _WHOLE_WARPS) or (
            expr.op is BinaryOp.SHR and expr.right.value in range(5, 63)
        )
        left = expr.left
        is_x = isinstance(left, Read) and left.local.name in self.places
        return divides and (is_x or _is_register(left, Register.THREAD, 0))


@dataclass(slots=True)
class _Noting(_Walk):
    """The same walk, with notes. Of a loop the last round counts, whose levels are the highest."""

    noted: _Levels = field(default_factory=dict[str, Level])
    branches: dict[Stmt, Level] = field(default_factory=dict["Stmt", Level])
    missing: dict[Stmt, Level] = field(default_factory=dict["Stmt", Level])

    def statement(self, stmt: Stmt, levels: _Levels, control: _Control) -> None:
        _Walk.statement(self, stmt, levels, control)
        for name in assigned((stmt,)):
            level = levels.get(name, Level.LAUNCH)
            self.noted[name] = max(level, self.noted.get(name, Level.LAUNCH))
        apart = max((parting.level for parting in control), default=Level.LAUNCH)
        if apart > Level.BLOCK:
            self.missing[stmt] = apart
        else:
            self.missing.pop(stmt, None)

    def capped(self, stmt: If | Loop, level: Level) -> Level:
        self.branches[stmt] = _Walk.capped(self, stmt, level)
        return self.branches[stmt]


def _meet(levels: _Levels, others: Iterable[_Levels]) -> None:
    """Raise `levels` to what they are where paths come together."""
    for other in others:
        for name, level in other.items():
            levels[name] = max(level, levels.get(name, Level.LAUNCH))


def _raise(levels: _Levels, names: Iterable[str], partings: Iterable[Parting]) -> None:
    """Which way a thread came decides what it holds: no more uniform than the partings."""
    lowest = max((parting.level for parting in partings), default=Level.LAUNCH)
    for name in names:
        levels[name] = max(lowest, levels.get(name, Level.LAUNCH))


_WHOLE_WARPS = tuple(range(WARP, 1025, WARP))
_REGISTERS = {
    Register.THREAD: Level.THREAD,
    Register.LANE: Level.THREAD,
    Register.WARP: Level.WARP,
    Register.WARPS: Level.LAUNCH,
    Register.BLOCK: Level.BLOCK,
    Register.BLOCK_DIM: Level.LAUNCH,
    Register.GRID_DIM: Level.LAUNCH,
}
