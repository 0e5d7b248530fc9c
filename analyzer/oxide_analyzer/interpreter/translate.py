"""Kernel IR as the text of one Python function that plays one thread.

Arithmetic is calls of `arithmetic`, accesses are calls of `memory`, a barrier is a `yield`, so
the text keeps the shape of the kernel. It is our own text made from typed nodes: no line of it
comes from the user.

    while stride > 0:                       while True:
        if t < stride:                          tick()
            tile[t] += tile[t + stride]         k0 += 1
        sync_threads()                          if not (v2_stride > 0): break
        stride //= 2                   is       if (v0_t < v2_stride):
                                                    i0 = v0_t
                                                    v3 = load_4(me, i0) if 0 <= i0 < d0_0 else …
                                                    …
                                                arrive_7(me)
                                                yield 7, k0
                                                v2_stride = floordiv_i64(v2_stride, 2)

What is yielded names the barrier and the iteration of every loop round it, which is what has to
be equal for threads to meet. A kernel without barriers is a plain function. In a loop with an
atomic the thread also yields `()` on each turn, so that one that spins cannot starve the others.

Locals that a path may leave unassigned start as None and are tested where they are read; the
others are known by definite assignment, done on the way. What `and`, `or` and a conditional do
not reach is not read.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    Barrier,
    Binary,
    Break,
    CheckDivisor,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    For,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    Not,
    Order,
    Param,
    Read,
    Register,
    Return,
    Select,
    Space,
    Special,
    Store,
    Symbol,
    Unary,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Expr, Local, Stmt
    from oxide_analyzer.source import Span

# Statements that facts and failures are keyed by.
Sited: TypeAlias = Load | Store | Atomic | CheckDivisor | Barrier | Return
# The locals that are surely assigned at a place; None where the place cannot be reached.
Assigned: TypeAlias = frozenset[str] | None


@record
class Program:
    """A kernel as Python: `code` defines `thread` and, for scratch arrays, `shapes`.

    `statements` maps sites to their statements, `reads` holds the reads that may find no value,
    in the order of their numbers, `names` maps Python's names of named locals to the source's.
    `suspends` says that `thread` is a generator, `has_barriers` that it may wait, `has_orders`
    that some atomic acquires or releases.
    """

    text: str
    code: CodeType
    constants: Mapping[str, object]
    statements: Mapping[int, Sited]
    reads: tuple[Read, ...]
    names: Mapping[str, str]
    suspends: bool
    has_barriers: bool
    has_orders: bool


_programs: weakref.WeakKeyDictionary[Kernel, Program] = weakref.WeakKeyDictionary()


def translate(kernel: Kernel) -> Program:
    """The kernel as Python; translated once. A kernel with `Symbol`s raises ValueError."""
    program = _programs.get(kernel)
    if program is None:
        program = _programs[kernel] = _Translation(kernel).program()
    return program


def parameter_name(name: str) -> str:
    """Python's name of a scalar parameter."""
    return f"p_{name}"


def dimension_name(kernel: Kernel, array: str, axis: int) -> str:
    """Python's name of the extent of an array."""
    return f"d{list(kernel.arrays).index(array)}_{axis}"


def access_kind(statement: Sited) -> AccessKind:
    """What a thread does at a statement with a site."""
    match statement:
        case Load() | CheckDivisor():
            return AccessKind.READ
        case Store():
            return AccessKind.WRITE
        case Atomic():
            return AccessKind.ATOMIC
        case Barrier():
            return AccessKind.WAIT
        case Return():
            return AccessKind.EXIT


@dataclass
class _Frame:
    """A loop, or the region of a helper that some `Leave` ends early, as a Python loop.

    `label` is the region's, None for a loop; `exits` is what is assigned wherever the region is
    left; `crossing` holds the labels of regions that are left out of it.
    """

    label: int | None
    exits: Assigned = None
    crossing: set[int] = field(default_factory=set[int])


