"""Symbolic values of IR expressions in one thread.

Integers are polynomials, bools are conditions, floats are opaque: only for whom they are equal
is known of them. A proof computes over Z, so a node that may wrap does not enter with its
mathematical value but as one of its type, and what is no product as one that is equal modulo a
power of two; whether it may is asked of its interval and then of the affine prover.

    thread.x + 1       i64   thread.x + 1             at most 1024
    n * n              i32   an unknown i32           n may be 2**31 - 1
    n + m              i32   n + m - 2**32·k          and is an i32
    i % 32             i64   i - 32*(i // 32)
    x < 0.5                  an opaque condition
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.facts.accesses import LocalRead, Observation
from oxide_analyzer.facts.arithmetic import integer_operator
from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    AnyOf,
    Condition,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    at_most,
    condition_level,
    equal,
    less,
    negate,
)
from oxide_analyzer.facts.float_quotients import whole_part
from oxide_analyzer.facts.literals import compared, literal
from oxide_analyzer.facts.polys import (
    Alias,
    Atom,
    Bits,
    Element,
    Level,
    Poly,
    Quotient,
    Variable,
    constant,
)
from oxide_analyzer.facts.state import Interval, Real, Scan, State, Value, times, value_level
from oxide_analyzer.ir.nodes import (
    Apply,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Expr,
    Forget,
    Logic,
    LogicOp,
    Math,
    Not,
    Param,
    Read,
    Reinterpret,
    Select,
    Special,
    Symbol,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.types import BOOL, Scalar
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.paths import between

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from oxide_analyzer.facts.carried import Carried
    from oxide_analyzer.facts.launch_terms import LaunchTerms
    from oxide_analyzer.ir.nodes import Stmt
    from oxide_analyzer.source import Span

_LONGEST_KEY = 24
_QUICK = 800
_PRODUCTS = 6_000


@dataclass(slots=True)
class Evaluator:
    """Turns expressions into values; remembers that something may wrap and what is unassigned.

    With `exact`, integers are Python's: so contracts are read. `iterations` says of which loop a
    variable counts the iterations, `counters` are the values `start + step·count` of loops under
    one name, and `undetermined` are the variables that are no functions of others. `ballots` says
    of the result of a vote when the thread's own bit is set; `peers` are results of `match_any`.
    `carried` is what has been found of loops, by what they were entered with (`carried`).
    """

    launch: LaunchTerms
    exact: bool = False
    may_wrap: list[Span] = field(default_factory=list["Span"])
    reads: list[LocalRead] = field(default_factory=list[LocalRead])
    iterations: dict[Atom, object] = field(default_factory=dict[Atom, object])
    counters: set[Atom] = field(default_factory=set[Atom])
    undetermined: set[Atom] = field(default_factory=set[Atom])
    wraps: dict[Atom, tuple[Expr, Poly]] = field(default_factory=dict["Atom", "tuple[Expr, Poly]"])
    observed: dict[Atom, Observation] = field(default_factory=dict["Atom", "Observation"])
    ballots: dict[Atom, Condition] = field(default_factory=dict["Atom", "Condition"])
    peers: set[Atom] = field(default_factory=set[Atom])
    scans: dict[Atom, Scan] = field(default_factory=dict["Atom", "Scan"])
    whole_warps: bool | None = None
    types: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    doubtful: dict[str, frozenset[Stmt]] = field(default_factory=dict[str, "frozenset[Stmt]"])
    carried: dict[Hashable, Carried] = field(default_factory=dict["Hashable", "Carried"])
    _learned: list[tuple[tuple[Condition, ...], Condition]] = field(
        default_factory=list["tuple[tuple[Condition, ...], Condition]"]
    )
    _intervals: dict[Atom, Interval] = field(default_factory=dict[Atom, Interval])

    # ------------------------------------------------------------ entry points

    def integer(self, expr: Expr, state: State) -> Poly:
        """The value of an integer expression."""
        value = self.value(expr, state)
        if not isinstance(value, Poly):
            raise TypeError(f"{expr.span}: an integer was expected")
        return value

    def condition(self, expr: Expr, state: State) -> Condition:
        """The value of a bool expression."""
        value = self.value(expr, state)
        if isinstance(value, (Poly, Real)):
            raise TypeError(f"{expr.span}: a condition was expected")
        return value

    def value(self, expr: Expr, state: State) -> Value:
        """The value of any expression."""
        match expr:
            case Const(value=number, type=type_):
                if type_ == BOOL:
                    return TRUE if number else FALSE
                if type_.is_float:
                    return literal(number, type_.name)
                return constant(int(number))
            case Symbol(name=name, type=type_) | Param(name=name, type=type_):
                if type_ == BOOL:
                    return Opaque((name,), (), Level.LAUNCH)
                if type_.is_float:
                    return Real((name,), (), Level.LAUNCH)
                return self.launch.scalar(name, type_)
            case Read():
                return self._read(expr, state)
            case Dim(array=array, axis=axis):
                return self.launch.dimension(array, axis)
            case Special(register=register, axis=axis):
                return self.launch.register(register, axis)
            case Unary():
                return self._unary(expr, state)
            case Binary():
                return self._binary(expr, state)
            case Compare():
                return self._compare(expr, state)
            case Logic(op=op, left=left, right=right):
                first = self.condition(left, state)
                # The right operand is evaluated in any case, but matters only under the left.
                guard = first if op is LogicOp.AND else negate(first)
                inner = state.under(guard)
                if inner is None:
                    return first
                second = self.condition(right, inner)
                return all_of((first, second)) if op is LogicOp.AND else any_of((first, second))
            case Not(operand=operand):
                return negate(self.condition(operand, state))
            case Select():
                return self._select(expr, state)
            case Convert(operand=operand, type=target):
                return self._convert(self.value(operand, state), operand.type, target, expr, state)
            case Reinterpret(operand=operand, type=target):
                value = self.value(operand, state)
                if target.is_float:
                    return self._real("bits", value)
                return self.unknown(target, value_level(value), "bits", "what bits say")
            case Math(function=function, operands=operands):
                return self._rounded(f"{function}", *(self.value(one, state) for one in operands))
            case Apply(function=function, operands=operands, type=type_):
                values = [self.value(operand, state) for operand in operands]
                if type_.is_float:
                    return self._real(f"{function}()", *values)
                level = max(map(value_level, values), default=Level.LAUNCH)
                return self.unknown(type_, level, function, f"what `{function}` gives")
            case _:
                assert_never(expr)

    def serial(self) -> int:
        """A number that no other call gives."""
        atom = self.launch.terms.fresh("serial", Level.LAUNCH, 0, 0).single()
        return atom.serial if atom is not None else 0

    def havoc(
        self, name: str, level: Level, low: int | None, high: int | None, assumed: str | None = None
    ) -> Poly:
        """An integer that nothing else determines."""
        value = self.launch.terms.fresh(name, level, low, high, assumed)
        self.undetermined.update(value.atoms())
        return value

    def opaque(self, real: Real) -> Condition:
        """A bool that is known as little as a float."""
        return Opaque(real.key, real.parts, real.own_level)

    def unknown(self, type_: Scalar, level: Level, name: str, assumed: str | None = None) -> Value:
        """A value of which only the type is known."""
        if type_.is_integer:
            return self.havoc(name, level, type_.min, type_.max, assumed)
        key = (f"{name}'{self.serial()}",)
        return Opaque(key, (), level) if type_ == BOOL else Real(key, (), level)

    def forgotten(self, stmt: Forget, state: State) -> Value:
        """A value that nobody knows: each thread's own, or one for all that have it of the same."""
        level = Level.THREAD
        if stmt.of is not None:
            parts = (value_level(self.value(part, state)) for part in stmt.of)
            level = max(parts, default=Level.LAUNCH)
        return self.unknown(stmt.target.type, level, stmt.target.name, stmt.what)

    def range_of(self, name: str) -> Interval:
        """The integers that a local can hold."""
        type_ = self.types.get(name)
        return (type_.min, type_.max) if type_ is not None else (None, None)

    def _read(self, expr: Read, state: State) -> Value:
        name = expr.local.name
        found = state.values.get(name)
        assigned = FALSE if found is None else state.unassigned.get(name)
        if assigned is not None:
            shown = expr.local.source_name
            self.reads.append(LocalRead(name, shown, assigned, state.path, expr.span))
        if found is None:
            return self.unknown(expr.type, Level.THREAD, name)
        return found

    # ------------------------------------------------------------ operators

    def _unary(self, expr: Unary, state: State) -> Value:
        operand = self.value(expr.operand, state)
        if not isinstance(operand, Poly):
            return self._real(expr.op.value, operand)
        match expr.op:
            case UnaryOp.NEG:
                return self.fitted(-operand, expr, state)
            case UnaryOp.INVERT:
                if expr.type.is_signed:
                    return (-operand).shift(-1)
                return constant(expr.type.max) - operand
            case UnaryOp.ABS:
                low, _ = self.interval(operand)
                if low is not None and low >= 0:
                    return operand
                positive = at_least_zero(operand)
                return self.fitted(self.choice(positive, operand, -operand), expr, state)
            case UnaryOp.CLZ | UnaryOp.POPC:
                count = self.havoc(expr.op.value, operand.level, 0, expr.type.bits)
                if expr.op is UnaryOp.POPC and self.ballots:
                    self._count(count, expr.operand, state)
                return count
            case UnaryOp.BREV:
                return self.havoc(expr.op.value, operand.level, expr.type.min, expr.type.max)

    def _count(self, count: Poly, counted: Expr, state: State) -> None:
        """Note what a count of votes says of the lanes of a warp."""
        from oxide_analyzer.facts.warps import votes_below

        atom, scan = count.single(), votes_below(self, counted, state)
        if atom is not None and scan is not None:
            self.scans[atom] = scan
            self.launch.terms.axiom(count, at_most(count, self.launch.lane))

    def _binary(self, expr: Binary, state: State) -> Value:
        left, right = self.value(expr.left, state), self.value(expr.right, state)
        if not (isinstance(left, Poly) and isinstance(right, Poly)):
            bits = self._logical_bits(expr, left, right)
            return bits or self._rounded(expr.op.value, left, right)
        return integer_operator(self, expr, left, right, state)

    def _logical_bits(self, expr: Binary, left: Value, right: Value) -> Condition | None:
        """& | ^ of bools are connectives."""
        if isinstance(left, (Poly, Real)) or isinstance(right, (Poly, Real)):
            return None
        match expr.op:
            case BinaryOp.AND:
                return all_of((left, right))
            case BinaryOp.OR:
                return any_of((left, right))
            case BinaryOp.XOR:
                return any_of((all_of((left, negate(right))), all_of((negate(left), right))))
            case _:
                return None

    def _compare(self, expr: Compare, state: State) -> Condition:
        left, right = self.value(expr.left, state), self.value(expr.right, state)
        if isinstance(left, Poly) and isinstance(right, Poly):
            match expr.op:
                case CompareOp.EQ:
                    return equal(left, right)
                case CompareOp.NE:
                    return negate(equal(left, right))
                case CompareOp.LT:
                    return less(left, right)
                case CompareOp.LE:
                    return at_most(left, right)
                case CompareOp.GT:
                    return less(right, left)
                case CompareOp.GE:
                    return at_most(right, left)
        if not isinstance(left, (Poly, Real)) and not isinstance(right, (Poly, Real)):
            same = any_of((all_of((left, right)), all_of((negate(left), negate(right)))))
            return same if expr.op is CompareOp.EQ else negate(same)
        known = compared(expr.op, left, right)
        if known is not None:
            return TRUE if known else FALSE
        return self.opaque(self._real(expr.op.value, left, right))

    def _select(self, expr: Select, state: State) -> Value:
        condition = self.condition(expr.condition, state)
        chosen = state.under(condition)
        other = state.under(negate(condition))
        if chosen is None or other is None:
            return self.value(expr.otherwise if chosen is None else expr.then, state)
        return self.join(
            condition, self.value(expr.then, chosen), self.value(expr.otherwise, other), expr.type
        )

    def join(self, condition: Condition, then: Value, otherwise: Value, type_: Scalar) -> Value:
        """`then if condition else otherwise`."""
        if then == otherwise:
            return then
        if isinstance(then, Poly) and isinstance(otherwise, Poly):
            return self.choice(condition, then, otherwise)
        if not isinstance(then, (Poly, Real)) and not isinstance(otherwise, (Poly, Real)):
            return any_of((all_of((condition, then)), all_of((negate(condition), otherwise))))
        level = max(condition_level(condition), value_level(then), value_level(otherwise))
        return self.unknown(type_, level, "choice")

    def choice(
        self, condition: Condition, then: Poly, otherwise: Poly, bounds: Interval | None = None
    ) -> Poly:
        """One of two; `bounds` if more is known than that it lies where either does."""
        if condition == TRUE or then == otherwise:
            return then
        if condition == FALSE:
            return otherwise
        level = max(condition_level(condition), then.level, otherwise.level)
        (low, high), (other_low, other_high) = self.interval(then), self.interval(otherwise)
        least = min(low, other_low) if low is not None and other_low is not None else None
        most = max(high, other_high) if high is not None and other_high is not None else None
        result = self.launch.terms.fresh("choice", level, *(bounds or (least, most)))
        self.launch.terms.axiom(
            result,
            AnyOf(
                (
                    all_of((condition, equal(result, then))),
                    all_of((negate(condition), equal(result, otherwise))),
                )
            ),
        )
        return result

    def _convert(
        self, value: Value, source: Scalar, target: Scalar, expr: Expr, state: State
    ) -> Value:
        if target == source:
            return value
        if target.is_float:
            return self._real(target.name, value)
        if target == BOOL:
            if isinstance(value, Poly):
                return negate(equal(value, constant(0)))
            real = self._real("bool", value)
            return self.opaque(real)
        if isinstance(value, Poly):
            return self.fitted(value, expr, state)
        if isinstance(value, Real):
            whole = whole_part(self, value, state)
            if whole is not None:
                return self.fitted(whole, expr, state)
            return self.unknown(target, value.level, target.name)
        return self.choice(value, constant(1), constant(0))

    def _real(self, name: str, *operands: Value) -> Real:
        keys: list[str] = [name]
        parts: list[Poly] = []
        level = Level.LAUNCH
        for operand in operands:
            match operand:
                case Poly():
                    parts.append(operand)
                    keys.append("#")
                case Real(key=key, parts=inner, own_level=own):
                    keys.extend(("(", *key, ")"))
                    parts.extend(inner)
                    level = max(level, own)
                case _:
                    keys.append(f"bool'{self.serial()}")
                    level = max(level, condition_level(operand))
        if len(keys) > _LONGEST_KEY:
            level = max((level, *(p.level for p in parts)))
            return Real((f"float'{self.serial()}",), (), level)
        return Real(tuple(keys), tuple(parts), level)

    def _rounded(self, name: str, *operands: Value) -> Real:
        """What arithmetic gives; where it is fast, other places may round the same otherwise."""
        real = self._real(name, *operands)
        if not self.launch.kernel.contract.fast_math:
            return real
        return Real((*real.key, f"at'{self.serial()}"), real.parts, real.own_level)

    # ------------------------------------------------------------ wrap

    def learn(self, state: State, conditions: Iterable[Condition]) -> None:
        """Keep what follows from the path of `state`, for the values that are made next."""
        if not self.exact:
            self._learned.extend((state.path, c) for c in conditions if c not in (TRUE, FALSE))

    def known(self, state: State) -> tuple[Condition, ...]:
        """The path of `state`, and what has been learned to follow from it."""
        if not self._learned:
            return state.path
        news = dict.fromkeys(c for path, c in self._learned if state.path[: len(path)] == path)
        return (*state.path, *(c for c in news if c not in state.path))

    def noted(self, state: State) -> State:
        """The state with what has been learned on its path."""
        if not self._learned:
            return state
        known = self.known(state)
        self._learned.clear()
        self.launch.terms.implied.update(known[len(state.path) :])
        return state if known == state.path else replace(state, path=known)

    def fitted(self, poly: Poly, expr: Expr, state: State) -> Poly:
        """`poly` if it fits the type of `expr`, else what is left of it modulo 2 to the bits."""
        if self.exact:
            return poly
        type_ = expr.type
        low, high = self.interval(poly)
        too_low = low is None or low < type_.min
        too_high = high is None or high > type_.max
        terms = self.launch.terms
        path = self.known(state) if too_low or too_high else state.path
        if too_low or too_high:
            ends = between(terms, path, poly)
            if ends is None:
                return poly
            least, most = ends
            too_low = too_low and (least is None or least < type_.min)
            too_high = too_high and (most is None or most > type_.max)
        # A product stays in its type because another does: `row * w + col < h * w <= len(a)`.
        steps = _PRODUCTS if any(len(m) > 1 for m in poly.terms) else _QUICK
        if too_low and refutes(terms, (*path, less(poly, constant(type_.min))), steps):
            too_low = False
        if too_high and refutes(terms, (*path, less(constant(type_.max), poly)), steps):
            too_high = False
        if too_high and not too_low:
            room = tuple(self.launch.room())
            too_high = not (
                room and refutes(terms, (*path, *room, less(constant(type_.max), poly)), _PRODUCTS)
            )
        if not (too_low or too_high):
            return poly
        self.may_wrap.append(expr.span)
        value = self.havoc("wrap", poly.level, type_.min, type_.max, "a value that may wrap")
        if not _is_product(expr):
            turns = terms.fresh("turns", poly.level)
            terms.axiom(value, equal(value, poly.plus(turns, -(1 << type_.bits))))
        self.wraps.update(dict.fromkeys(value.atoms(), (expr, poly)))
        return value

    def interval(self, poly: Poly) -> Interval:
        """Numbers between which a polynomial lies, from the ranges of its atoms alone."""
        known = self.launch.bounds.get(poly) if self.launch.bounds else None
        if known is not None:
            return known
        low: int | None = 0
        high: int | None = 0
        for monomial, coefficient in poly.terms.items():
            m_low: int | None = 1
            m_high: int | None = 1
            for atom in monomial:
                m_low, m_high = times((m_low, m_high), self._atom_interval(atom))
            m_low, m_high = times((m_low, m_high), (coefficient, coefficient))
            low = low + m_low if low is not None and m_low is not None else None
            high = high + m_high if high is not None and m_high is not None else None
        return low, high

    def _atom_interval(self, atom: Atom) -> Interval:
        known = self._intervals.get(atom)
        if known is None:
            known = self._intervals[atom] = self._form_interval(atom)
        return known

    def _form_interval(self, atom: Atom) -> Interval:
        match atom.form:
            case Variable(low=low, high=high):
                return low, high
            case Element(low=low, high=high) | Bits(low=low, high=high):
                return low, high
            case Alias(definition=p):
                return self.interval(p)
            case Quotient(dividend=p, divisor=q):
                low, high = self.interval(p)
                least = max(self.interval(q)[0] or 1, 1)
                return (
                    low // least
                    if low is not None and low >= 0 and q.value is not None
                    else 0
                    if low is not None and low >= 0
                    else low // least
                    if low is not None
                    else None,
                    high // least
                    if high is not None and high >= 0
                    else -1
                    if high is not None and q.value is None
                    else high // least
                    if high is not None
                    else None,
                )


def _is_product(expr: Expr) -> bool:
    """Whether it multiplies what is no number: of such a product no remainder tells much."""
    if not isinstance(expr, Binary) or expr.op is not BinaryOp.MUL:
        return False
    return not isinstance(expr.left, Const) and not isinstance(expr.right, Const)
