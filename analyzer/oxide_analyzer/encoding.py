"""Reports as JSON text and back; kernels as text that is equal for equal kernels.

What stands in a cache was perhaps written by somebody else, so it is data only: no pickles. A
record is written as the name of its class and its fields,

    Place(12, 5, "x")        {"r": ["Place", 12, 5, "x"]}
    Severity.ERROR           {"e": ["Severity", "error"]}

and read back if the class is one of those that reports are made of; everything else is refused
with a `ValueError`, which the reader takes as not being there.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from json import JSONDecodeError, dumps, loads
from math import isfinite
from typing import TYPE_CHECKING, Any

from oxide_analyzer import checked, diagnostics, report, source
from oxide_analyzer.insights import records
from oxide_analyzer.ir import kernel, nodes
from oxide_analyzer.language import types

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULES = (checked, diagnostics, report, source, kernel, nodes, types, records)


def dump(value: object) -> str:
    """A value of records, numbers, texts, tuples and mappings as JSON."""
    return dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> Any:  # noqa: ANN401
    """The value that was dumped; raises `ValueError` for anything else."""
    try:
        return _value(loads(text))
    except (JSONDecodeError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a value that was dumped: {error}") from error


def canonical(value: object, path: str) -> str:
    """A text that two values share only if they are equal, but for `path`, which is left out.

    Statements are equal here if they say the same at the same place, though they are distinct.
    Raises `TypeError` for what has no such text.
    """
    found: list[str] = []
    _write(value, path, found.append)
    return "".join(found)


def meaning(value: object) -> str:
    """The same without any place in a source: moving or formatting a kernel does not change it.

    Of files that were read nothing remains but what they said.
    """
    found: list[str] = []
    _write(value, None, found.append)
    return "".join(found)


# ---------------------------------------------------------------- JSON


def _plain(value: Any) -> Any:  # noqa: ANN401
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return {"e": [type(value).__name__, value.value]}
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else {"f": repr(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {"d": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, frozenset):
        return {"s": sorted(_plain(v) for v in value)}
    if type(value) in _names():
        return {"r": [type(value).__name__, *(_plain(v) for v in _values(type(value))(value))]}
    raise TypeError(f"{type(value).__name__} is not part of a report")


def _value(plain: Any) -> Any:  # noqa: ANN401
    if isinstance(plain, list):
        return tuple(_value(v) for v in plain)
    if not isinstance(plain, dict):
        return plain
    ((tag, content),) = plain.items()
    match tag:
        case "r":
            return _classes()[content[0]](*(_value(v) for v in content[1:]))
        case "e":
            return _enums()[content[0]](content[1])
        case "d":
            return {_value(k): _value(v) for k, v in content}
        case "s":
            return frozenset(_value(v) for v in content)
        case "f":
            return float(content)
        case _:
            raise ValueError(f"unknown tag {tag!r}")


@cache
def _classes() -> dict[str, type]:
    """The records that reports are made of, by name."""
    return {
        name: each
        for module in _MODULES
        for name, each in vars(module).items()
        if isinstance(each, type) and is_dataclass(each)
    }


@cache
def _names() -> frozenset[type]:
    return frozenset(_classes().values())


@cache
def _enums() -> dict[str, type[Enum]]:
    return {
        name: each
        for module in _MODULES
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Enum)
    }


@cache
def _values(cls: type) -> Callable[[object], tuple[Any, ...]]:
    names = tuple(f.name for f in fields(cls) if f.init)
    return lambda value: tuple(getattr(value, name) for name in names)


# ---------------------------------------------------------------- canonical text

# What says where a kernel was read, and not what it is.
_PLACES = (source.Span, kernel.Function, kernel.Constant)


def _text_of(path: str | None) -> Callable[[object], str]:
    return meaning if path is None else lambda value: canonical(value, path)


def _write(value: Any, path: str | None, put: Callable[[str], Any]) -> None:  # noqa: ANN401
    """Write a value; without a `path` no places are written, nor where it was read."""
    kind = type(value)
    if path is None and kind in _PLACES:
        put("@")
    elif kind is source.Span:
        own = "" if value.path == path else repr(value.path)
        put(f"@{own}{value.line}:{value.column}-{value.end_line}:{value.end_column}")
    elif kind is str:
        put("''" if value == path else repr(value))
    elif value is None or kind in (int, float, bool):
        put(repr(value))
        put(" ")
    elif kind is tuple:
        put("(")
        for each in value:
            _write(each, path, put)
        put(")")
    elif isinstance(value, Enum):
        put(f"{kind.__name__}.{value.name} ")
    elif isinstance(value, dict):
        put("{")
        for key, each in value.items():
            _write(key, path, put)
            _write(each, path, put)
        put("}")
    elif isinstance(value, frozenset):
        put("<")
        for text in sorted(map(_text_of(path), value)):
            put(text)
        put(">")
    elif is_dataclass(kind):
        put(f"{kind.__name__}[")
        for each in _values(kind)(value):
            _write(each, path, put)
        put("]")
    else:
        raise TypeError(f"{kind.__name__} has no canonical text")
