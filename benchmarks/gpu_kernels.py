"""vecadd, naive and tiled matrix product against CUDA C++ of the same algorithm, in one run.

The sum is also measured against CUDA C++ that a hand has given four elements per thread.

    python benchmarks/gpu_kernels.py

Prints GB/s and GFLOP/s, compares the results with each other, and writes
`benchmarks/results/gpu_kernels.json`.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from cuda_c import CudaModule, seconds_per_launch, write

import oxide
from oxide import (
    DisjointSlice,
    DisjointSlice2D,
    SharedArray,
    Slice,
    Slice2D,
    f32,
    kernel,
    sync_threads,
    thread,
)

if TYPE_CHECKING:
    from oxide_codegen.cuda import Cuda

TILE = 32
SIZE = 2048
LENGTH = 1 << 27

CUDA = r"""
extern "C" __global__ void vecadd(const float* __restrict__ a, const float* __restrict__ b,
                                  float* __restrict__ c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

// A hand with patience: a multiple of four elements, aligned.
extern "C" __global__ void vecadd4(const float4* __restrict__ a, const float4* __restrict__ b,
                                   float4* __restrict__ c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float4 x = a[i], y = b[i];
        c[i] = make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
    }
}

extern "C" __global__ void naive(const float* __restrict__ a, const float* __restrict__ b,
                                 float* __restrict__ c, int rows, int inner, int cols) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < rows && col < cols) {
        float total = 0.0f;
        for (int k = 0; k < inner; ++k) total += a[row * inner + k] * b[k * cols + col];
        c[row * cols + col] = total;
    }
}

#define TILE 32
extern "C" __global__ void tiled(const float* __restrict__ a, const float* __restrict__ b,
                                 float* __restrict__ c, int rows, int inner, int cols) {
    __shared__ float tile_a[TILE][TILE];
    __shared__ float tile_b[TILE][TILE];
    int x = threadIdx.x, y = threadIdx.y;
    int row = blockIdx.y * TILE + y, col = blockIdx.x * TILE + x;
    float total = 0.0f;
    for (int start = 0; start < inner; start += TILE) {
        tile_a[y][x] = row < rows && start + x < inner ? a[row * inner + start + x] : 0.0f;
        tile_b[y][x] = start + y < inner && col < cols ? b[(start + y) * cols + col] : 0.0f;
        __syncthreads();
        for (int k = 0; k < TILE; ++k) total += tile_a[y][k] * tile_b[k][x];
        __syncthreads();
    }
    if (row < rows && col < cols) c[row * cols + col] = total;
}
"""


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    """`c = a + b`."""
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


@kernel(
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    )
)
def naive(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    """`c = a @ b`, one element per thread."""
    row, col = thread.index_2d()
    if row < c.shape[0] and col < c.shape[1]:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[row, k] * b[k, col]
        c[row, col] = total


@kernel(
    block=(TILE, TILE),
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def tiled(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    """`c = a @ b` in tiles of shared memory."""
    tile_a = SharedArray(f32, (TILE, TILE))
    tile_b = SharedArray(f32, (TILE, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y
    rows, inner = a.shape
    cols = b.shape[1]
    total = 0.0
    for start in range(0, inner, TILE):
        tile_a[y, x] = a[row, start + x] if row < rows and start + x < inner else 0.0
        tile_b[y, x] = b[start + y, col] if start + y < inner and col < cols else 0.0
        sync_threads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]
        sync_threads()
    if row < rows and col < cols:
        c[row, col] = total


def main() -> int:
    """Measure, print, compare, write."""
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    module = CudaModule(device, CUDA)
    rows = [_vecadd(device, module, 1), _vecadd(device, module, 4)]
    for name, program in (("naive", naive), ("tiled", tiled)):
        rows.append(_product(device, module, name, program))
    print(f"{device.device.name}, CUDA C++ by {module.compiler}")
    print(f"{'kernel':24} {'unit':8} {'CUDA C++':>10} {'Oxide':>10} {'ratio':>7} {'error':>9}")
    for row in rows:
        print(
            f"{row['kernel']:24} {row['unit']:8} {row['cuda']:10.0f} {row['oxide']:10.0f} "
            f"{row['oxide'] / row['cuda']:7.2f} {row['error']:9.1e}"
        )
    path = write("gpu_kernels", device, {"compiler": module.compiler, "rows": rows}, started)
    print(f"written to {path}")
    return 0 if all(row["error"] <= row["tolerance"] for row in rows) else 1


def _vecadd(device: Cuda, module: CudaModule, elements: int) -> dict[str, Any]:
    """Against CUDA C++ with so many elements per thread; in Oxide the source has one."""
    random = np.random.default_rng(1)
    host = random.random(LENGTH, dtype=np.float32)
    a = oxide.asarray(host, device="cuda:0")
    b = oxide.asarray(host[::-1], device="cuda:0")
    ours, theirs = (oxide.zeros(LENGTH, f32, device="cuda:0") for _ in range(2))
    grid, block = -(-LENGTH // 256), 256
    launch = vecadd.prepare(grid=grid, block=block).bind(a, b, ours)
    reference = module.launcher(
        "vecadd" if elements == 1 else "vecadd4",
        (grid // elements, 1, 1),
        (block, 1, 1),
        [*map(_pointer, (a, b, theirs)), ctypes.c_int(LENGTH // elements)],
    )
    times = _both(device, reference, launch, batch=20)
    error = float(np.abs(ours.numpy() - theirs.numpy()).max())
    moved = 3 * 4 * LENGTH / 1e9
    return {
        "kernel": f"vecadd {LENGTH >> 20} Mi" + (", float4" if elements > 1 else ""),
        "unit": "GB/s",
        "cuda": moved / times[0],
        "oxide": moved / times[1],
        "error": error,
        "tolerance": 0.0,
    }


def _product(device: Cuda, module: CudaModule, name: str, program: Any) -> dict[str, Any]:
    random = np.random.default_rng(2)
    shape = (SIZE, SIZE)
    a, b = (
        oxide.asarray(random.random(shape, dtype=np.float32), device="cuda:0") for _ in range(2)
    )
    ours, theirs = (oxide.zeros(shape, f32, device="cuda:0") for _ in range(2))
    grid, block = (SIZE // TILE, SIZE // TILE, 1), (TILE, TILE, 1)
    launch = program.prepare(grid=grid, block=block).bind(a, b, ours)
    extents = [ctypes.c_int(SIZE) for _ in range(3)]
    reference = module.launcher(name, grid, block, [*map(_pointer, (a, b, theirs)), *extents])
    times = _both(device, reference, launch, batch=10)
    expected = theirs.numpy()
    error = float((np.abs(ours.numpy() - expected) / np.abs(expected).max()).max())
    operations = 2 * SIZE**3 / 1e9
    return {
        "kernel": f"{name} product {SIZE}",
        "unit": "GFLOP/s",
        "cuda": operations / times[0],
        "oxide": operations / times[1],
        "error": error,
        "tolerance": 1e-5,
    }


def _both(device: Cuda, reference: Any, launch: Any, *, batch: int) -> tuple[float, float]:
    # In turn, so that clocks and caches treat both alike; the better of two for each.
    first = [seconds_per_launch(device, f, batch=batch) for f in (reference, launch)]
    second = [seconds_per_launch(device, f, batch=batch) for f in (reference, launch)]
    return min(first[0], second[0]), min(first[1], second[1])


def _pointer(buffer: Any) -> ctypes.c_uint64:
    return ctypes.c_uint64(buffer.view().address)


if __name__ == "__main__":
    sys.exit(main())
