"""Functions of Numba's libraries that are written in the language of kernels: rows of definitions.

A definition is all there is to say about such a function: what it takes and gives is its row, and
its body takes the place of a call, so provers, interpreter and compiler know it already.

    def sad(x: int32, y: int32, z: int32) -> int32: return (x - y if x > y else y - x) + z

        cuda.libdevice.sad      libdevice.sad(x: int32, y: int32, z: int32) -> int32

A family of functions is one text, in which `T` is the type of what has no other: `sin` of float64
and `sinf` of float32; without such a type arguments and results keep their own. Results are
converted to their types. Names that begin with `_` are for the definitions themselves.
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from oxide_analyzer.language.row import Builtin, BuiltinKind, Origin
from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_HEAD = """\
import math
from numba import cuda, float16, float32, float64, int16, int32, int64, uint32, uint64
from oxide import fast, rsqrt as one_by_root
"""


@distinct
class Definition:
    """A function: types by Numba's names; with several `results` it gives a tuple."""

    name: str
    node: ast.FunctionDef
    parameters: tuple[tuple[str, str], ...]
    results: tuple[str, ...]
    type: str
    """What `T` is in its body."""

    @property
    def signature(self) -> str:
        """As hover shows it."""
        given = ", ".join(f"{name}: {type}" if type else name for name, type in self.parameters)
        taken = self.results[0] if len(self.results) == 1 else f"({', '.join(self.results)})"
        return f"{self.name}({given})" + (f" -> {taken}" if taken else "")

    @property
    def documentation(self) -> str:
        """The text of the definition, or what it returns."""
        said = ast.get_docstring(self.node)
        match self.node.body[-1]:
            case ast.Return(value=ast.expr() as value) if said is None:
                return f"`{ast.unparse(value)}`"
            case _:
                return said or ""


class Library:
    """The functions of one module, whose rows begin with `prefix`. `families` are texts by what
    stands behind their names, with the type that `T` is; `refused` says what to write for a name
    that is not defined."""

    def __init__(
        self,
        prefix: str,
        helpers: str,
        families: Mapping[str, tuple[str, str]],
        texts: tuple[str, ...],
        refused: Callable[[Library, str], str],
    ) -> None:
        self.prefix = prefix
        self.name = prefix.rpartition(".")[2]
        self._parts = [("", "", helpers), *(("", "", text) for text in texts)]
        self._parts += [(suffix, type, text) for suffix, (type, text) in families.items()]
        self._refused = refused

    @cached_property
    def text(self) -> str:
        """All definitions, each text once."""
        return _HEAD + "\n".join(dict.fromkeys(text for _, _, text in self._parts))

    @cached_property
    def tree(self) -> ast.Module:
        """The same, parsed. Names of this library hide no name of Python's in its bodies."""
        tree = ast.parse(self.text)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                node.name = f"{self.name}.{node.name}"
        return tree

    @cached_property
    def definitions(self) -> Mapping[str, Definition]:
        """The functions by their names."""
        nodes = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        found: dict[str, Definition] = {}
        for suffix, type, text in self._parts:
            for given in ast.parse(text).body:
                if isinstance(given, ast.FunctionDef) and not given.name.startswith("_"):
                    node = nodes[f"{self.name}.{given.name}"]
                    found[given.name + suffix] = _definition(given.name + suffix, node, type)
        return found

    def row(self, name: str) -> Builtin | None:
        """The row of a function."""
        known = self.definitions.get(name)
        if known is None:
            return None
        return Builtin(
            f"{self.prefix}.{name}",
            BuiltinKind.FUNCTION,
            f"{self.name}.{known.signature}",
            known.documentation,
            origin=Origin.NUMBA,
        )

    def refusal(self, name: str) -> str:
        """Why there is no such function, and what to write instead."""
        return f"`{self.name}.{name}`: {self._refused(self, name)}"


def _definition(name: str, node: ast.FunctionDef, type: str) -> Definition:
    parameters = tuple(
        (argument.arg, type if argument.annotation is None else ast.unparse(argument.annotation))
        for argument in node.args.args
    )
    given = [ast.unparse(one) for one in _parts(node.returns)] or ["T"]
    results = tuple(type if one == "T" else one for one in given)
    return Definition(name, node, parameters, results, type)


def _parts(node: ast.expr | None) -> Iterator[ast.expr]:
    match node:
        case None:
            return
        case ast.Tuple(elts=elements):
            yield from elements
        case _:
            yield node
