"""Random kernels whose threads work together, free of races by construction.

To what `deterministic` writes come warps (every function, width and type, partial warps, masks,
lanes that have returned), barriers of the grid, atomics of every kind, dynamic shared memory,
views, wide accesses, three dimensions and integers of 8 and 16 bits. An atomic whose result is
looked at is on an element of the thread's own; on an element of many there is one operation only,
and an order of no consequence. No lane reads one that takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from oxide_analyzer.language.types import BOOL, I8, I16, I64, U8, U16, U32, Scalar
from oxide_analyzer.launch import Launch

from .deterministic import Deterministic
from .expressions import FLOATS, INTEGERS, Elements, Expressions
from .program import Program, Slot, random_contents

_SMALL = (I8, I16, U8, U16)
_BLOCKS = (8, 31, 32, 33, 40, 64, 72, 96)
_SCOPES = ("block", "device", "system")
_ORDERS = ("relaxed", "acquire", "release", "acq_rel")
_BITWISE = ("and_", "or_", "xor")
_WIDTHS = (2, 4, 8, 16, 32)


@dataclass(frozen=True)
class _Shaped(Slot):
    """A slot of up to three dimensions."""

    @property
    def declaration(self) -> str:
        suffix = "" if self.rank == 1 else f"{self.rank}D"
        return f"{self.name}: {self.form}{suffix}[{self.type}]"


class _Wider(Expressions):
    """Expressions with small integers as well."""

    @property
    def types(self) -> tuple[Scalar, ...]:
        return (*super().types, *_SMALL)


class Together(Deterministic):
    """Writes one kernel."""

    def __init__(self, random: Random, *, inexact: bool = False) -> None:
        super().__init__(random, inexact=inexact)
        self.block = random.choice(_BLOCKS)
        self.at = _Wider(random, True, inexact)
        self.budget = random.randrange(4, 10)
        self.is_grid = random.random() < 0.3
        # Threads that leave early take their part of tiles and of grids with them.
        self.leaves = not self.is_grid and random.random() < 0.25
        self.dynamic: Scalar | None = None
        self.combined: list[tuple[Slot, str]] = []
        self.own: list[Slot] = []
        self.wide: list[Slot] = []
        self.crossing: Slot | None = None
        if not self.leaves and random.random() < 0.3:
            self.dynamic = self.at.type()

    def program(self, seed: int) -> Program:
        """The module, with what its kernel needs at a launch."""
        made = super().program(seed)
        keywords = ", cooperative=True" if self.is_grid else ""
        source = made.source.replace("@kernel(block=BLOCK", f"@kernel(block=BLOCK{keywords}")
        return Program(
            seed, source.replace("from oxide import (", _IMPORT), made.slots, made.launch
        )

    def launch(self) -> Launch:
        made = super().launch()
        threads = made.grid[0] * self.block
        arrays = dict(made.arrays)
        for slot in self.slots:
            shape = arrays[slot.name].shape if slot.rank else ()
            if slot in self.own or slot is self.crossing:
                shape = (threads,)
            elif slot in self.wide:
                shape = (4 * threads,)
            elif slot.rank == 3:
                shape = (shape[0], self.random.randrange(1, 4), self.random.randrange(1, 4))
            if slot.rank:
                arrays[slot.name] = random_contents(self.random, slot.type, shape)
        shared = 0 if self.dynamic is None else self.block * self.dynamic.size
        return Launch(made.grid, made.block, made.scalars, arrays, shared)

    def parameters(self) -> None:
        super().parameters()
        random = self.random
        if random.random() < 0.4:
            slot = _Shaped("cube", "Slice", self.at.type(), 3)
            self.slots.append(slot)
            hole = "cube[({0}) % len(cube), ({0}) % cube.shape[1], ({0}) % cube.shape[2]]"
            self.at.elements.append(Elements(slot.type, hole))
        for number in range(random.randrange(3)):
            type = random.choice(INTEGERS + FLOATS)
            ops = ["min", "max"] if type.is_float else ["add", "sub", "min", "max", *_BITWISE]
            slot = Slot(f"all{number}", "AtomicSlice", type, 1)
            self.slots.append(slot)
            self.combined.append((slot, random.choice(ops)))
        if random.random() < 0.5:
            slot = Slot("mine", "AtomicSlice", random.choice(INTEGERS + FLOATS), 1)
            self.slots.append(slot)
            self.own.append(slot)
        if random.random() < 0.4:
            type = random.choice([t for t in self.at.types if t.bits <= 32])
            slot = Slot("quads", "DisjointSlice", type, 1)
            self.slots.append(slot)
            self.wide.append(slot)
        if self.is_grid:
            self.crossing = Slot("crossing", "DisjointSlice", self.at.type(), 1)
            self.slots.append(self.crossing)

    def body(self) -> None:
        if self.dynamic is not None:
            self.lines.add(f"dynamic = dynamic_shared({self.dynamic})")
        self.at.variables["warp.lane"] = I64
        self.at.fixed.add("warp.lane")
        super().body()

    def tile(self) -> None:
        if not self.leaves:
            super().tile()

    def phase(self) -> None:
        random = self.random
        kinds = [self.meet] * 5
        kinds += [self.cross] * 2 if self.crossing is not None else []
        kinds += [self.dynamic_exchange] if self.dynamic is not None else []
        kinds += [super().phase, super().phase, self.of_block] if not self.leaves else [self.leave]
        random.choice(kinds)()

    def statement(self) -> None:
        random = self.random
        if random.random() < 0.35:
            kinds = [self.combine, self.take, self.quad, self.view, self.certain]
            random.choice(kinds)()
        else:
            super().statement()

    # ------------------------------------------------------------ warps

    def meet(self) -> None:
        """A warp operation of all lanes that are left, or of the first ones of each warp."""
        random, add = self.random, self.lines.add
        first = random.choice([0, 0, 1, 5, 16, 31])
        text, type = self.warp_operation("" if not first else f", mask={(1 << first) - 1}")
        name = self.fresh()
        if first:
            add(f"{name} = {self.at.expression(type, 1)}")
            add(f"if warp.lane < {first}:")
            with self.lines.indented():
                add(f"{name} = {text}")
        else:
            add(f"{name} = {text}")
        self.at.variables[name] = type
        if type == BOOL:
            # No operator assigns to a bool.
            self.at.fixed.add(name)
        if random.random() < 0.2:
            add("sync_warp()")

    def warp_operation(self, mask: str) -> tuple[str, Scalar]:
        """A call, and the type of its result."""
        random = self.random
        kind = random.randrange(7)
        type = self.at.type()
        value = self.at.expression(type, 2)
        width = f", width={random.choice(_WIDTHS)}" if random.random() < 0.5 else ""
        if kind == 0:
            name = random.choice(["any", "all", "ballot"])
            result = U32 if name == "ballot" else BOOL
            return f"warp.{name}({self.at.condition(2)}{mask})", result
        if kind == 1:
            name = random.choice(["match_any", "match_all"])
            few = value if type.is_float else f"({value} & 3)"
            return f"warp.{name}({few}{mask})", U32
        if kind == 2 and not mask and not self.leaves:
            return self.shuffle(value), type
        if kind == 3:
            name = random.choice(["add", "min", "max"])
            exclusive = ", exclusive=True" if random.random() < 0.4 else ""
            return f"warp.scan_{name}({value}{exclusive}{width}{mask})", type
        names = ["add", "min", "max"] + ([] if type.is_float else ["and", "or", "xor"])
        return f"warp.reduce_{random.choice(names)}({value}{width}{mask})", type

    def shuffle(self, value: str) -> str:
        random = self.random
        if self.block % 32 == 0:
            name = random.choice(["shuffle_up", "shuffle_down", "shuffle_xor", "shuffle"])
            lane = random.choice(["1", "3", "16", "31", f"({self.at.index()})"])
            return f"warp.{name}({value}, {lane}, width={random.choice(_WIDTHS)})"
        if random.random() < 0.5:
            return f"warp.shuffle_up({value}, {random.choice(['1', '2', '7', '40'])})"
        return f"warp.shuffle({value}, ({self.at.index()}) % {self.block % 32})"

    def leave(self) -> None:
        """Some threads have done enough."""
        self.lines.add(f"if {self.at.condition(2)}:")
        self.lines.add("    return")

    # ------------------------------------------------------------ blocks and grids

    def of_block(self) -> None:
        """What all threads of the block compute, once or in a loop."""
        random, add = self.random, self.lines.add
        type, name = self.at.type(), self.fresh()
        ops = ["add", "min", "max"] + ([] if type.is_float else ["and", "or", "xor"])
        call = f"reduce_{random.choice(ops)}({{}})"
        if random.random() < 0.4:
            exclusive = random.choice(["", ", exclusive=True"])
            call = f"scan_{random.choice(ops[:3])}({{}}{exclusive})"
        add(f"{name} = block.{call.format(self.at.expression(type, 2))}")
        if random.random() < 0.3:
            add(f"for {self.fresh('k')} in range({random.randrange(1, 4)}):")
            add(f"    {name} = block.{call.format(name)}")
        self.at.variables[name] = type

    def dynamic_exchange(self) -> None:
        assert self.dynamic is not None
        add = self.lines.add
        add(f"dynamic[t] = {self.at.expression(self.dynamic, 2)}")
        add("sync_threads()")
        name = self.fresh()
        add(f"{name} = dynamic[({self.at.index()}) % len(dynamic)]")
        self.at.variables[name] = self.dynamic
        add("sync_threads()")

    def cross(self) -> None:
        """Write one's own element; behind a barrier of the grid read any; a barrier again."""
        slot, add = self.crossing, self.lines.add
        assert slot is not None
        add(f"if i < len({slot.name}):")
        add(f"    {slot.name}[i] = {self.at.expression(slot.type, 2)}")
        add("grid_sync()")
        name = self.fresh()
        add(f"{name} = {slot.name}[({self.at.index()}) % len({slot.name})]")
        self.at.variables[name] = slot.type
        add("grid_sync()")

    # ------------------------------------------------------------ one thread

    def combine(self) -> None:
        """An atomic on an element of many."""
        for slot, op in self.combined:
            with self.branch():
                index = f"({self.at.index()}) % len({slot.name})"
                order = self.random.choice(_ORDERS)
                scope = self.random.choice(_SCOPES[1:])
                value = self.at.expression(slot.type, 2)
                self.lines.add(
                    f'atomic.{op}({slot.name}, {index}, {value}, scope="{scope}", order="{order}")'
                )

    def take(self) -> None:
        """An atomic on the thread's own element, whose old value is looked at."""
        for slot in self.own:
            ops = ["add", "sub", "min", "max", "exchange", "compare_exchange", "load", "store"]
            op = self.random.choice(ops if slot.type.is_float else [*ops, *_BITWISE])
            order = self.random.choice(_ORDERS)
            if (op, order) in (("load", "release"), ("load", "acq_rel")):
                order = "acquire"
            if (op, order) in (("store", "acquire"), ("store", "acq_rel")):
                order = "release"
            how = f'scope="{self.random.choice(_SCOPES)}", order="{order}"'
            values = [self.at.expression(slot.type, 1) for _ in range(2)]
            count = {"load": 0, "compare_exchange": 2}.get(op, 1)
            if op == "compare_exchange" and slot.type.is_float:
                # Bits are compared, and those of a NaN depend on the device.
                values[0] = f"max({values[0]}, {slot.type}(-1e9))"
            arguments = ", ".join([slot.name, "i", *values[:count], how])
            name = self.fresh()
            self.lines.add(f"{name} = {self.at.expression(slot.type, 1)}")
            self.at.variables[name] = slot.type
            self.lines.add(f"if i < len({slot.name}):")
            result = "" if op == "store" else f"{name} = "
            self.lines.add(f"    {result}atomic.{op}({arguments})")
            if self.random.random() < 0.3:
                self.lines.add(f'fence("{self.random.choice(_SCOPES)}")')

    def quad(self) -> None:
        """Four neighbouring elements at once."""
        for slot in self.wide:
            names = [self.fresh() for _ in range(4)]
            for name in names:
                self.lines.add(f"{name} = {self.at.expression(slot.type, 1)}")
                self.at.variables[name] = slot.type
            self.lines.add(f"if 4 * i + 3 < len({slot.name}):")
            self.lines.add(f"    {', '.join(names)} = {slot.name}.load(4 * i, 4)")
            values = ", ".join(self.at.expression(slot.type, 1) for _ in range(4))
            self.lines.add(f"    {slot.name}.store(4 * i, ({values}))")

    def view(self) -> None:
        """An element of a row, or of a part of a slice."""
        slots = [slot for slot in self.slots if slot.form == "Slice" and slot.rank in (1, 2)]
        if not slots:
            return
        slot, row, name = self.random.choice(slots), self.fresh("row"), self.fresh()
        if slot.rank == 2:
            self.lines.add(f"{row} = {slot.name}[({self.at.index()}) % len({slot.name}), :]")
        else:
            self.lines.add(f"{row} = {slot.name}[({self.at.index()}) % len({slot.name}):]")
        self.lines.add(f"{name} = {row}[({self.at.index()}) % len({row})]")
        self.at.variables[name] = slot.type

    def certain(self) -> None:
        """What holds, or what somebody vouches for."""
        if self.random.random() < 0.5:
            self.lines.add('assert t < BLOCK, "of this block"')
            return
        self.lines.add('with unsafe("nothing is wrong with it"):')
        with self.at.scope(), self.lines.indented():
            self.assignment()


def together(seed: int, *, inexact: bool = False) -> Program:
    """The program of `seed`."""
    return Together(Random(seed), inexact=inexact).program(seed)


_IMPORT = """from oxide import (
    DisjointSlice3D,
    Slice3D,
    block,
    dynamic_shared,
    fence,
    grid_sync,
    i8,
    i16,
    sync_warp,
    u8,
    u16,
    unsafe,
    warp,"""
