"""Which accesses of a run nothing orders: what has been done to each element, and by whom.

Two accesses by different threads race if nothing orders them, one of them changes the element,
and they are not both atomic (atomics of block scope protect from nobody in another block).

`Intervals` is for kernels that synchronise by barriers alone. Within a block, what was done
before the last barrier is ordered before what is done after it, so only the accesses of the
current barrier interval are kept, and two sorts beside them that no barrier orders:

    now     site -> element -> each thread that came there since the last barrier
    left    site -> element -> a thread that returned in the interval of its access
    past    site -> element -> a thread of an earlier block

`Clocks` is for kernels with acquiring or releasing atomics: every access is kept, and each thread
knows up to which step of each other thread it has come after: through barriers, and through an
acquire that reads what a release, or an atomic behind it, has written.

Blocks and threads run one after the other between barriers, yet nothing here depends on that
order: of two accesses that nothing orders, the second finds the first, whichever that is. Only
the accesses of this one run are compared: what no thread did here is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from oxide_analyzer.ir.nodes import Atomic, Load, Order, Scope, Space, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from oxide_analyzer.ir.kernel import Kernel

Access: TypeAlias = Load | Store | Atomic
# The threads that did something, each with the step at which it did.
Threads: TypeAlias = "dict[int, int]"
Elements: TypeAlias = "dict[int, Threads]"
Observer: TypeAlias = "Callable[[int, int, int], bool]"


# Told of each race: the earlier access with its thread and step, then the present one with its
# thread, step and element.
Raced: TypeAlias = "Callable[[Access, tuple[int, int], Access, tuple[int, int, int]], None]"


class Ordering(Protocol):
    """What `Intervals` and `Clocks` are to the machine."""

    def observer(self, access: Access) -> Observer | None:
        """To be called with (thread, element, step) at each such access; true if it races.

        None if no other access of the kernel can race with it.
        """
        ...

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """Who else changed what `access` reads since the last barrier, and at which step."""
        ...

    def barrier(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """All `live` threads have met; `returned` have left since the barrier before."""
        ...

    def end_block(self) -> None:
        """All threads of the block are done."""
        ...


def can_race(a: Access, b: Access) -> bool:
    """Whether two accesses to one element by threads of one block race if nothing orders them."""
    if isinstance(a, Atomic) and isinstance(b, Atomic):
        return False
    return a.array == b.array and not (isinstance(a, Load) and isinstance(b, Load))


def can_race_across_blocks(kernel: Kernel, a: Access, b: Access) -> bool:
    """Whether two accesses to one element by threads of different blocks race."""
    if a.array != b.array or kernel.arrays[a.array].space is not Space.GLOBAL:
        return False
    if isinstance(a, Atomic) and isinstance(b, Atomic):
        return Scope.BLOCK in (a.scope, b.scope)
    return not (isinstance(a, Load) and isinstance(b, Load))


def shared_accesses(kernel: Kernel, sites: Iterable[object]) -> tuple[Access, ...]:
    """The accesses to arrays that more than one thread can reach."""
    return tuple(
        s
        for s in sites
        if isinstance(s, Load | Store | Atomic) and kernel.arrays[s.array].space is not Space.LOCAL
    )


@dataclass(slots=True)
class _Log:
    """What was done at one site, as told above; `block` gathers what `past` is to hold."""

    now: Elements
    left: dict[int, tuple[int, int]]
    block: dict[int, tuple[int, int]]
    past: dict[int, tuple[int, int]]


class Intervals:
    """The order of a kernel that synchronises by barriers alone."""

    def __init__(self, kernel: Kernel, accesses: tuple[Access, ...], raced: Raced) -> None:
        self.raced = raced
        self.within = {a.site: [b for b in accesses if can_race(a, b)] for a in accesses}
        self.across = {
            a.site: [b for b in accesses if can_race_across_blocks(kernel, a, b)] for a in accesses
        }
        self.logs = {
            a.site: _Log({}, {}, {}, {})
            for a in accesses
            if self.within[a.site] or self.across[a.site]
        }

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        if access.site not in self.logs:
            return None
        raced = self.raced
        mine = self.logs[access.site].now
        within = [
            (b, self.logs[b.site].now, self.logs[b.site].left) for b in self.within[access.site]
        ]
        across = [(b, self.logs[b.site].past) for b in self.across[access.site]]

        def observe(thread: int, element: int, step: int) -> bool:
            races = False
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

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        for rival in self.within[access.site]:
            if not isinstance(rival, Load):
                for other, step in self.logs[rival.site].now.get(element, {}).items():
                    if other != thread:
                        yield other, step

    def barrier(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """See `Ordering`."""
        gone = set(returned)
        for site, log in self.logs.items():
            if gone:
                for element, threads in log.now.items():
                    for thread in threads.keys() & gone:
                        log.left.setdefault(element, (thread, threads[thread]))
            self._gather(site, log)

    def end_block(self) -> None:
        """See `Ordering`."""
        for site, log in self.logs.items():
            self._gather(site, log)
            log.left.clear()
            log.past.update(log.block)
            log.block.clear()

    def _gather(self, site: int, log: _Log) -> None:
        if self.across[site]:
            for element, threads in log.now.items():
                if element not in log.block:
                    log.block[element] = next(iter(threads.items()))
        log.now.clear()


@dataclass(slots=True)
class _Released:
    """How far those have come whose releases an element carries, by whom they can reach."""

    everywhere: Threads
    within: dict[int, Threads]


class Clocks:
    """The order of a kernel with acquiring or releasing atomics."""

    def __init__(
        self, kernel: Kernel, accesses: tuple[Access, ...], raced: Raced, block_size: int
    ) -> None:
        self.kernel = kernel
        self.raced = raced
        self.accesses = accesses
        self.block_size = block_size
        self.logs: dict[int, Elements] = {a.site: {} for a in accesses}
        self.known: dict[int, Threads] = {}
        self.released: dict[tuple[str, int], _Released] = {}
        self.last_barrier = 0
        self.last_step = 0

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        raced, size = self.raced, self.block_size
        mine = self.logs[access.site]
        rivals = [
            (b, self.logs[b.site], within, across)
            for b in self.accesses
            for within in [can_race(access, b)]
            for across in [can_race_across_blocks(self.kernel, access, b)]
            if within or across
        ]
        order = access.order if isinstance(access, Atomic) else Order.RELAXED
        acquires = order in (Order.ACQUIRE, Order.ACQ_REL)
        releases = order in (Order.RELEASE, Order.ACQ_REL)

        def observe(thread: int, element: int, step: int) -> bool:
            self.last_step = step
            known = self.known.setdefault(thread, {})
            if acquires:
                self._acquire(access, element, thread, known)
            races = False
            for rival, log, within, across in rivals:
                for other, when in log.get(element, {}).items():
                    if other == thread or when <= known.get(other, 0):
                        continue
                    if within if other // size == thread // size else across:
                        races = True
                        raced(rival, (other, when), access, (thread, step, element))
                        break
            mine.setdefault(element, {})[thread] = step
            if releases:
                self._release(access, element, thread, known, step)
            return races

        return observe

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        for rival in self.accesses:
            if can_race(access, rival) and not isinstance(rival, Load):
                for other, step in self.logs[rival.site].get(element, {}).items():
                    if other != thread and step > self.last_barrier:
                        yield other, step

    def barrier(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """See `Ordering`."""
        together: Threads = {}
        threads = list(live)
        for thread in threads:
            _merge(together, self.known.get(thread, {}))
        together.update(dict.fromkeys(threads, self.last_step))
        for thread in threads:
            self.known[thread] = dict(together)
        self.last_barrier = self.last_step

    def end_block(self) -> None:
        """See `Ordering`."""
        self.last_barrier = self.last_step
        # Shared memory begins anew: nothing done to it so far is seen by the next block.
        for access in self.accesses:
            if self.kernel.arrays[access.array].space is Space.SHARED:
                self.logs[access.site].clear()
        for array, element in list(self.released):
            if self.kernel.arrays[array].space is Space.SHARED:
                del self.released[array, element]

    def _acquire(self, access: Access, element: int, thread: int, known: Threads) -> None:
        released = self.released.get((access.array, element))
        if released is None:
            return
        _merge(known, released.within.get(thread // self.block_size, {}))
        if not (isinstance(access, Atomic) and access.scope is Scope.BLOCK):
            _merge(known, released.everywhere)

    def _release(
        self, access: Access, element: int, thread: int, known: Mapping[int, int], step: int
    ) -> None:
        released = self.released.setdefault((access.array, element), _Released({}, {}))
        targets = [released.within.setdefault(thread // self.block_size, {})]
        if not (isinstance(access, Atomic) and access.scope is Scope.BLOCK):
            targets.append(released.everywhere)
        for target in targets:
            _merge(target, known)
            target[thread] = step


def _merge(into: Threads, other: Mapping[int, int]) -> None:
    for thread, step in other.items():
        if into.get(thread, 0) < step:
            into[thread] = step
