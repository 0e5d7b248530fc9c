"""Which function gives each kind of syntax its meaning; what is not here is refused."""

from __future__ import annotations

import ast

from oxide_analyzer.frontends.oxide import (
    callables,
    calls,
    choice,
    claims,
    matching,
    operators,
    places,
    statements,
)
from oxide_analyzer.frontends.oxide.lowering import Lowering, Syntax
from oxide_analyzer.frontends.oxide.values import TupleValue, Value


def tuple_display(lowering: Lowering, node: ast.Tuple) -> Value:
    """`(x, y)`."""
    return TupleValue(tuple(lowering.evaluate(element) for element in node.elts))


SYNTAX = Syntax(
    expressions={
        ast.Attribute: places.attribute,
        ast.BinOp: operators.binary,
        ast.BoolOp: operators.logic,
        ast.Call: calls.call,
        ast.Compare: operators.compare,
        ast.Constant: operators.constant,
        ast.IfExp: choice.ternary,
        ast.Lambda: callables.lambda_expression,
        ast.Name: places.name,
        ast.Subscript: places.subscript,
        ast.Tuple: tuple_display,
        ast.UnaryOp: operators.unary,
    },
    statements={
        ast.AnnAssign: statements.annotated,
        ast.Assert: claims.assertion,
        ast.Assign: statements.assign,
        ast.AugAssign: statements.augmented,
        ast.Break: statements.stop,
        ast.Continue: statements.stop,
        ast.Expr: statements.expression,
        ast.For: statements.for_loop,
        ast.If: statements.branch,
        ast.Match: matching.match,
        ast.Pass: statements.nothing,
        ast.Return: statements.leave,
        ast.While: statements.while_loop,
        ast.With: claims.with_block,
    },
    store=places.store,
    store_attribute=places.store_attribute,
)
