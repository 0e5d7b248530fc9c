"""One launch: everything is checked before anything is enqueued.

    k[grid, block, stream](a, n)      geometry, arguments, contract, device; then run
    k.prepare(grid=…, block=…)        geometry and proof now, arguments at each call
    ….bind(a, n)                      arguments too: a call checks what can still change

What can still change when everything is bound: a global or a helper of the kernel (`Guard`), the
write permission of a NumPy array, and the device that NumPy arrays go to.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

from oxide_analyzer.ir.kernel import ArrayParameter, ScalarParameter
from oxide_analyzer.ir.nodes import Ownership
from oxide_codegen import devices, errands, host_streams
from oxide_codegen.bound import BoundLaunch
from oxide_codegen.contract import demand_facts, demand_geometry, requested_shared
from oxide_codegen.entry import LaunchKind, entry
from oxide_codegen.errands import Demand, Errand
from oxide_codegen.errors import LaunchTypeError, LaunchValueError, OxideError, plain
from oxide_codegen.failures import failure
from oxide_codegen.forms import is_ordinary
from oxide_codegen.limits import demand_on_cpu
from oxide_codegen.planned import HostPlan, Plans, on_cpu, on_cuda
from oxide_codegen.repeated import Repeated, at_once
from oxide_codegen.streams import queue
from oxide_codegen.vouching import demand_vouched, is_vouched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from oxide_analyzer.contract import Given
    from oxide_analyzer.ir.kernel import DataFact, Kernel
    from oxide_analyzer.launch import Extent
    from oxide_codegen.arguments import Arguments
    from oxide_codegen.arrays import ArrayView
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.launchable import Launchable, Launches, Terms
    from oxide_codegen.live import Guard
    from oxide_codegen.operations.operation import DeviceOperation
    from oxide_codegen.streams import Queue, Stream

P = ParamSpec("P")


class Launch(Generic[P]):
    """A kernel with its grid and block: call it with the kernel's arguments."""

    __slots__ = (
        "_before",
        "_entry",
        "_parameters",
        "_plans",
        "_program",
        "_written",
        "block",
        "grid",
        "is_checked",
        "shared",
        "stream",
    )

    def __init__(
        self,
        program: Launches,
        grid: Extent,
        block: Extent,
        stream: Queue,
        shared: int | None = None,
        *,
        is_checked: bool = True,
        plans: Plans | None = None,
    ) -> None:
        self._program = program
        self.is_checked = is_checked
        self.grid = grid
        self.block = block
        self.stream = stream
        self.shared = shared
        self._entry: Callable[[tuple[Any, ...]], bool] | None = None
        # For which launches it is: under which guard, and whether ordinary ones.
        self._written: tuple[tuple[Guard, bool], ...] = ()
        self._before: tuple[Guard, bool] | None = None
        self._parameters: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        # Of this launch on all streams.
        self._plans = Plans() if plans is None else plans
        if stream.ours is not None:
            self._entry = partial(self._plans.enqueue, stream.ours)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Launch; on a GPU with device buffers this returns when the launch is enqueued."""
        try:
            repeated = self._entry
            if repeated is None or kwargs or not repeated(args):
                self.ready(args, kwargs, repeats=False)[0]()
        except OxideError as error:
            raise plain(error) from None

    @property
    def repeats(self) -> bool:
        """Whether straight code was written for launches like those before."""
        return self._entry is not None

    def again(self, args: tuple[Any, ...]) -> bool:
        """Launch by that code; false, and nothing done, where it is not for these arguments."""
        repeated = self._entry
        return repeated is not None and repeated(args)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> BoundLaunch:
        """The launch with these arguments, checked now: call the result to launch."""
        try:
            return BoundLaunch(self, args, kwargs)
        except OxideError as error:
            raise plain(error) from None

    def op(self, *args: Any, **kwargs: Any) -> DeviceOperation[Any]:
        """The launch as an operation; arguments may be operations too, whose results it takes.

        It gives what the kernel writes: an array, or a tuple of them where there are several.
        """
        from oxide_codegen.operations.launched import operation

        return operation(self, args, kwargs)

    def is_of(self, program: Launches) -> bool:
        """Whether it launches this."""
        return self._program is program

    @property
    def kernel_name(self) -> str:
        """The name of the kernel."""
        return self._program.name

    def parameters(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The parameters of the kernel's function, and those among them that it writes."""
        if self._parameters is None:
            arrays = self._program.stated().arrays.values()
            names = tuple(inspect.signature(self._program.function).parameters)
            written = {a.name for a in arrays if a.ownership is not Ownership.READ_ONLY}
            self._parameters = names, tuple(name for name in names if name in written)
        return self._parameters

    def on(self, stream: object) -> Launch[P]:
        """The same on another stream."""
        return Launch(
            self._program,
            self.grid,
            self.block,
            queue(self._program.name, stream),
            self.shared,
            is_checked=self.is_checked,
            plans=self._plans,
        )

    def enqueue(self, stream: Stream, args: tuple[Any, ...]) -> None:
        """Launch on a stream of ours, with a value for each parameter of the function."""
        if not self._plans.enqueue(stream, args):
            self.on(stream).ready(args, {}, repeats=False)[0]()

    def ready(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, repeats: bool
    ) -> tuple[Callable[[], object], Guard]:
        """All checks done: what to call to run, as often as one likes while the guard holds.

        What `repeats` may take longer to make, to be called faster.
        """
        if not self.is_checked:
            demand_vouched(self._program.name)
        way = devices.way()
        if way is not None:
            unproved = self._unproved(way, args, kwargs)
            if unproved is not None:
                return unproved
        specialisation, guard = self._program.current(args, kwargs)
        return self._ready(specialisation, guard, args, kwargs, repeats=repeats), guard

    def _ready(
        self,
        specialisation: Launchable,
        guard: Guard,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        repeats: bool,
    ) -> Callable[[], object]:
        kernel = specialisation.kernel
        demand_geometry(kernel, self.grid, self.block)
        signature = specialisation.signature
        arguments = signature.check(signature.bind(args, kwargs), self.stream.handle)
        device = devices.current() if arguments.device is None else arguments.device
        self._demand_stream(kernel.name, device)
        if 0 in self.grid:
            return _nothing
        shapes = {name: described.shape for name, described in arguments.views.items()}
        shared = requested_shared(kernel, self.shared)
        given = self._demand_facts(specialisation.checked, arguments, shapes, shared)
        extents = self.grid, self.block
        if device.kind == "cpu":
            if not repeats and self.is_checked:
                self._plan_on_cpu(LaunchKind(specialisation, *extents, shared, guard), device)
            run = self._on_cpu(specialisation, arguments, shared)
            return self._with_data(kernel, arguments, given, None, run)
        # Host arrays are copied to where arrays of ours start.
        starts = ((0 if view.host else view.address) for view in arguments.views.values())
        arrays = zip(starts, shapes.values(), strict=True)
        fits = is_ordinary(kernel, arguments.scalars, arrays, self.grid, self.block)
        loaded = specialisation.cuda(device.index).suited(self.grid, ordinary=fits)
        loaded.demand_limits(self.grid, self.block, shared)
        if arguments.host:
            run = self._from_host(specialisation, loaded, arguments, shared)
            return self._with_data(kernel, arguments, given, None, run)
        if not repeats and self.is_checked:
            alike = LaunchKind(specialisation, *extents, shared, guard)
            self._learn_on_cuda(alike, (guard, fits), loaded)
        run = self._on_device(specialisation, loaded, arguments, shared, repeats=repeats)
        return self._with_data(kernel, arguments, given, loaded, run)

    def _plan_on_cpu(self, kind: LaunchKind, place: DeviceId) -> None:
        """Write out what launches like this one repeat."""
        made = self._plans.learn((kind.guard, place), lambda: on_cpu(kind, place))
        if self.stream.handle is None and isinstance(made, HostPlan):
            self._entry = made.run

    def _learn_on_cuda(
        self, kind: LaunchKind, known_as: tuple[Guard, bool], loaded: CudaKernel
    ) -> None:
        """The same: on the default stream an entry, beside those of the others; else a plan."""
        guard, ordinary = known_as
        if self.stream.handle is not None or known_as in self._written:
            self._plans.learn(known_as, lambda: on_cuda(kind, loaded, ordinary=ordinary))
            return
        # Writing an entry out takes longer than a launch: only for the second of its kind.
        if self._before == known_as:
            made = entry(kind, loaded, ordinary=ordinary)
            others = tuple(other for other in self._written if other[0] is guard)
            first = self._entry if others else None
            self._entry = made if made is None or first is None else _either(first, made)
            self._written = (*others, known_as)
        self._before = known_as

    def _unproved(
        self, way: devices.Way, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Callable[[], object], Guard] | None:
        """The launch, interpreted or watched; None if its arrays are elsewhere."""
        from oxide_codegen import interpreted, sanitised
        from oxide_codegen.interpreted import declared

        kernel, guard = self._program.unproved(args, kwargs)
        demand_geometry(kernel, self.grid, self.block)
        signature = self._program.signature(kernel)
        arguments = signature.check(signature.bind(args, kwargs), self.stream.handle)
        if arguments.device is not None and arguments.device.kind != "cpu":
            return None
        self._demand_stream(kernel.name, arguments.device or devices.current())
        if 0 in self.grid:
            return _nothing, guard
        shapes = {name: described.shape for name, described in arguments.views.items()}
        shared = requested_shared(kernel, self.shared)
        given = self._demand_facts(declared(kernel), arguments, shapes, shared)
        runs = interpreted if way is devices.Way.INTERPRETER else sanitised
        work = runs.run_of(kernel, arguments, self.grid, self.block, shared)
        run = self._in_order(kernel, arguments, work)
        return self._with_data(kernel, arguments, given, None, run), guard

    def _demand_facts(
        self,
        terms: Terms,
        arguments: Arguments,
        shapes: Mapping[str, tuple[int, ...]],
        shared: int,
    ) -> Given | None:
        """What the launch fixes, if every fact of the proof holds; None where nobody asks."""
        if not self.is_checked:
            return None
        return demand_facts(terms, arguments.scalars, shapes, self.grid, self.block, shared)

    def _with_data(
        self,
        kernel: Kernel,
        arguments: Arguments,
        given: Given | None,
        loaded: CudaKernel | None,
        run: Callable[[], object],
    ) -> Callable[[], object]:
        """`run` behind the facts about the elements of arrays, which are also checked now."""
        if not self.is_checked:
            name = kernel.name

            def vouched() -> None:
                demand_vouched(name)
                run()

            return vouched
        if not kernel.contract.data or given is None:
            return run
        from oxide_codegen.claims import demand_data, on_host

        captured = errands.captured()

        def stream_of(loaded: CudaKernel) -> int:
            # What a graph writes down is looked at before it runs, on no stream of its own.
            return self._handle(loaded) if captured is None else loaded.device.default_handle

        def read(name: str) -> Any:
            if loaded is None:
                if name in arguments.owners:
                    host_streams.wait_for(arguments.owners[name].memory, writes=False)
                return on_host(arguments.views[name])
            stream = stream_of(loaded)
            return loaded.device.read(arguments.views[name], arguments.owners.get(name), stream)

        def holds(fact: DataFact, bounds: tuple[int, int] | None) -> bool | None:
            if loaded is None:
                return None
            from oxide_codegen import claim_kernels

            view, buffer = arguments.views[fact.array], arguments.owners.get(fact.array)
            stream = stream_of(loaded)
            return claim_kernels.holds(loaded.device, fact, bounds, view, buffer, stream)

        def demand() -> None:
            demand_data(kernel, kernel.contract.data, arguments, given, read, holds)

        def behind() -> None:
            if not is_vouched():
                demand()
            run()

        if not is_vouched():
            if captured is not None:
                facts = kernel.contract.data
                views = tuple((fact.array, arguments.views[fact.array]) for fact in facts)
                captured.demands.append(Demand(kernel.name, views, demand))
                return run
            demand()
        return behind

    def _handle(self, loaded: CudaKernel) -> int:
        """The stream of a launch on a GPU."""
        default = loaded.device.default_handle
        return default if self.stream.handle is None else self.stream.handle

    def _demand_stream(self, kernel: str, device: DeviceId) -> None:
        if self.stream.handle is not None and device.kind == "cpu" and not self.stream.is_cpu:
            raise LaunchTypeError(
                kernel,
                "`stream` is one of a CUDA device, but the launch runs on the cpu",
                parameter="stream",
                expected="no stream, or oxide.stream()",
                actual="a CUDA stream",
            )
        of = self.stream.device
        if of is not None and of != device:
            where = "the cpu" if of == devices.CPU else str(of)
            raise LaunchTypeError(
                kernel,
                f"`stream` is one of {where}, but the launch runs on {device}",
                parameter="stream",
                expected=f"a stream of {device}",
                actual=f"a stream of {where}",
            )

    def _on_cpu(
        self, specialisation: Launchable, arguments: Arguments, shared: int
    ) -> Callable[[], object]:
        kernel, grid, block = specialisation.kernel, self.grid, self.block
        native = specialisation.native()
        demand_on_cpu(kernel, grid, block, native.static, shared)
        cells = arguments.cells(kernel)

        def work() -> None:
            # `arguments` is named here so that the arrays live as long as this closure.
            record = native.run(grid, block, cells, shared=shared, keeps=arguments)
            if record is not None:
                raise failure(kernel, record)

        return self._in_order(kernel, arguments, work)

    def _in_order(
        self, kernel: Kernel, arguments: Arguments, work: Callable[[], None]
    ) -> Callable[[], object]:
        """Do `work` on the cpu, behind all that it has to: in this thread, or on the stream."""
        written = arguments.written(kernel)
        touched = tuple((buffer.memory, buffer in written) for buffer in arguments.buffers)
        thread = None if self.stream.ours is None else self.stream.ours.host

        def run() -> Future[None] | None:
            for buffer in arguments.buffers:
                buffer.view()
            for name in arguments.views:
                demand_writable(kernel, name, arguments.views[name])
            self._note_changes(kernel, arguments, written)
            if thread is None:
                host_streams.do(work, touched)
                return None
            if not arguments.host or errands.current() is not None:
                return thread.enqueue(work, touched)
            # The arrays are the caller's, who may use them when this returns.
            mine = Errand()
            with errands.Under(mine):
                thread.enqueue(work, touched).exception()
            error = mine.failure()
            mine.leave()
            if error is not None:
                raise error
            return None

        return run

    def _note_changes(
        self, kernel: Kernel, arguments: Arguments, written: tuple[DeviceBuffer[Any], ...]
    ) -> None:
        """The elements of what the kernel writes are to be others."""
        for buffer in written:
            buffer.forget()
        captured = errands.captured()
        if captured is not None:
            views = (
                view
                for name, view in arguments.views.items()
                if kernel.arrays[name].ownership is not Ownership.READ_ONLY
            )
            captured.changes(views, written)

    def _from_host(
        self,
        specialisation: Launchable,
        loaded: CudaKernel,
        arguments: Arguments,
        shared: int,
    ) -> Callable[[], object]:
        kernel, grid, block = specialisation.kernel, self.grid, self.block
        device, stream = loaded.device, self._handle(loaded)
        cells = arguments.cells(kernel)
        views: list[tuple[int, ArrayView, Ownership]] = []
        position = 0
        for parameter in kernel.parameters:
            match parameter:
                case ScalarParameter():
                    position += 1
                case ArrayParameter(name=name):
                    array = kernel.arrays[name]
                    views.append((position, arguments.views[name], array.ownership))
                    position += 1 + array.held_rank
        pack = specialisation.layout.packer.pack_into

        def run() -> None:
            for name in arguments.views:
                demand_writable(kernel, name, arguments.views[name])
            device.run_on_host_arrays(loaded, grid, block, cells, views, pack, stream, shared)

        return run

    def _on_device(
        self,
        specialisation: Launchable,
        loaded: CudaKernel,
        arguments: Arguments,
        shared: int,
        *,
        repeats: bool,
    ) -> Callable[[], object]:
        kernel, device, stream = specialisation.kernel, loaded.device, self._handle(loaded)
        written = arguments.written(kernel)
        changed = {b.memory for b in written}
        memories = tuple(dict.fromkeys(b.memory for b in arguments.buffers))
        touched = tuple((memory, memory in changed) for memory in memories)
        default = device.default_handle
        theirs = [v for name, v in arguments.views.items() if name not in arguments.owners]
        foreign = {v.stream for v in theirs if v.stream is not None} - {stream}
        # Whoever names no stream uses what is there on the default one.
        behind = {v.stream or default for v in theirs} - {stream}
        arena = loaded.arena(shared, self.grid)
        specialisation.layout.packer.pack_into(arena.cells, 0, *arguments.cells(kernel))
        grid, block = self.grid, self.block
        # Streams of others may be gone when somebody has to wait for them.
        owner = self.stream.ours

        def run() -> None:
            for buffer in arguments.buffers:
                buffer.view()
            self._note_changes(kernel, arguments, written)
            before = device.enter()
            try:
                errand = errands.current() if stream != default else None
                asks = owner is None and stream != default and bool(behind or errand)
                # Part of somebody else's graph, which may run when nobody waits any more.
                is_captured = asks and device.is_captured(stream)
                if is_captured:
                    errand = None
                record = None if errand is None else device.records.take(kernel)
                if errand is not None and record is not None:
                    errand.expect(record)
                is_noted = is_captured or stream in device.captures
                for other in () if is_noted else foreign:
                    device.wait_for(other, stream)
                with device.using(touched, stream, owner):
                    device.launch(loaded, grid, block, arena, stream, shared, record)
                for other in () if is_noted else behind:
                    # What their owner enqueues there next comes behind.
                    device.wait_for(stream, other)
            finally:
                device.leave(before)

        # The arguments (foreign arrays too) live as long as the closure; what is freed later is
        # freed in the order of its stream, behind the launch.
        run.__dict__["arguments"] = arguments
        if foreign or stream != default or loaded.is_cooperative or not repeats:
            return run
        call = Repeated(loaded, self.grid, self.block, loaded.shared(shared), arena)
        return at_once(call, memories, written, run)


def _either(
    first: Callable[[tuple[Any, ...]], bool], second: Callable[[tuple[Any, ...]], bool]
) -> Callable[[tuple[Any, ...]], bool]:
    """The entry of launches of two kinds."""
    return lambda arguments: first(arguments) or second(arguments)


def demand_writable(kernel: Kernel, name: str, view: ArrayView) -> None:
    """Raise if a NumPy array that the kernel writes was made read-only meanwhile.

    What devices copy from and to by themselves is waited for.
    """
    is_read = kernel.arrays[name].ownership is Ownership.READ_ONLY
    settle = getattr(view.owner, "settle", None)
    if settle is not None:
        settle(writes=not is_read)
    if is_read:
        return
    flags = getattr(view.owner, "flags", None)
    if flags is not None and not getattr(flags, "writeable", True):
        raise LaunchValueError(
            kernel.name,
            f"`{name}` is written by the kernel, but the array is read-only",
            parameter=name,
            expected="a writable array",
            actual="a read-only array",
        )


def _nothing() -> None:
    """A grid without blocks."""
