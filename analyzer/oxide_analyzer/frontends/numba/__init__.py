"""Kernels of Numba and CuPy as they are: `@cuda.jit`, `@jit.rawkernel`."""
