"""The types of Numba: what signatures are written in, and what the arguments of a launch have.

    void(float32[:, ::1], int32)       a signature, called or as a string
    float32[:]                         a type of arrays
    float32(1.5)                       the number, converted

Types of Numba itself, where a program imports them from there, are taken for what they say they
are: by their names, `dtype`, `ndim` and `layout`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from oxide_analyzer.frontends.numba.given import ArrayForm, Convention, ScalarForm, TupleForm
from oxide_analyzer.language.numba import DTYPE_CODES, SCALAR_DTYPES
from oxide_analyzer.language.records import COMPLEXES, Record
from oxide_analyzer.language.types import SCALARS
from oxide_codegen.elements import element_of
from oxide_codegen.scalars import NUMPY_CODES, NUMPY_NAMES

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.given import Form
    from oxide_analyzer.language.records import Element
    from oxide_analyzer.language.types import Scalar

_BY_NAME = {name: own for own, name in NUMPY_NAMES.items() if own != "bf16"} | {
    "boolean": "bool",
    "intp": "i64",
    "uintp": "u64",
    "long": "i64",
    "ulong": "u64",
}


@dataclass(frozen=True)
class NumbaScalar:
    """A type of numbers, such as `float32`."""

    name: str
    element: str

    def __getitem__(self, axes: Any) -> NumbaArray:
        """`float32[:]`, `float32[:, ::1]`: arrays of these numbers."""
        return _array_of(self, axes)

    def __call__(self, *arguments: Any) -> Any:
        """A number of this type; with types, a signature that gives it."""
        if arguments and all(is_type(argument) for argument in arguments):
            return NumbaSignature(arguments, self)
        if len(arguments) != 1:
            raise TypeError(f"{self.name}(x) converts one number")
        import numpy as np

        return np.dtype(NUMPY_CODES[self.element]).type(arguments[0])

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class NumbaComplex:
    """`complex64` or `complex128`."""

    name: str

    @property
    def underlying_float(self) -> NumbaScalar:
        """The type of its parts."""
        return SCALAR_TYPES["float32" if self.name == "complex64" else "float64"]

    def __getitem__(self, axes: Any) -> NumbaArray:
        """`complex64[:]`."""
        return _array_of(self, axes)

    def __call__(self, *arguments: Any) -> Any:
        """A number of this type; with types, a signature that gives it."""
        if arguments and all(is_type(argument) for argument in arguments):
            return NumbaSignature(arguments, self)
        import numpy as np

        return np.dtype(self.name).type(complex(*arguments))

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class NumbaRecord:
    """A type of records: that of a structured NumPy dtype."""

    dtype: Any

    def __getitem__(self, axes: Any) -> NumbaArray:
        """`point[:]`."""
        return _array_of(self, axes)

    def __repr__(self) -> str:
        return f"Record({self.dtype})"


@dataclass(frozen=True)
class NumbaArray:
    """A type of arrays: elements, dimensions, and whether they lie as C lays them out."""

    dtype: Any
    ndim: int
    layout: str = "A"

    def __call__(self, *arguments: Any) -> NumbaSignature:
        """A signature that gives such an array."""
        return NumbaSignature(arguments, self)

    def __repr__(self) -> str:
        return f"array({self.dtype}, {self.ndim}d, {self.layout})"


@dataclass(frozen=True)
class NumbaTuple:
    """A type of tuples."""

    types: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"Tuple({', '.join(map(repr, self.types))})"


@dataclass(frozen=True)
class NumbaNone:
    """`void`, and what a kernel returns."""

    def __call__(self, *arguments: Any) -> NumbaSignature:
        """The signature of a kernel."""
        return NumbaSignature(arguments, self)

    def __repr__(self) -> str:
        return "none"


@dataclass(frozen=True)
class NumbaSignature:
    """What a function takes and gives."""

    args: tuple[Any, ...]
    return_type: Any

    def __repr__(self) -> str:
        return f"({', '.join(map(repr, self.args))}) -> {self.return_type!r}"


NumbaType: TypeAlias = (
    NumbaScalar | NumbaComplex | NumbaRecord | NumbaArray | NumbaTuple | NumbaNone
)
_TYPES = (NumbaScalar, NumbaComplex, NumbaRecord, NumbaArray, NumbaTuple, NumbaNone)
COMPLEX_TYPES = {name: NumbaComplex(name) for name in COMPLEXES}

SCALAR_TYPES = {name: NumbaScalar(name, element) for name, element in SCALAR_DTYPES.items()} | {
    "boolean": NumbaScalar("bool", "bool")
}
VOID = NumbaNone()


def _named() -> dict[str, Any]:
    """Every name that Numba has for these types."""
    names = {element: name for name, element in SCALAR_DTYPES.items()}
    short = {
        **{code: names[element] for code, element in DTYPE_CODES.items()},
        "b1": "boolean",
        "bool_": "boolean",
        "bool8": "boolean",
        "intp": "int64",
        "uintp": "uint64",
        "int_": "int64",
        "uint": "uint64",
        "intc": "int32",
        "uintc": "uint32",
        "short": "int16",
        "ushort": "uint16",
        "byte": "uint8",
        "char": "int8",
        "uchar": "uint8",
        "longlong": "int64",
        "ulonglong": "uint64",
        "float_": "float32",
        "double": "float64",
    }
    found: dict[str, Any] = {**SCALAR_TYPES, **COMPLEX_TYPES, "void": VOID, "none": VOID}
    found |= {"c8": COMPLEX_TYPES["complex64"], "c16": COMPLEX_TYPES["complex128"]}
    found |= {name: SCALAR_TYPES[full] for name, full in short.items()}
    return found


NAMED = _named()


def _array_of(type: NumbaScalar | NumbaComplex | NumbaRecord, axes: Any) -> NumbaArray:
    parts = cast("tuple[Any, ...]", axes if isinstance(axes, tuple) else (axes,))
    if not all(isinstance(part, slice) for part in parts):
        raise TypeError(f"{type}[...] is a type of arrays: {type}[:], one ':' an axis")
    return NumbaArray(type, len(parts), "C" if parts[-1].step == 1 else "A")


def uniform_tuple(dtype: Any, count: int) -> NumbaTuple:
    """`types.UniTuple(int64, 3)`."""
    return NumbaTuple((dtype,) * count)


def any_tuple(types: Any) -> NumbaTuple:
    """`types.Tuple((int64, float32))`."""
    return NumbaTuple(tuple(types))


def is_type(value: object) -> bool:
    """Whether a value is a type of Numba's, or one that stands for it here."""
    own = isinstance(value, _TYPES)
    return own or type(value).__module__.startswith("numba.core.types")


