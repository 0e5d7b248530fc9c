"""Kernels as they are written for Numba, run by Oxide: `from oxide.numba import cuda`.

from oxide.numba import cuda, float32

@cuda.jit
def scale(x, out):
    i = cuda.grid(1)
    if i < x.shape[0]:
        out[i] = float32(2) * x[i]

scale.forall(len(x))(x, out)

A program keeps its kernels and its launches, and changes this import. On a GPU and on the cpu
device kernels give what Numba gives; what is proved of them is not checked when they run, the rest
is, and one `UnprovedKernelWarning` says what is not proved.
"""

import sys
from typing import Any

from oxide import numba_cuda as cuda
from oxide.numba import types
from oxide.numba.types import (
    Signature,
    b1,
    boolean,
    c8,
    c16,
    complex64,
    complex128,
    double,
    f4,
    f8,
    float16,
    float32,
    float64,
    float_,
    i1,
    i2,
    i4,
    i8,
    int8,
    int16,
    int32,
    int64,
    int_,
    intc,
    intp,
    u1,
    u2,
    u4,
    u8,
    uint8,
    uint16,
    uint32,
    uint64,
    uintp,
    void,
)
from oxide_codegen.numba.verdicts import UnprovedKernelWarning, UnsupportedKernelError

__all__ = [
    "Signature",
    "UnprovedKernelWarning",
    "UnsupportedKernelError",
    "b1",
    "boolean",
    "c8",
    "c16",
    "complex64",
    "complex128",
    "cuda",
    "double",
    "f4",
    "f8",
    "float16",
    "float32",
    "float64",
    "float_",
    "from_dtype",
    "guvectorize",
    "i1",
    "i2",
    "i4",
    "i8",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_",
    "intc",
    "intp",
    "jit",
    "njit",
    "prange",
    "types",
    "u1",
    "u2",
    "u4",
    "u8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintp",
    "vectorize",
    "void",
]

prange = range

# `import oxide.numba.cuda` finds them here: see `oxide.numba_cuda` for why they are not elsewhere.
sys.modules[f"{__name__}.cuda"] = cuda
for _module in (cuda.random, cuda.libdevice, cuda.fp16):
    sys.modules[f"{__name__}.cuda.{_module.__name__.rpartition('.')[2]}"] = _module


def jit(func: Any = None, /, **kws: Any) -> Any:
    """A function that kernels may call; on the host it is the Python function that it was."""
    del kws

    def decorate(function: Any) -> Any:
        return function

    return func if callable(func) else decorate


njit = jit


def vectorize(ftylist_or_function: Any = (), target: str = "cpu", **kws: Any) -> Any:
    """A function of numbers as one of arrays: on the cpu device, or where `target` says."""
    return cuda.vectorize(ftylist_or_function, target, **kws)


def guvectorize(ftylist: Any, signature: str, target: str = "cpu", **kws: Any) -> Any:
    """A function of small arrays, called for each of them in larger ones."""
    return cuda.guvectorize(ftylist, signature, target, **kws)


def from_dtype(dtype: Any) -> Any:
    """The type of kernels for NumPy's, records among them."""
    from oxide_codegen.numba.types import from_dtype

    return from_dtype(dtype)
