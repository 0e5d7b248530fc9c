"""How the operators of the IR hang together: tables that every reader of it shares.

a < b    mirrored  b > a    opposite  a >= b    holds  operator.lt(a, b)
reduce_add, scan_add        combine by  +
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, WarpFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Whether a comparison of two Python numbers holds.
HOLDS: Mapping[CompareOp, Callable[[Any, Any], bool]] = {
    CompareOp.EQ: operator.eq,
    CompareOp.NE: operator.ne,
    CompareOp.LT: operator.lt,
    CompareOp.LE: operator.le,
    CompareOp.GT: operator.gt,
    CompareOp.GE: operator.ge,
}
# The same comparison with its sides changed.
MIRRORED: Mapping[CompareOp, CompareOp] = {
    CompareOp.EQ: CompareOp.EQ,
    CompareOp.NE: CompareOp.NE,
    CompareOp.LT: CompareOp.GT,
    CompareOp.LE: CompareOp.GE,
    CompareOp.GT: CompareOp.LT,
    CompareOp.GE: CompareOp.LE,
}
# The comparison of integers that holds where this one does not.
OPPOSITE: Mapping[CompareOp, CompareOp] = {
    CompareOp.EQ: CompareOp.NE,
    CompareOp.NE: CompareOp.EQ,
    CompareOp.LT: CompareOp.GE,
    CompareOp.LE: CompareOp.GT,
    CompareOp.GT: CompareOp.LE,
    CompareOp.GE: CompareOp.LT,
}

SHUFFLES = frozenset(
    {
        WarpFunction.SHUFFLE,
        WarpFunction.SHUFFLE_UP,
        WarpFunction.SHUFFLE_DOWN,
        WarpFunction.SHUFFLE_XOR,
    }
)
VOTES = frozenset({WarpFunction.ANY, WarpFunction.ALL, WarpFunction.BALLOT})
# What reductions and scans combine the values of the lanes by.
REDUCTIONS: Mapping[WarpFunction, BinaryOp] = {
    WarpFunction.REDUCE_ADD: BinaryOp.ADD,
    WarpFunction.REDUCE_MIN: BinaryOp.MIN,
    WarpFunction.REDUCE_MAX: BinaryOp.MAX,
    WarpFunction.REDUCE_AND: BinaryOp.AND,
    WarpFunction.REDUCE_OR: BinaryOp.OR,
    WarpFunction.REDUCE_XOR: BinaryOp.XOR,
}
SCANS: Mapping[WarpFunction, BinaryOp] = {
    WarpFunction.SCAN_ADD: BinaryOp.ADD,
    WarpFunction.SCAN_MIN: BinaryOp.MIN,
    WarpFunction.SCAN_MAX: BinaryOp.MAX,
}
