"""The text of one LLVM function while it is written.

Values are names, variables are allocas that `mem2reg` takes away again: a structured program
needs no SSA construction of its own. A block that has ended is followed by a fresh, dead one, so
that statements behind a `return` need no special case.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from oxide_analyzer.interpreter.arithmetic import literal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from oxide_analyzer.language.types import Scalar


class Value(NamedTuple):
    """An operand and its LLVM type."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


_REGISTER_TYPES = {
    "bool": "i1",
    "i8": "i8",
    "u8": "i8",
    "i16": "i16",
    "u16": "i16",
    "i32": "i32",
    "u32": "i32",
    "i64": "i64",
    "u64": "i64",
    "f16": "i16",
    "bf16": "i16",
    "f32": "float",
    "f64": "double",
}


def register_type(scalar: Scalar) -> str:
    """The LLVM type of a value."""
    return _REGISTER_TYPES[scalar.name]


def memory_type(scalar: Scalar) -> str:
    """The LLVM type of an array's element or a parameter: bool is a byte there."""
    return "i8" if scalar.name == "bool" else _REGISTER_TYPES[scalar.name]


def constant(value: float, scalar: Scalar) -> Value:
    """A literal; floats are rounded to their type and written by their bits."""
    if not scalar.is_float:
        return Value(str(int(value)), register_type(scalar))
    if scalar.bits == 16:
        return Value(str(half_bits(float(value), scalar)), "i16")
    return Value(float_bits(float(value), scalar.bits), register_type(scalar))


def half_bits(value: float, scalar: Scalar) -> int:
    """The bits of an f16 or bf16, for which `value` must be one of theirs or is rounded."""
    fitted = float(literal(value, scalar))
    if scalar.name == "f16":
        return int.from_bytes(struct.pack("<e", fitted), "little")
    return int.from_bytes(struct.pack("<f", fitted)[2:], "little")


def float_bits(value: float, bits: int) -> str:
    """A float literal of LLVM: the bits of a double, also for f32, which it must then fit."""
    if bits == 32:
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def metadata(marks: Sequence[str]) -> str:
    """Attachments behind an instruction, each with its comma."""
    return "".join(f", {mark}" for mark in marks)


@dataclass
class Names:
    """Numbers for the metadata nodes of a module; 0 is the first.

    `has_halves` and `has_bfloats` say of the machine that it converts between f16 or bf16 and f32
    by an instruction that is right for all numbers, `fuses_halves` that it has `fma` of those that
    it converts.
    """

    has_halves: bool = True
    has_bfloats: bool = False
    fuses_halves: bool = False
    nodes: list[str] = field(default_factory=list[str])
    _shared: dict[str, str] = field(default_factory=dict[str, str])

    def node(self, text: str) -> str:
        """Define a node; gives its reference."""
        self.nodes.append(text)
        return f"!{len(self.nodes) - 1}"

    def shared(self, text: str) -> str:
        """The reference of a node, the same for the same text."""
        if text not in self._shared:
            self._shared[text] = self.node(text)
        return self._shared[text]

    def reserve(self) -> str:
        """A reference whose node `define` fills in: for nodes that speak of themselves."""
        return self.node("!{}")

    def define(self, reference: str, text: str) -> None:
        """Fill in a reserved node."""
        self.nodes[int(reference[1:])] = text

    def text(self) -> Iterator[str]:
        """The definitions, one a line."""
        return (f"!{number} = {node}" for number, node in enumerate(self.nodes))


