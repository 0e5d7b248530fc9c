"""`cuda.libdevice` and `cuda.fp16`: every function against Python's own, on the cpu device."""

from __future__ import annotations

import importlib.util
import math
import statistics
import struct
import sys
import warnings
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide.numba import UnsupportedKernelError, cuda
from oxide.numba.cuda import fp16 as half
from oxide.numba.cuda import libdevice
from oxide.numba.cuda.libdevice import fast_fdividef
from oxide_analyzer.language.halves import FP16
from oxide_analyzer.language.libdevice import LIBDEVICE
from oxide_codegen import compiled, toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from oxide_analyzer.language.written import Definition, Library

NORMAL = statistics.NormalDist()
REALS = (-2.5, -1.0, -0.75, -0.5, -0.2, -0.0, 0.0, 1e-3, 0.3, 0.5, 0.9, 1.0, 1.5, 2.5, 7.0, 30.5)
ODD = (math.inf, -math.inf, math.nan)
INTEGERS = (0, 1, 2, 7, 0x10325476, 0x7FFFFFFF, -1, -2, -12345678, -0x80000000)


def half_away(x: float) -> float:
    return math.copysign(math.floor(abs(x) + 0.5), x)


def kept(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: math.copysign(function(x), x) if math.isfinite(x) else x


def quotient(x: float, y: float) -> tuple[float, int]:
    rest = math.remainder(x, y)
    found = round((x - rest) / y)
    return rest, int(math.copysign(abs(found) & 7, found))


def half_turns(x: float) -> tuple[float, float]:
    x = math.fmod(x, 2)
    exact = {0.0: (0.0, 1.0), 0.5: (1.0, 0.0), 1.0: (0.0, -1.0), 1.5: (-1.0, 0.0)}
    s, c = exact.get(abs(x), (math.sin(math.pi * abs(x)), math.cos(math.pi * abs(x))))
    return math.copysign(1, x) * s, c


def of_normal(p: float) -> float:
    return NORMAL.inv_cdf(p) if 0 < p < 1 else {0: -math.inf, 1: math.inf}.get(p, math.nan)


def exponent(x: float) -> int:
    if x == 0 or math.isnan(x):
        return -(2**31)
    return 2**31 - 1 if math.isinf(x) else math.frexp(x)[1] - 1


# What has another name in Python's `math`, or none there.
REAL_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp10": lambda x: math.pow(10, x),
    "fabs": abs,
    "fdim": lambda x, y: max(x - y, 0.0),
    "fmax": max,
    "fmin": min,
    "llrint": round,
    "llround": lambda x: int(half_away(x)),
    "logb": lambda x: -math.inf if x == 0 else float(math.frexp(x)[1] - 1),
    "ilogb": exponent,
    "ceil": kept(math.ceil),
    "floor": kept(math.floor),
    "trunc": kept(math.trunc),
    "rint": kept(round),
    "nearbyint": kept(round),
    "round": kept(half_away),
    "normcdf": lambda x: 0.5 * math.erfc(-x * 0.7071067811865476),
    "normcdfinv": of_normal,
    "powi": math.pow,
    "rcbrt": lambda x: 1 / math.cbrt(x),
    "remquo": quotient,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "scalbn": math.ldexp,
    "sincos": lambda x: (math.sin(x), math.cos(x)),
    "sinpi": lambda x: half_turns(x)[0],
    "cospi": lambda x: half_turns(x)[1],
    "sincospi": half_turns,
    "tgamma": math.gamma,
    "fma": lambda x, y, z: float(Fraction(x) * Fraction(y) + Fraction(z)),
}


def wide(x: int) -> int:
    return x & 0xFFFFFFFF


def wider(x: int) -> int:
    return x & 0xFFFFFFFFFFFFFFFF


