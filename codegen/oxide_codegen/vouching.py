"""`with unsafe("why it holds"):` on the host: launches for which the author vouches.

    with oxide.unsafe("idx is a permutation: argsort made it"):
        scatter[grid, block](idx, out)                            facts about elements: not asked
        scatter.launch_unchecked(grid=grid, block=block)(idx, out)     no fact of the contract is

It holds for the thread that opened it, until it is closed. Everything else is checked as ever:
the types of arguments, where they lie, whether slices overlap, and what grid and block may be.
What is vouched for and does not hold is what every unchecked launch is: anything may happen.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from oxide_codegen.errors import LaunchTypeError

if TYPE_CHECKING:
    from types import TracebackType


class _Open(threading.local):
    """The reasons of this thread, the innermost last."""

    def __init__(self) -> None:
        self.reasons: list[str] = []


_open = _Open()


class Vouched:
    """What `unsafe(reason)` gives to a `with` of the host."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        if not isinstance(reason, str) or not reason.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("`unsafe` wants the reason why it holds, as a text: OX702")
        self.reason = reason

    def __enter__(self) -> None:
        _open.reasons.append(self.reason)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        _open.reasons.pop()


def is_vouched() -> bool:
    """Whether this thread is inside `with unsafe(…)`."""
    return bool(_open.reasons)


def demand_vouched(kernel: str) -> None:
    """Raise unless it is."""
    if not _open.reasons:
        raise LaunchTypeError(
            kernel,
            '`launch_unchecked` only inside `with oxide.unsafe("why the contract holds"):`',
            expected="a reason",
            actual="none",
            rule="OX702",
        )
