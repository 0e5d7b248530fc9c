"""What goes wrong in a run, said in terms of its block: who waited, returned, came to the end.

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

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter.findings import Moment
from oxide_analyzer.interpreter.outcome import (
    Divergence,
    HarmfulExit,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.translate import Sited, access_kind
from oxide_analyzer.ir.nodes import Atomic, Load, Store

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from oxide_analyzer.interpreter.findings import Findings, Seen
    from oxide_analyzer.interpreter.memory import Memory
    from oxide_analyzer.interpreter.ordering import Access, Ordering
    from oxide_analyzer.interpreter.outcome import Failure
    from oxide_analyzer.ir.nodes import Barrier, CheckDivisor, Read, Return
    from oxide_analyzer.source import Span


@dataclass(frozen=True, slots=True)
class _Exit:
    """A return, and how many barriers the block had met before it."""

    moment: Moment
    interval: int


class Record:
    """The failures of a run, and what has happened in the block that runs."""

    def __init__(
        self, findings: Findings, memories: Mapping[str, Memory], block_size: int, end: Span
    ) -> None:
        self.findings = findings
        self.memories = memories
        self.block_size = block_size
        self.end = end
        self.met: list[Moment] = []
        # Every thread waits at every barrier: that is kept cheap.
        self.waiting: dict[int, tuple[Barrier, int]] = {}
        self.returned: dict[int, _Exit] = {}
        self.ended: dict[int, int] = {}
        self.undefined: dict[tuple[int, int], tuple[Access, int, Moment]] = {}

    # ------------------------------------------------------------ what happens

    def begin_block(self) -> None:
        """Nothing has happened in this block yet."""
        self.met.clear()
        self.waiting.clear()
        self.returned.clear()
        self.ended.clear()

    def arrive(self, barrier: Barrier, thread: int, step: int) -> None:
        """A thread waits."""
        self.waiting[thread] = barrier, step

    def leave(self, statement: Return, thread: int, step: int) -> None:
        """A thread returns."""
        self.returned[thread] = _Exit(_at(statement, thread, step), len(self.met))

    def finish(self, thread: int, step: int) -> None:
        """A thread comes to the end of the kernel."""
        self.ended[thread] = step

    def meet(self, thread: int) -> None:
        """All that are left wait where `thread` does."""
        self.met.append(self._wait(thread))

    def returned_now(self) -> list[int]:
        """The threads that returned since the last barrier."""
        interval = len(self.met)
        return [thread for thread, at in self.returned.items() if at.interval == interval]

    # ------------------------------------------------------------ what fails

    def diverge(self, thread: int, others: Iterable[int]) -> bool:
        """Whether a thread waits in vain: for one of `others`, or for one that has ended."""
        apart = next(iter(others), None)
        if apart is None and not self.ended:
            return False
        waiting = self._wait(thread)
        other = self._end() if apart is None else self._wait(apart)

        def build(see: Seen, clean: bool) -> Failure:
            return Divergence(see(waiting), see(other), clean)

        key = (Divergence, waiting.site, other.site)
        self.findings.add(key, (waiting, other), max(waiting.step, other.step), build)
        return True

    def race(
        self, first: Access, earlier: tuple[int, int], second: Access, now: tuple[int, int, int]
    ) -> None:
        """Nothing orders `second`, at (thread, step, element), after `first`, at (thread, step)."""
        thread, step, element = now
        exit = self.returned.get(earlier[0])
        if exit is not None and exit.interval < len(self.met):
            after = self._touch(second, thread, step, element)
            self._harmful_exit(exit, after, self._touch(first, *earlier, element))
            return
        same_block = earlier[0] // self.block_size == thread // self.block_size
        key = (Race, *sorted((first.site, second.site)), same_block)
        if self.findings.is_settled(key):
            return
        before = self._touch(first, *earlier, element)
        after = self._touch(second, thread, step, element)

        def build(see: Seen, clean: bool) -> Failure:
            return Race(see(before), see(after), clean)

        self.findings.add(key, (before, after), step, build)

    def out_of_bounds(self, access: Access, thread: int, step: int, index: tuple[int, ...]) -> None:
        """An index is not within the shape; a load or atomic goes on with an invented value."""
        shape = self.memories[access.array].shape
        axis = next(k for k, i in enumerate(index) if not 0 <= i < shape[k])
        moment = _at(access, thread, step, access.array, index)

        def build(see: Seen, clean: bool) -> Failure:
            return OutOfBounds(see(moment), axis, shape[axis], clean)

        self.findings.add((OutOfBounds, access.site), (moment,), step, build)
        if not isinstance(access, Store):
            self.findings.taint(thread, step)

    def zero_divisor(self, check: CheckDivisor, thread: int, step: int) -> None:
        """A divisor is zero."""
        moment = _at(check, thread, step)

        def build(see: Seen, clean: bool) -> Failure:
            return ZeroDivisor(see(moment), clean)

        self.findings.add((ZeroDivisor, check.site), (moment,), step, build)
        self.findings.taint(thread, step)

    def unassigned(self, read: Read, thread: int, step: int) -> None:
        """A local is read that was never assigned."""
        moment = Moment(AccessKind.READ, None, read.span, None, (), thread, step)
        self._uninitialised((Uninitialised, read.local.name, read.span), moment)

    def undefined_private(self, access: Access, thread: int, step: int, element: int) -> None:
        """An element of a local array is read that was never written."""
        self._uninitialised(
            (Uninitialised, access.site), self._touch(access, thread, step, element)
        )

    def undefined_shared(self, access: Access, thread: int, step: int, element: int) -> None:
        """An element of a shared array is read that nobody has written yet."""
        moment = self._touch(access, thread, step, element)
        self.undefined.setdefault((access.site, element), (access, element, moment))
        self.findings.taint(thread, step)

    def judge_undefined(self, ordering: Ordering) -> None:
        """The interval is over: say which undefined reads fail, and why."""
        tainted = self.findings.tainted
        for access, element, read in self.undefined.values():
            if any(
                tainted.get(thread, step) >= step
                for thread, step in ordering.writers(access, element, read.thread)
            ):
                continue
            exit = next((e for e in self.returned.values() if e.interval < len(self.met)), None)
            if exit is None:
                self._uninitialised((Uninitialised, read.site), read)
            else:
                self._harmful_exit(exit, read, None)
        self.undefined.clear()

    def _wait(self, thread: int) -> Moment:
        barrier, step = self.waiting[thread]
        return _at(barrier, thread, step)

    def _end(self) -> Moment:
        """The first thread that came to the end."""
        thread, step = next(iter(self.ended.items()))
        return Moment(AccessKind.EXIT, None, self.end, None, (), thread, step)

    def _harmful_exit(self, exit: _Exit, access: Moment, other: Moment | None) -> None:
        leave, barrier = exit.moment, self.met[exit.interval]
        key = (HarmfulExit, leave.site, access.site, None if other is None else other.site)
        if self.findings.is_settled(key):
            return

        def build(see: Seen, clean: bool) -> Failure:
            past = None if other is None else see(other)
            return HarmfulExit(see(leave), see(barrier), see(access), past, clean)

        moments = (leave, barrier, access) if other is None else (leave, barrier, access, other)
        self.findings.add(key, moments, access.step, build)

    def _uninitialised(self, key: Hashable, read: Moment) -> None:
        def build(see: Seen, clean: bool) -> Failure:
            return Uninitialised(see(read), clean)

        self.findings.add(key, (read,), read.step, build)
        self.findings.taint(read.thread, read.step)

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
