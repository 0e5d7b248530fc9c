"""The launches of a loop: one function for one kernel, grid and block, written out as Python.

The checks of a launch cost more than the launch. For the case that loops repeat (buffers on one
GPU, plain numbers, the default stream) they are generated as straight code, with all that is
known put in as constants:

    def entry(arguments):                            # k(a: Slice[f32], out: DisjointSlice[f32])
        if len(arguments) != 2: return False
        a, out = arguments
        if a.__class__ is not Buffer or a.kind is not K0 or ...: return False
        p0, e0, d0_0 = a.extent
        p1, e1, d1_0 = out.extent
        if p1 < e0 and p0 < e1: return False         # out must not overlap a
        if not (d0_0 >= d1_0): return False          # a declared fact
        ...pack, enqueue...
        return True

`False` means "not this case, or something is wrong": then the ordinary way runs, which checks
everything again and finds the words for it. So an entry may refuse, and never says why.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oxide_analyzer.ir.kernel import ArrayParameter, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    Const,
    Convert,
    Dim,
    Logic,
    Not,
    Ownership,
    Param,
    Register,
    Special,
)
from oxide_analyzer.language.types import Kind
from oxide_codegen.abi import ScalarSlot
from oxide_codegen.arguments import alignments
from oxide_codegen.buffers import DeviceBuffer, kind_of
from oxide_codegen.devices import DeviceId
from oxide_codegen.enqueue import DOUBLE, INTEGER, SINGLE, Call
from oxide_codegen.forms import SIZES, is_ordinary_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.launchable import Launchable
    from oxide_codegen.live import Guard

_COMPACT = 2**31
# The largest numbers of floats with so many bits, or a little less.
_MOST = {16: "65000.0", 32: "3.4e38"}
_ARITHMETIC = {BinaryOp.ADD: "+", BinaryOp.SUB: "-", BinaryOp.MUL: "*"}

_REFUSED = (
    "if status:",
    "    if status < 0: return False",
    "    refuse(status)",
)
_DIRECTLY = ("status = enqueue(arena.packed)", "arenas.append(arena)", *_REFUSED)
_BINDINGS = (
    "ours = int(current()[1]) == context",
    "if ours: result = launch(function, *grid, *block, shared, stream, arena.address, 0)",
    "arenas.append(arena)",
    "if not ours: return False",
    "if result[0]: refuse(result[0])",
)


@dataclass(frozen=True, slots=True)
class LaunchKind:
    """Launches that are one another's but for their arguments, as long as the guard holds."""

    specialisation: Launchable
    grid: Extent
    block: Extent
    shared: int
    guard: Guard | None


class _Other(Exception):
    """A fact that is not written out here."""


def entry(
    kind: LaunchKind, loaded: CudaKernel, *, ordinary: bool
) -> Callable[[tuple[Any, ...]], bool] | None:
    """The entry for launches on the default stream, or None if something is beyond it.

    It is for those that are `ordinary`, or for the others: see `forms`.
    """
    device = loaded.device
    specialisation, grid, shared = kind.specialisation, kind.grid, kind.shared
    kernel = specialisation.kernel
    if loaded.is_cooperative or kernel.contract.data or specialisation.signature.has_parts:
        return None
    enqueue, stream = device.enqueue, device.default_handle
    last: Sequence[str] | None = _BINDINGS if enqueue is None else _DIRECTLY
    template = None
    if enqueue is not None and enqueue.given is not None:
        template = _template(kind, loaded)
        last = None if template is not None else last
    try:
        source, names = write(kind, device.index, last, ordinary=ordinary)
    except _Other:
        return None
    names |= {
        "Buffer": DeviceBuffer,
        "device": device,
        "pack": specialisation.layout.packer.pack_into,
        "unpackable": (struct.error, OverflowError),
        "stream": stream,
        "refuse": loaded.raise_launch_error,
    }
    if enqueue is not None:
        names |= {
            "enqueue": enqueue.packed,
            "given": enqueue.given,
            "template": template,
            "arenas": list[Call](),
            "new_arena": lambda: loaded.call(
                grid, kind.block, loaded.shared(shared), stream, loaded.arena(shared, grid)
            ),
        }
    else:
        names |= {
            # Its own: what an arena says of the grid stays.
            "arenas": list[Any](),
            "new_arena": lambda: loaded.arena(shared, grid),
            "current": device.driver.cuCtxGetCurrent,
            "launch": device.driver.cuLaunchKernel,
            "context": device.context_handle,
            "function": loaded.handle,
            "grid": loaded.launched(grid),
            "block": kind.block,
            "shared": loaded.shared(shared),
        }
    # The text is made of the types and facts of a kernel that was checked: numbers and names of
    # our own making, nothing of the user's.
    exec(compile(source, f"<entry of {specialisation.kernel.name}>", "exec"), names)
    return names["entry"]


