"""The functions of numbers that kernels call: rows of the table in `builtins.py`.

`EXACT` and `ROUNDED` name the functions of `math` that are an instruction or a routine of their
own at run time; the rest of `math` is put together from operators.
"""

from __future__ import annotations

from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect, Origin

_BITS = (
    ("clz", "clz(x)", "the zeros above the highest one of an integer; its width if there is none"),
    ("popc", "popc(x)", "the ones of an integer"),
    ("brev", "brev(x)", "the bits of an integer in reverse order"),
)

_OXIDE = (
    ("fma", "fma(x, y, z)", "`x * y + z` of floats, rounded once"),
    ("rsqrt", "rsqrt(x)", "`1 / sqrt(x)`"),
    (
        "select",
        "select(condition, x, y)",
        "`x if condition else y`, with both sides evaluated: there is no branch",
    ),
)

_PYTHON = (
    ("divmod", "divmod(x, y)", "`(x // y, x % y)`"),
    ("round", "round(x) -> i64", "the nearest integer, ties to even; saturates, NaN gives 0"),
    ("pow", "pow(x, y)", "`x ** y`"),
)

_PRINT = Builtin(
    "print",
    BuiltinKind.FUNCTION,
    'print(f"…", *values)',
    "writes a line: text and numbers; a float by 9 digits, an f64 by 17",
    Effect.PRINTS,
    Origin.PYTHON,
)

_BREAKPOINT = Builtin(
    "breakpoint",
    BuiltinKind.FUNCTION,
    "breakpoint()",
    'stops the thread on `oxide.device("interpreter")`, with a prompt; does nothing elsewhere',
    origin=Origin.PYTHON,
)

_CLASSES = (
    ("math.isnan", "math.isnan(x) -> bool", "whether x is not a number"),
    ("math.isinf", "math.isinf(x) -> bool", "whether x is infinite"),
    ("math.isfinite", "math.isfinite(x) -> bool", "whether x is neither infinite nor NaN"),
)

_TO_INTEGERS = (
    ("math.floor", "math.floor(x) -> i64", "the integer below; saturates, NaN gives 0"),
    ("math.ceil", "math.ceil(x) -> i64", "the integer above; saturates, NaN gives 0"),
    ("math.trunc", "math.trunc(x) -> i64", "the integer towards zero; saturates, NaN gives 0"),
)

_PUT_TOGETHER = (
    ("math.fabs", "math.fabs(x)", "the magnitude"),
    ("math.degrees", "math.degrees(x)", "radians in degrees: `x * (180 / pi)`"),
    ("math.radians", "math.radians(x)", "degrees in radians: `x * (pi / 180)`"),
    ("math.modf", "math.modf(x)", "`(fraction, whole)`, both with the sign of x"),
    ("math.frexp", "math.frexp(x)", "`(m, e)` with x = m·2ᵉ and m from ½ to 1; e is an i64"),
    ("math.ldexp", "math.ldexp(x, e)", "x·2ᵉ, rounded once"),
)

EXACT = (
    ("math.sqrt", "math.sqrt(x)", "the square root, correctly rounded"),
    ("math.fma", "math.fma(x, y, z)", "`x * y + z`, rounded once"),
    ("math.fmod", "math.fmod(x, y)", "the remainder with the sign of x, exactly"),
    ("math.remainder", "math.remainder(x, y)", "x minus the nearest multiple of y, exactly"),
    ("math.copysign", "math.copysign(x, y)", "x with the sign of y"),
)

ROUNDED = (
    ("math.cbrt", "math.cbrt(x)", "the cube root"),
    ("math.hypot", "math.hypot(x, y)", "`sqrt(x*x + y*y)` without overflow on the way"),
    ("math.exp", "math.exp(x)", "e to the power of x"),
    ("math.exp2", "math.exp2(x)", "2 to the power of x"),
    ("math.expm1", "math.expm1(x)", "`exp(x) - 1`, exact near 0"),
    ("math.log", "math.log(x)", "the natural logarithm"),
    ("math.log2", "math.log2(x)", "the logarithm to base 2"),
    ("math.log10", "math.log10(x)", "the logarithm to base 10"),
    ("math.log1p", "math.log1p(x)", "`log(1 + x)`, exact near 0"),
    ("math.pow", "math.pow(x, y)", "x to the power of y"),
    ("math.sin", "math.sin(x)", "the sine of radians"),
    ("math.cos", "math.cos(x)", "the cosine of radians"),
    ("math.tan", "math.tan(x)", "the tangent of radians"),
    ("math.asin", "math.asin(x)", "the inverse sine"),
    ("math.acos", "math.acos(x)", "the inverse cosine"),
    ("math.atan", "math.atan(x)", "the inverse tangent"),
    ("math.atan2", "math.atan2(y, x)", "the angle of the point (x, y)"),
    ("math.sinh", "math.sinh(x)", "the hyperbolic sine"),
    ("math.cosh", "math.cosh(x)", "the hyperbolic cosine"),
    ("math.tanh", "math.tanh(x)", "the hyperbolic tangent"),
    ("math.asinh", "math.asinh(x)", "the inverse hyperbolic sine"),
    ("math.acosh", "math.acosh(x)", "the inverse hyperbolic cosine"),
    ("math.atanh", "math.atanh(x)", "the inverse hyperbolic tangent"),
    ("math.erf", "math.erf(x)", "the error function"),
    ("math.erfc", "math.erfc(x)", "`1 - erf(x)`, exact for large x"),
    ("math.gamma", "math.gamma(x)", "the gamma function"),
    ("math.lgamma", "math.lgamma(x)", "the logarithm of |gamma(x)|"),
)

FAST = (
    ("fast.sqrt", "fast.sqrt(x)", "the square root, approximately"),
    ("fast.rsqrt", "fast.rsqrt(x)", "`1 / sqrt(x)`, approximately"),
    ("fast.exp", "fast.exp(x)", "e to the power of x, approximately"),
    ("fast.exp2", "fast.exp2(x)", "2 to the power of x, approximately"),
    ("fast.log", "fast.log(x)", "the natural logarithm, approximately"),
    ("fast.log2", "fast.log2(x)", "the logarithm to base 2, approximately"),
    ("fast.log10", "fast.log10(x)", "the logarithm to base 10, approximately"),
    ("fast.pow", "fast.pow(x, y)", "x > 0 to the power of y, approximately"),
    ("fast.sin", "fast.sin(x)", "the sine of radians, approximately; best within ±π"),
    ("fast.cos", "fast.cos(x)", "the cosine of radians, approximately; best within ±π"),
    ("fast.tan", "fast.tan(x)", "the tangent of radians, approximately; best within ±π/2"),
    ("fast.tanh", "fast.tanh(x)", "the hyperbolic tangent, approximately"),
)


def rows() -> list[Builtin]:
    """The rows of all of them."""
    function = BuiltinKind.FUNCTION
    found = [Builtin(name, function, form, doc) for name, form, doc in (*_BITS, *_OXIDE)]
    found += [
        Builtin(name, function, form, doc, origin=Origin.PYTHON) for name, form, doc in _PYTHON
    ]
    found += [_PRINT, _BREAKPOINT]
    text = "functions that a device may approximate"
    found.append(Builtin("fast", BuiltinKind.NAMESPACE, "fast", text))
    found += [Builtin(name, function, form, doc) for name, form, doc in FAST]
    groups = (*EXACT, *ROUNDED, *_TO_INTEGERS, *_CLASSES, *_PUT_TOGETHER)
    found += [Builtin(name, function, form, doc, origin=Origin.MATH) for name, form, doc in groups]
    return found
