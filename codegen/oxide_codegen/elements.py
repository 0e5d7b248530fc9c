"""Elements of arrays as NumPy spells them and as kernels know them: numbers, complex ones, records.

    np.dtype("f4")                                    f32
    np.dtype("c8")                                    complex64, two f32
    np.dtype([("x", "f4"), ("n", "i2", 3)])           a record of 10 bytes, aligned to 2

A buffer names its elements by text: "f32", "complex64", for a record its whole layout, so that two
dtypes of one layout are one type of elements. What has fields that kernels have no numbers for is
no element.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from oxide_analyzer.language.records import COMPLEXES, Record, RecordField, record_of
from oxide_analyzer.language.types import SCALARS
from oxide_codegen.scalars import BY_CODE, NUMPY_CODES, NUMPY_NAMES, numpy_dtype

if TYPE_CHECKING:
    from oxide_analyzer.language.records import Element

_COMPLEX_CODES = {"c8": "complex64", "c16": "complex128"}
_TYPESTRS = {name: f"<{code}" for code, name in _COMPLEX_CODES.items()}
# Records by their texts, and by what NumPy calls them; and the other way round.
_records: dict[str, tuple[Record, Any]] = {}
_by_dtype: dict[Any, Element | None] = {}


def element_of(dtype: Any) -> Element | None:
    """The elements of a NumPy dtype; None if kernels have none such."""
    try:
        return _by_dtype[dtype]
    except KeyError:
        pass
    found = _by_dtype[dtype] = _element(dtype)
    if isinstance(found, Record) and not found.is_complex:
        _records.setdefault(str(found), (found, dtype))
    return found


def named(text: str) -> Element | None:
    """The element that a buffer names by `text`."""
    scalar = SCALARS.get(text) or COMPLEXES.get(text)
    if scalar is not None:
        return scalar
    known = _records.get(text)
    return None if known is None else known[0]


def dtype_of(text: str) -> Any:
    """NumPy's type of the elements that a buffer names by `text`."""
    if text in COMPLEXES:
        import numpy as np

        return np.dtype(text)
    known = _records.get(text)
    return numpy_dtype(text) if known is None else known[1]


def item_size(text: str) -> int:
    """The bytes of an element."""
    found = named(text)
    if found is None:
        raise TypeError(f"kernels have no elements of {text}")
    return found.size


def typestr(text: str) -> str:
    """What array interfaces call the elements; of what NumPy has no type, the bits."""
    if text in _TYPESTRS:
        return _TYPESTRS[text]
    if text in _records:
        return f"|V{_records[text][0].size}"
    code = NUMPY_CODES.get(text, "u2")
    return ("|" if code.endswith("1") else "<") + code


def spelled(text: str) -> str:
    """What NumPy calls the elements that a buffer names by `text`."""
    return str(_records[text][1]) if text in _records else NUMPY_NAMES.get(text, text)


def leaf(array: Any, path: tuple[str, ...]) -> Any:
    """The numbers of one field in a NumPy array of records, or one part of complex ones; also of
    one record or complex number."""
    for name in path:
        is_record = getattr(getattr(array, "dtype", None), "names", None) is not None
        array = array[name] if is_record else getattr(array, name)
    return array


def _element(dtype: Any) -> Element | None:
    if dtype.names is not None:
        return _record(dtype)
    code = dtype.str
    if not dtype.isnative:
        return None
    name = "bf16" if dtype.name == "bfloat16" else BY_CODE.get(code[1:])
    if name is not None:
        return SCALARS[name]
    return COMPLEXES.get(_COMPLEX_CODES.get(code[1:], ""))


def _record(dtype: Any) -> Record | None:
    fields: list[RecordField] = []
    for name in dtype.names:
        inner, offset = dtype.fields[name][:2]
        shape: tuple[int, ...] = ()
        if inner.subdtype is not None:
            inner, shape = inner.subdtype
        type_ = element_of(inner)
        if type_ is None or not all(shape):
            return None
        fields.append(RecordField(name, type_, int(offset), tuple(int(e) for e in shape)))
    if not fields or not dtype.itemsize:
        return None
    laid_out = tuple(fields)
    return record_of(_spelled(laid_out, dtype.itemsize), laid_out, dtype.itemsize)


def _spelled(fields: tuple[RecordField, ...], size: int) -> str:
    """A text for a layout: `{x: f32, n: i16[3] @4; 10}`."""
    parts: list[str] = []
    end = 0
    for field in fields:
        extents = "".join(f"[{extent}]" for extent in field.shape)
        place = "" if field.offset == end else f" @{field.offset}"
        parts.append(f"{field.name}: {field.type}{extents}{place}")
        end = field.offset + field.type.size * prod(field.shape)
    return f"{{{', '.join(parts)}; {size}}}"
