"""Kernels to PTX and machine code, as the editor shows them: a job of the worker process.

    Compile("k.py", "block_sum", "sm_90", Stage.PTX, FormName.ORDINARY)
    Compiled  lines     ("bar.sync 0;", 33), ("@%p2 bra $L__BB0_4;", 36), …
              dead      35, 39      statements from which no instruction comes
              header    "12 registers, 0 bytes of spills, …"

Compiled text is kept with the proof that it was made from, so switching between documents, or
hovering again, compiles nothing. A kernel that has moved in its file is the same proof on other
lines: its numbers are shifted, and nothing is compiled.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport, Report
    from oxide_codegen.listing import Numbered
    from oxide_codegen.ptx import Ptx

_KEPT = 32
_INSTRUCTION = re.compile(r"\s*(?:\{\s*)?(?:@!?%p\d+\s+|@!?U?P\w+\s+)?[A-Za-z][\w.:]*(?:\s|;|$)")


# Keys are `oxide_codegen.abi.Hidden`, which this module must not import with it.
_HIDDEN = {
    "failure": "where a check that fails is written down",
    "shared": "the bytes of shared memory that the launch asked for",
    "workspace": "the word at which the blocks of the grid meet",
    "grid": "the blocks of the launch",
}


class Stage(StrEnum):
    """What is shown of a compiled kernel."""

    PTX = "ptx"
    SASS = "sass"


class FormName(StrEnum):
    """Which launches the code is for: `oxide_codegen.forms`."""

    ORDINARY = "ordinary"
    LARGE = "large"
    EVERY = "every"


@record
class Compile:
    """Compile a kernel of the last report about `path` for an SM."""

    job: int
    path: str
    qualname: str
    target: str
    stage: Stage = Stage.PTX
    form: FormName = FormName.ORDINARY


@record
class Compiled:
    """The answer to `Compile`, or in `problem` why there is none.

    `lines` are numbered in the report's text; only instructions have numbers. `dead` are the
    lines of statements from which no instruction comes. `registers` is None where no assembler
    is installed. `parameters` says what the machine's parameters are. `origin` is the first line
    of the kernel to which the numbers belong.
    """

    job: int
    problem: str | None
    ptx: str | None = None
    lines: tuple[Numbered, ...] = ()
    dead: tuple[int, ...] = ()
    header: tuple[str, ...] = ()
    registers: int | None = None
    parameters: tuple[str, ...] = ()
    origin: int = 0

    @property
    def code(self) -> tuple[str, ...]:
        """The text alone: equal for the same code of other lines."""
        return tuple(text for text, _ in self.lines)


class Compiler:
    """Compiles what was proved, and remembers it."""

    def __init__(self) -> None:
        """Nothing is compiled yet."""
        self._known: OrderedDict[tuple[Kernel, str, Stage, FormName], Compiled] = OrderedDict()

    def compile(self, request: Compile, report: Report | None) -> Compiled:
        """The compiled kernel, or in a sentence why there is none."""
        kernels = report.kernels if report is not None else ()
        kernel = next((k for k in kernels if k.qualname == request.qualname), None)
        if kernel is None:
            return Compiled(request.job, f"there is no kernel `{request.qualname}`")
        source = kernel.checked.kernel if kernel.checked is not None else kernel.kernel
        if source is None or (kernel.checked is None and not _runs(source)):
            return Compiled(request.job, _refusal(kernel), origin=kernel.span.line)
        # A kernel is equal to itself alone, and has one proof.
        key = source, request.target, request.stage, request.form
        known = self._known.get(key)
        if known is None:
            known = _compile(kernel, source, request)
            if known.problem is None:
                self._known[key] = known
                if len(self._known) > _KEPT:
                    self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return _moved(known, request.job, kernel)


def _refusal(kernel: KernelReport) -> str:
    findings = [d for d in kernel.diagnostics if d.severity == "error"] or kernel.diagnostics
    if kernel.kernel is None:
        return "this kernel cannot be read"
    if kernel.assumed:
        places = ", ".join(f"line {place.line}: {place.text}" for place in kernel.assumed)
        return f"this kernel does what is not understood ({places})"
    if not findings:
        return f"this kernel is {kernel.verdict}, so it is not compiled"
    first = findings[0]
    return f"this kernel is {kernel.verdict}: {first.code} {first.message}"


def _runs(kernel: Kernel) -> bool:
    """Whether a kernel that is not proved is compiled: of other dialects, what is understood."""
    from oxide_analyzer.ir.kernel import OWN_DIALECT

    return kernel.dialect != OWN_DIALECT and not kernel.assumptions


def _compile(report: KernelReport, kernel: Kernel, request: Compile) -> Compiled:
    from oxide_analyzer import analysis
    from oxide_analyzer.diagnostics import Verdict
    from oxide_codegen.target import Unsupported

    if report.checked is not None:
        checked = report.checked
    elif report.verdict is Verdict.VIOLATED:
        checked = analysis.unproved(kernel)
    else:
        _, checked = analysis.runnable(kernel)
    try:
        found = _listing(checked, request)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("llvmlite", "numpy"):
            raise
        install = 'pip install "oxide-kernels[cpu]"'
        return Compiled(request.job, f"PTX needs {error.name}: `{install}`")
    except Unsupported as error:
        return Compiled(request.job, str(error))
    if report.checked is None and found.problem is None:
        note = f"{report.verdict}: what is not proved is checked while it runs"
        found = replace(found, header=(note, *found.header))
    return found


def _listing(checked: CheckedKernel, request: Compile) -> Compiled:
    from oxide_codegen import listing, toolchain
    from oxide_codegen.forms import EVERY, Form
    from oxide_codegen.ptx import compile_ptx, has_form
    from oxide_codegen.resources import taken

    form = {
        FormName.ORDINARY: Form(ordinary=True),
        FormName.LARGE: Form(ordinary=True, coarse=True),
        FormName.EVERY: EVERY,
    }[request.form]
    if not has_form(checked, form, frozenset()):
        return Compiled(request.job, "large launches run the same code as others")
    ptx = compile_ptx(checked, request.target, form)
    resources = taken(ptx, checked)
    match request.stage:
        case Stage.PTX:
            numbered = listing.numbered_ptx(ptx.text)
        case Stage.SASS:
            code = toolchain.machine_code(ptx.text, ptx.sm)
            if code is None:
                return Compiled(
                    request.job, "machine code needs ptxas and nvdisasm of the CUDA toolkit"
                )
            numbered = listing.numbered_sass(code, checked.kernel.path)
    lines = tuple((text, number if _INSTRUCTION.match(text) else 0) for text, number in numbered)
    return Compiled(
        request.job,
        None,
        ptx.text,
        lines,
        _dead(checked, {number for _, number in lines}),
        (*_types(checked), *resources.lines),
        resources.registers,
        _parameters(checked, ptx),
        checked.kernel.span.line,
    )


def _parameters(checked: CheckedKernel, ptx: Ptx) -> tuple[str, ...]:
    """What each parameter of the compiled kernel is, in the source's words."""
    from oxide_codegen import abi

    names: list[str] = []
    for slot in ptx.layout.slots:
        match slot:
            case abi.ScalarSlot(name=name, type=type_):
                names.append(f"`{name}`, {type_}")
            case abi.PointerSlot(array=array, element=element):
                names.append(f"the address of `{array}`, of {element}")
            case abi.DimensionSlot(array=array, axis=axis):
                names.append(f"`{array}.shape[{axis}]`")
    return (*names, *(_HIDDEN[hidden] for hidden in abi.hidden(checked.kernel, ptx.lanes)))


