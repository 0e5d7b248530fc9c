"""`oxide inspect FILE[:KERNEL]`: what a kernel becomes, stage by stage, and what its proof gains.

oxide inspect examples/block_sum.py                  PTX of every kernel, beside its lines
oxide inspect kernels.py:saxpy --stage sass          the machine's instructions
oxide inspect kernels.py --without indices,aliases   what these two change
oxide inspect kernels.py --stage ir                  before anything is proved
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from oxide.cli import one_file
from oxide.cli.failure import WrongUse, require
from oxide_analyzer.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile
    from oxide_codegen.lowering.optimisations import Optimisation
    from oxide_codegen.ptx import Ptx

_STAGES = ("ir", "llvm", "ptx", "sass")
_FORMS = {
    "ordinary": "launches with fewer than 2**30 elements in each array, which nearly all have",
    "large": "ordinary ones with many blocks",
    "every": "launches of every size",
}
_DEFAULT_SM = "sm_90"
_BLOCK = 256


def run(arguments: list[str], program: str) -> int:
    """Print one stage of the kernels; 1 if one of them does not compile, else 0."""
    parser = ArgumentParser(program, description="Show what kernels become.")
    add = parser.add_argument
    add("target", metavar="FILE[:KERNEL]", help="a file, or one kernel in it")
    add("--stage", choices=_STAGES, default="ptx", help="what to show (default: ptx)")
    add("--sm", default=_DEFAULT_SM, help=f"the GPU to compile for (default: {_DEFAULT_SM})")
    forms = "; ".join(f"{name}: {meaning}" for name, meaning in _FORMS.items())
    add(
        "--form",
        choices=_FORMS,
        action="append",
        help=f"the code for which launches (default: ordinary, large where it differs). {forms}",
    )
    add(
        "--without",
        default="",
        metavar="NAMES",
        help="leave these out: checks, indices, read-only, aliases, alignment, unrolling, "
        "coarsening",
    )
    add("--plain", action="store_true", help="without the lines of the source")
    add(
        "--block",
        type=int,
        default=_BLOCK,
        help=f"threads of a block, for occupancy, where the kernel fixes none (default: {_BLOCK})",
    )
    options = parser.parse_args(arguments)
    if options.stage != "ir":
        require("cpu", "llvmlite")
        options.without = _optimisations(options.without)
    path, wanted = one_file.split(options.target)
    source, report = one_file.checked(path)
    kernels = one_file.chosen(path, wanted, report)
    failed = one_file.explain_file(report, source)
    for kernel in kernels:
        failed |= _show(kernel, source, options)
    return 1 if failed else 0


def _optimisations(names: str) -> frozenset[Optimisation]:
    from oxide_codegen.lowering.optimisations import named

    try:
        return named(names)
    except ValueError as error:
        raise WrongUse(str(error)) from None


def _show(report: KernelReport, source: SourceFile, options: Namespace) -> bool:
    comment = "#" if options.stage == "ir" else ";" if options.stage == "llvm" else "//"
    for line in _header(report):
        sys.stdout.write(f"{comment} {line}\n")
    if options.stage == "ir":
        return _show_ir(report, source)
    if report.checked is None:
        one_file.explain_kernel(report, source)
        return True
    return _show_compiled(report.checked, source, options, comment)


def _header(report: KernelReport) -> list[str]:
    lines = [f"{report.qualname}: {report.verdict}"]
    for fact in report.facts:
        origin = "declared" if fact.declared else "inferred, checked at launch"
        lines.append(f"  {fact.text}  ({origin})")
    return lines


def _show_ir(report: KernelReport, source: SourceFile) -> bool:
    if report.kernel is None:
        return one_file.explain(
            [d for d in report.diagnostics if d.severity is Severity.ERROR], source
        )
    from oxide_analyzer.ir.show import show

    sys.stdout.write(show(report.kernel).rstrip("\n") + "\n\n")
    return False


def _show_compiled(
    checked: CheckedKernel, source: SourceFile, options: Namespace, comment: str
) -> bool:
    from oxide_codegen.forms import EVERY, Form
    from oxide_codegen.gains import gains
    from oxide_codegen.ptx import compile_ptx, has_form
    from oxide_codegen.target import Unsupported

    forms = {
        "ordinary": Form(ordinary=True),
        "large": Form(ordinary=True, coarse=True),
        "every": EVERY,
    }
    without = options.without
    wanted = options.form or ["ordinary", "large"]
    chosen = [name for name in wanted if has_form(checked, forms[name], without)]
    for name in chosen or ["every"]:
        try:
            compiled = compile_ptx(checked, options.sm, forms[name], without=without)
        except Unsupported as error:
            raise WrongUse(str(error)) from error
        sys.stdout.write(f"{comment} for {_FORMS[name]}:\n")
        for line in gains(checked, forms[name], compiled, without):
            sys.stdout.write(f"{comment}   {line}\n")
        for line in resources(compiled, checked, options.block):
            sys.stdout.write(f"{comment}   {line}\n")
        sys.stdout.write(_text(compiled, source, options).rstrip("\n") + "\n\n")
    return False


def _text(compiled: Ptx, source: SourceFile, options: Namespace) -> str:
    from oxide_codegen import toolchain
    from oxide_codegen.listing import annotated_ptx, annotated_sass

    if options.stage == "llvm":
        return compiled.llvm
    if options.stage == "ptx":
        return compiled.text if options.plain else annotated_ptx(compiled.text, source)
    listing = toolchain.machine_code(compiled.text, compiled.sm)
    if listing is None:
        raise WrongUse(
            "machine code needs ptxas and nvdisasm: install the CUDA toolkit, or "
            "pip install nvidia-cuda-nvcc nvidia-cuda-nvdisasm"
        )
    return listing if options.plain else annotated_sass(listing, source)


def resources(compiled: Ptx, checked: CheckedKernel, block: int) -> Iterator[str]:
    """What a kernel takes on its GPU; in blocks of `block` threads if it does not say itself."""
    from oxide_codegen.resources import taken

    first, *rest = taken(compiled, checked, block).lines
    yield f"{compiled.entry} for {compiled.sm}: {first}"
    yield from rest
