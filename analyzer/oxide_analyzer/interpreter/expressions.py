"""Expressions of the kernel IR as Python expressions, and the locals that they read.

Arithmetic is calls of `arithmetic`. Locals that a path may leave unassigned start as None and are
tested where they are read; the others are known by definite assignment. What a shuffle gives may
be undefined; the local that takes it, and one that it is merely copied to, are tested as well.
What `and`, `or` and a conditional do not reach is not read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias, assert_never

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.interpreter.program import dimension_name, parameter_name
from oxide_analyzer.interpreter.warps import UNDEFINED
from oxide_analyzer.ir.nodes import (
    Apply,
    Assign,
    Binary,
    Compare,
    Const,
    Convert,
    Dim,
    Logic,
    Math,
    Not,
    Param,
    Read,
    Register,
    Reinterpret,
    Select,
    Special,
    Symbol,
    Unary,
    WarpOp,
)
from oxide_analyzer.ir.operators import SHUFFLES
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Expr, Local

# The locals that are surely assigned at a place; None where the place cannot be reached.
Assigned: TypeAlias = frozenset[str] | None

_REGISTERS: dict[Register, str] = {
    Register.THREAD: "thread",
    Register.BLOCK: "block",
    Register.BLOCK_DIM: "block_dim",
    Register.GRID_DIM: "grid_dim",
    Register.LANE: "lane",
    Register.WARP: "warp",
    Register.WARPS: "warps",
}


class Expressions:
    """Writes the expressions of one kernel; `assigned` is what holds where the writer stands."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.assigned: Assigned = frozenset()
        self.locals: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.optional: set[str] = set()
        self.constants: dict[str, object] = {}
        self.reads: list[Read] = []
        self.shuffled = _shuffled(kernel.body)
        if self.shuffled:
            self.constants["UNDEFINED"] = UNDEFINED

    def local(self, local: Local) -> str:
        """Python's name of a local."""
        name = self.locals.get(local.name)
        if name is None:
            number = len(self.locals)
            name = f"v{number}"
            if not local.name.startswith("%"):
                name += f"_{local.source_name}"
                self.names[name] = local.source_name
            self.locals[local.name] = name
        return name

    def function(self, name: str, value: object) -> str:
        """A name of the text, and what it stands for."""
        self.constants[name] = value
        return name

    def copied(self, e: Expr) -> str:
        """The value of an assignment: what is merely copied may be undefined still."""
        return self.read(e, copied=True) if isinstance(e, Read) else self.text(e)

    def text(self, e: Expr) -> str:
        """The Python expression for `e`."""
        match e:
            case Const():
                return self._constant(e)
            case Symbol():
                raise ValueError(f"`{e.name}` has no value: specialise the kernel first")
            case Read():
                return self.read(e)
            case Param():
                return parameter_name(e.name)
            case Dim():
                return dimension_name(self.kernel, e.array, e.axis)
            case Special():
                return f"{_REGISTERS[e.register]}_{e.axis}"
            case Unary():
                name = f"{e.op.name.lower()}_{e.type}"
                self.function(name, arithmetic.unary_function(e.op, e.type))
                return f"{name}({self.text(e.operand)})"
            case Binary():
                name = f"{e.op.name.lower()}_{e.type}"
                self.function(name, arithmetic.binary_function(e.op, e.type))
                return f"{name}({self.text(e.left)}, {self.text(e.right)})"
            case Compare() | Logic():
                return f"({self.text(e.left)} {e.op} {self.text(e.right)})"
            case Not():
                return f"(not {self.text(e.operand)})"
            case Select():
                condition = self.text(e.condition)
                then, otherwise = self.text(e.then), self.text(e.otherwise)
                return f"({then} if {condition} else {otherwise})"
            case Convert():
                source = e.operand.type
                name = f"{source}_to_{e.type}"
                self.function(name, arithmetic.conversion(source, e.type))
                return f"{name}({self.text(e.operand)})"
            case Reinterpret():
                source = e.operand.type
                name = f"{source}_bits_{e.type}"
                self.function(name, arithmetic.reinterpretation(source, e.type))
                return f"{name}({self.text(e.operand)})"
            case Apply():
                raise ValueError(f"`{e.function}` is an open function: put one in its place first")
            case Math():
                name = f"{e.function}_{e.type}"
                self.function(name, arithmetic.math_function(e.function, e.type))
                return f"{name}({', '.join(self.text(operand) for operand in e.operands)})"
            case _:
                assert_never(e)

    def read(self, e: Read, *, copied: bool = False) -> str:
        """A local, tested where it may hold nothing, or nothing defined."""
        name = self.local(e.local)
        tests: list[str] = []
        if self.assigned is not None and e.local.name not in self.assigned:
            self.optional.add(name)
            tests.append(f"{name} is not None")
        if e.local.name in self.shuffled and not copied:
            tests.append(f"{name} is not UNDEFINED")
        if not tests:
            return name
        self.reads.append(e)
        return f"({name} if {' and '.join(tests)} else unassigned_{len(self.reads) - 1}(me))"

    def _constant(self, e: Const) -> str:
        value = arithmetic.literal(e.value, e.type)
        if math.isnan(value):
            return self.function("NAN", arithmetic.NAN)
        if value in (arithmetic.INFINITY, -arithmetic.INFINITY):
            self.function("INFINITY", arithmetic.INFINITY)
            return "INFINITY" if value > 0 else "(-INFINITY)"
        return f"({value!r})" if repr(value).startswith("-") else repr(value)


def _shuffled(body: Block) -> frozenset[str]:
    """The locals that may hold what comes from a lane which took no part."""
    found: set[str] = set()
    copies: list[tuple[str, str]] = []
    for s in statements(body):
        match s:
            case WarpOp(function=function, target=target) if target and function in SHUFFLES:
                found.add(target.name)
            case Assign(target=target, value=Read(local=local)):
                copies.append((local.name, target.name))
            case _:
                pass
    if not found:
        return frozenset()
    while more := {to for source, to in copies if source in found} - found:
        found |= more
    return frozenset(found)
