"""Asynchronous copies: `cp.async`, where the device has it; elsewhere the copy is done at once.

    async_copy(tile, t, a, i, 4)        cp.async.cg.shared.global [tile + 4·t], [a + 4·i], 16
    async_commit()                 is   cp.async.commit_group
    async_wait(1)                       cp.async.wait_group 1

That a copy may be done at any time up to its wait allows doing it at once, so that is what happens
where an element of it is checked: what fails is skipped alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Load, Store
from oxide_analyzer.ir.walk import statements
from oxide_codegen.lowering import access

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import AsyncCopy, AsyncWait
    from oxide_codegen.lowering.context import Context

# Past the first cache, which nobody else would read it from.
_CACHED_GLOBALLY = 16


def copy(context: Context, statement: AsyncCopy) -> bool:
    """Start a copy; False where the body has to be done instead."""
    accesses = [s for s in statements(statement.body) if isinstance(s, Load | Store)]
    if (
        not context.environment.copies_asynchronously
        or context.continues
        or not all(context.is_proved(s.site) for s in accesses)
    ):
        return False
    arrays = context.checked.kernel.arrays
    of = access.address_of(context, arrays[statement.source], statement.origin)
    to = access.address_of(context, arrays[statement.target], statement.place)
    size = statement.count * arrays[statement.target].element.size
    level = "cg" if size == _CACHED_GLOBALLY else "ca"
    context.build.emit(f"call void @llvm.nvvm.cp.async.{level}.shared.global.{size}({to}, {of})")
    return True


def commit(context: Context) -> None:
    """Make a group of what was started."""
    if context.environment.copies_asynchronously:
        context.build.emit("call void @llvm.nvvm.cp.async.commit.group()")


def wait(context: Context, statement: AsyncWait) -> None:
    """Wait for all groups but the last few."""
    if context.environment.copies_asynchronously:
        context.build.emit(f"call void @llvm.nvvm.cp.async.wait.group(i32 {statement.pending})")
