"""A launch, thread by thread: blocks in the order of their index, threads up to their barriers.

Within a block each thread runs until it waits at a barrier, returns, or comes to the end of the
kernel; then, if all that are left wait at the same barrier in the same iteration of every loop
round it, they go on together. A thread that returned counts as arrived; one that came to the end
while others wait does not: that is a divergence, and ends the block.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.interpreter import arithmetic, memory
from oxide_analyzer.interpreter.memory import Memory, Scene
from oxide_analyzer.interpreter.ordering import Clocks, Intervals, Ordering, shared_accesses
from oxide_analyzer.interpreter.record import Record
from oxide_analyzer.interpreter.translate import (
    dimension_name,
    end_of,
    parameter_name,
)
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import Atomic, Barrier, CheckDivisor, Load, Return, Space, Store
from oxide_analyzer.launch import Contents

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.findings import Findings
    from oxide_analyzer.interpreter.memory import Values
    from oxide_analyzer.interpreter.ordering import Access
    from oxide_analyzer.interpreter.translate import Program, Sited
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent, Launch, Number

# What a thread of the translated kernel yields: where it waits, or () if it only pauses.
Wait: TypeAlias = "tuple[int, ...]"
Running: TypeAlias = "dict[int, Generator[Wait]]"


class Machine:
    """One pass over one launch of one kernel."""

    def __init__(
        self, kernel: Kernel, program: Program, launch: Launch, clock: Clock, findings: Findings
    ) -> None:
        self.kernel = kernel
        self.program = program
        self.launch = launch
        self.clock = clock
        self.findings = findings
        self.visits: dict[int, set[int]] = {site: set() for site in program.statements}
        self.memories: dict[str, Memory] = {}
        size = prod(launch.block)
        self.record = Record(findings, self.memories, size, end_of(kernel.span))
        accesses = shared_accesses(kernel, program.statements.values())
        self.ordering: Ordering = (
            Clocks(kernel, accesses, self.record.race, size)
            if program.has_orders
            else Intervals(kernel, accesses, self.record.race)
        )
        self.names: dict[str, Any] = dict(program.constants)
        self._name_launch()
        # Extents of scratch arrays are expressions of constants, which the text computes at
        # once; what depends on them it names only inside `thread`.
        exec(program.code, self.names)
        self._name_scratch()
        self._name_functions()
        self.thread = self.names["thread"]

    def run(self) -> None:
        """Run every block."""
        width, height, depth = self.launch.grid
        size = prod(self.launch.block)
        run_block = self._run_together if self.program.suspends else self._run_alone
        first = 0
        for z in range(depth):
            for y in range(height):
                for x in range(width):
                    self._begin_block()
                    run_block(first, (x, y, z))
                    self.record.judge_undefined(self.ordering)
                    self.ordering.end_block()
                    first += size

    def arrays(self) -> Mapping[str, Contents]:
        """The array parameters as they are now."""
        found: dict[str, Contents] = {}
        for array in self.kernel.array_parameters():
            at = self.memories[array.name]
            found[array.name] = Contents(at.shape, tuple(v for v in at.values if v is not None))
        return found

    def _begin_block(self) -> None:
        self.record.begin_block()
        for name, at in self.memories.items():
            if self.kernel.arrays[name].space is Space.SHARED:
                at.forget()

    def _threads(self, first: int) -> Iterator[tuple[int, int, int, int]]:
        """The threads of a block: number and x, y, z."""
        number = first
        width, height, depth = self.launch.block
        for z in range(depth):
            for y in range(height):
                for x in range(width):
                    yield number, x, y, z
                    number += 1

    def _run_alone(self, first: int, block: Extent) -> None:
        """A block whose threads never wait."""
        thread, tick = self.thread, self.clock.tick
        for number, x, y, z in self._threads(first):
            tick()
            thread(number, x, y, z, *block)

    def _run_together(self, first: int, block: Extent) -> None:
        """A block whose threads wait for each other."""
        live: Running = {}
        for number, x, y, z in self._threads(first):
            self.clock.tick()
            live[number] = self.thread(number, x, y, z, *block)
        while True:
            waits = self._run_interval(live)
            if not waits:
                return
            one = next(iter(waits))
            if self.record.diverge(one, (t for t, wait in waits.items() if wait != waits[one])):
                return
            live = {thread: live[thread] for thread in waits}
            self.record.judge_undefined(self.ordering)
            self.ordering.barrier(live, self.record.returned_now())
            self.record.meet(one)

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
        return {number: waits[number] for number in live if number in waits}

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
            self._add_memory(array.name, contents.shape).fill(contents)

    def _name_scratch(self) -> None:
        """Shared and local arrays; the shape of the latter, their elements being the threads'."""
        for name, shape in self.names["shapes"].items():
            self._add_memory(name, shape)

    def _add_memory(self, name: str, shape: tuple[int, ...]) -> Memory:
        at = self.memories[name] = Memory(self.kernel.arrays[name].element, shape)
        for axis, extent in enumerate(at.shape):
            self.names[dimension_name(self.kernel, name, axis)] = extent
        return at

    def _name_functions(self) -> None:
        """What the translation calls."""
        names = self.names
        names["tick"] = self.clock.tick
        names["finish"] = self._finish
        names["undefined_array"] = self._undefined_array
        for number in range(len(self.program.reads)):
            names[f"unassigned_{number}"] = self._unassigned(number)
        for site, statement in self.program.statements.items():
            match statement:
                case Load() | Store() | Atomic():
                    names[f"outside_{site}"] = self._outside(statement)
                    if self.kernel.arrays[statement.array].space is Space.LOCAL:
                        self._name_private_access(statement)
                    else:
                        self._name_access(statement)
                case CheckDivisor():
                    names[f"check_{site}"] = self._check(statement)
                case Barrier():
                    names[f"arrive_{site}"] = self._noting(statement, self.record.arrive)
                case Return():
                    names[f"leave_{site}"] = self._noting(statement, self.record.leave)

    def _name_access(self, access: Access) -> None:
        def undefined(thread: int, element: int, step: int) -> None:
            self.record.undefined_shared(access, thread, step, element)

        observe = self.ordering.observer(access)
        scene = self._scene(access, observe, undefined)
        match access:
            case Load():
                self.names[f"load_{access.site}"] = memory.loader(scene)
            case Store():
                self.names[f"store_{access.site}"] = memory.storer(scene)
            case Atomic():
                self.names[f"atomic_{access.site}"] = memory.changer(scene, access.op)

    def _name_private_access(self, access: Access) -> None:
        def undefined(thread: int, element: int, step: int) -> None:
            self.record.undefined_private(access, thread, step, element)

        scene = self._scene(access, None, undefined)
        match access:
            case Load():
                self.names[f"load_{access.site}"] = memory.private_loader(scene)
            case Store():
                self.names[f"store_{access.site}"] = memory.private_storer(scene)
            case Atomic():
                raise ValueError(f"{access.span}: an atomic on a local array")

    def _scene(
        self, access: Access, observe: memory.Observer | None, undefined: memory.Undefined
    ) -> Scene:
        return Scene(
            self.memories[access.array],
            self.clock,
            self.visits[access.site],
            observe,
            undefined,
            self.findings.tainted,
        )

    # Each of these makes, or is, a function that the translated kernel calls directly: the clock
    # looks for the locals of the thread one frame above.

    def _outside(self, access: Access) -> Callable[[int, tuple[int, ...]], Number]:
        clock, visits = self.clock, self.visits[access.site]
        nothing = arithmetic.zero(self.memories[access.array].element)

        def outside(thread: int, index: tuple[int, ...]) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            self.record.out_of_bounds(access, thread, step, index)
            return nothing

        return outside

    def _unassigned(self, number: int) -> Callable[[int], Number]:
        clock, read = self.clock, self.program.reads[number]
        nothing = arithmetic.zero(read.type)

        def unassigned(thread: int) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            self.record.unassigned(read, thread, step)
            return nothing

        return unassigned

    def _check(self, statement: CheckDivisor) -> Callable[[int, Number], None]:
        clock, visits = self.clock, self.visits[statement.site]

        def check(thread: int, divisor: Number) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            if divisor == 0:
                self.record.zero_divisor(statement, thread, step)

        return check

    def _noting(
        self, statement: Sited, note: Callable[[Any, int, int], None]
    ) -> Callable[[int], None]:
        clock, visits = self.clock, self.visits[statement.site]

        def come(thread: int) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            note(statement, thread, step)

        return come

    def _finish(self, thread: int) -> None:
        clock = self.clock
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        self.record.finish(thread, step)

    def _undefined_array(self, name: str) -> Values:
        return [None] * len(self.memories[name].values)
