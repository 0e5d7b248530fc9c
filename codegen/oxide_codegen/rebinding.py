"""Live objects of other cells as source: what the frontend would have read where they were made.

Cells of a notebook use each other's names. Numbers, functions and what `oxide` exports are written
as assignments and imports by `live`; here are enums, structs, frozen dataclasses, type variables,
and what Python's own modules offer for writing them:

    Op     ->   from enum import Enum as _oxide_Enum
                class Op(_oxide_Enum):
                    ADD = 0
    T      ->   from typing import TypeVar as _oxide_TypeVar
                from oxide import f32 as _oxide_f32
                T = _oxide_TypeVar('T', _oxide_f32)
"""

from __future__ import annotations

import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from oxide_codegen.scalars import TYPES

# Modules whose names a cell may have got from another one.
_MODULES = ("enum", "dataclasses", "typing", "collections.abc")


def rebound(name: str, value: object) -> list[str]:
    """Lines that give `name` the meaning that the live `value` has; none if there are none."""
    if isinstance(value, TypeVar):
        return _type_variable(name, value)
    if isinstance(value, type) and issubclass(value, Enum) and value.__module__ != "enum":
        return _enum(name, value)
    if isinstance(value, type) and is_dataclass(value):
        return _record(name, value)
    module, own = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if module in _MODULES and isinstance(own, str) and own.isidentifier():
        return [f"from {module} import {own} as {name}"]
    if value is typing.Callable:
        return [f"from collections.abc import Callable as {name}"]
    return []


def _enum(name: str, value: type[Enum]) -> list[str]:
    numbers = [(member.name, member.value) for member in value]
    if not all(isinstance(number, int) for _, number in numbers):
        return []
    lines = ["from enum import Enum as _oxide_Enum", f"class {name}(_oxide_Enum):"]
    return [*lines, *(f"    {member} = {number}" for member, number in numbers), "    pass"]


def _record(name: str, value: type) -> list[str]:
    """A struct, or a frozen dataclass: which of the two it is makes no difference to its source."""
    before: list[str] = []
    body: list[str] = []
    try:
        hints = typing.get_type_hints(value)
    except (NameError, TypeError):
        return []
    kept = set[object]()
    for field in fields(value):
        written = _annotation(hints[field.name], f"_oxide_{name}_{field.name}", before)
        if written is None:
            return []
        kept.add(hints[field.name])
        default = field.default
        if isinstance(default, Enum):
            default = default.value
        end = f" = {default!r}" if isinstance(default, int | float) else ""
        body.append(f"    {field.name}: {written}{end}")
    plain = bool(kept & {float}) or any(getattr(one, "__origin__", None) is type for one in kept)
    if plain:
        decorator = "@_oxide_dataclass(frozen=True)"
        before.append("from dataclasses import dataclass as _oxide_dataclass")
    else:
        decorator = "@_oxide_struct"
        before.append("from oxide import struct as _oxide_struct")
    return [*before, decorator, f"class {name}:", *body]


def _annotation(type_: Any, name: str, before: list[str]) -> str | None:
    """The source of a field's type; what it needs is written `before`."""
    if type_ in (int, float, bool):
        return type_.__name__
    if isinstance(type_, type) and TYPES.get(type_.__name__) is type_:
        before.append(f"from oxide import {type_.__name__} as _oxide_{type_.__name__}")
        return f"_oxide_{type_.__name__}"
    if getattr(type_, "__origin__", None) is type:
        inner = _annotation(type_.__args__[0], name, before)
        return None if inner is None else f"type[{inner}]"
    lines = rebound(name, type_) if isinstance(type_, type) else []
    before += lines
    return name if lines else None


def _type_variable(name: str, value: TypeVar) -> list[str]:
    before = ["from typing import TypeVar as _oxide_TypeVar"]
    options = [_annotation(option, name, before) for option in value.__constraints__]
    if None in options:
        return []
    return [*before, f"{name} = _oxide_TypeVar({', '.join([repr(name), *map(str, options)])})"]
