"""Host memory that a GPU copies from and to without a detour.

Where there is no GPU it is ordinary memory. Kernels take it as they take all host memory.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from oxide_codegen import devices
from oxide_codegen.numba.arrays import numpy_type


def pinned(shape: Any, dtype: Any, order: str = "C") -> Any:
    """An array of such memory."""
    made = np.dtype(numpy_type(dtype))
    extents = (int(shape),) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
    size = prod(extents) * made.itemsize
    if devices.current().kind == "cpu" or not size:
        return np.empty(extents, made, order="F" if order == "F" else "C")
    from oxide_codegen.cuda import cuda

    memory = cuda(devices.current().index).pinned(size)
    return memory.array((prod(extents),), made).reshape(extents, order="F" if order == "F" else "C")
