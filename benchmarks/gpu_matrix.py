"""The product of bf16 matrices on matrix units, as `examples/gemm_bf16.py` writes it.

    python benchmarks/gpu_matrix.py

Launches are checked, as ever. A figure is the median of rounds of launches that were enqueued one
behind the other; cuBLAS is measured in turns with it, where PyTorch is installed. The numbers are
eighths, so that the result is compared without a tolerance. cuBLAS uses the units of a whole
warpgroup, which read shared memory themselves; the example uses those of a warp, which every
device since sm_80 has. Prints TFLOP/s and writes `benchmarks/results/gpu_matrix.json`.
"""

from __future__ import annotations

import statistics
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from cuda_c import seconds_per_launch, write
from gemm_bf16 import THREADS, TILE, as_bf16, gemm_bf16

import oxide
from oxide import f32

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda

SIZES = (1024, 2048, 4096, 8192)
COMPARED = 1024
TURNS = 3


def main() -> int:
    """Measure, print, compare, write."""
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    print(f"{device.device.name}")
    rows = [_row(device, size) for size in SIZES]
    error = _error()
    print(f"largest difference to NumPy at {COMPARED}: {error}")
    path = write("gpu_matrix", device, {"rows": rows, "error": error}, started)
    print(f"written to {path}")
    return 0 if error == 0 else 1


def _row(device: Cuda, size: int) -> dict[str, Any]:
    a, b = as_bf16(_eighths(size, 1)), as_bf16(_eighths(size, 2))
    c = oxide.zeros((size, size), f32)
    grid = (size // TILE, size // TILE)
    calls: dict[str, Callable[[], None]] = {
        "Oxide": gemm_bf16.prepare(grid=grid, block=THREADS).bind(a, b, c)
    }
    if find_spec("torch") is not None:
        torch = import_module("torch")
        left, right = (
            torch.from_numpy(_eighths(size, seed)).to("cuda", torch.bfloat16) for seed in (1, 2)
        )
        calls["cuBLAS"] = lambda: torch.mm(left, right)
    times: dict[str, list[float]] = {who: [] for who in calls}
    for _ in range(TURNS):
        for who, call in calls.items():
            times[who].append(seconds_per_launch(device, call, batch=20, rounds=5))
    work = 2.0 * size**3 / 1e12
    figures = {who: work / statistics.median(found) for who, found in times.items()}
    print(f"{size:6}", *(f" {who} {figure:,.0f} TFLOP/s" for who, figure in figures.items()))
    return {"size": size, "unit": "TFLOP/s", **figures}


def _error() -> float:
    a, b = _eighths(COMPARED, 3), _eighths(COMPARED, 4)
    c = oxide.zeros((COMPARED, COMPARED), f32)
    grid = (COMPARED // TILE, COMPARED // TILE)
    gemm_bf16[grid, THREADS](as_bf16(a), as_bf16(b), c)
    return float(np.abs(c.numpy() - a.astype(np.float64) @ b).max())


def _eighths(size: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    random = np.random.default_rng(seed)
    return (random.integers(-8, 9, (size, size)) / 8).astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
