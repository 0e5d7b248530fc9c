"""Shared arrays that no device has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = Rule("OX304", "shared-memory-overflow", Severity.ERROR)

# The most shared memory that a block can have on any device.
MOST_BYTES = 227 * 1024


def message(arrays: Sequence[tuple[str, int]], total: int) -> str:
    """The sum, and what each array adds to it; `arrays` are names with their bytes."""
    parts = ", ".join(f"`{name}` {_size(count)}" for name, count in arrays)
    return (
        f"the shared arrays of a block take {_size(total)} ({parts});"
        f" no device has more than {_size(MOST_BYTES)}"
    )


def _size(count: int) -> str:
    return f"{count // 1024} KiB" if count % 1024 == 0 else f"{count} bytes"
