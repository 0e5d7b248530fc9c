"""What a run is asked that is only asked who comes where: until when, and not who races.

Everything else goes on as in any run, so that what ends one ends the other: so many failures, or a
thread that waits in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.interpreter.ordering import Access, Observer, Publisher
    from oxide_analyzer.ir.nodes import Atomic, Scope


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
