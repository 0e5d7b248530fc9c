"""What one look at the host code of a file keeps: objects, findings, and how much work is left."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.checked import Fact
from oxide_analyzer.contract import limits
from oxide_analyzer.frontends.numba.quantities import Symbol
from oxide_analyzer.frontends.oxide.reading import instances
from oxide_analyzer.host.values import Kind, Thing, Value, things_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode
    from oxide_analyzer.host.values import Size
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import SourceFile, Span

MOST_STATEMENTS = 6_000
_INSIDE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Spent(Exception):
    """The code is too long or too deep to be followed."""


@dataclass(slots=True, eq=False)
class Run:
    """One look at one file."""

    source: SourceFile
    resolver: Resolver
    # Kernels by the path and line of their `def`, with the facts that launches are checked for.
    kernels: Mapping[tuple[str, int], tuple[Kernel, tuple[Fact, ...]]]
    # Names that some function changes from afar.
    shared_names: frozenset[str]
    found: dict[tuple[Span, str], Diagnostic] = field(
        default_factory=dict[tuple["Span", str], "Diagnostic"]
    )
    left: int = MOST_STATEMENTS
    # Above zero, nothing is reported: what is followed is not certain, or meant to fail.
    quiet: int = 0
    # The operations that were built, by the code that builds them, and those of which something
    # was made.
    built: dict[Span, Thing] = field(default_factory=dict["Span", Thing])
    used: set[Span] = field(default_factory=set["Span"])
    # The calls through which the code is reached that is followed now.
    calls: list[tuple[FunctionNode, Span]] = field(
        default_factory=list[tuple["FunctionNode", "Span"]]
    )
    _stated: dict[int, tuple[Kernel, tuple[Fact, ...]] | None] = field(
        default_factory=dict[int, "tuple[Kernel, tuple[Fact, ...]] | None"]
    )
    _captured: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])
    _count: int = 0

    def spend(self) -> None:
        """One statement more; raises `Spent` where it is one too many."""
        self.left -= 1
        if self.left < 0:
            raise Spent

    def number(self) -> int:
        """A number that nothing else has."""
        self._count += 1
        return self._count

    def symbol(self, name: str) -> Symbol:
        """Something that is one thing wherever it is seen."""
        return Symbol(f"{name}#{self.number()}")

    def thing(
        self,
        kind: Kind,
        node: ast.expr,
        source: SourceFile,
        *,
        shape: tuple[Size, ...] | None = None,
        device: str | None = None,
        may_repeat: bool = False,
        gives: Kind | None = None,
        is_pinned: bool = False,
    ) -> Thing:
        """An object that is made here."""
        made = Thing(
            kind,
            self.number(),
            source.span(node),
            shape,
            device,
            may_repeat,
            gives,
            is_pinned,
        )
        if kind is Kind.OPERATION and source is self.source:
            self.built.setdefault(made.made, made)
        return made

    def escapes(self, value: Value) -> None:
        """Somebody else may do something with it from now on."""
        for thing in things_in(value):
            self.used.add(thing.made)

    def stated(self, function: UserFunction) -> tuple[Kernel, tuple[Fact, ...]] | None:
        """A kernel, with what its launches are checked for; of another file, what it declares."""
        key = id(function.node)
        if key not in self._stated:
            path = function.scope.source.path
            known = self.kernels.get((path, function.node.lineno))
            if known is None and path != self.source.path:
                known = _declared(function, self.resolver)
            self._stated[key] = known
        return self._stated[key]

    def captured(self, node: ast.Module | FunctionNode | ast.ClassDef) -> frozenset[str]:
        """The names that functions inside a piece of code use."""
        if id(node) not in self._captured:
            inner = [n for n in ast.walk(node) if isinstance(n, _INSIDE) and n is not node]
            self._captured[id(node)] = frozenset(
                name.id for one in inner for name in ast.walk(one) if isinstance(name, ast.Name)
            )
        return self._captured[id(node)]

    def report(self, diagnostic: Diagnostic) -> None:
        """A finding, if it is certain and in this file."""
        if not self.quiet and diagnostic.span.path == self.source.path:
            self.found.setdefault((diagnostic.span, diagnostic.code), diagnostic)


def _declared(function: UserFunction, resolver: Resolver) -> tuple[Kernel, tuple[Fact, ...]] | None:
    """A kernel of another file, with the facts that it declares, if it reads in one way only."""
    made = instances(function, resolver)
    if len(made) != 1 or made[0].kernel is None:
        return None
    kernel = made[0].kernel
    facts = (*kernel.contract.requires, *limits(kernel))
    return kernel, tuple(Fact(fact.condition, fact.text, True, fact.span) for fact in facts)


def names_changed_from_afar(tree: ast.Module) -> frozenset[str]:
    """The names of all `global` and `nonlocal` statements."""
    return frozenset(
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    )
