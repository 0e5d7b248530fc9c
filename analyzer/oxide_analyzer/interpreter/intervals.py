"""The order of accesses in kernels that synchronise by the barriers of a block alone.

Within a block, what was done before the last barrier is ordered before what is done after it, so
only the accesses of the current barrier interval are kept, and two sorts beside them that no
barrier orders:

    now     site -> element -> each thread that came there since the last barrier
    left    site -> element -> a thread that returned in the interval of its access
    past    site -> element -> a thread of an earlier block

Blocks run one after the other here. Most elements are touched by one thread alone, so that is what
is looked at first:

    first   array -> element -> the thread that came there since the last barrier, or several
    marked  array -> the elements in `left` or `past` of one of its sites
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter.ordering import can_race, can_race_across_blocks, changes
from oxide_analyzer.ir.nodes import Atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.interpreter.ordering import (
        Access,
        Elements,
        Observer,
        Publisher,
        Raced,
    )
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Scope


_SEVERAL = -1


# Of each element a thread that came there, and its step.
_Last: TypeAlias = dict[int, tuple[int, int]]


@dataclass(slots=True)
class _Log:
    """What was done at one site, as told above; `block` gathers what `past` is to hold."""

    now: Elements
    left: _Last
    block: _Last
    past: _Last


_Rivals: TypeAlias = "tuple[list[tuple[Access, Elements, _Last]], list[tuple[Access, _Last]]]"


def _sorts(accesses: tuple[Access, ...]) -> list[list[Access]]:
    """The accesses that race with the same others."""
    sorts: dict[object, list[Access]] = {}
    for access in accesses:
        scope = access.scope if isinstance(access, Atomic) else None
        key = access.array, changes(access), scope
        sorts.setdefault(key, []).append(access)
    return list(sorts.values())


class Intervals:
    """The order of a kernel that synchronises by barriers alone."""

    def __init__(self, kernel: Kernel, accesses: tuple[Access, ...], raced: Raced) -> None:
        self.raced = raced
        self.within: dict[int, list[Access]] = {}
        self.across: dict[int, list[Access]] = {}
        self.logs: dict[int, _Log] = {}
        self.rivals: dict[int, _Rivals] = {}
        for alike in _sorts(accesses):
            one = alike[0]
            within = [b for b in accesses if can_race(one, b)]
            across = [b for b in accesses if can_race_across_blocks(kernel, one, b)]
            for access in alike:
                self.within[access.site], self.across[access.site] = within, across
                if within or across:
                    self.logs[access.site] = _Log({}, {}, {}, {})
        self.arrays = {a.site: a.array for a in accesses}
        self.first: dict[str, dict[int, int]] = {a.array: {} for a in accesses}
        self.marked: dict[str, set[int]] = {a.array: set() for a in accesses}

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        if access.site not in self.logs:
            return None
        raced = self.raced
        mine = self.logs[access.site].now
        within, across = self._rivals(access)
        first, marked = self.first[access.array], self.marked[access.array]

        def observe(thread: int, element: int, step: int) -> bool:
            races = False
            known = first.setdefault(element, thread)
            if known == thread and element not in marked:
                threads = mine.get(element)
                if threads is None:
                    mine[element] = {thread: step}
                return False
            if known != thread:
                first[element] = _SEVERAL
            for rival, now, left in within:
                if element in now:
                    for other, when in now[element].items():
                        if other != thread:
                            races = True
                            raced(rival, (other, when), access, (thread, step, element))
                            break
                if element in left:
                    races = True
                    raced(rival, left[element], access, (thread, step, element))
            for rival, past in across:
                if element in past:
                    races = True
                    raced(rival, past[element], access, (thread, step, element))
            threads = mine.get(element)
            if threads is None:
                mine[element] = {thread: step}
            elif thread not in threads:
                threads[thread] = step
            return races

        return observe

    def _rivals(self, access: Access) -> _Rivals:
        """Whom an access can race with, and what those did; made once for all of its sort."""
        within, across = self.within[access.site], self.across[access.site]
        known = self.rivals.get(id(within))
        if known is None:
            logs = self.logs
            known = self.rivals[id(within)] = (
                [(b, logs[b.site].now, logs[b.site].left) for b in within],
                [(b, logs[b.site].past) for b in across],
            )
        return known

    def publisher(self, access: Atomic) -> Publisher | None:
        """See `Ordering`; relaxed atomics order nothing without a fence."""
        del access
        return None

    def fence(self, thread: int, scope: Scope, step: int) -> None:
        """See `Ordering`; a fence alone orders nothing."""

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        for rival in self.within[access.site]:
            if changes(rival):
                for other, step in self.logs[rival.site].now.get(element, {}).items():
                    if other != thread:
                        yield other, step

    def meet(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """See `Ordering`."""
        gone = set(returned)
        for site, log in self.logs.items():
            if gone:
                for element, threads in log.now.items():
                    for thread in threads.keys() & gone:
                        log.left.setdefault(element, (thread, threads[thread]))
                self.marked[self.arrays[site]].update(log.left)
            self._gather(site, log)
        self._forget()

    def end_block(self) -> None:
        """See `Ordering`."""
        for site, log in self.logs.items():
            self._gather(site, log)
            log.left.clear()
            log.past.update(log.block)
            log.block.clear()
            self.marked[self.arrays[site]].update(log.past)
        self._forget()

    def _gather(self, site: int, log: _Log) -> None:
        if self.across[site]:
            for element, threads in log.now.items():
                if element not in log.block:
                    log.block[element] = next(iter(threads.items()))
        log.now.clear()

    def _forget(self) -> None:
        for first in self.first.values():
            first.clear()
