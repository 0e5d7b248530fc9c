"""Random kernels of shapes: views, three dimensions, wide accesses, dynamic shared memory, data.

The questions are those of indices: is a view within its base, and an index within its view; do two
views overlap; do 8-bit indices wrap round and meet; does a permutation scatter; is the launch's
shared memory long enough; does an assertion hold, and what may lean on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import F32, I16, I32, U8

from .author import Author
from .program import Slot

if TYPE_CHECKING:
    from random import Random

    from .program import Program

_NAMES = (
    "AtomicSlice",
    "DisjointSlice",
    "DisjointSlice2D",
    "DisjointSlice3D",
    "SharedArray",
    "Slice",
    "Slice2D",
    "atomic",
    "block",
    "block_dim",
    "device",
    "dynamic_shared",
    "f32",
    "grid_dim",
    "i16",
    "i32",
    "i64",
    "injective",
    "kernel",
    "sync_threads",
    "thread",
    "u8",
    "within",
)
_HEAD = """
BLOCK = 8


@device
def total(part: Slice[i32], first: int) -> i32:
    s = 0
    for k in range(first, len(part)):
        s += part[k]
    return s


@device
def fill(part: DisjointSlice[i32], x: i32) -> None:
    for k in range(len(part)):
        part[k] = x + i32(k)


@device
def put(part: DisjointSlice[i32], k: int, x: i32) -> None:
    part[k] = x
