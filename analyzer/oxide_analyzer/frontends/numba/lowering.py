"""One pass over a Numba kernel: what the analyzer does not know becomes a value that nobody knows.

The pass is that over an Oxide kernel, with Numba's conversions, and it refuses nothing: where
Oxide would report a construct, this notes an assumption and goes on.

    y = model.predict(x)         %1 = unknown 'model.predict(x)'; y = %1, and an assumption
    helper(a, i)                 of an array that is given to what nobody knows, nothing is
                                 known from there on: its accesses are left out
"""

from __future__ import annotations

import ast
from operator import or_
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import complexes, promotion, records
from oxide_analyzer.frontends.numba.promotion import (
    arithmetic_type,
    as_type,
    promoted,
    zero,
)
from oxide_analyzer.frontends.numba.signatures import convention
from oxide_analyzer.frontends.numba.ssa import Bodies
from oxide_analyzer.frontends.oxide.given import NOTHING_GIVEN
from oxide_analyzer.frontends.oxide.lowering import Lowering
from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.frontends.oxide.operators import logic
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
)
from oxide_analyzer.ir.kernel import Assumption
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Forget,
    Logic,
    LogicOp,
    Not,
    Read,
    Select,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.records import COMPLEX64, Record
from oxide_analyzer.language.types import BOOL, F32, F64, I64, U32, U64, Kind, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oxide_analyzer.diagnostics import Fix, Related
    from oxide_analyzer.frontends.numba.given import Convention, Launched
    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.functions import Body
    from oxide_analyzer.frontends.oxide.lowering import Memory, Syntax
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.names import Key
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.records import Element
    from oxide_analyzer.rules.rule import Rule
    from oxide_analyzer.source import Located, Span


