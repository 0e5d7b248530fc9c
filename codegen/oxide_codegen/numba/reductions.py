"""`cuda.reduce`: all elements of an array put together by a function of two, on the device.

    total = cuda.reduce(lambda a, b: a + b)            @cuda.reduce
    total(x), total(x, init=10, res=place)             def total(a, b): return a + b

Each thread puts together the elements of its stride, the threads of a block do so with what they
came to, by halves, and one more block with what the blocks came to. The order is that of a tree
whose shape depends on the length alone, so one array gives one result. `init` comes in at the end,
and is the result for an empty array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_codegen.numba import templates
from oxide_codegen.numba.arrays import DeviceNDArray, as_device_array, device_array, to_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.numba.dispatch import Dispatcher

_BLOCK = 256
_MOST_BLOCKS = 256
# Threads that have no element hold one that nobody asks for.
_TEXT = f"""\
def reduce_blocks(x, out, init, is_last):
    tile = cuda.shared.array({_BLOCK}, T)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    n = x.shape[0]
    value = x[i] if i < n else x[0]
    for k in range(i + cuda.gridsize(1), n, cuda.gridsize(1)):
        value = core(value, x[k])
    tile[t] = value
    cuda.syncthreads()
    step = {_BLOCK // 2}
    while step > 0:
        if t < step and i + step < n:
            tile[t] = core(tile[t], tile[t + step])
        cuda.syncthreads()
        step //= 2
    if t == 0:
        out[cuda.blockIdx.x] = core(tile[0], init) if is_last else tile[0]
"""


class Reduce:
    """A function of two elements that reduces an array to one."""

    def __init__(self, functor: Callable[..., Any]) -> None:
        self._functor = functor
        self._kernels: dict[Any, Dispatcher] = {}
        self.__name__ = getattr(functor, "__name__", "reduce")
        self.__doc__ = getattr(functor, "__doc__", None)

    def __call__(
        self, arr: Any, size: int | None = None, res: Any = None, init: Any = 0, stream: Any = 0
    ) -> Any:
        """Reduce the elements of `arr`, or its first `size` ones, and `init`.

        The result goes into the first element of `res`, an array on the device, and nothing is
        waited for; without `res` it is returned.
        """
        if arr.ndim != 1:
            raise TypeError("only support 1D array")
        array = arr if isinstance(arr, np.ndarray) else as_device_array(arr)
        if array is None:
            raise TypeError(f"an array is reduced, not a {type(arr).__name__}")
        array = array if size is None else array[:size]
        first = array.dtype.type(init)
        if not array.size:
            if res is None:
                return first
            res[:1] = first
            return None
        found = self._reduced(array, first, stream)
        if res is None:
            return found[0]
        res[:1].copy_to_device(found, stream=stream)
        return None

    def without_start(self, array: Any, stream: Any) -> DeviceNDArray:
        """The elements of an array alone, as an array of one element."""
        return self._reduced(array, None, stream)

    def _reduced(self, given: Any, start: Any, stream: Any) -> DeviceNDArray:
        array = to_device(given, stream=stream) if isinstance(given, np.ndarray) else given
        has_start = start is not None
        init = start if has_start else array.dtype.type(0)
        kernel = self._kernel(array.dtype)
        blocks = min(-(-array.size // _BLOCK), _MOST_BLOCKS)
        made = device_array(blocks, array.dtype, stream=stream)
        kernel[blocks, _BLOCK, stream](array, made, init, has_start and blocks == 1)
        if blocks == 1:
            return made
        last = device_array(1, array.dtype, stream=stream)
        kernel[1, _BLOCK, stream](made, last, init, has_start)
        return last

    def _kernel(self, dtype: Any) -> Dispatcher:
        known = self._kernels.get(dtype)
        if known is None:
            names = {"core": self._functor, "T": dtype}
            known = templates.kernel(f"cuda.reduce of {self.__name__}", _TEXT, names, None)
            self._kernels[dtype] = known
        return known
