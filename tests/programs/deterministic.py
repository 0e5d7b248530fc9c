"""Random kernels that are free of races by construction, whatever order the threads take.

A thread writes only what is its own: element `i` of a slice for `i = thread.index_1d()`, the
elements of its grid stride, its own place in a shared array. Shared arrays are written in one
barrier interval and read by all in the next. Atomics add integers, and nobody looks at what they
return; so interpreter, cpu and GPU have to give the same arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.language.types import BOOL, I64, Scalar
from oxide_analyzer.launch import Launch

from .expressions import INTEGERS, Elements, Expressions, Helper
from .program import Lines, Program, Slot, random_contents

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True)
class _Tile:
    """A shared array of one element for each thread of the block."""

    name: str
    type: Scalar


class Deterministic:
    """Writes one kernel."""

    def __init__(self, random: Random, *, floats: bool = True, inexact: bool = False) -> None:
        self.random = random
        self.lines = Lines()
        self.floats = floats
        self.inexact = inexact
        self.names = 0
        self.block = random.choice([1, 4, 8, 16, 32])
        self.at = Expressions(random, floats, inexact)
        self.slots: list[Slot] = []
        self.outputs: list[Slot] = []
        self.counters: list[Slot] = []
        self.tiles: list[_Tile] = []
        self.pairs: list[tuple[str, Scalar, Scalar]] = []
        self.budget = random.randrange(6, 16)

    def program(self, seed: int) -> Program:
        """The whole module, and a launch of its kernel."""
        random = self.random
        head = Lines()
        head.add("import math")
        head.add()
        head.add("from oxide import (")
        for name in _IMPORTS:
            head.add(f"    {name},")
        head.add(")")
        head.add()
        head.add(f"BLOCK = {self.block}")
        head.add(f"SEVEN = {random.randrange(1, 9)}")
        for number in range(random.randrange(3)):
            self.helper(head, number)
        self.parameters()
        self.special_helpers(head)
        parameters = ", ".join(slot.declaration for slot in self.slots)
        requires = " and ".join(f"len({slot.name}) >= 1" for slot in self.slots if slot.rank)
        for slot in self.slots:
            if slot.rank == 2:
                requires += f" and {slot.name}.shape[1] >= 1"
        two = "" if random.random() < 0.9 else ", domain=1"
        head.add()
        head.add()
        names = ", ".join(slot.name for slot in self.slots if slot.rank)
        head.add(f"@kernel(block=BLOCK{two}, requires=lambda {names}: {requires})")
        head.add(f"def k({parameters}):")
        self.lines.depth = 1
        self.body()
        source = head.text() + self.lines.text()
        return Program(seed, source, tuple(self.slots), self.launch())

    def launch(self) -> Launch:
        random = self.random
        grid = random.choice([1, 1, 2, 3])
        threads = grid * self.block
        arrays = {}
        for slot in self.slots:
            if slot.rank:
                length = max(
                    1, random.choice([threads, threads - 1, threads + 3, 5, 1, 2 * threads])
                )
                shape = (length,) if slot.rank == 1 else (length, random.randrange(1, 4))
                arrays[slot.name] = random_contents(random, slot.type, shape)
        scalars = {
            slot.name: random_contents(random, slot.type, (1,)).values[0]
            for slot in self.slots
            if not slot.rank
        }
        return Launch((grid, 1, 1), (self.block, 1, 1), scalars, arrays)

    # ------------------------------------------------------------ declarations

    def fresh(self, prefix: str = "v") -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def parameters(self) -> None:
        random = self.random
        for number in range(random.randrange(1, 4)):
            rank = random.choice([1, 1, 2])
            slot = Slot(f"a{number}", "Slice", self.at.type(), rank)
            self.slots.append(slot)
            name = slot.name
            hole = f"{name}[({{}}) % len({name})]"
            if rank == 2:
                hole = f"{name}[({{0}}) % len({name}), ({{0}}) % {name}.shape[1]]"
            self.at.elements.append(Elements(slot.type, hole))
        for number in range(random.randrange(1, 3)):
            slot = Slot(f"out{number}", "DisjointSlice", self.at.type(), random.choice([1, 1, 2]))
            self.slots.append(slot)
            self.outputs.append(slot)
        if random.random() < 0.4:
            slot = Slot("count", "AtomicSlice", random.choice(INTEGERS), 1)
            self.slots.append(slot)
            self.counters.append(slot)
        for number in range(random.randrange(3)):
            slot = Slot(f"s{number}", "", random.choice([*self.at.types, BOOL]), 0)
            self.slots.append(slot)
            self.at.variables[slot.name] = slot.type
            self.at.fixed.add(slot.name)

    def helper(self, head: Lines, number: int) -> None:
        """A device function with branches, a loop and early returns."""
        random = self.random
        result = self.at.type()
        parameters = tuple(self.at.type() for _ in range(random.randrange(1, 4)))
        inside = Expressions(random, self.floats, self.inexact, helpers=list(self.at.helpers))
        inside.variables = {f"x{k}": type for k, type in enumerate(parameters)}
        inside.fixed = set(inside.variables)
        name = f"helper{number}"
        signature = ", ".join(f"x{k}: {type}" for k, type in enumerate(parameters))
        head.add()
        head.add()
        head.add("@device")
        head.add(f"def {name}({signature}) -> {result}:")
        head.depth = 1
        head.add(f"r = {inside.expression(result, 2)}")
        inside.variables["r"] = result
        if random.random() < 0.6:
            head.add(f"if {inside.condition(1)}:")
            head.add(f"    return {inside.expression(result, 1)}")
        if random.random() < 0.5:
            head.add(f"for n in range({random.randrange(4)}):")
            inside.variables["n"] = I64
            head.add(f"    r = {inside.expression(result, 2)}")
            if random.random() < 0.5:
                head.add(f"    if {inside.condition(1)}:")
                head.add(f"        return {inside.expression(result, 1)}")
            del inside.variables["n"]
        head.add(f"return {inside.expression(result, 2)}")
        head.depth = 0
        self.at.helpers.append(Helper(name, parameters, result))

    def special_helpers(self, head: Lines) -> None:
        """A helper that returns a pair, and one that takes a slice."""
        if self.random.random() < 0.4:
            first, second = self.at.type(), self.at.type()
            inside = Expressions(self.random, self.floats, self.inexact)
            inside.variables = {"x": first, "y": second}
            head.add()
            head.add()
            head.add("@device")
            head.add(f"def pair(x: {first}, y: {second}) -> tuple[{second}, {first}]:")
            head.add(f"    if {inside.condition(1)}:")
            head.add(f"        return {inside.expression(second, 1)}, x")
            head.add(f"    return y, {inside.expression(first, 2)}")
            self.pairs.append(("pair", first, second))
        slot = next((slot for slot in self.slots if slot.form == "Slice" and slot.rank == 1), None)
        if slot is not None and self.random.random() < 0.4:
            head.add()
            head.add()
            head.add("@device")
            head.add(f"def element(a: Slice[{slot.type}], j: int) -> {slot.type}:")
            head.add("    return a[j % len(a)]")
            self.at.elements.append(Elements(slot.type, f"element({slot.name}, {{}})"))

    # ------------------------------------------------------------ statements

    def body(self) -> None:
        add, random = self.lines.add, self.random
        add("t, i = thread.x, thread.index_1d()")
        self.at.variables |= {"t": I64, "i": I64}
        self.at.fixed |= {"t", "i"}
        for _ in range(random.randrange(1, 4)):
            self.assignment()
        for _ in range(random.choice([0, 0, 1, 2])):
            self.tile()
        while self.budget > 0:
            self.budget -= 1
            random.choice([self.phase, self.statement, self.statement])()
        if random.random() < 0.3:
            # Behind the last barrier a thread may go when it likes.
            add(f"if {self.at.condition(2)}:")
            add("    return")
            self.statement()
        for slot in self.outputs:
            self.store(slot)

    def tile(self) -> None:
        tile = _Tile(self.fresh("tile"), self.at.type())
        self.tiles.append(tile)
        self.lines.add(f"{tile.name} = SharedArray({tile.type}, BLOCK)")

    def phase(self) -> None:
        """Something that every thread of the block does together."""
        random, add = self.random, self.lines.add
        kind = random.randrange(6)
        if kind == 0 and self.counters == [] and random.random() < 0.7:
            self.shared_histogram()
        elif kind == 1 and self.tiles:
            uniform = [n for n, of in self.at.variables.items() if n.startswith("s") and of == I64]
            bound = f"({random.choice(uniform)} & 3)" if uniform else str(random.randrange(4))
            counter = self.fresh("n")
            add(f"for {counter} in range({bound}):")
            with self.at.scope(), self.lines.indented():
                self.at.variables[counter] = I64
                self.at.fixed.add(counter)
                self.exchange()
        elif kind == 2 and self.tiles:
            add(f"if grid_dim.x > {random.randrange(3)}:")
            with self.at.scope(), self.lines.indented():
                self.exchange()
        elif self.tiles:
            self.exchange()
        else:
            self.statement()

    def exchange(self) -> None:
        """Write one's own place of a tile; behind a barrier read any; a barrier again."""
        tile, add = self.random.choice(self.tiles), self.lines.add
        add(f"{tile.name}[t] = {self.at.expression(tile.type, 2)}")
        if self.random.random() < 0.3:
            with self.branch():
                add(f"{tile.name}[t] = {self.at.expression(tile.type, 1)}")
        add("sync_threads()")
        everyone = Elements(tile.type, f"{tile.name}[({{}}) % BLOCK]")
        self.at.elements.append(everyone)
        for _ in range(self.random.randrange(1, 4)):
            self.statement()
        self.at.elements.remove(everyone)
        add("sync_threads()")

    def shared_histogram(self) -> None:
        """Atomics on a shared array, between the barriers that clear and read it."""
        name, type, add = self.fresh("bins"), self.random.choice(INTEGERS), self.lines.add
        add(f"{name} = SharedArray({type}, BLOCK)")
        add(f"{name}[t] = {self.at.literal(type)}")
        add("sync_threads()")
        for _ in range(self.random.randrange(1, 3)):
            with self.branch():
                value = self.at.expression(type, 1)
                add(f"atomic.add({name}, ({self.at.index()}) % BLOCK, {value})")
        add("sync_threads()")
        self.at.elements.append(Elements(type, f"{name}[({{}}) % BLOCK]"))

    def statement(self) -> None:
        """Something that a thread does for itself."""
        kinds = [self.assignment] * 4 + [self.update] * 3
        kinds += [self.alternatives, self.counted, self.conditional, self.swap, self.private_array]
        kinds += [self.count, self.stores, self.strided, self.pair]
        self.random.choice(kinds)()

    def assignment(self) -> None:
        name, type = self.fresh(), self.at.type()
        self.lines.add(f"{name} = {self.at.expression(type)}")
        self.at.variables[name] = type

    def update(self) -> None:
        names = self.at.assignable()
        if not names:
            return self.assignment()
        name = self.random.choice(names)
        type = self.at.variables[name]
        if self.random.random() < 0.5:
            op = self.random.choice("+-*" if type.is_float else "+-*&|^")
            return self.lines.add(f"{name} {op}= {self.at.expression(type, 2)}")
        return self.lines.add(f"{name} = {self.at.expression(type)}")

    def swap(self) -> None:
        names = self.at.assignable()
        if names:
            name = self.random.choice(names)
            type = self.at.variables[name]
            others = [n for n in names if self.at.variables[n] == type and n != name]
            if not others:
                return
            other = self.random.choice(others)
            self.lines.add(f"{name}, {other} = {self.at.expression(type, 1)}, {name}")

    def branch(self):
        """A condition, or nothing, round what follows."""
        if self.random.random() < 0.5:
            self.lines.add(f"if {self.at.condition(1)}:")
            return self.lines.indented()
        return self.lines.indented(0)

    def nested(self) -> None:
        with self.at.scope(), self.lines.indented():
            self.update()
            if self.budget > 0 and self.random.random() < 0.5:
                self.budget -= 1
                self.statement()

    def alternatives(self) -> None:
        self.lines.add(f"if {self.at.condition()}:")
        self.nested()
        if self.random.random() < 0.3:
            self.lines.add(f"elif {self.at.condition()}:")
            self.nested()
        if self.random.random() < 0.5:
            self.lines.add("else:")
            self.nested()

    def leave_or_skip(self) -> None:
        if self.random.random() < 0.4:
            self.lines.add(f"if {self.at.condition(1)}:")
            self.lines.add(f"    {self.random.choice(['break', 'continue'])}")

    def counted(self) -> None:
        """A counted loop; its variable may be assigned, and is known behind it if it ran."""
        counter = self.fresh("n")
        bound = self.random.choice(["SEVEN", "3", f"(({self.at.index(1)}) & 3)"])
        ranges = ["{}", "1, {} + 1", "{}, -1, -1", "0, {}, 2", "5, {} - 3, -3"]
        bounds = self.random.choice(ranges).format(bound)
        self.lines.add(f"for {counter} in range({bounds}):")
        with self.at.scope():
            self.at.variables[counter] = I64
            with self.lines.indented():
                self.leave_or_skip()
            self.nested()
        if bounds in ("SEVEN", "3"):
            self.at.variables[counter] = I64

    def pair(self) -> None:
        """Two variables from a helper that returns a pair."""
        if self.pairs:
            name, first, second = self.random.choice(self.pairs)
            left, right = self.fresh(), self.fresh()
            arguments = f"{self.at.expression(first, 2)}, {self.at.expression(second, 2)}"
            self.lines.add(f"{left}, {right} = {name}({arguments})")
            self.at.variables |= {left: second, right: first}

    def conditional(self) -> None:
        counter = self.fresh("w")
        self.lines.add(f"{counter} = ({self.at.index(1)}) & 7")
        self.lines.add(f"while {counter} > 0:")
        with self.at.scope():
            self.at.variables[counter] = I64
            self.at.fixed.add(counter)
            with self.lines.indented():
                self.lines.add(f"{counter} {self.random.choice(['-=', '//='])} 2")
                self.leave_or_skip()
            self.nested()

    def private_array(self) -> None:
        name, type, size = self.fresh("own"), self.at.type(), self.random.randrange(1, 5)
        add = self.lines.add
        add(f"{name} = LocalArray({type}, {size})")
        counter = self.fresh("n")
        add(f"for {counter} in range({size}):")
        with self.at.scope(), self.lines.indented():
            self.at.variables[counter] = I64
            add(f"{name}[{counter}] = {self.at.expression(type, 1)}")
        add(f"{name}[({self.at.index()}) % {size}] = {self.at.expression(type, 2)}")
        result = self.fresh()
        add(f"{result} = {name}[({self.at.index()}) % {size}]")
        self.at.variables[result] = type

    def count(self) -> None:
        for slot in self.counters:
            with self.branch():
                index = f"({self.at.index()}) % len({slot.name})"
                self.lines.add(
                    f"atomic.add({slot.name}, {index}, {self.at.expression(slot.type, 2)})"
                )

    def stores(self) -> None:
        self.store(self.random.choice(self.outputs))

    def store(self, slot: Slot) -> None:
        """To the thread's own element."""
        own = f"{slot.name}[i]"
        if slot.rank == 2:
            own = f"{slot.name}[i, ({self.at.index(1)}) % {slot.name}.shape[1]]"
        self.lines.add(f"if i < len({slot.name}):")
        with self.lines.indented():
            op = self.random.choice(["=", "=", "+="])
            self.lines.add(f"{own} {op} {self.at.expression(slot.type)}")

    def strided(self) -> None:
        slot = self.random.choice(self.outputs)
        counter = self.fresh("g")
        self.lines.add(f"for {counter} in grid_stride(len({slot.name})):")
        with self.at.scope(), self.lines.indented():
            self.at.variables[counter] = I64
            where = counter if slot.rank == 1 else f"{counter}, 0"
            self.lines.add(f"{slot.name}[{where}] = {self.at.expression(slot.type, 2)}")


_IMPORTS = (
    "AtomicSlice",
    "DisjointSlice",
    "DisjointSlice2D",
    "LocalArray",
    "SharedArray",
    "Slice",
    "Slice2D",
    "atomic",
    "device",
    "f32",
    "f64",
    "grid_dim",
    "grid_stride",
    "i32",
    "i64",
    "kernel",
    "sync_threads",
    "thread",
    "u32",
    "u64",
)
