"""Functions of floats as formulas, and their LLVM text.

A formula is a Python function over `Term`s: operators append one instruction each, in the order
in which they stand, and nothing is contracted or reordered, so a formula means the same on every
machine.

    def body(code, x):                         %1 = fmul double %a0, %a0
        return fma(x * x, 0.5, x)      is      %2 = call double @llvm.fma.f64(double %1, …)
                                               ret double %2

Selections are without branches, so that a loop over a function vectorises; `Code.either` is for
what is rare and long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from oxide_codegen.lowering.builder import float_bits

if TYPE_CHECKING:
    from collections.abc import Callable

_FLOATS = {"float": 32, "double": 64}


@dataclass
class Code:
    """The instructions of one function so far, and the functions that it calls."""

    lines: list[str] = field(default_factory=list[str])
    calls: dict[str, str] = field(default_factory=dict[str, str])
    _count: int = 0
    _block: str = "start"

    def value(self, type_: str, instruction: str) -> Term:
        """Append an instruction that gives `type_`."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {instruction}")
        return Term(self, name, type_)

    def constant(self, value: float, type_: str) -> Term:
        """A number."""
        bits = _FLOATS.get(type_)
        return Term(self, float_bits(value, bits) if bits else str(int(value)), type_)

    def call(self, name: str, type_: str, *operands: Term) -> Term:
        """Call a function."""
        listed = ", ".join(f"{one.type} {one.text}" for one in operands)
        return self.value(type_, f"call {type_} @{name}({listed})")

    def either(
        self,
        condition: Term,
        then: Callable[[], tuple[Term, ...]],
        otherwise: Callable[[], tuple[Term, ...]],
    ) -> tuple[Term, ...]:
        """What one of two formulas gives, of which only that one is computed."""
        self._count += 1
        first, second, end = (f"{word}{self._count}" for word in ("then", "else", "end"))
        self.lines.append(f"  br i1 {condition.text}, label %{first}, label %{second}")
        found: list[tuple[tuple[Term, ...], str]] = []
        for label, formula in ((first, then), (second, otherwise)):
            self.lines.append(f"{label}:")
            self._block = label
            terms = formula()
            found.append((terms, self._block))
            self.lines.append(f"  br label %{end}")
        self.lines.append(f"{end}:")
        self._block = end
        (one, from_one), (other, from_other) = found
        return tuple(
            self.value(
                a.type, f"phi {a.type} [ {a.text}, %{from_one} ], [ {b.text}, %{from_other} ]"
            )
            for a, b in zip(one, other, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Term:
    """An operand of formulas."""

    code: Code
    text: str
    type: str

    @property
    def is_float(self) -> bool:
        """A float, or else an integer."""
        return self.type in _FLOATS

    def like(self, value: Operand) -> Term:
        """A number of this type."""
        return value if isinstance(value, Term) else self.code.constant(value, self.type)

    def _binary(self, on_floats: str, on_integers: str, other: Operand) -> Term:
        opcode = on_floats if self.is_float else on_integers
        return self.code.value(
            self.type, f"{opcode} {self.type} {self.text}, {self.like(other).text}"
        )

    def __add__(self, other: Operand) -> Term:
        return self._binary("fadd", "add", other)

    def __radd__(self, other: Operand) -> Term:
        return self.like(other) + self

    def __sub__(self, other: Operand) -> Term:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: Operand) -> Term:
        return self.like(other) - self

    def __mul__(self, other: Operand) -> Term:
        return self._binary("fmul", "mul", other)

    def __rmul__(self, other: Operand) -> Term:
        return self.like(other) * self

    def __truediv__(self, other: Operand) -> Term:
        return self._binary("fdiv", "sdiv", other)

    def __rtruediv__(self, other: Operand) -> Term:
        return self.like(other) / self

    def __neg__(self) -> Term:
        if self.is_float:
            return self.code.value(self.type, f"fneg {self.type} {self.text}")
        return self.like(0) - self

    def __and__(self, other: Operand) -> Term:
        return self._binary("and", "and", other)

    def __or__(self, other: Operand) -> Term:
        return self._binary("or", "or", other)

    def __xor__(self, other: Operand) -> Term:
        return self._binary("xor", "xor", other)

    def __lshift__(self, other: Operand) -> Term:
        return self._binary("shl", "shl", other)

    def __rshift__(self, other: Operand) -> Term:
        """Of an integer, keeping its sign."""
        return self._binary("ashr", "ashr", other)

    def __lt__(self, other: Operand) -> Term:
        return self.compare("olt", "slt", other)

    def __le__(self, other: Operand) -> Term:
        return self.compare("ole", "sle", other)

    def __gt__(self, other: Operand) -> Term:
        return self.compare("ogt", "sgt", other)

    def __ge__(self, other: Operand) -> Term:
        return self.compare("oge", "sge", other)

    def equals(self, other: Operand) -> Term:
        """Whether they are equal; NaN is not."""
        return self.compare("oeq", "eq", other)

    def differs(self, other: Operand) -> Term:
        """Whether they are not equal; NaN is not."""
        return self.compare("une", "ne", other)

    def compare(self, on_floats: str, on_integers: str, other: Operand) -> Term:
        """A comparison by LLVM's names."""
        opcode = f"fcmp {on_floats}" if self.is_float else f"icmp {on_integers}"
        right = self.like(other).text
        return self.code.value("i1", f"{opcode} {self.type} {self.text}, {right}")

    def unsigned_shift(self, amount: Operand) -> Term:
        """An integer shifted to the right, zeros coming in."""
        return self._binary("lshr", "lshr", amount)

    def cast(self, opcode: str, type_: str) -> Term:
        """`opcode` of LLVM."""
        return self.code.value(type_, f"{opcode} {self.type} {self.text} to {type_}")

    @property
    def bits(self) -> Term:
        """The bits of a float."""
        return self.cast("bitcast", "i32" if self.type == "float" else "i64")

    @property
    def real(self) -> Term:
        """The float of these bits."""
        return self.cast("bitcast", "float" if self.type == "i32" else "double")


Operand: TypeAlias = "Term | float | int"


def where(condition: Term, then: Operand, otherwise: Operand) -> Term:
    """`then if condition else otherwise`; two numbers are doubles."""
    some = then if isinstance(then, Term) else otherwise
    if not isinstance(some, Term):
        some = condition.code.constant(some, "double")
    one, other = some.like(then), some.like(otherwise)
    text = f"select i1 {condition.text}, {some.type} {one.text}, {some.type} {other.text}"
    return some.code.value(some.type, text)


def fma(x: Term, y: Operand, z: Operand) -> Term:
    """`x * y + z`, rounded once."""
    return _intrinsic("fma", x, y, z)


def absolute(x: Term) -> Term:
    """The magnitude of a float."""
    return _intrinsic("fabs", x)


def nearest(x: Term) -> Term:
    """The integer beside a float, ties to even, as a float."""
    return _intrinsic("roundeven", x)


def floor(x: Term) -> Term:
    """The integer below a float, as a float."""
    return _intrinsic("floor", x)


def root(x: Term) -> Term:
    """The square root of a float."""
    return _intrinsic("sqrt", x)


def with_sign(x: Operand, y: Term) -> Term:
    """`x` with the sign of `y`."""
    return _intrinsic("copysign", y.like(x), y)


def polynomial(x: Term, coefficients: tuple[float, ...]) -> Term:
    """Horner's scheme by fused steps; the highest power comes first."""
    first, *rest = coefficients
    result = x.like(first)
    for coefficient in rest:
        result = fma(result, x, coefficient)
    return result


def define(
    name: str,
    types: tuple[str, ...],
    result: str,
    body: Callable[..., Term],
    attributes: str = "alwaysinline",
) -> dict[str, str]:
    """The text of a function and of those that it calls, by their names."""
    code = Code()
    terms = [Term(code, f"%a{k}", type_) for k, type_ in enumerate(types)]
    value = body(code, *terms)
    signature = ", ".join(f"{term.type} {term.text}" for term in terms)
    lines = "\n".join(code.lines)
    text = f"""
define internal {result} @{name}({signature}) {attributes} nounwind willreturn memory(none) {{
start:
{lines}
  ret {result} {value.text}
}}"""
    return {**code.calls, name: text}


def _intrinsic(name: str, x: Term, *others: Operand) -> Term:
    listed = ", ".join(f"{x.type} {x.like(one).text}" for one in (x, *others))
    return x.code.value(x.type, f"call {x.type} @llvm.{name}.f{_FLOATS[x.type]}({listed})")
