"""What one thread does to memory, when, and under which conditions: effects as data.

Everything is written in the terms of one generic thread; a question about two threads renames
the terms of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import TRUE
from oxide_analyzer.ir.nodes import AsyncCopy, AtomicOp
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.polys import Atom, Level, Poly
    from oxide_analyzer.facts.state import State, Value
    from oxide_analyzer.ir.nodes import (
        Assert,
        Atomic,
        Barrier,
        Block,
        CheckAligned,
        CheckIndex,
        CheckView,
        Return,
        Scope,
        Stmt,
        WarpOp,
    )
    from oxide_analyzer.source import Span


@record
class Frame:
    """A step of a position: the `index`-th statement of `block`, which `owner` contains."""

    owner: Stmt | None
    block: Block
    index: int


Position: TypeAlias = "tuple[Frame, ...]"


@distinct
class Access:
    """One load, store or atomic: `array[index]` where all of `path` holds.

    `value` is what a store or an atomic brings, `result` what a load or an atomic gives, and
    `atomic` the statement of an atomic.
    """

    array: str
    kind: AccessKind
    index: tuple[Poly, ...]
    path: tuple[Condition, ...]
    site: int
    span: Span
    position: Position
    value: Value | None = None
    atomic: Atomic | None = None
    result: Value | None = None

    @property
    def changes(self) -> bool:
        """Whether it may write its element."""
        if self.atomic is not None:
            return self.atomic.op is not AtomicOp.LOAD
        return self.kind is not AccessKind.READ

    @property
    def is_asynchronous(self) -> bool:
        """Whether it is a store of a copy that its thread does not wait for at once."""
        around = (frame.owner for frame in self.position[-2:])
        return self.changes and any(isinstance(owner, AsyncCopy) for owner in around)

    @property
    def scope(self) -> Scope | None:
        """Among whom an atomic is atomic."""
        return self.atomic.scope if self.atomic is not None else None


@distinct
class Observation:
    """An atomic whose result a thread knows: which, of which element, and what led there.

    A walk from a barrier comes to the next round of the loops round it, so only what is seen
    `throughout`, in the walk through the whole kernel, is of the round of its accesses.
    """

    atomic: Atomic
    index: tuple[Poly, ...]
    path: tuple[Condition, ...]
    position: Position
    throughout: bool


@distinct
class Divisor:
    """A number that must not be zero."""

    value: Poly
    path: tuple[Condition, ...]
    site: int
    span: Span
    role: str


@distinct
class Claim:
    """A check of its own: every one of `goals` holds where all of `path` does."""

    stmt: CheckIndex | CheckView | CheckAligned | Assert
    goals: tuple[Condition, ...]
    path: tuple[Condition, ...]
    position: Position


@distinct
class LocalRead:
    """A read of a local that is assigned only where `assigned` holds."""

    name: str
    source_name: str
    assigned: Condition
    path: tuple[Condition, ...]
    span: Span


@distinct
class Arrival:
    """A barrier or warp operation with what a thread knows when it comes there.

    `member` says that the thread's lane is in the mask of a warp operation, in the terms of that
    thread; None if that is not known.
    """

    stmt: Barrier | WarpOp
    state: State
    position: Position
    member: Condition | None = TRUE


@distinct
class Decision:
    """A branch, or the head of a loop, with what leads a thread each way.

    `count` is the number of the iteration that a loop head decides about. A way is None if no
    thread goes it.
    """

    stmt: Stmt
    taken: tuple[Condition, ...] | None
    other: tuple[Condition, ...] | None
    count: Atom | None = None


@distinct
class Exit:
    """An early return of some threads of a block.

    Variables younger than `since` belong to the interval; in a loop they stand for any iteration.
    """

    stmt: Return
    path: tuple[Condition, ...]
    position: Position
    since: int


@record
class Interval:
    """What can happen between two points that order the threads of a group, in one thread.

    `group` is BLOCK between barriers, WARP between barriers and `sync_warp`, GRID between
    `grid_sync`; `start` is None at the start of the kernel.
    """

    group: Level
    start: Barrier | WarpOp | None
    accesses: tuple[Access, ...]
    exits: tuple[Exit, ...]


@record
class Effects:
    """Everything a kernel does: `whole` once through it all, and by barrier interval.

    In `touches` stand stores of copies, each with an access of the same thread that may come
    before it has waited for the copy.
    """

    whole: tuple[Access, ...]
    divisors: tuple[Divisor, ...]
    claims: tuple[Claim, ...]
    reads: tuple[LocalRead, ...]
    arrivals: tuple[Arrival, ...]
    decisions: tuple[Decision, ...]
    intervals: tuple[Interval, ...]
    touches: tuple[tuple[Access, Access], ...]

    def orders(self, group: Level) -> bool:
        """Whether some point of the kernel orders the threads of this group, and of no larger."""
        return any(interval.group is group for interval in self.intervals)
