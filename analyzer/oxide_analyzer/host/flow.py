"""Follows the statements of host code: `Flow`.

    b = oxide.empty(n, f32)
    for _ in range(10):        the first round is followed as it is; then all further ones at once,
        step[4, 32](b)         with what every round leaves the next one
        b.free()               from the second round on, the launch uses what was freed here
    try: …                     a handler knows what holds wherever the body may have left off
    with pytest.raises(…): …   is meant to fail: nothing is said of it

Functions are followed from their beginning, with arguments of which nothing is known, and from
calls of them with what these give. Only what holds on all ways to a place is known there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.host import contexts
from oxide_analyzer.host.expressions import Expressions
from oxide_analyzer.host.run import Spent
from oxide_analyzer.host.state import State, met, same
from oxide_analyzer.host.values import (
    UNKNOWN,
    HostFunction,
    Items,
    Thing,
    Unknown,
    Value,
    has_list,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.host.run import Run

_MOST_MEETINGS = 8
_MOST_ITEMS = 8
_DEEPEST = 3


@dataclass(slots=True)
class _Loop:
    breaks: list[State] = field(default_factory=list[State])
    continues: list[State] = field(default_factory=list[State])


@dataclass(slots=True)
class _Frame:
    """One function that is followed: what it returns, and the statements round the present one."""

    returns: list[tuple[State, Value]] = field(default_factory=list[tuple[State, Value]])
    loops: list[_Loop] = field(default_factory=list[_Loop])
    # Where an exception would be caught: what holds at all places that may raise it.
    tries: list[list[State]] = field(default_factory=list[list[State]])


class Flow:
    """Follows the code of one scope after the other."""

    def __init__(self, run: Run) -> None:
        """Nothing was followed yet."""
        self._run = run
        self._frames: list[_Frame] = []

    # ------------------------------------------------------------ functions

    def module(self, scope: Scope) -> None:
        """The code of a module."""
        self._body(scope.node.body, scope, State())

    def function(self, node: FunctionNode, scope: Scope) -> None:
        """A function whose arguments nobody knows; `scope` is its own."""
        state = State({a.arg: self._run.symbol(a.arg) for a, _ in parameters(node)})
        for rest in (node.args.vararg, node.args.kwarg):
            if rest is not None:
                state.names[rest.arg] = UNKNOWN
        self._body(node.body, scope, state)

    def play(self, function: HostFunction, names: dict[str, Value], state: State) -> Value:
        """A function as one call has it; what it does to objects is in `state` afterwards."""
        node = function.function.node
        scope = self._run.inner(function.function.scope, node)
        frame = self._body(node.body, scope, state.inner(names))
        if len(frame.returns) > 1:
            for _, value in frame.returns:
                self._run.escapes(value)
        end, _ = met(way for way, _ in frame.returns)
        if end is None:
            # It does not come back in a way that is seen.
            state.flights.clear()
            return UNKNOWN
        state.freed, state.taken, state.flights = end.freed, end.taken, end.flights
        values = [value for _, value in frame.returns]
        return values[0] if all(value == values[0] for value in values) else UNKNOWN

    def is_too_deep(self, node: FunctionNode) -> bool:
        """Whether a call is not followed: of one function inside itself, or of too many."""
        return len(self._run.calls) >= _DEEPEST or any(node is n for n, _ in self._run.calls)

    def _body(self, body: list[ast.stmt], scope: Scope, state: State) -> _Frame:
        frame = _Frame()
        self._frames.append(frame)
        try:
            end = self._block(body, scope, state)
        finally:
            self._frames.pop()
        if end is not None:
            frame.returns.append((end, None))
        return frame

    # ------------------------------------------------------------ statements

    def _block(self, body: list[ast.stmt], scope: Scope, state: State | None) -> State | None:
        for statement in body:
            if state is None:
                return None
            self._run.spend()
            self._may_raise(state)
            state = self._step(statement, scope.at(statement), state)
            if state is not None:
                self._may_raise(state)
        return state

    def _may_raise(self, state: State) -> None:
        for caught in self._frames[-1].tries:
            met_here, lost = met([*caught, state])
            self._lose(lost)
            caught[:] = [] if met_here is None else [met_here]

    def _meet(self, *ways: State | None) -> State | None:
        found, lost = met(way for way in ways if way is not None)
        self._lose(lost)
        return found

    def _lose(self, lost: list[Thing]) -> None:
        for thing in lost:
            self._run.escapes(thing)

    def _step(self, node: ast.stmt, scope: Scope, state: State) -> State | None:
        """What is known behind a statement; None where it does not come to its end."""
        expressions = Expressions(self._run, self, scope, state)
        frame = self._frames[-1]
        match node:
            case ast.Expr(value=value):
                expressions.value(value)
            case ast.Assign(targets=targets, value=value):
                given = expressions.value(value)
                for target in targets:
                    self._bind(target, given, expressions)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self._bind(target, expressions.value(value), expressions)
            case ast.AugAssign(target=target, value=value):
                expressions.augmented(node)
                self._bind(target, expressions.arithmetic(node.op, target, value), expressions)
            case ast.If(test=test, body=body, orelse=orelse):
                expressions.value(test)
                taken = expressions.truth(test)
                then = None if taken is False else self._block(body, scope, state.copy())
                otherwise = None if taken else self._block(orelse, scope, state)
                return self._meet(then, otherwise)
            case ast.For() | ast.AsyncFor():
                return self._for(node, scope, state, expressions)
            case ast.While(test=test, body=body, orelse=orelse):
                return self._while(test, body, orelse, scope, state)
            case ast.With() | ast.AsyncWith():
                return self._with(node, scope, state, expressions)
            case ast.Try() | ast.TryStar():
                return self._try(node, scope, state)
            case ast.Match(subject=subject, cases=cases):
                expressions.value(subject)
                ways = [self._block(case.body, scope, self._unbound(case, state)) for case in cases]
                return self._meet(*ways, state)
            case ast.Return(value=value):
                given = None if value is None else expressions.value(value)
                if not self._run.calls:
                    self._run.escapes(given)
                frame.returns.append((state.copy(), given))
                return None
            case ast.Raise():
                expressions.below(node)
                return None
            case ast.Break() if frame.loops:
                frame.loops[-1].breaks.append(state.copy())
                return None
            case ast.Continue() if frame.loops:
                frame.loops[-1].continues.append(state.copy())
                return None
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                state.names.pop(node.name, None)
                expressions.escape_names_in(node)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for alias in names:
                    state.names.pop((alias.asname or alias.name).partition(".")[0], None)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        state.names[target.id] = UNKNOWN
            case _:
                expressions.below(node)
        return state

    def _bind(self, target: ast.expr, value: Value, expressions: Expressions) -> None:
        state = expressions.state
        match target:
            case ast.Name(id=name):
                if expressions.scope.is_module or name in self._run.captured(
                    expressions.scope.node
                ):
                    # Code that runs some other time may do anything with it.
                    self._run.escapes(value)
                if name in self._run.shared_names or has_list(value):
                    self._run.escapes(value)
                    value = UNKNOWN
                elif isinstance(value, Unknown):
                    # Whatever it is, it is one thing until the name is bound again.
                    value = self._run.symbol(name)
                state.names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts: list[Value] = [UNKNOWN] * len(targets)
                match value:
                    case Items(items=items) if len(items) == len(targets) and not any(
                        isinstance(inner, ast.Starred) for inner in targets
                    ):
                        parts = list(items)
                    case _:
                        self._run.escapes(value)
                for inner, part in zip(targets, parts, strict=True):
                    self._bind(inner, part, expressions)
            case ast.Starred(value=inner):
                self._bind(inner, UNKNOWN, expressions)
            case ast.Subscript():
                self._run.escapes(value)
                expressions.stored(target, value)
            case _:
                self._run.escapes(value)
                expressions.below(target)

    def _unbound(self, case: ast.match_case, state: State) -> State:
        """What holds in a case of a `match`, whose names nobody knows."""
        found = state.copy()
        for inner in ast.walk(case.pattern):
            for name in (getattr(inner, "name", None), getattr(inner, "rest", None)):
                if isinstance(name, str):
                    found.names[name] = UNKNOWN
        return found

    # ------------------------------------------------------------ loops

    def _for(
        self, node: ast.For | ast.AsyncFor, scope: Scope, state: State, expressions: Expressions
    ) -> State | None:
        source = expressions.value(node.iter)
        if isinstance(source, Items) and len(source.items) <= _MOST_ITEMS:
            return self._each(node, source, scope, state)
        self._run.escapes(source)

        def bind(way: State) -> None:
            self._bind(node.target, UNKNOWN, Expressions(self._run, self, scope, way))

        at_least = expressions.has_rounds(node.iter)
        return self._rounds(bind, node.body, node.orelse, scope, state, at_least=at_least)

    def _each(
        self, node: ast.For | ast.AsyncFor, items: Items, scope: Scope, state: State
    ) -> State | None:
        """A loop over what is written out: one round after the other."""
        loop = _Loop()
        self._frames[-1].loops.append(loop)
        way: State | None = state
        for one in items.items:
            if way is None:
                break
            self._bind(node.target, one, Expressions(self._run, self, scope, way))
            end = self._block(node.body, scope, way)
            way = self._meet(end, *loop.continues)
            loop.continues.clear()
        self._frames[-1].loops.pop()
        return self._meet(self._block(node.orelse, scope, way), *loop.breaks)

    def _while(
        self,
        test: ast.expr,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        scope: Scope,
        state: State,
    ) -> State | None:
        def look(way: State) -> None:
            Expressions(self._run, self, scope, way).value(test)

        is_endless = isinstance(test, ast.Constant) and bool(test.value)
        return self._rounds(
            look,
            body,
            orelse,
            scope,
            state,
            at_least=is_endless,
            ends=not is_endless,
            comes_again=is_endless or isinstance(test, ast.Compare),
        )

    def _rounds(
        self,
        begin: Callable[[State], None],
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        scope: Scope,
        state: State,
        *,
        at_least: bool,
        ends: bool = True,
        comes_again: bool = True,
    ) -> State | None:
        """A loop of any number of rounds."""
        run, loops = self._run, self._frames[-1].loops

        def turn(way: State, breaks: list[State]) -> State | None:
            loop = _Loop()
            loops.append(loop)
            begin(way)
            end = self._block(body, scope, way)
            loops.pop()
            breaks += loop.breaks
            return self._meet(end, *loop.continues)

        breaks: list[State] = []
        first = turn(state.copy(), breaks)
        later = None
        if first is not None:
            kept = first
            run.quiet += 1
            for _ in range(_MOST_MEETINGS):
                before = kept
                kept = self._meet(before, turn(before.copy(), [])) or before
                if same(before, kept):
                    break
            else:
                raise Spent
            run.quiet -= 1
            # A loop that a flag ends may have no second round.
            run.quiet += not comes_again
            later = turn(kept.copy(), breaks)
            run.quiet -= not comes_again
        after = None
        if ends:
            after = self._meet(None if at_least else state, first, later)
        return self._meet(self._block(orelse, scope, after), *breaks)

    # ------------------------------------------------------------ with, try

    def _with(
        self,
        node: ast.With | ast.AsyncWith,
        scope: Scope,
        state: State,
        expressions: Expressions,
    ) -> State | None:
        entered: list[contexts.Context] = []
        device = state.device
        for item in node.items:
            given = expressions.value(item.context_expr)
            context = contexts.entered(item.context_expr, given, expressions)
            entered.append(context)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, context.value, expressions)
            else:
                self._run.escapes(context.value)
            if context.device is not None:
                state.device = context.device
        expected = sum(context.expects for context in entered)
        left_off: list[State] | None = None
        if expected:
            left_off = [state.copy()]
            self._frames[-1].tries.append(left_off)
        self._run.quiet += expected
        end = self._block(node.body, scope, state)
        self._run.quiet -= expected
        if left_off is not None:
            self._frames[-1].tries.pop()
            end = self._meet(end, *left_off)
        if end is None:
            return None
        for context in reversed(entered):
            contexts.left(context, node, Expressions(self._run, self, scope, end))
        end.device = device
        return end

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope, state: State) -> State | None:
        frame, run = self._frames[-1], self._run
        finally_from: list[State] = [state.copy()]
        outside, jumps = len(frame.returns), [len(ways) for ways in self._ways_out()]
        if node.finalbody:
            frame.tries.append(finally_from)
        expected = contexts.is_expected(node.handlers)
        raised = [state.copy()]
        frame.tries.append(raised)
        run.quiet += expected
        end = self._block(node.body, scope, state)
        run.quiet -= expected
        frame.tries.pop()
        end = self._block(node.orelse, scope, end)
        ways = [end]
        for handler in node.handlers:
            begun = self._meet(*raised)
            if begun is not None and handler.name is not None:
                begun.names[handler.name] = UNKNOWN
            ways.append(self._block(handler.body, scope, begun))
        after = self._meet(*ways)
        if not node.finalbody:
            return after
        frame.tries.pop()
        # On the way out by an exception; by `return`, `break` and `continue`; and behind it all.
        self._block(node.finalbody, scope, self._meet(*finally_from))
        run.quiet += 1
        frame.returns[outside:] = [
            (left, value)
            for way, value in frame.returns[outside:]
            if (left := self._block(node.finalbody, scope, way)) is not None
        ]
        for ways_out, before in zip(self._ways_out(), jumps, strict=True):
            ways_out[before:] = [
                left
                for way in ways_out[before:]
                if (left := self._block(node.finalbody, scope, way)) is not None
            ]
        run.quiet -= 1
        return self._block(node.finalbody, scope, after)

    def _ways_out(self) -> list[list[State]]:
        loops = self._frames[-1].loops
        return [ways for loop in loops for ways in (loop.breaks, loop.continues)]
