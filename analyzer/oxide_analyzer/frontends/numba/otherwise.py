"""`else` on loops: what is done when a loop ends by itself, and not by `break`.

    for j in range(n):                left = False
        if a[j] == x:                 for j in range(n):
            break            is           if a[j] == x:
    else:                                     left = True
        out[i] = -1                           break
                                      if not left:
                                          out[i] = -1

A `break` in the `else` of an inner loop is one of the outer loop.
"""

from __future__ import annotations

import ast
from copy import copy

from oxide_analyzer.frontends.oxide.functions import name_of_end


def plain(node: ast.For | ast.While) -> list[ast.stmt]:
    """Statements that do the same with loops that have no `else`."""
    if not node.orelse:
        return [node]
    left = name_of_end(node)
    body, breaks = _noting(node.body, left)
    bare = copy(node)
    bare.body, bare.orelse = body, []
    if not breaks:
        return [bare, *node.orelse]
    begun = _noted(left, node, value=False)
    unless = ast.UnaryOp(ast.Not(), ast.Name(left, ast.Load()))
    ended = ast.If(unless, node.orelse, [])
    ast.copy_location(ended, node.orelse[0])
    ast.copy_location(unless, node.orelse[0])
    return [begun, bare, ast.fix_missing_locations(ended)]


def _noting(body: list[ast.stmt], left: str) -> tuple[list[ast.stmt], bool]:
    """The statements with each `break` of this loop noted, and whether there is one."""
    found: list[ast.stmt] = []
    some = False
    for statement in body:
        match statement:
            case ast.Break():
                found += [_noted(left, statement, value=True), statement]
                some = True
            case ast.For() | ast.While():
                # Its own breaks leave it alone; those of its `else` leave this loop.
                loop = copy(statement)
                loop.orelse, more = _noting(statement.orelse, left)
                found.append(loop)
                some |= more
            case ast.If():
                branch = copy(statement)
                branch.body, one = _noting(statement.body, left)
                branch.orelse, other = _noting(statement.orelse, left)
                found.append(branch)
                some |= one or other
            case ast.With() | ast.Try():
                block = copy(statement)
                block.body, more = _noting(statement.body, left)
                found.append(block)
                some |= more
            case _:
                found.append(statement)
    return found, some


def _noted(left: str, where: ast.stmt, *, value: bool) -> ast.stmt:
    made = ast.Assign([ast.Name(left, ast.Store())], ast.Constant(value))
    return ast.fix_missing_locations(ast.copy_location(made, where))
