"""How a kernel's `print` writes numbers: the same on every device.

    print(f"x[{i}] = {x}, {ok}")      x[3] = 0.100000001, True

An integer is written in decimals, a bool as `True` or `False`, a float by as many digits as tell
it from its neighbours, as C's `%g` does: 4 for bf16, 5 for f16, 9 for f32, 17 for f64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.ir.nodes import Print
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Number

MOST_FIELDS = 32

DIGITS = {"bf16": 4, "f16": 5, "f32": 9, "f64": 17}


def line(statement: Print, values: Iterable[Number]) -> str:
    """What is printed, with the end of the line."""
    text = [statement.texts[0]]
    for expr, value, behind in zip(statement.values, values, statement.texts[1:], strict=True):
        text += spelled(value, expr.type), behind
    return "".join([*text, "\n"])


def spelled(value: Number, scalar: Scalar) -> str:
    """A number as text."""
    if scalar.is_float:
        return f"{value:.{DIGITS[scalar.name]}g}"
    return str(bool(value)) if scalar.name == "bool" else str(value)