class _Translation:
    """The text written so far, and where in the kernel the writer stands."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.lines: list[str] = []
        self.depth = 1
        self.assigned: Assigned = frozenset()
        self.frames: list[_Frame] = []
        self.counters: list[str] = []
        self.counter = 0
        self.locals: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.optional: set[str] = set()
        self.constants: dict[str, object] = {}
        self.statements: dict[int, Sited] = {}
        self.reads: list[Read] = []

    def program(self) -> Program:
        """Write the whole kernel."""
        inside = list(statements(self.kernel.body))
        has_barriers = any(isinstance(s, Barrier) for s in inside)
        suspends = has_barriers or any(
            isinstance(s, For | While) and _contains(s, Atomic) for s in inside
        )
        shapes = self.shapes()
        self.block(self.kernel.body)
        if has_barriers:
            self.line("finish(me)")
        parameters = [f"{r}_{axis}" for r in ("thread", "block") for axis in range(3)]
        head = [f"shapes = {{{shapes}}}", f"def thread(me, {', '.join(parameters)}):"]
        head += [f" {name} = None" for name in sorted(self.optional)]
        head += [f" {line}" for line in self.undeclared()]
        text = "\n".join([*head, *(self.lines or [" pass"]), ""])
        try:
            code = compile(text, f"<interpreter of {self.kernel.name}>", "exec")
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(f"`{self.kernel.name}` is nested too deeply to be run") from error
        atomics = [s for s in inside if isinstance(s, Atomic)]
        return Program(
            text,
            code,
            self.constants,
            self.statements,
            tuple(self.reads),
            self.names,
            suspends,
            has_barriers,
            any(s.order is not Order.RELAXED for s in atomics),
        )

    def shapes(self) -> str:
        """The items of the mapping from scratch arrays to their shapes."""
        return ", ".join(
            f"{name!r}: ({''.join(self.expression(extent) + ', ' for extent in array.shape)})"
            for name, array in self.kernel.arrays.items()
            if array.space is not Space.GLOBAL
        )

    def undeclared(self) -> list[str]:
        """Local arrays, as they are before their declaration has run."""
        return [
            f"{self.scratch(name)} = undefined_array({name!r})"
            for name, array in self.kernel.arrays.items()
            if array.space is Space.LOCAL
        ]

    # ------------------------------------------------------------ names

    def line(self, text: str) -> None:
        self.lines.append(" " * self.depth + text)

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

    def scratch(self, array: str) -> str:
        return f"a{list(self.kernel.arrays).index(array)}"

    def function(self, name: str, value: object) -> str:
        self.constants[name] = value
        return name

    # ------------------------------------------------------------ statements

    def block(self, block: Block) -> None:
        for statement in block:
            self.statement(statement)

    def suite(self, block: Block) -> None:
        """A block, one level deeper."""
        self.depth += 1
        start = len(self.lines)
        self.block(block)
        if len(self.lines) == start:
            self.line("pass")
        self.depth -= 1

    def statement(self, statement: Stmt) -> None:
        match statement:
            case Assign():
                value = self.expression(statement.value)
                self.assign(statement.target, value)
            case Load() | Store() | Atomic():
                self.statements[statement.site] = statement
                self.access(statement)
            case CheckDivisor():
                self.statements[statement.site] = statement
                self.line(f"check_{statement.site}(me, {self.expression(statement.divisor)})")
            case Declare():
                self.line(f"{self.scratch(statement.array)} = undefined_array({statement.array!r})")
            case Barrier():
                self.statements[statement.site] = statement
                self.line(f"arrive_{statement.site}(me)")
                self.line(f"yield {', '.join([str(statement.site), *self.counters])},")
            case If():
                self.branch(statement)
            case For():
                self.counted_loop(statement)
            case While():
                self.conditional_loop(statement)
            case Break() | Continue():
                if not self.frames or self.frames[-1].label is not None:
                    raise ValueError(f"{statement.span}: no loop to leave or go on with")
                self.line("break" if isinstance(statement, Break) else "continue")
                self.assigned = None
            case Return():
                self.statements[statement.site] = statement
                self.line(f"leave_{statement.site}(me)")
                self.line("return")
                self.assigned = None
            case Inline():
                self.region(statement)
            case Leave():
                self.leave(statement)
            case _:
                assert_never(statement)

    def assign(self, target: Local, value: str) -> None:
        self.line(f"{self.local(target)} = {value}")
        if self.assigned is not None:
            self.assigned |= {target.name}

    def access(self, statement: Load | Store | Atomic) -> None:
        array, site = self.kernel.arrays[statement.array], statement.site
        indices: list[str] = []
        for axis, index in enumerate(statement.index):
            self.line(f"i{axis} = {self.expression(index)}")
            indices.append(f"i{axis}")
        extents = [dimension_name(self.kernel, statement.array, axis) for axis in range(array.rank)]
        inside = " and ".join(f"0 <= {i} < {n}" for i, n in zip(indices, extents, strict=True))
        offset = indices[0]
        for index, extent in zip(indices[1:], extents[1:], strict=True):
            offset = f"({offset}) * {extent} + {index}"
        arguments = f"me, {offset}"
        if array.space is Space.LOCAL:
            arguments = f"me, {self.scratch(statement.array)}, {offset}"
        outside = f"outside_{site}(me, ({', '.join(indices)},))"
        match statement:
            case Load():
                self.assign(
                    statement.target, f"load_{site}({arguments}) if {inside} else {outside}"
                )
            case Store():
                self.line(f"value = {self.expression(statement.value)}")
                self.line(f"store_{site}({arguments}, value) if {inside} else {outside}")
            case Atomic():
                self.line(f"value = {self.expression(statement.value)}")
                step = f"atomic_{site}({arguments}, value)"
                self.assign(statement.target, f"{step} if {inside} else {outside}")

    def branch(self, statement: If) -> None:
        word, exits = "if", None
        while True:
            self.line(f"{word} {self.expression(statement.condition)}:")
            before = self.assigned
            self.suite(statement.then)
            exits = _join(exits, self.assigned)
            self.assigned = before
            match statement.otherwise:
                case (If() as statement,):
                    word = "elif"
                case ():
                    break
                case otherwise:
                    self.line("else:")
                    self.suite(otherwise)
                    break
        self.assigned = _join(exits, self.assigned)

    def counted_loop(self, statement: For) -> None:
        bounds = ", ".join(
            self.expression(bound) for bound in (statement.start, statement.stop, statement.step)
        )
        self.function("steps", _steps)
        counter = self.enter_loop(statement)
        before = self.assigned
        self.line(f"for {self.local(statement.variable)} in steps({bounds}):")
        if self.assigned is not None:
            self.assigned |= {statement.variable.name}
        self.turn(statement, counter)
        self.suite(statement.body)
        # Without a turn nothing is assigned, and every `break` has more assigned than that.
        self.assigned = before
        self.leave_loop(counter)

    def conditional_loop(self, statement: While) -> None:
        counter = self.enter_loop(statement)
        self.line("while True:")
        self.turn(statement, counter)
        self.depth += 1
        self.block(statement.header)
        self.line(f"if not {self.expression(statement.condition)}: break")
        self.depth -= 1
        # Every way out passes the header, so a `break` has at least this much assigned.
        after = self.assigned
        self.suite(statement.body)
        self.assigned = after
        self.leave_loop(counter)

    def enter_loop(self, statement: For | While) -> str | None:
        """Open a frame, and count turns where a barrier has to tell them apart."""
        self.frames.append(_Frame(None))
        if not _contains(statement, Barrier):
            return None
        counter = f"k{self.counter}"
        self.counter += 1
        self.counters.append(counter)
        self.line(f"{counter} = 0")
        return counter

    def turn(self, statement: For | While, counter: str | None) -> None:
        """What each turn of a loop begins with."""
        self.depth += 1
        self.line("tick()")
        if _contains(statement, Atomic):
            self.line("yield ()")
        if counter is not None:
            self.line(f"{counter} += 1")
        self.depth -= 1

    def leave_loop(self, counter: str | None) -> None:
        frame = self.frames.pop()
        if counter is not None:
            self.counters.pop()
        self.cross(frame)

    def region(self, statement: Inline) -> None:
        if not any(
            isinstance(s, Leave) and s.label == statement.label for s in statements(statement.body)
        ):
            self.block(statement.body)
            return
        frame = _Frame(statement.label)
        self.frames.append(frame)
        self.line(f"left{statement.label} = False")
        self.line("while True:")
        self.suite(statement.body)
        self.depth += 1
        self.line("break")
        self.depth -= 1
        self.frames.pop()
        self.assigned = _join(frame.exits, self.assigned)
        self.cross(frame)

    def leave(self, statement: Leave) -> None:
        for frame in reversed(self.frames):
            if frame.label == statement.label:
                frame.exits = _join(frame.exits, self.assigned)
                break
            frame.crossing.add(statement.label)
        else:
            raise ValueError(f"{statement.span}: no region {statement.label} to leave")
        if self.frames[-1].label != statement.label:
            self.line(f"left{statement.label} = True")
        self.line("break")
        self.assigned = None

    def cross(self, frame: _Frame) -> None:
        """Behind a Python loop out of which regions are left: go on leaving."""
        for label in sorted(frame.crossing):
            self.line(f"if left{label}: break")

    # ------------------------------------------------------------ expressions

    def expression(self, e: Expr) -> str:
        match e:
            case Const():
                return self.constant(e)
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
                return f"{name}({self.expression(e.operand)})"
            case Binary():
                name = f"{e.op.name.lower()}_{e.type}"
                self.function(name, arithmetic.binary_function(e.op, e.type))
                return f"{name}({self.expression(e.left)}, {self.expression(e.right)})"
            case Compare() | Logic():
                return f"({self.expression(e.left)} {e.op} {self.expression(e.right)})"
            case Not():
                return f"(not {self.expression(e.operand)})"
            case Select():
                condition = self.expression(e.condition)
                then, otherwise = self.expression(e.then), self.expression(e.otherwise)
                return f"({then} if {condition} else {otherwise})"
            case Convert():
                source = e.operand.type
                name = f"{source}_to_{e.type}"
                self.function(name, arithmetic.conversion(source, e.type))
                return f"{name}({self.expression(e.operand)})"
            case Math():
                name = f"{e.function}_{e.type}"
                self.function(name, arithmetic.math_function(e.function, e.type))
                return f"{name}({self.expression(e.operand)})"
            case _:
                assert_never(e)

    def constant(self, e: Const) -> str:
        value = arithmetic.literal(e.value, e.type)
        if math.isnan(value):
            return self.function("NAN", arithmetic.NAN)
        if value in (arithmetic.INFINITY, -arithmetic.INFINITY):
            self.function("INFINITY", arithmetic.INFINITY)
            return "INFINITY" if value > 0 else "(-INFINITY)"
        return f"({value!r})" if repr(value).startswith("-") else repr(value)

    def read(self, e: Read) -> str:
        name = self.local(e.local)
        if self.assigned is None or e.local.name in self.assigned:
            return name
        self.optional.add(name)
        self.reads.append(e)
        return f"({name} if {name} is not None else unassigned_{len(self.reads) - 1}(me))"


_REGISTERS: dict[Register, str] = {
    Register.THREAD: "thread",
    Register.BLOCK: "block",
    Register.BLOCK_DIM: "block_dim",
    Register.GRID_DIM: "grid_dim",
}


def _join(left: Assigned, right: Assigned) -> Assigned:
    if left is None:
        return right
    return left if right is None else left & right


def _contains(loop: For | While, kind: type[Stmt]) -> bool:
    return any(isinstance(s, kind) for s in statements((loop,)))


def _steps(start: int, stop: int, step: int) -> range | tuple[Any, ...]:
    """A step of zero is an obligation of its own; here it makes no turn."""
    return range(start, stop, step) if step else ()


def end_of(span: Span) -> Span:
    """The empty span behind a kernel: where a thread is that came to the end."""
    return type(span)(span.path, span.end_line, span.end_column, span.end_line, span.end_column)
