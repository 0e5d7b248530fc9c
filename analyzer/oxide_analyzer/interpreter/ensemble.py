"""Threads that run at once, and where they wait for each other.

The threads are those of one block, or of a whole launch. Each runs until it waits, pauses or is
done, in the order that the schedule gives; nothing waits longer than it has to:

    a warp    goes on when every live lane of the mask stands at the same operation, in the same
              iteration of every loop round it, with the same mask
    a block   goes on when all its live threads stand at the same barrier in the same iteration
    the grid  goes on when all live threads of all blocks do

Lanes that ask who is with them wait until no thread goes on by itself, but for those that go round
a loop with an atomic. Of each warp those at the first place, in the order of the source, are told
then that they are together, so that lanes meet again behind branches and loops. That is one of the
answers that hardware may give.

A thread that returned is not live; one that came to the end of the kernel is not either, yet who
waits for it waits in vain. That is found out when all that are left of a warp, a block or the grid
wait, and it ends the run of these threads: what comes behind would be its consequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter import warps
from oxide_analyzer.interpreter.program import GOES_ON
from oxide_analyzer.interpreter.warps import WARP, Brought, Result
from oxide_analyzer.ir.nodes import Barrier, Forget, Group, WarpFunction, WarpOp

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.findings import Findings
    from oxide_analyzer.interpreter.ordering import Ordering
    from oxide_analyzer.interpreter.program import Sited
    from oxide_analyzer.interpreter.record import Record
    from oxide_analyzer.interpreter.turns import Turns
    from oxide_analyzer.ir.asks import Route

# What a thread of the translated kernel yields: where it waits, or () if it only pauses.
Wait: TypeAlias = "tuple[int, ...]"
Running: TypeAlias = "dict[int, Generator[Wait]]"


# What makes lanes meet: their warp, the place and iteration, and the mask.
_Meeting: TypeAlias = "tuple[int, Wait, int]"


@dataclass(slots=True)
class _Come:
    """The threads that have come to a meeting, by lane, and the mask of these lanes."""

    threads: dict[int, int]
    lanes: int


class Ensemble:
    """The threads of a block, or of all blocks, while they run."""

    def __init__(
        self,
        statements: Mapping[int, Sited],
        record: Record,
        ordering: Ordering,
        findings: Findings,
        clock: Clock,
        turns: Turns,
        block_size: int,
        routes: Mapping[int, Route],
    ) -> None:
        self.statements = statements
        self.record = record
        self.ordering = ordering
        self.findings = findings
        self.clock = clock
        self.turns = turns
        self.block_size = block_size
        self.routes = routes
        self.warps_per_block = -(-block_size // WARP)
        self.brought: dict[int, tuple[Brought, int]] = {}
        self.results: dict[int, Result] = {}
        self._begin({})

    def _begin(self, threads: Running) -> None:
        self.threads = threads
        self.ready = dict.fromkeys(sorted(threads))
        self.waits: dict[int, Wait] = {}
        self.in_vain = False
        # Live threads, and how many of them wait, by block; by warp as masks of lanes.
        self.live: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self.live_lanes: dict[int, int] = {}
        self.waiting_lanes: dict[int, int] = {}
        self.meetings: dict[_Meeting, _Come] = {}
        # Who asks which lanes are with it, by warp and place; whether somebody moved since.
        self.asking: dict[tuple[int, Wait], list[int]] = {}
        self.moved = False
        self.places: dict[int, tuple[int, int, int]] = {}
        for thread in threads:
            block, warp, lane = self.places[thread] = self._place(thread)
            self.live[block] = self.live.get(block, 0) + 1
            self.live_lanes[warp] = self.live_lanes.get(warp, 0) | 1 << lane

    def lanes_of(self, thread: int) -> int:
        """The mask of all lanes that the warp of a thread has."""
        within = thread % self.block_size
        return (1 << min(WARP, self.block_size - within // WARP * WARP)) - 1

    def run(self, threads: Running) -> None:
        """Until all are done, or some wait in vain."""
        self._begin(threads)
        while self.ready or self.asking:
            self.moved = False
            for thread, statements in self.turns.round(sorted(self.ready)):
                if thread in self.ready:
                    self._advance(thread, statements)
                if self.in_vain:
                    return
            if self.asking and not self.moved:
                self._answer()

    def _advance(self, thread: int, statements: int) -> None:
        generator = self.threads[thread]
        for _ in range(statements):
            wait = next(generator, None)
            if wait is None:
                self._leave(thread)
                return
            if wait == GOES_ON:
                self.moved = True
            elif wait:
                self._wait(thread, wait)
                return

    def _place(self, thread: int) -> tuple[int, int, int]:
        """Its block, its warp, numbered over the launch, and its lane."""
        block, within = divmod(thread, self.block_size)
        warp, lane = divmod(within, WARP)
        return block, block * self.warps_per_block + warp, lane

    # ------------------------------------------------------------ who comes and goes

    def _wait(self, thread: int, wait: Wait) -> None:
        del self.ready[thread]
        self.moved = True
        self.waits[thread] = wait
        block, warp, lane = self.places[thread]
        self.waiting[block] = self.waiting.get(block, 0) + 1
        self.waiting_lanes[warp] = self.waiting_lanes.get(warp, 0) | 1 << lane
        if isinstance(self.statements[wait[0]], Forget):
            self.asking.setdefault((warp, wait), []).append(thread)
            return
        if isinstance(self.statements[wait[0]], WarpOp):
            meeting = warp, wait, self.brought[thread][1]
            come = self.meetings.get(meeting)
            if come is None:
                come = self.meetings[meeting] = _Come({}, 0)
            come.threads[lane] = thread
            come.lanes |= 1 << lane
            if self._complete(meeting, come):
                return
        self._settle(block, warp)

    def _leave(self, thread: int) -> None:
        del self.ready[thread]
        self.moved = True
        block, warp, lane = self.places[thread]
        self.live[block] -= 1
        self.live_lanes[warp] &= ~(1 << lane)
        for meeting, come in list(self.meetings.items()):
            if meeting[0] == warp:
                self._complete(meeting, come)
        self._settle(block, warp)

    def _go_on(self, threads: list[int]) -> None:
        for thread in threads:
            del self.waits[thread]
            block, warp, lane = self.places[thread]
            self.waiting[block] -= 1
            self.waiting_lanes[warp] &= ~(1 << lane)
            self.ready[thread] = None

    def _answer(self) -> None:
        """Tell lanes that ask who is with them."""
        first: dict[int, Wait] = {}
        for warp, wait in self.asking:
            first[warp] = min(first.get(warp, wait), wait, key=self._place_of)
        for asked in first.items():
            threads = self.asking.pop(asked)
            lanes = warps.bits(self.places[thread][2] for thread in threads)
            self.results.update(dict.fromkeys(threads, lanes))
            self._go_on(threads)

    def _place_of(self, wait: Wait) -> tuple[int, ...]:
        site, *turns = wait
        return self.routes[site].at(turns)

    # ------------------------------------------------------------ who meets

    def _complete(self, meeting: _Meeting, come: _Come) -> bool:
        """Let the lanes of a meeting go on, if all have come."""
        warp, wait, mask = meeting
        missing = mask & self.live_lanes[warp] & ~come.lanes
        if missing or self._ended(warp, mask) is not None:
            return False
        del self.meetings[meeting]
        operation = self.statements[wait[0]]
        assert isinstance(operation, WarpOp)
        threads = [come.threads[lane] for lane in sorted(come.threads)]
        if operation.function is WarpFunction.SYNC:
            self.ordering.meet(threads, ())
        else:
            brought = {self.places[thread][2]: self.brought[thread][0] for thread in threads}
            for lane, result in warps.results(operation, brought).items():
                self.results[come.threads[lane]] = result
            if any(thread in self.findings.tainted for thread in threads):
                for thread in threads:
                    self.findings.taint(thread, self.clock.now)
        self._go_on(threads)
        return True

    def _ended(self, warp: int, mask: int) -> int | None:
        """A thread of these lanes that came to the end."""
        ended = self.record.ended.get(warp // self.warps_per_block)
        for thread in ended or ():
            _, its_warp, lane = self.places[thread]
            if its_warp == warp and mask >> lane & 1:
                return thread
        return None

    def _settle(self, block: int, warp: int) -> None:
        """Whether all that are left of the warp, the block or the grid wait, and for what.

        Who asks is answered first.
        """
        asking = {asked for asked, _ in self.asking}
        if warp not in asking and self.waiting_lanes.get(warp, 0) == self.live_lanes[warp]:
            for meeting, come in self.meetings.items():
                if meeting[0] == warp:
                    self._wait_in_vain(meeting, come)
                    return
        if any(asked // self.warps_per_block == block for asked in asking):
            return
        if self.waiting.get(block, 0) == self.live[block]:
            self._settle_block(block)

    def _wait_in_vain(self, meeting: _Meeting, come: _Come) -> None:
        self.in_vain = True
        warp, _, mask = meeting
        other = self._ended(warp, mask)
        if other is None:
            block, within = divmod(warp, self.warps_per_block)
            missing = mask & self.live_lanes[warp] & ~come.lanes
            first_missing = (missing & -missing).bit_length() - 1
            other = block * self.block_size + within * WARP + first_missing
        self.record.diverge_in_warp(next(iter(come.threads.values())), other)

    def _settle_block(self, block: int) -> None:
        waits = self._waits_of(block)
        if waits:
            one = next(iter(waits))
            if self.record.diverge(one, (t for t, wait in waits.items() if wait != waits[one])):
                self.in_vain = True
                return
            if self._group(one) is Group.BLOCK:
                self.record.judge_undefined(block, self.ordering)
                self.ordering.meet(waits, self.record.returned_now(block))
                self.record.meet(block, one)
                self._go_on(list(waits))
                return
        if self.waits and not self.asking and len(self.waits) == sum(self.live.values()):
            self._settle_grid()

    def _settle_grid(self) -> None:
        """All live threads wait; those of one block at one barrier."""
        one = min(self.waits)
        if self._group(one) is not Group.GRID:
            return
        ended = next((block for block, threads in self.record.ended.items() if threads), None)
        apart = [thread for thread, wait in self.waits.items() if wait != self.waits[one]]
        if ended is not None:
            self.in_vain = True
            self.record.diverge_across_blocks(one, ended)
            return
        if apart:
            self.in_vain = True
            self.record.diverge(one, apart)
            return
        threads = sorted(self.waits)
        for block in self.live:
            self.record.judge_undefined(block, self.ordering)
        self.ordering.meet(threads, ())
        for block in self.live:
            self.record.meet(block, one)
        self._go_on(threads)

    def _group(self, thread: int) -> Group:
        barrier = self.statements[self.waits[thread][0]]
        assert isinstance(barrier, Barrier)
        return barrier.group

    def _waits_of(self, block: int) -> dict[int, Wait]:
        """Where the threads of a block wait, in the order of their index."""
        first = block * self.block_size
        numbers = range(first, first + self.block_size)
        return {t: self.waits[t] for t in numbers if t in self.waits}
