"""Launches of operations: what was checked once for a kernel, grid and block, and arguments of a
kind, is straight code the next time, on whatever stream.

    Launch.ready        finds the words for what is wrong; twice for one kind: a plan
    plan.enqueue        checks the arguments by `entry.checks`, notes their uses, enqueues

A plan is for buffers of ours and plain numbers. Whatever else comes, a kernel with facts about
elements among it, goes the ordinary way, which checks everything again; so a plan may refuse, and
never says why.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.ir.kernel import ArrayParameter
from oxide_analyzer.ir.nodes import Ownership
from oxide_codegen import devices, entry, errands, host_streams
from oxide_codegen.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.enqueue import Call
    from oxide_codegen.entry import LaunchKind
    from oxide_codegen.streams import Stream

_Check: TypeAlias = "Callable[[tuple[Any, ...]], tuple[int | float, ...] | None]"
# So many kinds of launches have plans at once, and so many streams calls of their own.
_MOST_PLANS, _MOST_STREAMS = 4, 64


class Plans:
    """The plans of one kernel with one grid and block."""

    def __init__(self) -> None:
        self._found: tuple[tuple[Hashable, Plan], ...] = ()
        self._before: Hashable = None
        # The last kind for which there can be none.
        self._without: Hashable = None

    def enqueue(self, stream: Stream, arguments: tuple[Any, ...]) -> bool:
        """Launch on a stream of ours; false, and nothing done, where no plan is for this."""
        if errands.captured() is not None:
            # Of what is written down more has to be known.
            return False
        return any(plan.enqueue(stream, arguments) for _, plan in self._found)

    def learn(self, kind: Hashable, make: Callable[[], Plan | None]) -> Plan | None:
        """A launch of a kind went the ordinary way: the second one gets a plan."""
        for known, plan in self._found:
            if known == kind:
                return plan
        if kind == self._without:
            return None
        if self._before != kind:
            # Writing a plan takes longer than a launch.
            self._before = kind
            return None
        self._before = None
        made = make()
        if made is None:
            self._without = kind
        else:
            self._found = (*self._found[1 - _MOST_PLANS :], (kind, made))
        return made


class _Arrays:
    """Which arguments are arrays, and which of those are written."""

    def __init__(self, kernel: Kernel) -> None:
        self._places = tuple(
            (place, kernel.arrays[parameter.name].ownership is not Ownership.READ_ONLY)
            for place, parameter in enumerate(kernel.parameters)
            if isinstance(parameter, ArrayParameter)
        )
        self._written = tuple(place for place, writes in self._places if writes)

    def touched(self, arguments: tuple[Any, ...]) -> list[tuple[Any, bool]]:
        """Their memories, and whether each is written, which the buffers are told."""
        for place in self._written:
            arguments[place].forget()
        return [(arguments[place].memory, writes) for place, writes in self._places]

    def owners(self, arguments: tuple[Any, ...]) -> list[object]:
        """What keeps the elements of arrays on the cpu, whoever frees one meanwhile."""
        return [arguments[place].described().owner for place, _ in self._places]


class HostPlan:
    """Launches on the cpu."""

    def __init__(self, kind: LaunchKind, place: DeviceId, check: _Check) -> None:
        self._place = place
        self._kind = kind
        self._check = check
        self._kernel = kind.specialisation.kernel
        self._native = kind.specialisation.native()
        self._arrays = _Arrays(self._kernel)

    def enqueue(self, stream: Stream, arguments: tuple[Any, ...]) -> bool:
        """Launch on a stream; false, and nothing done, where it is not for this."""
        thread = stream.host
        if thread is None or stream.device_id != self._place or devices.way() is not None:
            return False
        cells = self._check(arguments)
        if cells is None:
            return False
        work = partial(self._work, cells, self._arrays.owners(arguments))
        thread.enqueue(work, self._arrays.touched(arguments))
        return True

    def run(self, arguments: tuple[Any, ...]) -> bool:
        """Launch in this thread; false, and nothing done, where it is not for this."""
        if devices.way() is not None:
            return False
        cells = self._check(arguments)
        if cells is None:
            return False
        work = partial(self._work, cells, self._arrays.owners(arguments))
        host_streams.do(work, self._arrays.touched(arguments))
        return True

    def _work(self, cells: tuple[int | float, ...], keeps: list[object]) -> None:
        kind = self._kind
        record = self._native.run(kind.grid, kind.block, cells, shared=kind.shared, keeps=keeps)
        if record is not None:
            raise failure(self._kernel, record)


class CudaPlan:
    """Launches on a GPU."""

    def __init__(self, kind: LaunchKind, loaded: CudaKernel, check: _Check) -> None:
        self._loaded = loaded
        self._kind = kind
        self._check = check
        self._pack = kind.specialisation.layout.packer.pack_into
        self._arrays = _Arrays(kind.specialisation.kernel)
        # Launches in memory that nobody uses, by their stream.
        self._calls: dict[int, list[Call]] = {}

    def enqueue(self, stream: Stream, arguments: tuple[Any, ...]) -> bool:
        """Launch on a stream; false, and nothing done, where it is not for this."""
        loaded = self._loaded
        device, handle = loaded.device, stream.handle
        routines = device.enqueue
        if routines is None or device.is_lost or stream.device_id != device.id:
            return False
        cells = self._check(arguments)
        if cells is None:
            return False
        errand = errands.current()
        before = device.enter()
        try:
            address = loaded.record
            if errand is not None:
                record = device.records.take(loaded.kernel)
                errand.expect(record)
                address = record.address
            with device.using(self._arrays.touched(arguments), handle, stream):
                calls = self._calls_on(handle)
                # list.pop and append are atomic, so no two threads get the same one.
                call = calls.pop() if calls else self._call(handle)
                self._pack(call.cells, 0, *cells)
                call.cells[loaded.failure_slot] = address
                status = routines.packed(call.packed)
                calls.append(call)
            if status:
                loaded.raise_launch_error(status)
        finally:
            device.leave(before)
        return True

    def _calls_on(self, handle: int) -> list[Call]:
        found = self._calls.get(handle)
        if found is None:
            if len(self._calls) >= _MOST_STREAMS:
                self._calls.clear()
            found = self._calls.setdefault(handle, [])
        return found

    def _call(self, handle: int) -> Call:
        loaded, kind = self._loaded, self._kind
        # An arena of its own, which does not go back to those of other launches.
        arena = loaded.new_arena(kind.shared, kind.grid)
        return loaded.call(kind.grid, kind.block, loaded.shared(kind.shared), handle, arena)


Plan: TypeAlias = HostPlan | CudaPlan


def on_cpu(kind: LaunchKind, place: DeviceId) -> HostPlan | None:
    """A plan for launches on the cpu, None if something is beyond it."""
    check = entry.checks(kind, place, ordinary=None)
    return check and HostPlan(kind, place, check)


def on_cuda(kind: LaunchKind, loaded: CudaKernel, *, ordinary: bool) -> CudaPlan | None:
    """A plan for launches on a GPU, None if something is beyond it."""
    if loaded.is_cooperative:
        return None
    check = entry.checks(kind, loaded.device.id, ordinary=ordinary)
    return check and CudaPlan(kind, loaded, check)
