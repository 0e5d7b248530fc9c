"""The order of accesses in kernels that synchronise by more than the barriers of a block.

Every access is kept, and each thread knows up to which step of each other thread it has come
after: its clock. Threads that meet, at a barrier or a `sync_warp`, know afterwards what one of
them knew and what each had done. What an atomic has written carries the clocks that it releases:

    a release                         the clock of its thread
    a relaxed atomic behind a fence   the clock of its thread at that fence
    a read-modify-write               beside its own, what the value before it carried
    a store, atomic or not            its own alone: it cuts the chain

An acquire takes over what the value that it reads carries; a relaxed atomic keeps it until its
thread comes to a fence. Each passes on no further than its scope: what was released to the own
block reaches threads of that block alone, and who acquires within the block hears nothing of what
other blocks released. A fence in front and an atomic behind, or the other way round, reach as far
as the narrower of both. This is the order of C++ and of PTX, whose causality starts and ends at
the first and the last operation of such a pattern.

    data[0] = 1                 while atomic.load(flag, 0) == 0:
    fence()                         pass
    atomic.store(flag, 0, 1)    fence()
                                x = data[0]       ordered; without either fence a race
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.ordering import (
    can_race,
    can_race_across_blocks,
    leaves_block,
    reaches_cluster,
)
from oxide_analyzer.ir.nodes import Atomic, AtomicOp, Order, Space, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from oxide_analyzer.interpreter.ordering import (
        Access,
        Elements,
        Observer,
        Publisher,
        Raced,
        Threads,
    )
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Scope

_NOTHING: Threads = {}


@dataclass(slots=True)
class _Carried:
    """What a value carries: clocks for everybody, and those for the threads of one block."""

    everywhere: Threads
    within: dict[int, Threads]


@dataclass(slots=True)
class _Pair:
    """Two clocks of one thread: what reaches its own block, and what reaches all."""

    block: Threads
    device: Threads


class Clocks:
    """What every thread knows of every other.

    Clocks are shared between threads and values, and never changed in place.
    """

    def __init__(
        self,
        kernel: Kernel,
        accesses: tuple[Access, ...],
        raced: Raced,
        block_size: int,
        cluster: Callable[[int], int] | None = None,
    ) -> None:
        self.cluster = cluster
        self.kernel = kernel
        self.raced = raced
        self.accesses = accesses
        self.block_size = block_size
        self.changed_atomically = {a.array for a in accesses if isinstance(a, Atomic)}
        self.logs: dict[int, Elements] = {a.site: {} for a in accesses}
        self.known: dict[int, Threads] = {}
        self.carried: dict[tuple[str, int], _Carried] = {}
        # What each thread has read and not acquired, and its clock at its last fences.
        self.heard: dict[int, _Pair] = {}
        self.fenced: dict[int, _Pair] = {}
        # Writes that raced with an earlier read: (site of the read, element) -> who wrote when.
        self.overtaken: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.last_step = 0

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        raced, size, cluster = self.raced, self.block_size, self.cluster
        mine = self.logs[access.site]
        rivals = [
            (b, self.logs[b.site], within, across)
            for b in self.accesses
            for within in [can_race(access, b)]
            for across in [can_race_across_blocks(self.kernel, access, b)]
            if within or across
        ]
        reads = isinstance(access, Atomic) and access.op is not AtomicOp.STORE
        cuts = isinstance(access, Store) and access.array in self.changed_atomically
        if not rivals and not isinstance(access, Atomic):
            return None

        def observe(thread: int, element: int, step: int) -> bool:
            self.last_step = step
            if reads:
                self._hear(access, element, thread)
            elif cuts:
                self.carried.pop((access.array, element), None)
            known = self.known.get(thread, _NOTHING)
            races = False
            for rival, log, within, across in rivals:
                for other, when in log.get(element, _NOTHING).items():
                    if other == thread or when <= known.get(other, 0):
                        continue
                    if cluster is not None and reaches_cluster(rival, access):
                        can = cluster(other) != cluster(thread)
                    else:
                        can = within if other // size == thread // size else across
                    if can:
                        races = True
                        if not isinstance(rival, Store):
                            overtaken = self.overtaken.setdefault((rival.site, element), [])
                            overtaken.append((thread, step))
                        raced(rival, (other, when), access, (thread, step, element))
                        break
            mine.setdefault(element, {})[thread] = step
            return races

        return observe

    def publisher(self, access: Atomic) -> Publisher | None:
        """See `Ordering`."""
        releases = access.order in (Order.RELEASE, Order.ACQ_REL)
        wide = leaves_block(access.scope)

        def publish(thread: int, element: int, step: int) -> None:
            key = access.array, element
            before = self.carried.get(key)
            if access.op is AtomicOp.STORE or before is None:
                before = self.carried[key] = _Carried(_NOTHING, {})
            if releases:
                own = {**self.known.get(thread, _NOTHING), thread: step}
                clocks = _Pair(own, own)
            elif thread in self.fenced:
                clocks = self.fenced[thread]
            else:
                return
            block = thread // self.block_size
            before.within[block] = _merged(before.within.get(block, _NOTHING), clocks.block)
            if wide:
                before.everywhere = _merged(before.everywhere, clocks.device)

        return publish

    def fence(self, thread: int, scope: Scope, step: int) -> None:
        """See `Ordering`."""
        self.last_step = step
        known = self.known.get(thread, _NOTHING)
        wide = leaves_block(scope)
        heard = self.heard.get(thread)
        if heard is not None:
            known = _merged(known, heard.block)
            if wide:
                known = _merged(known, heard.device)
            self.known[thread] = known
        now = {**known, thread: step}
        before = self.fenced.get(thread)
        device = now if wide else _NOTHING if before is None else before.device
        self.fenced[thread] = _Pair(now, device)

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        for other, step in self.overtaken.get((access.site, element), ()):
            if other != thread:
                yield other, step

    def meet(self, live: Iterable[int], returned: Iterable[int] = ()) -> None:
        """See `Ordering`."""
        del returned
        threads = list(live)
        distinct = {id(k): k for k in (self.known.get(t, _NOTHING) for t in threads)}
        together: Threads = {}
        for known in sorted(distinct.values(), key=len, reverse=True):
            together = _merged(together, known)
        together = {**together, **dict.fromkeys(threads, self.last_step)}
        for thread in threads:
            self.known[thread] = together

    def end_block(self) -> None:
        """See `Ordering`."""
        # Shared memory begins anew: nothing done to it so far is seen by the next block.
        for access in self.accesses:
            if self.kernel.arrays[access.array].space is Space.SHARED:
                self.logs[access.site].clear()
        for array, element in list(self.carried):
            if self.kernel.arrays[array].space is Space.SHARED:
                del self.carried[array, element]
        self.overtaken.clear()

    def _hear(self, access: Access, element: int, thread: int) -> None:
        """What an atomic takes over from the value that it reads."""
        carried = self.carried.get((access.array, element))
        if carried is None or not isinstance(access, Atomic):
            return
        block = carried.within.get(thread // self.block_size, _NOTHING)
        device = carried.everywhere if leaves_block(access.scope) else _NOTHING
        if access.order in (Order.ACQUIRE, Order.ACQ_REL):
            known = self.known.get(thread, _NOTHING)
            self.known[thread] = _merged(_merged(known, block), device)
            return
        heard = self.heard.get(thread, _Pair(_NOTHING, _NOTHING))
        self.heard[thread] = _Pair(_merged(heard.block, block), _merged(heard.device, device))


def _merged(one: Threads, other: Mapping[int, int]) -> Threads:
    """The later step of each thread; one of both where it says all."""
    news = {thread: step for thread, step in other.items() if one.get(thread, 0) < step}
    return {**one, **news} if news else one
