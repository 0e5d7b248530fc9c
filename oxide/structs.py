"""`struct`: records of numbers that kernels take, make and give by value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")

__all__ = ["struct"]


@dataclass_transform(frozen_default=True)
def struct(cls: type[T], /) -> type[T]:
    """Make a frozen dataclass of a class whose fields are scalars or other structs.

    @struct
    class Params:
        dt: f32
        n: i32 = 4
    """
    return dataclass(frozen=True)(cls)
