"""Records that are arguments by themselves: arrays of one.

    kernel[1, 1](rows[3])          def kernel(r):            is      def kernel(r):
                                       r.a = 1                           r[0].a = 1

A record of NumPy's is memory of the host, and what a kernel stores to its fields is stored there,
so it is passed as an array, and each place where the kernel names it names its only element.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.functions import Body


def as_elements(body: Body, names: frozenset[str]) -> Body:
    """The body in which these parameters are elements; one that is assigned stays what it is."""
    named = _Named(names - body.assigned.keys())
    statements = [named.visit(deepcopy(statement)) for statement in body.statements]
    return replace(body, statements=statements)


class _Named(ast.NodeTransformer):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """`r` is `r[0]`."""
        if node.id not in self._names or not isinstance(node.ctx, ast.Load):
            return node
        place = ast.copy_location(ast.Constant(0), node)
        return ast.copy_location(ast.Subscript(node, place, ast.Load()), node)
