"""The functions of `numba.cuda.libdevice`, each written in the language of kernels.

One definition is the table's row of a function: its parameters, what it gives, and, as the body
that takes the place of a call, what it means to provers and to the compiler.

    def rsqrt(x): return rsqrt(x)              libdevice.rsqrt of f64, libdevice.rsqrtf of f32
    def sincos(x) -> (T, T): …                 where C has pointers for results, a tuple
    libdevice.fadd_rd                          is not here: `refusal` says what to write instead

In `REAL` the parameters without a type, and the results, are `T`, float64 or, with an f behind
the name, float32. Results are as exact as those of `math`, of which they are made; where a formula
would lose digits of float32, it is computed in float64.
"""

from __future__ import annotations

from oxide_analyzer.language.written import Library

_KEPT = """
def _kept(x, whole):
    return math.copysign(whole, x) if abs(x) < 4503599627370496.0 else x

def _erfinv(x):
    if abs(x) > 0.5:
        return math.copysign(_normcdfinv(0.5 - 0.5 * abs(x)) * -0.7071067811865476, x)
    y = 0.8862269254527580 * x
    for _ in range(5):
        y -= (math.erf(y) - x) * 0.8862269254527580 * math.exp(y * y)
    return y

def _normcdfinv(u):
    q = u - 0.5
    found = math.nan
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r
            + 67265.770927008700853) * r + 45921.953931549871457) * r
            + 13731.693765509461125) * r + 1971.5909503065514427) * r
            + 133.14166789178437745) * r + 3.387132872796366608)
        below = (((((((5226.495278852545925 * r + 28729.085735721942674) * r
            + 39307.89580009271061) * r + 21213.794301586595867) * r
            + 5394.1960214247511077) * r + 687.1870074920579083) * r
            + 42.313330701600911252) * r + 1.0)
        found = q * above / below
    elif u > 0.0 and u < 1.0:
        r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
        if r <= 5.0:
            r = r - 1.6
            above = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
                + 0.24178072517745061177) * r + 1.27045825245236838258) * r
                + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                + 4.6303378461565452959) * r + 1.42343711074968357734)
            below = (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
                + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0)
        else:
            r = r - 5.0
            above = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
                + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                + 5.4637849111641143699) * r + 6.6579046435011037772)
            below = (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
                + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                + 0.59983220655588793769) * r + 1.0)
        found = math.copysign(above / below, q)
    elif u == 0.0:
        found = -math.inf
    elif u == 1.0:
        found = math.inf
    return found
"""

