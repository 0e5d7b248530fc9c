"""Random kernels that may or may not be safe: what a prover must not be fooled by.

Made of what real kernels are made of: guards, early returns, strided loops, trees over a shared
tile, coarsening, 2-D indices, data as indices. Each piece is right about as often as it is wrong:
an index shifted by one, a guard against the wrong bound, a barrier dropped or put in a branch,
a stride that overlaps. So a good part of the kernels is safe, and the rest is nearly so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import I32, I64, U32

from .program import Lines, Program, Slot

if TYPE_CHECKING:
    from random import Random


class Wild:
    """Writes one kernel."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines = Lines()
        self.names = 0
        self.block = random.choice([8, 16, 32])
        self.fixed_block = random.random() < 0.75
        self.two_dimensional = random.random() < 0.2
        # Of how many mistakes that could be made this author makes how many.
        self.carelessness = random.choice([0.0, 0.3, 1.0])
        self.size = "BLOCK" if self.fixed_block else "block_dim.x"
        self.slots: list[Slot] = []
        self.tile_size = "BLOCK"
        self.values = ["1", "t", "i"]
        self.uniform = ["n", "BLOCK", "2", "3", "block.x"]
        self.counters: list[str] = []

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random = self.random
        rank = 2 if self.two_dimensional else 1
        self.slots = [
            Slot("a", "Slice", I32, 1),
            Slot("out", "DisjointSlice", I32, rank),
            Slot("other", "DisjointSlice", random.choice([I32, I64]), 1),
            Slot("count", "AtomicSlice", random.choice([I32, U32]), 1),
            Slot("n", "", random.choice([I32, I32, I64, U32]), 0),
            Slot("w", "", I32, 0),
        ]
        head = Lines()
        head.add("from oxide import (")
        for name in _IMPORTS:
            head.add(f"    {name},")
        head.add(")")
        head.add()
        head.add(f"BLOCK = {self.block}")
        head.add()
        head.add()
        head.add("@device")
        head.add("def clamped(x: int, high: int) -> int:")
        head.add("    if x < 0:")
        head.add("        return 0")
        head.add("    if x >= high:")
        head.add("        return high - 1")
        head.add("    return x")
        head.add()
        head.add()
        head.add(f"@kernel({self.contract()})")
        head.add(f"def k({', '.join(slot.declaration for slot in self.slots)}):")
        self.lines.depth = 1
        self.body()
        return Program(seed, head.text() + self.lines.text(), tuple(self.slots), None)

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def contract(self) -> str:
        random = self.random
        options = []
        if self.fixed_block:
            options.append("block=(BLOCK, 4)" if self.two_dimensional else "block=BLOCK")
        if not self.two_dimensional and random.random() < 0.3:
            options.append("domain=1")
        total = f"grid_dim.x * {self.size}"
        pool = [
            "len(a) == len(out)",
            "len(a) >= len(out)",
            "n >= 0",
            "w >= 1",
            "n <= len(out)",
            "n <= len(a)",
            "len(other) == len(out)",
            "len(other) >= grid_dim.x",
            f"len(out) >= {total}",
            f"len(a) >= {total}",
            f"len(other) == {total}",
            f"len(other) >= 2 * {total}",
            "len(count) >= 1",
            "len(count) >= BLOCK",
            "n < 100",
            "w == BLOCK",
            "n == grid_dim.x",
        ]
        if not self.fixed_block:
            pool.append("block_dim.x == BLOCK")
            pool.append("block_dim.x <= BLOCK")
        chosen = random.sample(pool, random.randrange(1, 7))
        names = ", ".join(s.name for s in self.slots if any(s.name in c for c in chosen))
        options.append(
            f"requires=lambda {names}: {' and '.join(chosen)}".replace("lambda :", "lambda:")
        )
        return ", ".join(options)

    # ------------------------------------------------------------ the body

    def body(self) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        if self.two_dimensional:
            add("row, col = thread.index_2d()")
        sizes = ["BLOCK", "BLOCK", "BLOCK + 1", "2 * BLOCK", "BLOCK // 2"]
        self.tile_size = random.choice(sizes)
        if random.random() < 0.7:
            self.values.append("x0")
            add(f"x0 = {self.loaded()}")
        pieces = [
            self.own_element,
            self.own_element,
            self.strided_loop,
            self.coarsened,
            self.per_block,
            self.early_return,
            self.count,
            self.data_index,
            self.divide,
            self.private_array,
            self.branch_local,
            self.narrow_index,
        ]
        if self.two_dimensional:
            pieces += [self.matrix] * 4
        tiled = random.random() < 0.6
        if tiled:
            add(f"tile = SharedArray(i32, {self.tile_size})")
            pieces += [self.tile_exchange] * 3 + [self.tree, self.rounds]
            pieces += [self.soup] * 3 + [self.two_halves]
        for _ in range(random.randrange(1, 4)):
            random.choice(pieces)()

    def errs(self, chance: float) -> bool:
        """Whether the author makes a mistake that is made that often."""
        return self.random.random() < chance * self.carelessness

    def barrier(self, forgotten: float) -> None:
        if not self.errs(forgotten):
            self.lines.add("sync_threads()")

    def slip(self, text: str, chance: float = 0.15) -> str:
        """Mostly the text; sometimes nearly it."""
        random = self.random
        if not self.errs(chance):
            return text
        return random.choice([
            f"{text} + 1", f"{text} - 1", f"2 * ({text})", f"({text}) // 2", f"{text} + n",
            f"({text}) % BLOCK", f"i64(i32({text}) * w)", "t", "i", "0", f"({text}) ^ 1",
        ])  # fmt: skip

    def loaded(self) -> str:
        return "a[i]" if self.errs(0.2) else "a[i] if i < len(a) else 0"

    def value(self) -> str:
        """An i32."""
        text = self.random.choice([*self.values, *self.counters])
        return f"i32({text})"

    def guard(self, index: str, array: str) -> str:
        random = self.random
        right = [
            f"{index} < len({array})",
            f"0 <= {index} < len({array})",
            f"{index} < len({array})",
        ]
        wrong = [
            f"{index} <= len({array})",
            f"i64({index}) < n",
            "i < n",
            "t < n",
            "t == 0",
            "i < len(a)",
        ]
        return random.choice(wrong if self.errs(0.25) else right)

    def flat(self) -> str:
        """A slice of one dimension that may be written."""
        return "other" if self.two_dimensional else self.random.choice(["out", "other"])

    def write(self, array: str, index: str) -> None:
        element = self.value() if array != "other" else f"i32({self.random.choice(self.values)})"
        op = self.random.choice(["=", "=", "+="])
        if array == "other" and self.slots[2].type == I64:
            element = f"i64({element})"
        self.lines.add(f"{array}[{index}] {op} {element}")

    def own_element(self) -> None:
        array = self.flat()
        index = self.slip(
            self.random.choice(
                ["i", "i", f"block.x * {self.size} + t", f"t + block.x * {self.size}"]
            )
        )
        if not self.errs(0.25):
            self.lines.add(f"if {self.guard(index, array)}:")
            with self.lines.indented():
                self.write(array, index)
        else:
            self.write(array, index)

    def strided_loop(self) -> None:
        array, counter = self.flat(), self.fresh("g")
        head = self.random.choice([
            f"for {counter} in grid_stride(len({array})):",
            f"for {counter} in grid_stride(n):",
            f"for {counter} in range(i, len({array}), grid_dim.x * {self.size}):",
            f"for {counter} in range(t, len({array}), {self.size}):",
            f"for {counter} in range(i, n, {self.slip(f'grid_dim.x * {self.size}', 0.3)}):",
        ])  # fmt: skip
        self.lines.add(head)
        with self.lines.indented():
            self.counters.append(counter)
            if self.random.random() < 0.3:
                self.lines.add(f"if {counter} % 2 == {self.random.randrange(2)}:")
                self.lines.add(f"    {self.random.choice(['continue', 'break'])}")
            self.write(array, self.slip(counter))
            self.counters.pop()

    def coarsened(self) -> None:
        array, counter = self.flat(), self.fresh("c")
        per = self.random.choice([2, 3, 4])
        index = self.random.choice([
            f"i * {per} + {counter}",
            f"i + {counter} * grid_dim.x * {self.size}",
            f"block.x * {self.size} * {per} + {counter} * {self.size} + t",
            f"i * {self.random.choice([per, per, per - 1])} + {counter}",
        ])  # fmt: skip
        self.lines.add(f"for {counter} in range({per}):")
        with self.lines.indented():
            place = self.fresh("j")
            self.lines.add(f"{place} = {self.slip(index, 0.1)}")
            self.lines.add(f"if {self.guard(place, array)}:")
            with self.lines.indented():
                self.write(array, place)

    def per_block(self) -> None:
        array = self.flat()
        who = self.random.choice(
            ["t == 0", "t == 0", "t == n", "t < 1", "t <= 1", f"t == {self.size} - 1"]
        )
        self.lines.add(f"if {who}:")
        with self.lines.indented():
            if self.random.random() < 0.6:
                self.lines.add(f"if block.x < len({array}):")
                with self.lines.indented():
                    self.write(array, self.slip("block.x"))
            else:
                self.write(array, self.slip("block.x"))

    def early_return(self) -> None:
        self.lines.add(
            "if {}:".format(
                self.random.choice(
                    ["i >= len(a)", "i >= n", "n < 0", "block.x > n", "t >= n", "i >= len(out)"]
                )
            )
        )
        self.lines.add("    return")

    def count(self) -> None:
        index = self.random.choice(["0", "t", "i % 4", "a[0]", "i"])
        value = f"{self.slots[3].type}(1)"
        self.lines.add(f"j = {index}")
        self.lines.add(f"if {self.guard('j', 'count')}:")
        self.lines.add(f"    atomic.add(count, j, {value})")

    def data_index(self) -> None:
        self.lines.add("if i < len(a):")
        with self.lines.indented():
            self.lines.add("j = a[i]")
            if self.random.random() < 0.3:
                self.lines.add("atomic.add(count, clamped(j, len(count)), 1)")
            array = self.flat()
            self.lines.add(f"if {self.guard('j', array)}:")
            with self.lines.indented():
                if self.random.random() < 0.5:
                    self.write(array, "j")
                else:
                    self.values.append("x1")
                    self.lines.add(f"x1 = {array}[j]")
                    self.write(array, self.slip("i"))
                    self.values.remove("x1")

    def divide(self) -> None:
        name = self.fresh("q")
        divisor = self.random.choice(["n", "w", "len(a)", "max(w, 1)"])
        condition = self.random.choice([f"{divisor} != 0", f"{divisor} > 0", "n > 0", "i < len(a)"])
        self.lines.add(f"{name} = 0")
        self.lines.add(f"if {condition}:")
        self.lines.add(f"    {name} = i64(i) {self.random.choice(['//', '%'])} i64({divisor})")
        self.values.append(name)

    def private_array(self) -> None:
        name, filled = self.fresh("own"), self.random.choice(["4", "4", "3", "n"])
        add = self.lines.add
        add(f"{name} = LocalArray(i32, 4)")
        add(f"for c in range({filled}):")
        add(f"    {'if 0 <= c < 4: ' if filled == 'n' else ''}{name}[c] = {self.value()}")
        result = self.fresh("x")
        add(f"{result} = {name}[{self.slip('3', 0.2)}]")
        self.values.append(result)

    def branch_local(self) -> None:
        """A local assigned in a branch, and read in another, under mostly the same condition."""
        name = self.fresh("z")
        conditions = ["i < n", "t < w", "i < len(a)", "n > 2"]
        condition = self.random.choice(conditions)
        again = self.random.choice(conditions) if self.errs(0.4) else condition
        array = self.flat()
        self.lines.add(f"if {condition}:")
        self.lines.add(f"    {name} = {self.value()}")
        if self.random.random() < 0.5:
            self.lines.add("else:")
            self.lines.add(f"    {name} = {self.value()}")
        self.lines.add(f"if {again} and i < len({array}):")
        self.lines.add(
            f"    {array}[i] = {self.slots[2].type if array == 'other' else 'i32'}({name})"
        )

    def narrow_index(self) -> None:
        """An index in 32 bits that may wrap round."""
        array, place = self.flat(), self.fresh("j")
        index = self.random.choice(
            ["i32(i) + w", "i32(i) * w", "i32(i) - w", "i32(i) * 2", "i32(i) * w + w", "w - i32(i)"]
        )
        self.lines.add(f"{place} = {index}")
        self.lines.add(f"if {self.guard(place, array)}:")
        with self.lines.indented():
            self.write(array, place)

    def matrix(self) -> None:
        row, col = self.random.choice(
            [("row", "col"), ("row", "col"), ("col", "row"), ("row", "0")]
        )
        right = f"{row} < out.shape[0] and {col} < out.shape[1]"
        wrong = [
            f"{row} < out.shape[0]",
            f"{row} < n and {col} < out.shape[1]",
            f"{row} < w and {col} < w",
        ]
        guard = self.random.choice(wrong) if self.errs(0.3) else right
        self.lines.add(f"if {guard}:")
        self.lines.add(f"    out[{self.slip(row, 0.1)}, {self.slip(col, 0.1)}] = {self.value()}")
        if self.random.random() < 0.4:
            self.lines.add("if col < w:")
            self.lines.add(f"    j = {self.slip('row * w + col', 0.1)}")
            self.lines.add(f"    if {self.guard('j', 'other')}:")
            self.lines.add(f"        other[j] {'+' if self.random.random() < 0.5 else ''}= 1")

    # ------------------------------------------------------------ shared memory

    def tile_exchange(self) -> None:
        random, add = self.random, self.lines.add
        where = self.slip(random.choice(["t", "t", "BLOCK - 1 - t"]), 0.12)
        if random.random() < 0.2:
            add(f"if {random.choice(['i < len(a)', 't < BLOCK', 't < n', 't < BLOCK // 2'])}:")
            add(f"    tile[{where}] = {self.value()}")
        else:
            add(f"tile[{where}] = {self.value()}")
        if self.errs(0.12):
            add(f"if {random.choice(['t < n', 'n > 0', 'i < len(a)', 'block.x == 0'])}:")
            add("    sync_threads()")
        else:
            self.barrier(0.1)
        result = self.fresh("x")
        read = self.slip(
            random.choice(["t", "BLOCK - 1 - t", "(t + 1) % BLOCK", "t ^ 1", "0", "BLOCK // 2"]),
            0.1,
        )
        if random.random() < 0.4:
            add(f"{result} = 0")
            add(f"if {random.choice(['t > 0', 't < BLOCK - 1', 't < BLOCK'])}:")
            add(f"    {result} = tile[{random.choice(['t - 1', 't + 1', read])}]")
        else:
            add(f"{result} = tile[{read}]")
        self.values.append(result)
        self.barrier(0.25)

    def tree(self) -> None:
        random, add = self.random, self.lines.add
        add(f"tile[t] = {self.value()}")
        self.barrier(0.08)
        add(f"stride = {random.choice(['BLOCK // 2', 'BLOCK // 2', 'BLOCK', f'{self.size} // 2'])}")
        add(f"while stride > {random.choice('001')}:")
        with self.lines.indented():
            guard = random.choice(["t < stride", "t < stride", "t <= stride", "t + stride < BLOCK"])
            add(f"if {guard}:")
            with self.lines.indented():
                add(f"tile[t] += tile[{self.slip('t + stride', 0.1)}]")
                if self.errs(0.08):
                    add("sync_threads()")
            self.barrier(0.08)
            add("stride //= 2")
        if random.random() < 0.5:
            result = self.fresh("x")
            add(f"{result} = tile[{random.choice(['0', '0', 't'])}]")
            self.values.append(result)
            self.barrier(0.25)

    def rounds(self) -> None:
        random, add = self.random, self.lines.add
        add(f"tile[t] = {self.value()}")
        self.barrier(0.1)
        bound = random.choice(["n", "3", "n", "w", "a[0]", "t", "x0"])
        if bound == "x0" and "x0" not in self.values:
            bound = "2"
        add(f"for r in range({bound}):")
        with self.lines.indented():
            if random.random() < 0.2:
                add(f"if {random.choice(['r == 1', 'r == t', 'n > 2'])}:")
                add(f"    {random.choice(['break', 'continue'])}")
            add(f"y = tile[{self.slip('(t + 1) % BLOCK', 0.15)}]")
            self.barrier(0.1)
            add("tile[t] = y + 1")
            self.barrier(0.1)

    def soup(self) -> None:
        """Loads, stores and barriers in uniform loops and branches, in any order."""
        self.lines.add(f"tile[t] = {self.value()}")
        self.lines.add("x = 0")
        self.barrier(0.1)
        self.stir(self.random.randrange(3, 9), [])
        self.barrier(0.4)

    def stir(self, amount: int, counters: list[str]) -> None:
        random, add = self.random, self.lines.add
        while amount > 0:
            amount -= 1
            kind = random.randrange(10)
            index = random.choice(["t", "t", "t", "BLOCK - 1 - t", "(t + 1) % BLOCK", *counters])
            if kind < 3:
                add("sync_threads()")
            elif kind < 5:
                add(f"tile[{random.choice(['t', 't', 't', index])}] = i32(x)")
                if random.random() < 0.5:
                    add("sync_threads()")
            elif kind < 7:
                if random.random() < 0.5:
                    add("sync_threads()")
                add(f"x += tile[{index}]")
            elif kind == 7:
                add(f"if t == {random.choice(['0', '1', 'n', *counters])}:")
                add(f"    tile[{random.choice(['t', '0', 't', 'BLOCK // 2'])}] = 7")
            elif kind == 8 and len(counters) < 2:
                counter = self.fresh("r")
                add(f"for {counter} in range({random.choice(['n', '2', 'w', '1', 'block.x'])}):")
                with self.lines.indented():
                    self.loop_end(counter)
                    self.stir(random.randrange(1, 4), [*counters, counter])
            else:
                add(f"if {random.choice(['n > 1', 'w == 3', 'block.x == 0', 'len(a) > 4'])}:")
                with self.lines.indented():
                    self.stir(random.randrange(1, 3), counters)
                    add("x += 1")

    def loop_end(self, counter: str) -> None:
        random = self.random
        self.lines.add("x += 1")
        if random.random() < 0.25:
            uniform = [f"{counter} == 1", f"{counter} >= w", "n > 2"]
            private = [f"{counter} == t", "x > 3", "i >= len(a)"]
            condition = random.choice(private if self.errs(0.5) else uniform)
            self.lines.add(f"if {condition}:")
            self.lines.add(f"    {random.choice(['break', 'continue', 'return'])}")

    def two_halves(self) -> None:
        """A buffer of two halves that change their roles."""
        add = self.lines.add
        both, side = self.fresh("both"), self.fresh("side")
        add(f"{both} = SharedArray(i32, 2 * BLOCK)")
        add(f"{side} = 0")
        add(f"{both}[t] = {self.value()}")
        self.barrier(0.15)
        add(f"for r in range({self.random.choice(['3', 'n', 'w'])}):")
        with self.lines.indented():
            neighbour = self.random.choice(["(t + 1) % BLOCK", "BLOCK - 1 - t", "t"])
            target = f"{side}" if self.errs(0.2) else f"(1 - {side})"
            add(f"{both}[{target} * BLOCK + t] = {both}[{side} * BLOCK + {neighbour}] + 1")
            self.barrier(0.2)
            if not self.errs(0.2):
                add(f"{side} = 1 - {side}")


_IMPORTS = (
    "AtomicSlice",
    "DisjointSlice",
    "DisjointSlice2D",
    "LocalArray",
    "SharedArray",
    "Slice",
    "atomic",
    "block",
    "block_dim",
    "device",
    "grid_dim",
    "grid_stride",
    "i32",
    "i64",
    "kernel",
    "sync_threads",
    "thread",
    "u32",
)
