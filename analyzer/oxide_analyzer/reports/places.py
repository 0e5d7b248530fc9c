"""Paths as other programs want them: from the folder that the run stands for, with slashes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def below(path: str, root: Path) -> str | None:
    """The path from `root`, with slashes; None if it leads elsewhere, or is standard input."""
    if path == "-":
        return None
    try:
        inner = os.path.relpath(path, root)
    except ValueError:
        # Another drive.
        return None
    inner = inner.replace(os.sep, "/")
    return None if inner == ".." or inner.startswith("../") else inner


def shown(path: str, root: Path) -> str:
    """The path from `root` where it lies below it, else as it was given."""
    return below(path, root) or path
