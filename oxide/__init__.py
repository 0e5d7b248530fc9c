"""GPU kernels in Python, proved free of data races, divergent barriers and stray accesses.

from oxide import DisjointSlice, Slice, f32, kernel, thread

@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]

vecadd[grid, 256](a, b, c)
"""

from typing import TYPE_CHECKING

from oxide.approximate import fast
from oxide.asynchronous import async_commit, async_copy, async_wait
from oxide.atomics import atomic
from oxide.barriers import fence, grid_sync, sync_threads, sync_warp
from oxide.claims import injective, unsafe, within
from oxide.constants import Const
from oxide.geometry import block, block_dim, grid_dim, grid_stride, thread
from oxide.matrices import mma
from oxide.numbers import brev, clz, fma, popc, rsqrt, select
from oxide.scalars import bf16, f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64
from oxide.scratch import (
    LocalArray,
    LocalArray2D,
    LocalArray3D,
    SharedArray,
    SharedArray2D,
    SharedArray3D,
    dynamic_shared,
)
from oxide.slices import (
    AtomicSlice,
    AtomicSlice2D,
    AtomicSlice3D,
    DisjointSlice,
    DisjointSlice2D,
    DisjointSlice3D,
    Slice,
    Slice2D,
    Slice3D,
)
from oxide.structs import struct
from oxide.warp import warp

if TYPE_CHECKING:
    from oxide.buffers import (
        DeviceBuffer,
        HostArray,
        asarray,
        empty,
        from_dlpack,
        managed,
        pinned,
        zeros,
    )
    from oxide.devices import device
    from oxide_codegen.bound import BoundLaunch
    from oxide_codegen.errors import (
        ArtifactContractError,
        ArtifactDamagedError,
        ArtifactError,
        ArtifactSourceError,
        ArtifactTargetError,
        ArtifactVersionError,
        BufferFreedError,
        BufferLayoutError,
        CheckError,
        CollectiveError,
        CollectiveMismatchError,
        CollectiveTimeoutError,
        DeviceError,
        DeviceMemoryError,
        GraphError,
        HostAccessError,
        KernelAlignmentError,
        KernelAssertion,
        KernelConvergenceError,
        KernelError,
        KernelIndexError,
        KernelRaceError,
        KernelUninitialisedError,
        KernelViewError,
        KernelZeroDivisionError,
        LaunchError,
        LaunchTypeError,
        LaunchValueError,
        MissingExtraError,
        OperationUsedError,
        OutsideKernelError,
        OxideError,
        RankLostError,
        SourceError,
    )
    from oxide_codegen.events import Event
    from oxide_codegen.kernel import Kernel, kernel, load
    from oxide_codegen.launch import Launch
    from oxide_codegen.module import Module
    from oxide_codegen.pools import memory_resource, set_memory_resource
    from oxide_codegen.streams import Stream, stream, synchronize

