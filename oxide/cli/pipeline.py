"""`oxide pipeline FILE[:KERNEL]`: a kernel from its source to the machine, every stage.

oxide pipeline examples/block_sum.py                     all of them
oxide pipeline kernels.py:saxpy --stage facts --stage obligations
oxide pipeline kernels.py --stage optimised --sm sm_80   LLVM text behind LLVM's own passes

source       the text that is read           llvm         what the kernel is lowered to
ir           what it means                   optimised    the same behind the optimiser
facts        what is known about a thread    ptx          what the driver gets
obligations  what has to hold, who proved it resources    registers, spills, shared memory
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from oxide.cli import one_file
from oxide.cli.failure import WrongUse, require
from oxide.cli.inspect import resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile
    from oxide_codegen.ptx import Ptx

_DEFAULT_SM = "sm_90"
# Of a block whose kernel declares none.
_THREADS = 256
_COMPILED = frozenset({"llvm", "optimised", "ptx", "resources"})


def run(arguments: list[str], program: str) -> int:
    """Print stages of the kernels; 1 if one of them has no such stage, else 0."""
    parser = ArgumentParser(
        program,
        description="Show every stage of a kernel, from its source to the machine.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("target", metavar="FILE[:KERNEL]", help="a file, or one kernel in it")
    add("--stage", action="append", choices=list(_STAGES), help="one of them (default: all)")
    add("--sm", default=_DEFAULT_SM, help=f"the GPU to compile for (default: {_DEFAULT_SM})")
    options = parser.parse_args(arguments)
    wanted = options.stage or list(_STAGES)
    if _COMPILED & set(wanted):
        require("cpu", "llvmlite")
    path, name = one_file.split(options.target)
    source, report = one_file.checked(path)
    kernels = one_file.chosen(path, name, report)
    failed = one_file.explain_file(report, source)
    for kernel in kernels:
        failed |= _show(kernel, source, [s for s in _STAGES if s in wanted], options)
    return 1 if failed else 0


def _show(report: KernelReport, source: SourceFile, stages: list[str], options: Namespace) -> bool:
    out = sys.stdout
    out.write(f"{report.qualname}: {report.verdict}\n\n")
    compiled: Ptx | None = None
    for stage in stages:
        if stage != "source" and report.kernel is None:
            one_file.explain_kernel(report, source)
            return True
        if stage in _COMPILED:
            if report.checked is None:
                sys.stdout.flush()
                one_file.explain_kernel(report, source)
                return True
            compiled = compiled or _compile(report, options.sm)
        out.write(f"──── {stage} ────\n")
        for line in _STAGES[stage](_Stage(report, source, compiled)):
            out.write(f"{line}\n")
        out.write("\n")
    return False


class _Stage:
    """What there is to show."""

    def __init__(self, report: KernelReport, source: SourceFile, compiled: Ptx | None) -> None:
        self.report = report
        self.source = source
        self.compiled = compiled

    @property
    def ptx(self) -> Ptx:
        """The compiled kernel."""
        assert self.compiled is not None
        return self.compiled


def _compile(report: KernelReport, sm: str) -> Ptx:
    """For ordinary launches, which nearly all are; `oxide inspect` shows the other forms."""
    from oxide_codegen.forms import EVERY, Form
    from oxide_codegen.ptx import compile_ptx, has_form
    from oxide_codegen.target import Unsupported

    assert report.checked is not None
    ordinary = Form(ordinary=True)
    form = ordinary if has_form(report.checked, ordinary, frozenset()) else EVERY
    try:
        return compile_ptx(report.checked, sm, form)
    except Unsupported as error:
        raise WrongUse(str(error)) from error


def _source(stage: _Stage) -> Iterator[str]:
    span = stage.report.span
    lines = stage.source.text.splitlines()
    width = len(str(span.end_line))
    for number in range(span.line, span.end_line + 1):
        yield f"{number:{width}} | {lines[number - 1]}"


def _ir(stage: _Stage) -> Iterable[str]:
    from oxide_analyzer.ir.show import show

    assert stage.report.kernel is not None
    return show(stage.report.kernel).splitlines()


def _facts(stage: _Stage) -> Iterator[str]:
    from oxide_analyzer import explained
    from oxide_analyzer.analysis import examined
    from oxide_analyzer.facts.ranges import ranges

    report = stage.report
    assert report.kernel is not None
    judged = examined(report.kernel)
    kernel = judged.analysis.kernel
    conditions = [fact.condition for fact in report.facts]
    known = ranges(kernel, compact=judged.compact, conditions=conditions)
    yield from _titled(
        "of a launch",
        (f"{fact.text}  ({'declared' if fact.declared else 'inferred'})" for fact in report.facts),
    )
    yield from _titled("accesses of one thread", explained.accesses(judged))
    yield from _titled("barriers", explained.barriers(kernel))
    yield from _titled("numbers", explained.intervals(kernel, known))


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _obligations(stage: _Stage) -> Iterable[str]:
    from oxide_analyzer import explained
    from oxide_analyzer.analysis import examined

    assert stage.report.kernel is not None
    return explained.obligations(examined(stage.report.kernel))


def _llvm(stage: _Stage) -> Iterable[str]:
    return stage.ptx.llvm.splitlines()


def _optimised(stage: _Stage) -> Iterable[str]:
    from oxide_codegen import llvm

    module = llvm.optimised(stage.ptx.llvm, llvm.nvptx_machine(stage.ptx.sm))
    return str(module).splitlines()


def _ptx(stage: _Stage) -> Iterable[str]:
    return stage.ptx.text.splitlines()


def _resources(stage: _Stage) -> Iterable[str]:
    assert stage.report.checked is not None
    return resources(stage.ptx, stage.report.checked, _THREADS)


_STAGES: Mapping[str, Callable[[_Stage], Iterable[str]]] = {
    "source": _source,
    "ir": _ir,
    "facts": _facts,
    "obligations": _obligations,
    "llvm": _llvm,
    "optimised": _optimised,
    "ptx": _ptx,
    "resources": _resources,
}
