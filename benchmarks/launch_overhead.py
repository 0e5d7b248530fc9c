"""How long a launch takes on the host, against `cuLaunchKernel` called in a loop from C.

    python benchmarks/launch_overhead.py

The kernel has five arguments and one small block, so the host is what is measured. Each figure
is the median over batches; batches are short enough not to fill the device's queue. Writes
`benchmarks/results/launch_overhead.json`.
"""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from cuda_c import write

import oxide
from oxide import DisjointSlice, Slice, f32, i32, kernel, thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda, CudaKernel

BATCH = 200
ROUNDS = 200

C_LOOP = r"""
#include <time.h>
typedef int (*launch_t)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                        unsigned, void*, void**, void**);
double launches(void* entry, void* function, void* stream, void** parameters, int count) {
    launch_t launch = (launch_t)entry;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < count; ++i)
        if (launch(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters, 0)) return -1.0;
    clock_gettime(CLOCK_MONOTONIC, &b);
    return ((b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) * 1e-9) / count;
}
"""


@kernel
def five(a: Slice[f32], b: Slice[f32], c: Slice[f32], out: DisjointSlice[f32], n: i32):
    """`out = a + b + c`, for the first `n` elements."""
    i = thread.index_1d()
    if i < n and i < len(a) and i < len(b) and i < len(c) and i < len(out):
        out[i] = a[i] + b[i] + c[i]


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    with device.current():
        rows = _measure(device)
    raw = rows[0]["microseconds"]
    print(f"{device.device.name}, microseconds per launch")
    for row in rows:
        row["ratio"] = row["microseconds"] / raw
        print(f"{row['path']:44} {row['microseconds']:8.2f} {row['ratio']:6.2f} x")
    print(f"written to {write('launch_overhead', device, {'rows': rows}, started)}")
    return 0


def _measure(device: Cuda) -> list[dict[str, Any]]:
    a, b, c, d, e, f = (oxide.zeros(32, f32, device="cuda:0") for _ in range(6))
    launch = five.prepare(grid=1, block=32)
    bound = launch.bind(a, b, c, d, 32)
    bound()
    oxide.synchronize()
    loaded = _loaded(five)
    sets = [(a, b, c, d, 32), (b, c, a, e, 31), (c, a, b, f, 30)]

    def prepared_fresh(count: int) -> None:
        for k in range(count):
            launch(*sets[k % 3])

    def prepared_same(count: int) -> None:
        for _ in range(count):
            launch(a, b, c, d, 32)

    def prepared_bound(count: int) -> None:
        for _ in range(count):
            bound()

    def plain(count: int) -> None:
        for k in range(count):
            five[1, 32](*sets[k % 3])

    rows = [
        {"path": "cuLaunchKernel from C", "microseconds": _raw(device, loaded)},
        {"path": "prepared and bound", "microseconds": _time(device, prepared_bound)},
        {"path": "prepared, same arguments", "microseconds": _time(device, prepared_same)},
        {"path": "prepared, fresh arguments", "microseconds": _time(device, prepared_fresh)},
        {"path": "k[grid, block](...), fresh arguments", "microseconds": _time(device, plain)},
    ]
    cupy = _cupy(device)
    if cupy is not None:
        rows.append({"path": "CuPy RawKernel, prepared tuple", "microseconds": cupy})
    return rows


def _time(device: Cuda, launches: Callable[[int], None]) -> float:
    times = []
    launches(BATCH)
    device.sync()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        launches(BATCH)
        times.append((time.perf_counter() - start) / BATCH)
        device.sync()
    return statistics.median(times) * 1e6


def _raw(device: Cuda, loaded: CudaKernel) -> float:
    library = _compile_c()
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    entry = ctypes.cast(ctypes.CDLL(name).cuLaunchKernel, ctypes.c_void_p)
    arena = loaded.arena(0, (1, 1, 1))
    call = library.launches
    call.restype = ctypes.c_double
    call.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int]
    times = []
    for _ in range(ROUNDS + 1):
        taken = call(entry, int(loaded.handle), device.default_handle, arena.address, BATCH)
        if taken < 0:
            raise RuntimeError("cuLaunchKernel failed")
        times.append(taken)
        device.sync()
    return statistics.median(times[1:]) * 1e6


def _compile_c() -> ctypes.CDLL:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("launch_overhead needs a C compiler")
    folder = tempfile.mkdtemp()
    source, library = Path(folder) / "loop.c", Path(folder) / "loop.so"
    source.write_text(C_LOOP)
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    return ctypes.CDLL(str(library))


def _loaded(program: Any) -> CudaKernel:
    """The machine code behind a kernel."""
    return program._program.specialisation().cuda(0).suited((1, 1, 1), ordinary=True)


def _cupy(device: Cuda) -> float | None:
    try:
        import cupy
    except ImportError:
        return None
    source = (
        'extern "C" __global__ void five(const float* a, const float* b, const float* c, '
        "float* out, int n) { int i = threadIdx.x; if (i < n) out[i] = a[i] + b[i] + c[i]; }"
    )
    raw = cupy.RawKernel(source, "five")
    arrays = [cupy.zeros(32, cupy.float32) for _ in range(4)]
    arguments = (*arrays, cupy.int32(32))

    def launches(count: int) -> None:
        for _ in range(count):
            raw((1,), (32,), arguments)

    return _time(device, launches)


if __name__ == "__main__":
    sys.exit(main())