def narrow(x: int, bits: int = 32) -> int:
    return (x + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def repacked(value: Any, stored: str, wanted: str) -> Any:
    return struct.unpack(wanted, struct.pack(stored, value))[0]


def bytes_chosen(x: int, y: int, s: int) -> int:
    both = wide(x) | wide(y) << 32
    return narrow(sum(((both >> 8 * (s >> 4 * k & 7)) & 255) << 8 * k for k in range(4)))


def digits24(x: int) -> int:
    return narrow(x & 0xFFFFFF, 24)


WHOLE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: narrow(abs(x)),
    "llabs": lambda x: narrow(abs(x), 64),
    "brev": lambda x: narrow(int(f"{wide(x):032b}"[::-1], 2)),
    "brevll": lambda x: narrow(int(f"{wider(x):064b}"[::-1], 2), 64),
    "clz": lambda x: 32 - wide(x).bit_length(),
    "clzll": lambda x: 64 - wider(x).bit_length(),
    "ffs": lambda x: (x & -x).bit_length(),
    "ffsll": lambda x: (x & -x).bit_length(),
    "popc": lambda x: wide(x).bit_count(),
    "popcll": lambda x: wider(x).bit_count(),
    "max": max,
    "min": min,
    "llmax": max,
    "llmin": min,
    "umax": lambda x, y: max(x, y, key=wide),
    "umin": lambda x, y: min(x, y, key=wide),
    "ullmax": lambda x, y: max(x, y, key=wider),
    "ullmin": lambda x, y: min(x, y, key=wider),
    "hadd": lambda x, y: (x + y) >> 1,
    "rhadd": lambda x, y: (x + y + 1) >> 1,
    "uhadd": lambda x, y: narrow((wide(x) + wide(y)) >> 1),
    "urhadd": lambda x, y: narrow((wide(x) + wide(y) + 1) >> 1),
    "sad": lambda x, y, z: narrow(abs(x - y) + z),
    "usad": lambda x, y, z: narrow(abs(wide(x) - wide(y)) + z),
    "mul24": lambda x, y: narrow(digits24(x) * digits24(y)),
    "umul24": lambda x, y: narrow((x & 0xFFFFFF) * (y & 0xFFFFFF)),
    "mulhi": lambda x, y: (x * y) >> 32,
    "umulhi": lambda x, y: narrow((wide(x) * wide(y)) >> 32),
    "mul64hi": lambda x, y: (x * y) >> 64,
    "umul64hi": lambda x, y: narrow((wider(x) * wider(y)) >> 64, 64),
    "byte_perm": bytes_chosen,
    "float_as_int": lambda x: repacked(x, "<f", "<i"),
    "int_as_float": lambda x: repacked(x, "<i", "<f"),
    "double_as_longlong": lambda x: repacked(x, "<d", "<q"),
    "longlong_as_double": lambda x: repacked(x, "<q", "<d"),
    "double2hiint": lambda x: repacked(x, "<d", "<q") >> 32,
    "double2loint": lambda x: narrow(repacked(x, "<d", "<q")),
    "hiloint2double": lambda hi, lo: repacked(hi << 32 | wide(lo), "<q", "<d"),
    "float2half_rn": lambda x: repacked(x, "<e", "<h"),
    "half2float": lambda x: repacked(x, "<h", "<e"),
    "finitef": math.isfinite,
    "isfinited": math.isfinite,
    "isinff": math.isinf,
    "isinfd": math.isinf,
    "isnanf": math.isnan,
    "isnand": math.isnan,
    "signbitf": lambda x: math.copysign(1, x) < 0,
    "signbitd": lambda x: math.copysign(1, x) < 0,
    "saturatef": lambda x: min(max(x, 0.0), 1.0),
}
ROUNDED: dict[str, Callable[[float], int]] = {
    "rn": round,
    "rd": math.floor,
    "ru": math.ceil,
    "rz": math.trunc,
}
RANGES = {
    "int": (-(2**31), 2**31 - 1),
    "uint": (0, 2**32 - 1),
    "ll": (-(2**63), 2**63 - 1),
    "ull": (0, 2**64 - 1),
}


def converted(name: str) -> Callable[..., Any] | None:
    """`float2int_rn`, `uint2double_rn`, `fadd_rn` and their kin, by their names."""
    base, _, mode = name.partition("_")
    source, _, target = base.partition("2")
    if source in ("float", "double") and target in RANGES:
        low, high = RANGES[target]
        bits = 64 if target.endswith("ll") else 32
        return lambda x: narrow(min(max(ROUNDED[mode](x), low), high), bits)
    if source in RANGES:
        unsigned = {"uint": wide, "ull": wider}.get(source, int)
        return lambda x: float(unsigned(x))
    named: dict[str, Callable[..., Any]] = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "rcp": lambda x: 1 / x,
        "sqrt": math.sqrt,
        "rsqrt": lambda x: 1 / math.sqrt(x),
        "fma": REAL_FUNCTIONS["fma"],
        "fmaf": REAL_FUNCTIONS["fma"],
        "double2float": float,
    }
    return named.get(base, named.get(base[1:])) if mode == "rn" else None


def test_the_library_is_the_one_of_numba() -> None:
    """Names, parameters and results as numba-cuda 0.30 has them, for what is not refused."""
    given = {name: one.signature for name, one in LIBDEVICE.definitions.items()}
    assert len(given) == len(LIBDEVICE.definitions) > 240
    assert given["remquof"] == "remquof(x: float32, y: float32) -> (float32, int32)"
    assert given["float2ull_rn"] == "float2ull_rn(x: float32) -> int64"
    assert given["sad"] == "sad(x: int32, y: int32, z: int32) -> int32"
    assert "down; write `libdevice.fadd_rn`" in LIBDEVICE.refusal("fadd_rd")
    assert "Bessel" in LIBDEVICE.refusal("j0f")
    assert len(FP16.definitions) == 32
    assert sum(is_plain(one) for one in LIBDEVICE.definitions.values()) > 50


