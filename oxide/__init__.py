"""GPU kernels in Python, proved free of data races, divergent barriers and stray accesses.

from oxide import DisjointSlice, Slice, f32, kernel, thread

@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]

vecadd[grid, 256](a, b, c)
"""

from oxide.atomics import atomic
from oxide.buffers import DeviceBuffer, asarray, empty, zeros
from oxide.devices import device
from oxide.geometry import block, block_dim, grid_dim, grid_stride, sync_threads, thread
from oxide.scalars import f32, f64, i32, i64, u32, u64
from oxide.scratch import LocalArray, LocalArray2D, SharedArray, SharedArray2D
from oxide.slices import (
    AtomicSlice,
    AtomicSlice2D,
    DisjointSlice,
    DisjointSlice2D,
    Slice,
    Slice2D,
)
from oxide_codegen.errors import (
    CheckError,
    DeviceError,
    HostAccessError,
    KernelAssertion,
    KernelError,
    KernelIndexError,
    KernelZeroDivisionError,
    LaunchError,
    LaunchTypeError,
    LaunchValueError,
    MissingExtraError,
    OutsideKernelError,
    OxideError,
    SourceError,
)
from oxide_codegen.kernel import Kernel, kernel, load
from oxide_codegen.launch import BoundLaunch, Launch
from oxide_codegen.streams import Stream, stream, synchronize

__version__ = "0.1.0"

__all__ = [
    "AtomicSlice",
    "AtomicSlice2D",
    "BoundLaunch",
    "CheckError",
    "DeviceBuffer",
    "DeviceError",
    "DisjointSlice",
    "DisjointSlice2D",
    "HostAccessError",
    "Kernel",
    "KernelAssertion",
    "KernelError",
    "KernelIndexError",
    "KernelZeroDivisionError",
    "Launch",
    "LaunchError",
    "LaunchTypeError",
    "LaunchValueError",
    "LocalArray",
    "LocalArray2D",
    "MissingExtraError",
    "OutsideKernelError",
    "OxideError",
    "SharedArray",
    "SharedArray2D",
    "Slice",
    "Slice2D",
    "SourceError",
    "Stream",
    "asarray",
    "atomic",
    "block",
    "block_dim",
    "device",
    "empty",
    "f32",
    "f64",
    "grid_dim",
    "grid_stride",
    "i32",
    "i64",
    "kernel",
    "load",
    "stream",
    "sync_threads",
    "synchronize",
    "thread",
    "u32",
    "u64",
    "zeros",
]