REAL = """
def acos(x): return math.acos(x)
def acosh(x): return math.acosh(x)
def asin(x): return math.asin(x)
def asinh(x): return math.asinh(x)
def atan(x): return math.atan(x)
def atan2(y, x): return math.atan2(y, x)
def atanh(x): return math.atanh(x)
def cbrt(x): return math.cbrt(x)
def ceil(x): return _kept(x, T(math.ceil(x)))
def copysign(x, y): return math.copysign(x, y)
def cos(x): return math.cos(x)
def cosh(x): return math.cosh(x)
def erf(x): return math.erf(x)
def erfc(x): return math.erfc(x)
def exp(x): return math.exp(x)
def exp10(x): return math.pow(T(10), x)
def exp2(x): return math.exp2(x)
def expm1(x): return math.expm1(x)
def fabs(x): return abs(x)
def floor(x): return _kept(x, T(math.floor(x)))
def fmax(x, y): return max(x, y)
def fmin(x, y): return min(x, y)
def fmod(x, y): return math.fmod(x, y)
def hypot(x, y): return math.hypot(x, y)
def lgamma(x): return math.lgamma(x)
def log(x): return math.log(x)
def log10(x): return math.log10(x)
def log1p(x): return math.log1p(x)
def log2(x): return math.log2(x)
def pow(x, y): return math.pow(x, y)
def powi(x, n: int32): return math.pow(x, T(n))
def remainder(x, y): return math.remainder(x, y)
def rcbrt(x): return T(1) / math.cbrt(x)
def rsqrt(x): return one_by_root(x)
def sin(x): return math.sin(x)
def sinh(x): return math.sinh(x)
def sqrt(x): return math.sqrt(x)
def tan(x): return math.tan(x)
def tanh(x): return math.tanh(x)
def tgamma(x): return math.gamma(x)
def trunc(x): return _kept(x, T(math.trunc(x)))
def ldexp(x, n: int32): return math.ldexp(x, n)
def scalbn(x, n: int32): return math.ldexp(x, n)
def frexp(x) -> (T, int32): return math.frexp(x)
def modf(x) -> (T, T): return math.modf(x)
def sincos(x) -> (T, T): return math.sin(x), math.cos(x)

def fdim(x, y):
    "`x - y` where that is above 0, else 0"
    return T(0) if x <= y else x - y

def rint(x):
    "the nearest integer, ties to even, as a float"
    return _kept(x, T(round(x)))

def nearbyint(x):
    "the nearest integer, ties to even, as a float"
    return _kept(x, T(round(x)))

def round(x):
    "the nearest integer, ties away from zero, as a float"
    whole = T(math.trunc(x))
    return _kept(x, whole + math.copysign(T(1), x) if abs(x - whole) >= T(0.5) else whole)

def llrint(x) -> int64:
    "the nearest integer, ties to even"
    return round(x)

def llround(x) -> int64:
    "the nearest integer, ties away from zero"
    whole = T(math.trunc(x))
    up = abs(x - whole) >= T(0.5)
    return int64(whole + math.copysign(T(1), x) if up else whole)

def logb(x):
    "the exponent of x, as a float"
    _, e = math.frexp(x)
    found = T(e - 1)
    if x == T(0):
        found = -T(math.inf)
    if math.isinf(x):
        found = T(math.inf)
    if math.isnan(x):
        found = x
    return found

def ilogb(x) -> int32:
    "the exponent of x"
    _, e = math.frexp(x)
    found = int32(e - 1)
    if x == T(0) or math.isnan(x):
        found = int32(-2147483648)
    if math.isinf(x):
        found = int32(2147483647)
    return found

def remquo(x, y) -> (T, int32):
    "`math.remainder(x, y)`, and the last three bits of the quotient, with its sign"
    rest = math.remainder(x, y)
    some = math.fmod(x, T(8) * y) if abs(y) < T(1e37) else x
    count = int32(0)
    if not (math.isinf(x) or math.isnan(x) or math.isnan(y) or math.isinf(y) or y == T(0)):
        count = int32(abs(round((some - math.remainder(some, y)) / y)) & 7)
        count = int32(-count) if (x < T(0)) != (y < T(0)) else count
    return rest, count

def sinpi(x):
    "`sin(pi * x)`"
    whole = round(T(2) * math.fmod(x, T(2)))
    angle = T(3.141592653589793) * (math.fmod(x, T(2)) - T(whole) * T(0.5))
    found = math.cos(angle) if whole & 1 else math.sin(angle)
    found = -found if whole & 2 else found
    return math.copysign(T(0), x) if found == T(0) else found

def cospi(x):
    "`cos(pi * x)`"
    whole = round(T(2) * math.fmod(x, T(2)))
    angle = T(3.141592653589793) * (math.fmod(x, T(2)) - T(whole) * T(0.5))
    found = math.sin(angle) if whole & 1 else math.cos(angle)
    found = -found if (whole + 1) & 2 else found
    return T(0) if found == T(0) else found

def sincospi(x) -> (T, T):
    "`sin(pi * x), cos(pi * x)`"
    whole = round(T(2) * math.fmod(x, T(2)))
    angle = T(3.141592653589793) * (math.fmod(x, T(2)) - T(whole) * T(0.5))
    s = math.cos(angle) if whole & 1 else math.sin(angle)
    c = math.sin(angle) if whole & 1 else math.cos(angle)
    s = -s if whole & 2 else s
    c = -c if (whole + 1) & 2 else c
    return (math.copysign(T(0), x) if s == T(0) else s), (T(0) if c == T(0) else c)

def normcdf(x):
    "how much of a normal distribution lies below x"
    return T(0.5 * math.erfc(float64(-x) * 0.7071067811865476))

def normcdfinv(p):
    "where so much of a normal distribution lies below"
    return T(_normcdfinv(float64(p)))
"""

