"""The same work by other Python packages, where they are installed: CuPy, Numba, Triton, PyTorch.

Each function gives calls that enqueue the work on the default stream, by the name of the package.
Arguments and results are CuPy arrays over the memory of ours, so all read and write the same
bytes. Matrix products of libraries are cuBLAS in full f32, a bar that no plain kernel reaches.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls = dict[str, Callable[[], Any]]


def has(package: str) -> bool:
    """Whether a package is installed."""
    return find_spec(package) is not None


def vecadd(a: Any, b: Any, c: Any) -> Calls:
    """`c = a + b`."""
    found: Calls = {}
    if has("cupy"):
        add = import_module("cupy").add
        found["CuPy"] = lambda: add(a, b, out=c)
    if has("torch"):
        torch, tensors = _tensors(a, b, c)
        found["PyTorch"] = lambda: torch.add(tensors[0], tensors[1], out=tensors[2])
    if has("numba"):
        found["Numba"] = _numba("vecadd", -(-len(c) // 256), 256, a, b, c)
    if has("triton"):
        import gpu_triton

        found["Triton"] = gpu_triton.vecadd(*_tensors(a, b, c)[1])
    return found


def product(name: str, tile: int, a: Any, b: Any, c: Any) -> Calls:
    """`c = a @ b` by the same algorithm in Numba, and by cuBLAS."""
    found: Calls = {}
    if has("numba"):
        grid = (c.shape[1] // tile, c.shape[0] // tile)
        found["Numba"] = _numba(name, grid, (tile, tile), a, b, c)
    if has("torch"):
        torch, tensors = _tensors(a, b, c)
        torch.backends.cuda.matmul.allow_tf32 = False
        found["cuBLAS"] = lambda: torch.mm(tensors[0], tensors[1], out=tensors[2])
    return found


def softmax(x: Any, y: Any) -> Calls:
    """The softmax of each row."""
    found: Calls = {}
    if has("torch"):
        torch, tensors = _tensors(x, y)
        found["PyTorch"] = lambda: torch.softmax(tensors[0], 1, out=tensors[1])
    if has("triton"):
        import gpu_triton

        found["Triton"] = gpu_triton.softmax(*_tensors(x, y)[1])
    return found


def total(a: Any, out: Any) -> Calls:
    """The sum."""
    found: Calls = {}
    if has("cupy"):
        found["CuPy"] = lambda: a.sum(out=out[0])
    if has("torch"):
        torch, tensors = _tensors(a, out)
        found["PyTorch"] = lambda: torch.sum(tensors[0], 0, out=tensors[1][0])
    return found


def _tensors(*arrays: Any) -> tuple[Any, list[Any]]:
    torch = import_module("torch")
    return torch, [torch.from_dlpack(array) for array in arrays]


def _numba(name: str, grid: Any, block: Any, *arrays: Any) -> Callable[[], Any]:
    import gpu_numba

    launch = getattr(gpu_numba, name)[grid, block]
    views = [gpu_numba.cuda.as_cuda_array(array) for array in arrays]
    return lambda: launch(*views)
