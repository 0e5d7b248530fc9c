"""Asynchronous copies in a run: what is under way, and who touches it.

The elements of a copy hold their new values at once, but from the copy until its thread has
waited for its group they are under way, and every access to them is a race with the copy: by
other threads, and by the thread itself. For others the copy is done again at the wait, as a store
of its thread in the barrier interval in which it stands there: so whoever reads what was copied
needs a barrier behind that wait.

    async_copy(tile, t, a, i, 4)      a store; under way
    async_commit()
    y = tile[t]                       a race, of one thread
    sync_threads()
    y = tile[63 - t]                  a race: the barrier does not wait for copies
    async_wait(0)                     a store once more
    y = tile[63 - t]                  a race: other threads do not know of the wait
    sync_threads()
    y = tile[63 - t]                  fine
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import AsyncCopy, Store
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.ordering import (
        Access,
        Observer,
        Ordering,
        Publisher,
        Raced,
    )
    from oxide_analyzer.ir.kernel import Kernel


@dataclass(slots=True)
class _Started:
    """A store of a copy by one thread, at a step."""

    store: Store
    element: int
    step: int


@dataclass(slots=True)
class _Own:
    """The copies of one thread: groups that were committed, oldest first, and the open one."""

    committed: list[list[_Started]] = field(default_factory=list["list[_Started]"])
    open: list[_Started] = field(default_factory=list[_Started])


class Copies:
    """What is under way in the blocks that run."""

    def __init__(self, kernel: Kernel, raced: Raced, ordering: Ordering) -> None:
        self.raced = raced
        self.ordering = ordering
        copies = [s for s in statements(kernel.body) if isinstance(s, AsyncCopy)]
        self.targets = {copy.target for copy in copies}
        inside = (s for copy in copies for s in statements(copy.body))
        self.stores = {s.site for s in inside if isinstance(s, Store)}
        # Array -> element -> thread -> the store that is under way.
        self.under_way: defaultdict[str, dict[int, dict[int, _Started]]] = defaultdict(dict)
        self.own: defaultdict[int, _Own] = defaultdict(_Own)
        self.again: dict[int, Observer | None] = {}

    def watching(self, access: Access, observe: Observer | None) -> Observer | None:
        """The observer of an access, which sees what is under way as well."""
        if access.array not in self.targets:
            return observe
        raced, under_way = self.raced, self.under_way[access.array]

        def look(thread: int, element: int, step: int) -> bool:
            races = observe is not None and observe(thread, element, step)
            for other, started in under_way.get(element, {}).items():
                races = True
                raced(started.store, (other, started.step), access, (thread, step, element))
            return races

        return look

    def starting(self, store: Store) -> Publisher | None:
        """To be called where a store of a copy is made; None if it is of no copy."""
        if store.site not in self.stores:
            return None
        under_way = self.under_way[store.array]
        self.again[store.site] = self.ordering.observer(store)

        def start(thread: int, element: int, step: int) -> None:
            started = _Started(store, element, step)
            under_way.setdefault(element, {})[thread] = started
            self.own[thread].open.append(started)

        return start

    def commit(self, thread: int) -> None:
        """What is open becomes a group, be it empty."""
        own = self.own[thread]
        own.committed.append(own.open)
        own.open = []

    def wait(self, thread: int, pending: int, step: int) -> None:
        """All groups but the last `pending` are done, and seen as stores made now."""
        own = self.own[thread]
        count = max(len(own.committed) - pending, 0)
        done, own.committed = own.committed[:count], own.committed[count:]
        for started in (s for group in done for s in group):
            elements = self.under_way[started.store.array]
            threads = elements.get(started.element, {})
            if threads.get(thread) is started:
                del threads[thread]
                if not threads:
                    del elements[started.element]
            observe = self.again[started.store.site]
            if observe is not None:
                observe(thread, started.element, step)

    def end_block(self) -> None:
        """All threads of the running blocks have ended, and with them their memory."""
        for elements in self.under_way.values():
            elements.clear()
        self.own.clear()
