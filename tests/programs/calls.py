"""Random kernels whose helpers wait: barriers and shared arrays behind calls, returns, rounds.

A helper is written in place of its call, so who comes to its barriers is decided by the branches,
loops and returns round the call, by those inside of it, and by what earlier helpers gave back. The
questions are: do all threads of the block come to the same call in the same round; is the tile that
a helper leaves behind still being read when the next one fills it; is what a helper returns from
shared memory one value for the block; does a `return` end the helper or the kernel; is a view that
is handed on still inside of its base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import I32

from .author import Author
from .program import Lines, Slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .program import Program

_NAMES = (
    "AtomicSlice",
    "DisjointSlice",
    "SharedArray",
    "Slice",
    "atomic",
    "block",
    "block_dim",
    "device",
    "grid_dim",
    "grid_sync",
    "i32",
    "i64",
    "kernel",
    "struct",
    "sync_threads",
    "sync_warp",
    "thread",
    "warp",
)
_PAIR = """
@struct
class Pair:
    low: i32
    high: i32 = 0
""".splitlines()


class Calls(Author):
    """Writes one kernel of helpers that wait."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.block = random.choice([4, 8, 8, 16, 32, 64])
        self.cooperative = random.random() < 0.2
        self.counters: list[str] = []
        # Numbers that a leader hands to the whole block.
        self.shared: list[str] = []
        self.helpers = Lines()
        self.written: dict[str, str] = {}

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random = self.random
        slots = [
            Slot("a", "Slice", I32, 1),
            Slot("out", "DisjointSlice", I32, 1),
            Slot("part", "DisjointSlice", I32, 1),
            Slot("count", "AtomicSlice", I32, 1),
            Slot("n", "", I32, 0),
            Slot("w", "", I32, 0),
        ]
        pool = [
            "n >= 0",
            "n <= 4",
            "w >= 0",
            "w < BLOCK",
            "len(a) >= 1",
            "len(a) == len(out)",
            "len(out) >= grid_dim.x * BLOCK",
            "len(part) >= grid_dim.x",
            "len(part) == len(out)",
            "len(count) >= 1",
        ]
        options = ["block=BLOCK", "domain=1"]
        if self.cooperative:
            options.append("cooperative=True")
        self.lines.depth = 1
        self.body()
        head = ["", f"BLOCK = {self.block}", "", *_PAIR, "", *self.helpers.lines]
        facts = random.sample(pool, random.randrange(1, 6))
        return self.module(seed, _NAMES, head, options, facts, slots)

    # ------------------------------------------------------------ the kernel

    def body(self) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        add("tile = SharedArray(i32, BLOCK)")
        if random.random() < 0.5:
            add("other = SharedArray(i32, (4, BLOCK))")
        else:
            add("other = SharedArray(i32, (BLOCK, 4))")
            self.written["tall"] = ""
        add(f"x = {self.pick('a[i] if i < len(a) else 0', 'i32(t)', 'i32(i) * 2', 'n')}")
        if random.random() < 0.25:
            self.leave()
        pieces = [self.call, self.call, self.call, self.in_branch, self.in_loop, self.in_loop]
        pieces += [self.led, self.led, self.chosen, self.forever, self.pairs, self.rows, self.lanes]
        if self.cooperative:
            pieces += [self.sweep] * 3
        for _ in range(random.randrange(2, 5)):
            random.choice(pieces)()
        if random.random() < 0.7:
            add(f"if i < {self.right('len(out)', 'n', 'len(a)')}:")
            add(f"    out[{self.right('i', 't', 'i ^ 1')}] {self.pick('=', '+=')} x")

    def uniform(self) -> str:
        """A condition that is one for the block."""
        numbers = ["n", "w", "i32(block.x)", *self.counters, *self.shared]
        op, other = self.pick(">", "==", "<", "!="), self.pick("0", "1", "2", "n")
        return f"{self.random.choice(numbers)} {op} {other}"

    def condition(self) -> str:
        """One for the block, or one that looks like it."""
        private = self.pick(
            "t < n", "x > 1", "i < len(a)", "t < BLOCK // 2", "t != 1", "i < len(out)"
        )
        return self.right(self.uniform(), private, chance=0.5)

    def leave(self) -> None:
        """An early return, before barriers."""
        self.lines.add(
            f"if {self.right(self.uniform(), 'i >= len(out)', 't == 3', 'x < 0', chance=0.6)}:"
        )
        if self.random.random() < 0.3:
            self.lines.add("    if i < len(out):")
            self.lines.add("        out[i] = 1")
        self.lines.add("    return")

    def between(self, chance: float = 0.25) -> None:
        self.unless_forgotten("sync_threads()", chance)

    def call(self) -> None:
        """A helper, and a barrier where it needs one."""
        helper = self.random.choice([self.shifted, self.total, self.put, self.early, self.rounds])
        self.lines.add(helper())
        if self.random.random() < 0.2:
            self.lines.add(f"x += tile[{self.pick('t', '0', 'BLOCK - 1 - t')}]")
            self.between()

    def in_branch(self) -> None:
        self.lines.add(f"if {self.condition()}:")
        with self.lines.indented():
            self.call()
            if self.random.random() < 0.2:
                self.leave()
        if self.random.random() < 0.3:
            self.lines.add("else:")
            with self.lines.indented():
                self.call()

    def in_loop(self) -> None:
        """The same helper, round after round."""
        add, r = self.lines.add, self.fresh("r")
        numbers = ["n", "2", "3", "i32(block.x)", *self.shared]
        bound = self.right(self.random.choice(numbers), "t % 3", "x % 3", chance=0.4)
        kind = self.random.randrange(3)
        if kind < 2:
            add(f"for {r} in range({bound if kind else f'i32(min({bound}, 3))'}):")
        else:
            add(f"{r} = i32({self.pick('0', 'BLOCK // 2', '4')})")
            add(f"while {self.condition() if self.errs(0.3) else f'{r} > 0'}:")
            with self.lines.indented():
                add(f"{r} = {r} // 2")
        self.counters.append(f"i32({r})")
        with self.lines.indented():
            if self.random.random() < 0.3:
                add(f"if {self.condition()}:")
                add(f"    {self.pick('break', 'continue', 'break', 'return')}")
            self.call()
            if self.random.random() < 0.25:
                add(f"if {self.condition()}:")
                add(f"    {self.pick('break', 'continue')}")
                self.call()
        self.counters.pop()

    def forever(self) -> None:
        """`while True`, left by a `break`."""
        add, c = self.lines.add, self.fresh("c")
        add(f"{c} = {self.pick('0', 'i32(0)', 'n', '1')}")
        add("while True:")
        self.counters.append(f"i32({c})")
        with self.lines.indented():
            bound = self.right(self.pick("3", "n", "2"), "t % 4", "x", chance=0.4)
            stop = f"if {c} {self.pick('>=', '>=', '==')} {bound}:"
            first = self.random.random() < 0.6
            if first:
                add(stop)
                add("    break")
            add(f"{c} += 1")
            self.call()
            if not first:
                add(stop)
                add("    break")
                if self.random.random() < 0.4:
                    self.call()
        self.counters.pop()

    def led(self) -> None:
        """A number of one thread, handed to all through shared memory."""
        name = self.fresh("b")
        self.lines.add(f"{name} = {self.leader()}")
        if self.lines.depth == 1:
            self.shared.append(name)

    def chosen(self) -> None:
        """`match`, with helpers in its cases."""
        add = self.lines.add
        number = self.random.choice(["n", "w", *self.shared])
        add(f"match {self.right(number, 'i32(t)', 'x', chance=0.5)}:")
        with self.lines.indented():
            for case in ("0", "1 | 2", "_"):
                add(f"case {case}:")
                with self.lines.indented():
                    if self.random.random() < 0.75:
                        self.call()
                    else:
                        add(f"x = {self.pick('x + 1', '0', 'tile[t]')}")

    def pairs(self) -> None:
        """What a struct carries out of a helper."""
        add, p = self.lines.add, self.fresh("p")
        add(f"{p} = {self.ordered()}")
        kind = self.random.randrange(3)
        if kind == 0:
            low, high = self.right(f"{p}.low, {p}.high", f"{p}.high, {p}.low").split(", ")
            add(f"for q in range(max({low}, 0), min({high}, BLOCK)):")
            add(f"    x += {self.pick('1', 'tile[q]', 'i32(q)')}")
        elif kind == 1:
            add(f"if {p}.low {self.right('<=', '<', '>')} {p}.high:")
            with self.lines.indented():
                self.call()
        else:
            add(f"if t == {self.pick(f'{p}.low', f'{p}.high')}:")
            add(f"    tile[{self.right('t', '0', f'{p}.low')}] = x")
            self.between()

    def rows(self) -> None:
        """Views that are handed to helpers."""
        add = self.lines.add
        tall = "tall" in self.written
        kind = self.random.randrange(3)
        if kind == 0:
            row = self.right("t", "t // 2", "BLOCK - 1 - t") if tall else self.right("0", "t % 4")
            add(
                f"{self.filled()}(other[{row}, :], {'t' if self.errs(0.5) or not tall else '0'}, x)"
            )
            self.between()
            if tall:
                add(f"x += {self.summed()}(other[{self.pick('t', '0', 'BLOCK - 1 - t')}, :])")
            else:
                add(f"x += other[{self.pick('0', '0', '1')}, {self.pick('t', 'BLOCK - 1 - t')}]")
            self.between(0.4)
        elif kind == 1:
            add("if (i + 1) * 2 <= len(part):")
            first = self.right("2 * i", "i", "2 * t", "2 * i + 1")
            add(f"    {self.filled()}(part[{first} : {first} + 2], {self.right('0', '1', '2')}, x)")
        else:
            tail = self.fresh("tail")
            add(f"{tail} = a[{self.right('min(i, len(a))', 'i', 't', 'min(n, len(a))')}:]")
            add(f"x += {self.summed()}({tail})")

    def lanes(self) -> None:
        """Warp operations beside barriers, and operations of the whole block."""
        add = self.lines.add
        kind = self.random.randrange(6)
        if kind == 0:
            add(
                f"x = warp.shuffle_{self.pick('down', 'up', 'xor')}(x, {self.pick('1', '2', '16')})"
            )
            self.between(0.5)
        elif kind == 1:
            add(f"if warp.{self.pick('any', 'all')}({self.pick('x > 2', 't < n', 'i < len(a)')}):")
            with self.lines.indented():
                add(self.right("x += warp.reduce_add(1)", "sync_threads()", "x += 1"))
        elif kind == 2:
            name = self.fresh("b")
            given = self.pick("x", "i32(t)", "1 if x > 2 else 0", "n")
            add(f"{name} = block.reduce_{self.pick('add', 'max', 'min', 'or')}({given})")
            if self.lines.depth == 1:
                self.shared.append(f"i32(min({name}, 3))")
        elif kind == 3:
            name = self.fresh("p")
            exclusive = self.right(", exclusive=True", "")
            given = self.right("1 if x > 2 else 0", "x", "1")
            add(f"{name} = block.scan_{self.right('add', 'max')}({given}{exclusive})")
            add(f"if {self.right('x > 2', 'x > 3', 'True')} and 0 <= {name} < BLOCK:")
            add(f"    tile[{name}] = x")
            self.between()
        elif kind == 4:
            self.in_branch_or_loop(f"x = block.reduce_{self.pick('add', 'max')}(x)")
        else:
            add("tile[t] = x")
            add(self.right("sync_threads()", "sync_warp()"))
            place = self.pick("t", "t ^ 1", "BLOCK - 1 - t")
            add(f"x = warp.reduce_{self.pick('add', 'max')}(tile[{place}])")
            self.between()

    def in_branch_or_loop(self, text: str) -> None:
        """A statement at which threads meet, where they may not."""
        if self.random.random() < 0.5:
            self.lines.add(f"if {self.condition()}:")
        else:
            bound = self.right(self.pick("n", "2"), "t % 3", "i32(block.x)", chance=0.5)
            self.lines.add(f"for {self.fresh('r')} in range({bound}):")
        self.lines.add(f"    {text}")

    def sweep(self) -> None:
        """Barriers of the grid, in rounds."""
        add, r = self.lines.add, self.fresh("r")
        bound = self.right(self.pick("n", "2"), "i32(block.x)", *self.shared[-1:], chance=0.4)
        add(f"for {r} in range({bound}):")
        with self.lines.indented():
            if self.random.random() < 0.4:
                self.call()
            add("if t == 0 and block.x < len(part):")
            add(f"    part[{self.right('block.x', '0')}] = x")
            self.unless_forgotten(self.right("grid_sync()", "sync_threads()"))
            add("if len(part) >= grid_dim.x:")
            add(f"    x += part[{self.pick('(block.x + 1) % grid_dim.x', '0', 'block.x')}]")
            self.unless_forgotten(self.right("grid_sync()", "sync_threads()"))

    # ------------------------------------------------------------ helpers

    def helper(self, name: str, head: str, write: Callable[[], None]) -> str:
        """The name of a helper of this kind, which is written where there is none yet."""
        found = self.written.get(name)
        if found is not None and self.random.random() < 0.7:
            return found
        unique = self.fresh(name)
        lines, self.lines = self.lines, Lines()
        self.lines.add()
        self.lines.add("@device")
        self.lines.add(f"def {unique}{head}:")
        with self.lines.indented():
            write()
        written, self.lines = self.lines, lines
        for line in (*written.lines, ""):
            self.helpers.add(line)
        self.written[name] = unique
        return unique

    def put(self) -> str:
        def write() -> None:
            if self.random.random() < 0.3:
                self.unless_forgotten("sync_threads()")
            self.lines.add(f"tile[{self.right('t', 't // 2', 'BLOCK - 1 - t', '0')}] = x")
            self.unless_forgotten("sync_threads()", 0.3)

        name = self.helper("put", "(tile: SharedArray[i32], t: int, x: i32) -> None", write)
        return f"{name}(tile, {self.right('t', 'BLOCK - 1 - t', '0', chance=0.15)}, x)"

    def shifted(self) -> str:
        def write() -> None:
            self.lines.add("tile[t] = x")
            self.unless_forgotten("sync_threads()")
            self.lines.add(
                f"y = tile[{self.pick('(t + 1) % BLOCK', 'BLOCK - 1 - t', 't ^ 1', 't')}]"
            )
            self.unless_forgotten("sync_threads()", 0.35)
            self.lines.add("return y")

        name = self.helper("shifted", "(tile: SharedArray[i32], t: int, x: i32) -> i32", write)
        return f"x = {name}(tile, t, {self.pick('x', 'x', '1', 'n')})"

    def total(self) -> str:
        def write() -> None:
            add = self.lines.add
            add("tile[t] = x")
            self.unless_forgotten("sync_threads()")
            add(f"s = BLOCK {self.right('// 2', '')}".rstrip())
            forever = self.random.random() < 0.4
            add("while True:" if forever else "while s > 0:")
            with self.lines.indented():
                if forever:
                    add(f"if s {self.right('== 0', '<= 1')}:")
                    add("    break")
                add(f"if t {self.right('<', '<=')} s:")
                with self.lines.indented():
                    add(f"tile[t] += tile[{self.right('t + s', 't + 1')}]")
                    if self.errs(0.1):
                        add("sync_threads()")
                self.unless_forgotten("sync_threads()")
                add("s = s // 2")
            if self.random.random() < 0.7:
                add("y = tile[0]")
                self.unless_forgotten("sync_threads()", 0.35)
                add("return y")
            else:
                add("return tile[0]")

        name = self.helper("total", "(tile: SharedArray[i32], t: int, x: i32) -> i32", write)
        return f"x {self.pick('=', '+=')} {name}(tile, t, x)"

    def early(self) -> str:
        """A helper that is left before its barrier, by all or by some."""

        def write() -> None:
            add = self.lines.add
            if self.random.random() < 0.5:
                add("tile[t] = x")
            leaves = self.right(
                self.pick("m > 1", "m == 0", "m < 0"), "x > m", "t < m", "x < 0", chance=0.5
            )
            add(f"if {leaves}:")
            add(f"    return {self.pick('0', 'x', 'm')}")
            self.unless_forgotten("sync_threads()", 0.15)
            add("tile[t] = m")
            self.unless_forgotten("sync_threads()")
            if self.random.random() < 0.4:
                add(f"for k in range({self.pick('2', 'm', 'BLOCK')}):")
                with self.lines.indented():
                    held = f"tile[{self.pick('k % BLOCK', '0', 't')}]"
                    add(f"if {held} {self.pick('>', '==')} {self.pick('x', 'm', '1')}:")
                    add(f"    return {self.pick('i32(k)', 'x')}")
                    if self.random.random() < 0.3:
                        add("sync_threads()")
            add(f"y = tile[{self.pick('BLOCK - 1 - t', '0', 't')}]")
            self.unless_forgotten("sync_threads()")
            add("return y")

        name = self.helper(
            "early", "(tile: SharedArray[i32], t: int, x: i32, m: i32) -> i32", write
        )
        m = self.right(
            self.random.choice(["n", "w", *self.counters, *self.shared]), "x", chance=0.4
        )
        return f"x = {name}(tile, t, x, {m})"

    def rounds(self) -> str:
        """A helper that calls another one in a loop."""
        inner = self.shifted().removeprefix("x = ").split("(")[0]

        def write() -> None:
            add = self.lines.add
            add(f"for k in range({self.right('m', 'x', 't % 2', chance=0.3)}):")
            with self.lines.indented():
                if self.random.random() < 0.4:
                    leaves = self.right("k > 1", "x > m", "t == k", chance=0.4)
                    add(f"if {leaves}:")
                    add(f"    {self.pick('return x', 'break', 'continue')}")
                add(f"x = {inner}(tile, t, x)")
            self.unless_forgotten("sync_threads()", 0.5)
            add("return x")

        name = self.helper(
            "rounds", "(tile: SharedArray[i32], t: int, x: i32, m: i32) -> i32", write
        )
        m = self.random.choice(["n", "2", *self.counters, *self.shared])
        return f"x = {name}(tile, t, x, {m})"

    def leader(self) -> str:
        def write() -> None:
            add = self.lines.add
            self.unless_forgotten("sync_threads()", 0.3)
            add(f"if t == {self.right('0', 'x')}:")
            add("    tile[0] = x")
            self.unless_forgotten("sync_threads()")
            add(f"y = tile[{self.right('0', 't')}]")
            self.unless_forgotten("sync_threads()", 0.35)
            add(f"return {self.pick('y', 'y % 3', 'min(max(y, 0), 3)')}")

        name = self.helper("leader", "(tile: SharedArray[i32], t: int, x: i32) -> i32", write)
        given = self.pick("x", "x", "n", "i32(block.x)")
        if self.random.random() < 0.25:
            add = self.lines.add
            add("if len(count) > 0 and t == 0:")
            add("    x = atomic.add(count, 0, 1)")
        return f"{name}(tile, t, {given})"

    def ordered(self) -> str:
        def write() -> None:
            add = self.lines.add
            add("if x < y:")
            add("    return Pair(x, y)")
            if self.random.random() < 0.3:
                add("if x == y:")
                add("    return Pair(x)")
            add(f"return Pair({self.right('y, x', 'x, y')})")

        name = self.helper("ordered", "(x: i32, y: i32) -> Pair", write)
        numbers = ["n", "w", "1", *self.shared]
        left = self.right(self.random.choice(numbers), "x", "i32(t)", chance=0.4)
        return f"{name}({left}, {self.random.choice(numbers)})"

    def filled(self) -> str:
        def write() -> None:
            add = self.lines.add
            add(f"for k in range({self.right('first', '0')}, len(part)):")
            add("    part[k] = x + i32(k)")

        return self.helper(
            "filled", "(part: DisjointSlice[i32], first: int, x: i32) -> None", write
        )

    def summed(self) -> str:
        def write() -> None:
            add = self.lines.add
            add("s = i32(0)")
            add(f"for k in range({self.right('len(part)', 'len(part) + 1')}):")
            add("    if k > 5:")
            add(f"        {self.pick('break', 'return s')}")
            add("    s += part[k]")
            add("return s")

        return self.helper("summed", "(part: Slice[i32]) -> i32", write)
