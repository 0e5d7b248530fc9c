"""Random kernels of warps: shuffles, votes, reductions, `sync_warp`, masks, partial warps.

The questions are those of warp code: does every lane of the mask come, in the same round; is what
a lane gets defined, where the block is no multiple of 32 or a lane has returned; does `sync_warp`
order what two lanes do to a tile, or would it have to be `sync_threads`; is a vote the same in the
whole warp, and taken for the same in the whole block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import F32, I32, U32

from .author import Author
from .program import Slot

if TYPE_CHECKING:
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
    "f32",
    "grid_dim",
    "i32",
    "kernel",
    "sync_threads",
    "sync_warp",
    "thread",
    "u32",
    "warp",
)


class Lanes(Author):
    """Writes one kernel of warps."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.block = random.choice([32, 64, 64, 96, 128, 16, 40, 33, 8])
        self.fixed = random.random() < 0.7
        self.values = ["x", "i32(t)", "i32(i)", "i32(1)"]

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random, lines = self.random, self.lines
        slots = [
            Slot("a", "Slice", I32, 1),
            Slot("f", "Slice", F32, 1),
            Slot("out", "DisjointSlice", I32, 1),
            Slot("sums", "DisjointSlice", random.choice([I32, U32]), 1),
            Slot("count", "AtomicSlice", I32, 1),
            Slot("n", "", I32, 0),
        ]
        pool = [
            "n >= 0",
            "len(a) == len(out)",
            "len(out) >= grid_dim.x * block_dim.x",
            "len(a) >= grid_dim.x * block_dim.x",
            "len(sums) >= grid_dim.x * WARPS",
            "len(sums) >= grid_dim.x * block_dim.x",
            "len(count) >= 32",
            "n <= len(out)",
            "n % 32 == 0",
        ]
        options = ["domain=1"] if random.random() < 0.85 else []
        if self.fixed:
            options.insert(0, f"block=({self.block // 2}, 2)" if not options else "block=BLOCK")
        else:
            pool += ["block_dim.x % 32 == 0", "block_dim.x == BLOCK", "block_dim.x <= BLOCK"]
            if random.random() < 0.3:
                options.append("max_threads=BLOCK")
        facts = random.sample(pool, random.randrange(1, 6))
        lines.depth = 1
        self.body()
        head = ["", f"BLOCK = {self.block}", f"WARPS = {max(1, -(-self.block // 32))}"]
        return self.module(seed, _NAMES, head, options, facts, slots)

    def body(self) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        add("lane, w = warp.lane, t // 32")
        add("tile = SharedArray(i32, BLOCK)")
        if random.random() < 0.25:
            add(f"if {self.pick('i >= n', 'i // 32 >= n', 'w >= 1', 'lane >= 16', 'block.x > 1')}:")
            add("    return")
        add(f"x = {self.pick('a[i] if i < len(a) else 0', 'i32(t)', 'i32(i) * 3')}")
        pieces = [self.reduce, self.shuffles, self.butterfly, self.exchange, self.exchange]
        pieces += [self.vote, self.masked, self.partial, self.rounds, self.block_sum, self.scan]
        pieces += [self.rotate, self.match, self.of_block]
        for _ in range(random.randrange(1, 4)):
            piece = random.choice(pieces)
            if random.random() < 0.2:
                with self.branch():
                    piece()
            else:
                piece()
        self.result()

    def branch(self):
        """A condition: of the launch, the block, the warp or the thread."""
        uniform = ["n > 3", "block.x == 0", "w == 0", "t < 32", "i // 32 < n", "warp.any(x > 2)"]
        private = ["i < n", "lane < 16", "t < n", "x > 2", "t % 2 == 0", "i < len(a)"]
        self.lines.add(f"if {self.right(self.pick(*uniform), *private, chance=0.5)}:")
        return self.lines.indented()

    def value(self) -> str:
        return self.random.choice(self.values)

    def keep(self, text: str) -> str:
        """A new value, of i32."""
        name = self.fresh("v")
        self.lines.add(f"{name} = {text}")
        # Behind the branch that it may stand in it may be unassigned.
        if self.lines.depth == 1:
            self.values.append(name)
        return name

    def result(self) -> None:
        add = self.lines.add
        kind = self.random.randrange(4)
        if kind == 0:
            add(f"if {self.right('lane == 0', 'lane <= 1', 't == 0')}:")
            place = self.right("block.x * WARPS + w", "w", "block.x", "i // 32")
            add(f"    if {place} < len(sums):")
            add(f"        sums[{place}] += 1")
        elif kind == 1:
            add(f"if i < {self.right('len(out)', 'n', 'len(a)')}:")
            add(f"    out[{self.right('i', 't', 'i ^ 1')}] = {self.value()}")
        elif kind == 2:
            add(f"atomic.add(count, {self.right('lane', 't', 'i')}, {self.value()})")
        else:
            add("if i < len(out):")
            add(f"    out[i] = {self.value()}")

    # ------------------------------------------------------------ together

    def width(self) -> str:
        return self.pick("", "", "", ", width=16", ", width=8", ", width=2")

    def reduce(self) -> None:
        op = self.pick("add", "min", "max", "and", "or", "xor")
        self.keep(f"warp.reduce_{op}({self.value()}{self.width()})")

    def scan(self) -> None:
        op = self.pick("add", "min", "max")
        exclusive = self.pick("", ", exclusive=True")
        self.keep(f"warp.scan_{op}({self.value()}{exclusive}{self.width()})")

    def of_block(self) -> None:
        """A reduction or scan of the whole block, which all of it has to come to."""
        op = self.pick("add", "min", "max")
        kind = self.pick("reduce", "reduce", "scan")
        exclusive = self.pick("", ", exclusive=True") if kind == "scan" else ""
        self.keep(f"block.{kind}_{op}({self.value()}{exclusive})")

    def match(self) -> None:
        m = self.fresh("m")
        self.lines.add(f"{m} = warp.match_{self.pick('any', 'all')}({self.value()})")
        self.keep(f"i32({m} & 7)")

    def shuffles(self) -> None:
        """A sum by shuffles: lanes at the end of a partial warp get nothing."""
        s, d = self.fresh("s"), self.fresh("d")
        add = self.lines.add
        add(f"{s} = {self.value()}")
        add(f"{d} = {self.pick('16', '16', '8', '1')}")
        add(f"while {d} > 0:")
        with self.lines.indented():
            how = self.pick("shuffle_down", "shuffle_down", "shuffle_xor", "shuffle_up")
            if self.errs(0.2):
                add(f"if lane < {d}:")
                add(f"    {s} += warp.{how}({s}, {d})")
            else:
                add(f"{s} += warp.{how}({s}, {d}{self.width()})")
            add(f"{d} //= 2")
        if self.lines.depth == 1:
            self.values.append(s)

    def butterfly(self) -> None:
        how = self.pick("shuffle_xor", "shuffle_down", "shuffle_up", "shuffle")
        lane = self.pick("1", "lane", "0", "16", "i32(lane) ^ 1", "31", "n", "7")
        got = self.fresh("g")
        self.lines.add(f"{got} = warp.{how}({self.value()}, {lane}{self.width()})")
        if self.random.random() < 0.5:
            guard = self.pick("lane > 0", "lane < 31", "lane < 16", "t + 1 < BLOCK", "lane == 0")
            kept = self.fresh("v")
            self.lines.add(f"{kept} = 0")
            self.lines.add(f"if {guard}:")
            self.lines.add(f"    {kept} = {got}")
            self.lines.add(f"    {kept} += 1")
            if self.lines.depth == 1:
                self.values.append(kept)
        elif self.lines.depth == 1:
            self.values.append(got)

    def vote(self) -> None:
        """A condition that is the same in the whole warp, and not in the whole block."""
        add = self.lines.add
        asked = self.pick("x > 3", "i < len(a)", "t == 40", "i < n", "True", "w == 1")
        vote = self.pick("any", "all")
        add(f"if warp.{vote}({asked}):")
        with self.lines.indented():
            kind = self.random.randrange(4)
            if kind == 0:
                add("sync_warp()")
            elif kind == 1:
                add(self.right("sync_warp()", "sync_threads()", chance=0.6))
            elif kind == 2:
                add(f"x = warp.reduce_add(x{self.width()})")
            else:
                add(f"if i < {self.pick('len(out)', 'len(a)')} and i < len(out):")
                add("    out[i] = x")

    def masked(self) -> None:
        """The lanes for which something holds do something together."""
        add = self.lines.add
        m, condition = self.fresh("m"), self.pick("x > 3", "i < n", "lane < 16", "t % 3 == 0")
        add(f"{m} = warp.ballot({condition})")
        add(f"if {self.right(condition, 'x > 4', 'lane < 17', chance=0.3)}:")
        mask = self.right(f", mask={m}", "", ", mask=0xFFFF", chance=0.3)
        with self.lines.indented():
            kind = self.random.randrange(3)
            if kind == 0:
                add(f"x += warp.reduce_add(1{mask})")
            elif kind == 1:
                add(f"x = warp.shuffle(x, {self.pick('lane', '0', 'lane ^ 1')}{mask})")
            else:
                add(f"sync_warp({mask[7:]})")

    def partial(self) -> None:
        """Half of a warp, with a mask of its own."""
        add = self.lines.add
        bound, mask = self.random.choice([(16, 0xFFFF), (8, 0xFF), (1, 1), (31, 0x7FFFFFFF)])
        guard = self.right(f"lane < {bound}", f"lane <= {bound}", f"t < {bound}", chance=0.4)
        add(f"if {guard}:")
        operation = self.pick("reduce_add(x", "reduce_max(x", "shuffle(x, 0", "shuffle_xor(x, 1")
        with self.lines.indented():
            add(f"x = warp.{operation}, mask={self.right(hex(mask), '0xFFFFFFFF', '0xF')})")
            if self.random.random() < 0.5:
                add("x += 1")

    # ------------------------------------------------------------ tiles

    def neighbour(self) -> str:
        return self.right(
            self.pick("t ^ 1", "w * 32 + (lane + 1) % 32", "w * 32 + 31 - lane", "t"),
            *("(t + 1) % BLOCK", "BLOCK - 1 - t", "t ^ 32", "w * 32", "t + 1"),
            chance=0.4,
        )

    def together(self, chance: float = 0.2) -> None:
        self.unless_forgotten(self.pick("sync_warp()", "sync_warp()", "sync_threads()"), chance)

    def read(self, index: str) -> None:
        bound = self.pick("BLOCK", "BLOCK", "block_dim.x")
        if self.random.random() < 0.5:
            self.keep(f"tile[{index}] if {index} < {bound} else 0")
        else:
            self.keep(f"tile[{index}]")

    def exchange(self) -> None:
        """Lanes pass values on through a tile."""
        self.lines.add(f"tile[{self.right('t', 'lane', 'BLOCK - 1 - t')}] = {self.value()}")
        self.together()
        self.read(self.neighbour())
        self.together(0.3)

    def rotate(self) -> None:
        """The same, round after round."""
        add, r = self.lines.add, self.fresh("r")
        add(f"tile[t] = {self.value()}")
        self.together()
        bound = self.right(self.pick("n", "3", "block.x", "w"), "t", "x", "lane", chance=0.4)
        add(f"for {r} in range({bound}):")
        with self.lines.indented():
            y = self.fresh("y")
            add(f"{y} = tile[{self.neighbour()}]")
            self.unless_forgotten("sync_warp()")
            add(f"tile[t] = {y} + 1")
            self.unless_forgotten("sync_warp()")
            if self.random.random() < 0.3:
                add(f"if {self.pick(f'{r} == 2', f'warp.any({y} > 5)', f'{y} > 5')}:")
                add("    break")

    def rounds(self) -> None:
        """Operations in loops whose rounds are, or are not, the same for the warp."""
        add, r = self.lines.add, self.fresh("r")
        bound = self.right(self.pick("n", "2", "w", "i32(block.x)"), "t", "lane", "x", chance=0.5)
        add(f"for {r} in range({bound}):")
        with self.lines.indented():
            add(f"x += warp.{self.pick('reduce_max', 'reduce_add')}(i32({r}))")
            if self.random.random() < 0.4:
                add(f"if {self.pick('warp.all(x > 9)', f'{r} > n', 'x > 9', 'i >= n')}:")
                add(f"    {self.pick('break', 'continue', 'return')}")

    def block_sum(self) -> None:
        """A sum of each warp, and the sums of all by the first."""
        add, part = self.lines.add, self.fresh("part")
        add(f"{part} = SharedArray(i32, WARPS)")
        s = self.fresh("s")
        add(f"{s} = warp.reduce_add({self.value()})")
        add(f"if {self.right('lane == 0', 'lane < 2', 't == 0')}:")
        add(f"    {part}[w] = {s}")
        self.unless_forgotten(self.right("sync_threads()", "sync_warp()"), 0.2)
        add(f"if {self.right('t < 32', 't < WARPS', 'w == 0', chance=0.3)}:")
        with self.lines.indented():
            add(f"p = {part}[t] if t < WARPS else 0")
            add("p = warp.reduce_add(p)")
            add("if t == 0 and block.x < len(sums):")
            add("    sums[block.x] += 1")
        self.unless_forgotten("sync_threads()", 0.3)
