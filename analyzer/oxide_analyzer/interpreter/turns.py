"""Who goes next, under a schedule."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.interpreter.schedule import Named
from oxide_analyzer.interpreter.warps import WARP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.interpreter.schedule import Schedule

# How many statements a thread runs at random before another does.
_BURSTS = (1, 1, 1, 2, 3, 8, 40)
# How many statements the warps run by turns.
_TOGETHER = (1, 4, 2, 7)
_UNUSED = Random(0)


class Turns:
    """Who goes next, under one schedule."""

    def __init__(self, schedule: Schedule, block_size: int) -> None:
        self.schedule = schedule
        self.block_size = block_size
        # Making one takes as long as a launch of eight threads.
        self.random = Random(schedule) if isinstance(schedule, int) else _UNUSED

    def blocks(self, blocks: Sequence[int]) -> Sequence[int]:
        """The order of blocks that run one after the other."""
        return self._permuted(blocks)

    def threads(self, first: int, count: int) -> Sequence[int]:
        """The order of the threads of a block that run one after the other."""
        return self._permuted(range(first, first + count))

    def order(self, threads: list[int]) -> list[int]:
        """The order of threads between two barriers."""
        return threads if self.schedule is Named.IN_ORDER else list(self._permuted(threads))

    def round(self, ready: list[int]) -> Iterator[tuple[int, int]]:
        """Threads of `ready`, in the order of their index, and for how many statements each."""
        match self.schedule:
            case Named.IN_ORDER | Named.ROUND_ROBIN:
                yield from ((thread, 1) for thread in ready)
            case Named.REVERSE:
                yield from ((thread, 1) for thread in reversed(ready))
            case Named.WARPS:
                for number, warp in enumerate(self._warps(ready)):
                    for _ in range(_TOGETHER[number % len(_TOGETHER)]):
                        yield from ((thread, 1) for thread in warp)
            case int():
                for _ in range(len(ready)):
                    yield self.random.choice(ready), self.random.choice(_BURSTS)
            case _:
                assert_never(self.schedule)

    def _warps(self, ready: list[int]) -> list[list[int]]:
        warps: dict[tuple[int, int], list[int]] = {}
        for thread in ready:
            block, within = divmod(thread, self.block_size)
            warps.setdefault((block, within // WARP), []).append(thread)
        return list(warps.values())

    def _permuted(self, numbers: Sequence[int]) -> Sequence[int]:
        match self.schedule:
            case Named.REVERSE:
                return numbers[::-1]
            case Named.IN_ORDER | Named.ROUND_ROBIN | Named.WARPS:
                return numbers
            case int():
                mixed = list(numbers)
                self.random.shuffle(mixed)
                return mixed
            case _:
                assert_never(self.schedule)