@pytest.fixture(autouse=True)
def on_the_cpu() -> Iterator[None]:
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def launched(
    folder: Path, library: Library, chosen: list[Definition], arguments: list[Any]
) -> tuple[Any, Any]:
    """The kernel that calls these functions, and its results: one row for each."""
    count = sum(len(one.results) for one in chosen)
    lines = ["from oxide.numba import cuda", f"from oxide.numba.cuda import {library.name}", ""]
    names = [f"a{k}" for k in range(len(arguments))]
    lines += ["@cuda.jit", f"def called({', '.join(names)}, out):", "    i = cuda.grid(1)"]
    lines += ["    if i < out.shape[1]:"]
    row = 0
    for one in chosen:
        results = [f"out[{row + k}, i]" for k in range(len(one.results))]
        row += len(results)
        given = ", ".join(f"{name}[i]" for name in names)
        lines.append(f"        {', '.join(results)} = {library.name}.{one.name}({given})")
    name = f"called_{library.name}_{chosen[0].name}"
    path = folder / f"{name}.py"
    path.write_text("\n".join(lines) + "\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    types = {"int32": np.int64, "int64": np.int64, "bool": np.int64}
    out = np.zeros((count, len(arguments[0])), types.get(chosen[0].results[-1], np.float64))
    module.called[16, 64](*arguments, out)
    return module.called, out


def is_plain(one: Definition) -> bool:
    """Whether it is the function of `math` that has its name, with the same arguments: it is
    tested there."""
    given = ", ".join(name for name, _ in one.parameters)
    name = one.name.removesuffix("f") if one.type == "float32" else one.name
    return one.documentation == f"`math.{name}({given})`"


def groups(library: Library) -> list[list[Definition]]:
    """The others of the same parameters and results, by these."""
    found: dict[object, list[Definition]] = {}
    for one in library.definitions.values():
        if is_plain(one):
            continue
        types = tuple(type for _, type in one.parameters)
        integers = one.results[-1] in ("int32", "int64", "bool") and len(one.results) == 1
        found.setdefault((types, integers), []).append(one)
    return list(found.values())


def samples(types: tuple[str, ...]) -> list[Any]:
    """Arguments for parameters of such types, each with each."""
    ours = {"int32": INTEGERS, "int64": (*INTEGERS, 2**40 + 3, -(2**63), 2**63 - 1)}
    ours["int16"] = (0, 0x3C00, -0x4400, 0x0001, 0x7BFF)
    if types[-1] == "int32" and types[0].startswith("float"):
        ours["int32"] = (-3, 0, 2, 5)
    real = [x for x in REALS if len(types) == 1 or abs(x) < 7]
    columns = [np.array(ours.get(type, real), type) for type in types]
    return [axis.ravel()[:1000] for axis in np.meshgrid(*columns)]


def function_of(name: str, type: str) -> Callable[..., Any] | None:
    """The function of Python's for one of libdevice's."""
    known = WHOLE_FUNCTIONS.get(name) or converted(name)
    if known is not None:
        return known
    base = name.removesuffix("f") if type == "float32" else name
    found = REAL_FUNCTIONS.get(base, getattr(math, base, None))
    if found is None and name.startswith("fast_"):
        inner = name.removeprefix("fast_").removesuffix("f")
        named: dict[str, Any] = {"fdivide": lambda x, y: x / y, "sincos": REAL_FUNCTIONS["sincos"]}
        found = named.get(inner, REAL_FUNCTIONS.get(inner, getattr(math, inner, None)))
    return found


def close(found: float, wanted: float, of: Definition) -> bool:
    """Within what rounding to the narrowest type on the way comes to."""
    if math.isnan(wanted):
        return math.isnan(found)
    types = {type for _, type in of.parameters} | set(of.results)
    within = 3e-6 if "float32" in types else 1e-14 if "gamma" in of.name else 4e-15
    within = 2e-3 if "float16" in types else 3e-5 if of.name.startswith("fast_") else within
    least = 0.0 if within < 1e-10 else 1e-2 if of.name.startswith("fast_") else 1e-6
    least = 1e-4 if "float16" in types else least
    largest = 65504.0 if "float16" in types else 3.4e38 if "float32" in types else math.inf
    if abs(wanted) > largest:
        return True
    return found == wanted or abs(found - wanted) <= within * max(abs(wanted), least)


HALF_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "habs": abs,
    "hadd": lambda x, y: x + y,
    "hdiv": lambda x, y: x / y,
    "hfma": REAL_FUNCTIONS["fma"],
    "hmul": lambda x, y: x * y,
    "hneg": lambda x: -x,
    "hsub": lambda x, y: x - y,
    "heq": lambda x, y: x == y,
    "hne": lambda x, y: x < y or x > y,
    "hge": lambda x, y: x >= y,
    "hgt": lambda x, y: x > y,
    "hle": lambda x, y: x <= y,
    "hlt": lambda x, y: x < y,
    "hmax": max,
    "hmin": min,
    "hrcp": lambda x: 1 / x,
    "htanh_approx": math.tanh,
}


