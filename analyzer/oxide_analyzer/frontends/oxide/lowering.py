"""One pass over a kernel: statements go in, IR comes out, and what is wrong is noted.

This module holds the state of the pass and what all of syntax needs: emitting statements, naming
locals, converting numbers, reporting. The meaning of each kind of syntax is in `operators`,
`places`, `calls`, `inlining` and `statements`; `syntax` joins them.

A finding makes its expression `UNKNOWN`, which is silent from there on: one mistake, one finding.
"""

from __future__ import annotations

import ast
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide_analyzer.diagnostics import Edit, Fix, Related
from oxide_analyzer.frontends.oxide import refusals
from oxide_analyzer.frontends.oxide.functions import body_of
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    Give,
    MeaningValue,
    Nothing,
    Number,
    TupleValue,
    Unknown,
    at,
    meet,
)
from oxide_analyzer.ir.kernel import Constant, Function, ScalarParameter, TypeChoice
from oxide_analyzer.ir.nodes import (
    Array,
    Assign,
    Compare,
    CompareOp,
    Const,
    Local,
    Read,
    Symbol,
)
from oxide_analyzer.language.types import I64, Kind, Scalar
from oxide_analyzer.record import record
from oxide_analyzer.rules import (
    ox002_unsupported_construct,
    ox003_type_mismatch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.annotations import CallableType
    from oxide_analyzer.frontends.oxide.functions import Body
    from oxide_analyzer.frontends.oxide.given import Given
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.names import Key, NameTypes
    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.kernel import FunctionArgument, StructArgument
    from oxide_analyzer.ir.nodes import BinaryOp, Expr, Stmt
    from oxide_analyzer.rules.rule import Rule
    from oxide_analyzer.source import Located, SourceFile, Span

OX002 = ox002_unsupported_construct.RULE
OX003 = ox003_type_mismatch.RULE

# Readers of the IR recurse over expressions; what would grow deeper is put into a local.
_DEEPEST_EXPRESSION = 40
# Where a source nests deeper than any author writes, recursion is refused with a place. Readers
# of the IR recurse as well, so statements have their bound too.
_DEEPEST_SYNTAX = 60
_DEEPEST_BLOCK = 100


@record
class Syntax:
    """What each kind of node means: the tables that `Lowering` walks by, and how a value comes
    into an element: `store(lowering, a[i], value, where the value stands)`, and into an attribute:
    `store_attribute(lowering, p.x, value, where the value stands)`."""

    expressions: Mapping[type[ast.expr], Callable[[Any, Any], Value]]
    statements: Mapping[type[ast.stmt], Callable[[Any, Any, bool], None]]
    store: Callable[[Any, ast.Subscript, Value, ast.expr], None]
    store_attribute: Callable[[Any, ast.Attribute, Value, ast.expr], None]


@dataclass(slots=True)
class Frame:
    """One function that is being lowered: the kernel, or a helper in place of its call.

    `statics` are names that stand for something else than a number of this thread: arrays,
    types, parameters that nothing assigns. `label` is None for the kernel itself. `types` are what
    type variables stand for, `given` is what a parameter says of a function that came through it,
    and `closure` the frame whose names a lambda sees. What the language itself supplies in place
    of a call stands at one `place`, that of the call. An array is `returned` as it is.
    """

    function: UserFunction
    body: Body
    key: int
    record: Function
    parent: Frame | None = None
    call: ast.Call | None = None
    label: int | None = None
    result: Scalar | None = None
    loops: int = 0
    leaves: bool = False
    statics: dict[str, Value] = field(default_factory=dict[str, "Value"])
    types: dict[str, Scalar] = field(default_factory=dict[str, "Scalar"])
    given: CallableType | None = None
    closure: Frame | None = None
    place: Span | None = None
    returned: ArrayValue | None = None

    @property
    def source(self) -> SourceFile:
        """The file in which the function stands."""
        return self.function.scope.source


@dataclass(slots=True)
class Memory:
    """What outlives a pass: numbers of inlined calls, so that names are found again."""

    names: NameTypes
    frames: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def frame(self, parent: int, call: ast.AST) -> int:
        """The number of the frame of `call` within frame `parent`."""
        return self.frames.setdefault((parent, id(call)), len(self.frames) + 1)


class Lowering:
    """The state of one pass over one kernel; `is_typed` says that parameters have types."""

    is_typed = True
    counts_from_behind = False

    def __init__(
        self,
        function: UserFunction,
        resolver: Resolver,
        memory: Memory,
        syntax: Syntax,
        given: Given,
    ) -> None:
        self.root = function
        self.source = function.scope.source
        self.resolver = resolver
        self.memory = memory
        self.names = memory.names
        self.diagnostics: list[Diagnostic] = []
        self.arrays: dict[str, Array] = {}
        self.given = given
        self.structs: list[StructArgument] = []
        self.callables: list[FunctionArgument] = []
        self.choices: dict[str, TypeChoice] = {}
        self.captured: dict[str, ScalarParameter] = {}
        self.arguments: dict[str, Number] = {}
        self.constants: dict[tuple[object, ...], Constant] = {}
        self.symbols: set[str] = set()
        self.tables: dict[object, Array] = {}
        self.functions: dict[tuple[object, int], Function] = {}
        self.block: list[Stmt] = []
        self.unexplained: Located | None = None
        self.allocation_name: str | None = None
        # What kind of fragment an array is, by its name.
        self.fragments: dict[str, str] = {}
        self.is_compile_time = False
        self.is_cooperative = True
        self.decorator: ast.expr | None = None
        self.store = syntax.store
        self.store_attribute = syntax.store_attribute
        self._expressions = syntax.expressions
        self._statements = syntax.statements
        self._allocations: dict[tuple[int, int], ArrayValue] = {}
        self._local_names: dict[Key, str] = {}
        self._taken: dict[str, int] = {}
        self._sites = 0
        self._labels = 0
        self._temporaries = 0
        self._depth = 0
        self._blocks = 0
        self._is_too_deep = False
        record = Function(
            (),
            self.source.path,
            function.scope.qualify(function.node.name),
            self.source.span(function.node),
        )
        self.functions[(), id(function.node)] = record
        self.frame = Frame(function, self.body_of(function), 0, record)

    # ------------------------------------------------------------ walking

    def evaluate(self, node: ast.expr) -> Value:
        """The value of an expression; statements that it needs are emitted in front."""
        rule = self._expressions.get(type(node))
        if rule is None:
            return self.refuse(node, ox002_unsupported_construct.expression(node))
        if self._depth > _DEEPEST_SYNTAX:
            return self._too_deep(node, "nested too deeply for a kernel; name its parts")
        self._depth += 1
        try:
            return rule(self, node)
        finally:
            self._depth -= 1

    def execute(self, body: list[ast.stmt], tail: bool = False) -> None:
        """Lower statements; `tail` says that the function ends behind them."""
        last = len(body) - 1
        for k, node in enumerate(body):
            rule = self._statements.get(type(node))
            if rule is None:
                self.refuse(node, ox002_unsupported_construct.statement(node))
                continue
            if self._blocks > _DEEPEST_BLOCK:
                self._too_deep(
                    node, "nested too deeply for a kernel; move parts to `@device` functions"
                )
                return
            self._blocks += 1
            rule(self, node, tail and k == last)
            self._blocks -= 1
            if isinstance(node, ast.Return | ast.Break | ast.Continue) and k < last:
                # What cannot be reached is read for its mistakes and left out of the IR.
                with self.collect():
                    self.execute(body[k + 1 :])
                return

    @contextmanager
    def collect(self) -> Generator[list[Stmt]]:
        """Statements emitted inside go to the list that this gives."""
        outer, inner = self.block, list[Any]()
        self.block = inner
        try:
            yield inner
        finally:
            self.block = outer

    @contextmanager
    def at_compile_time(self) -> Generator[None]:
        """Inside, expressions are shapes: they run nowhere, so nothing is emitted or checked."""
        self.is_compile_time = True
        try:
            with self.collect():
                yield
        finally:
            self.is_compile_time = False

    # ------------------------------------------------------------ emitting

    def emit(self, statement: Stmt) -> None:
        """Append a statement."""
        self.block.append(statement)

    def site(self) -> int:
        """A number for what can fail or be seen by others."""
        self._sites += 1
        return self._sites - 1

    @property
    def is_in_loop(self) -> bool:
        """Whether the kernel may come here again."""
        frame: Frame | None = self.frame
        while frame is not None and not frame.loops:
            frame = frame.parent
        return frame is not None

    def label(self) -> int:
        """A number for an inlined region."""
        self._labels += 1
        return self._labels - 1

    def span(self, node: Located) -> Span:
        """Where a node of the function that is being lowered stands."""
        return self.frame.place or self.frame.function.scope.source.span(node)

    def text(self, node: ast.expr) -> str:
        """The source of an expression, shortened to what a message can hold."""
        if self.frame.place is not None:
            return ast.unparse(node)
        text = " ".join(self.frame.source.extract(self.span(node)).split())
        return text if len(text) <= 40 else "…"

    def temporary(self, type: Scalar) -> Local:
        """A local that the source does not name."""
        self._temporaries += 1
        return Local(f"%{self._temporaries}", type)

    def unique(self, name: str) -> str:
        """`name`, numbered if another local or array has it; `name#1` is a version of it."""
        name = name.partition("#")[0]
        count = self._taken.get(name, 0)
        self._taken[name] = count + 1
        return f"{name}.{count}" if count else name

    def hold(self, number: Number, span: Span) -> Number:
        """The number in a temporary, to be used more than once or read later."""
        if isinstance(number.expr, Const | Symbol) or number.give is Give.LITERAL:
            return number
        local = self.temporary(number.type)
        self.emit(Assign(local, number.expr, span))
        return Number(Read(local, span), number.type, number.give)

    def flat(self, number: Number) -> Number:
        """The number, in a temporary if its expression has grown deep."""
        if number.depth < _DEEPEST_EXPRESSION:
            return number
        type = number.expr.type
        local = self.temporary(type)
        self.emit(Assign(local, number.expr, number.expr.span))
        give = Give.WEAK if number.give is Give.LITERAL else number.give
        return Number(Read(local, number.expr.span), type, give)

    # ------------------------------------------------------------ names

    def local(self, key: Key, type: Scalar) -> Local:
        """The local that holds a name."""
        name = self._local_names.get(key)
        if name is None:
            name = self._local_names[key] = self.unique(str(key[1]))
        return Local(name, type)

    def read(self, key: Key, node: Located) -> Value:
        """The value of a name that statements assign."""
        entry = self.names.read(key)
        if entry.refused:
            return UNKNOWN
        if entry.arity is not None:
            items = tuple(self.read((*key, k), node) for k in range(entry.arity))
            return TupleValue(items, entry.struct)
        if entry.type is None:
            if self.unexplained is None:
                self.unexplained = node
            return UNKNOWN
        give = Give.WEAK if entry.weak else Give.FIXED
        return Number(Read(self.local(key, entry.type), self.span(node)), entry.type, give)

    def assign(self, key: Key, value: Value, node: ast.expr, span: Span) -> None:
        """Give a name a number or a tuple; `node` is where the value stands in the source."""
        match value:
            case TupleValue(items=items, struct=struct):
                if not self.names.shape(key, len(items), struct):
                    what = struct.name if struct is not None else f"a tuple of {len(items)}"
                    self.mismatch(node, f"`{key[1]}` is not {what} everywhere")
                    return
                for k, item in enumerate(items):
                    self.assign((*key, k), item, node, span)
            case Number():
                entry = self.names.entry(key)
                if entry.arity is not None:
                    what = "a tuple" if entry.struct is None else f"a {entry.struct.name}"
                    self.mismatch(node, f"`{key[1]}` is {what} elsewhere, a number here")
                    return
                self._assign_number(key, value, node, span)
            case Unknown():
                pass
            case ArrayValue() | MeaningValue() | FunctionValue() | Nothing():
                self.number(value, node)

    def _assign_number(self, key: Key, number: Number, node: ast.expr, span: Span) -> None:
        entry = self.names.entry(key)
        before = entry.type
        entry = self.names.assign(key, number)
        if entry.refused:
            if entry.conflict is None and before is not None:
                entry.conflict = self._conflict(str(key[1]), before, number, node, entry.first)
            return
        assert entry.type is not None
        if entry.first is None or number.give is Give.FIXED:
            entry.first = entry.first or self.span(node)
        expr = self.convert(number, entry.type, node, f"`{key[1]}`")
        if expr is not None:
            self.emit(Assign(self.local(key, entry.type), expr, span))

    def _conflict(
        self, name: str, before: Scalar, number: Number, node: ast.expr, first: Span | None
    ) -> Diagnostic:
        message = ox003_type_mismatch.of_name(name, before, number.type)
        related = () if first is None else (Related(first, f"`{name}` is {before} here"),)
        return OX003.diagnostic(
            self.span(node), message, kernel=self.root.node.name, related=related
        )

    def allocation(self, node: ast.Call) -> ArrayValue | None:
        """The array that this place in the source has made before."""
        return self._allocations.get(self._allocation_key(node))

    def allocate(self, node: ast.Call, array: Array) -> ArrayValue:
        """One array for one place in the source, however often it is inlined."""
        self.arrays[array.name] = array
        return self.keep_allocation(node, ArrayValue(array))

    def keep_allocation(self, node: ast.Call, made: ArrayValue) -> ArrayValue:
        """What a place in the source has made."""
        return self._allocations.setdefault(self._allocation_key(node), made)

    def _allocation_key(self, node: ast.Call) -> tuple[int, int]:
        # Each call of what the language supplies has memory of its own.
        return (self.frame.key if self.frame.place is not None else 0), id(node)

    # ------------------------------------------------------------ numbers

    def number(self, value: Value, node: ast.expr) -> Number | None:
        """The value as a number; what is none is reported."""
        match value:
            case Number():
                return value
            case Unknown():
                return None
            case _:
                self.refuse_value(value, node)
                return None

    def evaluate_number(self, node: ast.expr) -> Number | None:
        """The value of an expression that must be a number."""
        value = self.evaluate(node)
        return value if isinstance(value, Number) else self.number(value, node)

    def convert(self, number: Number, type: Scalar, node: ast.expr, what: str) -> Expr | None:
        """The number as one of `type`, without a cast in the source; else it is reported."""
        if number.give is Give.WEAK:
            self.names.adapted(number, type)
        expr = at(number, type)
        if expr is not None:
            return expr
        text = self.text(node)
        if number.give is Give.LITERAL and number.value is not None and type.kind is not Kind.BOOL:
            self.mismatch(node, ox003_type_mismatch.does_not_fit(number.value, type, what))
        else:
            place = self.span(node)
            edits = (Edit(place.start(), f"{type}("), Edit(place.end(), ")"))
            self.report(
                OX003,
                node,
                ox003_type_mismatch.needs_cast(what, type, number.type, text),
                fixes=(Fix(f"Convert with `{type}(…)`", edits),),
            )
        return None

    def index(self, node: ast.expr, what: str = "an index") -> Expr | None:
        """An integer as i64."""
        number = self.evaluate_number(node)
        if number is None:
            return None
        if not number.type.is_integer:
            self.mismatch(node, f"{what} is an integer, the value is {number.type}")
            return None
        return self.convert(number, I64, node, what)

    def condition(self, node: ast.expr) -> Expr | None:
        """The truth of an expression: bool, or an integer that is not 0."""
        return self.truth(self.decision(node), node)

    def decision(self, node: ast.expr) -> Value:
        """The value of an expression of which nothing but the truth is asked."""
        return self.evaluate(node)

    def truth(self, value: Value, node: ast.expr) -> Expr | None:
        """The truth of a value."""
        number = self.number(value, node)
        if number is None:
            return None
        if number.type.kind is Kind.BOOL:
            return number.expr
        if number.type.is_float:
            self.mismatch(
                node, f"a condition is bool or an integer, the value is {number.type}; compare it"
            )
            return None
        span = self.span(node)
        expr = number.expr
        return Compare(CompareOp.NE, expr, Const(0, expr.type, span), span)

    # ------------------------------------------------------------ what dialects differ in

    def body_of(self, function: UserFunction) -> Body:
        """What is done in a function."""
        return body_of(function.node)

    def passed(self, function: UserFunction, place: int, value: Value) -> Value:
        """An argument of a helper whose parameters have no types, as the helper takes it."""
        del function, place
        return value

    def mixed(self, name: str) -> None:
        """A name of this function stands for an array in one place, for something else in
        another."""
        del name

    def meet(self, left: Number, right: Number) -> tuple[Scalar, Give] | None:
        """The type in which two operands meet and how far it is settled; None asks for a cast."""
        return meet(left, right)

    def lose(self, value: Value) -> None:
        """Whatever is done with a value from here on is not read."""
        del value

    def signed(self, value: TupleValue, node: ast.UnaryOp) -> Value | None:
        """`-x` and `+x` of what is no number; None where it is none for which they are."""
        del value, node
        return None

    def has_equality(self, value: TupleValue) -> bool:
        """Whether what is no number can be compared."""
        del value
        return False

    def equality(
        self,
        op: CompareOp,
        left: Number | TupleValue | None,
        right: Number | TupleValue | None,
        node: ast.Compare,
    ) -> Expr | None:
        """A comparison of which a side is no number; None where it was reported."""
        del op, left, right, node
        return None

    def alike(self, one: Value, other: Value, span: Span) -> tuple[Value, Value]:
        """Two values of which one is chosen, of one form where there is one."""
        del span
        return one, other

    def operands(
        self, op: BinaryOp, left: Number, right: Number, node: Located
    ) -> tuple[Number, Number] | Number:
        """What an operator is applied to, or what it gives where that is no arithmetic."""
        del op, node
        return left, right

    def under_sign(self, number: Number, node: ast.UnaryOp) -> Number | None:
        """What `-x`, `+x` and `~x` give, where a dialect says it."""
        del number, node
        return None

    def floating(self, number: Number, node: ast.expr, function: str) -> Number | None:
        """A number that is no float where `function` takes floats; None where it was reported."""
        text = self.text(node)
        self.mismatch(
            node,
            f"`{function}` is for floats, the value is {number.type}; write `f32({text})`",
        )
        return None

    # ------------------------------------------------------------ reporting

    def refuse(self, node: Located, message: str) -> Unknown:
        """Report a construct that kernels do not have."""
        self.report(OX002, node, message)
        return UNKNOWN

    def _too_deep(self, node: Located, message: str) -> Unknown:
        """Report nesting once; what lies around it would be reported again at every level."""
        if not self._is_too_deep:
            self._is_too_deep = True
            self.refuse(node, message)
        return UNKNOWN

    def mismatch(self, node: Located, message: str) -> Unknown:
        """Report types that do not fit."""
        self.report(OX003, node, message)
        return UNKNOWN

    def refuse_value(self, value: Value, node: ast.expr) -> None:
        """Report a value that is no number where a number is needed."""
        finding = refusals.not_a_number(value, self.text(node))
        if finding is not None:
            rule, message = finding
            self.report(rule, node, message)

    def report(
        self,
        rule: Rule,
        node: Located,
        message: str,
        *,
        related: tuple[Related, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Note a finding; one in another file is told where the kernel's file leads to it."""
        span = self.span(node)
        if span.path != self.source.path:
            frame = self.frame
            while frame.parent is not None and frame.parent.source.path != self.source.path:
                frame = frame.parent
            assert frame.call is not None
            name = self.frame.function.node.name
            related = (Related(span, message), *related)
            message = f"in `{name}` ({Path(span.path).name}:{span.line}): {message}"
            span, fixes = self.source.span(frame.call), ()
        self.diagnostics.append(
            rule.diagnostic(span, message, kernel=self.root.node.name, related=related, fixes=fixes)
        )
