"""How long a launch takes on the host, against `cuLaunchKernel` called in a loop from C.

    python benchmarks/launch_overhead.py

The kernels have one, five and nine arguments and one small block, so the host is what is measured.
Each figure is the median over batches, of which all paths have some in turn; batches are short
enough not to fill the device's queue. Writes `benchmarks/results/launch_overhead.json`.
"""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
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
ROUNDS = 40
TURNS = 5

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
def one(out: DisjointSlice[f32]):
    """`out = 1`."""
    i = thread.index_1d()
    if i < len(out):
        out[i] = 1.0


@kernel
def five(a: Slice[f32], b: Slice[f32], c: Slice[f32], out: DisjointSlice[f32], n: i32):
    """`out = a + b + c`, for the first `n` elements."""
    i = thread.index_1d()
    if i < n and i < len(a) and i < len(b) and i < len(c) and i < len(out):
        out[i] = a[i] + b[i] + c[i]


@kernel(requires=lambda a, b, c, d, out: len(a) == len(b) == len(c) == len(d) == len(out))
def nine(
    a: Slice[f32],
    b: Slice[f32],
    c: Slice[f32],
    d: Slice[f32],
    out: DisjointSlice[f32],
    n: i32,
    p: f32,
    q: f32,
    r: f32,
):
    """`out = p·a + q·b + r·c + d`, for the first `n` elements."""
    i = thread.index_1d()
    if i < n and i < len(out):
        out[i] = p * a[i] + q * b[i] + r * c[i] + d[i]


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    with device.current():
        rows = _measure(device)
    print(f"{device.device.name}, microseconds per launch")
    for row in rows:
        row["ratio"] = row["microseconds"] / row["raw"]
        print(f"{row['path']:56} {row['microseconds']:8.2f} {row['ratio']:6.2f} x")
    print(f"written to {write('launch_overhead', device, {'rows': rows}, started)}")
    return 0


def _measure(device: Cuda) -> list[dict[str, Any]]:
    a, b, c, d, e, f = (oxide.zeros(32, f32, device="cuda:0") for _ in range(6))
    arguments: dict[Any, list[tuple[Any, ...]]] = {
        one: [(a,), (b,), (c,)],
        five: [(a, b, c, d, 32), (b, c, a, e, 31), (c, a, b, f, 30)],
        nine: [
            (a, b, c, d, e, 32, 1.0, 2.0, 3.0),
            (b, c, d, a, f, 31, 2.0, 3.0, 1.0),
            (c, d, a, b, e, 30, 3.0, 1.0, 2.0),
        ],
    }
    rows: list[dict[str, Any]] = []
    for program, sets in arguments.items():
        paths = _paths(device, program, sets)
        if program is five:
            paths |= _cupy(device)
        times: dict[str, list[float]] = {path: [] for path in paths}
        for _ in range(TURNS):
            for path, measure in paths.items():
                times[path].append(measure())
        medians = {path: statistics.median(found) for path, found in times.items()}
        raw = medians["cuLaunchKernel from C"]
        rows += [
            {"path": f"{len(sets[0])}: {path}", "microseconds": found, "raw": raw}
            for path, found in medians.items()
        ]
    return rows


def _paths(
    device: Cuda, program: Any, sets: list[tuple[Any, ...]]
) -> dict[str, Callable[[], float]]:
    launch = program.prepare(grid=1, block=32)
    bound = launch.bind(*sets[0])
    bound()
    oxide.synchronize()
    loaded = _loaded(program)

    def prepared_fresh(count: int) -> None:
        for k in range(count):
            launch(*sets[k % 3])

    def prepared_bound(count: int) -> None:
        for _ in range(count):
            bound()

    def plain(count: int) -> None:
        for k in range(count):
            program[1, 32](*sets[k % 3])

    return {
        "cuLaunchKernel from C": lambda: _raw(device, loaded, sets[0], program),
        "prepared and bound": lambda: _time(device, prepared_bound),
        "prepared, fresh arguments": lambda: _time(device, prepared_fresh),
        "k[grid, block](...), fresh arguments": lambda: _time(device, plain),
    }


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


def _raw(device: Cuda, loaded: CudaKernel, arguments: tuple[Any, ...], program: Any) -> float:
    library = compile_c(C_LOOP)
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    entry = ctypes.cast(ctypes.CDLL(name).cuLaunchKernel, ctypes.c_void_p)
    arena = loaded.arena(0, (1, 1, 1))
    layout = program._program.specialisation().layout
    cells: list[Any] = []
    for argument in arguments:
        view = argument.view() if hasattr(argument, "view") else None
        cells += [argument] if view is None else [view.address, *view.shape]
    layout.packer.pack_into(arena.cells, 0, *cells)
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


@cache
def compile_c(text: str) -> ctypes.CDLL:
    """A library of C."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("loops in C need a C compiler")
    folder = tempfile.mkdtemp()
    source, library = Path(folder) / "loop.c", Path(folder) / "loop.so"
    source.write_text(text)
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    return ctypes.CDLL(str(library))


def _loaded(program: Any) -> CudaKernel:
    """The machine code behind a kernel."""
    return program._program.specialisation().cuda(0).suited((1, 1, 1), ordinary=True)


def _cupy(device: Cuda) -> dict[str, Callable[[], float]]:
    try:
        import cupy
    except ImportError:
        return {}
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

    return {"CuPy RawKernel, prepared tuple": lambda: _time(device, launches)}


if __name__ == "__main__":
    sys.exit(main())
