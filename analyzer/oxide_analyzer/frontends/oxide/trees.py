"""Every node of a syntax tree, found once: many who read a file ask for all of them.

`nodes(root)` are those of `ast.walk(root)` in its order, but for the contexts of names (`Load`,
`Store`, `Del`), of which each name says its own. Statements and expressions of which nobody asks
twice are better walked by `ast.walk`, which keeps nothing.
"""

from __future__ import annotations

import ast
from functools import lru_cache

# Modules, and the classes and functions of those that are read now.
_MOST = 256


@lru_cache(maxsize=_MOST)
def nodes(root: ast.AST) -> tuple[ast.AST, ...]:
    """A node and all below it, outer before inner."""
    found = [root]
    append = found.append
    # What is appended is come to as well.
    for node in found:
        for name in node._fields:
            if name == "ctx":
                continue
            value = getattr(node, name, None)
            if isinstance(value, list):
                for each in value:  # pyright: ignore[reportUnknownVariableType]
                    if isinstance(each, ast.AST):
                        append(each)
            elif isinstance(value, ast.AST):
                append(value)
    return tuple(found)
