"""Copies between two GPUs, in order with all that is on either.

Each device keeps its own account of who uses its memory, so a copy is a use on both: it runs on a
stream of the target's device, between two events of a stream of the source's.

    source's device     … writes x ─► ready                   done ─► later writes of x
                                        └──► copies x to y ──┘
    target's device     … reads y ─────────►                └──► later reads of y

Where the hardware lets one device reach the other's memory, the pool of the source is opened for
the target at the first copy, so that it goes straight across; elsewhere the driver takes it by way
of the host. Access is never taken back, so nothing in flight can lose it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from oxide_codegen.driver import check

if TYPE_CHECKING:
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.streams import Stream

_lock = threading.Lock()
# For source and target: the source's stream on which copies are noted, and its pool that is open.
_beside: dict[tuple[Cuda, Cuda], Stream] = {}
_open: dict[tuple[Cuda, Cuda], Any] = {}


def copy(
    target: DeviceBuffer[Any], source: DeviceBuffer[Any], stream: int, keeps: Stream | None
) -> None:
    """Enqueue a copy from a buffer of another GPU, on a stream of the target's.

    `keeps` is that stream where it is one of ours: see `Cuda.using`.
    """
    from oxide_codegen.cuda import cuda

    owner, device = cuda(source.device_id.index), cuda(target.device_id.index)
    with _lock:
        reach(device, owner)
        beside = _beside.get((owner, device))
        if beside is None:
            beside = _beside[owner, device] = owner.new_stream()
    reads, writes = ((source.memory, False),), ((target.memory, True),)
    with owner.current(), owner.using(reads, beside.handle, beside):
        ready = owner.mark(beside.handle)
    with device.current(), device.using(writes, stream, keeps) as handle:
        device.stream(handle).wait(ready)
        owner.events.append(ready)
        if target.nbytes:
            answer = device.driver.cuMemcpyPeerAsync(
                target.view().address,
                device.context_handle,
                source.view().address,
                owner.context_handle,
                target.nbytes,
                handle,
            )
            check(device.driver, answer, f"copying from {owner.id} to {device.id}")
        done = device.mark(handle)
    with owner.current():
        owner.stream(beside.handle).wait(done)
    device.events.append(done)


def reach(device: Cuda, owner: Cuda) -> bool:
    """Whether `device` reads the memory of `owner` directly; opens the pool of `owner` for it."""
    pool = owner.pools.resource
    if _open.get((owner, device)) is pool:
        return True
    opened = getattr(pool, "peer_accessible_by", None)
    if opened is None or not device.device.can_access_peer(owner.index):
        return False
    # Maps all that the pool holds, which may take long: once for each pair.
    opened.add(device.index)
    _open[owner, device] = pool
    return True
