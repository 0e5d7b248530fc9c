"""What the translated kernel calls: for each of its statements a function, made for one run.

    load_3(me, offset)        check_5(me, divisor)       arrive_7(me)       leave_8(me)

Each counts a step, notes that the thread came there, and does what the statement does; where
that goes wrong it tells the record. The clock looks for the locals of the thread one frame above,
so the text calls these directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never
from zlib import crc32

from oxide_analyzer.interpreter import arithmetic, memory
from oxide_analyzer.interpreter.atomics import atomic
from oxide_analyzer.interpreter.lines import line
from oxide_analyzer.interpreter.memory import Scene
from oxide_analyzer.interpreter.warps import WARP, Brought
from oxide_analyzer.ir.deciding import deciding
from oxide_analyzer.ir.nodes import (
    Assert,
    AsyncCommit,
    AsyncWait,
    Atomic,
    Barrier,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Fence,
    Forget,
    Load,
    Print,
    Return,
    Space,
    Store,
    Told,
    WarpOp,
)
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.copies import Copies
    from oxide_analyzer.interpreter.ensemble import Ensemble
    from oxide_analyzer.interpreter.findings import Findings
    from oxide_analyzer.interpreter.memory import Memory, Values
    from oxide_analyzer.interpreter.ordering import Access, Ordering
    from oxide_analyzer.interpreter.program import Check, Program, Sited
    from oxide_analyzer.interpreter.record import Record
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Number


class Actions:
    """Makes the functions; `names` is what the text sees."""

    def __init__(
        self,
        kernel: Kernel,
        program: Program,
        memories: Mapping[str, Memory],
        clock: Clock,
        findings: Findings,
        record: Record,
        ordering: Ordering,
        copies: Copies,
        ensemble: Ensemble | None,
    ) -> None:
        self.kernel = kernel
        self.program = program
        self.memories = memories
        self.clock = clock
        self.findings = findings
        self.record = record
        self.ordering = ordering
        self.copies = copies
        self.ensemble = ensemble
        self.deciding = deciding(kernel)
        self.visits: dict[int, set[int]] = {site: set() for site in program.statements}
        self.lines: list[str] = []

    def names(self) -> Mapping[str, Any]:
        """What the translation calls."""
        names: dict[str, Any] = {
            "tick": self.clock.tick,
            "finish": self._finish,
            "undefined_array": self._undefined_array,
        }
        for number in range(len(self.program.reads)):
            names[f"unassigned_{number}"] = self._unassigned(number)
        for site, statement in self.program.statements.items():
            match statement:
                case Load() | Store() | Atomic():
                    names[f"outside_{site}"] = self._outside(statement)
                    names[f"{_verb(statement)}_{site}"] = self._access(statement)
                case CheckDivisor():
                    names[f"check_{site}"] = self._check(statement, _is_no_divisor)
                case CheckIndex():
                    names[f"check_{site}"] = self._check(statement, _is_no_index)
                case CheckView():
                    names[f"check_{site}"] = self._check(statement, _is_no_view)
                case CheckAligned(width=width):
                    names[f"check_{site}"] = self._check(statement, _is_no_multiple_of(width))
                case Assert():
                    names[f"check_{site}"] = self._check(statement, _is_false)
                case Print():
                    names[f"print_{site}"] = self._print(statement)
                case Forget(told=Told.ACTIVE_LANES):
                    names[f"arrive_{site}"] = self._noting(statement, self._ask)
                    names[f"result_{site}"] = self._result(statement)
                case Forget():
                    names[f"forget_{site}"] = self._forget(statement)
                case Fence():
                    names[f"fence_{site}"] = self._noting(statement, self._fence)
                case AsyncCommit():
                    names[f"commit_{site}"] = self._noting(statement, self._commit)
                case AsyncWait():
                    names[f"wait_{site}"] = self._noting(statement, self._wait)
                case Barrier():
                    names[f"arrive_{site}"] = self._noting(statement, self.record.arrive)
                case WarpOp():
                    names[f"arrive_{site}"] = self._come_together(statement)
                    names[f"result_{site}"] = self._result(statement)
                case Return():
                    names[f"leave_{site}"] = self._noting(statement, self.record.leave)
                case _:
                    assert_never(statement)
        return names

    # ------------------------------------------------------------ accesses

    def _access(self, access: Access) -> Callable[..., Any]:
        if self.kernel.arrays[access.array].space is Space.LOCAL:
            return self._private_access(access)
        observe = self.copies.watching(access, self.ordering.observer(access))
        scene = self._scene(access, observe, self._undefined_shared(access))
        match access:
            case Load():
                return memory.loader(scene)
            case Store():
                return memory.storer(scene, self.copies.starting(access))
            case Atomic():
                return atomic(scene, access.op, self.ordering.publisher(access))

    def _private_access(self, access: Access) -> Callable[..., Any]:
        def undefined(thread: int, element: int, step: int) -> None:
            self.record.undefined_private(access, thread, step, element)

        scene = self._scene(access, None, undefined)
        match access:
            case Load():
                return memory.private_loader(scene)
            case Store():
                return memory.private_storer(scene)
            case Atomic():
                raise ValueError(f"{access.span}: an atomic on a local array")

    def _undefined_shared(self, access: Access) -> memory.Undefined:
        def undefined(thread: int, element: int, step: int) -> None:
            self.record.undefined_shared(access, thread, step, element)

        return undefined

    def _scene(
        self, access: Access, observe: memory.Observer | None, undefined: memory.Undefined
    ) -> Scene:
        return Scene(
            self.memories[access.array],
            self.clock,
            self.visits[access.site],
            observe,
            undefined,
            self.findings.tainted,
        )

    def _outside(self, access: Access) -> Callable[[int, tuple[int, ...]], Number]:
        clock, visits = self.clock, self.visits[access.site]
        tell = self.record.out_of_bounds(access)
        nothing = arithmetic.zero(self.memories[access.array].element)

        def outside(thread: int, index: tuple[int, ...]) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            tell(thread, step, index)
            return nothing

        return outside

    def _unassigned(self, number: int) -> Callable[[int], Number]:
        clock, read = self.clock, self.program.reads[number]
        nothing = arithmetic.zero(read.type)

        def unassigned(thread: int) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            self.record.unassigned(read, thread, step)
            return nothing

        return unassigned

    def _undefined_array(self, name: str) -> Values:
        return [None] * self.memories[name].count

    # ------------------------------------------------------------ checks

    def _check(self, statement: Check, fails: Callable[..., bool]) -> Callable[..., None]:
        clock, visits = self.clock, self.visits[statement.site]

        def check(thread: int, *values: Number) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            if fails(*values):
                self.record.check(statement, thread, step, values)

        return check

    # ------------------------------------------------------------ together

    def _noting(
        self, statement: Sited, note: Callable[[Any, int, int], None]
    ) -> Callable[[int], None]:
        clock, visits = self.clock, self.visits[statement.site]

        def come(thread: int) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            note(statement, thread, step)

        return come

    def _forget(self, statement: Forget) -> Callable[[int, tuple[Number, ...]], Number]:
        """Invent a value, another one for each thread and time, or for what it is a function of.
        Where it decides what the thread does, nothing that is found behind it holds of every
        value."""
        clock, visits = self.clock, self.visits[statement.site]
        type, decides = statement.target.type, statement.site in self.deciding

        invented, is_function = arithmetic.conversion(I64, type), statement.of is not None
        # What may be an index or a count is small; floats of different origins differ.
        most = 1021 if type.is_float else 8

        def forget(thread: int, of: tuple[Number, ...]) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            if decides:
                self.findings.taint(thread, step)
            if is_function:
                return invented(crc32(repr(of).encode()) % most)
            return invented((5 * thread + step) % 8)

        return forget

    def _ask(self, asked: Forget, thread: int, step: int) -> None:
        """Who is there is another matter each time: it decides as any value that nobody knows."""
        if asked.site in self.deciding:
            self.findings.taint(thread, step)

    def _print(self, statement: Print) -> Callable[..., None]:
        """Write a line, in the order in which threads come."""
        clock, visits, lines = self.clock, self.visits[statement.site], self.lines

        def write(thread: int, *values: Number) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            lines.append(line(statement, values))

        return write

    def _fence(self, fence: Fence, thread: int, step: int) -> None:
        self.ordering.fence(thread, fence.scope, step)

    def _commit(self, commit: AsyncCommit, thread: int, step: int) -> None:
        del commit, step
        self.copies.commit(thread)

    def _wait(self, wait: AsyncWait, thread: int, step: int) -> None:
        self.copies.wait(thread, wait.pending, step)

    def _finish(self, thread: int) -> None:
        clock = self.clock
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        self.record.finish(thread, step)

    def _come_together(self, operation: WarpOp) -> Callable[..., bool]:
        """Bring a value, a lane and a mask; whether to wait for the other lanes of the mask."""
        clock, visits, record = self.clock, self.visits[operation.site], self.record
        ensemble = self.ensemble
        assert ensemble is not None

        def come(thread: int, value: Number | None, operand: int | None, mask: int | None) -> bool:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            lanes = ensemble.lanes_of(thread)
            lane = thread % ensemble.block_size % WARP
            asked = lanes if mask is None else mask
            if not asked >> lane & 1:
                record.outside_mask(operation, thread, step, asked, lane)
                return False
            ensemble.brought[thread] = Brought(value, operand or 0), asked & lanes
            record.arrive(operation, thread, step)
            return True

        return come

    def _result(self, operation: WarpOp | Forget) -> Callable[[int], Any]:
        """What the thread got; a lane outside of the mask gets nothing."""
        ensemble, target = self.ensemble, operation.target
        assert ensemble is not None
        if target is None:
            return lambda thread: None
        results, nothing = ensemble.results, arithmetic.zero(target.type)
        return lambda thread: results.pop(thread, nothing)


def _verb(access: Access) -> str:
    match access:
        case Load():
            return "load"
        case Store():
            return "store"
        case Atomic():
            return "atomic"


def _is_no_divisor(divisor: int) -> bool:
    return divisor == 0


def _is_no_index(index: int, extent: int) -> bool:
    return not 0 <= index < extent


def _is_no_view(start: int, stop: int, extent: int) -> bool:
    return not 0 <= start <= stop <= extent


def _is_no_multiple_of(width: int) -> Callable[[int], bool]:
    return lambda offset: offset % width != 0


def _is_false(condition: bool) -> bool:
    return not condition
