"""`Const`: arguments that are known when a kernel is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

T = TypeVar("T")

__all__ = ["Const"]

if TYPE_CHECKING:
    Const: TypeAlias = Annotated[T, "const"]
else:

    class Const:
        """`Const[int]`, `Const[type[f32]]`, `Const[Policy]`: to type checkers what is inside."""

        def __class_getitem__(cls, inner: object) -> object:
            """`inner`, marked."""
            return Annotated[inner, "const"]
