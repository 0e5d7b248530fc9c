"""Oxide's kernels against CUDA C++ of the same algorithm and against other packages, in one run.

    python benchmarks/gpu_kernels.py
    python benchmarks/gpu_kernels.py --nvcc kernels.cubin      CUDA C++ for where there is no nvcc
    python benchmarks/gpu_kernels.py --cubin kernels.cubin     and measured there

Launches are checked, as ever. A figure is the median of rounds, each of some launches that were
enqueued while the device was busy with something else, so that no figure is of the host; whoever
is compared takes turns with the others. `64 bits` is Oxide's code for launches that are not
ordinary. Results are compared with those of CUDA C++. Prints GB/s and GFLOP/s, and writes
`benchmarks/results/gpu_kernels.json`.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import gpu_others
import gpu_programs as programs
from cuda_c import CudaModule, compiled, seconds_per_launch, write

import oxide
from oxide import f32

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda

SOURCE = Path(__file__).with_name("gpu_kernels.cu")
SIZE = 2048
LENGTH = 1 << 27
SUMMED = 1 << 26
ROWS, COLUMNS = 8192, 4096
BLOCK = programs.BLOCK
TURNS = 3


class Bench:
    """One device, CUDA C++ on it, and what keeps it busy while launches are enqueued."""

    def __init__(self, device: Cuda, module: CudaModule) -> None:
        self.device = device
        self.module = module
        a, b, c = (oxide.zeros((SIZE, SIZE), f32, device="cuda:0") for _ in range(3))
        self._busy = programs.tiled.prepare(grid=(64, 64), block=(32, 32)).bind(a, b, c)

    def cuda(self, name: str, grid: Any, block: Any, *arguments: Any) -> Callable[[], None]:
        """A launch of CUDA C++; arguments are buffers and ints."""
        values = [
            ctypes.c_int(one) if isinstance(one, int) else ctypes.c_uint64(one.view().address)
            for one in arguments
        ]
        return self.module.launcher(name, _three(grid), _three(block), values)

    def oxide(self, program: Any, grid: Any, block: Any, *arguments: Any) -> dict[str, Any]:
        """A launch by Oxide, and the same with the code for launches that are not ordinary."""
        from oxide_codegen.forms import Form

        launch = program.prepare(grid=grid, block=block)
        calls = {"Oxide": launch.bind(*arguments)}
        forms = program._program.specialisation().cuda(0)
        made = dict(forms._made)
        forms._made |= {form: forms._form(Form(coarse=form.coarse)) for form in made}
        calls["64 bits"] = launch.bind(*arguments)
        forms._made.update(made)
        return calls

    def row(
        self, name: str, unit: str, work: float, calls: dict[str, Any], batch: int
    ) -> dict[str, Any]:
        """How much work per second each of some calls does, in billions."""
        times: dict[str, list[float]] = {who: [] for who in calls}
        for _ in range(TURNS):
            for who, call in calls.items():
                times[who].append(
                    seconds_per_launch(self.device, call, batch=batch, rounds=5, ahead=self._ahead)
                )
        figures = {who: work / 1e9 / statistics.median(found) for who, found in times.items()}
        print(f"{name:24} {unit:8}", end="")
        print("".join(f"  {who} {figure:,.0f}" for who, figure in figures.items()), flush=True)
        return {"kernel": name, "unit": unit, **figures}

    def _ahead(self) -> None:
        for _ in range(4):
            self._busy()


def main() -> int:
    """Measure, print, compare, write."""
    parser = argparse.ArgumentParser(description="Kernels against CUDA C++ and other packages.")
    parser.add_argument("--nvcc", metavar="CUBIN", help="only compile CUDA C++ for sm_90")
    parser.add_argument("--cubin", metavar="CUBIN", help="take CUDA C++ from here")
    options = parser.parse_args()
    if options.nvcc:
        Path(options.nvcc).write_bytes(compiled(SOURCE.read_text(), "sm_90"))
        return 0
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    image = Path(options.cubin).read_bytes() if options.cubin else None
    module = CudaModule(device, SOURCE.read_text(), image)
    bench = Bench(device, module)
    print(f"{device.device.name}, CUDA C++ by {module.compiler}")
    rows = [_vecadd(bench), _product(bench, "naive"), _product(bench, "tiled")]
    rows += [_softmax(bench), _total(bench)]
    path = write("gpu_kernels", device, {"compiler": module.compiler, "rows": rows}, started)
    print(f"written to {path}")
    return 0 if all(row["error"] <= row["tolerance"] for row in rows) else 1


def _vecadd(bench: Bench) -> dict[str, Any]:
    host = np.random.default_rng(1).random(LENGTH, dtype=np.float32)
    a, b = _buffers(host, host[::-1])
    ours, theirs, others = (oxide.zeros(LENGTH, f32, device="cuda:0") for _ in range(3))
    grid = LENGTH // 256
    calls = {
        "CUDA C++": bench.cuda("vecadd", grid, 256, a, b, theirs, LENGTH),
        "by hand": bench.cuda("vecadd4", grid // 4, 256, a, b, theirs, LENGTH // 4),
        **bench.oxide(programs.vecadd, grid, 256, a, b, ours),
        **gpu_others.vecadd(*map(_cupy, (a, b, others))),
    }
    row = bench.row("vecadd 128 Mi", "GB/s", 3 * 4 * LENGTH, calls, 10)
    return row | _compared(ours, theirs, 0.0)


def _product(bench: Bench, name: str) -> dict[str, Any]:
    random = np.random.default_rng(2)
    shape, tile = (SIZE, SIZE), programs.TILE
    a, b = _buffers(*(random.random(shape, dtype=np.float32) for _ in range(2)))
    ours, theirs, others = (oxide.zeros(shape, f32, device="cuda:0") for _ in range(3))
    grid, block = (SIZE // tile, SIZE // tile), (tile, tile)
    calls = {
        "CUDA C++": bench.cuda(name, grid, block, a, b, theirs, SIZE, SIZE, SIZE),
        **bench.oxide(getattr(programs, name), grid, block, a, b, ours),
        **gpu_others.product(name, tile, *map(_cupy, (a, b, others))),
    }
    row = bench.row(f"{name} product {SIZE}", "GFLOP/s", 2 * SIZE**3, calls, 4)
    return row | _compared(ours, theirs, 1e-5)


def _softmax(bench: Bench) -> dict[str, Any]:
    shape = (ROWS, COLUMNS)
    (x,) = _buffers(10 * np.random.default_rng(3).random(shape, dtype=np.float32))
    ours, theirs, others = (oxide.zeros(shape, f32, device="cuda:0") for _ in range(3))
    calls = {
        "CUDA C++": bench.cuda("softmax", ROWS, BLOCK, x, theirs, ROWS, COLUMNS),
        **bench.oxide(programs.softmax, ROWS, BLOCK, x, ours),
        **gpu_others.softmax(*map(_cupy, (x, others))),
    }
    row = bench.row(f"softmax {ROWS} x {COLUMNS}", "GB/s", 2 * 4 * ROWS * COLUMNS, calls, 20)
    return row | _compared(ours, theirs, 1e-5)


def _total(bench: Bench) -> dict[str, Any]:
    (a,) = _buffers(np.random.default_rng(4).random(SUMMED, dtype=np.float32))
    ours, theirs, others = (oxide.zeros(1, f32, device="cuda:0") for _ in range(3))
    # As many blocks as a multiprocessor holds.
    grid = bench.device.multiprocessors * (2048 // BLOCK)
    calls = {
        "CUDA C++": bench.cuda("total", grid, BLOCK, a, theirs, SUMMED),
        "by hand": bench.cuda("total4", grid, BLOCK, a, theirs, SUMMED // 4),
        **bench.oxide(programs.total, grid, BLOCK, a, ours),
        **gpu_others.total(*map(_cupy, (a, others))),
    }
    row = bench.row(f"sum of {SUMMED >> 20} Mi", "GB/s", 4 * SUMMED, calls, 20)
    for once in (ours, theirs):
        once.copy_from(np.zeros(1, np.float32))
    calls["CUDA C++"]()
    calls["Oxide"]()
    return row | _compared(ours, theirs, 1e-4)


def _buffers(*arrays: Any) -> list[Any]:
    return [oxide.asarray(array, device="cuda:0") for array in arrays]


def _cupy(buffer: Any) -> Any:
    if not gpu_others.has("cupy"):
        return None
    import cupy

    return cupy.asarray(buffer)


def _compared(ours: Any, theirs: Any, tolerance: float) -> dict[str, float]:
    expected = theirs.numpy()
    error = float(np.abs(ours.numpy() - expected).max() / np.abs(expected).max())
    return {"error": error, "tolerance": tolerance}


def _three(extent: Any) -> tuple[int, int, int]:
    parts = (extent,) if isinstance(extent, int) else tuple(extent)
    return (*parts, *(1,) * (3 - len(parts)))


if __name__ == "__main__":
    sys.exit(main())