def scalar_named(value: object) -> Scalar | None:
    """The scalar type that an object stands for: ours, Numba's, NumPy's; None if it is none."""
    if isinstance(value, NumbaScalar):
        return SCALARS[value.element]
    if type(value).__module__.startswith(("numba.core.types", "numba.cuda.types")):
        own = _BY_NAME.get(str(getattr(value, "name", "")))
        return SCALARS[own] if own is not None else None
    import numpy as np

    if isinstance(value, np.dtype):
        own = _BY_NAME.get(str(value))
        return SCALARS[own] if own is not None else None
    if isinstance(value, type) and issubclass(value, np.generic):
        own = _BY_NAME.get(np.dtype(value).name)
        return SCALARS[own] if own is not None else None
    return None


def element_named(value: object) -> Element | None:
    """The type of elements that an object stands for: a scalar, complex numbers, records."""
    scalar = scalar_named(value)
    if scalar is not None:
        return scalar
    import numpy as np

    if isinstance(value, NumbaComplex):
        return COMPLEXES[value.name]
    if value is complex:
        return COMPLEXES["complex128"]
    if type(value).__module__.startswith(("numba.core.types", "numba.cuda.types")):
        dtype = getattr(value, "dtype", None)
        own = COMPLEXES.get(str(getattr(value, "name", "")))
        return own or (element_of(dtype) if isinstance(dtype, np.dtype) else None)
    if isinstance(value, NumbaRecord):
        return element_of(value.dtype)
    if isinstance(value, np.dtype):
        return element_of(value)
    if isinstance(value, type) and issubclass(value, np.generic):
        return element_of(np.dtype(value))
    return None


