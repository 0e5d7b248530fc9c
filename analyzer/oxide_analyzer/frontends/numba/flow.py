"""What the statements of host code come to, one after the other: which launches, on what.

    n = 1000                          n is 1000 from here on
    for size in (64, 100): …          once for each
    a, b = b, a                       in a loop: what both have in common, their shape
    if fast: block = 64               both ways are followed, as far as they are few
    else: block = 128
    step[n // block, block](a, b)     a launch, with what the names hold here
    run(step, 1000)                   what `run` does, if its own code does not say what it launches

Functions are followed from their beginning, with parameters of which nothing is known but their
names. One whose launches depend on what it is given (the kernel, or the extents of the grid) is
followed from its calls as well.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.host import Host, Names, item, one_of
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    Configured,
    HostArray,
    HostFunction,
    HostValue,
    Instance,
    NotKnown,
    Sizes,
    Symbol,
    symbols_of,
)
from oxide_analyzer.frontends.numba.ways import (
    INNER,
    are_alike,
    counted,
    forget,
    items_of,
    joined,
    own_names,
    truth,
)
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope

_MOST_ROUNDS = 8
_MOST_STATEMENTS = 4_000
_DEEPEST = 4


@distinct
class LaunchCall:
    """A launch: the kernel with its configuration, and what it is given."""

    configured: Configured
    arguments: tuple[HostValue, ...]
    keywords: tuple[tuple[str, HostValue], ...]
    call: ast.Call
    scope: Scope

    @property
    def is_open(self) -> bool:
        """Whether something of the grid or block is known by a name alone that says nothing
        of the arguments."""
        given = frozenset[str]().union(*map(symbols_of, self.arguments))
        given = given.union(*(symbols_of(value) for _, value in self.keywords))
        match self.configured:
            case Configured(tasks=tasks) if tasks is not None:
                parts: tuple[HostValue, ...] = (tasks,)
            case Configured(configuration=Sizes(items=items)) if len(items) > 1:
                parts = items[:2]
            case _:
                return True
        return any(
            isinstance(inner, NotKnown)
            or (isinstance(inner, HostArray | Symbol) and not symbols_of(inner) <= given)
            for value in parts
            for inner in (value.items if isinstance(value, Sizes) else (value,))
        )


class Flow:
    """Follows the host code of a file."""

    def __init__(self, resolver: NumbaResolver, module: Scope) -> None:
        """Follow everything."""
        self._resolver = resolver
        self._module = module
        self._left = _MOST_STATEMENTS
        self._steady: Names = {}
        self._scopes: dict[int, Scope] = {}
        self._functions = list(self._below(module))
        # Functions whose launches depend on what they are given.
        self._open: set[int] = set()
        self._unknown: set[int] = set()
        self._depth = 0
        self._recording = True
        self._found: list[LaunchCall] = []
        self._results: list[list[HostValue]] = []
        self.launched = tuple(self._follow())

    def _follow(self) -> list[LaunchCall]:
        for scope, node in self._functions:
            if _may_launch(node):
                self._enter(scope, node)
        self._block(self._module.node.body, self._module, [{}])
        alone, self._found = self._found, []
        opened = {id(found.call) for found in alone if found.is_open} | self._unknown
        if not opened:
            return alone
        closed = [found for found in alone if id(found.call) not in opened]
        inner = self._callers(opened)
        seen = {id(found.call) for found in inner if not found.is_open}
        better = [found for found in inner if id(found.call) in opened and not found.is_open]
        return closed + better + [f for f in alone if id(f.call) in opened - seen]

    def _callers(self, opened: set[int]) -> list[LaunchCall]:
        """The launches of functions that are followed from their calls."""
        self._left = _MOST_STATEMENTS
        calls = {
            id(node): [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
            for _, node in self._functions
        }
        names: set[str] = set()
        for _ in range(_DEEPEST):
            for _, node in self._functions:
                inside = calls[id(node)]
                if any(id(call) in opened or _name_of(call.func) in names for call in inside):
                    self._open.add(id(node))
            names = {node.name for _, node in self._functions if id(node) in self._open}
        for scope, node in self._functions:
            if id(node) in self._open:
                self._enter(scope, node)
        self._block(self._module.node.body, self._module, [{}])
        return self._found

    def _enter(self, scope: Scope, node: FunctionNode) -> None:
        if self._resolver.role(node, scope) is FunctionRole.PLAIN:
            self._block(node.body, self._inner(scope, node), [{}])

    def _below(self, scope: Scope) -> Iterator[tuple[Scope, FunctionNode]]:
        """Every function below a scope, with the scope in which it stands."""
        for node in _definitions(scope.node.body):
            place = scope.at(node)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield place, node
            yield from self._below(self._inner(place, node))

    def _inner(self, scope: Scope, node: FunctionNode | ast.ClassDef) -> Scope:
        found = self._scopes.get(id(node))
        if found is None:
            found = self._scopes[id(node)] = scope.inner(node)
        return found

    def _host(self, scope: Scope, known: Names) -> Host:
        return Host(scope, self._resolver, known, self._steady, self._play)

    # ------------------------------------------------------------ statements

    def _block(self, body: list[ast.stmt], scope: Scope, ways: list[Names]) -> list[Names]:
        for statement in body:
            self._left -= 1
            if self._left < 0 or not ways:
                break
            place = scope.at(statement)
            ways = [after for known in ways for after in self._step(statement, place, known)]
            ways = joined(ways, scope)
        return ways

    def _step(self, node: ast.stmt, scope: Scope, known: Names) -> list[Names]:
        """What names hold behind a statement; none where it does not come to its end."""
        host = self._host(scope, known)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                function = UserFunction(node, scope, self._resolver.role(node, scope))
                known[id(scope.node), node.name] = HostFunction(function)
            case ast.ClassDef():
                pass
            case ast.Assign(targets=targets, value=value):
                self._calls(value, host)
                found = host.value(value)
                for target in targets:
                    self._bind(target, value, found, host)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self._calls(value, host)
                    self._bind(target, value, host.value(value), host)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                self._calls(value, host)
                old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                made = ast.copy_location(ast.BinOp(old, op, value), node)
                self._bind(target, made, host.value(made), host)
            case ast.If(test=test, body=body, orelse=orelse):
                self._calls(test, host)
                taken = truth(test, host)
                then = [] if taken is False else self._block(body, scope, [dict(known)])
                otherwise = [] if taken else self._block(orelse, scope, [known])
                return then + otherwise
            case ast.For(target=target, iter=source, body=body, orelse=orelse):
                self._calls(source, host)
                after = self._loop(target, source, body, scope, known)
                return self._block(orelse, scope, after)
            case ast.While(test=test, body=body, orelse=orelse):
                self._calls(test, host)
                return self._block(orelse, scope, self._rounds(None, body, scope, known))
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for one in items:
                    self._calls(one.context_expr, host)
                    if one.optional_vars is not None:
                        self._bind(one.optional_vars, one.context_expr, NOT_KNOWN, host)
                return self._block(body, scope, [known])
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                after = [
                    way
                    for handler in handlers
                    for way in self._block(handler.body, scope, [dict(known)])
                ]
                after = self._block([*body, *orelse], scope, [known]) + after
                return self._block(final, scope, joined(after, scope))
            case ast.Match(subject=subject, cases=cases):
                self._calls(subject, host)
                return [
                    after
                    for case in cases
                    for after in self._block(case.body, scope, [dict(known)])
                ] or [known]
            case ast.Return(value=value):
                if value is not None:
                    self._calls(value, host)
                if self._results:
                    self._results[-1].append(self._result(value, host))
                return []
            case ast.Raise():
                return []
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._calls(child, host)
        return [known]

    def _result(self, value: ast.expr | None, host: Host) -> HostValue:
        found = NOT_KNOWN if value is None else host.value(value)
        if isinstance(found, HostFunction) and found.around is None:
            # A function that is made here sees what names hold here.
            return HostFunction(found.function, host)
        return found

    def _bind(self, target: ast.expr, node: ast.expr, value: HostValue, host: Host) -> None:
        match target:
            case ast.Name(id=name):
                key = id(host.scope.node), name
                if isinstance(value, NotKnown):
                    # Whatever it is, it is one thing until it is assigned again.
                    value = HostArray(f"{name}@{host.scope.qualname}:{target.lineno}", None)
                host.known[key] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts: list[HostValue] = [item(value, place) for place in range(len(targets))]
                if any(isinstance(inner, ast.Starred) for inner in targets):
                    parts = [NOT_KNOWN] * len(targets)
                for inner, part in zip(targets, parts, strict=True):
                    self._bind(inner, node, part, host)
            case ast.Starred(value=inner):
                self._bind(inner, node, NOT_KNOWN, host)
            case ast.Subscript(value=ast.Name() as changed):
                forget(changed, host)
            case _:
                pass

    # ------------------------------------------------------------ loops

    def _loop(
        self,
        target: ast.expr,
        source: ast.expr,
        body: list[ast.stmt],
        scope: Scope,
        known: Names,
    ) -> list[Names]:
        host = self._host(scope, known)
        items = items_of(source, host)
        if items is None or len(items) > _MOST_ROUNDS:
            return self._rounds(target, body, scope, known, counted(target, source, host))
        ways = [known]
        for one in items:
            for way in ways:
                self._bind(target, source, one, self._host(scope, way))
            ways = self._block(body, scope, ways)
        return ways

    def _rounds(
        self,
        target: ast.expr | None,
        body: list[ast.stmt],
        scope: Scope,
        known: Names,
        value: HostValue = NOT_KNOWN,
    ) -> list[Names]:
        """A loop of any number of rounds: names keep what every round leaves them."""
        recording, self._recording = self._recording, False
        before = dict(known)
        changed: set[tuple[int, str]] = set()
        for attempt in range(2):
            tried = dict(before)
            if target is not None:
                self._bind(target, target, value, self._host(scope, tried))
            for after in self._block(body, scope, [tried]) or [dict(before)]:
                for key, left in after.items():
                    if key not in before or key[0] != id(scope.node):
                        continue
                    if are_alike(before[key], left) and (attempt or before[key] == left):
                        continue
                    place = f"{key[1]}@{scope.qualname}:{body[0].lineno}"
                    met = one_of([before[key], left], place) if attempt == 0 else NOT_KNOWN
                    before[key] = HostArray(place, None) if isinstance(met, NotKnown) else met
                    changed.add(key)
        self._recording = recording
        inside = dict(before)
        if target is not None:
            self._bind(target, target, value, self._host(scope, inside))
        after = self._block(body, scope, [inside])
        for way in after:
            # After the last round they hold what any of them may have left.
            way.update({key: before[key] for key in changed})
        return after[:1] or [before]

    # ------------------------------------------------------------ calls

    def _calls(self, node: ast.expr, host: Host) -> None:
        """Note the launches in an expression, and follow functions that depend on their calls."""
        if isinstance(node, INNER):
            # Its own names hold what nobody knows.
            known = dict(host.known)
            host = self._host(host.scope, known)
            for target in own_names(node):
                self._bind(target, target, NOT_KNOWN, host)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._calls(child, host)
            elif isinstance(child, ast.keyword):
                self._calls(child.value, host)
            elif isinstance(child, ast.comprehension):
                self._calls(child.iter, host)
        if not isinstance(node, ast.Call):
            return
        called = host.value(node.func)
        match called:
            case Configured():
                self._note(called, node, host)
            case HostFunction(function=function):
                if function.role is FunctionRole.KERNEL:
                    self._raw(called, node, host)
                elif id(function.node) in self._open:
                    self._play(host, called, node)
            case NotKnown():
                if isinstance(node.func, ast.Subscript):
                    self._unknown.add(id(node))
                elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                    forget(node.func.value, host)
            case _:
                pass

    def _raw(self, kernel: HostFunction, call: ast.Call, host: Host) -> None:
        """CuPy's `kernel((blocks,), (threads,), (x, y))`."""
        given = [host.value(argument) for argument in call.args]
        match given:
            case [Sizes() as grid, Sizes() as block, Sizes(items=items), *_] if self._recording:
                configured = Configured(kernel, Sizes((grid, block)))
                self._found.append(LaunchCall(configured, items, (), call, host.scope))
            case _:
                pass

    def _note(self, configured: Configured, call: ast.Call, host: Host) -> None:
        if not self._recording:
            return
        arguments = [*configured.given]
        for argument in call.args:
            if isinstance(argument, ast.Starred):
                held = host.value(argument.value)
                if not isinstance(held, Sizes):
                    # What follows stands who knows where.
                    break
                arguments += held.items
            else:
                arguments.append(host.value(argument))
        keywords = tuple((k.arg, host.value(k.value)) for k in call.keywords if k.arg is not None)
        found = LaunchCall(configured, tuple(arguments), keywords, call, host.scope)
        self._found.append(found)

    def _play(self, host: Host, called: HostFunction, call: ast.Call) -> HostValue:
        """What a function of the source gives for a call."""
        function = called.function
        if self._depth >= _DEEPEST or function.role is not FunctionRole.PLAIN:
            return NOT_KNOWN
        scope = self._inner(function.scope, function.node)
        known = _bound(host, scope, function, call)
        if known is None:
            return NOT_KNOWN
        self._depth += 1
        self._results.append([])
        recording = self._recording
        self._recording = recording and id(function.node) in self._open
        self._block(function.node.body, scope, [known])
        self._recording = recording
        self._depth -= 1
        results = self._results.pop()
        return one_of(results, f"{function.node.name}()") if results else NOT_KNOWN


