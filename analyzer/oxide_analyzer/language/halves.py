"""The functions of `numba.cuda.fp16`, each written in the language of kernels: see `written`.

    def hfma(x, y, z): return cuda.fma(x, y, z)          fp16.hfma(x: float16, …) -> float16

Each result is rounded to float16 once. Comparisons with a NaN are false, that for inequality too.
"""

from __future__ import annotations

from oxide_analyzer.language.written import Library

_TEXT = """
def habs(x): return abs(x)
def hadd(x, y): return x + y
def hdiv(x, y): return x / y
def hfma(x, y, z): return cuda.fma(x, y, z)
def hmax(x, y): return max(x, y)
def hmin(x, y): return min(x, y)
def hmul(x, y): return x * y
def hneg(x): return -x
def hsub(x, y): return x - y
def heq(x, y) -> bool: return x == y
def hne(x, y) -> bool: return x < y or x > y
def hge(x, y) -> bool: return x >= y
def hgt(x, y) -> bool: return x > y
def hle(x, y) -> bool: return x <= y
def hlt(x, y) -> bool: return x < y
def hceil(x): return _kept(x, T(math.ceil(x)))
def hfloor(x): return _kept(x, T(math.floor(x)))
def hrint(x): return _kept(x, T(round(x)))
def htrunc(x): return _kept(x, T(math.trunc(x)))
def hcos(x): return math.cos(x)
def hexp(x): return math.exp(x)
def hexp10(x): return math.pow(T(10), x)
def hexp2(x): return math.exp2(x)
def hlog(x): return math.log(x)
def hlog10(x): return math.log10(x)
def hlog2(x): return math.log2(x)
def hrcp(x): return T(1) / x
def hrsqrt(x): return one_by_root(x)
def hsin(x): return math.sin(x)
def hsqrt(x): return math.sqrt(x)
def htanh(x): return math.tanh(x)
def htanh_approx(x): return math.tanh(x)
"""

_KEPT = """
def _kept(x, whole):
    return math.copysign(whole, x) if abs(x) < float16(2048) else x
"""


def _refused(library: Library, name: str) -> str:
    del library
    if name.startswith("atomic"):
        return "atomics are of 32 and 64 bits; add to an array of float32"
    return "there is no such function; float16 has the operators and `math`"


FP16 = Library("cuda.fp16", _KEPT, {"": ("float16", _TEXT)}, (), _refused)
