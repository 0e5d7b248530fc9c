"""Whether a file launches what it imports: a script that says nothing of Numba itself.

    from kernels import scale          kernels.py has the words of a kernel
    scale[4, 64](x, out)               so this is a launch of one, perhaps

Files are read only where both are there: something that is called behind a subscript, and an import
of a module that lies in the project.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

WORDS = ("numba", "cuda.jit", "cupyx")
"""Words of which a file with kernels has one."""

CALLED = "]("
"""What stands in every launch."""

_FROM = re.compile(r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n;]*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^\n;]+)", re.MULTILINE)
_KNOWN = frozenset(sys.stdlib_module_names) | {"cupy", "numba", "numpy", "oxide", "scipy", "torch"}
_MOST_NAMES = 100


def has_words(source: SourceFile) -> bool:
    """Whether a file may have kernels of Numba or CuPy."""
    return any(word in source.text for word in WORDS)


def launches_imported(source: SourceFile, modules: Modules) -> bool:
    """Whether a file calls something behind a subscript, and imports a file that has kernels."""
    if CALLED not in source.text:
        return False
    found = (modules.find(name, source) for name in _imported(source.text))
    return any(module is not None and has_words(module) for module in found)


def _imported(text: str) -> Iterator[str]:
    """The modules that a text may import, by the names in its import statements."""
    seen: set[str] = set()
    for origin, names in _FROM.findall(text):
        separator = "" if origin.endswith(".") else "."
        inner = (f"{origin}{separator}{name}" for name in _names(names))
        # Of a package it is perhaps a module that is taken.
        seen.update([origin, *inner])
    for names in _IMPORT.findall(text):
        seen.update(_names(names))
    for name in sorted(seen)[:_MOST_NAMES]:
        if name.partition(".")[0] not in _KNOWN:
            yield name


def _names(listed: str) -> Iterator[str]:
    """`a as b, c.d` without the names that they are given."""
    for part in listed.strip("()").split(","):
        words = part.partition("#")[0].split()
        if words and words[0] != "*":
            yield words[0]
