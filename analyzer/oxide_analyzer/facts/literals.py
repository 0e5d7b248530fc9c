"""Floats that are written as numbers: two of them compare as the numbers do.

    s = 0.0
    …
    if s > 0.5:         never, where nothing else was assigned to s

Of other floats it is only known for whom they are equal. A number counts as it stands where its
type has it, so it does not matter when it is rounded.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.state import Real, Value
from oxide_analyzer.ir.operators import HOLDS

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import CompareOp

# The first part of the key of a literal; nothing that has a name has this one.
_LITERAL = "%literal"
_LARGEST_F32 = 3.0e38


def literal(number: float, type_: str) -> Real:
    """A number as a float of the type of this name."""
    return Real((_LITERAL, repr(float(number)), type_), (), Level.LAUNCH)


def compared(op: CompareOp, left: Value, right: Value) -> bool | None:
    """Whether `left op right`, if both are literals."""
    first, second = _number(left), _number(right)
    return None if first is None or second is None else bool(HOLDS[op](first, second))


def number_of(key: tuple[str, ...]) -> float | None:
    """The number of which this is the key, if it is a literal."""
    return float(key[1]) if key[0] == _LITERAL else None


def _number(value: Value) -> float | None:
    if not isinstance(value, Real) or value.key[0] != _LITERAL:
        return None
    number = float(value.key[1])
    match value.key[2]:
        case "f64":
            return number
        case "f32" if abs(number) <= _LARGEST_F32:
            return number if struct.unpack("f", struct.pack("f", number)) == (number,) else None
        case _:
            return None
