"""A launch, thread by thread: who runs when, up to where they wait.

Within a block each thread runs until it waits at a barrier, returns, or comes to the end of the
kernel; then, if all that are left wait at the same barrier in the same iteration of every loop
round it, they go on together. A thread that returned counts as arrived; one that came to the end
while others wait does not: that is a divergence, and ends the block.

Blocks run one after the other, unless one may wait for another or the schedule wants to interrupt
them: then the threads of all blocks run at once, as an `Ensemble`. So do those of one block whose
warps have operations of their own.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.interpreter.actions import Actions
from oxide_analyzer.interpreter.clocks import Clocks
from oxide_analyzer.interpreter.copies import Copies
from oxide_analyzer.interpreter.ensemble import Ensemble
from oxide_analyzer.interpreter.intervals import Intervals
from oxide_analyzer.interpreter.memory import Memory
from oxide_analyzer.interpreter.ordering import cluster_of, shared_accesses
from oxide_analyzer.interpreter.program import (
    count_name,
    dimension_name,
    end_of,
    parameter_name,
)
from oxide_analyzer.interpreter.record import Record
from oxide_analyzer.interpreter.stops import stopping
from oxide_analyzer.interpreter.turns import Turns
from oxide_analyzer.interpreter.wanted import Unordered, Wanted
from oxide_analyzer.ir.asks import routes
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import Atomic, Const, Dim, Scope, Space
from oxide_analyzer.launch import Contents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.ensemble import Running, Wait
    from oxide_analyzer.interpreter.findings import Findings
    from oxide_analyzer.interpreter.ordering import Ordering
    from oxide_analyzer.interpreter.program import Program
    from oxide_analyzer.interpreter.schedule import Schedule
    from oxide_analyzer.interpreter.stops import Debugger
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.launch import Extent, Launch, Number


class Machine:
    """One pass over one launch of one kernel."""

    def __init__(
        self,
        kernel: Kernel,
        program: Program,
        launch: Launch,
        schedule: Schedule,
        clock: Clock,
        findings: Findings,
        debugger: Debugger | None = None,
        *,
        wanted: Wanted | None = None,
    ) -> None:
        """Say what runs. Where something is `wanted`, that is looked at, and not who races."""
        self.kernel = kernel
        self.program = program
        self.launch = launch
        self.wanted = wanted
        self.clock = clock
        self.memories: dict[str, Memory] = {}
        self.block_size = size = prod(launch.block)
        self.turns = Turns(schedule, size)
        self.record = Record(findings, self.memories, size, end_of(kernel.span))
        accesses = shared_accesses(kernel, program.statements.values())
        shape = kernel.contract.cluster
        in_clusters = any(isinstance(a, Atomic) and a.scope is Scope.CLUSTER for a in accesses)
        cluster = cluster_of(launch, shape) if shape is not None and in_clusters else None
        self.ordering: Ordering
        if wanted is not None:
            self.ordering = Unordered()
        elif program.has_orders or cluster is not None:
            self.ordering = Clocks(kernel, accesses, self.record.race, size, cluster)
        else:
            self.ordering = Intervals(kernel, accesses, self.record.race)
        self.copies = Copies(kernel, self.record.race, self.ordering)
        self.ensemble = (
            Ensemble(
                program.statements,
                self.record,
                self.ordering,
                findings,
                clock,
                self.turns,
                size,
                routes(kernel),
            )
            if program.meets
            else None
        )
        self.names: dict[str, Any] = {**program.constants, "threads": size}
        self._name_launch()
        # Extents of scratch arrays are expressions of constants, which the text computes at
        # once; what depends on them it names only inside `thread`.
        exec(program.code, self.names)
        self._name_scratch()
        actions = Actions(
            kernel, program, self.memories, clock, findings, self.record, self.ordering,
            self.copies, self.ensemble,
        )  # fmt: skip
        self.names.update(actions.names())
        if program.places:
            self.names.update(stopping(kernel, program, launch, self.memories, debugger))
        self.visits = actions.visits
        self.lines = actions.lines
        # Its names would keep what they name until a collector of garbage comes.
        self.thread = self.names.pop("thread")

    def run(self) -> None:
        """Run every block, or those that the launch names."""
        count, played = prod(self.launch.grid), self.launch.played
        if self.program.together:
            assert played is None, "blocks may wait for those that are left out"
            self._run_at_once(range(count))
            return
        run_block = self._run_alone
        if self.ensemble is not None:
            run_block = self._run_ensemble
        elif self.program.suspends:
            run_block = self._run_together
        for block in self.turns.blocks(range(count) if played is None else played):
            self._forget_shared()
            if self.wanted is not None:
                self.wanted.begin(block, self.visits)
            run_block(block)
            self._judge_undefined(block)
            self.ordering.end_block()
            self.copies.end_block()

    def arrays(self) -> Mapping[str, Contents]:
        """The array parameters as they are now, without those that are kept in part only."""
        found: dict[str, Contents] = {}
        for array in self.kernel.array_parameters():
            at = self.memories[array.name]
            if isinstance(at.values, list):
                held = tuple(v for v in at.values if v is not None)
                found[array.name] = Contents(at.shape, held)
        return found

    def _judge_undefined(self, block: int) -> None:
        """The last interval of a block, unless it was cut short: who was to write may come yet."""
        if self.ensemble is None or not self.ensemble.in_vain:
            self.record.judge_undefined(block, self.ordering)

    def _forget_shared(self) -> None:
        for name, at in self.memories.items():
            if self.kernel.arrays[name].space is Space.SHARED:
                at.forget()

    def _block_index(self, block: int) -> Extent:
        return _unravelled(block, self.launch.grid)

    def _run_alone(self, block: int) -> None:
        """A block whose threads never wait."""
        thread, tick, extent = self.thread, self.clock.tick, self.launch.block
        index, first = self._block_index(block), block * self.block_size
        wanted = self.wanted
        for number in self.turns.threads(first, self.block_size):
            tick()
            row, x = divmod(number - first, extent[0])
            z, y = divmod(row, extent[1])
            thread(number, x, y, z, *index)
            if wanted is not None and wanted.is_met():
                break

    def _start(self, block: int) -> Running:
        """The threads of a block that may wait."""
        live: Running = {}
        extent, index, first = self.launch.block, self._block_index(block), block * self.block_size
        for number in self.turns.threads(first, self.block_size):
            self.clock.tick()
            live[number] = self.thread(number, *_unravelled(number - first, extent), *index)
        return live

    def _run_at_once(self, blocks: range) -> None:
        """All blocks, whose threads may wait for those of others."""
        assert self.ensemble is not None
        threads: Running = {}
        for block in blocks:
            threads.update(self._start(block))
        self.ensemble.run(threads)
        for block in blocks:
            self._judge_undefined(block)

    def _run_ensemble(self, block: int) -> None:
        """A block whose warps wait as well."""
        assert self.ensemble is not None
        self.ensemble.run(self._start(block))

    def _run_together(self, block: int) -> None:
        """A block whose threads wait for each other, at its barriers."""
        live = self._start(block)
        while True:
            waits = self._run_interval(live)
            if not waits or (self.wanted is not None and self.wanted.is_met()):
                return
            one = next(iter(waits))
            if self.record.diverge(one, (t for t, wait in waits.items() if wait != waits[one])):
                return
            live = {thread: live[thread] for thread in self.turns.order(list(waits))}
            self.record.judge_undefined(block, self.ordering)
            self.ordering.meet(live, self.record.returned_now(block))
            self.record.meet(block, one)

    def _run_interval(self, live: Running) -> dict[int, Wait]:
        """Run every thread up to its next barrier, or its end; those that wait, and where."""
        waits: dict[int, Wait] = {}
        running = live
        while running:
            paused: Running = {}
            for number, thread in running.items():
                wait = next(thread, None)
                if wait:
                    waits[number] = wait
                elif wait is not None:
                    paused[number] = thread
            running = paused
        # In the order of the threads, whatever order they came in.
        return {number: waits[number] for number in sorted(waits)}

    # ------------------------------------------------------------ the names of the translation

    def _name_launch(self) -> None:
        """Extents of the launch, its scalars and its arrays."""
        launch, kernel, names = self.launch, self.kernel, self.names
        for axis in range(3):
            names[f"block_dim_{axis}"] = launch.block[axis]
            names[f"grid_dim_{axis}"] = launch.grid[axis]
        for parameter in kernel.parameters:
            if isinstance(parameter, ScalarParameter):
                if parameter.name not in launch.scalars:
                    raise ValueError(f"the launch gives no value for `{parameter.name}`")
                value = arithmetic.literal(launch.scalars[parameter.name], parameter.type)
                names[parameter_name(parameter.name)] = value
        for array in kernel.array_parameters():
            contents = launch.arrays.get(array.name)
            if contents is None or len(contents.shape) != array.rank:
                raise ValueError(f"the launch gives no {array.rank}-D array for `{array.name}`")
            self._add_memory(array.name, contents.shape, contents=contents)
        for array in kernel.arrays.values():
            if array.space is Space.SHARED and isinstance(array.shape[0], Dim):
                # The length of dynamic shared memory, of which its shape is made.
                length = launch.shared // array.element.size
                names[dimension_name(kernel, array.name, 0)] = length

    def _name_scratch(self) -> None:
        """Shared and local arrays; the shape of the latter, their elements being the threads'."""
        for name, shape in self.names["shapes"].items():
            shared = self.kernel.arrays[name].space is Space.SHARED
            copies = prod(self.launch.grid) if shared and self.program.together else 1
            values = self.kernel.arrays[name].contents
            table = Contents(shape, tuple(map(_number, values))) if values else None
            self._add_memory(name, shape, copies, table)

    def _add_memory(
        self,
        name: str,
        shape: tuple[int, ...],
        copies: int = 1,
        contents: Contents | None = None,
    ) -> None:
        element = self.kernel.arrays[name].element
        at = self.memories[name] = Memory(element, shape, copies, contents)
        self.names[count_name(self.kernel, name)] = at.count
        for axis, extent in enumerate(at.shape):
            self.names[dimension_name(self.kernel, name, axis)] = extent


def _number(expr: Expr) -> Number:
    if not isinstance(expr, Const):
        raise ValueError(f"{expr.span}: an element of a table has no value yet")
    return expr.value


def _unravelled(number: int, extent: Extent) -> Extent:
    row, x = divmod(number, extent[0])
    z, y = divmod(row, extent[1])
    return x, y, z
