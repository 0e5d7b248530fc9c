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

    device = cuda(devices.current().index)
    with device.current():
        buffer: Any = device.core.LegacyPinnedMemoryResource().allocate(size)
    flat: Any = np.asarray(_Pinned(buffer, size)).view(made)
    return flat.reshape(extents, order="F" if order == "F" else "C")


class _Pinned:
    """Memory in the form that NumPy reads; it is freed with its buffer."""

    def __init__(self, buffer: Any, size: int) -> None:
        self._buffer = buffer
        self.__array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (int(buffer.handle), False),
            "version": 3,
        }