def half_function(name: str) -> Callable[..., Any] | None:
    return HALF_FUNCTIONS.get(name) or function_of(name[1:], "float16")


@pytest.mark.parametrize(
    ("library", "number"),
    [(one, number) for one in (LIBDEVICE, FP16) for number in range(len(groups(one)))],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_functions_give_what_python_gives(library: Library, number: int, tmp_path: Path) -> None:
    chosen = groups(library)[number]
    types = tuple(type for _, type in chosen[0].parameters)
    arguments = samples(types)
    kernel, out = launched(tmp_path, library, chosen, arguments)
    rows = iter(out)
    for one in chosen:
        found = [next(rows) for _ in one.results]
        if one.name.startswith(("erfinv", "erfcinv", "nextafterf")):
            continue
        function = half_function(one.name) if library is FP16 else function_of(one.name, types[0])
        assert function is not None, one.name
        for column, given in enumerate(zip(*(a.tolist() for a in arguments), strict=True)):
            try:
                wanted = function(*given)
            except (ValueError, OverflowError, ZeroDivisionError, struct.error):
                continue
            for k, value in enumerate(wanted if isinstance(wanted, tuple) else (wanted,)):
                what = f"{one.name}{given} is {found[k][column]}, not {value}"
                if one.results[k].startswith("int"):
                    assert found[k][column] == value, what
                else:
                    assert close(found[k][column], value, one), what
    if toolchain.ptxas() and types[0] in ("int32", "float16"):
        program = next(iter(kernel.overloads.values()))
        made = compiled.ptx(program.proved_for_all().made.checked, "sm_90")
        assert made is not None
        assert toolchain.registers(made.text, "sm_90") is not None


@cuda.jit
def inverses(x: Any, out: Any) -> None:
    i = cuda.grid(1)
    if i < x.size:
        out[0, i] = math.erf(libdevice.erfinv(x[i]))
        out[1, i] = math.erfc(libdevice.erfcinv(1 + x[i]))
        out[2, i] = math.erf(libdevice.erfinvf(x[i]))
        out[3, i] = libdevice.nextafterf(x[i], 0.25)


@cuda.jit
def imported(x: Any, out: Any) -> None:
    out[0] = fast_fdividef(x[0], half.hmul(x[1], 2.0))


def test_functions_are_imported_by_name() -> None:
    out = np.zeros(1)
    imported[1, 1](np.array([6.0, 1.0], np.float32), out)
    assert out[0] == 3
    with pytest.raises(oxide.OutsideKernelError, match=r"cuda\.libdevice\.fast_fdividef"):
        fast_fdividef(1.0, 2.0)
    with pytest.raises(AttributeError, match="Bessel"):
        _ = libdevice.j0


@cuda.jit
def rounded_down(x: Any, out: Any) -> None:
    out[0] = libdevice.fadd_rd(x[0], x[1])


@cuda.jit
def seen_as(x: Any, out: Any) -> None:
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i].view(np.int32) & 0x7FFFFFFF


def test_inverses_and_neighbours() -> None:
    x = np.array([-0.999999, -0.9, -0.5, -1e-9, 0.0, 1e-300, 0.3, 0.5, 0.75, 0.99])
    out = np.zeros((4, len(x)))
    inverses[1, 32](x, out)
    np.testing.assert_allclose(out[0], x, rtol=1e-14)
    np.testing.assert_allclose(out[1], 1 + x, rtol=1e-13)
    np.testing.assert_allclose(out[2], x, rtol=1e-6, atol=1e-40)
    assert (out[3] == np.nextafter(x.astype(np.float32), np.float32(0.25))).all()


def test_bits_and_what_is_not_there() -> None:
    x = np.array([-1.5, 0.0, -np.inf], np.float32)
    out = np.zeros(3, np.int32)
    for device in ("cpu", "interpreter"):
        with oxide.device(device):
            seen_as[1, 4](x, out)
        assert (out == np.abs(x).view(np.int32)).all()
    with pytest.raises(UnsupportedKernelError, match=r"round down; write `libdevice\.fadd_rn`"):
        rounded_down[1, 1](x, x)
