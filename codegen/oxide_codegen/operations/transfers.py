"""Operations that make arrays and move elements: what `oxide.operations` offers beside launches.

Arrays are made on the device of the branch, and cleared, filled and read on their own.
On a GPU each is enqueued on the stream of its branch. What comes from NumPy goes by way of pinned
memory, into which it is copied when the operation is done, so the array may change afterwards; what
goes to NumPy arrives in pinned memory, which the result is a view of. An array of `oxide.pinned` is
copied from as it is, in the order of its uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen import buffers, errands
from oxide_codegen.buffers import DeviceBuffer, extents_of, host_array, import_numpy
from oxide_codegen.copies import host_memory
from oxide_codegen.driver import check
from oxide_codegen.elements import dtype_of
from oxide_codegen.errors import GraphError
from oxide_codegen.making import pinned
from oxide_codegen.operations.operation import DeviceOperation, Step, as_operation
from oxide_codegen.scalars import as_elements, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.operations.running import Context


def empty(shape: int | tuple[int, ...], dtype: Any) -> DeviceOperation[DeviceBuffer[Any]]:
    """A buffer with undefined elements."""
    extents, element = extents_of(shape), name_of(dtype)

    def run(context: Context) -> DeviceBuffer[Any]:
        return _made(context, extents, element)

    return Step(f"empty({extents})", run)


def zeros(shape: int | tuple[int, ...], dtype: Any) -> DeviceOperation[DeviceBuffer[Any]]:
    """A buffer of zeros."""
    extents, element = extents_of(shape), name_of(dtype)

    def run(context: Context) -> DeviceBuffer[Any]:
        buffer = _made(context, extents, element)
        _clear(context, buffer)
        return buffer

    return Step(f"zeros({extents})", run)


def clear(buffer: Any) -> DeviceOperation[DeviceBuffer[Any]]:
    """Set all elements of a buffer to zero; gives the buffer."""

    def run(context: Context, given: DeviceBuffer[Any]) -> DeviceBuffer[Any]:
        _clear(context, given)
        return given

    return Step("clear", run, (as_operation(buffer),))


def upload(source: Any, dtype: Any = None) -> DeviceOperation[DeviceBuffer[Any]]:
    """A buffer with the elements of an array, which are read when this is done."""

    def run(context: Context, given: Any) -> DeviceBuffer[Any]:
        array = given if host_memory(given) is not None else import_numpy().asarray(given)
        element = name_of(array.dtype if dtype is None else dtype)
        buffer = _made(context, array.shape, element)
        _fill(context, buffer, as_elements(array, element))
        return buffer

    return Step("upload", run, (as_operation(source),))


def copy(target: Any, source: Any) -> DeviceOperation[DeviceBuffer[Any]]:
    """Overwrite a buffer with an array or another buffer; gives the buffer."""
    return Step("copy", _copy, (as_operation(target), as_operation(source)))


def download(source: Any) -> DeviceOperation[Any]:
    """The elements of a buffer as a NumPy array."""

    def run(context: Context, buffer: DeviceBuffer[Any]) -> Any:
        numpy = import_numpy()
        dtype = dtype_of(buffer.described().element)
        context = context.at(buffer.device_id)
        if context.device_id.kind == "cpu":
            result, elements = numpy.empty(buffer.shape, dtype), host_array(buffer.described())
            _on_cpu(context, buffer, False, lambda: result.__setitem__(..., elements))
            return result
        if not buffer.is_contiguous:
            arrived = pinned(buffer.shape, buffer.dtype, device=buffer.device)
            buffer.copy_to(arrived, context.stream)
            return arrived.view(numpy.ndarray)
        device = _cuda(context)
        memory = device.pinned(buffer.nbytes)
        with device.current(), _using(device, context, (buffer, False)) as stream:
            if buffer.nbytes:
                answer = device.driver.cuMemcpyDtoHAsync(
                    memory.address, buffer.view().address, buffer.nbytes, stream
                )
                check(device.driver, answer, "copying from the device")
        context.keep(memory)
        return memory.array(buffer.shape, dtype)

    return Step("download", run, (as_operation(source),))


# ---------------------------------------------------------------- on one device


def _made(context: Context, shape: tuple[int, ...], element: str) -> DeviceBuffer[Any]:
    if context.device_id.kind == "cpu":
        return buffers.allocate(shape, element, context.device_id)
    return buffers.allocate(shape, element, context.device_id, context.stream)


def change(buffer: DeviceBuffer[Any]) -> None:
    """The elements of a buffer are to be others."""
    buffer.forget()
    captured = errands.captured()
    if captured is not None:
        captured.changes((buffer.view(),), (buffer,))


def _clear(context: Context, buffer: DeviceBuffer[Any]) -> None:
    change(buffer)
    context = context.at(buffer.device_id)
    if context.device_id.kind == "cpu":
        array = host_array(buffer.described())
        _on_cpu(context, buffer, True, lambda: array.fill(0))
    elif not buffer.is_contiguous:
        _fill(context, buffer, import_numpy().zeros(buffer.shape, dtype_of(buffer.element)))
    elif buffer.nbytes:
        device = _cuda(context)
        with device.current(), _using(device, context, (buffer, True)) as stream:
            address = buffer.view().address
            answer = device.driver.cuMemsetD8Async(address, 0, buffer.nbytes, stream)
            check(device.driver, answer, "clearing a buffer")


def _fill(context: Context, buffer: DeviceBuffer[Any], array: Any) -> None:
    change(buffer)
    context = context.at(buffer.device_id)
    if host_memory(array) is not None and not context.is_captured:
        buffer.copy_from(array, context.stream)
        context.keep(array)
        return
    if context.device_id.kind == "cpu":
        # Later the array may be another one.
        elements = array.copy()
        target = host_array(buffer.described())
        _on_cpu(context, buffer, True, lambda: target.__setitem__(..., elements))
        return
    if not buffer.nbytes:
        return
    if not buffer.is_contiguous:
        staged = pinned(buffer.shape, buffer.dtype, device=buffer.device)
        staged[...] = array
        buffer.copy_from(staged, context.stream)
        context.keep(staged)
        return
    device = _cuda(context)
    memory = device.pinned(buffer.nbytes)
    memory.array(array.shape, array.dtype)[...] = array
    with device.current(), _using(device, context, (buffer, True)) as stream:
        answer = device.driver.cuMemcpyHtoDAsync(
            buffer.view().address, memory.address, buffer.nbytes, stream
        )
        check(device.driver, answer, "copying to the device")
    context.keep(memory)


def _copy(context: Context, target: DeviceBuffer[Any], source: Any) -> DeviceBuffer[Any]:
    if not isinstance(source, DeviceBuffer):
        is_pinned = host_memory(source) is not None
        _fill(context, target, source if is_pinned else target.demand_like(source))
        return target
    if (source.shape, source.dtype) != (target.shape, target.dtype):
        raise ValueError(
            f"copy wants {target.shape} of {target.dtype.__name__}, got {source.shape} of "
            f"{source.dtype.__name__}"
        )
    change(target)
    context = context.at(target.device_id)
    if context.device_id.kind != source.device_id.kind:
        _fill(context, target, source.numpy())
        return target
    if context.is_captured and source.device_id != target.device_id:
        raise GraphError(
            f"a copy from {source.device} cannot be part of a graph on {target.device}: a graph is "
            "of one device"
        )
    target.copy_from(source, context.stream)
    return target


def _on_cpu(
    context: Context, buffer: DeviceBuffer[Any], writes: bool, work: Callable[[], None]
) -> None:
    _host_stream(context).enqueue(work, ((buffer.memory, writes),))


def _host_stream(context: Context) -> Any:
    stream = context.stream.host
    assert stream is not None, "a stream of the cpu is a thread"
    return stream


def _cuda(context: Context) -> Cuda:
    from oxide_codegen.cuda import cuda

    return cuda(context.device_id.index)


def _using(device: Cuda, context: Context, *touched: tuple[DeviceBuffer[Any], bool]) -> Any:
    memories = tuple((buffer.memory, writes) for buffer, writes in touched)
    return device.using(memories, context.stream.handle, context.stream)