# For both widths the same name, or a name of its own.
SINGLE = """
def fast_cosf(x: float32) -> float32: return fast.cos(x)
def fast_sinf(x: float32) -> float32: return fast.sin(x)
def fast_tanf(x: float32) -> float32: return fast.tan(x)
def fast_expf(x: float32) -> float32: return fast.exp(x)
def fast_exp10f(x: float32) -> float32: return fast.exp2(x * float32(3.321928094887362))
def fast_logf(x: float32) -> float32: return fast.log(x)
def fast_log2f(x: float32) -> float32: return fast.log2(x)
def fast_log10f(x: float32) -> float32: return fast.log10(x)
def fast_powf(x: float32, y: float32) -> float32: return fast.pow(x, y)
def fast_fdividef(x: float32, y: float32) -> float32: return x / y
def fast_sincosf(x: float32) -> (float32, float32): return fast.sin(x), fast.cos(x)
def fma(x: float64, y: float64, z: float64) -> float64: return cuda.fma(x, y, z)
def fma_rn(x: float64, y: float64, z: float64) -> float64: return cuda.fma(x, y, z)
def fmaf(x: float32, y: float32, z: float32) -> float32: return cuda.fma(x, y, z)
def fmaf_rn(x: float32, y: float32, z: float32) -> float32: return cuda.fma(x, y, z)
def dadd_rn(x: float64, y: float64) -> float64: return x + y
def dmul_rn(x: float64, y: float64) -> float64: return x * y
def ddiv_rn(x: float64, y: float64) -> float64: return x / y
def drcp_rn(x: float64) -> float64: return 1.0 / x
def dsqrt_rn(x: float64) -> float64: return math.sqrt(x)
def fadd_rn(x: float32, y: float32) -> float32: return x + y
def fsub_rn(x: float32, y: float32) -> float32: return x - y
def fmul_rn(x: float32, y: float32) -> float32: return x * y
def fdiv_rn(x: float32, y: float32) -> float32: return x / y
def frcp_rn(x: float32) -> float32: return float32(1) / x
def fsqrt_rn(x: float32) -> float32: return math.sqrt(x)
def frsqrt_rn(x: float32) -> float32: return float32(1.0 / math.sqrt(float64(x)))
def saturatef(x: float32) -> float32: return min(max(x, float32(0)), float32(1))
def finitef(x: float32) -> int32: return int32(math.isfinite(x))
def isfinited(x: float64) -> int32: return int32(math.isfinite(x))
def isinff(x: float32) -> int32: return int32(math.isinf(x))
def isinfd(x: float64) -> int32: return int32(math.isinf(x))
def isnanf(x: float32) -> int32: return int32(math.isnan(x))
def isnand(x: float64) -> int32: return int32(math.isnan(x))
def signbitf(x: float32) -> int32: return int32(math.copysign(float32(1), x) < float32(0))
def signbitd(x: float64) -> int32: return int32(math.copysign(1.0, x) < 0.0)
def erfinv(x: float64) -> float64:
    "the inverse of the error function"
    return _erfinv(x)
def erfinvf(x: float32) -> float32:
    "the inverse of the error function"
    return float32(_erfinv(float64(x)))
def erfcinv(x: float64) -> float64:
    "the inverse of `erfc`"
    return _normcdfinv(0.5 * x) * -0.7071067811865476
def erfcinvf(x: float32) -> float32:
    "the inverse of `erfc`"
    return float32(_normcdfinv(0.5 * float64(x)) * -0.7071067811865476)
def nextafter(x: float64, y: float64) -> float64:
    "the next number from x towards y"
    if math.isnan(x) or math.isnan(y):
        return x + y
    step = int64(1) if (x < y) == (x > 0.0) else int64(-1)
    moved = (x.view(int64) + step).view(float64)
    moved = math.copysign(int64(1).view(float64), y) if x == 0.0 else moved
    return y if x == y else moved
def nextafterf(x: float32, y: float32) -> float32:
    "the next number from x towards y"
    if math.isnan(x) or math.isnan(y):
        return x + y
    step = int32(1) if (x < y) == (x > float32(0)) else int32(-1)
    moved = int32(x.view(int32) + step).view(float32)
    moved = math.copysign(int32(1).view(float32), y) if x == float32(0) else moved
    return y if x == y else moved
"""

