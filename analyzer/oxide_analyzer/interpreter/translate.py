"""Kernel IR as the text of one Python function that plays one thread.

Accesses are calls, of what `actions` makes for their sites, and a barrier is a `yield`, so the
text keeps the shape of the kernel; `expressions` writes what is computed. It is our own text made
from typed nodes: no line of it comes from the user.

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

What is yielded names the barrier, or the operation of a warp, and the iteration of every loop
round it, which is what has to be equal for threads to meet. A kernel without either is a plain
function. In a loop with an atomic the thread also yields `()` on each turn, so that one that spins
cannot starve the others; for schedules that interrupt threads anywhere there is a second text
(`stepwise`), which yields in front of every access that another thread could see.

Blocks run one after the other, save where one may wait for another: in kernels with `grid_sync`,
or with a `while` loop over an atomic, and in the stepwise text. There each block has its part of
the shared arrays:

    tile[t] = 1.0                  is       i0 = v0_t
                                            value = 1.0
                                            store_2(me, s1 + i0, value) if 0 <= i0 < d1_0 else …
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

from oxide_analyzer.interpreter.expressions import Assigned, Expressions
from oxide_analyzer.interpreter.program import (
    GOES_ON,
    Place,
    Program,
    array_number,
    count_name,
    dimension_name,
    waits_elsewhere,
)
from oxide_analyzer.ir.asks import is_question
from oxide_analyzer.ir.nodes import (
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Continue,
    Declare,
    Fence,
    For,
    Forget,
    Group,
    If,
    Inline,
    Leave,
    Load,
    MatrixOp,
    Order,
    Ownership,
    Print,
    Register,
    Return,
    Space,
    Special,
    Store,
    Told,
    Unsafe,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import expressions, operands, statements

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.program import Check, Sited
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Block, Local, Stmt
    from oxide_analyzer.source import Span

# Of each kernel the text that runs threads as far as they go, the stepwise one, and one that stops
# for a debugger.
_programs: tuple[weakref.WeakKeyDictionary[Kernel, Program], ...] = (
    weakref.WeakKeyDictionary(),
    weakref.WeakKeyDictionary(),
    weakref.WeakKeyDictionary(),
)


def translate(kernel: Kernel, *, stepwise: bool = False, stops: bool = False) -> Program:
    """The kernel as Python; translated once. A kernel with `Symbol`s raises ValueError.

    `stepwise` changes nothing for a kernel without atomics: there is nothing to see between the
    accesses of another thread. `stops` is for threads that run as far as they go: see `stops`.
    """
    stepwise = stepwise and any(isinstance(s, Atomic) for s in statements(kernel.body))
    known = _programs[2 if stops else stepwise]
    program = known.get(kernel)
    if program is None:
        made = _Translation(kernel, stepwise=stepwise and not stops, stops=stops)
        program = known[kernel] = made.program()
    return program


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

    def __init__(self, kernel: Kernel, *, stepwise: bool, stops: bool) -> None:
        self.kernel = kernel
        self.stepwise = stepwise
        self.stops = stops
        self.places: list[Place] = []
        self.helpers = 0
        self.inside = list(statements(kernel.body))
        self.meets = any(isinstance(s, WarpOp) or is_question(s) for s in self.inside)
        self.together = stepwise or waits_elsewhere(kernel)
        self.words = Expressions(kernel)
        self.lines: list[str] = []
        self.depth = 1
        self.frames: list[_Frame] = []
        self.counters: list[str] = []
        self.counter = 0
        self.statements: dict[int, Sited] = {}

    def program(self) -> Program:
        """Write the whole kernel."""
        waits = self.meets or any(isinstance(s, Barrier) for s in self.inside)
        suspends = (
            waits
            or self.together
            or any(isinstance(s, For) and _contains(s, Atomic) for s in self.inside)
        )
        shapes = self.shapes()
        self.block(self.kernel.body)
        self.end()
        if waits:
            self.line("finish(me)")
        if suspends:
            # A `yield` makes it a generator, even where none is reached.
            self.line("return")
            self.line("yield ()")
        parameters = [f"{r}_{axis}" for r in ("thread", "block") for axis in range(3)]
        head = [f"shapes = {{{shapes}}}", f"def thread(me, {', '.join(parameters)}):"]
        head += [f" {name} = None" for name in sorted(self.words.optional)]
        head += [f" {line}" for line in self.start()]
        text = "\n".join([*head, *(self.lines or [" pass"]), ""])
        try:
            code = compile(text, f"<interpreter of {self.kernel.name}>", "exec")
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(f"`{self.kernel.name}` is nested too deeply to be run") from error
        return Program(
            text,
            code,
            self.words.constants,
            self.statements,
            tuple(self.words.reads),
            self.words.names,
            suspends,
            self.meets or self.together,
            self.together,
            self.together or any(_orders(s) for s in self.inside),
            tuple(self.places),
        )

    def shapes(self) -> str:
        """The items of the mapping from scratch arrays to their shapes."""
        return ", ".join(
            f"{name!r}: ({''.join(self.words.text(extent) + ', ' for extent in array.shape)})"
            for name, array in self.kernel.arrays.items()
            if array.space is not Space.GLOBAL
        )

    def start(self) -> list[str]:
        """What a thread begins with: its lane, its block's memory, arrays not declared yet."""
        lines: list[str] = []
        asked = {e.register for e in expressions(self.kernel.body) if isinstance(e, Special)}
        if Register.LANE in asked:
            lines.append("lane_0 = me % threads % 32")
        if Register.WARP in asked:
            lines.append("warp_0 = me % threads // 32")
        if Register.WARPS in asked:
            lines.append("warps_0 = (threads + 31) // 32")
        for name, array in self.kernel.arrays.items():
            if array.space is Space.LOCAL:
                lines.append(f"{self.scratch(name)} = undefined_array({name!r})")
            elif array.space is Space.SHARED and self.together:
                count = count_name(self.kernel, name)
                lines.append(f"{self.part(name)} = me // threads * {count}")
        return lines

    # ------------------------------------------------------------ names

    def line(self, text: str) -> None:
        self.lines.append(" " * self.depth + text)

    def scratch(self, array: str) -> str:
        return f"a{array_number(self.kernel, array)}"

    def part(self, array: str) -> str:
        return f"s{array_number(self.kernel, array)}"

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

    def look(self, span: Span, word: str = "look") -> None:
        """In front of a statement a debugger may stop."""
        if self.stops:
            self.line(f"{word}(me, {len(self.places)})")
            self.places.append(Place(span, self.helpers))

    def end(self) -> None:
        """The thread is done, and a debugger waits for it no more."""
        if self.stops:
            self.line("gone(me)")

    def statement(self, statement: Stmt) -> None:
        if not isinstance(statement, (Breakpoint, Inline, Leave, Declare, Unsafe, While)):
            self.look(statement.span)
        match statement:
            case Breakpoint():
                self.look(statement.span, "halt")
            case Assign():
                value = self.words.copied(statement.value)
                self.assign(statement.target, value)
            case Load() | Store() | Atomic():
                self.statements[statement.site] = statement
                self.access(statement)
            case CheckDivisor() | CheckIndex() | CheckView() | CheckAligned() | Assert():
                self.statements[statement.site] = statement
                self.check(statement)
            case Fence():
                self.statements[statement.site] = statement
                self.line(f"fence_{statement.site}(me)")
            case AsyncCopy() | MatrixOp():
                self.block(statement.body)
            case AsyncCommit():
                self.statements[statement.site] = statement
                self.line(f"commit_{statement.site}(me)")
            case AsyncWait():
                self.statements[statement.site] = statement
                self.line(f"wait_{statement.site}(me)")
            case Print():
                self.statements[statement.site] = statement
                values = "".join(f", {self.words.text(value)}" for value in statement.values)
                self.line(f"print_{statement.site}(me{values})")
            case Forget(told=Told.ACTIVE_LANES):
                self.statements[statement.site] = statement
                self.line(f"arrive_{statement.site}(me)")
                self.line(f"yield {self.wait(statement)}")
                self.assign(statement.target, f"result_{statement.site}(me)")
            case Forget():
                self.statements[statement.site] = statement
                of = "".join(f"{self.words.text(e)}, " for e in statement.of or ())
                self.assign(statement.target, f"forget_{statement.site}(me, ({of}))")
            case Declare():
                self.line(f"{self.scratch(statement.array)} = undefined_array({statement.array!r})")
            case Barrier():
                self.statements[statement.site] = statement
                self.line(f"arrive_{statement.site}(me)")
                self.line(f"yield {self.wait(statement)}")
            case WarpOp():
                self.statements[statement.site] = statement
                self.warp(statement)
            case Unsafe():
                self.block(statement.body)
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
                self.words.assigned = None
            case Return():
                self.statements[statement.site] = statement
                self.line(f"leave_{statement.site}(me)")
                self.end()
                self.line("return")
                self.words.assigned = None
            case Inline():
                self.region(statement)
            case Leave():
                self.leave(statement)
            case _:
                assert_never(statement)

    def assign(self, target: Local, value: str) -> None:
        self.line(f"{self.words.local(target)} = {value}")
        if self.words.assigned is not None:
            self.words.assigned |= {target.name}

    def check(self, statement: Check) -> None:
        values = ", ".join(self.words.text(operand) for operand in operands(statement))
        self.line(f"check_{statement.site}(me, {values})")

    def wait(self, statement: Barrier | WarpOp | Forget) -> str:
        """What names a place where threads meet."""
        return f"{', '.join([str(statement.site), *self.counters])},"

    def warp(self, statement: WarpOp) -> None:
        """A lane outside of the mask waits for nobody."""
        site = statement.site
        brought = [
            "None" if e is None else self.words.text(e)
            for e in (statement.value, statement.lane, statement.mask)
        ]
        self.line(f"if arrive_{site}(me, {', '.join(brought)}): yield {self.wait(statement)}")
        if statement.target is not None:
            self.assign(statement.target, f"result_{site}(me)")

    def access(self, statement: Load | Store | Atomic) -> None:
        array, site = self.kernel.arrays[statement.array], statement.site
        indices: list[str] = []
        for axis, index in enumerate(statement.index):
            self.line(f"i{axis} = {self.words.text(index)}")
            indices.append(f"i{axis}")
        extents = [dimension_name(self.kernel, statement.array, axis) for axis in range(array.rank)]
        inside = " and ".join(f"0 <= {i} < {n}" for i, n in zip(indices, extents, strict=True))
        offset = indices[0]
        for index, extent in zip(indices[1:], extents[1:], strict=True):
            offset = f"({offset}) * {extent} + {index}"
        arguments = f"me, {offset}"
        if array.space is Space.LOCAL:
            arguments = f"me, {self.scratch(statement.array)}, {offset}"
        elif array.space is Space.SHARED and self.together:
            arguments = f"me, {self.part(statement.array)} + {offset}"
        outside = f"outside_{site}(me, ({', '.join(indices)},))"
        match statement:
            case Load():
                self.pause(array)
                self.assign(
                    statement.target, f"load_{site}({arguments}) if {inside} else {outside}"
                )
            case Store():
                self.line(f"value = {self.words.text(statement.value)}")
                self.pause(array)
                self.line(f"store_{site}({arguments}, value) if {inside} else {outside}")
            case Atomic():
                for name, operand in (("value", statement.value), ("wanted", statement.compare)):
                    if operand is not None:
                        self.line(f"{name} = {self.words.text(operand)}")
                        arguments += f", {name}"
                self.pause(array)
                step = f"atomic_{site}({arguments}) if {inside} else {outside}"
                if statement.target is None:
                    self.line(step)
                else:
                    self.assign(statement.target, step)

    def pause(self, array: Array) -> None:
        """In front of an access that others may see, another thread may come first."""
        shared = array.space is not Space.LOCAL and array.ownership is not Ownership.READ_ONLY
        if self.stepwise and shared:
            self.line("yield ()")

    def branch(self, statement: If) -> None:
        word, exits = "if", None
        while True:
            self.line(f"{word} {self.words.text(statement.condition)}:")
            before = self.words.assigned
            self.suite(statement.then)
            exits = _join(exits, self.words.assigned)
            self.words.assigned = before
            match statement.otherwise:
                case (If() as statement,):
                    word = "elif"
                case ():
                    break
                case otherwise:
                    self.line("else:")
                    self.suite(otherwise)
                    break
        self.words.assigned = _join(exits, self.words.assigned)

    def counted_loop(self, statement: For) -> None:
        bounds = ", ".join(
            self.words.text(bound) for bound in (statement.start, statement.stop, statement.step)
        )
        self.words.function("steps", _steps)
        counter = self.enter_loop(statement)
        before = self.words.assigned
        self.line(f"for {self.words.local(statement.variable)} in steps({bounds}):")
        if self.words.assigned is not None:
            self.words.assigned |= {statement.variable.name}
        self.turn(statement, counter)
        self.suite(statement.body)
        # Without a turn nothing is assigned, and every `break` has more assigned than that.
        self.words.assigned = before
        self.leave_loop(counter)

    def conditional_loop(self, statement: While) -> None:
        counter = self.enter_loop(statement)
        self.line("while True:")
        self.turn(statement, counter)
        self.depth += 1
        self.block(statement.header)
        self.line(f"if not {self.words.text(statement.condition)}: break")
        self.depth -= 1
        # Every way out passes the header, so a `break` has at least this much assigned.
        after = self.words.assigned
        self.suite(statement.body)
        self.words.assigned = after
        self.leave_loop(counter)

    def enter_loop(self, statement: For | While) -> str | None:
        """Open a frame, and count turns where a barrier has to tell them apart."""
        self.frames.append(_Frame(None))
        if not _contains(statement, Barrier, WarpOp, Forget):
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
        self.look(statement.span)
        if _contains(statement, Atomic):
            self.line(f"yield {self.between_turns(statement)}")
        if counter is not None:
            self.line(f"{counter} += 1")
        self.depth -= 1

    def between_turns(self, statement: For | While) -> str:
        """What is yielded on each turn: whether the loop ends by itself, where that is asked."""
        ends = isinstance(statement, For) and not _contains(statement, Break, Return, Leave)
        return str(GOES_ON) if ends and any(is_question(s) for s in self.inside) else "()"

    def leave_loop(self, counter: str | None) -> None:
        frame = self.frames.pop()
        if counter is not None:
            self.counters.pop()
        self.cross(frame)

    def region(self, statement: Inline) -> None:
        self.helpers += 1
        self.region_of(statement)
        self.helpers -= 1

    def region_of(self, statement: Inline) -> None:
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
        self.words.assigned = _join(frame.exits, self.words.assigned)
        self.cross(frame)

    def leave(self, statement: Leave) -> None:
        for frame in reversed(self.frames):
            if frame.label == statement.label:
                frame.exits = _join(frame.exits, self.words.assigned)
                break
            frame.crossing.add(statement.label)
        else:
            raise ValueError(f"{statement.span}: no region {statement.label} to leave")
        if self.frames[-1].label != statement.label:
            self.line(f"left{statement.label} = True")
        self.line("break")
        self.words.assigned = None

    def cross(self, frame: _Frame) -> None:
        """Behind a Python loop out of which regions are left: go on leaving."""
        for label in sorted(frame.crossing):
            self.line(f"if left{label}: break")


def _join(left: Assigned, right: Assigned) -> Assigned:
    if left is None:
        return right
    return left if right is None else left & right


def _contains(loop: For | While, *kinds: type[Stmt]) -> bool:
    return any(isinstance(s, kinds) for s in statements((loop,)))


def _orders(statement: Stmt) -> bool:
    """Whether it orders accesses, and is no barrier of a block."""
    match statement:
        case Atomic(order=order):
            return order is not Order.RELAXED
        case WarpOp(function=function):
            return function is WarpFunction.SYNC
        case Barrier(group=group):
            return group is Group.GRID
        case _:
            return isinstance(statement, Fence)


def _steps(start: int, stop: int, step: int) -> range | tuple[Any, ...]:
    """A step of zero is an obligation of its own; here it makes no turn."""
    return range(start, stop, step) if step else ()
