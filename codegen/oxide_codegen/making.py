"""Making arrays on a device: new ones, copies of others, and others' memory as it lies.

oxide.empty, oxide.zeros          new memory of a device
oxide.managed                     new memory that host and device see at one address
oxide.pinned                      a NumPy array that devices copy from and to by themselves
oxide.asarray                     a copy of host memory; what is on a device is wrapped
oxide.from_dlpack                 the memory of another library's array, wherever it is
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from oxide_codegen import copies, devices
from oxide_codegen.arrays import ArrayView, NotAnArray, Refused, of_dlpack, of_numpy, view
from oxide_codegen.borrowed import host_memory
from oxide_codegen.buffers import DeviceBuffer, allocate, extents_of, host_array, import_numpy
from oxide_codegen.elements import dtype_of, item_size, named
from oxide_codegen.host_streams import HostMemory
from oxide_codegen.pools import HOST
from oxide_codegen.scalars import as_elements, name_of

if TYPE_CHECKING:
    from oxide_codegen.devices import DeviceId


def empty(
    shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None
) -> DeviceBuffer[Any]:
    """A buffer with undefined elements on `device`, or on the current one."""
    return allocate(extents_of(shape), name_of(dtype), _place(device))


def zeros(
    shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None
) -> DeviceBuffer[Any]:
    """A buffer of zeros on `device`, or on the current one."""
    buffer = empty(shape, dtype, device=device)
    if buffer.device_id.kind == "cpu":
        host_array(buffer.view()).fill(0)
    elif buffer.nbytes:
        from oxide_codegen.cuda import cuda

        cuda(buffer.device_id.index).clear(buffer)
    return buffer


def managed(
    shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None
) -> DeviceBuffer[Any]:
    """A buffer of zeros that host and device see at one address; `array` is the host's side.

    Kernels use it as any other buffer, without copies. What Python does with `buffer.array` waits
    for the device: a read for who writes, a write for who reads as well. Raises `DeviceError` where
    the device has no managed memory.
    """
    where = _place(device)
    extents, element = extents_of(shape), name_of(dtype)
    size = item_size(element)
    if where.kind == "cpu":
        made = allocate(extents, element, where)
        buffer = DeviceBuffer(made.view(), made.memory, is_managed=True)
        host_array(buffer.view()).fill(0)
        return buffer
    from oxide_codegen.cuda import cuda

    memory = cuda(where.index).managed(prod(extents) * size)
    described = ArrayView(memory.address, extents, element, size, False, where, False, memory)
    buffer = DeviceBuffer(described, memory, is_managed=True)
    if buffer.nbytes:
        memory.device.clear(buffer)
    return buffer


def pinned(shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None) -> Any:
    """A NumPy array with undefined elements, which devices copy from and to by themselves.

    `buffer.copy_from(p, stream)` and `buffer.copy_to(p, stream)` return at once. Until such a copy
    is done the program may do anything else; what it does with `p` through NumPy waits, a read for
    copies to `p`, a write for copies from it as well. What takes the memory without asking
    (`np.asarray(p)`, a C library) does not wait: call `p.sync()` before. The
    memory is given back when nobody refers to it and no copy uses it. On the cpu device it is
    ordinary memory, and all else is the same.
    """
    numpy = import_numpy()
    from oxide_codegen.host_arrays import over

    where = _place(device)
    extents, wanted = extents_of(shape), dtype_of(name_of(dtype))
    size = prod(extents) * wanted.itemsize
    if where.kind == "cpu":
        array = HOST.room(extents, wanted, size)
        memory: Any = HostMemory(array, array.__array_interface__["data"][0], size)
        HOST.note(memory)
    elif not size:
        array, memory = numpy.empty(extents, wanted), None
    else:
        from oxide_codegen.cuda import cuda

        memory = cuda(where.index).pinned(size)
        array = memory.array(extents, wanted)
    return over(array, memory)


def asarray(array: Any, dtype: Any = None, *, device: str | None = None) -> DeviceBuffer[Any]:
    """`array` as a buffer on `device`, or on the current one.

    Host memory, lists and numbers are copied; an array that is on the device already is wrapped
    without copying. `dtype` converts; without it elements keep their type.
    """
    if isinstance(array, DeviceBuffer) and _is_there(array.device_id, device):
        if dtype is None or name_of(dtype) == array.view().element:
            return array
        array = array.numpy()
    numpy = import_numpy()
    if not isinstance(array, numpy.ndarray | DeviceBuffer):
        try:
            described = view(array)
        except NotAnArray:
            array = numpy.asarray(array)
        except Refused as refused:
            raise refused.kind(f"asarray: the array {refused}") from None
        else:
            if not described.host:
                return _from_device(described, dtype, device)
            array = host_array(described)
    if isinstance(array, DeviceBuffer):
        array = array.numpy()
    wanted = name_of(array.dtype if dtype is None else dtype)
    buffer = allocate(array.shape, wanted, _place(device))
    buffer.copy_from(as_elements(array, wanted))
    return buffer


def from_dlpack(
    array: Any, *, device: str | None = None, copy: bool | None = None
) -> DeviceBuffer[Any]:
    """The memory of an array of another library as a buffer, where it is: nothing is copied.

    `array` is any object with `__dlpack__`, of the host (the buffer is on the cpu device) or of a
    GPU, behind whose work uses on the default stream come. With `copy=True`, or on another
    `device`, it is a copy; `copy=False` refuses to make one. What one of the two writes, the other
    sees; what is enqueued through the other library later is not waited for.
    """
    if isinstance(array, DeviceBuffer):
        buffer: DeviceBuffer[Any] = array
    else:
        if not (hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__")):
            actual = type(array).__name__
            raise TypeError(f"from_dlpack wants an array with __dlpack__, got {actual}")
        buffer = _wrapped(array)
    where = None if device is None else devices.parse(device)
    elsewhere = where is not None and where != buffer.device_id
    if not copy and not elsewhere:
        return buffer
    if copy is False:
        raise BufferError(f"from_dlpack: the array is on {buffer.device}, not on {device}")
    if not elsewhere or where is None:
        return buffer.copy()
    made = allocate(buffer.shape, buffer.element, where)
    made.copy_from(buffer)
    return made


def _wrapped(array: Any) -> DeviceBuffer[Any]:
    numpy = import_numpy()
    try:
        described = of_numpy(array) if isinstance(array, numpy.ndarray) else of_dlpack(array)
    except Refused as refused:
        raise refused.kind(f"from_dlpack: the array {refused}") from None
    if not described.host:
        return _from_device(described, None, None, "from_dlpack")
    known = copies.host_memory(array)
    if known is not None and not isinstance(known, HostMemory):
        raise ValueError(
            "from_dlpack: a GPU copies from this array and to it by itself, and uses on the cpu "
            "would not come behind: take a copy"
        )
    _demand_elements(described, "from_dlpack")
    owner = host_array(described)
    here = ArrayView(
        described.address,
        described.shape,
        described.element,
        described.item_size,
        described.read_only,
        devices.CPU,
        False,
        owner,
    )
    uses = None if known is None else known.uses
    memory = host_memory(described.address, described.size, owner, uses)
    return DeviceBuffer(here, memory, is_shared=True)


def _from_device(
    described: ArrayView, dtype: Any, device: str | None, what: str = "asarray"
) -> DeviceBuffer[Any]:
    if not _is_there(described.device, device):
        raise ValueError(f"{what}: the array is on {described.device}; copy it to {device} first")
    if dtype is not None and name_of(dtype) != described.element:
        raise TypeError(
            f"{what}: the array holds {described.element}; convert it to {name_of(dtype)} first"
        )
    _demand_elements(described, what)
    from oxide_codegen.cuda import cuda

    memory = cuda(described.device.index).borrow(described)
    # Their stream was waited for, and may be gone later.
    return DeviceBuffer(replace(described, stream=None), memory, is_shared=True)


def _demand_elements(described: ArrayView, what: str) -> None:
    if named(described.element) is None:
        raise TypeError(f"{what}: kernels have no elements of {described.element}")


def _place(device: str | None) -> DeviceId:
    return devices.current() if device is None else devices.parse(device)


def _is_there(have: DeviceId, wanted: str | None) -> bool:
    return wanted is None or have == devices.parse(wanted)
