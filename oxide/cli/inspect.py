"""`oxide inspect FILE[:KERNEL]`: what a kernel becomes, stage by stage.

oxide inspect examples/block_sum.py                  PTX of every kernel in the file
oxide inspect kernels.py:saxpy --stage llvm --sm sm_80
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
    from oxide_codegen.ptx import Ptx

_STAGES = ("ir", "llvm", "ptx")
_DEFAULT_SM = "sm_90"


def run(arguments: list[str], program: str) -> int:
    """Print one stage of the kernels; 1 if one of them does not compile, else 0."""
    parser = ArgumentParser(program, description="Show what kernels become.")
    add = parser.add_argument
    add("target", metavar="FILE[:KERNEL]", help="a file, or one kernel in it")
    add("--stage", choices=_STAGES, default="ptx", help="what to show (default: ptx)")
    add("--sm", default=_DEFAULT_SM, help=f"the GPU to compile for (default: {_DEFAULT_SM})")
    add(
        "--no-coarsening",
        action="store_true",
        help="leave out the form for large launches, with several elements per thread",
    )
    options = parser.parse_args(arguments)
    if options.stage != "ir":
        require("cpu", "llvmlite")
    path, wanted = one_file.split(options.target)
    source, report = one_file.checked(path)
    kernels = one_file.chosen(path, wanted, report)
    failed = one_file.explain_file(report, source)
    for kernel in kernels:
        failed |= _show(kernel, source, options)
    return 1 if failed else 0


def _show(report: KernelReport, source: SourceFile, options: Namespace) -> bool:
    comment = "#" if options.stage == "ir" else ";" if options.stage == "llvm" else "//"
    for line in _header(report):
        sys.stdout.write(f"{comment} {line}\n")
    if options.stage == "ir":
        return _show_ir(report, source)
    if report.checked is None:
        one_file.explain_kernel(report, source)
        return True
    return _show_compiled(report.checked, options, comment)


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


def _show_compiled(checked: CheckedKernel, options: Namespace, comment: str) -> bool:
    from oxide_codegen.forms import Form
    from oxide_codegen.ptx import compile_ptx, plan
    from oxide_codegen.target import Unsupported

    try:
        compiled = [compile_ptx(checked, options.sm)]
        found = plan(checked)
        if found.lanes > 1 and not options.no_coarsening:
            compiled.append(compile_ptx(checked, options.sm, Form(coarse=True)))
    except Unsupported as error:
        raise WrongUse(str(error)) from error
    sys.stdout.write(f"{comment}   {found}\n")
    for one in compiled:
        for line in resources(one):
            sys.stdout.write(f"{comment}   {line}\n")
        text = one.llvm if options.stage == "llvm" else one.text
        sys.stdout.write(text.rstrip("\n") + "\n\n")
    return False


def resources(compiled: Ptx) -> Iterator[str]:
    """What a kernel takes on its GPU, one line."""
    from oxide_codegen.toolchain import AssemblyError, registers

    shared = f"{compiled.shared} bytes of shared memory"
    try:
        used = registers(compiled.text, compiled.sm)
    except AssemblyError as error:
        yield f"{compiled.sm}: {shared}; the assembler refuses this PTX, which is a bug in Oxide:"
        yield from str(error).splitlines()
        return
    if used is None:
        yield f"{compiled.sm}: {shared}; registers unknown: neither ptxas nor nvJitLink was found"
        return
    spills = f"{used.spill_stores + used.spill_loads} bytes of spills"
    yield f"{compiled.entry} for {compiled.sm}: {used.registers} registers, {spills}, {shared}"