def checks(
    kind: LaunchKind, place: DeviceId, *, ordinary: bool | None
) -> Callable[[tuple[Any, ...]], tuple[int | float, ...] | None] | None:
    """What gives the cells of a launch on any stream, or None where it is for the ordinary way.

    None if something is beyond it. On a GPU it is for launches that are `ordinary`, or for the
    others.
    """
    specialisation = kind.specialisation
    if specialisation.kernel.contract.data or specialisation.signature.has_parts:
        return None
    try:
        found = _conditions(kind, place, ordinary)
    except _Other:
        return None
    lines = [
        "def checks(arguments):",
        f"    if len(arguments) != {found.count}: return None",
        f"    {found.variables} = arguments" if found.variables else "",
        *(f"    if {condition}: return None" for condition in (*found.classes, *found.alone)),
        *(f"    {line}" for line in found.unpack),
        *(f"    if {condition}: return None" for condition in found.late),
        f"    return ({''.join(f'{cell}, ' for cell in found.cells)})",
    ]
    names: dict[str, Any] = found.names | {"Buffer": DeviceBuffer}
    # As above: the text is of our own making.
    exec(compile("\n".join(line for line in lines if line), "<checks>", "exec"), names)
    return names["checks"]


def write(
    kind: LaunchKind,
    index: int,
    last: Sequence[str] | None = _DIRECTLY,
    *,
    ordinary: bool = True,
) -> tuple[str, dict[str, Any]]:
    """The source of an entry and the constants that it names; also what tests look at.

    `last` are its statements behind the checks, with the arguments packed; None where one call
    takes them as they are.
    """
    found = _conditions(kind, DeviceId("cuda", index), ordinary)
    classes = found.classes
    if found.moved:
        look = " or ".join((*found.moved, "device.is_lost"))
        classes.append(f"device.moved is not None and ({look})")
    lines = [
        "def entry(arguments):",
        f"    if len(arguments) != {found.count}: return False",
        f"    {found.variables} = arguments" if found.variables else "",
        *(f"    if {condition}: return False" for condition in classes),
        *(f"    {line}" for line in found.unpack),
        *(f"    if {condition}: return False" for condition in found.late),
        *(f"    {line}" for line in _started(found.cells, last)),
        "    return True",
    ]
    return "\n".join(line for line in lines if line), found.names


@dataclass
class _Conditions:
    """What sends a launch the ordinary way, before and behind `unpack`, and what a launch packs.

    `moved` is for those that take uses for granted, `alone` for those that do not look at `moved`
    and whose numbers are packed elsewhere.
    """

    count: int
    variables: str
    classes: list[str] = field(default_factory=list[str])
    moved: list[str] = field(default_factory=list[str])
    alone: list[str] = field(default_factory=list[str])
    unpack: list[str] = field(default_factory=list[str])
    late: list[str] = field(default_factory=list[str])
    cells: list[str] = field(default_factory=list[str])
    names: dict[str, Any] = field(default_factory=dict[str, Any])


