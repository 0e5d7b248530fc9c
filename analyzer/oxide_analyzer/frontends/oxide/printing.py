"""`print`: literal texts and numbers, one line.

    print(f"x[{i}] = {x}", ok)        print 'x[', i, '] = ', x, ' ', ok, ''

A field is plain: how a number is written follows from its type, on every device alike.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import positional
from oxide_analyzer.frontends.oxide.operators import operand
from oxide_analyzer.frontends.oxide.values import NOTHING, UNKNOWN, Give, literal_at
from oxide_analyzer.interpreter.lines import MOST_FIELDS
from oxide_analyzer.ir.nodes import Print

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin

# `{x}`, and `{x=}` without a format, which means `!r`.
_PLAIN = (-1, ord("r"))


def print_line(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`print(f"…", x)`: the arguments beside each other, a space between two."""
    arguments = positional(lowering, node, row, 0, None)
    if arguments is None:
        return UNKNOWN
    pieces: list[str | ast.expr] = []
    for number, argument in enumerate(arguments):
        if number:
            pieces.append(" ")
        found = _pieces(lowering, argument)
        if found is None:
            return UNKNOWN
        pieces += found
    texts = [""]
    values: list[Expr] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts[-1] += piece
            continue
        value = _number(lowering, piece)
        if value is None:
            return UNKNOWN
        values.append(value)
        texts.append("")
    if len(values) > MOST_FIELDS:
        return lowering.refuse(
            node, f"this `print` has {len(values)} fields, and at most {MOST_FIELDS} are printed"
        )
    if any("\0" in text for text in texts):
        return lowering.refuse(node, "the text of a `print` has no zero byte")
    lowering.emit(Print(tuple(texts), tuple(values), lowering.site(), lowering.span(node)))
    return NOTHING


def _pieces(lowering: Lowering, node: ast.expr) -> list[str | ast.expr] | None:
    """Texts, and expressions whose values stand between them; None if that was refused."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            found: list[str | ast.expr] = []
            for value in values:
                match value:
                    case ast.FormattedValue(format_spec=ast.expr()):
                        lowering.refuse(value, "a field of `print` has no format; write `{x}`")
                        return None
                    case ast.FormattedValue(value=inner, conversion=conversion):
                        if conversion not in _PLAIN:
                            lowering.refuse(
                                value, "a field of `print` has no conversion; write `{x}`"
                            )
                            return None
                        found.append(inner)
                    case ast.Constant(value=str(text)):
                        found.append(text)
                    case _:
                        found.append(value)
            return found
        case _:
            return [node]


def _number(lowering: Lowering, node: ast.expr) -> Expr | None:
    number = operand(lowering, lowering.evaluate(node), node)
    if number is None:
        return None
    return literal_at(number, number.type) if number.give is Give.LITERAL else number.expr
