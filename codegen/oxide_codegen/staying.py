"""What belongs to its process: streams, events, operations, graphs and groups.

Another process has no such stream, and a copy of an operation would do once more what is done once.
"""

from __future__ import annotations

from typing import NoReturn


class Staying:
    """An object that is neither sent to another process nor copied."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} stays in its process, and there is one of it")
