"""Where threads meet, and what is seen of memory by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from oxide.atomics import Scope


def sync_threads() -> None:
    """A barrier: all threads of the block come here before any goes on."""
    raise OutsideKernelError("sync_threads")


def sync_warp(mask: int | None = None) -> None:
    """A barrier of the lanes of one warp: those of `mask`, or all that the warp has."""
    raise OutsideKernelError("sync_warp")


def grid_sync() -> None:
    """A barrier of the whole grid; the kernel is `@kernel(cooperative=True)`."""
    raise OutsideKernelError("grid_sync")


def fence(scope: Scope = "device") -> None:
    """What this thread did before is seen by `scope` before what it does after."""
    raise OutsideKernelError("fence")