INTEGERS = """
def abs(x: int32) -> int32: return -x if x < 0 else x
def llabs(x: int64) -> int64: return -x if x < 0 else x
def brev(x: int32) -> int32: return cuda.brev(x)
def brevll(x: int64) -> int64: return cuda.brev(x)
def clz(x: int32) -> int32: return cuda.clz(x)
def clzll(x: int64) -> int32: return cuda.clz(x)
def ffs(x: int32) -> int32: return cuda.ffs(x)
def ffsll(x: int64) -> int32: return cuda.ffs(x)
def popc(x: int32) -> int32: return cuda.popc(x)
def popcll(x: int64) -> int32: return cuda.popc(x)
def max(x: int32, y: int32) -> int32: return x if x > y else y
def min(x: int32, y: int32) -> int32: return x if x < y else y
def llmax(x: int64, y: int64) -> int64: return x if x > y else y
def llmin(x: int64, y: int64) -> int64: return x if x < y else y
def umax(x: int32, y: int32) -> int32: return x if uint32(x) > uint32(y) else y
def umin(x: int32, y: int32) -> int32: return x if uint32(x) < uint32(y) else y
def ullmax(x: int64, y: int64) -> int64: return x if uint64(x) > uint64(y) else y
def ullmin(x: int64, y: int64) -> int64: return x if uint64(x) < uint64(y) else y
def hadd(x: int32, y: int32) -> int32: return (x + y) >> 1
def rhadd(x: int32, y: int32) -> int32: return (x + y + 1) >> 1
def uhadd(x: int32, y: int32) -> int32: return (int64(uint32(x)) + int64(uint32(y))) >> 1
def urhadd(x: int32, y: int32) -> int32: return (int64(uint32(x)) + int64(uint32(y)) + 1) >> 1
def sad(x: int32, y: int32, z: int32) -> int32: return (x - y if x > y else y - x) + z
def mul24(x: int32, y: int32) -> int32: return ((int64(x) << 40) >> 40) * ((int64(y) << 40) >> 40)
def umul24(x: int32, y: int32) -> int32: return (int64(x) & 0xFFFFFF) * (int64(y) & 0xFFFFFF)
def mulhi(x: int32, y: int32) -> int32: return (int64(x) * int64(y)) >> 32
def umulhi(x: int32, y: int32) -> int32: return (uint64(uint32(x)) * uint64(uint32(y))) >> 32

def usad(x: int32, y: int32, z: int32) -> int32:
    "`|x - y| + z` of unsigned numbers"
    far = int64(uint32(x)) - int64(uint32(y))
    return (far if far > 0 else -far) + z

def umul64hi(x: int64, y: int64) -> int64:
    "the upper half of the product of unsigned numbers"
    low = uint64(0xFFFFFFFF)
    a = uint64(x)
    b = uint64(y)
    half = (a >> 32) * (b & low) + (((a & low) * (b & low)) >> 32)
    rest = (a & low) * (b >> 32) + (half & low)
    return (a >> 32) * (b >> 32) + (half >> 32) + (rest >> 32)

def mul64hi(x: int64, y: int64) -> int64:
    "the upper half of the product"
    low = uint64(0xFFFFFFFF)
    a = uint64(x)
    b = uint64(y)
    half = (a >> 32) * (b & low) + (((a & low) * (b & low)) >> 32)
    rest = (a & low) * (b >> 32) + (half & low)
    upper = int64((a >> 32) * (b >> 32) + (half >> 32) + (rest >> 32))
    return upper - (y if x < 0 else 0) - (x if y < 0 else 0)

def byte_perm(x: int32, y: int32, s: int32) -> int32:
    "four bytes of y and x, which the digits of s choose"
    both = uint64(uint32(x)) | (uint64(uint32(y)) << 32)
    made = (both >> uint64((s & 7) * 8)) & uint64(255)
    made |= ((both >> uint64(((s >> 4) & 7) * 8)) & uint64(255)) << 8
    made |= ((both >> uint64(((s >> 8) & 7) * 8)) & uint64(255)) << 16
    made |= ((both >> uint64(((s >> 12) & 7) * 8)) & uint64(255)) << 24
    return made

def float_as_int(x: float32) -> int32: return x.view(int32)
def int_as_float(x: int32) -> float32: return x.view(float32)
def double_as_longlong(x: float64) -> int64: return x.view(int64)
def longlong_as_double(x: int64) -> float64: return x.view(float64)
def double2hiint(x: float64) -> int32: return x.view(int64) >> 32
def double2loint(x: float64) -> int32: return x.view(int64)
def hiloint2double(hi: int32, lo: int32) -> float64:
    "the number with these halves"
    return ((int64(hi) << 32) | int64(uint32(lo))).view(float64)
def float2half_rn(x: float32) -> int16: return float16(x).view(int16)
def half2float(x: int16) -> float32: return float32(x.view(float16))
def double2float_rn(x: float64) -> float32: return float32(x)
def int2float_rn(x: int32) -> float32: return float32(x)
def int2double_rn(x: int32) -> float64: return float64(x)
def uint2float_rn(x: int32) -> float32: return float32(uint32(x))
def uint2double_rn(x: int32) -> float64: return float64(uint32(x))
def ll2float_rn(x: int64) -> float32: return float32(x)
def ll2double_rn(x: int64) -> float64: return float64(x)
def ull2float_rn(x: int64) -> float32: return float32(uint64(x))
def ull2double_rn(x: int64) -> float64: return float64(uint64(x))
"""