# The host's names and where they are: imported when they are first used, because reading and
# checking kernels, which this package's commands do as well, needs none of them.
_HOST = {
    "DeviceBuffer": "oxide.buffers",
    "HostArray": "oxide.buffers",
    "asarray": "oxide.buffers",
    "empty": "oxide.buffers",
    "from_dlpack": "oxide.buffers",
    "managed": "oxide.buffers",
    "pinned": "oxide.buffers",
    "zeros": "oxide.buffers",
    "device": "oxide.devices",
    "ArtifactContractError": "oxide_codegen.errors",
    "ArtifactDamagedError": "oxide_codegen.errors",
    "ArtifactError": "oxide_codegen.errors",
    "ArtifactSourceError": "oxide_codegen.errors",
    "ArtifactTargetError": "oxide_codegen.errors",
    "ArtifactVersionError": "oxide_codegen.errors",
    "BufferFreedError": "oxide_codegen.errors",
    "BufferLayoutError": "oxide_codegen.errors",
    "CheckError": "oxide_codegen.errors",
    "CollectiveError": "oxide_codegen.errors",
    "CollectiveMismatchError": "oxide_codegen.errors",
    "CollectiveTimeoutError": "oxide_codegen.errors",
    "DeviceError": "oxide_codegen.errors",
    "DeviceMemoryError": "oxide_codegen.errors",
    "GraphError": "oxide_codegen.errors",
    "HostAccessError": "oxide_codegen.errors",
    "KernelAlignmentError": "oxide_codegen.errors",
    "KernelAssertion": "oxide_codegen.errors",
    "KernelConvergenceError": "oxide_codegen.errors",
    "KernelError": "oxide_codegen.errors",
    "KernelIndexError": "oxide_codegen.errors",
    "KernelRaceError": "oxide_codegen.errors",
    "KernelUninitialisedError": "oxide_codegen.errors",
    "KernelViewError": "oxide_codegen.errors",
    "KernelZeroDivisionError": "oxide_codegen.errors",
    "LaunchError": "oxide_codegen.errors",
    "LaunchTypeError": "oxide_codegen.errors",
    "LaunchValueError": "oxide_codegen.errors",
    "MissingExtraError": "oxide_codegen.errors",
    "OperationUsedError": "oxide_codegen.errors",
    "OutsideKernelError": "oxide_codegen.errors",
    "OxideError": "oxide_codegen.errors",
    "RankLostError": "oxide_codegen.errors",
    "SourceError": "oxide_codegen.errors",
    "Kernel": "oxide_codegen.kernel",
    "kernel": "oxide_codegen.kernel",
    "load": "oxide_codegen.kernel",
    "BoundLaunch": "oxide_codegen.bound",
    "Launch": "oxide_codegen.launch",
    "Module": "oxide_codegen.module",
    "memory_resource": "oxide_codegen.pools",
    "set_memory_resource": "oxide_codegen.pools",
    "Event": "oxide_codegen.events",
    "Stream": "oxide_codegen.streams",
    "stream": "oxide_codegen.streams",
    "synchronize": "oxide_codegen.streams",
}

__version__ = "0.1.0"

__all__ = [
    "ArtifactContractError",
    "ArtifactDamagedError",
    "ArtifactError",
    "ArtifactSourceError",
    "ArtifactTargetError",
    "ArtifactVersionError",
    "AtomicSlice",
    "AtomicSlice2D",
    "AtomicSlice3D",
    "BoundLaunch",
    "BufferFreedError",
    "BufferLayoutError",
    "CheckError",
    "CollectiveError",
    "CollectiveMismatchError",
    "CollectiveTimeoutError",
    "Const",
    "DeviceBuffer",
    "DeviceError",
    "DeviceMemoryError",
    "DisjointSlice",
    "DisjointSlice2D",
    "DisjointSlice3D",
    "Event",
    "GraphError",
    "HostAccessError",
    "HostArray",
    "Kernel",
    "KernelAlignmentError",
    "KernelAssertion",
    "KernelConvergenceError",
    "KernelError",
    "KernelIndexError",
    "KernelRaceError",
    "KernelUninitialisedError",
    "KernelViewError",
    "KernelZeroDivisionError",
    "Launch",
    "LaunchError",
    "LaunchTypeError",
    "LaunchValueError",
    "LocalArray",
    "LocalArray2D",
    "LocalArray3D",
    "MissingExtraError",
    "Module",
    "OperationUsedError",
    "OutsideKernelError",
    "OxideError",
    "RankLostError",
    "SharedArray",
    "SharedArray2D",
    "SharedArray3D",
    "Slice",
    "Slice2D",
    "Slice3D",
    "SourceError",
    "Stream",
    "asarray",
    "async_commit",
    "async_copy",
    "async_wait",
    "atomic",
    "bf16",
    "block",
    "block_dim",
    "brev",
    "clz",
    "device",
    "dynamic_shared",
    "empty",
    "f16",
    "f32",
    "f64",
    "fast",
    "fence",
    "fma",
    "from_dlpack",
    "grid_dim",
    "grid_stride",
    "grid_sync",
    "i8",
    "i16",
    "i32",
    "i64",
    "injective",
    "kernel",
    "load",
    "managed",
    "memory_resource",
    "mma",
    "pinned",
    "popc",
    "rsqrt",
    "select",
    "set_memory_resource",
    "stream",
    "struct",
    "sync_threads",
    "sync_warp",
    "synchronize",
    "thread",
    "u8",
    "u16",
    "u32",
    "u64",
    "unsafe",
    "warp",
    "within",
    "zeros",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """One of the host's names; hidden from type checkers, who know them all."""
        place = _HOST.get(name)
        if place is None:
            raise AttributeError(f"module 'oxide' has no attribute {name!r}")
        from importlib import import_module

        found = getattr(import_module(place), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOST})
