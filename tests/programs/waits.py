"""Random kernels that wait in rounds: flags, queues and counters in loops that have barriers too.

One thread of a block waits and hands on what it learned through a barrier; a flag is set once for
each round, or counts rounds; blocks draw their work from a counter until there is none left; a grid
meets in a loop. The questions are: is what is read in this round what was published for it, and not
for the next; does the barrier stand between the wait and the read; may a fast thread come round and
overwrite what a slow one still reads; does everybody leave the loop in the same round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.types import I32, I64, U32

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
    "device",
    "fence",
    "grid_dim",
    "grid_sync",
    "i32",
    "i64",
    "kernel",
    "sync_threads",
    "sync_warp",
    "thread",
    "u32",
    "warp",
    "within",
)
_WAIT = """
@device
def wait(flag: AtomicSlice[{0}], place: int, least: {0}) -> None:
    while atomic.load(flag, place, order="{1}") < least:
        pass
    {2}
"""


class Waits(Author):
    """Writes one kernel that waits in rounds."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.block = random.choice([1, 4, 8, 8, 32, 64])
        self.cooperative = random.random() < 0.3
        self.counter = random.choice([I32, U32, I64])
        self.helper = random.random() < 0.25

    def program(self, seed: int) -> Program:
        """The whole module; its launches are chosen when it is run."""
        random = self.random
        slots = [
            Slot("a", "Slice", I32, 1),
            Slot("out", "DisjointSlice", I32, 1),
            Slot("part", "DisjointSlice", I32, 1),
            Slot("flag", "AtomicSlice", self.counter, 1),
            Slot("count", "AtomicSlice", I32, 1),
            Slot("n", "", I32, 0),
        ]
        pool = [
            "len(flag) >= 1",
            "len(flag) >= grid_dim.x",
            "len(flag) > n",
            "len(part) > n",
            "len(part) >= grid_dim.x",
            "len(part) >= grid_dim.x * BLOCK",
            "len(out) >= grid_dim.x * BLOCK",
            "len(a) == len(out)",
            "n >= 0",
            "n <= 3",
            "len(count) >= 1",
        ]
        options = ["block=BLOCK", "domain=1"]
        if self.cooperative:
            options.append("cooperative=True")
        facts = random.sample(pool, random.randrange(3, 8))
        if random.random() < 0.85:
            facts.append("within(flag, 0, 1)")
        if random.random() < 0.4:
            facts.append("within(count, 0, 1)")
        self.lines.depth = 1
        self.body()
        head = ["", f"BLOCK = {self.block}"]
        if self.helper:
            acquires = random.random() < 0.7
            order = self.right("acquire", "relaxed") if acquires else "relaxed"
            fence = self.right("pass", "fence()") if acquires else self.right("fence()", "pass")
            head += ["", *_WAIT.format(self.counter, order, fence).splitlines()]
        return self.module(seed, _NAMES, head, options, facts, slots)

    def body(self) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        add("x = a[i] if i < len(a) else 0")
        pieces = [self.stream, self.stream, self.queue, self.queue, self.relay, self.relay]
        pieces += [self.handed, self.handed, self.inside, self.inside, self.tickets, self.drain]
        if self.cooperative:
            pieces += [self.meetings] * 5
        for _ in range(random.choice([1, 1, 1, 2])):
            random.choice(pieces)()
        if random.random() < 0.4:
            add("if i < len(out):")
            add(f"    out[i] {self.pick('=', '+=')} x")

    # ------------------------------------------------------------ parts

    def release(self) -> str:
        return self.right(', order="release"', "", ', order="release", scope="block"', chance=0.4)

    def acquire(self) -> str:
        return self.right(', order="acquire"', "", ', order="acquire", scope="block"', chance=0.4)

    def rounds(self) -> str:
        return self.right(
            self.pick("n", "2", "3", "n"), "i32(block.x)", "t % 3", "x % 3", chance=0.5
        )

    def awaits(self, place: str, least: str = "1") -> None:
        """Wait until a flag is raised, or counts so far."""
        add = self.lines.add
        if self.errs(0.12):
            add("x += 1")
            return
        if self.helper and self.random.random() < 0.7:
            add(f"wait(flag, {place}, {self.counter}({least}))")
            return
        fenced = self.random.random() < 0.3
        order = "" if fenced else self.acquire()
        loaded = f"atomic.load(flag, {place}{order})"
        if self.random.random() < 0.2:
            add("while True:")
            stop = f"{loaded} {self.right('>=', '>')} {self.counter}({least})"
            add(f"    if {stop}:")
            add("        break")
        else:
            test = (
                "== 0"
                if least == "1" and self.random.random() < 0.6
                else f"< {self.counter}({least})"
            )
            add(f"while {loaded} {test}:")
            add("    pass")
        if fenced:
            self.unless_forgotten(self.right("fence()", 'fence("block")'))

    def raises(self, place: str, value: str = "1", op: str | None = None) -> None:
        """Raise a flag, or count one more."""
        fenced = self.random.random() < 0.3
        if fenced:
            self.unless_forgotten(self.right("fence()", 'fence("block")'))
        order = "" if fenced else self.release()
        chosen = op or self.pick("store", "store", "exchange", "add")
        self.lines.add(f"atomic.{chosen}(flag, {place}, {self.counter}({value}){order})")

    def between(self, chance: float = 0.2) -> None:
        self.unless_forgotten(self.right("sync_threads()", "sync_warp()", chance=0.1), chance)

    # ------------------------------------------------------------ between blocks

    def stream(self) -> None:
        """A block makes what the others take, a piece in each round."""
        add, r = self.lines.add, self.fresh("r")
        whole = self.random.random() < 0.5
        bound = self.rounds()
        add("if block.x == 0:")
        with self.lines.indented():
            add(f"for {r} in range({bound}):")
            with self.lines.indented():
                if whole:
                    add(f"if {r} * BLOCK + t < len(part):")
                    add(f"    part[{r} * BLOCK + t] = x + i32({r})")
                    self.between()
                    add(f"if t == 0 and {r} < len(flag):")
                else:
                    add(f"if t == 0 and {r} < len(part) and {r} < len(flag):")
                    add(f"    part[{r}] = x")
                with self.lines.indented():
                    self.raises(self.right(r, "0"))
                if self.random.random() < 0.3:
                    add("sync_threads()")
        add(f"{self.right('else', 'if block.x >= 1')}:")
        with self.lines.indented():
            add(f"for {r} in range({self.right(bound, f'{bound} + 1')}):")
            with self.lines.indented():
                limit = f"{r} < len(flag) and "
                if whole:
                    add(f"if {limit}({r} + 1) * BLOCK <= len(part):")
                    with self.lines.indented():
                        if self.random.random() < 0.5:
                            add("if t == 0:")
                            with self.lines.indented():
                                self.awaits(r)
                            self.between()
                        else:
                            self.awaits(r)
                        place = f"{r} * BLOCK + {self.pick('t', 'BLOCK - 1 - t')}"
                        add(f"x += part[{self.right(place, f'({r} + 1) * BLOCK - t')}]")
                else:
                    add(f"if {limit}{r} < len(part):")
                    with self.lines.indented():
                        self.awaits(r)
                        add(f"x += part[{self.right(r, f'{r} + 1', '0', chance=0.3)}]")
                if self.random.random() < 0.4:
                    add("sync_threads()")

    def relay(self) -> None:
        """Each block waits, in each round, for the one before it."""
        add, r = self.lines.add, self.fresh("r")
        add(f"for {r} in range({self.rounds()}):")
        with self.lines.indented():
            one = self.random.random() < 0.6
            add("if block.x < len(flag) and block.x < len(part):")
            self.lines.depth += 1
            add("if t == 0:")
            with self.lines.indented():
                add("if block.x > 0:")
                with self.lines.indented():
                    self.awaits("block.x - 1", self.right(f"{r} + 1", f"{r}", "1"))
                    if one:
                        add(f"x += part[{self.right('block.x - 1', 'block.x', '0')}]")
                if one or self.random.random() < 0.5:
                    add("part[block.x] = x")
                    self.raises("block.x", op=self.right("add", "store"))
            self.lines.depth -= 1
            self.between(0.4)
            if not one:
                add("if block.x > 0 and block.x < len(part):")
                add("    x += part[block.x - 1]")

    def handed(self) -> None:
        """One thread waits, a barrier, and all threads read; round after round or once."""
        add = self.lines.add
        looped = self.random.random() < 0.6
        add("if i < len(part):")
        add("    part[i] = x")
        self.between()
        add("if t == 0 and block.x < len(flag):")
        with self.lines.indented():
            self.raises(self.right("block.x", "0", chance=0.15))
        bound = self.right(
            "min(grid_dim.x, len(flag))", "grid_dim.x", "min(n, len(flag))", chance=0.4
        )
        if looped:
            q = self.fresh("q")
            add(f"for {q} in range({bound}):")
        else:
            q = self.pick("0", "block.x", "(block.x + 1) % grid_dim.x")
            add(f"if {q} < len(flag):")
        with self.lines.indented():
            if self.errs(0.4):
                add(f"if {self.pick('x > 3', f'{q} == 1', 't == 2')}:")
                add("    return")
            add("if t == 0:")
            with self.lines.indented():
                self.awaits(q)
                if self.errs(0.3):
                    add("sync_threads()")
            self.between()
            place = f"{q} * BLOCK + {self.pick('t', 'BLOCK - 1 - t', '0')}"
            add(f"if {place} < len(part):")
            add(f"    x += part[{self.right(place, f'{place} + 1', chance=0.1)}]")
            if self.random.random() < 0.3:
                add("sync_threads()")

    # ------------------------------------------------------------ work from a counter

    def queue(self) -> None:
        """Blocks that draw their work until there is none left."""
        add, job, j = self.lines.add, self.fresh("job"), self.fresh("j")
        add(f"{job} = SharedArray(i32, 1)")
        add("while True:")
        with self.lines.indented():
            add(f"if t == {self.right('0', '1', chance=0.1)}:")
            draw = f"atomic.{self.right('add', 'max', chance=0.15)}(count, 0, 1)"
            add(f"    {job}[0] = {draw}")
            self.between()
            add(f"{j} = {job}[0]")
            if self.random.random() < 0.5:
                self.between(0.3)
                late = False
            else:
                late = True
            stop = self.right(
                f"{j} >= n", f"{j} >= n or {j} < 0", f"{j} > n", f"{j} + t >= n", chance=0.4
            )
            add(f"if {stop}:")
            add(f"    {self.pick('break', 'break', 'return')}")
            kind = self.random.randrange(3)
            if kind == 0:
                place = self.right(f"{j} * BLOCK + t", f"{j} + t", "i", chance=0.3)
                add(f"if 0 <= {place} < len(part):")
                add(f"    part[{place}] = x")
            elif kind == 1:
                add(f"if t == 0 and 0 <= {j} < len(part):")
                add(f"    part[{j}] {self.pick('=', '+=')} 1")
            else:
                add(f"first = i64({j}) * BLOCK")
                add("for k in range(first + t, min(first + BLOCK, len(part)), BLOCK):")
                add(f"    part[{self.right('k', 'k // 2', chance=0.15)}] = x")
            if late:
                self.between(0.3)

    def tickets(self) -> None:
        """Places that a block draws for all its threads at once."""
        add, base, b = self.lines.add, self.fresh("base"), self.fresh("b")
        add(f"{base} = SharedArray(i32, 1)")
        r = self.fresh("r")
        looped = self.random.random() < 0.6
        if looped:
            add(f"for {r} in range({self.rounds()}):")
            self.lines.depth += 1
        add("if t == 0:")
        size = self.right("BLOCK", "1", "BLOCK - 1", chance=0.25)
        add(f"    {base}[0] = atomic.add(count, 0, {size})")
        self.between()
        add(f"{b} = {base}[0] + i32(t)")
        if looped:
            self.between(0.3)
        add(f"if 0 <= {b} < len(out):")
        add(f"    out[{b}] = x")
        self.lines.depth = 1

    def drain(self) -> None:
        """The last block, round after round: a counter that is drawn once in each round."""
        add, last, k, r = self.lines.add, self.fresh("last"), self.fresh("k"), self.fresh("r")
        add(f"{last} = SharedArray(i32, 1)")
        add(f"for {r} in range({self.right('1', 'n', '2')}):")
        with self.lines.indented():
            add("if t == 0 and block.x < len(part):")
            add("    part[block.x] = x")
            add("if t == 0:")
            with self.lines.indented():
                order = self.right(', order="acq_rel"', ', order="release"', "", chance=0.3)
                add(f"{k} = atomic.add(flag, 0, 1{order})")
                full = self.right(f"({r} + 1) * grid_dim.x - 1", "grid_dim.x - 1", f"{r}")
                add(f"{last}[0] = 1 if i64({k}) == {full} else 0")
            self.between()
            add(f"if {last}[0] == 1:")
            with self.lines.indented():
                add("for q in range(t, min(len(part), grid_dim.x), BLOCK):")
                add("    x += part[q]")
            self.between(0.3)

    # ------------------------------------------------------------ in a block

    def inside(self) -> None:
        """A flag in shared memory between the threads of a block, beside its barriers."""
        add, up, box, r = self.lines.add, self.fresh("up"), self.fresh("box"), self.fresh("r")
        add(f"{up} = SharedArray(i32, 4)")
        add(f"{box} = SharedArray(i32, 4)")
        add("if t == 0:")
        add("    for q in range(4):")
        add(f"        {up}[q] = 0")
        self.between(0.1)
        add(f"for {r} in range({self.right('4', '3', 'n', '5', chance=0.2)}):")
        with self.lines.indented():
            turn = self.right(self.pick(f"t == {r} % BLOCK", "t == 0", "t == BLOCK - 1"), "t <= 1")
            place = self.right(f"{r} % 4", "0", chance=0.15)
            add(f"if {turn}:")
            with self.lines.indented():
                add(f"{box}[{place}] = x + i32({r})")
                order = self.right(', order="release"', "")
                add(f'atomic.store({up}, {place}, 1{order}, scope="block")')
            style = self.random.randrange(3)
            if style == 0:
                self.between()
            else:
                order = self.right(', order="acquire"', "")
                add(f'while atomic.load({up}, {place}{order}, scope="block") == 0:')
                add("    pass")
            add(f"x += {box}[{place}]")
            if style == 2 or self.random.random() < 0.4:
                self.between(0.3)

    # ------------------------------------------------------------ the grid

    def meetings(self) -> None:
        """Barriers of the grid and of blocks in one loop."""
        add, r, tile = self.lines.add, self.fresh("r"), self.fresh("tile")
        add(f"{tile} = SharedArray(i32, BLOCK)")
        bound = self.rounds()
        add(f"for {r} in range({bound}):")
        with self.lines.indented():
            add(f"{tile}[t] = x")
            self.between()
            neighbour = self.pick("(t + 1) % BLOCK", "BLOCK - 1 - t", "t")
            add(f"x += {tile}[{neighbour}]")
            add("if i < len(out):")
            add(f"    out[{self.right('i', 't', chance=0.1)}] = x")
            if self.random.random() < 0.4:
                stop = self.right(f"{r} == 1", "x > 3", "i >= n", "block.x == 1", chance=0.5)
                add(f"if {stop}:")
                add(f"    {self.pick('break', 'continue', 'return')}")
            self.unless_forgotten(self.right("grid_sync()", "sync_threads()"))
            add("if i < len(out):")
            add(f"    x += out[{self.pick('len(out) - 1 - i', '(i + 1) % len(out)', '0', 'i')}]")
            self.unless_forgotten(self.right("grid_sync()", "sync_threads()"), 0.3)
