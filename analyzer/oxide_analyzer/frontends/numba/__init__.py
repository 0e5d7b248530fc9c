"""Kernels of Numba and CuPy as they are: `@cuda.jit`, `@jit.rawkernel`."""

from oxide_analyzer.frontends.numba.reading import read, read_launched

__all__ = ["read", "read_launched"]
