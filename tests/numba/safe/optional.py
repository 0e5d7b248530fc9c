"""Programs that run without a GPU as well: `cuda` is imported if it can be."""

try:
    import cupy as cp
except ImportError:
    cp = None

if cp is not None:
    import numpy as np
else:
    np = None

try:
    from numba import cuda
    from numba import float32 as f32
except (ImportError, OSError):

    class _NoCuda:
        @staticmethod
        def jit(function):
            return function

    cuda = _NoCuda()
    f32 = None


@cuda.jit
def scaled(a, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i] * f32(2)


@cuda.jit
def added(a, b):
    place = cuda.grid(2)
    if place[0] < a.shape[0] and place[1] < a.shape[1]:
        a[place] = b[place] + 1


def run(n):
    scaled[(n + 31) // 32, 32](cp.ones(n), cp.zeros(n))
    added[((n + 7) // 8, (n + 7) // 8), (8, 8)](np.zeros((n, n)), np.zeros((n, n)))


def run_on(image):
    rows, columns = image.shape
    there = cuda.to_device(image) if isinstance(image, np.ndarray) else image
    out = cuda.device_array((rows, columns))
    added[((rows + 7) // 8, (columns + 7) // 8), (8, 8)](out, there)
