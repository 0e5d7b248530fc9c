"""What one look at the host code of a file keeps: objects, findings, and how much work is left."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from oxide_analyzer.checked import Fact
from oxide_analyzer.contract import limits
from oxide_analyzer.diagnostics import Related
from oxide_analyzer.frontends.oxide.reading import instances
from oxide_analyzer.host.values import Kind, Thing, Value, things_in
from oxide_analyzer.sizes import Symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.sizes import Size
    from oxide_analyzer.source import SourceFile, Span

MOST_STATEMENTS = 6_000
# What makes a buffer or an operation, or prepares a launch; `k[grid, block](…)`, `f(…)(…)`.
_CALLS = re.compile(
    r"[\])]\s*\(|\b(empty|zeros|managed|pinned|from_dlpack|asarray|prepare|launch_unchecked|op|"
    r"copy_to_host|upload|download|"
    r"clear|copy|value|zip_ops|unzip|host|with_context|share|and_then|all_reduce|broadcast|"
    r"all_gather)\s*\("
)
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
    _of_calls: dict[tuple[Span, str], tuple[tuple[Span, str], Diagnostic]] = field(
        default_factory=dict[tuple["Span", str], tuple[tuple["Span", str], "Diagnostic"]]
    )
    _scopes: dict[int, Scope] = field(default_factory=dict[int, "Scope"])
    _mattering: dict[int, bool] = field(default_factory=dict[int, bool])
    _playable: dict[int, bool] = field(default_factory=dict[int, bool])
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
        waits: bool = False,
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
            waits,
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

    def inner(self, scope: Scope, node: FunctionNode | ast.ClassDef) -> Scope:
        """The scope of a function, one for each."""
        found = self._scopes.get(id(node))
        if found is None:
            found = self._scopes[id(node)] = scope.inner(node)
        return found

    def may_matter(self, node: ast.stmt) -> bool:
        """Whether code launches, or calls anything by a name that means something here."""
        if id(node) not in self._mattering:
            self._mattering[id(node)] = _CALLS.search(self.source.text_of(node)) is not None
        return self._mattering[id(node)]

    def can_be_played(self, function: UserFunction) -> bool:
        """Whether a call of a function does what its body says, and nothing else."""
        node = function.node
        if id(node) not in self._playable:
            plain = isinstance(node, ast.FunctionDef) and not node.decorator_list
            rests = node.args.vararg is not None or node.args.kwarg is not None
            self._playable[id(node)] = (
                plain
                and not rests
                and not function.scope.is_class
                and function.scope.source is self.source
                and not any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))
            )
        return self._playable[id(node)]

    def captured(self, node: ast.Module | FunctionNode | ast.ClassDef) -> frozenset[str]:
        """The names that functions inside a piece of code use."""
        if id(node) not in self._captured:
            inner = [n for n in ast.walk(node) if isinstance(n, _INSIDE) and n is not node]
            self._captured[id(node)] = frozenset(
                name.id for one in inner for name in ast.walk(one) if isinstance(name, ast.Name)
            )
        return self._captured[id(node)]

    def report(self, diagnostic: Diagnostic) -> None:
        """A finding, if it is certain and in this file; of a call, where the call stands."""
        if self.quiet or diagnostic.span.path != self.source.path:
            return
        place = diagnostic.span, diagnostic.code
        if not self.calls:
            self.found.setdefault(place, diagnostic)
            return
        _, call = self.calls[0]
        related = (Related(diagnostic.span, "in this call, here"), *diagnostic.related)
        moved = replace(diagnostic, span=call, related=related)
        self._of_calls.setdefault((call, diagnostic.code), (place, moved))

    def all_found(self) -> tuple[Diagnostic, ...]:
        """All findings; what a function does by itself is not said of its calls."""
        of_calls = (moved for place, moved in self._of_calls.values() if place not in self.found)
        return (*self.found.values(), *of_calls)


def _declared(function: UserFunction, resolver: Resolver) -> tuple[Kernel, tuple[Fact, ...]] | None:
    """A kernel of another file, with the facts that it declares, if it reads in one way only."""
    made = instances(function, resolver)
    if len(made) != 1 or made[0].kernel is None:
        return None
    kernel = made[0].kernel
    facts = (*kernel.contract.requires, *limits(kernel))
    return kernel, tuple(Fact(fact.condition, fact.text, True, fact.span) for fact in facts)


def names_changed_from_afar(source: SourceFile, tree: ast.Module) -> frozenset[str]:
    """The names of all `global` and `nonlocal` statements."""
    if "global" not in source.text and "nonlocal" not in source.text:
        return frozenset()
    return frozenset(
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    )
