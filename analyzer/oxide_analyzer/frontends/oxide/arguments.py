"""The arguments of a call of what the language offers, counted."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.language.builtins import Builtin


def positional(
    lowering: Lowering, node: ast.Call, row: Builtin, least: int, most: int | None
) -> list[ast.expr] | None:
    """The positional arguments, counted; None where they were reported."""
    if node.keywords:
        lowering.mismatch(node, f"`{row.name}` takes no keywords: `{row.signature}`")
        return None
    return counted(lowering, node, row, least, most)


def counted(
    lowering: Lowering, node: ast.Call, row: Builtin, least: int, most: int | None
) -> list[ast.expr] | None:
    """The positional arguments beside keywords, counted; None where they were reported."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        lowering.refuse(node, "kernels have no starred arguments; write each one")
        return None
    count = len(node.args)
    if count < least or (most is not None and count > most):
        lowering.mismatch(
            node,
            f"`{row.name}` is called with {count} argument{'s' * (count != 1)}: `{row.signature}`",
        )
        return None
    return node.args
