"""What a run that asks only who comes where has in the place of what looks for failures.

Nothing is left to chance, nobody races, and an index that is not within a shape is not told. Only
who waits in vain is still said, for that is where a block ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.interpreter.ordering import Access, Observer, Publisher
    from oxide_analyzer.interpreter.program import Check
    from oxide_analyzer.interpreter.record import Outside
    from oxide_analyzer.ir.nodes import Atomic, Read, Scope
    from oxide_analyzer.launch import Number


class Wanted:
    """How many threads of a block are to come to a statement: by its site, and the block."""

    def __init__(self, counts: Mapping[tuple[int, int], int]) -> None:
        """These."""
        self._counts = counts
        self._open: list[tuple[set[int], int]] = []

    def begin(self, block: int, visits: Mapping[int, set[int]]) -> None:
        """A block begins, when the others before it have come to these statements."""
        self._open = [
            (visits[site], len(visits[site]) + count)
            for (site, of), count in self._counts.items()
            if of == block and site in visits
        ]

    def is_met(self) -> bool:
        """Whether the block has come to all that is wanted of it."""
        while self._open and len(self._open[-1][0]) >= self._open[-1][1]:
            self._open.pop()
        return not self._open


class Unordered:
    """Sees no races."""

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        del access
        return None

    def publisher(self, access: Atomic) -> Publisher | None:
        """See `Ordering`."""
        del access
        return None

    def fence(self, thread: int, scope: Scope, step: int) -> None:
        """See `Ordering`."""

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        del access, element, thread
        return iter(())

    def meet(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """See `Ordering`."""

    def end_block(self) -> None:
        """See `Ordering`."""


class Unheeding(Record):
    """Who waits, returned and came to the end, and none of what else goes wrong."""

    def race(
        self, first: Access, earlier: tuple[int, int], second: Access, now: tuple[int, int, int]
    ) -> None:
        """See `Record`."""

    def out_of_bounds(self, access: Access) -> Outside:
        """See `Record`."""
        del access
        return _unsaid

    def check(self, check: Check, thread: int, step: int, values: tuple[Number, ...]) -> None:
        """See `Record`."""

    def unassigned(self, read: Read, thread: int, step: int) -> None:
        """See `Record`."""

    def undefined_private(self, access: Access, thread: int, step: int, element: int) -> None:
        """See `Record`."""

    def undefined_shared(self, access: Access, thread: int, step: int, element: int) -> None:
        """See `Record`."""


def _unsaid(thread: int, step: int, index: tuple[int, ...]) -> None:
    del thread, step, index