class Builder:
    """Instructions of one function: `entry` runs before `lines`."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.functions: dict[str, str] = {}
        self.location = ""
        self._count = 0
        self._ended = False

    def fresh(self, hint: str = "v") -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"%{hint}.{self._count}"

    def label(self, hint: str) -> str:
        """A label that nothing has yet, without its percent sign."""
        self._count += 1
        return f"{hint}.{self._count}"

    def emit(self, instruction: str) -> None:
        """Append an instruction that has no result."""
        if self._ended:
            self.place(self.label("dead"))
        self.lines.append(f"  {instruction}{self.location}")

    def value(self, type_: str, instruction: str) -> Value:
        """Append an instruction; its result is of `type_`."""
        name = self.fresh()
        self.emit(f"{name} = {instruction}")
        return Value(name, type_)

    def variable(self, type_: str, hint: str = "local") -> str:
        """A stack slot of the function."""
        name = self.fresh(hint)
        self.entry.append(f"  {name} = alloca {type_}")
        return name

    def load(self, type_: str, slot: str) -> Value:
        """The value of a stack slot."""
        return self.value(type_, f"load {type_}, ptr {slot}")

    def store(self, value: Value, slot: str) -> None:
        """Set a stack slot."""
        self.emit(f"store {value}, ptr {slot}")

    def place(self, label: str) -> None:
        """Start the block `label`; the one before falls into it unless it has ended."""
        if not self._ended:
            self.lines.append(f"  br label %{label}{self.location}")
        self.lines.append(f"{label}:")
        self._ended = False

    def jump(self, label: str, marks: Sequence[str] = ()) -> None:
        """End the block."""
        self.end(f"br label %{label}{metadata(marks)}")

    def branch(self, condition: str, then: str, otherwise: str, marks: Sequence[str] = ()) -> None:
        """End the block by an i1."""
        self.end(f"br i1 {condition}, label %{then}, label %{otherwise}{metadata(marks)}")

    def end(self, terminator: str) -> None:
        """End the block."""
        self.emit(terminator)
        self._ended = True

    @property
    def ended(self) -> bool:
        """Whether what is appended next cannot be reached."""
        return self._ended

    def binary(self, opcode: str, left: Value, right: Value | str) -> Value:
        """`opcode left, right` of one type."""
        other = right.text if isinstance(right, Value) else right
        return self.value(left.type, f"{opcode} {left}, {other}")

    def compare(self, predicate: str, left: Value, right: Value | str) -> Value:
        """`predicate` holds its opcode: `icmp slt`, `fcmp olt`."""
        other = right.text if isinstance(right, Value) else right
        return self.value("i1", f"{predicate} {left}, {other}")

    def select(self, condition: Value, then: Value | str, otherwise: Value) -> Value:
        """`then if condition else otherwise`, without a branch."""
        first = then.text if isinstance(then, Value) else then
        return self.value(
            otherwise.type, f"select {condition}, {otherwise.type} {first}, {otherwise}"
        )

    def cast(self, opcode: str, operand: Value, type_: str) -> Value:
        """`opcode operand to type_`."""
        return self.value(type_, f"{opcode} {operand} to {type_}")

    def call(self, type_: str, function: str, *operands: Value | str) -> Value:
        """Call a function that gives `type_`."""
        return self.value(type_, f"call {type_} @{function}({', '.join(map(str, operands))})")

    @contextmanager
    def counted(
        self, start: Value | str, stop: Value | str, step: Value | str = "1", mark: str = ""
    ) -> Generator[Value]:
        """A loop over `range(start, stop, step)` of i64, rising; gives the counter."""
        counter = self.variable("i64", "counter")
        head, body, end = self.label("loop"), self.label("body"), self.label("endloop")
        self.store(_i64(start), counter)
        self.place(head)
        index = self.load("i64", counter)
        more = self.compare("icmp slt", index, stop)
        self.branch(more.text, body, end)
        self.place(body)
        yield index
        self.store(self.binary("add", self.load("i64", counter), step), counter)
        self.jump(head, (f"!llvm.loop {mark}",) if mark else ())
        self.place(end)

    def intrinsic(self, name: str, *operands: Value, flags: str = "") -> Value:
        """An intrinsic overloaded on, and giving, the type of its operands."""
        type_ = operands[0].type
        suffix = {"float": "f32", "double": "f64"}.get(type_, type_)
        return self.value(
            type_, f"call {flags}{type_} @llvm.{name}.{suffix}({', '.join(map(str, operands))})"
        )


def _i64(operand: Value | str) -> Value:
    return operand if isinstance(operand, Value) else Value(operand, "i64")
