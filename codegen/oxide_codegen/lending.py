"""Buffers of ours for other libraries: DLPack and `__cuda_array_interface__`.

Whoever gets memory is told when it is ready, in the way of its protocol: with DLPack the consumer
names its stream, which comes behind all our uses; the interface names a stream of ours, which the
consumer comes behind. Our later uses come behind what is on the consumer's stream now. What it is
given later, only who does so can order: `stream.wait`.

From then on nothing is known of the elements, for others may change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen import dlpack, host_streams
from oxide_codegen.elements import dtype_of, typestr
from oxide_codegen.strides import Layout

if TYPE_CHECKING:
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda import Cuda


def device_of(buffer: DeviceBuffer[Any]) -> tuple[int, int]:
    """The kind and number of the device of a buffer, as DLPack counts them."""
    if buffer.device_id.kind == "cpu":
        return dlpack.CPU, 0
    kind = dlpack.CUDA_MANAGED if buffer.is_managed else dlpack.CUDA
    return kind, buffer.device_id.index


def capsule(
    buffer: DeviceBuffer[Any],
    stream: Any,
    max_version: tuple[int, int] | None,
    dl_device: tuple[int, int] | None,
    copy: bool | None,
) -> Any:
    """What `__dlpack__` gives: the memory of a buffer, or of a copy."""
    buffer.described()
    own = device_of(buffer)
    if dl_device is not None and tuple(map(int, dl_device)) != own:
        if int(dl_device[0]) != dlpack.CPU or copy is False:
            raise BufferError(f"{buffer!r} is not on DLPack device {tuple(dl_device)}")
        found = buffer.numpy()
        layout = Layout(found.shape, found.strides, found.itemsize)
        address = found.__array_interface__["data"][0]
        return _given(buffer, address, layout, (dlpack.CPU, 0), found, max_version, copied=True)
    if copy:
        buffer = buffer.copy()
    keeps = _ready_for_others(buffer, stream)
    buffer.share()
    address = buffer.described().address
    return _given(buffer, address, buffer.layout, own, keeps, max_version, copied=bool(copy))


def _ready_for_others(buffer: DeviceBuffer[Any], stream: Any) -> Any:
    """Wait, or let their stream wait, for all uses; what keeps the memory while they have it."""
    if buffer.device_id.kind == "cpu":
        if stream is not None:
            raise ValueError(f"__dlpack__: memory of the cpu is on no stream, got {stream!r}")
        host_streams.wait_for(buffer.memory, writes=True)
        return buffer.described().owner
    handle = dlpack.demand_stream(stream)
    if handle != -1:
        _cuda(buffer).lend(buffer.memory, handle)
    return buffer.memory.lend()


def _given(
    buffer: DeviceBuffer[Any],
    address: int,
    layout: Layout,
    device: tuple[int, int],
    keeps: Any,
    max_version: tuple[int, int] | None,
    *,
    copied: bool,
) -> Any:
    # NumPy has no bf16 of its own, but its bits.
    is_bfloat = buffer.element == "bf16"
    return dlpack.given(
        address,
        layout,
        dtype_of("u16" if is_bfloat else buffer.element),
        device,
        keeps,
        read_only=buffer.described().read_only and not copied,
        is_bfloat=is_bfloat,
        is_copied=copied,
        max_version=max_version,
    )


def interface(buffer: DeviceBuffer[Any]) -> dict[str, Any]:
    """What `__cuda_array_interface__` gives."""
    described = buffer.described()
    buffer.share()
    return {
        "shape": buffer.shape,
        "typestr": typestr(buffer.element),
        "data": (described.address, described.read_only),
        "version": 3,
        "strides": described.strides,
        "stream": _cuda(buffer).consolidated(buffer.memory),
    }


def _cuda(buffer: DeviceBuffer[Any]) -> Cuda:
    from oxide_codegen.cuda import cuda

    return cuda(buffer.device_id.index)