""".splitlines()


class Forms(Author):
    """Writes one kernel of shapes."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.volume = random.random() < 0.3
        self.fixed = random.random() < 0.6
        self.shared = random.random() < 0.4

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random = self.random
        slots = [
            Slot("a", "Slice", I32, 1),
            Slot("m", "Slice", I32, 2),
            Slot("idx", "Slice", random.choice([I32, I32, I16, U8]), 1),
            Slot("out", "DisjointSlice", I32, 1),
            Slot("rows", "DisjointSlice", I32, 2),
            Slot("cube", "DisjointSlice", random.choice([F32, I32]), 3),
            Slot("count", "AtomicSlice", I32, 1),
            Slot("n", "", I32, 0),
            Slot("w", "", random.choice([I32, I16, U8]), 0),
        ]
        pool = [
            "len(a) == len(out)",
            "len(a) >= len(out)",
            "len(idx) == len(out)",
            "m.shape[1] == rows.shape[1]",
            "len(m) == len(rows)",
            "len(rows) == len(out)",
            "rows.shape[1] == 4",
            "m.shape[1] >= 1",
            "len(out) == 4 * len(a)",
            "n >= 0",
            "n <= len(out)",
            "n <= rows.shape[1]",
            "w >= 1",
            "len(count) >= 1",
            "len(out) <= 256",
            "len(out) >= 2 * grid_dim.x * block_dim.x",
        ]
        facts = random.sample(pool, random.randrange(1, 6))
        if random.random() < 0.6:
            facts.append("injective(idx)")
        if random.random() < 0.6:
            facts.append(
                self.pick("within(idx, 0, len(out))", "within(idx, 0, n)", "within(idx, 1, 9)")
            )
        domain = 3 if self.volume else random.choice([1, 1, 2])
        options = [f"domain={domain}"]
        if self.fixed:
            options.append(("block=BLOCK", "block=(4, 2)", "block=(4, 2, 2)")[domain - 1])
        elif random.random() < 0.4:
            options.append(f"max_threads={self.pick('64', '256', 'BLOCK')}")
        if self.shared and random.random() < 0.5:
            options.append(f"shared={self.pick('4 * BLOCK', '64', '16')}")
        self.lines.depth = 1
        self.body(domain)
        return self.module(seed, _NAMES, _HEAD, options, facts, slots)

    def body(self, domain: int) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        pieces = [self.row, self.row, self.segment, self.segment, self.view_of_view, self.wide]
        pieces += [self.wide, self.scatter, self.scatter, self.small, self.claim]
        pieces += [self.tiles, self.flat]
        if self.shared:
            add("buf = dynamic_shared(i32)")
            pieces += [self.buffer] * 4
        if domain == 2:
            add("row, col = thread.index_2d()")
            pieces += [self.plane] * 3
        if domain == 3:
            add("plane, row, col = thread.index_3d()")
            pieces += [self.cubes] * 5
        add("x = i32(i)")
        for _ in range(random.randrange(1, 4)):
            random.choice(pieces)()

    def guarded(self, right: str, *wrong: str, chance: float = 0.3):
        """A guard round what follows, or one like it, or none."""
        if self.errs(0.15):
            return self.lines.indented(0)
        self.lines.add(f"if {self.right(right, *wrong, chance=chance)}:")
        return self.lines.indented()

    # ------------------------------------------------------------ views

    def row(self) -> None:
        """A row as a slice of its own."""
        add, r = self.lines.add, self.fresh("r")
        with self.guarded("i < len(rows)", "i <= len(rows)", "i < n", "i < len(m)"):
            kind = self.random.randrange(4)
            if kind == 0:
                add(f"{r} = rows[{self.right('i', 't', 'i + 1', '0')}, :]")
                add(f"for k in range({self.right(f'len({r})', 'n', 'len(m)', 'rows.shape[1]')}):")
                add(f"    {r}[k] = x")
            elif kind == 1:
                add(f"fill(rows[{self.right('i', 'i // 2', 't')}], x)")
            elif kind == 2:
                with self.guarded("i < len(m)", "n > 0"):
                    add(f"x += total(m[i, :], {self.right('0', 'n', '-1')})")
            else:
                low, high = self.right("1", "n", "0"), self.right("rows.shape[1]", "n", "4", "5")
                with self.guarded(f"{low} <= {high}", "n > 0"):
                    add(f"fill(rows[i, {low}:{high}], 3)")

    def segment(self) -> None:
        """A part of each thread's own."""
        add, s, size = self.lines.add, self.fresh("s"), self.pick("4", "2", "w", "i64(w)")
        first = self.right(
            f"i * {size}", "i", f"i * {size} + 1", f"(i + 1) * {size}", f"t * {size}"
        )
        end = self.right(f"+ {size}", f"+ {size} + 1", "+ 4", chance=0.15)
        with self.guarded(
            f"i * {size} + {size} <= len(out)", f"i * {size} < len(out)", "i < len(out)"
        ):
            add(f"{s} = out[{first} : {first} {end}]")
            kind = self.random.randrange(3)
            if kind == 0:
                add(f"fill({s}, x)")
            elif kind == 1:
                add(f"for k in range({self.right(f'len({s})', size, '4')}):")
                add(f"    {s}[k] = {s}[{self.right('k', '0', 'k + 1')}] + 1")
            else:
                add(f"put({s}, {self.right('0', '1', f'len({s}) - 1', '4')}, x)")

    def view_of_view(self) -> None:
        add, v, u = self.lines.add, self.fresh("v"), self.fresh("u")
        low = self.right("1", "n", "0")
        with self.guarded(
            f"i + {low} + 1 <= len(out) and {low} >= 0", "i + 1 < len(out)", "i < len(out)"
        ):
            add(
                f"{v} = out[{low}:]"
                if low == "1" and self.random.random() < 0.5
                else f"{v} = out[{low} : len(out)]"
            )
            add(f"{u} = {v}[i : {self.right('i + 1', 'i + 2', f'len({v})')}]")
            if self.random.random() < 0.5:
                add(f"if len({u}) > 0:")
                add(f"    {u}[0] = x")
            else:
                add(f"{u}[{self.right('0', '1', 'i')}] = x")

    def tiles(self) -> None:
        """Rows of a shared tile."""
        add, tile, r = self.lines.add, self.fresh("tile"), self.fresh("r")
        add(f"{tile} = SharedArray(i32, (BLOCK, 4))")
        index = self.right("t", "t // 2", "t + 1", "BLOCK - 1 - t", chance=0.3)
        with self.guarded("t < BLOCK and thread.y == 0 and thread.z == 0", "t < BLOCK", "True"):
            add(f"{r} = {tile}[{index}, :]")
            add(f"for k in range({self.right('4', '3', '5', 'n')}):")
            add(f"    {r}[k] = i32(k)")
        self.unless_forgotten("sync_threads()")
        with self.guarded("t < BLOCK", "t <= BLOCK"):
            add(f"x += total({tile}[{self.pick('t', 'BLOCK - 1 - t', '0')}], 0)")
        self.unless_forgotten("sync_threads()", 0.5)

    # ------------------------------------------------------------ dimensions

    def plane(self) -> None:
        r, c = self.right("row, col", "col, row", "row, 0", chance=0.3).split(", ")
        with self.guarded(
            f"{r} < len(rows) and {c} < rows.shape[1]", f"{r} < len(rows)", "row < n and col < n"
        ):
            self.lines.add(f"rows[{r}, {c}] {self.pick('=', '+=')} x")

    def cubes(self) -> None:
        add = self.lines.add
        p, r, c = self.right(
            "plane, row, col", "plane, col, row", "row, plane, col", "plane, row, 0", chance=0.3
        ).split(", ")
        full = f"{p} < len(cube) and {r} < cube.shape[1] and {c} < cube.shape[2]"
        short = f"{p} < len(cube) and {r} < cube.shape[1]"
        with self.guarded(full, short, f"{p} < n and {full}"):
            kind = self.random.randrange(3)
            one = self.pick("1", "2")
            if kind == 0:
                add(f"cube[{p}, {r}, {c}] = {one}")
            elif kind == 1:
                v = self.fresh("v")
                add(f"{v} = cube[{p}, {r}, :]")
                add(f"{v}[{self.right(c, '0', f'{c} + 1')}] = {one}")
            else:
                v = self.fresh("v")
                add(f"{v} = cube[{p}]")
                add(f"if {r} > 0:")
                add(f"    {v}[{self.right(r, f'{r} - 1')}, {c}] += {one}")

    def flat(self) -> None:
        """A row of a flat slice, whose width is a scalar."""
        add, r = self.lines.add, self.fresh("r")
        width = self.pick("n", "i64(w)", "4")
        with self.guarded(
            f"{width} > 0 and (i + 1) * {width} <= len(out)", f"i * {width} < len(out)", "i < n"
        ):
            end = self.right(f"(i + 1) * {width}", f"i * {width} + 4", "len(out)")
            add(f"{r} = out[i * {width} : {end}]")
            add(f"for k in range({self.right(width, f'len({r})', '4')}):")
            add(f"    {r}[k] = x")

    def wide(self) -> None:
        """Several elements at once."""
        add, width = self.lines.add, self.random.choice([2, 4])
        first = self.right(f"{width} * i", "i", "2 * i", f"{width} * i + 1", f"{width} * t")
        array = self.pick("out", "out", "a")
        names = ", ".join(self.fresh("q") for _ in range(width))
        with self.guarded(
            f"{first} + {width} <= len(a) and {first} + {width} <= len(out)", f"{first} < len(out)"
        ):
            if array == "a" or self.random.random() < 0.5:
                add(f"{names} = {array}.load({first}, {width})")
                add(f"x += {names.split(', ')[0]}")
            if array == "out":
                add(f"out.store({first}, ({', '.join(['x', 'i32(t)', '1', '2'][:width])}))")

    # ------------------------------------------------------------ data

    def scatter(self) -> None:
        add, j = self.lines.add, self.fresh("j")
        with self.guarded("i < len(idx)", "i < n", "i <= len(idx)"):
            add(f"{j} = idx[{self.right('i', 'i // 2', 't', 'len(idx) - 1 - i')}]")
            if self.random.random() < 0.6:
                add(f"if {self.right(f'0 <= {j} < len(out)', f'{j} < len(out)', f'{j} < n')}:")
                add(f"    out[{self.right(j, f'{j} // 2', f'{j} + 1')}] {self.pick('=', '+=')} x")
            else:
                add(f"out[{j}] = {self.pick('x', 'out[i]', 'i32(t)')}")

    def small(self) -> None:
        """Indices in 8 and 16 bits, which wrap round."""
        add, j, type = self.lines.add, self.fresh("j"), self.pick("u8", "i16", "i16", "u8")
        own = f"{type}(i)"
        add(f"{j} = {self.pick(own, f'{own} + {type}(w)', f'{own} * {type}(2)', f'{type}(t)')}")
        with self.guarded(f"0 <= {j} < len(out)", f"{j} < len(out)", "i < len(out)"):
            add(f"out[{j}] = x")

    def claim(self) -> None:
        """An assertion, and what leans on it."""
        add = self.lines.add
        claim = self.right(
            self.pick("len(out) >= 0", "x == i32(i)", "t < block_dim.x", "block.x < grid_dim.x"),
            *("i < len(out)", "len(a) >= len(out)", "n >= 0", "n <= len(out)"),
            chance=0.7,
        )
        add(f"assert {claim}")
        with self.guarded("i < len(out)", "i < n", "True"):
            add(f"out[i] = {self.pick('x', 'a[i]', '1')}")

    def buffer(self) -> None:
        """Shared memory that is as long as the launch says."""
        add, place = self.lines.add, self.right("t", "t // 2", "t + 1", "len(buf) - 1 - t")
        kind = self.random.randrange(3)
        if kind == 0:
            first = "t < len(buf) and thread.y == 0 and thread.z == 0"
            add(f"if {self.right(first, 't < len(buf)')}:")
            add(f"    buf[{place}] = x")
        elif kind == 1:
            add("for k in range(t, len(buf), block_dim.x):")
            add(f"    buf[{self.right('k', 't', 'len(buf) - 1 - k')}] = 0")
        else:
            add(f"buf[{place}] = x")
        self.unless_forgotten("sync_threads()")
        add(f"if {self.right('t < len(buf)', 't <= len(buf)', 'True')}:")
        add(f"    x += buf[{self.pick('t', 'len(buf) - 1 - t', '0')}]")
        self.unless_forgotten("sync_threads()", 0.4)
