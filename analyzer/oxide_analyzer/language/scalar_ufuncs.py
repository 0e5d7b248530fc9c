"""Functions of NumPy that are called with numbers, each written in the language of kernels.

    np.sign(x), np.clip(x, low, high), np.logical_and(p, q), np.rint(x)

Those that are operators by other names, such as `np.add`, lead to these; what `math` has leads
there. Arguments keep their types. Arrays as arguments, and `out`, are for the host.
"""

from __future__ import annotations

from oxide_analyzer.language.written import Library

_HELPERS = """
def _kept(x, whole):
    return math.copysign(whole, x) if abs(x) < 4503599627370496.0 else x
"""

_TEXT = """
def square(x): return x * x
def sign(x): return x if x != x else (x > 0) - (x < 0)
def reciprocal(x): return 1 / x
def clip(x, low, high): return min(max(x, low), high)
def where(p, x, y): return x if p else y
def logical_and(p, q) -> bool: return p != 0 and q != 0
def logical_or(p, q) -> bool: return p != 0 or q != 0
def logical_xor(p, q) -> bool: return (p != 0) != (q != 0)
def signbit(x) -> bool: return math.copysign(1.0, x) < 0.0
def deg2rad(x): return math.radians(x)
def rad2deg(x): return math.degrees(x)
def heaviside(x, half): return x if x != x else (0.0 if x < 0 else half if x == 0 else 1.0)
def float_power(x, y) -> float64: return math.pow(float64(x), float64(y))
def rint(x):
    "the nearest integer, ties to even, as a float"
    return _kept(x, T(round(x)))
"""


def _refused(library: Library, name: str) -> str:
    del library, name
    return "there is no such function"


NUMPY = Library("numpy", _HELPERS, {"": ("", _TEXT)}, (), _refused)
