"""Arrays between libraries: DLPack, in and out.

In: an array of another library gives a capsule with a description of its memory, which is read.
The capsule is never renamed to "used": it keeps the memory until it is collected.

Out: the capsule is one that NumPy made, of an array of the same shape and type over a byte that
nobody looks at, in which address, strides, type and device are put right before anybody sees it.
So whoever gets it calls NumPy's deleter, which is native code that may run in any thread and while
Python ends, and which lets go of that array, and with it of what the memory must outlive.

    buffer.__dlpack__()  ->  capsule ─► NumPy's array ─► a byte ─► what keeps the memory
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_codegen.strides import Extents, Layout

CPU, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
_HOST_KINDS = {CPU, CUDA_HOST, 11}  # the last is pinned host memory of ROCm
_CUDA_KINDS = {CUDA, CUDA_MANAGED}
_LETTERS = {0: "i", 1: "u", 2: "f", 4: "bf", 5: "c", 6: "b"}
_BFLOAT = 4
_READ_ONLY, _IS_COPIED = 1, 2
VERSION = (1, 0)


class NotGivenError(Exception):
    """Why an array cannot be taken; the words start behind its name."""

    def __init__(self, reason: str, *, expected: str, actual: str) -> None:
        super().__init__(reason)
        self.expected = expected
        self.actual = actual


@record
class Tensor:
    """Memory that another library described: `index` is the number of its GPU, None on the host.

    `code` is the element as array interfaces write it; strides are in bytes.
    """

    address: int
    shape: Extents
    strides: Extents | None
    code: str
    item_size: int
    index: int | None
    read_only: bool
    capsule: object


class _Device(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("index", ctypes.c_int32)]


class _DataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("rank", ctypes.c_int32),
        ("type", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_is = ctypes.pythonapi.PyCapsule_IsValid
_capsule_is.restype = ctypes.c_int
_capsule_is.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _opened(capsule: Any) -> tuple[Any, _Versioned | None]:
    """The description in a capsule, and, of newer ones, what is round it."""
    if _capsule_is(capsule, b"dltensor_versioned"):
        managed = _Versioned.from_address(_capsule_pointer(capsule, b"dltensor_versioned"))
        return managed.tensor, managed
    if not _capsule_is(capsule, b"dltensor"):
        raise NotGivenError(
            "gives no capsule of DLPack, or one that somebody else has taken",
            expected="a capsule of DLPack",
            actual=type(capsule).__name__,
        )
    return _Tensor.from_address(_capsule_pointer(capsule, b"dltensor")), None


def default_stream() -> int:
    """How DLPack names the stream of launches that name none."""
    return 2 if os.environ.get("CUDA_PYTHON_CUDA_PER_THREAD_DEFAULT_STREAM") else 1


# ---------------------------------------------------------------- in


def taken(value: Any, stream: int | None) -> Tensor:
    """The memory of an array, ready for work on the stream with that handle."""
    kind, _ = value.__dlpack_device__()
    options: dict[str, Any] = {}
    if int(kind) in _CUDA_KINDS:
        # The producer makes the data ready for this stream.
        options["stream"] = stream or default_stream()
    elif int(kind) not in _HOST_KINDS:
        raise NotGivenError(
            f"lives on a device of kind {int(kind)}, neither cpu nor CUDA",
            expected="memory of the cpu or of a CUDA device",
            actual=f"DLPack device {int(kind)}",
        )
    try:
        try:
            capsule = value.__dlpack__(max_version=VERSION, **options)
        except TypeError:
            # Of a library that is older than versions.
            capsule = value.__dlpack__(**options)
    except (BufferError, RuntimeError) as error:
        raise NotGivenError(
            f"does not give its memory away ({error})",
            expected="an exportable array",
            actual=type(value).__name__,
        ) from error
    tensor, managed = _opened(capsule)
    item_size = tensor.type.bits // 8
    letter = _LETTERS.get(tensor.type.code, f"DLPack type {tensor.type.code} of ")
    if tensor.type.lanes != 1:
        letter = f"vectors of {tensor.type.lanes} "
    shape = tuple(tensor.shape[k] for k in range(tensor.rank))
    strides = None
    if tensor.strides:
        strides = tuple(tensor.strides[k] * item_size for k in range(tensor.rank))
    return Tensor(
        (tensor.data or 0) + tensor.byte_offset,
        shape,
        strides,
        f"|{letter}{item_size}",
        item_size,
        None if tensor.device.kind in _HOST_KINDS else tensor.device.index,
        managed is not None and bool(managed.flags & _READ_ONLY),
        capsule,
    )


# ---------------------------------------------------------------- out


def demand_stream(stream: object) -> int:
    """The stream that a consumer on a GPU named, -1 for none; `ValueError` for any other."""
    if stream is None:
        return 1
    if not isinstance(stream, int) or isinstance(stream, bool) or stream < -1 or stream == 0:
        raise ValueError(
            f"__dlpack__: stream is 1, 2, a handle of CUDA, -1 or None, got {stream!r}"
        )
    return stream


def given(
    address: int,
    layout: Layout,
    dtype: Any,
    device: tuple[int, int],
    keeps: object,
    *,
    read_only: bool,
    is_bfloat: bool,
    is_copied: bool,
    max_version: tuple[int, int] | None,
) -> Any:
    """A capsule that describes memory, and keeps an object until whoever takes it lets go.

    `dtype` is NumPy's, of bf16 that of its bits; `BufferError` where DLPack has no such elements.
    """
    import numpy as np

    if dtype.names is not None:
        raise BufferError(f"DLPack has no elements of {dtype}")
    if any(stride % layout.item for stride in layout.strides) and layout.size:
        raise BufferError("DLPack has no strides between elements")
    cell: Any = (ctypes.c_char * layout.item)()
    cell.__dict__["keeps"] = keeps
    ghost: Any = np.ndarray(layout.shape, dtype, cell, strides=(0,) * len(layout.shape))
    ghost.flags.writeable = not read_only
    try:
        capsule = ghost.__dlpack__(max_version=max_version)
    except TypeError:
        # NumPy before 2.1 knows no versions.
        capsule = ghost.__dlpack__()
    tensor, managed = _opened(capsule)
    tensor.data = address or None
    tensor.byte_offset = 0
    tensor.device.kind, tensor.device.index = device
    if is_bfloat:
        tensor.type.code = _BFLOAT
    if tensor.strides:
        for axis, stride in enumerate(layout.strides):
            tensor.strides[axis] = stride // layout.item
    if managed is not None and is_copied:
        managed.flags |= _IS_COPIED
    return capsule
