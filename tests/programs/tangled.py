"""Random kernels whose control is tangled: who may still be there, and with which values?

Each tangles two numbers in loops, branches, jumps and helpers, and then asks something of them
that holds only if they are the same for all threads, or only if all threads came there: a store
by the one thread whose number it is, a barrier under a condition, stores under opposite
conditions, an element that a neighbour has to have written. Nearly all of it goes well or badly
by a detail of the control before, which is what the analysis must not get wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import F32, I32, I64

from .program import Lines, Program, Slot

if TYPE_CHECKING:
    from random import Random

_HEAD = """\
from oxide import (
    DisjointSlice,
    LocalArray,
    SharedArray,
    Slice,
    block,
    device,
    f32,
    i32,
    i64,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 8
"""


class Tangled:
    """Writes one kernel."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines = Lines()
        self.names = 0
        self.numbers = ["v", "x"]
        self.counters: list[str] = []
        # How often a value or a condition is private, and how often a loop has barriers.
        self.private = random.choice([0.0, 0.1, 0.3, 0.5])
        self.barriers = random.choice([0.0, 0.0, 0.0, 0.3])
        self.loops = 0
        self.in_helper = False
        self.asks_inside = False

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random = self.random
        slots = (
            Slot("a", "Slice", I32, 1),
            Slot("f", "Slice", F32, 1),
            Slot("out", "DisjointSlice", I32, 1),
            Slot("n", "", random.choice([I32, I64]), 0),
            Slot("w", "", I64, 0),
        )
        head = Lines()
        for line in _HEAD.splitlines():
            head.add(line)
        self.lines.add("@device")
        self.lines.add("def tangle(v: int, t: int, n: int, w: int) -> int:")
        self.in_helper = True
        with self.lines.indented():
            self.lines.add("x = v")
            self.statements(random.randrange(1, 4), 2)
            self.lines.add(f"return {random.choice(['v', 'x', '0'])}")
        self.in_helper = False
        self.lines.add()
        self.lines.add()
        facts = [
            *("n >= 0", "w >= 0", "n <= 4", "w <= 9", "len(a) >= 8", "len(f) >= 1", "w < 0"),
            *("len(out) >= 1", "n > w"),
        ]
        chosen = random.sample(facts, random.randrange(4))
        names = ", ".join(s.name for s in slots if any(s.name in fact for fact in chosen))
        requires = f", requires=lambda {names}: {' and '.join(chosen)}" if chosen else ""
        self.lines.add(f"@kernel(block=BLOCK, domain=1{requires})")
        self.lines.add(f"def k({', '.join(slot.declaration for slot in slots)}):")
        with self.lines.indented():
            self.body()
        return Program(seed, head.text() + "\n\n" + self.lines.text(), slots, None)

    def body(self) -> None:
        add, random = self.lines.add, self.random
        add("t, i = thread.x, thread.index_1d()")
        add("tile = SharedArray(i32, 4 * BLOCK)")
        add("mine = LocalArray(i32, 4)")
        if random.random() < 0.8:
            add("for q in range(4):")
            add("    tile[q * BLOCK + t] = 0")
            add("    mine[q] = 0")
            add("sync_threads()")
        add("s = 0.0")
        if random.random() < 0.4:
            add("if len(f) > 0:")
            add(f"    s = f[{random.choice(['0', 't % len(f)'])}]")
        add(f"v, x = {random.choice(['0', '1', 'n', 'w', 't'])}, {random.choice('01')}")
        self.asks_inside = random.random() < 0.3
        self.statements(random.randrange(1, 4), 3)
        if random.random() < 0.5:
            add("sync_threads()")
        self.question()

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # ------------------------------------------------------------ numbers

    def is_private(self) -> bool:
        return self.random.random() < self.private

    def number(self) -> str:
        """An i64."""
        uniform = [*self.numbers, *self.counters, "n", "w", "0", "1", "2", "3"]
        return "t" if self.is_private() else self.random.choice(uniform)

    def expression(self) -> str:
        left, right = self.number(), self.number()
        return self.random.choice([
            left, left, f"{left} + 1", f"{left} + {right}", f"{left} - {right}", f"{left} % 4",
            f"min({left}, {right})", f"max({left}, 0)", f"{left} // 2", f"({left}) & 3",
            f"{left} if {self.condition()} else {right}",
        ])  # fmt: skip

    def condition(self) -> str:
        left, right = self.number(), self.number()
        plain = f"{left} {self.random.choice(['<', '==', '>', '>=', '!='])} {right}"
        if self.in_helper or self.random.random() < 0.85:
            return plain
        return self.random.choice(["s < 1.0", "s < f32(n)", f"{plain} and s > 0.5"])

    # ------------------------------------------------------------ control

    def statements(self, amount: int, depth: int) -> None:
        for _ in range(amount):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        random, add = self.random, self.lines.add
        if self.asks_inside and random.random() < 0.15:
            self.question()
            return
        kinds = [self.assign, self.assign, self.swap]
        if depth:
            kinds += [self.branch, self.branch, self.loop, self.loop, self.repeat]
        if self.loops:
            kinds += [self.jump, self.jump]
        elif not self.in_helper or random.random() < 0.5:
            kinds += [self.leave] if random.random() < 0.25 else []
        if not self.in_helper:
            kinds += [self.touch]
            if depth and random.random() < 0.4:
                kinds += [self.call]
            if random.random() < self.barriers:
                add("sync_threads()")
        kind = random.choice(kinds)
        if kind in (self.branch, self.loop, self.repeat):
            kind(depth - 1)
        else:
            kind()

    def assign(self, depth: int = 0) -> None:
        del depth
        self.lines.add(f"{self.random.choice(self.numbers)} = {self.expression()}")

    def swap(self, depth: int = 0) -> None:
        del depth
        self.lines.add("v, x = x, v")

    def call(self, depth: int = 0) -> None:
        del depth
        number = self.random.choice(self.numbers)
        self.lines.add(f"{number} = tangle({self.number()}, t, i64(n), w)")

    def branch(self, depth: int) -> None:
        random = self.random
        self.lines.add(f"if {self.condition()}:")
        with self.lines.indented():
            self.statements(random.randrange(1, 3), depth)
        if random.random() < 0.4:
            self.lines.add("else:")
            with self.lines.indented():
                self.statements(random.randrange(1, 3), depth)

    def loop(self, depth: int) -> None:
        random = self.random
        counter = random.choice([self.fresh("r"), self.fresh("r"), "x"])
        bound = f"min({self.number()}, 6)"
        head = random.choice([
            "range(3)", "range(4)", f"range({bound})", f"range(0, {bound}, 2)",
            f"range({bound}, 5)", f"range({bound}, -1, -1)",
            "range(t % 3)" if self.is_private() else "range(2)",
        ])  # fmt: skip
        self.lines.add(f"for {counter} in {head}:")
        if counter != "x":
            self.counters.append(counter)
        self.inside(depth)
        if counter != "x":
            self.counters.pop()

    def repeat(self, depth: int) -> None:
        """A `while` that ends after some rounds, whatever else happens in it."""
        counter = self.fresh("c")
        self.lines.add(f"{counter} = 0")
        condition = self.random.choice([f"{counter} < 5", f"{counter} < 5 and {self.condition()}"])
        self.lines.add(f"while {condition}:")
        with self.lines.indented():
            self.lines.add(f"{counter} += 1")
        self.counters.append(counter)
        self.inside(depth)
        self.counters.pop()

    def inside(self, depth: int) -> None:
        self.loops += 1
        with self.lines.indented():
            self.statements(self.random.randrange(1, 4), depth)
        self.loops -= 1

    def jump(self, depth: int = 0) -> None:
        del depth
        jumps = ["break", "break", "continue"]
        jumps.append(self.returned() if self.random.random() < 0.5 else "break")
        self.lines.add(f"if {self.condition()}:")
        self.lines.add(f"    {self.random.choice(jumps)}")

    def leave(self, depth: int = 0) -> None:
        del depth
        self.lines.add(f"if {self.condition()}:")
        self.lines.add(f"    {self.returned()}")

    def returned(self) -> str:
        return f"return {self.random.choice(['v', 'x', '1'])}" if self.in_helper else "return"

    # ------------------------------------------------------------ memory

    def place(self) -> str:
        """An element of `tile` that is this thread's own, if no two numbers are told apart."""
        own = ["t", "t", "t + BLOCK", "2 * BLOCK + t"]
        number = self.random.choice([*self.numbers, *self.counters])
        return self.random.choice([*own, f"{number} % 4 * BLOCK + t"])

    def touch(self, depth: int = 0) -> None:
        del depth
        random, add = self.random, self.lines.add
        number = self.random.choice([*self.numbers, *self.counters])
        array = f"mine[{number} % 4]" if random.random() < 0.3 else f"tile[{self.place()}]"
        if random.random() < 0.6:
            add(f"{array} = i32({random.choice(self.numbers)} % 100)")
        else:
            add(f"{random.choice(self.numbers)} = i64({array})")

    # ------------------------------------------------------------ questions

    def question(self) -> None:
        random, add = self.random, self.lines.add
        number = random.choice(self.numbers)
        kind = random.randrange(9)
        if kind in (6, 7):
            # All threads that come here store: only a place where at most one comes is safe.
            if kind == 7:
                add(f"if {self.condition()}:")
                add("    tile[3 * BLOCK] = i32(t)")
            else:
                add("tile[3 * BLOCK] = i32(t)")
        elif kind == 8:
            add(f"if t == {random.choice('0123')} and {self.condition()}:")
            add("    tile[3 * BLOCK] = 1")
            add("    return")
            add("sync_threads()")
            add(f"if t == 5 and {self.condition()}:")
            add("    tile[3 * BLOCK] = 2")
        elif kind == 0:
            add(f"if {number} == t:")
            add("    tile[3 * BLOCK] = i32(t)")
        elif kind == 1:
            add(f"if {number} > {random.choice(['0', '1', 'n', 'w'])}:")
            add("    sync_threads()")
        elif kind == 2:
            bound = random.choice(["1", "n", "w", "3"])
            add(f"if {number} < {bound} and t == 0:")
            add("    tile[3 * BLOCK] = 1")
            opposite = random.choice([f"{number} >= {bound}", f"{number} > {bound}"])
            add(f"if {opposite} and t == 1:")
            add("    tile[3 * BLOCK] = 2")
        elif kind == 3:
            name = self.fresh("late")
            add(f"{name} = SharedArray(i32, 4 * BLOCK)")
            add(f"{name}[{number} % 4 * BLOCK + t] = 1")
            add("sync_threads()")
            add(
                f"x = i64({name}[{number} % 4 * BLOCK + {random.choice(['(t + 1) % BLOCK', 't'])}])"
            )
        elif kind == 4:
            add("if t == 0:")
            add(f"    tile[{number} % 4 * BLOCK + {random.choice(['0', '3', 'BLOCK - 1'])}] = 1")
        else:
            add(f"if i < len(out) and {number} >= 0:")
            add("    out[i] = i32(x % 50)")
            add("    x = i64(out[i])")
