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

from oxide_analyzer.frontends.numba.changes import (
    assigned,
    assigned_in,
    is_generator,
    own_statements,
    reassigned,
    root,
)
from oxide_analyzer.frontends.numba.host import Host, Names
from oxide_analyzer.frontends.numba.host_views import unpacked
from oxide_analyzer.frontends.numba.launched import (
    LaunchCall,
    definitions,
    given,
    name_of,
    name_of_call,
)
from oxide_analyzer.frontends.numba.passing import Handed, anything, passed
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    Configured,
    HostArray,
    HostFunction,
    HostValue,
    NotKnown,
    Sizes,
    holds_lists,
    item,
    one_of,
)
from oxide_analyzer.frontends.numba.ways import (
    INNER,
    Left,
    counted,
    either,
    items_of,
    joined,
    own_names,
    settled,
    truth,
)
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.trees import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope

_MOST_ROUNDS = 8
_MOST_STATEMENTS = 4_000
_DEEPEST = 4
# Of what stands in these nobody knows whether it is done.
_PERHAPS = (*INNER, ast.BoolOp, ast.IfExp, ast.Compare)
# Managers of contexts that go on behind an exception.
_CATCHING = frozenset(["suppress", "raises", "assertRaises", "catch"])


class Flow:
    """Follows the host code of a file."""

    def __init__(self, resolver: NumbaResolver, module: Scope) -> None:
        """Follow everything."""
        self._resolver = resolver
        self._module = module
        self._reassigned = reassigned(root(module))
        self._path = ""
        self.is_cut = False
        # Where the loops that are followed end, and go on, before their bodies do.
        self._breaks: list[list[Names]] = []
        self._continues: list[list[Names]] = []
        self._left = _MOST_STATEMENTS
        self._steady: Names = {}
        self._scopes: dict[int, Scope] = {}
        self._functions = list(self._below(module))
        # Functions whose launches depend on what they are given.
        self._open: set[int] = set()
        self._played: set[int] = set()
        self._handed = Handed([node for _, node in self._functions])
        # The expressions that have a call in them.
        self._calling: dict[int, bool] = {}
        self._unknown: set[int] = set()
        self._depth = 0
        self._recording = True
        self._found: list[LaunchCall] = []
        self._results: list[list[HostValue]] = []
        self.launched = tuple(self._follow())

    def _follow(self) -> list[LaunchCall]:
        self._all()
        self.is_cut = self._left < 0
        alone, self._found = self._found, []
        opened = {id(found.call) for found in alone if found.is_open} | self._unknown
        opened |= self._handed.launched_twice(alone)
        if self.is_cut:
            return alone + list(self._missed(set()))
        if not opened:
            return alone
        closed = [found for found in alone if id(found.call) not in opened]
        inner = [f for f in self._callers(opened) if f.is_called and id(f.call) in opened]
        # One that is called by who is not seen, or as a value, is launched with anything.
        inside = {id(call) for node in self._uncalled() for call in nodes(node)}
        seen = {id(found.call) for found in inner if id(found.call) not in inside}
        found = closed + inner + [f for f in alone if id(f.call) in opened - seen]
        self.is_cut = self._left < 0
        return found + list(self._missed({id(f.call) for f in closed}) if self.is_cut else ())

    def _all(self) -> None:
        self._left = _MOST_STATEMENTS
        for scope, node in self._functions:
            if self._handed.leads_to_launch(node) or id(node) in self._open:
                self._enter(scope, node)
        self._block(self._module.node.body, self._module, [{}])

    def _callers(self, opened: set[int]) -> list[LaunchCall]:
        """The launches of functions that are followed from their calls."""
        calls = {
            id(node): [inner for inner in nodes(node) if isinstance(inner, ast.Call)]
            for _, node in self._functions
        }
        names: set[str] = set()
        for _ in range(_DEEPEST):
            for _, node in self._functions:
                inside = calls[id(node)]
                if any(id(call) in opened or name_of(call.func) in names for call in inside):
                    self._open.add(id(node))
            names = {node.name for _, node in self._functions if id(node) in self._open}
        self._all()
        return self._found

    def _uncalled(self) -> list[FunctionNode]:
        """The open functions that something mentions without calling them, or calls through an
        object that nobody knows."""
        open = [node for _, node in self._functions if id(node) in self._open]
        names = {node.name for node in open}
        called = [
            id(node.func)
            for node in nodes(self._module.node)
            if isinstance(node, ast.Call) and id(node) in self._played
        ]
        mentioned = {
            name_of(node)
            for node in nodes(self._module.node)
            if isinstance(node, ast.Name | ast.Attribute)
            and name_of(node) in names
            and id(node) not in called
        }
        return [node for node in open if node.name in mentioned]

    def _missed(self, whole: set[int]) -> Iterator[LaunchCall]:
        """The launches with anything, but those that are `whole`: where the host code is too long,
        some were not come to, others by some callers and in some rounds only."""
        for scope, body in [
            (self._module, self._module.node),
            *((self._inner(scope, node), node) for scope, node in self._functions),
        ]:
            for node in own_statements(body):
                if not isinstance(node, ast.Call) or id(node) in whole:
                    continue
                called = Host(scope, self._resolver, {}, self._steady).value(node.func)
                if isinstance(called, Configured):
                    any_way = Configured(called.kernel, NOT_KNOWN)
                    yield LaunchCall(any_way, (), (), node, scope)

    def _enter(self, scope: Scope, node: FunctionNode) -> None:
        if self._resolver.role(node, scope) is FunctionRole.PLAIN:
            inner = self._inner(scope, node)
            self._block(node.body, inner, [anything(inner, node)])

    def _below(self, scope: Scope) -> Iterator[tuple[Scope, FunctionNode]]:
        """Every function below a scope, with the scope in which it stands."""
        for node in definitions(scope.node.body):
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
        return Host(scope, self._resolver, known, self._steady, self._play, self._path)

    # ------------------------------------------------------------ statements

    def _block(self, body: list[ast.stmt], scope: Scope, ways: list[Names]) -> list[Names]:
        for statement in body:
            self._left -= 1
            if self._left < 0 or not ways:
                break
            place = scope.at(statement)
            ways = [after for known in ways for after in self._step(statement, place, known)]
            if len(ways) > 1:
                ways = joined(ways, self._at(statement, scope))
        return ways

    def _at(self, node: ast.AST, scope: Scope) -> str:
        """A name for a place in this call, and this round."""
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        return f"{scope.qualname}:{line}:{column}{self._path}"

    def _step(self, node: ast.stmt, scope: Scope, known: Names) -> list[Names]:
        """What names hold behind a statement; none where it does not come to its end."""
        host = self._host(scope, known)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                function = UserFunction(node, scope, self._resolver.role(node, scope))
                known[id(scope.node), node.name] = HostFunction(function)
            case ast.ClassDef(name=name):
                self._rebind([name], scope, known, node)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                made = [alias.asname or alias.name.partition(".")[0] for alias in names]
                self._rebind(made, scope, known, node)
            case ast.Assign(value=ast.IfExp(test=test, body=one, orelse=other)):
                return self._step(either(node, test, one, other), scope, known)
            case ast.Assign(targets=targets, value=value):
                self._calls(value, host)
                found = host.value(value)
                if len(targets) > 1 and holds_lists(found):
                    found = NOT_KNOWN
                for target in targets:
                    self._bind(target, target, found, host)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self._calls(value, host)
                    self._bind(target, target, host.value(value), host)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                self._calls(value, host)
                old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                made = ast.copy_location(ast.BinOp(old, op, value), node)
                held = host.value(old)
                match held:
                    case HostArray(shape=None):
                        # A number is another one now; an array is changed where it is.
                        changed = HostArray(self._at(node, scope), None, None, held.lies)
                        self._bind(target, target, changed, host)
                    case HostArray():
                        pass
                    case _:
                        self._bind(target, target, host.value(made), host)
            case ast.If(test=test, body=body, orelse=orelse):
                self._calls(test, host)
                taken = truth(test, host)
                then = [] if taken is False else self._block(body, scope, [dict(known)])
                otherwise = [] if taken else self._block(orelse, scope, [known])
                return then + otherwise
            case ast.For(target=target, iter=source, body=body, orelse=orelse):
                self._calls(source, host)
                after, broken = self._loop(target, source, body, scope, known)
                return self._block(orelse, scope, after) + broken
            case ast.AsyncFor(target=target, iter=source, body=body, orelse=orelse):
                self._calls(source, host)
                after, broken = self._rounds(target, body, scope, known)
                return self._block(orelse, scope, after) + broken
            case ast.While(test=test, body=body, orelse=orelse):
                self._calls(test, host)
                always = truth(test, self._host(scope, {})) is True
                after, broken = self._rounds(test, body, scope, known)
                return ([] if always else self._block(orelse, scope, after)) + broken
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                before = dict(known)
                for one in items:
                    self._calls(one.context_expr, host)
                    if one.optional_vars is not None:
                        self._bind(one.optional_vars, one.optional_vars, NOT_KNOWN, host)
                after = self._block(body, scope, [known])
                catches = any(name_of_call(one.context_expr) in _CATCHING for one in items)
                return [*after, self._stopped(body, scope, [before, *after])] if catches else after
            case ast.Try() | ast.TryStar():
                return self._try(node, scope, known)
            case ast.Match(subject=subject, cases=cases):
                self._calls(subject, host)
                after = []
                for case in cases:
                    own = dict(known)
                    self._unbind(assigned_in(case.pattern), scope, own, case.pattern)
                    if case.guard is not None:
                        self._calls(case.guard, self._host(scope, own))
                    after += self._block(case.body, scope, [own])
                last = cases[-1]
                takes_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
                return after if takes_all and last.guard is None else [*after, known]
            case ast.Delete(targets=targets):
                for target in targets:
                    self._bind(target, target, NOT_KNOWN, host)
            case ast.Break():
                if self._breaks:
                    self._breaks[-1].append(known)
                return []
            case ast.Continue():
                if self._continues:
                    self._continues[-1].append(known)
                return []
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

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope, known: Names) -> list[Names]:
        """An exception may come from anywhere in the body."""
        before = dict(known)
        after = self._block(node.body, scope, [known])
        stopped = self._stopped(node.body, scope, [before, *after])
        after = self._block(node.orelse, scope, after)
        for handler in node.handlers:
            own = dict(stopped)
            if handler.name is not None:
                self._unbind([handler.name], scope, own, handler)
            after += self._block(handler.body, scope, [own])
        if not node.finalbody:
            return after
        # It is come to on the way out as well.
        whole = [*node.body, *node.orelse, *(s for h in node.handlers for s in h.body)]
        left = self._stopped(whole, scope, [before, *after])
        self._block(node.finalbody, scope, [left])
        return self._block(node.finalbody, scope, joined(after, self._at(node, scope)))

    def _stopped(self, body: list[ast.stmt], scope: Scope, ways: list[Names]) -> Names:
        """What names hold where statements were left before their end: those that they assign lie
        where any of them did before, or would at the end."""
        found = dict(ways[0])
        names = sorted(assigned(body))
        self._unbind(names, scope, found, body[0])
        keys = [(id(scope.node), name) for name in names]
        held = [way[key] for way in ways for key in keys if key in way]
        regions = dict.fromkeys(
            r for value in held if isinstance(value, HostArray) for r in value.lies
        )
        for key in keys:
            value = found.get(key)
            if isinstance(value, HostArray):
                found[key] = HostArray(value.name, None, None, (*value.lies, *regions))
        return found

    def _perhaps(
        self, names: list[str], scope: Scope, ways: list[Names], known: Names, at: ast.AST
    ) -> None:
        """Names hold what they do in one of several ways, or nobody knows what."""
        self._unbind(names, scope, known, at)
        for key in [(id(scope.node), name) for name in names]:
            held = [way[key] for way in ways if key in way]
            lies = dict.fromkeys(r for v in held if isinstance(v, HostArray) for r in v.lies)
            known[key] = HostArray(f"{key[1]}@{self._at(at, scope)}", None, None, tuple(lies))

    def _unbind(self, names: Iterable[str], scope: Scope, known: Names, at: ast.AST) -> None:
        """Names hold what nobody knows, one thing until they are assigned again."""
        for name in names:
            known[id(scope.node), name] = HostArray(f"{name}@{self._at(at, scope)}", None)

    def _rebind(self, names: list[str], scope: Scope, known: Names, at: ast.AST) -> None:
        """Classes and modules are what the source says, unless a name is something else too."""
        for name in names:
            if len(scope.bindings.get(name, ())) > 1:
                self._unbind([name], scope, known, at)

    def _bind(self, target: ast.expr, node: ast.expr, value: HostValue, host: Host) -> None:
        match target:
            case ast.Name(id=name):
                if name in self._reassigned:
                    return
                value = host.kept(value, name)
                if isinstance(value, NotKnown):
                    # Whatever it is, it is one thing until it is assigned again.
                    value = HostArray(f"{name}@{self._at(node, host.scope)}", None)
                host.known[id(host.scope.node), name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts = [
                    self._part(value, place, inner, host) for place, inner in enumerate(targets)
                ]
                if any(isinstance(inner, ast.Starred) for inner in targets):
                    parts = [NOT_KNOWN] * len(targets)
                for inner, part in zip(targets, parts, strict=True):
                    self._bind(inner, inner, part, host)
            case ast.Starred(value=inner):
                self._bind(inner, inner, NOT_KNOWN, host)
            case _:
                pass

    def _part(self, value: HostValue, place: int, target: ast.expr, host: Host) -> HostValue:
        """What a target holds that takes a value apart with others."""
        found = item(value, place)
        if isinstance(found, NotKnown) and isinstance(value, HostArray):
            return unpacked(value, place, self._at(target, host.scope))
        return found

    # ------------------------------------------------------------ loops

    def _loop(
        self,
        target: ast.expr,
        source: ast.expr,
        body: list[ast.stmt],
        scope: Scope,
        known: Names,
    ) -> tuple[list[Names], list[Names]]:
        """What names hold where a loop ends, and where it is broken off."""
        host = self._host(scope, known)
        items = items_of(source, host)
        if items is None or len(items) > _MOST_ROUNDS:
            return self._rounds(target, body, scope, known, counted(target, source, host))
        ways, broken, path = [known], list[Names](), self._path
        for number, one in enumerate(items):
            self._path = f"{path}#{target.lineno}.{number}"
            for way in ways:
                self._bind(target, target, one, self._host(scope, way))
            ways, left = self._round(body, scope, ways)
            broken += left
        self._path = path
        return ways, broken

    def _round(
        self, body: list[ast.stmt], scope: Scope, ways: list[Names]
    ) -> tuple[list[Names], list[Names]]:
        """What names hold behind one round, and where the loop is broken off in it."""
        self._breaks.append([])
        self._continues.append([])
        ways = self._block(body, scope, ways) + self._continues.pop()
        if len(ways) > 1:
            ways = joined(ways, self._at(body[0], scope) + "+")
        return ways, self._breaks.pop()

    def _rounds(
        self,
        target: ast.expr,
        body: list[ast.stmt],
        scope: Scope,
        known: Names,
        value: HostValue | None = None,
    ) -> tuple[list[Names], list[Names]]:
        """A loop of any number of rounds: `target` is what it gives a value to, or its test."""
        is_loop = isinstance(target.__dict__.get("ctx"), ast.Store)
        names = assigned([*body, ast.Expr(target)]) - self._reassigned
        at = self._at(target, scope)

        tested = sorted(assigned_in(target)) if not is_loop else []

        def ends(head: Names) -> Left:
            if is_loop:
                self._bind(target, target, value or NOT_KNOWN, self._host(scope, head))
            # A test is made in each round.
            self._unbind(tested, scope, head, target)
            return self._round(body, scope, [head])

        recording, self._recording = self._recording, False
        head, (after, broken) = settled(known, ends, names, id(scope.node), at)
        self._recording = recording
        if recording:
            after, broken = ends(dict(head))
        return joined([known, *after], at), broken

    # ------------------------------------------------------------ calls

    def _calls(self, node: ast.expr, host: Host) -> None:
        """Note the launches in an expression, and follow functions that depend on their calls."""
        if id(node) not in self._calling:
            self._calling[id(node)] = any(
                isinstance(inner, ast.Call | ast.NamedExpr) for inner in ast.walk(node)
            )
        if not self._calling[id(node)]:
            return
        outer, before = host, host.known
        if isinstance(node, _PERHAPS):
            before = dict(host.known)
        if isinstance(node, INNER):
            # Its own names hold what nobody knows; what is run later finds what is there then.
            is_late = isinstance(node, ast.Lambda | ast.GeneratorExp)
            host = self._host(host.scope, {} if is_late else dict(host.known))
            for target in own_names(node):
                self._bind(target, target, NOT_KNOWN, host)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._calls(child, host)
            elif isinstance(child, ast.keyword):
                self._calls(child.value, host)
            elif isinstance(child, ast.comprehension):
                for inner in (child.iter, *child.ifs):
                    self._calls(inner, host)
        if isinstance(node, ast.NamedExpr):
            found = host.value(node.value)
            self._bind(node.target, node, NOT_KNOWN if holds_lists(found) else found, host)
        elif isinstance(node, _PERHAPS):
            # What it may have assigned, or not.
            names = [n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            self._perhaps(names, outer.scope, [before, dict(host.known)], outer.known, node)
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
                elif not self._open:
                    self._handed.note(function, node, host)
            case NotKnown() | HostArray():
                if isinstance(node.func, ast.Subscript):
                    self._unknown.add(id(node))
            case _:
                pass

    def _raw(self, kernel: HostFunction, call: ast.Call, host: Host) -> None:
        """CuPy's `kernel((blocks,), (threads,), (x, y))`."""
        given = [host.value(argument) for argument in call.args]
        match given:
            case [Sizes() as grid, Sizes() as block, Sizes(items=items), *_] if self._recording:
                configured = Configured(kernel, Sizes((grid, block)))
                self._launch(configured, items, (), call, host.scope)
            case _:
                pass

    def _note(self, configured: Configured, call: ast.Call, host: Host) -> None:
        if not self._recording:
            return
        arguments, keywords = given(call, host)
        arguments = (*configured.given, *arguments)
        self._launch(configured, arguments, keywords, call, host.scope)

    def _launch(
        self,
        configured: Configured,
        given: tuple[HostValue, ...],
        keywords: tuple[tuple[str, HostValue], ...],
        call: ast.Call,
        scope: Scope,
    ) -> None:
        is_called = self._depth > 0
        self._found.append(LaunchCall(configured, given, keywords, call, scope, is_called))

    def _play(self, host: Host, called: HostFunction, call: ast.Call) -> HostValue:
        """What a function of the source gives for a call."""
        function = called.function
        if self._depth >= _DEEPEST or function.role is not FunctionRole.PLAIN:
            return NOT_KNOWN
        scope = self._inner(function.scope, function.node)
        path = f"{host.path}>{host.scope.qualname}:{call.lineno}:{call.col_offset}"
        known = passed(host, scope, function, call, path)
        if known is None:
            return NOT_KNOWN
        self._played.add(id(call))
        outside, self._path = self._path, path
        breaks, self._breaks = self._breaks, []
        continues, self._continues = self._continues, []
        recording = self._recording
        self._recording = recording and id(function.node) in self._open
        self._depth += 1
        self._results.append([])
        ways = self._block(function.node.body, scope, [known])
        results = self._results.pop()
        self._depth -= 1
        self._path, self._recording = outside, recording
        self._breaks, self._continues = breaks, continues
        if not results or self._left < 0 or is_generator(function.node):
            return NOT_KNOWN
        # Behind its end it gives None, which is no number and no array.
        del ways
        return one_of(results, f"{function.node.name}(){path}")
