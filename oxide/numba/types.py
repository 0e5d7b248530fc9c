"""The types in which signatures and arrays are declared: `float32`, `void`, `types.Array`."""

from oxide.numba_cuda.types import *  # noqa: F403
