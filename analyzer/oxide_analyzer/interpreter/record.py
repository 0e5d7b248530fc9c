"""What goes wrong in a run, said in terms of its blocks: who waited, returned, came to the end.

The functions that play statements call this when something fails; it turns the bare numbers
into moments and decides which failure it is. The two that depend on exits:

* Of two accesses that nothing orders, one by a thread that returned before a barrier which lies
  between them, it is the exit that is harmful, not the access behind the barrier.
* A shared element that is read and was never written is undefined, unless another thread writes
  it in the same interval: then the two race, and another order of the threads reads what was
  written. So such reads are judged when the interval is over. Where threads returned before an
  earlier barrier, no live thread wrote the element, and their exit is to blame.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter.findings import Moment
from oxide_analyzer.interpreter.outcome import (
    BadView,
    Divergence,
    FailedAssertion,
    HarmfulExit,
    Misaligned,
    OutOfBounds,
    OutsideMask,
    Race,
    Uninitialised,
    WarpDivergence,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.program import Sited, access_kind
from oxide_analyzer.ir.nodes import (
    Assert,
    Atomic,
    Barrier,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Group,
    Load,
    Store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from oxide_analyzer.interpreter.findings import Findings, Seen
    from oxide_analyzer.interpreter.memory import Memory
    from oxide_analyzer.interpreter.ordering import Access, Ordering
    from oxide_analyzer.interpreter.outcome import Failure
    from oxide_analyzer.interpreter.program import Check, Meeting
    from oxide_analyzer.ir.nodes import Read, Return, WarpOp
    from oxide_analyzer.launch import Number
    from oxide_analyzer.source import Span

Outside: TypeAlias = "Callable[[int, int, tuple[int, ...]], None]"


@dataclass(frozen=True, slots=True)
class _Exit:
    """A return, and how many barriers the block had met before it."""

    moment: Moment
    interval: int


@dataclass(frozen=True, slots=True)
class _Met:
    """One thread at a barrier that its block has met."""

    moment: Moment
    group: Group


class Record:
    """The failures of a run, and what has happened in each block."""

    def __init__(
        self, findings: Findings, memories: Mapping[str, Memory], block_size: int, end: Span
    ) -> None:
        self.findings = findings
        self.memories = memories
        self.block_size = block_size
        self.end = end
        self.met: defaultdict[int, list[_Met]] = defaultdict(list)
        # Every thread waits at every barrier: that is kept cheap.
        self.waiting: dict[int, tuple[Meeting, int]] = {}
        self.returned: defaultdict[int, dict[int, _Exit]] = defaultdict(dict)
        self.ended: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.undefined: defaultdict[int, dict[tuple[int, int], tuple[Access, int, Moment]]]
        self.undefined = defaultdict(dict)

    # ------------------------------------------------------------ what happens

    def arrive(self, meeting: Meeting, thread: int, step: int) -> None:
        """A thread waits."""
        self.waiting[thread] = meeting, step

    def leave(self, statement: Return, thread: int, step: int) -> None:
        """A thread returns."""
        block = thread // self.block_size
        self.returned[block][thread] = _Exit(_at(statement, thread, step), len(self.met[block]))

    def finish(self, thread: int, step: int) -> None:
        """A thread comes to the end of the kernel."""
        self.ended[thread // self.block_size][thread] = step

    def meet(self, block: int, thread: int) -> None:
        """All that are left of a block wait where `thread` does, and with them others' threads."""
        barrier, step = self.waiting[thread]
        assert isinstance(barrier, Barrier)
        self.met[block].append(_Met(_at(barrier, thread, step), barrier.group))

    def returned_now(self, block: int) -> list[int]:
        """The threads of a block that returned since its last barrier."""
        interval = len(self.met[block])
        return [t for t, at in self.returned[block].items() if at.interval == interval]

    # ------------------------------------------------------------ what fails

    def diverge(self, thread: int, others: Iterable[int]) -> bool:
        """Whether a thread waits in vain: for one of `others`, or for one that has ended."""
        apart = next(iter(others), None)
        ended = self.ended[thread // self.block_size]
        if apart is None and not ended:
            return False
        waiting = self._wait(thread)
        other = self._end(ended) if apart is None else self._wait(apart)

        def build(see: Seen, clean: bool) -> Failure:
            return Divergence(see(waiting), see(other), clean)

        key = (Divergence, waiting.site, other.site)
        self.findings.add(key, (waiting, other), max(waiting.step, other.step), build)
        return True

    def diverge_across_blocks(self, thread: int, ended: int) -> None:
        """A thread waits for the whole grid, of which one has ended."""
        waiting, other = self._wait(thread), self._end(self.ended[ended])

        def build(see: Seen, clean: bool) -> Failure:
            return Divergence(see(waiting), see(other), clean)

        key = (Divergence, waiting.site, other.site)
        self.findings.add(key, (waiting, other), max(waiting.step, other.step), build)

    def diverge_in_warp(self, thread: int, other_thread: int) -> None:
        """A lane waits for another, which waits elsewhere or has ended."""
        waiting = self._wait(thread)
        step = self.ended[thread // self.block_size].get(other_thread)
        if step is None:
            other = self._wait(other_thread)
        else:
            other = Moment(AccessKind.EXIT, None, self.end, None, (), other_thread, step)

        def build(see: Seen, clean: bool) -> Failure:
            return WarpDivergence(see(waiting), see(other), clean)

        key = (WarpDivergence, waiting.site, other.site)
        self.findings.add(key, (waiting, other), max(waiting.step, other.step), build)

    def outside_mask(self, operation: WarpOp, thread: int, step: int, mask: int, lane: int) -> None:
        """A lane came to an operation of other lanes; it goes on with an invented value."""
        moment = _at(operation, thread, step)

        def build(see: Seen, clean: bool) -> Failure:
            return OutsideMask(see(moment), mask, lane, clean)

        self._alone((OutsideMask, operation.site), moment, build)

    def race(
        self, first: Access, earlier: tuple[int, int], second: Access, now: tuple[int, int, int]
    ) -> None:
        """Nothing orders `second`, at (thread, step, element), after `first`, at (thread, step)."""
        thread, step, element = now
        gone = self._exit_before_barrier(earlier[0], thread)
        if gone is not None:
            after = self._touch(second, thread, step, element)
            self._harmful_exit(*gone, after, self._touch(first, *earlier, element))
            return
        same_block = earlier[0] // self.block_size == thread // self.block_size
        one, other = first.site, second.site
        key = (Race, one, other, same_block) if one < other else (Race, other, one, same_block)
        is_vain = self.findings.is_vain
        if is_vain(key, thread, step) or is_vain(key, *earlier):
            return
        before = self._touch(first, *earlier, element)
        after = self._touch(second, thread, step, element)

        def build(see: Seen, clean: bool) -> Failure:
            return Race(see(before), see(after), clean)

        self.findings.add(key, (before, after), step, build)

    def out_of_bounds(self, access: Access) -> Outside:
        """To be called with (thread, step, index) where an index of an access is not within the
        shape; a load or atomic goes on with an invented value."""
        shape, invents = self.memories[access.array].shape, not isinstance(access, Store)
        taint, is_vain = self.findings.taint, self.findings.is_vain
        # In front of an array and behind it are two mistakes.
        behind, front = (OutOfBounds, access.site, False), (OutOfBounds, access.site, True)

        def tell(thread: int, step: int, index: tuple[int, ...]) -> None:
            axis = 0
            while 0 <= index[axis] < shape[axis]:
                axis += 1
            if invents:
                taint(thread, step)
            key = front if index[axis] < 0 else behind
            if is_vain(key, thread, step):
                return
            moment = _at(access, thread, step, access.array, index)

            def build(see: Seen, clean: bool) -> Failure:
                return OutOfBounds(see(moment), axis, shape[axis], clean)

            self.findings.add(key, (moment,), step, build)

        return tell

    def check(self, check: Check, thread: int, step: int, values: tuple[Number, ...]) -> None:
        """What `check` says does not hold of its operands; the thread goes on all the same."""
        array, index = None, ()
        match check:
            case CheckIndex(array=array) | CheckAligned(array=array):
                index = (int(values[0]),)
            case CheckView(array=array):
                pass
            case CheckDivisor() | Assert():
                pass
        key = type(check), check.site
        if self.findings.is_vain(key, thread, step):
            self.findings.taint(thread, step)
            return
        moment = _at(check, thread, step, array, index)

        def build(see: Seen, clean: bool) -> Failure:
            event = see(moment)
            match check:
                case CheckDivisor():
                    return ZeroDivisor(event, clean)
                case CheckIndex(axis=axis, is_row=is_row):
                    return OutOfBounds(event, axis, int(values[1]), clean, True, is_row)
                case CheckView(axis=axis):
                    start, stop, length = (int(value) for value in values)
                    return BadView(event, axis, start, stop, length, clean)
                case CheckAligned(width=width):
                    return Misaligned(event, width, clean)
                case Assert(message=message):
                    return FailedAssertion(event, message, clean)

        self._alone(key, moment, build)

    def unassigned(self, read: Read, thread: int, step: int) -> None:
        """A local is read that was never assigned."""
        moment = Moment(AccessKind.READ, None, read.span, None, (), thread, step)
        self._uninitialised((Uninitialised, read.local.name, read.span), moment)

    def undefined_private(self, access: Access, thread: int, step: int, element: int) -> None:
        """An element of a local array is read that was never written."""
        key = Uninitialised, access.site
        if self.findings.is_vain(key, thread, step):
            self.findings.taint(thread, step)
            return
        self._uninitialised(key, self._touch(access, thread, step, element))

    def undefined_shared(self, access: Access, thread: int, step: int, element: int) -> None:
        """An element of a shared array is read that nobody has written yet."""
        undefined = self.undefined[thread // self.block_size]
        if (access.site, element) not in undefined:
            moment = self._touch(access, thread, step, element)
            undefined[access.site, element] = access, element, moment
        self.findings.taint(thread, step)

    def judge_undefined(self, block: int, ordering: Ordering) -> None:
        """The interval of a block is over: say which undefined reads fail, and why."""
        undefined = self.undefined[block]
        if not undefined:
            return
        tainted, met = self.findings.tainted, self.met[block]
        for access, element, read in undefined.values():
            if any(
                tainted.get(thread, step) >= step
                for thread, step in ordering.writers(access, element, read.thread)
            ):
                continue
            exit = next((e for e in self.returned[block].values() if e.interval < len(met)), None)
            if exit is None:
                self._uninitialised((Uninitialised, read.site), read)
            else:
                self._harmful_exit(exit, met[exit.interval].moment, read, None)
        undefined.clear()

    def _exit_before_barrier(self, gone: int, thread: int) -> tuple[_Exit, Moment] | None:
        """The return of `gone`, and a barrier behind it that `thread` has met without it."""
        block = gone // self.block_size
        exit = self.returned[block].get(gone)
        if exit is None:
            return None
        within = block == thread // self.block_size
        for met in self.met[block][exit.interval :]:
            if within or met.group is Group.GRID:
                return exit, met.moment
        return None

    def _wait(self, thread: int) -> Moment:
        meeting, step = self.waiting[thread]
        return _at(meeting, thread, step)

    def _end(self, ended: Mapping[int, int]) -> Moment:
        """The first thread that came to the end."""
        thread, step = next(iter(ended.items()))
        return Moment(AccessKind.EXIT, None, self.end, None, (), thread, step)

    def _alone(self, key: Hashable, moment: Moment, build: Callable[[Seen, bool], Failure]) -> None:
        """A failure of one thread, which goes on with what is left to chance."""
        self.findings.add(key, (moment,), moment.step, build)
        self.findings.taint(moment.thread, moment.step)

    def _harmful_exit(
        self, exit: _Exit, barrier: Moment, access: Moment, other: Moment | None
    ) -> None:
        leave = exit.moment
        key = (HarmfulExit, leave.site, access.site, None if other is None else other.site)
        if any(self.findings.is_vain(key, at.thread, at.step) for at in (leave, barrier, access)):
            return

        def build(see: Seen, clean: bool) -> Failure:
            past = None if other is None else see(other)
            return HarmfulExit(see(leave), see(barrier), see(access), past, clean)

        moments = (leave, barrier, access) if other is None else (leave, barrier, access, other)
        self.findings.add(key, moments, access.step, build)

    def _uninitialised(self, key: Hashable, read: Moment) -> None:
        def build(see: Seen, clean: bool) -> Failure:
            return Uninitialised(see(read), clean)

        self._alone(key, read, build)

    def _touch(self, access: Load | Store | Atomic, thread: int, step: int, element: int) -> Moment:
        index = self.memories[access.array].index(element)
        return _at(access, thread, step, access.array, index)


def _at(
    statement: Sited,
    thread: int,
    step: int,
    array: str | None = None,
    index: tuple[int, ...] = (),
) -> Moment:
    kind = access_kind(statement)
    return Moment(kind, statement.site, statement.span, array, index, thread, step)
