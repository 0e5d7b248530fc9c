"""What each SM can do: asked in front of LLVM, whose own refusal ends the process."""

from __future__ import annotations

import re

from oxide_analyzer.ir.nodes import Scope
from oxide_analyzer.record import record


class Unsupported(Exception):
    """The target lacks what the kernel needs."""


@record
class Capabilities:
    """One SM: its compute capability times ten, and the shared memory of a block in bytes."""

    sm: str
    number: int
    shared: int

    def require(self, number: int, what: str) -> None:
        """Raise unless this SM is at least `number`."""
        if self.number < number:
            raise Unsupported(f"{what} needs sm_{number}, the target is {self.sm}")


# Without being told so a kernel gets this much shared memory, on every device.
STATIC_SHARED = 48 * 1024

_KIB = 1024
_SHARED = {
    75: 64 * _KIB,
    80: 163 * _KIB,
    86: 99 * _KIB,
    87: 163 * _KIB,
    89: 99 * _KIB,
    90: 227 * _KIB,
    100: 227 * _KIB,
    103: 227 * _KIB,
    120: 99 * _KIB,
    121: 99 * _KIB,
}
TARGETS = tuple(f"sm_{number}" for number in _SHARED)
_NAME = re.compile(r"sm_(\d+)[af]?")
_FIRST_WITH = {Scope.CLUSTER: (90, "an atomic or a fence of scope `cluster`")}


def capabilities(sm: str) -> Capabilities:
    """The row of an SM: `sm_90`, or `sm_90a`."""
    match = _NAME.fullmatch(sm)
    number = int(match[1]) if match else 0
    if number not in _SHARED:
        raise Unsupported(f"`{sm}` is not a target; there are {', '.join(TARGETS)}")
    return Capabilities(sm, number, _SHARED[number])


def nearest(major: int, minor: int) -> str:
    """The target for a device: the newest that is not newer, whose PTX the driver translates."""
    number = 10 * major + minor
    known = [n for n in _SHARED if n <= number]
    if not known:
        raise Unsupported(f"compute capability {major}.{minor} is older than 7.5")
    return f"sm_{max(known)}"


def require_clusters(target: Capabilities) -> None:
    """Raise where blocks form no clusters."""
    target.require(90, "`cluster=`")


def require_scope(target: Capabilities, scope: Scope) -> None:
    """Raise where atomics and fences of this scope do not exist."""
    if scope in _FIRST_WITH:
        target.require(*_FIRST_WITH[scope])