def _conditions(kind: LaunchKind, place: DeviceId, ordinary: bool | None) -> _Conditions:
    specialisation, grid, block = kind.specialisation, kind.grid, kind.block
    kernel, checked = specialisation.kernel, specialisation.checked
    known = _Names(kernel, grid, block, kind.shared)
    aligned = alignments(kernel)
    count = len(kernel.parameters)
    found = _Conditions(count, "".join(f"v{k}, " for k in range(count)).strip())
    names, classes, unpack, cells = found.names, found.classes, found.unpack, found.cells
    usual = list[str]()
    for k, parameter in enumerate(kernel.parameters):
        if isinstance(parameter, ScalarParameter):
            classes.append(_wrong_number(f"v{k}", parameter.type))
            cells.append(f"v{k}")
            if parameter.type.is_float and parameter.type.bits < 64:
                most = _MOST[parameter.type.bits]
                found.alone.append(f"not -{most} <= v{k} <= {most}")
            if checked.compact and parameter.type.is_integer:
                classes.append(f"not {-_COMPACT} < v{k} < {_COMPACT}")
            if parameter.type.is_integer and parameter.type.max >= SIZES:
                usual.append(f"{-SIZES} < v{k} < {SIZES}")
            continue
        array = kernel.arrays[parameter.name]
        # Who writes a buffer of which facts are known has to make it forget them.
        is_read = array.ownership is Ownership.READ_ONLY
        kinds = list[str]()
        for fits in (True,) if ordinary is True else (True, False):
            for is_known in (False, True) if is_read else (False,):
                kinds.append(f"K{k}_{len(kinds)}")
                names[kinds[-1]] = kind_of(
                    str(array.held),
                    array.held_rank,
                    place.kind,
                    place.index,
                    ordinary=fits,
                    is_known=is_known,
                )
        other = " and ".join(f"v{k}.kind is not {name}" for name in kinds)
        classes.append(f"v{k}.__class__ is not Buffer or {other}")
        fitting = kinds[: 2 if is_read else 1]
        usual.append(f"({' or '.join(f'v{k}.kind is {name}' for name in fitting)})")
        found.moved.append(f"v{k}.memory.stream != stream")
        found.alone.append(f"v{k}.memory.is_freed")
        extents = [f"d{k}_{axis}" for axis in range(array.held_rank)]
        unpack.append(f"p{k}, e{k}, {', '.join(extents)} = v{k}.extent")
        cells += [f"p{k}", *extents]
    if ordinary is False and is_ordinary_grid(grid, block):
        # Ordinary ones are for the other entry.
        classes.append(" and ".join(usual) or "True")
    elif ordinary:
        classes += [f"not {size}" for size in usual if not size.startswith("(")]
    late = [] if specialisation.signature.may_overlap else _overlaps(kernel)
    late += [f"not {text}" for text in known.conditions(checked.facts)]
    if checked.compact and not ordinary:
        late += [f"{cell} >= {_COMPACT}" for cell in cells if cell.startswith("d")]
    late += [
        f"p{k} % {aligned[parameter.name]}"
        for k, parameter in enumerate(kernel.parameters)
        if parameter.name in aligned
    ]
    if kind.guard is not None:
        condition, noted = kind.guard.spelled()
        late.append(f"not {condition}")
        names |= noted
    found.late = late
    return found


def _started(cells: Sequence[str], last: Sequence[str] | None) -> Iterator[str]:
    """The statements that launch."""
    if last is None:
        yield f"status = given({', '.join(('template', *cells))})"
        yield from _REFUSED
        return
    yield from ("arena = arenas.pop() if arenas else new_arena()", "try:")
    yield f"    pack(arena.cells, 0, {', '.join(cells)})" if cells else "    pass"
    yield from ("except unpackable:", "    arenas.append(arena)", "    return False", *last)


