"""A launch whose arguments do not change: its checks are done, and calling it is one native call.

What can change between two calls is looked at: what the kernel takes from its module, whether a
buffer was used on another stream (`Cuda.moved`), and which context is current.

    def once():                                     # of `bound = k.prepare(...).bind(a, b)`
        if not (x0_0.get(x0_1, MISSING) is x0_2): return False
        if device.moved is state.seen:
            status = start(packed)
            if not status: return True
        run()                                       # the long way, which finds the words
        return True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oxide_codegen.enqueue import OTHER_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.launch import Extent
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda import Cuda, Memory
    from oxide_codegen.cuda_kernel import Arena, CudaKernel
    from oxide_codegen.enqueue import Call
    from oxide_codegen.live import Guard


@dataclass(frozen=True, slots=True)
class Repeated:
    """A launch whose arguments are packed; `shared` counts all bytes of dynamic shared memory."""

    loaded: CudaKernel
    grid: Extent
    block: Extent
    shared: int
    arena: Arena


@dataclass(slots=True)
class _Direct:
    """A launch by one native call; `seen` is what `Cuda.moved` was when buffers were looked at."""

    device: Cuda
    start: Callable[[bytes], int]
    call: Call
    seen: object


def at_once(
    repeated: Repeated,
    memories: tuple[Memory, ...],
    written: tuple[DeviceBuffer[Any], ...],
    otherwise: Callable[[], None],
) -> Callable[[], None]:
    """`otherwise` for the default stream, where nothing is to be waited for and the context is
    current.
    """
    loaded, arena = repeated.loaded, repeated.arena
    device, stream = loaded.device, loaded.device.default_handle
    enqueue = device.enqueue
    if enqueue is None:
        current, launch = device.driver.cuCtxGetCurrent, device.driver.cuLaunchKernel
        context, function, shared = device.context_handle, loaded.handle, repeated.shared
        (gx, gy, gz), (bx, by, bz) = loaded.launched(repeated.grid), repeated.block
        address = arena.address

        def through_bindings() -> None:
            for buffer in written:
                buffer.forget()
            for memory in memories:
                if memory.stream != stream:
                    return otherwise()
            if device.is_lost or int(current()[1]) != context:
                return otherwise()
            status = launch(function, gx, gy, gz, bx, by, bz, shared, stream, address, 0)[0]
            if status:
                loaded.raise_launch_error(status)
            return None

        return through_bindings
    call = loaded.call(repeated.grid, repeated.block, repeated.shared, stream, arena)
    state = _Direct(device, enqueue.packed, call, object())
    start, packed = state.start, call.packed

    def directly() -> None:
        now = device.moved
        if now is not state.seen:
            if device.is_lost:
                return otherwise()
            for buffer in written:
                buffer.forget()
            for memory in memories:
                if memory.stream != stream:
                    return otherwise()
            state.seen = now
        status = start(packed)
        if status:
            if status == OTHER_CONTEXT:
                return otherwise()
            loaded.raise_launch_error(status)
        return None

    directly.__dict__["state"] = state
    return directly


def once(run: Callable[[], object], guard: Guard) -> Callable[[], bool]:
    """`run` behind its guard, as one function: false, and nothing done, if the guard fails."""
    condition, names = guard.spelled()
    lines = ["def once():", f"    if not {condition}: return False"]
    state = getattr(run, "__dict__", {}).get("state")
    if isinstance(state, _Direct):
        # The failures of a launch that did not start leave no trace, so it may start again.
        lines += [
            "    if device.moved is state.seen:",
            "        if not start(packed): return True",
        ]
        names |= {
            "device": state.device,
            "state": state,
            "start": state.start,
            "packed": state.call.packed,
        }
    lines += ["    run()", "    return True"]
    names["run"] = run
    # Names and text are of our own making: see `live.Guard.spelled`.
    exec(compile("\n".join(lines), "<launch>", "exec"), names)
    return names["once"]
