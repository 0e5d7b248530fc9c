"""Random kernels whose threads talk: atomics of all kinds, flags, fences, locks, grid barriers.

The questions are those of lock-free code: is data that one thread writes and another reads handed
over by a release and an acquire, by fences, by a barrier of the grid or by nothing; does the scope
reach; is an atomic mixed with plain accesses; does a proof lean on an order in which atomics
happen to come.
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
    "fence",
    "grid_dim",
    "grid_sync",
    "i32",
    "i64",
    "kernel",
    "sync_threads",
    "thread",
    "u32",
    "within",
)
_CHANGES = ("add", "sub", "min", "max", "and_", "or_", "xor", "exchange")


class Handover(Author):
    """Writes one kernel of threads that talk."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.block = random.choice([1, 4, 8, 16, 32])
        self.fixed = random.random() < 0.7
        self.cooperative = random.random() < 0.35
        self.counter = random.choice([I32, U32, I64])

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
            "len(count) >= 4",
            "len(part) >= grid_dim.x",
            "len(out) >= grid_dim.x * block_dim.x",
            "len(part) >= grid_dim.x * block_dim.x",
            "len(a) == len(out)",
            "n >= 0",
            "n <= len(out)",
            "n <= 3",
        ]
        options = ["domain=1"] if random.random() < 0.9 else []
        if self.fixed:
            options.append("block=BLOCK")
        else:
            pool.append("block_dim.x == BLOCK")
        if self.cooperative:
            options.append("cooperative=True")
        facts = random.sample(pool, random.randrange(1, 7))
        if random.random() < 0.7:
            facts.append("within(flag, 0, 1)")
        self.lines.depth = 1
        self.body()
        return self.module(seed, _NAMES, ["", f"BLOCK = {self.block}"], options, facts, slots)

    def body(self) -> None:
        random, add = self.random, self.lines.add
        add("t, i = thread.x, thread.index_1d()")
        add("x = a[i] if i < len(a) else 0")
        pieces = [self.change, self.ticket, self.last_block, self.chain, self.chain, self.cells]
        pieces += [self.lock, self.message, self.message, self.scope, self.mixed, self.narrow]
        if self.cooperative:
            pieces += [self.phases, self.phases, self.sweeps, self.sweeps] * 2
        for _ in range(random.choice([1, 1, 2])):
            random.choice(pieces)()
        if random.random() < 0.4:
            add("if i < len(out):")
            add(f"    out[i] {self.pick('=', '+=')} x")

    def scoped(self) -> str:
        return self.right("", ', scope="block"', ', scope="cluster"', ', scope="system"')

    def release(self) -> str:
        return self.right(', order="release"', "", ', order="release", scope="block"', chance=0.5)

    def acquire(self) -> str:
        return self.right(', order="acquire"', "", ', order="acquire", scope="block"', chance=0.5)

    def one(self) -> str:
        return self.pick("1", "1", f"{self.counter}(x)", "2")

    # ------------------------------------------------------------ atomics

    def change(self) -> None:
        op = self.pick(*_CHANGES)
        index = self.pick("0", "i % 4", "t % 4", "block.x")
        old = self.fresh("old")
        self.lines.add(f"j = {index}")
        self.lines.add("if j < len(count):")
        by = self.pick("x", "1", "t", "-3")
        self.lines.add(f"    {old} = atomic.{op}(count, j, i32({by}){self.scoped()})")
        if self.random.random() < 0.6:
            use = self.random.choice([
                f"    if 0 <= {old} < len(out):",
                f"    if {old} == 0 and len(out) > 0:",
            ])  # fmt: skip
            self.lines.add(use)
            self.lines.add(f"        out[{self.pick('0', old, 'i % len(out)')}] = {old}")

    def ticket(self) -> None:
        """What `add` gives is each thread's own, until it wraps."""
        add, k = self.lines.add, self.fresh("k")
        add(f"{k} = atomic.{self.right('add', 'max', 'or_', 'exchange')}(flag, 0, 1)")
        add(f"if {self.right(f'0 <= {k} < len(out)', f'{k} < len(out)', f'i64({k}) < n')}:")
        add(f"    out[{self.right(k, f'{k} // 2', f'{k} - 1')}] = x")

    def cells(self) -> None:
        """Compare and exchange, load and store."""
        add = self.lines.add
        old = self.fresh("c")
        place, wanted = self.pick("0", "t % 4", "3"), self.pick("0", "x")
        add(f"{old} = atomic.compare_exchange(count, {place}, {wanted}, 1)")
        add(f"if {old} == {self.pick('0', '1', 'x')}:")
        with self.lines.indented():
            kind = self.random.randrange(3)
            if kind == 0:
                add(f"if len(out) > {self.pick('0', '3')}:")
                add(f"    out[{self.pick('0', '3', 'i % 4')}] = 5")
            elif kind == 1:
                add(f"atomic.store(count, {self.pick('1', '2')}, {old})")
            else:
                add(f"x = atomic.load(count, {self.pick('1', '2')})")

    def scope(self) -> None:
        """A scope that is enough, or is not, for who comes there."""
        add, name = self.lines.add, self.pick("count", "bins")
        index = "t % 4"
        if name == "bins":
            name = self.fresh("bins")
            add(f"{name} = SharedArray(i32, 4)")
            add("if t < 4:")
            add(f"    {name}[t] = 0")
            add("for q in range(t, 4, block_dim.x):")
            add(f"    {name}[q] = 0")
            self.unless_forgotten("sync_threads()")
        else:
            index = self.right("block.x", "block.x % 4", "0", "i", chance=0.5)
            add(f"if {index} < len(count):")
            self.lines.depth += 1
        reach = self.pick("block", "block", "device", "cluster")
        add(f'atomic.{self.pick(*_CHANGES)}({name}, {index}, 1, scope="{reach}")')
        if name == "count":
            self.lines.depth -= 1
        else:
            self.unless_forgotten("sync_threads()")
            add(f"x += {name}[t % 4]")
            self.unless_forgotten("sync_threads()")

    def mixed(self) -> None:
        """Atomic in one interval, plain in the next."""
        add, bins = self.lines.add, self.fresh("bins")
        add(f"{bins} = SharedArray(i32, BLOCK)")
        add(f"{bins}[t] = 0")
        self.unless_forgotten("sync_threads()")
        op = self.pick("add", "max", "exchange")
        add(f"atomic.{op}({bins}, {self.pick('(t + 1) % BLOCK', '0', 't')}, i32(t))")
        self.unless_forgotten("sync_threads()")
        add(f"x = {bins}[{self.pick('t', '0', 'BLOCK - 1')}]")

    def narrow(self) -> None:
        """A number that an atomic gave, as if it were the same for all."""
        add, m = self.lines.add, self.fresh("m")
        add(f"{m} = atomic.{self.pick('load(count, 0)', 'max(count, 0, 1)', 'load(count, 1)')}")
        add(f"if {m} > {self.pick('0', '2', 'n')}:")
        kind = self.random.randrange(3)
        if kind == 0:
            add("    sync_threads()")
        elif kind == 1:
            add("    if t == 0 and block.x < len(part):")
            add("        part[block.x] = 1")
        else:
            add(f"    x = {m}")

    # ------------------------------------------------------------ handing over

    def last_block(self) -> None:
        """Partial results of all blocks, added up by the block that comes last."""
        add, last, k = self.lines.add, self.fresh("last"), self.fresh("k")
        add(f"{last} = SharedArray(i32, 1)")
        add("if t == 0:")
        with self.lines.indented():
            add("if block.x < len(part):")
            add(f"    part[{self.right('block.x', '0')}] = x")
            fenced = self.random.random() < 0.5
            if fenced:
                self.unless_forgotten(self.right("fence()", 'fence("block")'), 0.3)
            order = "" if fenced else self.right(', order="acq_rel"', ', order="release"', "")
            add(f"{k} = atomic.add(flag, 0, 1{order})")
            if fenced:
                self.unless_forgotten("fence()", 0.3)
            add(f"{last}[0] = 1 if {k} == {self.right('grid_dim.x - 1', '0', 'grid_dim.x')} else 0")
        self.unless_forgotten("sync_threads()", 0.15)
        add(f"if {last}[0] == 1:")
        with self.lines.indented():
            end = self.right("min(len(part), grid_dim.x)", "len(part)")
            add(f"for q in range(t, {end}, block_dim.x):")
            add("    x += part[q]")
            if self.random.random() < 0.3:
                add("sync_threads()")

    def chain(self) -> None:
        """Each block waits for the one before it."""
        add = self.lines.add
        add(f"if {self.right('t == 0', 't <= 1')} and block.x < len(part) and block.x < len(flag):")
        with self.lines.indented():
            add("before = 0")
            add(f"if block.x > {self.right('0', '1')}:")
            with self.lines.indented():
                fenced = self.random.random() < 0.3
                order = self.right("", ', order="acquire"') if fenced else self.acquire()
                if not self.errs(0.2):
                    add(f"while atomic.load(flag, block.x - 1{order}) == 0:")
                    add("    pass")
                if fenced:
                    self.unless_forgotten(self.right("fence()", 'fence("block")'))
                add(f"before = part[{self.right('block.x - 1', 'block.x', '0')}]")
            store = f"part[{self.right('block.x', '0')}] = before + x"
            if self.errs(0.15):
                add(f"atomic.store(flag, block.x, 1{self.release()})")
                add(store)
            else:
                add(store)
                if self.random.random() < 0.3:
                    self.unless_forgotten("fence()")
                    add("atomic.store(flag, block.x, 1)")
                else:
                    op = self.pick("store", "exchange", "add")
                    add(f"atomic.{op}(flag, block.x, 1{self.release()})")

    def message(self) -> None:
        """One thread writes and raises a flag; others read if they see it."""
        add, seen = self.lines.add, self.fresh("seen")
        writer = self.pick("i == 0", "t == 0 and block.x == 0", "i == n")
        place = self.pick("0", "1")
        add(f"if {writer}:")
        with self.lines.indented():
            add(f"if len(part) > {place}:")
            add(f"    part[{place}] = x")
            fenced = self.random.random() < 0.4
            if fenced:
                self.unless_forgotten("fence()", 0.3)
            op, order = self.pick("store", "exchange", "add"), "" if fenced else self.release()
            add(f"atomic.{op}(flag, 0, {self.one()}{order})")
        add(f"if {self.pick('i != 0', 't == 1', 'i > 0')}:")
        with self.lines.indented():
            loads = f"atomic.load(flag, 0{self.acquire()})"
            if self.random.random() < 0.25:
                order = self.right(', order="acq_rel"', "")
                loads = f"atomic.add(flag, 0, 0{order})"
            add(f"{seen} = {loads}")
            if self.random.random() < 0.3:
                self.unless_forgotten("fence()", 0.3)
            says = self.right(f"{seen} == 1", f"{seen} != 0", f"{seen} == 0")
            add(f"if {says} and len(part) > {place}:")
            add(f"    x = part[{self.right(place, '0')}]")

    def lock(self) -> None:
        """A lock round an update."""
        add, held = self.lines.add, self.fresh("held")
        add(f"{held} = {self.counter}(1)")
        take = self.pick(
            f"exchange(flag, 0, 1{self.acquire()})",
            f"compare_exchange(flag, 0, 0, 1{self.acquire()})",
        )
        if self.random.random() < 0.6:
            add(f"while {held} != 0:")
            add(f"    {held} = atomic.{take}")
        else:
            add(f"{held} = atomic.{take}")
            add(f"if {held} == 0:")
            self.lines.depth += 1
        add("if len(part) > 0:")
        add("    part[0] += 1")
        self.unless_forgotten(f"atomic.store(flag, 0, 0{self.release()})", 0.05)
        self.lines.depth = 1

    # ------------------------------------------------------------ the grid

    def together(self, chance: float = 0.2) -> None:
        self.unless_forgotten(self.right("grid_sync()", "sync_threads()"), chance)

    def place(self) -> str:
        return self.pick("(i + 1) % len(out)", "len(out) - 1 - i", "i", "0", "i ^ 1")

    def phases(self) -> None:
        """Writes, a barrier of the grid, reads of what others wrote."""
        add = self.lines.add
        add("if i < len(out):")
        add(f"    out[{self.right('i', 't', 'i // 2', chance=0.15)}] = x")
        if self.random.random() < 0.3:
            add(f"if {self.right('n > 2', 'i < n', 'block.x == 0', 't == 0', chance=0.9)}:")
            add("    grid_sync()")
        else:
            self.together()
        add("if i < len(out):")
        with self.lines.indented():
            add(f"j = {self.place()}")
            add("if j < len(out):")
            add("    x += out[j]")
        self.together(0.4)

    def sweeps(self) -> None:
        """Two slices in turn, round after round."""
        add, r = self.lines.add, self.fresh("r")
        bound = self.right(self.pick("n", "2", "3"), "t", "i32(block.x)", chance=0.3)
        if self.random.random() < 0.25:
            add(f"if {self.pick('i >= len(out)', 'block.x > 1', 'i >= n')}:")
            add("    return")
        add(f"for {r} in range({bound}):")
        with self.lines.indented():
            add("if i < len(out) and i < len(part):")
            add(f"    part[i] = out[{self.right('i', self.place(), chance=0.8)}] + 1")
            self.together()
            add("if i < len(out) and i < len(part):")
            add(f"    out[i] = part[{self.pick('i', '(i + 1) % len(part)', 'len(part) - 1 - i')}]")
            self.together(0.25)
