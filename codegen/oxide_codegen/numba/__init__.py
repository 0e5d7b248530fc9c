"""Kernels of Numba on our runtime: what stands behind `oxide.numba`."""