def from_dtype(dtype: Any) -> Any:
    """Numba's type for one of NumPy's."""
    import numpy as np

    given = np.dtype(dtype)
    found = element_of(given)
    if found is None:
        raise NotImplementedError(f"kernels have no elements of {given}")
    if str(found) in COMPLEXES:
        return COMPLEX_TYPES[str(found)]
    if isinstance(found, Record):
        return NumbaRecord(given)
    return SCALAR_TYPES["boolean" if found.name == "bool" else NUMPY_NAMES[found.name]]


def signatures(given: Any) -> list[tuple[Form, ...]] | None:
    """The signatures in the first argument of `jit`; None if it is none, but a function.

    Raises `TypeError` where one cannot be read.
    """
    if given is None:
        return []
    several = cast("list[Any]", given) if isinstance(given, list) else [given]
    if not several or not all(_is_signature(one) for one in several):
        return None
    return [_forms(one) for one in several]


def convention(given: Any) -> Convention | None:
    """What the only signature of a device function makes of numbers; None where it has none."""
    several = cast("list[Any]", given) if isinstance(given, list) else [given]
    if len(several) != 1 or not _is_signature(several[0]):
        return None
    arguments, returned = parts_of(several[0])
    result = None if returned is None or _is_none(returned) else element_named(returned)
    return Convention(tuple(map(element_named, arguments)), result)


def _is_signature(value: Any) -> bool:
    if isinstance(value, str | NumbaSignature):
        return True
    if isinstance(value, tuple):
        return all(is_type(item) for item in cast("tuple[Any, ...]", value))
    return hasattr(value, "return_type") and hasattr(value, "args")


def parts_of(value: Any) -> tuple[tuple[Any, ...], Any]:
    """The types of the arguments that a signature names, and what it returns: None if it does not
    say. Raises `TypeError` where it cannot be read."""
    if isinstance(value, str):
        try:
            # As Numba does: it is the program's own text.
            value = eval(value, {"__builtins__": {}}, dict(NAMED))
        except Exception as error:
            raise TypeError(f"the signature {value!r} cannot be read: {error}") from None
    if is_type(value):
        raise TypeError("a signature names its arguments: 'void(float32[:], int32)'")
    arguments: tuple[Any, ...] = tuple(value if isinstance(value, tuple) else value.args)
    return arguments, getattr(value, "return_type", None)


def _forms(value: Any) -> tuple[Form, ...]:
    arguments, returned = parts_of(value)
    if returned is not None and not _is_none(returned):
        raise TypeError(f"a kernel returns nothing, and the signature says {returned!r}")
    return tuple(form_of_type(argument) for argument in arguments)


def _is_none(value: object) -> bool:
    return isinstance(value, NumbaNone) or str(value) in ("none", "void")


def form_of_type(value: Any) -> Form:
    """A type of Numba's as what a kernel is read for."""
    scalar = element_named(value)
    if isinstance(scalar, Record) and not scalar.is_complex:
        return ArrayForm(scalar, 1, alone=True)
    if scalar is not None:
        return ScalarForm(scalar)
    items = getattr(value, "types", None)
    if items is not None:
        return TupleForm(tuple(form_of_type(item) for item in items))
    count, element = getattr(value, "count", None), getattr(value, "dtype", None)
    if isinstance(count, int):
        return TupleForm((form_of_type(element),) * count)
    rank = getattr(value, "ndim", None)
    element = None if element is None else element_named(element)
    if isinstance(rank, int) and element is not None:
        if rank == 0:
            raise TypeError(f"{value!r}: kernels take arrays of at least one dimension")
        return ArrayForm(element, rank)
    raise TypeError(f"{value!r} is no type of arguments that kernels take")