class NumbaLowering(Lowering):
    """The state of one pass over one Numba kernel, and what it had to assume."""

    is_typed = False

    def __init__(
        self,
        function: UserFunction,
        resolver: NumbaResolver,
        memory: Memory,
        syntax: Syntax,
        launched: Launched | None = None,
        bodies: Bodies | None = None,
    ) -> None:
        """Start with nothing assumed; `launched` is what a launch says, if it is read for one."""
        self.bodies = Bodies() if bodies is None else bodies
        # The types of what is assigned to names, by function and name.
        self._held: dict[tuple[FunctionNode, str], set[Scalar]] = {}
        self._mixed: set[tuple[FunctionNode, str]] = set()
        super().__init__(function, resolver, memory, syntax, NOTHING_GIVEN)
        self.dialect = resolver
        self.launched = launched
        self._outermost = self.block
        # CuPy's kernels are C++, where an index below zero is one in front of the array.
        self.counts_from_behind = id(function.node) not in resolver.of_cupy
        self.assumptions: dict[Span, Assumption] = {}
        self.lost: set[str] = set()
        # The arrays that the leaves of records are, by the array of records and the path to it.
        self.leaves: dict[tuple[str, tuple[str, ...]], records.Held] = {}
        # Arrays that the live program holds, by what they hold.
        self.constant_arrays: dict[object, ArrayValue] = {}
        # What signatures make of arguments and results, by the functions that have one.
        self.conventions: dict[int, Convention | None] = {}
        # Parameters that are named tuples, with the names.
        self.named_tuples: dict[str, tuple[str, ...]] = {}
        # Parameters that are records, by the fields that are read.
        self.records: dict[str, dict[str, Number]] = {}

    @property
    def is_outermost(self) -> bool:
        """Whether what comes next stands in no branch, loop or function of the kernel."""
        return self.block is self._outermost

    # ------------------------------------------------------------ what is not known

    def assume(self, node: Located, what: str) -> Unknown:
        """Note something that the analyzer does not know, in the kernel's own file."""
        span = self.span(node)
        frame = self.frame
        while span.path != self.source.path and frame.parent is not None:
            call, frame = frame.call, frame.parent
            if call is not None and frame.source.path == self.source.path:
                span = self.source.span(call)
        self.assumptions.setdefault(span, Assumption(span, what))
        return UNKNOWN

    def forget(
        self,
        node: Located,
        what: str,
        type: Scalar = I64,
        *,
        adapts: bool = True,
        of: Sequence[Value] | None = None,
    ) -> Number:
        """A number that nobody knows; one that `adapts` takes the type of what it meets. One that
        depends on the numbers `of` alone is the same for all threads for which they are."""
        span = self.span(node)
        exprs = None if of is None else _numbers(of)
        local = self.temporary(type)
        self.emit(Forget(local, what, self.site(), span, of=exprs))
        return Number(Read(local, span), type, Give.WEAK if adapts else Give.FIXED)

    def lose(self, value: Value) -> None:
        """Of an array that came to who knows what, nothing is known from here on."""
        match value:
            case ArrayValue():
                self.lost |= {array.name for array in records.leaves_of(self, value)}
            case TupleValue(items=items):
                for item in items:
                    self.lose(item)
            case _:
                pass

    # ------------------------------------------------------------ instead of findings

    def report(
        self,
        rule: Rule,
        node: Located,
        message: str,
        *,
        related: tuple[Related, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """What Oxide has not, Numba may have: an assumption."""
        del rule, related, fixes
        self.assume(node, message)

    def refuse_value(self, value: Value, node: ast.expr) -> None:
        """A value that is no number where a number is needed."""
        if not isinstance(value, Unknown):
            self.assume(node, f"`{self.text(node)}` is used as a number")

    # ------------------------------------------------------------ numbers

    def number(self, value: Value, node: ast.expr) -> Number:
        """The value as a number; of anything else, one that nobody knows."""
        if isinstance(value, Number):
            return value
        match value:
            case MeaningValue(meaning=Known(builtin=row)) if row.name == "cuda.warpsize":
                span = self.span(node)
                return Number(Const(_WARP, I64, span), I64, Give.LITERAL, _WARP, True)
            case _:
                pass
        self.refuse_value(value, node)
        return self.forget(node, f"`{self.text(node)}`")

    def evaluate_number(self, node: ast.expr) -> Number:
        """The value of an expression that must be a number."""
        return self.number(self.evaluate(node), node)

    def convert(self, number: Number, type: Scalar, node: ast.expr, what: str) -> Expr:
        """The number as one of `type`: Numba converts whatever it is."""
        del what
        if number.give is Give.WEAK:
            self.names.adapted(number, type)
        return as_type(number, type, self.span(node))

    def index(self, node: ast.expr, what: str = "an index") -> Expr:
        """An integer as i64."""
        return self.convert(self.evaluate_number(node), I64, node, what)

    def decision(self, node: ast.expr) -> Value:
        """The value of an expression of which nothing but the truth is asked."""
        return logic(self, node) if isinstance(node, ast.BoolOp) else self.evaluate(node)

    def truth(self, value: Value, node: ast.expr) -> Expr:
        """The truth of a value."""
        if complexes.is_complex(value):
            return complexes.truth(self, value, self.span(node))
        number = self.number(value, node)
        if number.type.kind is Kind.BOOL:
            return number.expr
        span = self.span(node)
        return Compare(CompareOp.NE, number.expr, zero(number.expr.type, span), span)

    # ------------------------------------------------------------ names

    def body_of(self, function: UserFunction) -> Body:
        """What is done in a function, with a name for each type of a name."""
        return self.bodies.of(function.node)

    def convention_of(self, function: UserFunction) -> Convention | None:
        """What a signature makes of the arguments and the result of a function."""
        key = id(function.node)
        if key not in self.conventions:
            node = function.node
            self.conventions[key] = convention(node.decorator_list, function.scope, self.dialect)
        return self.conventions[key]

    def passed(self, function: UserFunction, place: int, value: Value) -> Value:
        """An argument as the signature of a helper has it."""
        said = self.convention_of(function)
        if said is None or place >= len(said.parameters):
            return value
        return self.as_element(value, said.parameters[place], function.node)

    def as_element(self, value: Value, element: Element | None, node: Located) -> Value:
        """A number in the type that a signature names."""
        span = self.span(node)
        match element:
            case Scalar() if isinstance(value, Number) and value.type != element:
                return self.flat(promoted(value, element, span))
            case Record() if element.is_complex and complexes.is_complex(value):
                return complexes.cast(self, value, F32 if element == COMPLEX64 else F64, span)
            case _:
                return value

    def mixed(self, name: str) -> None:
        """A name that is an array here and something else elsewhere."""
        self._mixed.add((self.frame.function.node, name))

    def several(self) -> set[tuple[FunctionNode, str]]:
        """The names that hold things of several types. A kernel that is checked has guessed types,
        of which only integers and floats are told apart."""
        found = set(self._mixed)
        for place, types in self._held.items():
            kinds = {type.is_float for type in types if type.kind is not Kind.BOOL}
            if len(types) > 1 if self.launched is not None else len(kinds) > 1:
                found.add(place)
        return found

    def _note(self, key: Key, type: Scalar) -> None:
        if self.frame.place is None:
            place = self.frame.function.node, str(key[1])
            self._held.setdefault(place, set()).add(type)

    def read(self, key: Key, node: Located) -> Value:
        """The value of a name that statements assign."""
        entry = self.names.read(key)
        if entry.refused or (entry.type is None and entry.arity is None):
            return UNKNOWN
        return super().read(key, node)

    def assign(self, key: Key, value: Value, node: ast.expr, span: Span) -> None:
        """Give a name a number or a tuple; of a value that is neither, its number is unknown."""
        match value:
            case TupleValue() if complexes.is_complex(value):
                self._assign_complex(key, value, node, span)
            case Number() if self.names.entry(key).struct == complexes.COMPLEX:
                self._assign_complex(key, complexes.of_number(self, value, span), node, span)
            case TupleValue(items=items, struct=struct):
                if self.names.shape(key, len(items), struct):
                    for k, item in enumerate(items):
                        self.assign((*key, k), item, node, span)
                else:
                    self.names.entry(key).refused = True
                    self.mixed(str(key[1]))
                    self.assume(node, f"`{key[1]}` is a tuple here and something else elsewhere")
            case Number() if self.names.entry(key).arity is not None:
                self.names.entry(key).refused = True
                self.mixed(str(key[1]))
                self.assume(node, f"`{key[1]}` is a number here and a tuple elsewhere")
            case Number():
                self._give(key, value, node, span)
            case Unknown():
                self._give(key, self.number(value, node), node, span)
            case ArrayValue() | MeaningValue() | FunctionValue() | Nothing():
                self._give(key, self.number(value, node), node, span)

    def _assign_complex(self, key: Key, value: TupleValue, node: ast.expr, span: Span) -> None:
        """Give a name a complex number; one that held numbers holds complex ones from now on."""
        entry = self.names.entry(key)
        if entry.refused:
            return
        before = entry.type
        if entry.arity is None and before is not None:
            self.names.become(key, 2, complexes.COMPLEX)
            part = Number(zero(complexes.float_of(before), span), complexes.float_of(before))
            for k in range(2):
                self.names.assign((*key, k), part)
        if not self.names.shape(key, 2, complexes.COMPLEX):
            entry.refused = True
            self.assume(node, f"`{key[1]}` is a complex number here and a tuple elsewhere")
            return
        for k, item in enumerate(value.items):
            self._give((*key, k), self.number(item, node), node, span)

    def _give(self, key: Key, number: Number, node: ast.expr, span: Span) -> None:
        if self.launched is not None and number.give is Give.LITERAL:
            # A name that holds a literal has the type of that literal, whatever it meets.
            number = Number(number.expr, number.expr.type, Give.FIXED, number.value)
        entry = self.names.assign(key, number)
        if entry.refused:
            return
        assert entry.type is not None
        if len(key) == _WHOLE_NAME and (self.launched is not None or number.give is Give.FIXED):
            self._note(key, number.type)
            if entry.declared:
                self._note(key, entry.type)
        expr = self.convert(number, entry.type, node, "")
        self.emit(Assign(self.local(key, entry.type), expr, span))

    # ------------------------------------------------------------ complex numbers

    def operand(self, value: Value, node: ast.expr) -> Value:
        """A complex number as it is, anything else as a number."""
        return value if complexes.is_complex(value) else self.number(value, node)

    def signed(self, value: TupleValue, node: ast.UnaryOp) -> Value | None:
        """`-z` and `+z`."""
        if not complexes.is_complex(value) or isinstance(node.op, ast.Invert):
            return None
        negates = isinstance(node.op, ast.USub)
        return complexes.negated(self, value, self.span(node)) if negates else value

    def has_equality(self, value: TupleValue) -> bool:
        """Complex numbers have."""
        return complexes.is_complex(value)

    def equality(
        self,
        op: CompareOp,
        left: Number | TupleValue | None,
        right: Number | TupleValue | None,
        node: ast.Compare,
    ) -> Expr | None:
        """`z == w`, `z != w`."""
        if left is None or right is None:
            return None
        found = complexes.compared(self, op, left, right, self.span(node))
        if found is None:
            return self.forget(node, f"`{self.text(node)}`", BOOL, adapts=False).expr
        return found.expr

    def alike(self, one: Value, other: Value, span: Span) -> tuple[Value, Value]:
        """A number beside a complex one is one, too."""
        if complexes.is_complex(one) and isinstance(other, Number):
            return one, complexes.pure(other, span)
        if complexes.is_complex(other) and isinstance(one, Number):
            return complexes.pure(one, span), other
        return one, other

    # ------------------------------------------------------------ how numbers meet

    @property
    def common(self) -> Callable[[Scalar, Scalar], Scalar]:
        """The type in which two numbers meet."""
        return promotion.common if self.counts_from_behind else promotion.common_in_c

    def register(self, value: Value, span: Span) -> Value:
        """A register of the device: in CuPy's kernels an unsigned number."""
        if self.counts_from_behind or not isinstance(value, Number) or value.type != I64:
            return value
        return Number(Convert(value.expr, U32, span), U32, depth=value.depth + 1)

    def meet(self, left: Number, right: Number) -> tuple[Scalar, Give] | None:
        """The type in which two operands meet; literals and what nobody knows adapt."""
        common = self.common
        if left.give is right.give and left.give is not Give.FIXED:
            return common(left.expr.type, right.expr.type), left.give
        if left.give is Give.WEAK:
            return right.expr.type, right.give if right.give is Give.FIXED else Give.WEAK
        if right.give is Give.WEAK:
            return left.expr.type, left.give if left.give is Give.FIXED else Give.WEAK
        return common(left.expr.type, right.expr.type), Give.FIXED

    def operands(
        self, op: BinaryOp, left: Number, right: Number, node: Located
    ) -> tuple[Number, Number] | Number:
        """Integers of 64 bits, floats for `/`; between bools the bit operators are logical."""
        span = self.span(node)
        types = left.expr.type, right.expr.type
        if all(type.kind is Kind.BOOL for type in types) and op in _LOGICAL:
            return self.flat(Number(_LOGICAL[op](left.expr, right.expr, span), BOOL, depth=2))
        if left.give is Give.LITERAL and right.give is Give.LITERAL and op is not BinaryOp.DIV:
            return left, right
        met = self.meet(left, right)
        if met is None or Give.WEAK not in (left.give, right.give):
            type = arithmetic_type(*types)
        else:
            type = arithmetic_type(met[0], met[0])
        if op in _SHIFTS and not type.is_float:
            type = arithmetic_type(types[0], types[0])
        if op is BinaryOp.POW and types[0].is_float and types[1].is_integer:
            # To an integer a float keeps its type.
            return left, right if _is_whole(right) else promoted(right, types[0], span)
        if op is BinaryOp.DIV and not type.is_float:
            type = F64
        if not self.counts_from_behind and op in _OF_UNSIGNED and _are_unsigned(left, right):
            type = U32 if op is BinaryOp.SUB else U64
        if op in _BITS and type.is_float:
            type = I64
        if op is BinaryOp.POW and self.launched is not None and type.is_integer:
            one, other = promoted(left, type, span), promoted(right, type, span)
            if not (isinstance(other.expr, Const) and other.expr.value >= 0):
                return self._power(one, other, type, span)
        return promoted(left, type, span), promoted(right, type, span)

    def _power(self, base: Number, exponent: Number, type: Scalar, span: Span) -> Number:
        """An integer to the power of one that may be negative: what a fraction comes to is 0, and
        zero to a negative power the smallest number, as without `debug` there."""
        base, exponent = self.hold(base, span), self.hold(exponent, span)
        one, zero_ = Const(1, type, span), zero(type, span)
        power = Binary(BinaryOp.POW, base.expr, exponent.expr, type, span)
        if type.is_signed:
            odd = Binary(BinaryOp.AND, exponent.expr, one, type, span)
            sign = Binary(BinaryOp.SUB, one, Binary(BinaryOp.ADD, odd, odd, type, span), type, span)
            small = Const(type.min, type, span)
            inverse: Expr = zero_
            for value, found in ((zero_, small), (Const(-1, type, span), sign), (one, one)):
                is_one = Compare(CompareOp.EQ, base.expr, value, span)
                inverse = Select(is_one, found, inverse, type, span)
            below = Compare(CompareOp.LT, exponent.expr, zero_, span)
            power = Select(below, inverse, power, type, span)
        return self.hold(Number(power, type), span)

    def under_sign(self, number: Number, node: ast.UnaryOp) -> Number | None:
        """Integers have 64 bits behind a sign, which is applied in their own; `~` of a bool is
        `not`."""
        type, span = number.expr.type, self.span(node)
        if number.give is not Give.FIXED or type.is_float:
            return None
        if type.kind is Kind.BOOL:
            if isinstance(node.op, ast.Invert):
                return self.flat(Number(Not(number.expr, span), BOOL, depth=number.depth + 1))
            number, type = promoted(number, I64, span), I64
        if not isinstance(node.op, ast.UAdd):
            op = UnaryOp.INVERT if isinstance(node.op, ast.Invert) else UnaryOp.NEG
            number = Number(Unary(op, number.expr, type, span), type, depth=number.depth + 1)
        return self.flat(promoted(number, arithmetic_type(type, type), span))

    def floating(self, number: Number, node: ast.expr, function: str) -> Number:
        """An integer that is given to a function of floats."""
        del function
        return promoted(number, F64, self.span(node))


def _numbers(values: Sequence[Value]) -> tuple[Expr, ...] | None:
    """The expressions of numbers, and of those that tuples hold; None if another value is there."""
    found: list[Expr] = []
    for value in values:
        match value:
            case Number(expr=expr):
                found.append(expr)
            case TupleValue(items=items):
                inner = _numbers(items)
                if inner is None:
                    return None
                found += inner
            case _:
                return None
    return tuple(found)


def _are_unsigned(left: Number, right: Number) -> bool:
    """Whether C++ computes unsigned: a literal does not change that."""
    unsigned = [number.expr.type.kind is Kind.UNSIGNED for number in (left, right)]
    literal = [
        number.give is Give.LITERAL and isinstance(number.value, int) and number.value >= 0
        for number in (left, right)
    ]
    return any(unsigned) and all(map(or_, unsigned, literal))


def _is_whole(number: Number) -> bool:
    """Whether it is an integer that the source says."""
    return isinstance(number.expr, Const) and isinstance(number.value, int)


_WARP = 32
# The frame and the name; of what a tuple holds the key has its place as well.
_WHOLE_NAME = 2
_SHIFTS = {BinaryOp.SHL, BinaryOp.SHR}
_OF_UNSIGNED = {BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL}
_BITS = {BinaryOp.AND, BinaryOp.OR, BinaryOp.XOR, BinaryOp.SHL, BinaryOp.SHR}
_LOGICAL: Mapping[BinaryOp, Callable[[Expr, Expr, Span], Expr]] = {
    BinaryOp.AND: lambda a, b, span: Logic(LogicOp.AND, a, b, span),
    BinaryOp.OR: lambda a, b, span: Logic(LogicOp.OR, a, b, span),
    BinaryOp.XOR: lambda a, b, span: Compare(CompareOp.NE, a, b, span),
}
