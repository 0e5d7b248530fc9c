"""The arguments of a call of what the language offers, counted."""

from __future__ import annotations

import ast
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.frontends.oxide.values import Number
from oxide_analyzer.ir.nodes import Const

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.language.builtins import Builtin

Word = TypeVar("Word", bound=StrEnum)


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


def named(
    lowering: Lowering,
    node: ast.Call,
    row: Builtin,
    names: tuple[str, ...],
    least: int,
    keywords: tuple[str, ...] = (),
) -> dict[str, ast.expr] | None:
    """The arguments by name: `names` by place or keyword, of which the first `least` must be
    there, and `keywords` by keyword only. None where they were reported."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        lowering.refuse(node, "kernels have no starred arguments; write each one")
        return None
    if len(node.args) > len(names):
        counted(lowering, node, row, 0, len(names))
        return None
    given = dict(zip(names, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.arg not in (*names, *keywords) or keyword.arg in given:
            lowering.mismatch(
                keyword.value, f"`{row.name}` has no such keyword left: `{row.signature}`"
            )
            return None
        given[keyword.arg] = keyword.value
    missing = [name for name in names[:least] if name not in given]
    if missing:
        lowering.mismatch(node, f"`{row.name}` needs {' and '.join(missing)}: `{row.signature}`")
        return None
    return given


def word(lowering: Lowering, node: ast.expr | None, default: Word, what: str) -> Word | None:
    """One of a few literal strings; None where it was reported."""
    if node is None:
        return default
    for choice in type(default):
        if isinstance(node, ast.Constant) and node.value == choice.value:
            return choice
    names = ", ".join(f'"{choice.value}"' for choice in type(default))
    lowering.mismatch(node, f"{what} is one of {names}")
    return None


def literal_integer(
    lowering: Lowering, node: ast.expr, choices: tuple[int, ...], what: str
) -> int | None:
    """One of a few literal integers; None where it was reported."""
    value = lowering.evaluate(node)
    if isinstance(value, Number) and isinstance(value.expr, Const) and value.value in choices:
        return int(value.value)
    if not isinstance(value, Number):
        lowering.number(value, node)
        return None
    *first, last = map(str, choices)
    lowering.mismatch(node, f"{what} is a literal {', '.join(first)} or {last}")
    return None


def literal_bool(lowering: Lowering, node: ast.expr | None, what: str) -> bool | None:
    """`True` or `False`, False where there is none; None where it was reported."""
    if node is None:
        return False
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    lowering.mismatch(node, f"{what} is `True` or `False`")
    return None
