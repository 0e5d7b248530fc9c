"""`oxide cache`: where compiled kernels are kept, and how much there is.

oxide cache          the folder, its size and bound, the number of entries
oxide cache clear    delete all of them
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from oxide_codegen.cache import bound, code_cache, opened

if TYPE_CHECKING:
    from oxide_codegen.cache import Usage

_UNITS = ("bytes", "KiB", "MiB", "GiB")
_STEP = 1024


def run(arguments: list[str], program: str) -> int:
    """Show the cache of compiled kernels, or clear it."""
    parser = ArgumentParser(
        program,
        description="Compiled kernels that are kept between processes.",
        epilog="OXIDE_CACHE_DIR names the folder, OXIDE_CACHE_SIZE its bound in MiB (0: off).",
    )
    parser.add_argument("action", nargs="?", choices=("show", "clear"), default="show")
    options = parser.parse_args(arguments)
    # What was kept before the cache was turned off can still be seen and deleted.
    cache = opened()
    if cache is None:
        sys.stdout.write("there is no folder to keep kernels in: OXIDE_CACHE_DIR names one\n")
        return 0
    if options.action == "clear":
        sys.stdout.write(f"deleted {_amount(cache.clear())} from {cache.folder}\n")
        return 0
    state = f"at most {_size(bound())}" if code_cache() else "off: OXIDE_CACHE_SIZE is 0"
    sys.stdout.write(f"{cache.folder}\n{_amount(cache.usage())} ({state})\n")
    return 0


def _amount(usage: Usage) -> str:
    entries = "1 entry" if usage.entries == 1 else f"{usage.entries} entries"
    return f"{entries}, {_size(usage.size)}"


def _size(number: int) -> str:
    amount, unit = float(number), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"
