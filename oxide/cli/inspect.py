"""`oxide inspect FILE[:KERNEL]`: what a kernel becomes, stage by stage.

oxide inspect examples/block_sum.py                  PTX of every kernel in the file
oxide inspect kernels.py:saxpy --stage llvm --sm sm_80
oxide inspect kernels.py --stage ir                  before anything is proved
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse, require
from oxide_analyzer import project
from oxide_analyzer.configuration import ConfigurationError
from oxide_analyzer.configuration import find as find_configuration
from oxide_analyzer.diagnostics import Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.report import KernelReport, Report
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
    options = parser.parse_args(arguments)
    if options.stage != "ir":
        require("cpu", "llvmlite")
    path, wanted = _split(options.target)
    source, report = _report(path)
    kernels = [k for k in report.kernels if wanted in (None, k.name, k.qualname)]
    if not kernels:
        raise WrongUse(_no_kernel(path, wanted, report))
    failed = _explain_file(report, source)
    for kernel in kernels:
        failed |= _show(kernel, source, options)
    return 1 if failed else 0


def _split(target: str) -> tuple[Path, str | None]:
    """The file, and the kernel behind its last colon; a drive letter is no file."""
    path, colon, name = target.rpartition(":")
    if colon and name.replace(".", "").isidentifier() and not Path(target).is_file():
        return Path(path), name
    return Path(target), None


def _report(path: Path) -> tuple[SourceFile, Report]:
    from oxide_analyzer.analysis import check

    try:
        read = project.read(path)
        modules = project.modules(path, find_configuration(path.parent))
    except (OSError, ConfigurationError) as error:
        raise WrongUse(f"cannot read `{path}`: {getattr(error, 'strerror', error)}") from error
    if read is None:
        raise WrongUse(f"there is no kernel in `{path}`")
    if isinstance(read, project.Undecodable):
        raise WrongUse(f"cannot read `{path}`: {read.why}")
    return read, check(read, modules)


def _no_kernel(path: Path, wanted: str | None, report: Report) -> str:
    if not report.kernels or wanted is None:
        errors = [d.message for d in report.diagnostics if d.severity is Severity.ERROR]
        return f"there is no kernel in `{path}`" + (f": {errors[0]}" if errors else "")
    names = ", ".join(f"`{kernel.qualname}`" for kernel in report.kernels)
    return f"there is no kernel `{wanted}` in `{path}`; there are {names}"


def _explain_file(report: Report, source: SourceFile) -> bool:
    """Print the errors that belong to no kernel."""
    return _explain(
        [d for d in report.diagnostics if d.kernel is None and d.severity is Severity.ERROR], source
    )


def _explain(diagnostics: list[Diagnostic], source: SourceFile) -> bool:
    from oxide.cli.terminal import shows_colour
    from oxide_analyzer.reports import full

    text = full.render(diagnostics, {source.path: source}, shows_colour(sys.stderr))
    sys.stderr.write(text)
    return bool(diagnostics)


def _show(report: KernelReport, source: SourceFile, options: Namespace) -> bool:
    comment = "#" if options.stage == "ir" else ";" if options.stage == "llvm" else "//"
    for line in _header(report):
        sys.stdout.write(f"{comment} {line}\n")
    if options.stage == "ir":
        return _show_ir(report, source)
    if report.checked is None:
        _explain([d for d in report.diagnostics if d.severity is Severity.ERROR], source)
        why = f"does not compile: it is {report.verdict}"
        if report.verdict is Verdict.PROVED:
            why = "is compiled by a launch, which says its constants and functions"
        sys.stderr.write(f"`{report.name}` {why}\n")
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
        return _explain([d for d in report.diagnostics if d.severity is Severity.ERROR], source)
    from oxide_analyzer.ir.show import show

    sys.stdout.write(show(report.kernel).rstrip("\n") + "\n\n")
    return False


def _show_compiled(checked: CheckedKernel, options: Namespace, comment: str) -> bool:
    from oxide_codegen.ptx import compile_ptx
    from oxide_codegen.target import Unsupported

    try:
        compiled = compile_ptx(checked, options.sm)
    except Unsupported as error:
        raise WrongUse(str(error)) from error
    for line in _resources(compiled):
        sys.stdout.write(f"{comment}   {line}\n")
    text = compiled.llvm if options.stage == "llvm" else compiled.text
    sys.stdout.write(text.rstrip("\n") + "\n\n")
    return False


def _resources(compiled: Ptx) -> Iterator[str]:
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
    yield f"{compiled.sm}: {used.registers} registers, {spills}, {shared}"