_MODES = {
    "rn": ("the nearest integer, ties to even", "_kept(x, {type}(round(x)))"),
    "rd": ("the integer below", "_kept(x, {type}(math.floor(x)))"),
    "ru": ("the integer above", "_kept(x, {type}(math.ceil(x)))"),
    "rz": ("the integer towards zero", "x"),
}
_INTEGERS = {"int": "int32", "uint": "uint32", "ll": "int64", "ull": "uint64"}


def _to_integers() -> str:
    """`float2int_rn` and its kin: what is out of range is the nearest number in it, NaN is 0."""
    return "\n".join(
        f"def {source}2{name}_{mode}(x: {type}) -> {result.removeprefix('u')}:\n"
        f'    "{words}; kept in range"\n'
        f"    return {result}({made.format(type=type)})"
        for source, type in (("float", "float32"), ("double", "float64"))
        for name, result in _INTEGERS.items()
        for mode, (words, made) in _MODES.items()
    )


_ROUNDED = {"rd": "down", "ru": "up", "rz": "towards zero"}
_BESSEL = frozenset(f"{name}{n}{f}" for name in "jy" for n in "01n" for f in ("", "f"))


def _refused(library: Library, name: str) -> str:
    base, _, mode = name.rpartition("_")
    nearest = f"{base}_rn"
    if mode in _ROUNDED and nearest in library.definitions:
        return f"kernels do not round {_ROUNDED[mode]}; write `libdevice.{nearest}`"
    if name in _BESSEL:
        return "kernels have no Bessel functions; compute them on the host, or write the series"
    if name in ("erfcx", "erfcxf"):
        return "kernels have no scaled `erfc`; for small x it is `math.exp(x * x) * math.erfc(x)`"
    return "there is no such function"


LIBDEVICE = Library(
    "cuda.libdevice",
    _KEPT,
    {"": ("float64", REAL), "f": ("float32", REAL)},
    (SINGLE, INTEGERS, _to_integers()),
    _refused,
)
