"""The kernels that stand in files, as programs: examples, and `tests/kernels` but for broken ones.

A number stands for one of them, and for the random launches that it gets: kernel `n % count`. They
have no launch of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("examples", "tests/kernels/safe", "tests/kernels/unproved")


@dataclass(frozen=True)
class Written:
    """One kernel of a file."""

    seed: int
    source: str
    own: Kernel
    launch: None = None

    def kernel(self) -> Kernel:
        return self.own


def written(seed: int) -> Written:
    """The kernel that a number stands for."""
    kernels = _kernels()
    source, kernel = kernels[seed % len(kernels)]
    return Written(seed, source, kernel)


def count() -> int:
    """How many there are."""
    return len(_kernels())


@cache
def _kernels() -> list[tuple[str, Kernel]]:
    found: list[tuple[str, Kernel]] = []
    for folder in _FOLDERS:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            shown = path.relative_to(_ROOT).as_posix()
            for kernel in read(SourceFile(shown, text), NoModules()).kernels:
                values = source_values(kernel)
                # What only a launch completes has no value here.
                if len(values) == len(kernel.constants) and not (
                    kernel.choices or kernel.callables
                ):
                    found.append((text, specialise(kernel, values)))
    return found
