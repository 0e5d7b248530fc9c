"""The names that a module binds, for who asks many modules for one name.

    from .sums import *           outline: names {scale}, stars (".sums", ".sorts")
    from .sorts import *
    def scale(x): ...

A package that takes everything from a hundred modules is asked for many names that one of them has,
or none. The trees of all of these are too many to be kept; what they bind fits into few words.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.source import SourceFile

_MOST = 1024


@record
class Outline:
    """The names that a module binds, and the modules of which it takes all."""

    names: frozenset[str]
    stars: tuple[str, ...]


@lru_cache(maxsize=_MOST)
def outline(source: SourceFile) -> Outline:
    """The outline of a file; of one that is no Python, nothing."""
    tree = parse(source)
    if not isinstance(tree, ast.Module):
        return Outline(frozenset(), ())
    scope = module_scope(source, tree)
    return Outline(frozenset(scope.bindings), tuple(scope.stars))
