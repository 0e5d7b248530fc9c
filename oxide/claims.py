"""What an author claims, and Oxide takes for true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def unsafe(reason: str, /) -> AbstractContextManager[None, None]:
    """`with unsafe("why it holds"):` lifts the obligations of what lies inside."""
    raise OutsideKernelError("unsafe")
