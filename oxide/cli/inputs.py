"""Which files a run checks, and under which settings."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer import project
from oxide_analyzer.configuration import find as find_configuration
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.configuration import Configuration


@record
class Input:
    """A file (None: standard input), its path in messages, and the settings that hold there.

    `content` is what was read of what can be read only once: standard input, a pipe.
    """

    path: Path | None
    shown: str
    configuration: Configuration
    content: bytes | None = None


def inputs(paths: list[str], *, force_exclude: bool) -> Iterator[Input]:
    """Each file once, in order; files named as `paths` are excluded only by `force_exclude`."""
    seen: set[Path] = set()
    # Settled before anything is checked: a name typed wrong shall not cost a whole run.
    for name in paths:
        if name != "-" and not _exists(name):
            raise WrongUse(f"there is no file or folder `{name}`")
    # Hooks name many files of one folder, and reading TOML takes as long as checking a kernel.
    configuration_of = cache(find_configuration)
    for name in paths:
        if name == "-":
            yield Input(None, "-", configuration_of(Path()), sys.stdin.buffer.read())
            continue
        path = Path(name)
        configuration = configuration_of(path if path.is_dir() else path.parent)
        walk = project.Walk(configuration)
        if path.is_dir():
            files = walk.files(path)
        elif force_exclude and walk.excludes(path):
            files = iter(())
        else:
            files = iter((path,))
        for file in files:
            if file in seen:
                continue
            seen.add(file)
            # A file that was named keeps the path by which it was.
            shown = name if file is path else str(file)
            content = _piped(file) if file is path and path.is_fifo() else None
            yield Input(file, shown, configuration, content)


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError) as error:
        raise WrongUse(f"cannot read `{name}`: {getattr(error, 'strerror', error)}") from error


def _piped(path: Path) -> bytes:
    try:
        return project.content(path)
    except OSError as error:
        raise WrongUse(f"cannot read `{path}`: {error.strerror or error}") from error
