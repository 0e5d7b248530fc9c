"""Where verdicts are remembered: a folder that git ignores without being told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.configuration import Configuration

_NAME = ".oxide_cache"
_IGNORE = "# Made by Oxide: verdicts that are made again when they are gone.\n*\n"


def cache_folder(settings: Configuration) -> Path:
    """`OXIDE_CACHE_DIR`, else the folder of the settings, else `.oxide_cache` in the project."""
    named = os.environ.get("OXIDE_CACHE_DIR")
    if named:
        return Path(named)
    return settings.root / (settings.cache_dir or _NAME)


def made(folder: Path) -> bool:
    """Make the folder, with the file that makes git ignore it; whether it is there to be used.

    Where nothing may be written (a read-only checkout) there is no cache, and nothing is said.
    """
    ignore = folder / ".gitignore"
    if ignore.is_file():
        return os.access(folder, os.W_OK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder that was there before and has files of others in it is not ours to ignore.
        if not any(folder.iterdir()):
            ignore.write_text(_IGNORE, encoding="utf-8")
    except OSError:
        return False
    return os.access(folder, os.W_OK)
