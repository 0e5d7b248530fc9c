"""For whom a value is one: the launch, the threads of a block, or a single thread.

A forward analysis over levels. Uniform means equal among the live threads of a block that stand
at the same statement in the same iteration of every loop round it.

    stride = 128                   launch
    while stride > 0:              launch condition: all threads go round together
        if thread.x < stride:      thread condition
            v = tile[thread.x]     thread
        stride //= 2               launch

* A load takes the level of its index: of a read-only slice because nobody writes it; of a shared
  or owned array because, if it is free of races, nobody writes what several threads read in one
  interval. Such a load is a lean: who uses the level must also have proved that array.
* What a branch on a thread condition assigns is private behind it. So is what the rest of an
  iteration assigns behind a `continue` that only some threads take, and everything that a loop
  assigns if its threads leave in different iterations.
* Where paths meet, levels meet: at the head of a loop those of every `continue`, behind it those
  of every `break`, behind a helper those of every early return from it.
* A `return` on a thread condition changes nothing: those who go on are uniform among themselves.

Approximates towards THREAD: a condition that is in fact uniform may be called private.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import (
    Array,
    Assert,
    Assign,
    Atomic,
    Barrier,
    Binary,
    Block,
    Break,
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
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    Not,
    Ownership,
    Param,
    Read,
    Register,
    Return,
    Select,
    Space,
    Special,
    Stmt,
    Store,
    Symbol,
    Unary,
    Unsafe,
    While,
)
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import Span

Loop: TypeAlias = For | While
_Levels: TypeAlias = dict[str, Level]


@record
class Uniformity:
    """Levels of what loops carry, and where control is private.

    `carried[loop][local]` is the level of a local at the head of the loop, `trips[loop]` the
    level of its number of iterations. `divergent[site]` lists the branches and loop heads that
    keep threads of one block from the barrier `site`. `leans` names the arrays whose freedom
    from races the levels take for granted. `departures` are the returns, from the kernel or from
    a helper, that only some threads of a block take.
    """

    carried: Mapping[Loop, Mapping[str, Level]]
    trips: Mapping[Loop, Level]
    divergent: Mapping[int, tuple[Span, ...]]
    leans: frozenset[str]
    departures: frozenset[Stmt]


def uniformity(kernel: Kernel) -> Uniformity:
    """The levels of a kernel."""
    levels = _Walk(kernel)
    levels.block(kernel.body, {}, ())
    return Uniformity(
        levels.carried,
        levels.trips,
        levels.divergent,
        frozenset(levels.leans),
        frozenset(levels.departures),
    )


def assigned(block: Block) -> frozenset[str]:
    """The names of the locals that a block may assign."""
    return frozenset(local.name for local in walk.assigned(block))


_Control: TypeAlias = "tuple[Span, ...]"


@dataclass(slots=True)
class _Region:
    """A loop or an inlined helper that jumps may leave.

    `skips` and `exits` are the branches round private jumps to the end of the body, and out of
    it. `at_skips` and `at_exits` are the levels at all such jumps, private or not.
    """

    loop: Loop | None
    label: int | None
    skips: list[Span] = field(default_factory=list["Span"])
    exits: list[Span] = field(default_factory=list["Span"])
    at_skips: list[_Levels] = field(default_factory=list["_Levels"])
    at_exits: list[_Levels] = field(default_factory=list["_Levels"])


@dataclass(slots=True)
class _Walk:
    kernel: Kernel
    carried: dict[Loop, _Levels] = field(default_factory=dict[Loop, _Levels])
    trips: dict[Loop, Level] = field(default_factory=dict[Loop, Level])
    divergent: dict[int, tuple[Span, ...]] = field(default_factory=dict[int, "tuple[Span, ...]"])
    leans: set[str] = field(default_factory=set[str])
    departures: set[Stmt] = field(default_factory=set["Stmt"])
    regions: list[_Region] = field(default_factory=list[_Region])

    def block(self, block: Block, levels: _Levels, control: _Control) -> None:
        """Run a block; `levels` is changed in place, `control` lists private branches round it."""
        for stmt in block:
            inside = (
                *control,
                *(span for region in self.regions for span in (*region.skips, *region.exits)),
            )
            self.statement(stmt, levels, tuple(dict.fromkeys(inside)))

    def statement(self, stmt: Stmt, levels: _Levels, control: _Control) -> None:
        match stmt:
            case Assign(target=target, value=value):
                levels[target.name] = self.level(value, levels)
            case Load(target=target, array=name, index=index):
                levels[target.name] = self.loaded(self.kernel.arrays[name], index, levels)
            case Atomic(target=target):
                if target is not None:
                    levels[target.name] = Level.THREAD
            case (
                Store()
                | Fence()
                | CheckDivisor()
                | CheckIndex()
                | CheckView()
                | CheckAligned()
                | Assert()
                | Declare()
            ):
                pass
            case Unsafe(body=body):
                self.block(body, levels, control)
            case Return():
                if control:
                    self.departures.add(stmt)
            case Barrier(site=site):
                if control:
                    self.divergent[site] = control
                else:
                    self.divergent.pop(site, None)
            case If():
                self.branch(stmt, levels, control)
            case For() | While():
                self.loop(stmt, levels, control)
            case Inline(label=label, body=body):
                region = _Region(None, label)
                self.regions.append(region)
                self.block(body, levels, control)
                self.regions.pop()
                _meet(levels, region.at_skips)
                if region.skips:
                    levels.update(dict.fromkeys(assigned(body), Level.THREAD))
            case Break():
                region = self.innermost()
                region.exits.extend(control)
                region.at_exits.append(dict(levels))
            case Continue():
                region = self.innermost()
                region.skips.extend(control)
                region.at_skips.append(dict(levels))
            case Leave(label=label):
                if control:
                    self.departures.add(stmt)
                for region in reversed(self.regions):
                    if region.label == label:
                        region.skips.extend(control)
                        region.at_skips.append(dict(levels))
                        break
                    region.exits.extend(control)
            case _:
                assert_never(stmt)

    def innermost(self) -> _Region:
        return next(r for r in reversed(self.regions) if r.loop is not None)

    def branch(self, stmt: If, levels: _Levels, control: _Control) -> None:
        private = self.level(stmt.condition, levels) is Level.THREAD
        inner = (*control, stmt.span) if private else control
        then, otherwise = dict(levels), dict(levels)
        self.block(stmt.then, then, inner)
        self.block(stmt.otherwise, otherwise, inner)
        changed = assigned(stmt.then) | assigned(stmt.otherwise)
        for name in then.keys() | otherwise.keys():
            level = max(then.get(name, Level.LAUNCH), otherwise.get(name, Level.LAUNCH))
            condition = self.level(stmt.condition, levels) if name in changed else Level.LAUNCH
            levels[name] = max(level, condition)

    def loop(self, stmt: Loop, levels: _Levels, control: _Control) -> None:
        changed = assigned((stmt,))
        head = dict(levels)
        start = Level.LAUNCH
        if isinstance(stmt, For):
            start = max(self.level(e, levels) for e in (stmt.start, stmt.step))
            head[stmt.variable.name] = max(start, levels.get(stmt.variable.name, start))
        left: list[Span] = []
        while True:
            # Who left in an earlier iteration is missing at every statement of the next.
            region = _Region(stmt, None, exits=list(left))
            self.regions.append(region)
            inside = dict(head)
            if isinstance(stmt, For):
                condition = max(self.level(e, levels) for e in (stmt.start, stmt.stop, stmt.step))
                inside[stmt.variable.name] = start
            else:
                self.block(stmt.header, inside, control)
                condition = self.level(stmt.condition, inside)
            at_exit = dict(inside)
            if condition is Level.THREAD:
                region.exits.append(stmt.span)
            self.block(stmt.body, inside, control)
            self.regions.pop()
            _meet(inside, region.at_skips)
            _meet(at_exit, region.at_exits)
            if region.skips:
                inside.update(dict.fromkeys(assigned(stmt.body), Level.THREAD))
            merged = {
                name: max(head.get(name, Level.LAUNCH), inside.get(name, Level.LAUNCH))
                for name in head.keys() | inside.keys()
            }
            private = bool(region.exits)
            exits = list(dict.fromkeys(region.exits))
            if merged == head and exits == left:
                break
            head, left = merged, exits
        self.carried[stmt] = head
        self.trips[stmt] = Level.THREAD if private else condition
        for name in head.keys() | at_exit.keys():
            level = max(head.get(name, Level.LAUNCH), at_exit.get(name, Level.LAUNCH))
            outside = Level.THREAD if private and name in changed else condition
            levels[name] = max(level, outside) if name in changed else level

    # ------------------------------------------------------------ values

    def loaded(self, array: Array, index: tuple[Expr, ...], levels: _Levels) -> Level:
        level = max((self.level(e, levels) for e in index), default=Level.LAUNCH)
        if array.space is Space.LOCAL or array.ownership is Ownership.ATOMIC:
            return Level.THREAD
        if array.ownership is Ownership.READ_ONLY:
            return level
        if level is not Level.THREAD:
            self.leans.add(array.name)
        return max(level, Level.BLOCK)

    def level(self, expr: Expr, levels: _Levels) -> Level:
        match expr:
            case Const() | Symbol() | Param() | Dim():
                return Level.LAUNCH
            case Read(local=local):
                return levels.get(local.name, Level.LAUNCH)
            case Special(register=register):
                return _REGISTERS[register]
            case Unary(operand=a) | Not(operand=a) | Convert(operand=a) | Math(operand=a):
                return self.level(a, levels)
            case Binary(left=a, right=b) | Compare(left=a, right=b) | Logic(left=a, right=b):
                return max(self.level(a, levels), self.level(b, levels))
            case Select(condition=c, then=a, otherwise=b):
                return max(self.level(c, levels), self.level(a, levels), self.level(b, levels))
            case _:
                assert_never(expr)


def _meet(levels: _Levels, others: Iterable[_Levels]) -> None:
    """Raise `levels` to what they are where paths come together."""
    for other in others:
        for name, level in other.items():
            levels[name] = max(level, levels.get(name, Level.LAUNCH))


_REGISTERS = {
    Register.THREAD: Level.THREAD,
    Register.BLOCK: Level.BLOCK,
    Register.BLOCK_DIM: Level.LAUNCH,
    Register.GRID_DIM: Level.LAUNCH,
}