def _bound(host: Host, scope: Scope, function: UserFunction, call: ast.Call) -> Names | None:
    """What the parameters hold in a call; None if that is not said."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    ):
        return None
    node = function.node
    declared = parameters(node)
    known: Names = dict(host.known)
    given = [host.value(argument) for argument in call.args]
    if isinstance(function.scope.node, ast.ClassDef) and isinstance(call.func, ast.Attribute):
        owner = host.value(call.func.value)
        if isinstance(owner, Instance):
            given.insert(0, owner)
    names = {argument.arg for argument, _ in declared}
    for (argument, default), value in zip(declared, given, strict=False):
        del default
        known[id(node), argument.arg] = value
    for keyword in call.keywords:
        if keyword.arg in names:
            known[id(node), keyword.arg or ""] = host.value(keyword.value)
    for argument, default in declared:
        if (id(node), argument.arg) not in known and default is not None:
            known[id(node), argument.arg] = host.elsewhere(function.scope).value(default)
    for argument, _ in declared:
        value = known.get((id(node), argument.arg), NOT_KNOWN)
        if isinstance(value, NotKnown):
            place = f"{argument.arg}@{scope.qualname}"
            known[id(node), argument.arg] = HostArray(place, None)
    return known


def _definitions(body: list[ast.stmt]) -> Iterator[FunctionNode | ast.ClassDef]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
            continue
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt):
                yield from _definitions([child])
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                yield from _definitions(child.body)


def _may_launch(node: FunctionNode) -> bool:
    """Whether a function has a call that may be a launch."""
    return any(
        (isinstance(inner, ast.Call) and isinstance(inner.func, ast.Subscript | ast.Call))
        or (isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Subscript | ast.Call))
        for inner in ast.walk(node)
    )


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
