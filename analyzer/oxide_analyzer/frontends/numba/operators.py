"""Operators on Numba's numbers, and literals that Oxide has not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import operators
from oxide_analyzer.frontends.oxide.values import UNKNOWN
from oxide_analyzer.language.types import F64

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value


def constant(lowering: NumbaLowering, node: ast.Constant) -> Value:
    """A literal; a complex one is a number that decides nothing, as is text."""
    value = node.value
    if isinstance(value, bool | int | float):
        return operators.constant(lowering, node)
    if isinstance(value, complex):
        return lowering.forget(node, f"`{lowering.text(node)}`", F64)
    return UNKNOWN


def named(lowering: NumbaLowering, node: ast.NamedExpr) -> Value:
    """`(x := value)`."""
    value = lowering.evaluate(node.value)
    key = (lowering.frame.key, node.target.id)
    lowering.assign(key, value, node.value, lowering.span(node))
    return lowering.read(key, node.target)


def opaque(lowering: NumbaLowering, node: ast.expr) -> Value:
    """An expression that kernels of Oxide have not: its parts are read, its value is unknown."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not isinstance(child, ast.Starred):
            lowering.lose(lowering.evaluate(child))
    lowering.assume(node, f"the value of `{lowering.text(node)}`")
    return UNKNOWN
