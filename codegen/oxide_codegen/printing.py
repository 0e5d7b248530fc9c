"""What kernels print on the host: lines are kept while a launch runs, and written behind it.

Threads of the host run blocks at the same time; each hands over a whole line, so lines of threads
come in their order and never within each other. A launch writes its own to `sys.stdout`, also
when it fails.
"""

from __future__ import annotations

import ctypes
import sys
from struct import Struct
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.lines import line
from oxide_analyzer.ir.nodes import Print
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar

# The address of the function that keeps lines, in code for the host.
PRINTER = "printer"
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)


class Printer:
    """The lines of the launches of one kernel, which are known by their addresses."""

    def __init__(self, kernel: Kernel) -> None:
        self._prints = {s.site: s for s in statements(kernel.body) if isinstance(s, Print)}
        self._cells = {
            site: Struct("<" + "".join(_code(value.type) for value in statement.values))
            for site, statement in self._prints.items()
        }
        self._lines: dict[int, list[str]] = {}
        # The code holds the address of this.
        self._callback = _CALLBACK(self._keep)

    def install(self, address: int) -> None:
        """Tell the code, by its variable at `address`, whom to call."""
        called = ctypes.cast(self._callback, ctypes.c_void_p).value
        ctypes.c_void_p.from_address(address).value = called

    def flush(self, launch: int) -> None:
        """Write what a launch has printed."""
        write(self._lines.pop(launch, ()))

    def _keep(self, site: int, launch: int, cells: int) -> None:
        layout = self._cells[site]
        values = layout.unpack(ctypes.string_at(cells, layout.size))
        self._lines.setdefault(launch, []).append(line(self._prints[site], values))


def prints(kernel: Kernel) -> bool:
    """Whether a kernel prints."""
    return any(isinstance(statement, Print) for statement in statements(kernel.body))


def write(lines: Iterable[str]) -> None:
    """Write lines, and see them."""
    text = "".join(lines)
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def _code(scalar: Scalar) -> str:
    if scalar.is_float:
        return "d"
    return "q" if scalar.is_signed else "Q"
