"""What `numba.cuda` offers, over Oxide's compiler and runtime.

Names of the host do what they do there; names of kernels are in `oxide.numba_cuda.intrinsics`.
Programs import it as `oxide.numba.cuda`. It is no module of that name, because where numba-cuda is
installed every import of a name with `numba.cuda` in it is sent there.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast, overload

from oxide.numba_cuda import fp16, libdevice, random, types
from oxide.numba_cuda.intrinsics import Intrinsic, Namespace, Place, grid, gridsize, syncthreads
from oxide.numba_cuda.types import (
    b1,
    boolean,
    byte,
    complex64,
    complex128,
    double,
    f2,
    f4,
    f8,
    float16,
    float32,
    float64,
    float_,
    i1,
    i2,
    i4,
    i8,
    int8,
    int16,
    int32,
    int64,
    int_,
    intc,
    intp,
    short,
    u1,
    u2,
    u4,
    u8,
    uint,
    uint8,
    uint16,
    uint32,
    uint64,
    uintc,
    uintp,
    void,
)
from oxide_codegen.numba.arrays import DeviceNDArray, array_like, device_array, to_device
from oxide_codegen.numba.devices import (
    Context,
    Device,
    Event,
    NumbaStream,
    current_context,
    default_stream,
    event_elapsed_time,
    external_stream,
    get_current_device,
    gpus,
    list_devices,
    select_device,
    stream,
    synchronize,
)
from oxide_codegen.numba.dispatch import Dispatcher
from oxide_codegen.numba.gufuncs import guvectorize as _guvectorize
from oxide_codegen.numba.jit import jit
from oxide_codegen.numba.reductions import Reduce
from oxide_codegen.numba.ufuncs import vectorize as _vectorize

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "Context",
    "Device",
    "DeviceNDArray",
    "Dispatcher",
    "Event",
    "NumbaStream",
    "Reduce",
    "activemask",
    "all_sync",
    "any_sync",
    "as_cuda_array",
    "atomic",
    "b1",
    "ballot_sync",
    "blockDim",
    "blockIdx",
    "boolean",
    "brev",
    "byte",
    "cbrt",
    "cg",
    "close",
    "clz",
    "complex64",
    "complex128",
    "const",
    "current_context",
    "declare_device",
    "default_stream",
    "defer_cleanup",
    "detect",
    "device_array",
    "device_array_like",
    "double",
    "eq_sync",
    "event",
    "event_elapsed_time",
    "external_stream",
    "f2",
    "f4",
    "f8",
    "ffs",
    "float16",
    "float32",
    "float64",
    "float_",
    "fma",
    "fp16",
    "from_cuda_array_interface",
    "get_current_device",
    "gpus",
    "grid",
    "gridDim",
    "gridsize",
    "guvectorize",
    "i1",
    "i2",
    "i4",
    "i8",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_",
    "intc",
    "intp",
    "is_available",
    "is_cuda_array",
    "is_float16_supported",
    "is_supported_version",
    "jit",
    "laneid",
    "lanemask_lt",
    "libdevice",
    "list_devices",
    "local",
    "managed_array",
    "mapped_array",
    "mapped_array_like",
    "match_all_sync",
    "match_any_sync",
    "nanosleep",
    "pinned",
    "pinned_array",
    "pinned_array_like",
    "popc",
    "profile_start",
    "profile_stop",
    "profiling",
    "random",
    "reduce",
    "select_device",
    "selp",
    "shared",
    "shfl_down_sync",
    "shfl_sync",
    "shfl_up_sync",
    "shfl_xor_sync",
    "short",
    "stream",
    "synchronize",
    "syncthreads",
    "syncthreads_and",
    "syncthreads_count",
    "syncthreads_or",
    "syncwarp",
    "threadIdx",
    "threadfence",
    "threadfence_block",
    "threadfence_system",
    "to_device",
    "types",
    "u1",
    "u2",
    "u4",
    "u8",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintc",
    "uintp",
    "vectorize",
    "void",
    "warpsize",
]

# ---------------------------------------------------------------- inside of kernels

threadIdx = Place("threadIdx")
blockIdx = Place("blockIdx")
blockDim = Place("blockDim")
gridDim = Place("gridDim")
warpsize: int = 32
laneid: int = cast("int", Intrinsic("laneid"))
atomic: Any = Namespace("atomic")
shared: Any = Namespace("shared")
local: Any = Namespace("local")
const: Any = Namespace("const")
cg: Any = Namespace("cg")
syncthreads_count: Any = Intrinsic("syncthreads_count")
syncthreads_and: Any = Intrinsic("syncthreads_and")
syncthreads_or: Any = Intrinsic("syncthreads_or")
syncwarp: Any = Intrinsic("syncwarp")
threadfence: Any = Intrinsic("threadfence")
threadfence_block: Any = Intrinsic("threadfence_block")
threadfence_system: Any = Intrinsic("threadfence_system")
shfl_sync: Any = Intrinsic("shfl_sync")
shfl_up_sync: Any = Intrinsic("shfl_up_sync")
shfl_down_sync: Any = Intrinsic("shfl_down_sync")
shfl_xor_sync: Any = Intrinsic("shfl_xor_sync")
all_sync: Any = Intrinsic("all_sync")
any_sync: Any = Intrinsic("any_sync")
eq_sync: Any = Intrinsic("eq_sync")
ballot_sync: Any = Intrinsic("ballot_sync")
match_any_sync: Any = Intrinsic("match_any_sync")
match_all_sync: Any = Intrinsic("match_all_sync")
activemask: Any = Intrinsic("activemask")
lanemask_lt: Any = Intrinsic("lanemask_lt")
popc: Any = Intrinsic("popc")
clz: Any = Intrinsic("clz")
brev: Any = Intrinsic("brev")
ffs: Any = Intrinsic("ffs")
fma: Any = Intrinsic("fma")
cbrt: Any = Intrinsic("cbrt")
selp: Any = Intrinsic("selp")
nanosleep: Any = Intrinsic("nanosleep")

# ---------------------------------------------------------------- arrays


def device_array_like(ary: Any, stream: Any = 0) -> DeviceNDArray:
    """An array on the current device with the shape, type and order of another one."""
    return array_like(ary, lambda shape, dtype: device_array(shape, dtype, stream=stream))


def pinned_array(shape: Any, dtype: Any = float, strides: Any = None, order: Any = "C") -> Any:
    """Host memory; on a GPU it is page-locked, so that copies need no detour."""
    from oxide_codegen.numba.memory import pinned

    del strides
    return pinned(shape, dtype, order)


def pinned_array_like(ary: Any) -> Any:
    """The same with the shape, type and order of another array."""
    return array_like(ary, pinned_array)


def mapped_array(
    shape: Any,
    dtype: Any = float,
    strides: Any = None,
    order: Any = "C",
    stream: Any = 0,
    portable: bool = False,
    wc: bool = False,
) -> Any:
    """Host memory that kernels take: as all host memory here, it is copied there and back."""
    del stream, portable, wc
    return pinned_array(shape, dtype, strides, order)


def mapped_array_like(ary: Any, stream: Any = 0, portable: bool = False, wc: bool = False) -> Any:
    """The same with the shape, type and order of another array."""
    del stream, portable, wc
    return array_like(ary, pinned_array)


def managed_array(
    shape: Any,
    dtype: Any = float,
    strides: Any = None,
    order: Any = "C",
    stream: Any = 0,
    attach_global: bool = True,
) -> Any:
    """Memory that host and kernels see: as all host memory here, it is copied there and back."""
    del stream, attach_global
    return pinned_array(shape, dtype, strides, order)


@contextmanager
def pinned(*arylist: Any) -> Generator[None]:
    """Arrays that stay where they are: copies of them are right either way."""
    del arylist
    yield


def as_cuda_array(obj: Any, sync: bool = True) -> DeviceNDArray:
    """An array of another library that lies on a GPU, without a copy."""
    from oxide_codegen.numba.arrays import as_device_array

    del sync
    found = as_device_array(obj)
    if found is None:
        raise TypeError("*obj* doesn't implement the cuda array interface.")
    return found


def from_cuda_array_interface(desc: Any, owner: Any = None, sync: bool = True) -> DeviceNDArray:
    """The array that a description says."""

    class _Described:
        __cuda_array_interface__ = desc
        keeps = owner

    return as_cuda_array(_Described(), sync)


def is_cuda_array(obj: Any) -> bool:
    """Whether something lies on a GPU."""
    return isinstance(obj, DeviceNDArray) or hasattr(obj, "__cuda_array_interface__")


# Where programs look for the class of device arrays.
devicearray: Any = SimpleNamespace(
    DeviceNDArray=DeviceNDArray, DeviceNDArrayBase=DeviceNDArray, is_cuda_ndarray=is_cuda_array
)
cudadrv: Any = SimpleNamespace(devicearray=devicearray)


# ---------------------------------------------------------------- functions of arrays


reduce = Reduce


def vectorize(ftylist_or_function: Any = (), target: str = "cuda", **kws: Any) -> Any:
    """A function of numbers as one of arrays, on the current device."""
    return _vectorize(ftylist_or_function, target, kws)


def guvectorize(ftylist: Any, signature: str, target: str = "cuda", **kws: Any) -> Any:
    """A function of small arrays, called for each of them in larger ones."""
    return _guvectorize(ftylist, signature, target, kws)


# ---------------------------------------------------------------- devices


def event(timing: bool = True) -> Event:
    """A point in the work of a stream, once it is recorded."""
    return Event(timing)


def is_available() -> bool:
    """Whether kernels run here: on a GPU, or on the cpu device."""
    from oxide_codegen import devices

    devices.current()
    return True


def is_supported_version() -> bool:
    """Whether the driver will do."""
    return True


def is_float16_supported() -> bool:
    """Whether kernels have numbers of 16 bits."""
    return True


def detect() -> bool:
    """Print which devices there are."""
    for device in gpus:
        sys.stdout.write(f"id {device.id}    {device.name}    {device.identity}\n")
    return True


def close() -> None:
    """Wait for all work; contexts are shared with other libraries and stay."""
    synchronize()


@contextmanager
def defer_cleanup() -> Generator[None]:
    """Memory is freed in the order of its stream: there is nothing to put off."""
    yield


def profile_start() -> None:
    """Let a profiler that is attached begin."""
    _profile("cuProfilerStart")


def profile_stop() -> None:
    """Let a profiler that is attached end."""
    _profile("cuProfilerStop")


@contextmanager
def profiling() -> Generator[None]:
    """What a profiler that is attached sees."""
    profile_start()
    try:
        yield
    finally:
        profile_stop()


def _profile(name: str) -> None:
    from oxide_codegen import devices

    current = devices.current()
    if current.kind == "cuda":
        from oxide_codegen.cuda import cuda
        from oxide_codegen.driver import check

        device = cuda(current.index)
        with device.current():
            check(device.driver, getattr(device.driver, name)(), "profiling")


@overload
def declare_device(name: str, sig: Any) -> Any: ...
@overload
def declare_device(name: str, sig: Any, link: Any) -> Any: ...
def declare_device(name: str, sig: Any, link: Any = None) -> Any:
    """Refused: kernels call functions whose source is Python."""
    raise NotImplementedError(
        f"declare_device({name!r}): Oxide links no foreign code; write the function in Python"
    )
