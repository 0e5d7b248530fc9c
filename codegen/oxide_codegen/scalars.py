"""The scalar types as objects of the host: what a buffer's `dtype` is, and how others spell it.

Calling one converts a Python number exactly as a kernel does.
"""

from __future__ import annotations

from typing import Any

from oxide_analyzer.language.types import SCALARS


class ScalarType(type):
    """The class of scalar types."""

    def __call__(cls, value: Any = 0) -> Any:
        """`value` as a kernel would convert it, a Python number."""
        from oxide_analyzer.interpreter.arithmetic import convert
        from oxide_analyzer.language.types import BOOL, F64, U64

        target = SCALARS[cls.__name__]
        if isinstance(value, bool):
            return convert(value, BOOL, target)
        if isinstance(value, int) and target.is_integer:
            return convert(U64.wrap(value), U64, target)
        if isinstance(value, int | float):
            return convert(float(value), F64, target)
        raise TypeError(f"{cls.__name__}() wants a number, not {type(value).__name__}")

    def __repr__(cls) -> str:
        return f"oxide.{cls.__name__}"


class f16(metaclass=ScalarType):
    """IEEE binary16."""


class bf16(metaclass=ScalarType):
    """The upper half of a binary32."""


class f32(metaclass=ScalarType):
    """IEEE binary32."""


class f64(metaclass=ScalarType):
    """IEEE binary64."""


class i8(metaclass=ScalarType):
    """A signed integer of 8 bits."""


class i16(metaclass=ScalarType):
    """A signed integer of 16 bits."""


class i32(metaclass=ScalarType):
    """A signed integer of 32 bits."""


class i64(metaclass=ScalarType):
    """A signed integer of 64 bits; `int` in a kernel."""


class u8(metaclass=ScalarType):
    """An unsigned integer of 8 bits."""


class u16(metaclass=ScalarType):
    """An unsigned integer of 16 bits."""


class u32(metaclass=ScalarType):
    """An unsigned integer of 32 bits."""


class u64(metaclass=ScalarType):
    """An unsigned integer of 64 bits."""


# The name of a type in kernels, the object that stands for it, NumPy's code and its name there.
TYPES: dict[str, type] = {
    t.__name__: t for t in (f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64)
} | {"bool": bool}
NUMPY_CODES = {
    "bool": "b1",
    "i8": "i1",
    "i16": "i2",
    "i32": "i4",
    "i64": "i8",
    "u8": "u1",
    "u16": "u2",
    "u32": "u4",
    "u64": "u8",
    "f16": "f2",
    "f32": "f4",
    "f64": "f8",
}
NUMPY_NAMES = {
    "bool": "bool",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "u8": "uint8",
    "u16": "uint16",
    "u32": "uint32",
    "u64": "uint64",
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}
# NumPy has no bf16 of its own: `ml_dtypes` adds one, whose code is that of any two bytes.
BY_CODE = {code: name for name, code in NUMPY_CODES.items()} | {"bf2": "bf16"}


def name_of(dtype: object) -> str:
    """The name in kernels of an element type: ours, NumPy's, or a string of either."""
    if isinstance(dtype, type) and TYPES.get(dtype.__name__) is dtype:
        return dtype.__name__
    if isinstance(dtype, str) and dtype in TYPES:
        return dtype
    import numpy as np

    # NumPy would read `float` and `int` as types of 64 bits; which one is meant is not guessed.
    guessed = dtype is float or dtype is int or dtype is None
    try:
        found: Any = None if guessed else np.dtype(dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except TypeError:
        found = None
    if found is not None and found.isnative:
        name = "bf16" if found.name == "bfloat16" else BY_CODE.get(found.str[1:])
        if name is not None:
            return name
        from oxide_codegen.elements import element_of

        several = element_of(found)
        if several is not None:
            return str(several)
    wanted = ", ".join(TYPES)
    raise TypeError(f"{dtype!r} is not an element type of kernels; these are: {wanted}")


def numpy_dtype(element: str) -> Any:
    """NumPy's type of an element; of bf16 without `ml_dtypes`, that of its bits."""
    import numpy as np

    if element != "bf16":
        return np.dtype(NUMPY_CODES[element])
    try:
        from ml_dtypes import bfloat16  # pyright: ignore[reportMissingImports]
    except ImportError:
        return np.dtype(np.uint16)
    return np.dtype(bfloat16)


def as_elements(array: Any, element: str) -> Any:
    """The numbers of a NumPy array as elements."""
    from oxide_codegen.elements import dtype_of

    dtype = dtype_of(element)
    if element == "bf16" and dtype.kind == "u" and array.dtype != dtype:
        raise TypeError(
            "NumPy has no bf16 of its own: pip install ml_dtypes, or convert in a kernel"
        )
    return array.astype(dtype, copy=False)
