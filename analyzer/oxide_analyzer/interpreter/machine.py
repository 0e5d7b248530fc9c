"""A launch, thread by thread: blocks in the order of their index, threads up to their barriers.

Within a block each thread runs until it waits at a barrier, returns, or comes to the end of the
kernel; then, if all that are left wait at the same barrier in the same iteration of every loop
round it, they go on together. A thread that returned counts as arrived; one that came to the end
while others wait does not: that is a divergence, and ends the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter import arithmetic, memory
from oxide_analyzer.interpreter.findings import Moment
from oxide_analyzer.interpreter.memory import Memory
from oxide_analyzer.interpreter.ordering import Clocks, Intervals, Ordering, shared_accesses
from oxide_analyzer.interpreter.outcome import (
    Divergence,
    HarmfulExit,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.translate import (
    access_kind,
    dimension_name,
    end_of,
    parameter_name,
)
from oxide_analyzer.ir.nodes import (
    Atomic,
    Barrier,
    CheckDivisor,
    Load,
    Return,
    ScalarParameter,
    Space,
    Store,
)
from oxide_analyzer.launch import Contents, Extent, Launch, Number

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.findings import Findings, Seen
    from oxide_analyzer.interpreter.memory import Values
    from oxide_analyzer.interpreter.ordering import Access
    from oxide_analyzer.interpreter.outcome import Failure
    from oxide_analyzer.interpreter.translate import Program
    from oxide_analyzer.ir.nodes import Kernel, Stmt

# What a thread of the translated kernel yields: where it waits, or () if it only pauses.
Wait = tuple[int, ...]


class _Meeting(NamedTuple):
    """A barrier that was met: where, and one thread that waited there."""

    barrier: Moment
    live: int


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
        # Of the block that runs: barriers met, the steps at which threads waited last, returned,
        # and came to the end; and reads of undefined elements since the last barrier.
        self.met: list[Moment] = []
        self.waiting: dict[int, Moment] = {}
        self.returned: dict[int, tuple[Moment, int]] = {}
        self.ended: dict[int, Moment] = {}
        self.undefined: dict[tuple[int, int], tuple[Access, int, Moment]] = {}
        self.ordering = self._ordering()
        self.thread = self._bind()

    # ------------------------------------------------------------ running

    def run(self) -> None:
        """Run every block."""
        width, height, depth = self.launch.grid
        size = self.launch.block[0] * self.launch.block[1] * self.launch.block[2]
        run_block = self._run_together if self.program.suspends else self._run_alone
        first = 0
        for z in range(depth):
            for y in range(height):
                for x in range(width):
                    self._begin_block()
                    run_block(first, (x, y, z))
                    self._resolve_undefined()
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
        self.met.clear()
        self.waiting.clear()
        self.returned.clear()
        self.ended.clear()
        for name, at in self.memories.items():
            if self.kernel.arrays[name].space is Space.SHARED:
                at.forget()

    def _threads(self, first: int) -> Any:
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
        live: dict[int, Generator[Wait]] = {}
        for number, x, y, z in self._threads(first):
            self.clock.tick()
            live[number] = self.thread(number, x, y, z, *block)
        while live:
            waits = self._run_interval(live)
            live = {number: live[number] for number in waits}
            if not waits or self._diverges(waits):
                return
            self._resolve_undefined()
            self.ordering.barrier(live, self._returned_now())
            self.met.append(self.waiting[next(iter(waits))])

    def _run_interval(self, live: Mapping[int, Generator[Wait]]) -> dict[int, Wait]:
        """Run every thread up to its next barrier, or its end; those that wait, and where."""
        waits: dict[int, Wait] = {}
        running = live
        while running:
            paused: dict[int, Generator[Wait]] = {}
            for number, thread in running.items():
                wait = next(thread, None)
                if wait:
                    waits[number] = wait
                elif wait is not None:
                    paused[number] = thread
            running = paused
        # In the order of the threads, whatever order they came in.
        return {number: waits[number] for number in live if number in waits}

    def _diverges(self, waits: Mapping[int, Wait]) -> bool:
        first = next(iter(waits))
        place = waits[first]
        waiting = self.waiting[first]
        for number, wait in waits.items():
            if wait != place:
                self._divergence(waiting, self.waiting[number])
                return True
        if self.ended:
            self._divergence(waiting, next(iter(self.ended.values())))
            return True
        return False

    def _returned_now(self) -> list[int]:
        epoch = len(self.met)
        return [number for number, (_, when) in self.returned.items() if when == epoch]

    # ------------------------------------------------------------ failures

    def _divergence(self, waiting: Moment, other: Moment) -> None:
        def build(see: Seen, clean: bool) -> Failure:
            return Divergence(see(waiting), see(other), clean)

        key = (Divergence, waiting.site, other.site)
        self.findings.add(key, (waiting, other), max(waiting.step, other.step), build)

    def _raced(
        self, first: Access, first_thread: int, first_step: int, second: Access, *now: int
    ) -> None:
        thread, element, step = now
        exited = self.returned.get(first_thread)
        if exited is not None and exited[1] < len(self.met):
            leave, epoch = exited
            self._harmful_exit(
                leave,
                epoch,
                self._moment(second, thread, element, step),
                self._moment(first, first_thread, element, first_step),
            )
            return
        size = self.launch.block[0] * self.launch.block[1] * self.launch.block[2]
        same_block = first_thread // size == thread // size
        key = (Race, *sorted((first.site, second.site)), same_block)
        if self.findings.is_settled(key):
            return
        before = self._moment(first, first_thread, element, first_step)
        after = self._moment(second, thread, element, step)

        def build(see: Seen, clean: bool) -> Failure:
            return Race(see(before), see(after), clean)

        self.findings.add(key, (before, after), step, build)

    def _harmful_exit(
        self, leave: Moment, epoch: int, access: Moment, other: Moment | None
    ) -> None:
        barrier = self.met[epoch]
        moments = (leave, barrier, access) if other is None else (leave, barrier, access, other)

        def build(see: Seen, clean: bool) -> Failure:
            then = None if other is None else see(other)
            return HarmfulExit(see(leave), see(barrier), see(access), then, clean)

        key = (HarmfulExit, leave.site, access.site, None if other is None else other.site)
        self.findings.add(key, moments, access.step, build)

    def _resolve_undefined(self) -> None:
        """Judge the reads of undefined shared elements, now that the interval is over.

        Where another, sound thread writes the element in the same interval, the race between the
        two is the failure; another order of the threads reads what was written.
        """
        for access, element, read in self.undefined.values():
            taints = self.findings.tainted
            if any(
                taints.get(thread, step) >= step
                for thread, step in self.ordering.writers(access, element, read.thread)
            ):
                continue
            exited = [at for at in self.returned.values() if at[1] < len(self.met)]
            if exited:
                self._harmful_exit(*exited[0], read, None)
            else:
                self._uninitialised((Uninitialised, read.site), read)
        self.undefined.clear()

    def _uninitialised(self, key: tuple[object, ...], read: Moment) -> None:
        def build(see: Seen, clean: bool) -> Failure:
            return Uninitialised(see(read), clean)

        self.findings.add(key, (read,), read.step, build)

    def _moment(self, statement: Stmt, thread: int, element: int | None, step: int) -> Moment:
        array, index, site = None, (), None
        if isinstance(statement, Load | Store | Atomic) and element is not None:
            array = statement.array
            index = self.memories[array].index(element)
        if isinstance(statement, Load | Store | Atomic | Barrier | Return | CheckDivisor):
            site = statement.site
        return Moment(access_kind(statement), site, statement.span, array, index, thread, step)

    # ------------------------------------------------------------ the names of the translation

    def _ordering(self) -> Ordering:
        accesses = shared_accesses(self.kernel, self.program.statements.values())
        if self.program.has_orders:
            size = self.launch.block[0] * self.launch.block[1] * self.launch.block[2]
            return Clocks(self.kernel, accesses, self._raced, size)
        return Intervals(self.kernel, accesses, self._raced)

    def _bind(self) -> Any:
        """Give the translation all that it names; the function that plays a thread."""
        launch, kernel = self.launch, self.kernel
        names: dict[str, Any] = dict(self.program.constants)
        names |= {f"block_dim_{axis}": extent for axis, extent in enumerate(launch.block)}
        names |= {f"grid_dim_{axis}": extent for axis, extent in enumerate(launch.grid)}
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
            at = self.memories[array.name] = Memory(array.element, contents.shape)
            at.fill(contents)
        # Extents of scratch arrays are expressions of constants: the text computes them, and
        # names what depends on them only inside `thread`.
        exec(self.program.code, names)
        for name, shape in names["shapes"].items():
            self.memories[name] = Memory(kernel.arrays[name].element, shape)
        for name, at in self.memories.items():
            for axis, extent in enumerate(at.shape):
                names[dimension_name(kernel, name, axis)] = extent
        names |= {
            "tick": self.clock.tick,
            "finish": self._finish,
            "undefined_array": self._undefined_array,
        }
        for number in range(len(self.program.reads)):
            names[f"unassigned_{number}"] = self._unassigned(number)
        for site, statement in self.program.statements.items():
            self._bind_statement(names, site, statement)
        return names["thread"]

    def _bind_statement(self, names: dict[str, Any], site: int, statement: Stmt) -> None:
        clock, visits, taints = self.clock, self.visits[site], self.findings.tainted
        match statement:
            case Load() | Store() | Atomic():
                at = self.memories[statement.array]
                names[f"outside_{site}"] = self._outside(statement)
                if self.kernel.arrays[statement.array].space is Space.LOCAL:
                    self._bind_private(names, statement, at)
                    return
                observe = self.ordering.observer(statement)
                undefined = self._undefined(statement)
                match statement:
                    case Load():
                        names[f"load_{site}"] = memory.loader(
                            at, clock, visits, observe, undefined, taints
                        )
                    case Store():
                        names[f"store_{site}"] = memory.storer(at, clock, visits, observe, taints)
                    case Atomic():
                        names[f"atomic_{site}"] = memory.changer(
                            at, statement, clock, visits, observe, undefined, taints
                        )
            case CheckDivisor():
                names[f"check_{site}"] = self._check(statement)
            case Barrier():
                names[f"arrive_{site}"] = self._arrive(statement)
            case Return():
                names[f"leave_{site}"] = self._leave(statement)
            case _:
                raise TypeError(f"{statement} has no site")

    def _bind_private(
        self, names: dict[str, Any], statement: Load | Store | Atomic, at: Memory
    ) -> None:
        site, visits = statement.site, self.visits[statement.site]
        match statement:
            case Load():
                names[f"load_{site}"] = memory.private_loader(
                    at, self.clock, visits, self._undefined(statement)
                )
            case Store():
                names[f"store_{site}"] = memory.private_storer(self.clock, visits)
            case Atomic():
                raise ValueError(f"{statement.span}: an atomic on a local array")

    def _undefined_array(self, name: str) -> Values:
        return [None] * len(self.memories[name].values)

    # Each of these makes a function that the translated kernel calls directly: the clock finds
    # the locals of the thread one frame above.

    def _outside(self, statement: Access) -> Any:
        clock, visits = self.clock, self.visits[statement.site]
        at = self.memories[statement.array]
        nothing = arithmetic.zero(at.element)
        invents = not isinstance(statement, Store)

        def outside(thread: int, index: tuple[int, ...]) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            axis = next(k for k, i in enumerate(index) if not 0 <= i < at.shape[k])
            length = at.shape[axis]
            moment = self._moment(statement, thread, None, step)
            moment = moment._replace(array=statement.array, index=index)

            def build(see: Seen, clean: bool) -> Failure:
                return OutOfBounds(see(moment), axis, length, clean)

            self.findings.add((OutOfBounds, statement.site), (moment,), step, build)
            if invents:
                self.findings.taint(thread, step)
            return nothing

        return outside

    def _undefined(self, statement: Access) -> Any:
        private = self.kernel.arrays[statement.array].space is Space.LOCAL
        site = statement.site

        def undefined(thread: int, element: int, step: int) -> None:
            moment = self._moment(statement, thread, element, step)
            if private:
                self._uninitialised((Uninitialised, site), moment)
            else:
                self.undefined.setdefault((site, element), (statement, element, moment))
            self.findings.taint(thread, step)

        return undefined

    def _unassigned(self, number: int) -> Any:
        clock = self.clock
        read = self.program.reads[number]
        nothing = arithmetic.zero(read.type)

        def unassigned(thread: int) -> Number:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            moment = Moment(AccessKind.READ, None, read.span, None, (), thread, step)
            self._uninitialised((Uninitialised, read.local.name, read.span), moment)
            self.findings.taint(thread, step)
            return nothing

        return unassigned

    def _check(self, statement: CheckDivisor) -> Any:
        clock, visits = self.clock, self.visits[statement.site]

        def check(thread: int, divisor: Number) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            if divisor == 0:
                moment = self._moment(statement, thread, None, step)

                def build(see: Seen, clean: bool) -> Failure:
                    return ZeroDivisor(see(moment), clean)

                self.findings.add((ZeroDivisor, statement.site), (moment,), step, build)
                self.findings.taint(thread, step)

        return check

    def _arrive(self, statement: Barrier) -> Any:
        clock, visits = self.clock, self.visits[statement.site]

        def arrive(thread: int) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            self.waiting[thread] = self._moment(statement, thread, None, step)

        return arrive

    def _leave(self, statement: Return) -> Any:
        clock, visits = self.clock, self.visits[statement.site]

        def leave(thread: int) -> None:
            clock.now = step = clock.now + 1
            if step >= clock.alarm:
                clock.ring()
            visits.add(thread)
            self.returned[thread] = (
                self._moment(statement, thread, None, step),
                len(self.met),
            )

        return leave

    def _finish(self, thread: int) -> None:
        self.clock.now = step = self.clock.now + 1
        if step >= self.clock.alarm:
            self.clock.ring()
        end = end_of(self.kernel.span)
        self.ended[thread] = Moment(AccessKind.EXIT, None, end, None, (), thread, step)