def _types(checked: CheckedKernel) -> Iterator[str]:
    """What the code is compiled for, where the source leaves it open."""
    from oxide_analyzer.ir.kernel import OWN_DIALECT

    kernel = checked.kernel
    if kernel.instance:
        yield f"with {kernel.instance}"
    if kernel.dialect != OWN_DIALECT:
        arrays = ", ".join(
            f"{a.name}: {a.element}[{', '.join(':' * a.rank)}]" for a in kernel.array_parameters()
        )
        yield f"with {arrays}: types that the source does not give are taken as f64 and i64"


def _dead(checked: CheckedKernel, live: set[int]) -> tuple[int, ...]:
    from oxide_analyzer.ir.walk import statements

    kernel = checked.kernel
    spans = (stmt.span for stmt in statements(kernel.body))
    lines = {span.line for span in spans if span.path == kernel.path}
    return tuple(sorted(lines - live))


def _moved(known: Compiled, job: int, kernel: KernelReport) -> Compiled:
    """The same code of a kernel that now stands elsewhere in its file."""
    shift = kernel.span.line - known.origin if known.problem is None else 0
    if shift == 0:
        return replace(known, job=job)
    return replace(
        known,
        job=job,
        lines=tuple((text, number + shift if number else 0) for text, number in known.lines),
        dead=tuple(number + shift for number in known.dead),
        origin=known.origin + shift,
    )
