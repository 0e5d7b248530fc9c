"""Copies of elements: host to device, device to host, within a device and across, also of views.

    fill(x, array)                ordinary memory of the host: done, or read, when this returns
    fill(x, pinned, stream)       in the order of the stream; the host waits when it looks
    read(x, array, stream)        the same backwards
    between(x, y, stream)         on one device, between two, or between a GPU and the cpu

Whatever is copied on a stream comes behind all uses that it has to, and later uses behind it: see
`ordering`. Views that are not contiguous are copied as rectangles; see `strides`. Where these are
too many, the memory between their first and last element goes by way of the host.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oxide_codegen import host_streams, streams
from oxide_codegen.arrays import start_of
from oxide_codegen.driver import check
from oxide_codegen.errors import DeviceError
from oxide_codegen.strides import Layout, rectangles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.host_streams import HostMemory
    from oxide_codegen.pinned_memory import Pinned
    from oxide_codegen.streams import Queue
    from oxide_codegen.strides import Rectangle


def fill(target: DeviceBuffer[Any], array: Any, stream: object = None) -> None:
    """Overwrite a buffer with a NumPy array of its shape and type.

    Only an array of `oxide.pinned` may still be read when this returns.
    """
    queue = _queue(target, stream)
    if target.device_id.kind == "cpu":
        if host_memory(array) is None and queue.handle is not None:
            # The array is the caller's, who may change it when this returns.
            array = array.copy()
        _on_host(target, array, queue, to_buffer=True)
        return
    if target.size:
        _host_copy(target, array, queue, to_device=True)


def read(source: DeviceBuffer[Any], array: Any, stream: object = None) -> None:
    """Overwrite a NumPy array with a buffer of its shape and type.

    Only an array of `oxide.pinned` may still be written when this returns; of any other, this
    raises what the work before it ran into.
    """
    queue = _queue(source, stream)
    if source.device_id.kind == "cpu":
        _on_host(source, array, queue, to_buffer=False)
        if host_memory(array) is None:
            host_streams.wait_for(source.memory, writes=True)
        return
    _host_copy(source, array, queue, to_device=False)


def between(target: DeviceBuffer[Any], source: DeviceBuffer[Any], stream: object = None) -> None:
    """Overwrite a buffer with another one of its shape and type."""
    queue = _queue(target, stream)
    if not target.size:
        return
    if _overlap(target, source):
        # As if all were read before anything is written.
        source = source.copy(stream=stream)
    kinds = (target.device_id.kind, source.device_id.kind)
    if kinds == ("cpu", "cpu"):
        to, of = _elements(target), _elements(source)
        touched = [(target.memory, True), (source.memory, False)]
        _on_cpu(queue, touched, lambda: to.__setitem__(..., of))
    elif kinds == ("cuda", "cpu"):
        with host_streams.using(((source.memory, False),)):
            _host_copy(target, _elements(source), queue, to_device=True)
    elif kinds == ("cpu", "cuda"):
        with host_streams.using(((target.memory, True),)):
            read(source, _elements(target))
    elif target.device_id == source.device_id:
        _on_one_gpu(target, source, queue)
    else:
        _across(target, source, queue)


def host_memory(array: Any) -> Any:
    """What knows the uses of an array of `oxide.pinned`; None for any other array."""
    memory = getattr(array, "memory", None)
    return memory if memory is not None and hasattr(array, "settle") else None


def _plain(array: Any) -> Any:
    import numpy

    return array.view(numpy.ndarray)


def _elements(buffer: DeviceBuffer[Any]) -> Any:
    from oxide_codegen.buffers import host_array

    return host_array(buffer.described())


def _queue(buffer: DeviceBuffer[Any], stream: object) -> Queue:
    return queue_on(buffer.device_id, stream, "the buffer")


def queue_on(device: DeviceId, stream: object, what: str) -> Queue:
    """The queue of something on a device; raises where the stream is one of another device."""
    queue = streams.queue(what, stream)
    place = queue.device
    if (place is not None and place != device) or (
        device.kind == "cpu" and queue.handle is not None and not queue.is_cpu
    ):
        where = "a CUDA device" if place is None else str(place)
        raise DeviceError(f"the stream is one of {where}, and {what} is on {device}")
    return queue


def _overlap(one: DeviceBuffer[Any], other: DeviceBuffer[Any]) -> bool:
    if one.device_id != other.device_id:
        return False
    if one.memory is not other.memory and not (one.memory.is_borrowed or other.memory.is_borrowed):
        # What we allocate twice lies apart.
        return False
    (start, end), (first, last) = one.reach(), other.reach()
    return start < last and first < end


# ---------------------------------------------------------------- on the cpu


def _on_host(buffer: DeviceBuffer[Any], array: Any, queue: Queue, *, to_buffer: bool) -> None:
    """Between a buffer of the cpu and an array of NumPy."""
    touched, memory = [(buffer.memory, to_buffer)], host_memory(array)
    if memory is not None:
        touched.append((memory, not to_buffer))
    elements, plain = _elements(buffer), _plain(array)
    to, of = (elements, plain) if to_buffer else (plain, elements)
    _on_cpu(queue, touched, lambda: to.__setitem__(..., of))


def _on_cpu(
    queue: Queue, touched: Sequence[tuple[HostMemory, bool]], work: Callable[[], None]
) -> None:
    thread = None if queue.ours is None else queue.ours.host
    if thread is None:
        with host_streams.using(touched):
            work()
    else:
        thread.enqueue(work, touched)


# ---------------------------------------------------------------- on a GPU


def _host_copy(buffer: DeviceBuffer[Any], array: Any, queue: Queue, *, to_device: bool) -> None:
    """Between a buffer on a GPU and an array of the host."""
    device = _cuda(buffer)
    handle = device.default_handle if queue.handle is None else queue.handle
    pinned = _pinned(array)
    there, here = buffer.layout, Layout(array.shape, array.strides, array.itemsize)
    parts = rectangles(there, here) if to_device else rectangles(here, there)
    if parts is None:
        _by_stretch(buffer, array, queue, to_device=to_device)
        return
    if pinned is None and host_memory(array) is not None:
        # Managed memory, or a copy of pinned memory.
        array.settle(writes=not to_device)
    addresses = buffer.described().address, start_of(array)
    target, source = addresses if to_device else addresses[::-1]
    names = ("device", "host") if to_device else ("host", "device")
    owner = queue.ours
    with device.current():
        with ExitStack() as uses:
            used = ((buffer.memory, to_device),)
            uses.enter_context(device.using(used, handle, owner))
            if pinned is not None:
                uses.enter_context(pinned.used(device, handle, writes=not to_device))
            for part in parts:
                _enqueue(device, target, source, names, part, handle)
        if pinned is not None:
            return
        # From pageable memory the copy may still be reading its source.
        device.wait(handle)
    if not to_device:
        device.raise_failures()


def _pinned(array: Any) -> Pinned | None:
    """The pinned memory that an array lies in."""
    memory = host_memory(array)
    start = getattr(memory, "address", None)
    if memory is None or start is None or not hasattr(memory, "used"):
        return None
    return memory if start <= start_of(array) < start + memory.size else None


def _on_one_gpu(target: DeviceBuffer[Any], source: DeviceBuffer[Any], queue: Queue) -> None:
    device = _cuda(target)
    parts = rectangles(target.layout, source.layout)
    if parts is None:
        _host_copy(target, source.numpy(), queue, to_device=True)
        return
    handle = device.default_handle if queue.handle is None else queue.handle
    owner = queue.ours
    touched = {source.memory: False} | {target.memory: True}
    to, of = target.described().address, source.described().address
    with device.current(), device.using(tuple(touched.items()), handle, owner):
        for part in parts:
            _enqueue(device, to, of, ("device", "device"), part, handle)


def _across(target: DeviceBuffer[Any], source: DeviceBuffer[Any], queue: Queue) -> None:
    from oxide_codegen.operations import peers

    if not source.is_contiguous:
        source = source.copy()
    arrived = target
    if not target.is_contiguous:
        from oxide_codegen.buffers import allocate

        arrived = allocate(target.shape, target.element, target.device_id)
    handle = _cuda(target).default_handle if queue.handle is None else queue.handle
    peers.copy(arrived, source, handle, queue.ours)
    if arrived is not target:
        _on_one_gpu(target, arrived, queue)


def _by_stretch(buffer: DeviceBuffer[Any], array: Any, queue: Queue, *, to_device: bool) -> None:
    """All memory between the first and the last element of a view, by way of the host."""
    import numpy

    from oxide_codegen.buffers import DeviceBuffer

    described, layout = buffer.described(), buffer.layout
    low, high = layout.reach()
    if to_device and buffer.memory.is_borrowed:
        raise DeviceError(
            f"{buffer!r} is a view of foreign memory with too many gaps to be written in place: "
            "copy to a contiguous array"
        )
    stretch = replace(
        described,
        address=described.address + low,
        shape=(high - low,),
        element="u8",
        item_size=1,
        strides=None,
    )
    whole: Any = DeviceBuffer(stretch, buffer.memory, is_shared=True)
    memory = whole.numpy()
    view: Any = numpy.ndarray(layout.shape, array.dtype, memory, -low, layout.strides)
    if to_device:
        view[...] = array
        _host_copy(whole, memory, queue, to_device=True)
    else:
        array[...] = view


def _enqueue(
    device: Cuda,
    target: int,
    source: int,
    kinds: tuple[str, str],
    part: Rectangle,
    stream: int,
) -> None:
    """One rectangle; `kinds` say on which sides memory of the host is."""
    driver = device.driver
    target, source = target + part.target, source + part.source
    if part.rows == 1:
        match kinds:
            case ("device", "host"):
                answer = driver.cuMemcpyHtoDAsync(target, source, part.width, stream)
            case ("host", "device"):
                answer = driver.cuMemcpyDtoHAsync(target, source, part.width, stream)
            case _:
                answer = driver.cuMemcpyAsync(target, source, part.width, stream)
    else:
        copy = driver.CUDA_MEMCPY2D()
        place = {
            "host": driver.CUmemorytype.CU_MEMORYTYPE_HOST,
            "device": driver.CUmemorytype.CU_MEMORYTYPE_DEVICE,
        }
        copy.dstMemoryType, copy.srcMemoryType = (place[kind] for kind in kinds)
        if kinds[0] == "host":
            copy.dstHost = target
        else:
            copy.dstDevice = target
        if kinds[1] == "host":
            copy.srcHost = source
        else:
            copy.srcDevice = source
        copy.dstPitch, copy.srcPitch = part.target_pitch, part.source_pitch
        copy.WidthInBytes, copy.Height = part.width, part.rows
        answer = driver.cuMemcpy2DAsync(copy, stream)
    check(driver, answer, "copying")


def _cuda(buffer: DeviceBuffer[Any]) -> Cuda:
    from oxide_codegen.cuda import cuda

    return cuda(buffer.device_id.index)
