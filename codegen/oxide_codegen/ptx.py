"""CheckedKernel to PTX.

Per thread the lowered body runs once, so the function is the body: parameters in the order of
`abi`, special registers for the thread's place, `reqntid` where the contract fixes the block.
There is code for every launch, and faster one for those that `forms` calls ordinary or large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Const
from oxide_analyzer.launch import MAX_THREADS
from oxide_codegen import abi
from oxide_codegen.contract import literal
from oxide_codegen.forms import ALIGNMENT, EVERY, ordinary_conditions
from oxide_codegen.lowering.optimisations import Optimisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_codegen.forms import Form
    from oxide_codegen.lowering.coarsening import Coarsening, Refusal
    from oxide_codegen.lowering.device import Device

# The first with arithmetic of bf16.
_BFLOATS = 80


@dataclass(frozen=True)
class Ptx:
    """A compiled kernel: what the driver loads, how to call it, how to read its failures.

    `dynamic_shared` is what a launch must ask for besides its own: the kernel's shared arrays,
    where they are larger than a static allocation may be, else 0. Each thread does the work of
    `lanes` threads of the launch. `ordinary` code is for ordinary launches alone. `cubin` is the
    same, assembled for the SM, where somebody has done so.
    """

    text: str
    entry: str
    sm: str
    layout: abi.Layout
    sites: Mapping[int, abi.FailureSite]
    shared: int
    dynamic_shared: int
    llvm: str
    lanes: int = 1
    ordinary: bool = False
    cubin: bytes = b""


def compile_ptx(
    checked: CheckedKernel,
    sm: str,
    form: Form = EVERY,
    *,
    contract: bool = True,
    without: frozenset[Optimisation] = frozenset(),
) -> Ptx:
    """PTX for one SM; `contract` lets a product and a sum become one fused operation.

    A `form` with several elements per thread wants a kernel for which `plan` gives a `Coarsening`.

    Raises `target.Unsupported` where the SM lacks what the kernel needs.
    """
    from oxide_codegen import llvm
    from oxide_codegen.lowering.unrolling import COUNTED

    text, device = lower(checked, sm, form, contract=contract, without=without)
    # Indices of 64 bits gain by other ways to their addresses.
    keeps_addresses = form.ordinary and COUNTED in text
    return Ptx(
        llvm.assembly(text, llvm.nvptx_machine(sm), keeps_addresses=keeps_addresses),
        entry_name(checked.kernel, device.lanes),
        sm,
        abi.layout(checked.kernel),
        abi.failure_sites(checked.kernel),
        device.shared,
        device.shared if device.is_dynamic else 0,
        text,
        device.lanes,
        form.ordinary,
    )


def has_form(checked: CheckedKernel, form: Form, without: frozenset[Optimisation]) -> bool:
    """Whether there is such a form of a kernel, and it is another one than those with less."""
    if form.ordinary and without >= {Optimisation.INDICES, Optimisation.ALIGNMENT}:
        return False
    if form.coarse and without & {Optimisation.COARSENING, Optimisation.CHECKS}:
        return False
    return not form.coarse or plan(checked).lanes > 1


def plan(checked: CheckedKernel) -> Coarsening | Refusal:
    """Whether a thread may have several elements, and how many, or why not."""
    from oxide_analyzer.facts.ranges import ranges
    from oxide_codegen.lowering.coarsening import coarsening

    conditions = [fact.condition for fact in checked.facts]
    return coarsening(
        checked, ranges(checked.kernel, compact=checked.compact, conditions=conditions)
    )


def lower(
    checked: CheckedKernel,
    sm: str,
    form: Form = EVERY,
    *,
    contract: bool = True,
    without: frozenset[Optimisation] = frozenset(),
) -> tuple[str, Device]:
    """The LLVM text of a kernel for one SM."""
    # Code that is known already is loaded without any of these.
    from oxide_analyzer.facts.ranges import ranges
    from oxide_codegen.lowering import coarse_thread, multiples, statements
    from oxide_codegen.lowering.access import alias_marks
    from oxide_codegen.lowering.builder import Builder, Names
    from oxide_codegen.lowering.coarsening import Coarsening, coarsening
    from oxide_codegen.lowering.context import Context
    from oxide_codegen.lowering.debug import LineTable
    from oxide_codegen.lowering.device import Device
    from oxide_codegen.target import capabilities

    kernel, target = checked.kernel, capabilities(sm)
    names = Names(has_bfloats=target.number >= _BFLOATS, fuses_halves=True)
    build = Builder(names)
    conditions = [fact.condition for fact in checked.facts]
    narrow = form.ordinary and Optimisation.INDICES not in without
    limits = ordinary_conditions(kernel) if narrow else ()
    facts = ranges(kernel, compact=checked.compact or narrow, conditions=[*conditions, *limits])
    aligned = form.ordinary and Optimisation.ALIGNMENT not in without
    alignment = ALIGNMENT if aligned else 1
    known = () if Optimisation.ALIGNMENT in without else conditions
    if form.coarse:
        found = coarsening(checked, facts)
        if not isinstance(found, Coarsening):
            raise ValueError(f"`{kernel.name}`: {found}")
        device = coarse_thread.CoarseDevice(
            kernel, build, target, found, alignment=alignment, without=without
        )
    else:
        device = Device(kernel, build, target, facts=known, alignment=alignment, without=without)
    lines = LineTable(names, kernel)
    context = Context(
        checked,
        build,
        device,
        facts,
        "contract " if contract else "",
        True,
        {} if Optimisation.ALIASES in without else alias_marks(names, checked),
        lines.location,
        ordinary=narrow,
        without=without,
        extents=multiples.equal_extents(known),
    )
    context.locate(kernel.name_span)
    multiples.assume(context, known)
    # A thread that fails a check leaves its warp.
    device.is_whole = device.is_whole and (context.continues or not context.makes_checks)
    if isinstance(device, coarse_thread.CoarseDevice):
        coarse_thread.lower(context, device)
    else:
        context.zero_locals()
        device.begin(checked.initialised)
        statements.block(context, kernel.body)
    device.close(build)
    body = "\n".join(["entry:", *build.entry, "  br label %start", "start:", *build.lines])
    name, unit, flags = entry_name(kernel, device.lanes), lines.unit, ", ".join(lines.flags)
    text = "\n".join(
        [
            *device.globals(),
            f"define ptx_kernel void @{name}({', '.join(device.parameters())})"
            f" {_attributes(kernel)} !dbg {lines.subprogram} {{",
            body,
            "}",
            *build.functions.values(),
            f"!llvm.dbg.cu = !{{{unit}}}",
            f"!llvm.module.flags = !{{{flags}}}",
            *names.text(),
        ]
    )
    return text, device


def entry_name(kernel: Kernel, lanes: int = 1) -> str:
    """The kernel's name in PTX, whose identifiers are ASCII."""
    name = "".join(c if c.isascii() else f"_{ord(c):x}" for c in kernel.name)
    return f"{name}_kernel_x{lanes}" if lanes > 1 else f"{name}_kernel"


def _attributes(kernel: Kernel) -> str:
    contract = kernel.contract
    extents = [e.value for e in contract.block or () if isinstance(e, Const)]
    found = f'"nvvm.maxntid"="{literal(contract.max_threads) or MAX_THREADS}"'
    if len(extents) == 3:
        found = f'"nvvm.reqntid"="{",".join(map(str, extents))}"'
    blocks = literal(contract.min_blocks)
    if blocks:
        found += f' "nvvm.minctasm"="{blocks}"'
    if contract.cluster is not None:
        found += f' "nvvm.cluster_dim"="{",".join(map(str, contract.cluster))}"'
    return found
