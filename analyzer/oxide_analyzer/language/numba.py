"""What kernels of Numba and of CuPy's `jit.rawkernel` name: where each name leads.

A name that means what one of the language means leads to that row (`cuda.threadIdx` to `thread`),
every other one to a row of its own here, which `frontends/numba` gives its meaning.

    numba.cuda.threadIdx.x       thread.x
    numba.cuda.grid(2)           cuda.grid, a row of this table
    numpy.float32                f32
    cupyx.jit.syncthreads()      sync_threads
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.halves import FP16
from oxide_analyzer.language.libdevice import LIBDEVICE
from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect, Origin
from oxide_analyzer.language.scalar_ufuncs import NUMPY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.language.written import Library

_KIND = BuiltinKind
_CONVERGES = Effect.CONVERGES

_OWN = (
    ("cuda.jit", _KIND.DECORATOR, "@cuda.jit", "makes a function a kernel, or a device function"),
    ("jit.rawkernel", _KIND.DECORATOR, "@jit.rawkernel()", "the same of CuPy's"),
    ("cuda.grid", _KIND.FUNCTION, "cuda.grid(ndim)", "the thread's index in the grid: x, y, z"),
    ("cuda.gridsize", _KIND.FUNCTION, "cuda.gridsize(ndim)", "the threads of the grid: x, y, z"),
    ("cuda.shared", _KIND.NAMESPACE, "cuda.shared", "memory of the block"),
    ("cuda.local", _KIND.NAMESPACE, "cuda.local", "memory of the thread"),
    ("cuda.const", _KIND.NAMESPACE, "cuda.const", "constant memory"),
    ("cuda.atomic", _KIND.NAMESPACE, "cuda.atomic", "changes of memory as one step"),
    ("cuda.warpsize", _KIND.VALUE, "cuda.warpsize", "32"),
    ("cuda.cg", _KIND.NAMESPACE, "cuda.cg", "groups of threads"),
    ("cuda.cg.this_grid", _KIND.FUNCTION, "cuda.cg.this_grid()", "the group of the whole grid"),
    ("cuda.cg.Grid", _KIND.NAMESPACE, "cuda.cg.this_grid()", "the group of the whole grid"),
    ("cuda.cg.Grid.sync", _KIND.FUNCTION, "grid.sync()", "a barrier of the grid"),
    ("cuda.activemask", _KIND.FUNCTION, "cuda.activemask()", "lanes that happen to be together"),
    ("cuda.lanemask_lt", _KIND.FUNCTION, "cuda.lanemask_lt()", "the lanes below this one"),
    ("cuda.ffs", _KIND.FUNCTION, "cuda.ffs(x)", "the place of the lowest one, from 1; 0 if none"),
    ("cuda.nanosleep", _KIND.FUNCTION, "cuda.nanosleep(ns)", "waits a little"),
    ("cuda.selp", _KIND.FUNCTION, "cuda.selp(p, a, b)", "`a if p else b`"),
    ("complex", _KIND.FUNCTION, "complex(re, im)", "a complex number"),
    ("complex64", _KIND.FUNCTION, "complex64(z)", "a complex number of two f32"),
    ("complex128", _KIND.FUNCTION, "complex128(z)", "a complex number of two f64"),
    ("cmath.phase", _KIND.FUNCTION, "cmath.phase(z)", "the angle of a complex number"),
    ("cmath.polar", _KIND.FUNCTION, "cmath.polar(z)", "size and angle of a complex number"),
    ("cmath.rect", _KIND.FUNCTION, "cmath.rect(r, phi)", "the number of a size and an angle"),
    ("cmath.isnan", _KIND.FUNCTION, "cmath.isnan(z)", "whether a part is no number"),
    ("cmath.isinf", _KIND.FUNCTION, "cmath.isinf(z)", "whether a part is infinite"),
    ("cmath.isfinite", _KIND.FUNCTION, "cmath.isfinite(z)", "whether both parts are finite"),
    ("numpy.conjugate", _KIND.FUNCTION, "np.conj(z)", "the conjugate"),
    ("numpy.real", _KIND.FUNCTION, "np.real(z)", "the real part"),
    ("numpy.imag", _KIND.FUNCTION, "np.imag(z)", "the imaginary part"),
    ("zip", _KIND.ITERATOR, "for x, y in zip(a, b)", "elements side by side"),
    ("enumerate", _KIND.ITERATOR, "for k, x in enumerate(a)", "elements with their number"),
    ("print", _KIND.FUNCTION, "print(…)", "prints from the device"),
)
_BLOCK_VOTES = (
    ("cuda.syncthreads_count", "a barrier that counts the threads for which `p` holds"),
    ("cuda.syncthreads_and", "a barrier that says whether `p` holds for all"),
    ("cuda.syncthreads_or", "a barrier that says whether `p` holds for some"),
)
_ALLOCATIONS = (
    ("cuda.shared.array", "cuda.shared.array(shape, dtype)", "one array for the block"),
    ("cuda.local.array", "cuda.local.array(shape, dtype)", "an array of this thread"),
    ("jit.shared_memory", "jit.shared_memory(dtype, size)", "one array for the block"),
)
_WARP = (
    ("cuda.syncwarp", "cuda.syncwarp(mask)"),
    ("cuda.shfl_sync", "cuda.shfl_sync(mask, value, lane)"),
    ("cuda.shfl_up_sync", "cuda.shfl_up_sync(mask, value, delta)"),
    ("cuda.shfl_down_sync", "cuda.shfl_down_sync(mask, value, delta)"),
    ("cuda.shfl_xor_sync", "cuda.shfl_xor_sync(mask, value, bits)"),
    ("cuda.all_sync", "cuda.all_sync(mask, predicate)"),
    ("cuda.any_sync", "cuda.any_sync(mask, predicate)"),
    ("cuda.eq_sync", "cuda.eq_sync(mask, predicate)"),
    ("cuda.ballot_sync", "cuda.ballot_sync(mask, predicate)"),
    ("cuda.match_any_sync", "cuda.match_any_sync(mask, value)"),
    ("cuda.match_all_sync", "cuda.match_all_sync(mask, value)"),
)
_GENERATORS = (
    "xoroshiro128p_next",
    "xoroshiro128p_jump",
    "xoroshiro128p_uniform_float32",
    "xoroshiro128p_uniform_float64",
    "xoroshiro128p_normal_float32",
    "xoroshiro128p_normal_float64",
)
CMATH_FUNCTIONS = (
    *("exp", "log", "log10", "sqrt", "cosh", "sinh", "cos", "sin", "tanh", "tan"),
    *("acos", "acosh", "asin", "asinh", "atan", "atanh"),
)
_ATOMICS = (
    "add",
    "sub",
    "max",
    "min",
    "nanmax",
    "nanmin",
    "and_",
    "or_",
    "xor",
    "inc",
    "dec",
    "exch",
    "cas",
    "compare_and_swap",
)


def _rows() -> list[Builtin]:
    rows = [
        Builtin(name, kind, signature, text, origin=Origin.NUMBA)
        for name, kind, signature, text in _OWN
    ]
    rows += [
        Builtin(name, _KIND.FUNCTION, f"{name}(p)", text, _CONVERGES, Origin.NUMBA)
        for name, text in _BLOCK_VOTES
    ]
    rows += [
        Builtin(name, _KIND.SCRATCH, signature, text, Effect.ALLOCATES, Origin.NUMBA)
        for name, signature, text in _ALLOCATIONS
    ]
    rows.append(
        Builtin(
            "cuda.const.array_like",
            _KIND.FUNCTION,
            "cuda.const.array_like(a)",
            "a copy in constant memory of an array that is known when compiling",
            origin=Origin.NUMBA,
        )
    )
    rows += [
        Builtin(
            f"cuda.random.{name}",
            _KIND.FUNCTION,
            f"{name}(states, index)",
            "a random number, and one step of the generator in `states[index]`",
            origin=Origin.NUMBA,
        )
        for name in _GENERATORS
    ]
    rows += [
        Builtin(
            f"cmath.{name}",
            _KIND.FUNCTION,
            f"cmath.{name}(z)",
            "a function of complex numbers",
            origin=Origin.NUMBA,
        )
        for name in CMATH_FUNCTIONS
    ]
    rows += [
        Builtin(name, _KIND.FUNCTION, signature, "by the lanes of a warp", _CONVERGES, Origin.NUMBA)
        for name, signature in _WARP
    ]
    rows += [
        Builtin(
            f"cuda.atomic.{name}",
            _KIND.FUNCTION,
            f"cuda.atomic.{name}(array, index, value)",
            "changes an element as one step; gives the old value",
            Effect.ATOMIC,
            Origin.NUMBA,
        )
        for name in _ATOMICS
    ]
    rows += [
        Builtin(
            f"jit.atomic_{name}",
            _KIND.FUNCTION,
            f"jit.atomic_{name}(array, index, value)",
            "changes an element as one step; gives the old value",
            Effect.ATOMIC,
            Origin.NUMBA,
        )
        for name in ("add", "sub", "max", "min", "and", "or", "xor", "inc", "dec", "exch", "cas")
    ]
    rows += [
        Builtin(
            f"operator.{name}",
            _KIND.FUNCTION,
            f"operator.{name}(…)",
            "an operator as a function",
            origin=Origin.NUMBA,
        )
        for name in _OPERATORS.split()
    ]
    return rows


# Python's `operator`, whose functions kernels take as values.
_OPERATORS = (
    "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift "
    "iadd isub imul itruediv ifloordiv imod ipow iand ior ixor ilshift irshift "
    "lt le eq ne ge gt neg pos invert inv not_ truth abs getitem setitem"
)

ROWS: Mapping[str, Builtin] = {row.name: row for row in _rows()}

_PLACES = {
    "threadIdx": "thread",
    "blockIdx": "block",
    "blockDim": "block_dim",
    "gridDim": "grid_dim",
    "syncthreads": "sync_threads",
}
# Our names of scalars by NumPy's, and by the codes of their kind and bytes.
SCALAR_DTYPES = {
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
}
DTYPE_CODES = {f"{ours[0]}{int(ours[1:]) // 8}": ours for ours in SCALAR_DTYPES.values()}
_DTYPES = {
    **SCALAR_DTYPES,
    "intp": "i64",
    "uintp": "u64",
    "bool_": "bool",
    "boolean": "bool",
}
_SHORT_DTYPES = {
    **DTYPE_CODES,
    "b1": "bool",
    "float_": "f64",
    "double": "f64",
    "byte": "u8",
    "int_": "i64",
    "uint": "u64",
    "short": "i16",
    "intc": "i32",
    "uintc": "u32",
}
_COMPLEX_DTYPES = {
    "complex64": "complex64",
    "complex128": "complex128",
    "csingle": "complex64",
    "cdouble": "complex128",
    "complex_": "complex128",
    "c8": "complex64",
    "c16": "complex128",
}
_NUMPY_FUNCTIONS = (
    "sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh floor ceil trunc "
    "fabs isnan isinf isfinite hypot fmod copysign degrees radians cbrt"
)
_NUMPY_OTHERS = {
    "abs": "abs",
    "absolute": "abs",
    "arcsin": "math.asin",
    "arccos": "math.acos",
    "arctan": "math.atan",
    "arctan2": "math.atan2",
    "arcsinh": "math.asinh",
    "arccosh": "math.acosh",
    "arctanh": "math.atanh",
    "power": "math.pow",
    "minimum": "min",
    "maximum": "max",
    "fmin": "min",
    "fmax": "max",
    "add": "operator.add",
    "subtract": "operator.sub",
    "multiply": "operator.mul",
    "divide": "operator.truediv",
    "true_divide": "operator.truediv",
    "floor_divide": "operator.floordiv",
    "mod": "operator.mod",
    "remainder": "operator.mod",
    "negative": "operator.neg",
    "positive": "operator.pos",
    "bitwise_and": "operator.and_",
    "bitwise_or": "operator.or_",
    "bitwise_xor": "operator.xor",
    "bitwise_not": "operator.inv",
    "invert": "operator.inv",
    "left_shift": "operator.lshift",
    "right_shift": "operator.rshift",
    "equal": "operator.eq",
    "not_equal": "operator.ne",
    "less": "operator.lt",
    "less_equal": "operator.le",
    "greater": "operator.gt",
    "greater_equal": "operator.ge",
    "logical_not": "operator.not_",
    "pi": "math.pi",
    "e": "math.e",
    "inf": "math.inf",
    "nan": "math.nan",
}
_BOTH = {
    "popc": "popc",
    "clz": "clz",
    "brev": "brev",
    "fma": "fma",
    "cbrt": "math.cbrt",
    "laneid": "warp.lane",
    "threadfence": "cuda.threadfence",
    "threadfence_block": "cuda.threadfence_block",
    "threadfence_system": "cuda.threadfence_system",
}
FENCES: Mapping[str, str] = {
    "cuda.threadfence": "device",
    "cuda.threadfence_block": "block",
    "cuda.threadfence_system": "system",
}
_FENCE_ROWS = {
    name: Builtin(name, _KIND.FUNCTION, f"{name}()", "orders memory", Effect.ORDERS, Origin.NUMBA)
    for name in FENCES
}


# `numba.cuda` offers the types as well since it is a package of its own.
_TYPE_MODULES = ("numba", "numba.types", "numba.core.types", "numba.cuda", "numba.cuda.types")


def _exports() -> dict[str, str]:
    """Where dotted names of libraries lead: to rows by name."""
    found: dict[str, str] = {}
    for module in (*_TYPE_MODULES, "numpy", "cupy"):
        found.update({f"{module}.{name}": row for name, row in _COMPLEX_DTYPES.items()})
    for module in ("numpy", "cupy"):
        found.update(
            {f"{module}.{name}": f"numpy.{name}" for name in ("conjugate", "real", "imag")}
        )
        found.update({f"{module}.conj": "numpy.conjugate", f"{module}.angle": "cmath.phase"})
    for name in ROWS:
        if name.startswith(("cmath.", "operator.")):
            found[name] = name
    found.update({f"cmath.{name}": f"math.{name}" for name in ("pi", "e", "inf", "nan")})
    for name in _GENERATORS:
        found[f"numba.cuda.random.{name}"] = f"cuda.random.{name}"
    for module in (*_TYPE_MODULES, "numpy", "cupy", "numba.np"):
        found.update({f"{module}.{name}": row for name, row in _DTYPES.items()})
    for module in _TYPE_MODULES:
        found.update({f"{module}.{name}": row for name, row in _SHORT_DTYPES.items()})
    for module in ("numpy", "cupy"):
        found.update({f"{module}.{name}": f"math.{name}" for name in _NUMPY_FUNCTIONS.split()})
        found.update({f"{module}.{name}": row for name, row in _NUMPY_OTHERS.items()})
    for name, row in {**_PLACES, **_BOTH}.items():
        found[f"numba.cuda.{name}"] = row
    for name in ROWS:
        if name.startswith("cuda.") and name.count(".") == 1:
            found[f"numba.{name}"] = name
    for name in (*_PLACES, "laneid", "grid", "gridsize", "warpsize"):
        row = {**_PLACES, **_BOTH}.get(name, f"cuda.{name}")
        found[f"cupyx.jit.{name}"] = row
    found["cupyx.jit.range"] = "range"
    for name in ROWS:
        if name.startswith("jit."):
            found[f"cupyx.{name}"] = name
    for name in ("syncwarp", "shfl_sync", "shfl_up_sync", "shfl_down_sync", "shfl_xor_sync"):
        found[f"cupyx.jit.{name}"] = f"cuda.{name}"
    return found


LIBRARIES = (LIBDEVICE, FP16, NUMPY)
EXPORTS: Mapping[str, str] = _exports()
# Modules that lead to names of `EXPORTS`, as they are imported.
MODULES = frozenset(
    {"numba", "numba.cuda", "numba.types", "numba.core", "numba.core.types", "numpy", "cupy"}
    | {"cupyx", "cupyx.jit", "numba.np", "numba.cuda.random", "cmath"}
    | {f"numba.{library.prefix}" for library in (LIBDEVICE, FP16)}
)


def row(name: str) -> Builtin | None:
    """The row of this table with that name."""
    library = library_of(name)
    if library is not None:
        return library.row(name.rpartition(".")[2])
    return ROWS.get(name) or _FENCE_ROWS.get(name)


def library_of(name: str) -> Library | None:
    """The library that a name such as `cuda.libdevice.sin` is in, or would be."""
    prefix, _, short = name.rpartition(".")
    for library in LIBRARIES:
        if prefix == library.prefix and (library is not NUMPY or short in NUMPY.definitions):
            return library
    return None


def dotted_row(dotted: str) -> str:
    """The name of the row that an attribute of a module would have: `numpy.sign` for CuPy's."""
    module, _, attribute = dotted.rpartition(".")
    return f"numpy.{attribute}" if module == "cupy" else dotted.removeprefix("numba.")
