"""Random expressions of the kernel language, each of exactly the type that was asked for.

They never fail: divisors are odd (`e | 1`), indices are taken modulo the length, shifts may be
by any amount, since the language defines all of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.language.types import BOOL, F32, F64, I32, I64, U32, U64, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

INTEGERS = (I32, I64, U32, U64)
FLOATS = (F32, F64)


@dataclass(frozen=True)
class Elements:
    """Something to load from: `text` has a hole for an index that is any i64."""

    type: Scalar
    text: str


@dataclass(frozen=True)
class Helper:
    """A device function of scalars."""

    name: str
    parameters: tuple[Scalar, ...]
    result: Scalar


@dataclass
class Expressions:
    """What expressions may name at one place of a program.

    `inexact` admits functions whose last bits differ between devices.
    """

    random: Random
    floats: bool = True
    inexact: bool = False
    variables: dict[str, Scalar] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    elements: list[Elements] = field(default_factory=list)
    helpers: list[Helper] = field(default_factory=list)

    @property
    def types(self) -> tuple[Scalar, ...]:
        return INTEGERS + FLOATS if self.floats else INTEGERS

    def type(self) -> Scalar:
        """A type for a new variable or array."""
        return self.random.choice(self.types)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Variables first assigned within are not known behind it."""
        variables, elements = dict(self.variables), list(self.elements)
        yield
        self.variables, self.elements = variables, elements

    def assignable(self) -> list[str]:
        """The variables that may change: not parameters, not counters of loops."""
        return [name for name in self.variables if name not in self.fixed]

    def expression(self, type: Scalar, depth: int = 3) -> str:
        """An expression of `type`."""
        if type == BOOL:
            return self.condition(depth)
        choices = [self.leaf]
        if depth > 0:
            choices = [self.leaf, self.conversion, self.choice, self.call, self.extremum]
            choices += [self.operation] * 6 + [self.load] * 2
        return self.random.choice(choices)(type, depth - 1)

    def index(self, depth: int = 2) -> str:
        """An i64 of any value."""
        return self.expression(I64, depth)

    def leaf(self, type: Scalar, depth: int = 0) -> str:
        del depth
        names = [name for name, of in self.variables.items() if of == type]
        if self.random.random() < 0.25:
            return self.literal(type)
        if names and self.random.random() < 0.8:
            return self.random.choice(names)
        others = list(self.variables)
        return f"{type}({self.random.choice(others)})" if others else self.literal(type)

    def literal(self, type: Scalar) -> str:
        if type.is_float:
            value = self.random.choice([0.0, 1.0, 0.5, -1.5, 3.0, 1e10, -0.1, 1e-3, 100.25])
            return f"{type}({value})"
        near = [0, 1, 2, 3, 5, 7, 31, 100, type.max, type.max // 3]
        if type.is_signed:
            near += [-1, -2, -7, type.min]
        return f"{type}({self.random.choice(near)})"

    def operation(self, type: Scalar, depth: int) -> str:
        left = self.expression(type, depth)
        if self.random.random() < 0.12:
            sign = self.random.choice("-" if type.is_float else "-~")
            return f"({sign}{left})"
        right = self.expression(type, depth)
        if type.is_float:
            return (
                f"({left} {self.random.choice(['+', '-', '*', '/', '+', '-', '//', '%'])} {right})"
            )
        op = self.random.choice(["+", "-", "*", "+", "-", "&", "|", "^", "<<", ">>", "//", "%"])
        if op in ("//", "%"):
            right = f"({right} | 1)"
        if op in ("<<", ">>"):
            # A literal amount must not be negative.
            right = f"({right} & 63)" if self.random.random() < 0.8 else self.leaf_variable(type)
        return f"({left} {op} {right})"

    def leaf_variable(self, type: Scalar) -> str:
        names = [name for name, of in self.variables.items() if of == type]
        return self.random.choice(names) if names else f"{type}(3)"

    def conversion(self, type: Scalar, depth: int) -> str:
        source = self.random.choice((*self.types, BOOL))
        return f"{type}({self.expression(source, depth)})"

    def choice(self, type: Scalar, depth: int) -> str:
        then, otherwise = self.expression(type, depth), self.expression(type, depth)
        return f"({then} if {self.condition(depth)} else {otherwise})"

    def extremum(self, type: Scalar, depth: int) -> str:
        name = self.random.choice(["min", "max", "abs", "math.sqrt", "math.exp"])
        if name == "abs":
            return f"abs({self.expression(type, depth)})"
        if name.startswith("math"):
            if not type.is_float:
                return self.operation(type, depth)
            if name == "math.exp" and not self.inexact:
                name = "math.sqrt"
            return f"{name}({self.expression(type, depth)})"
        return f"{name}({self.expression(type, depth)}, {self.expression(type, depth)})"

    def load(self, type: Scalar, depth: int) -> str:
        sources = [of for of in self.elements if of.type == type]
        if not sources:
            return self.leaf(type)
        return self.random.choice(sources).text.format(self.index(min(depth, 1)))

    def call(self, type: Scalar, depth: int) -> str:
        helpers = [helper for helper in self.helpers if helper.result == type]
        if not helpers:
            return self.operation(type, depth)
        helper = self.random.choice(helpers)
        arguments = ", ".join(self.expression(of, min(depth, 1)) for of in helper.parameters)
        return f"{helper.name}({arguments})"

    def condition(self, depth: int = 2) -> str:
        """A bool."""
        kind = self.random.randrange(6 if depth > 0 else 1)
        if kind == 1:
            joint = self.random.choice(["and", "or"])
            return f"({self.condition(depth - 1)} {joint} {self.condition(depth - 1)})"
        if kind == 2:
            return f"(not {self.condition(depth - 1)})"
        type = self.type()
        sides = [self.expression(type, max(depth - 1, 0)) for _ in range(3 if kind == 3 else 2)]
        ops = [self.random.choice(["<", "<=", ">", ">=", "==", "!="]) for _ in sides]
        text = sides[0]
        for op, side in zip(ops, sides[1:], strict=False):
            text += f" {op} {side}"
        return f"({text})"