def _template(kind: LaunchKind, loaded: CudaKernel) -> bytes | None:
    """What a launch is besides its arguments, None if they want another way."""
    kinds: list[int] = []
    for slot in kind.specialisation.layout.slots:
        number = INTEGER
        if isinstance(slot, ScalarSlot) and slot.type.is_float:
            if slot.type.bits == 16:
                return None
            number = SINGLE if slot.type.bits == 32 else DOUBLE
        kinds.append(number)
    device = loaded.device
    grid, shared = kind.grid, kind.shared
    arena = loaded.arena(shared, grid)
    call = loaded.call(grid, kind.block, loaded.shared(shared), device.default_handle, arena)
    return call.taking(kinds, loaded.hidden(shared, grid))


def _wrong_number(name: str, type_: Scalar) -> str:
    if type_.kind is Kind.BOOL:
        return f"{name}.__class__ is not bool"
    if type_.is_float:
        return f"{name}.__class__ is not float"
    return f"{name}.__class__ is not int or not {type_.min} <= {name} <= {type_.max}"


def _overlaps(kernel: Kernel) -> list[str]:
    """Conditions under which a mutable array meets another one."""
    arrays = [
        (k, kernel.arrays[parameter.name].ownership is not Ownership.READ_ONLY)
        for k, parameter in enumerate(kernel.parameters)
        if isinstance(parameter, ArrayParameter)
    ]
    return [
        f"p{i} < e{j} and p{j} < e{i}"
        for position, (i, mutable) in enumerate(arrays)
        for j, other in arrays[:position]
        if mutable or other
    ]


class _Names:
    """Conditions as Python expressions over the variables of an entry."""

    def __init__(self, kernel: Kernel, grid: Extent, block: Extent, shared: int) -> None:
        self._numbers: Mapping[str, int] = {
            parameter.name: k for k, parameter in enumerate(kernel.parameters)
        }
        self._extents = {Register.GRID_DIM: grid, Register.BLOCK_DIM: block}
        self._dynamic = {
            a.name: shared // a.element.size for a in kernel.arrays.values() if a.is_dynamic
        }
        self._arguments = 0

    def conditions(self, facts: Iterable[Fact]) -> Iterator[str]:
        """The facts that depend on arguments: the way to an entry has checked the others."""
        for fact in facts:
            before = self._arguments
            text = self.text(fact.condition)
            if self._arguments > before:
                yield text

    def text(self, expression: Expr) -> str:
        """Python for a condition over Z; raises `_Other` for what facts seldom hold."""
        match expression:
            case Const(value=bool(value)) | Const(value=int(value)):
                return f"({value})"
            case Param(name=name):
                self._arguments += 1
                return f"v{self._numbers[name]}"
            case Dim(array=array) if array in self._dynamic:
                return str(self._dynamic[array])
            case Dim(array=array, axis=axis):
                self._arguments += 1
                return f"d{self._numbers[array]}_{axis}"
            case Special(register=register, axis=axis) if register in self._extents:
                return str(self._extents[register][axis])
            case Binary(op=op, left=left, right=right) if op in _ARITHMETIC:
                return f"({self.text(left)} {_ARITHMETIC[op]} {self.text(right)})"
            case Binary(
                op=BinaryOp.FLOORDIV | BinaryOp.MOD as op, right=Const(value=int(value))
            ) if value:
                return f"({self.text(expression.left)} {op} {value})"
            case Compare(op=op, left=left, right=right):
                return f"({self.text(left)} {op} {self.text(right)})"
            case Logic(op=op, left=left, right=right):
                return f"({self.text(left)} {op} {self.text(right)})"
            case Not(operand=operand):
                return f"(not {self.text(operand)})"
            case Convert(operand=operand, type=type_) if (
                type_.is_integer and type_.min <= operand.type.min and operand.type.max <= type_.max
            ):
                return self.text(operand)
            case _:
                raise _Other(type(expression).__name__)
