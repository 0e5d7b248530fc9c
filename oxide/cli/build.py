"""`oxide build FILE[:KERNEL]`: prove kernels, compile them for GPUs, and write both to a file.

oxide build kernels.py                      kernels.oxide, with PTX for several architectures
oxide build kernels.py:saxpy --sm sm_90     one kernel, for one architecture
oxide build kernels.py -o wheel/k.oxide     another name
oxide build kernels.py --stubs              also kernels_oxide.py and .pyi, typed for launches

In the program, `k = oxide.load("kernels.oxide", k)` then needs neither analyzer nor compiler, and
`oxide.load("kernels.oxide").k` not even the source.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli import one_file
from oxide.cli.failure import WrongUse, require
from oxide_codegen.artifact import SUFFIX, meaning_hash, write
from oxide_codegen.forms import EVERY, Form
from oxide_codegen.stubs import write_stubs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport
    from oxide_codegen.ptx import Ptx

# The first of each generation: a driver translates PTX for its own device and newer ones.
_DEFAULT = ("sm_75", "sm_80", "sm_90", "sm_100", "sm_120")


def run(arguments: list[str], program: str) -> int:
    """Write an artifact; 1 if a kernel does not compile, else 0."""
    parser = ArgumentParser(
        program, description="Prove and compile kernels, and write them to an artifact."
    )
    add = parser.add_argument
    add("target", metavar="FILE[:KERNEL]", help="a file, or one kernel in it")
    add("-o", "--output", type=Path, help="the artifact (default: FILE with the suffix .oxide)")
    add(
        "--sm",
        action="append",
        help=f"an architecture to compile for; may be repeated (default: {', '.join(_DEFAULT)})",
    )
    add(
        "--stubs",
        action="store_true",
        help="also write a module that loads the artifact, and its stub for type checkers",
    )
    options = parser.parse_args(arguments)
    require("cpu", "llvmlite")
    path, wanted = one_file.split(options.target)
    source, report = one_file.checked(path)
    kernels = one_file.chosen(path, wanted, report)
    if one_file.explain_file(report, source):
        return 1
    refused = [kernel for kernel in kernels if kernel.checked is None]
    for kernel in refused:
        one_file.explain_kernel(kernel, source)
    if refused:
        return 1
    built: list[tuple[CheckedKernel, str, Sequence[tuple[Form, Ptx]]]] = []
    for kernel in kernels:
        built.append(_built(kernel, options.sm))
        sys.stdout.write(f"{kernel.qualname}: {', '.join(_targets(built[-1][2]))}\n")
    output: Path = options.output or path.with_suffix(SUFFIX)
    try:
        write(output, built)
        if options.stubs:
            stubs = write_stubs(output, [checked.kernel for checked, _, _ in built])
            sys.stdout.write(f"{stubs}\n")
    except OSError as error:
        raise WrongUse(f"cannot write `{output}`: {error.strerror}") from error
    sys.stdout.write(f"{output}: {output.stat().st_size} bytes\n")
    return 0


def _built(
    report: KernelReport, targets: list[str] | None
) -> tuple[CheckedKernel, str, Sequence[tuple[Form, Ptx]]]:
    """The proof of one kernel, its hash, and its code."""
    from oxide_codegen.target import Unsupported

    checked, kernel = report.checked, report.kernel
    assert checked is not None
    assert kernel is not None
    _demand_complete(report.qualname, checked.kernel)
    code: list[tuple[Form, Ptx]] = []
    for sm in dict.fromkeys(targets or _DEFAULT):
        try:
            code += _forms(checked, sm)
        except Unsupported as reason:
            # What was asked for by name has to be there.
            if targets:
                raise WrongUse(f"`{report.qualname}` cannot be built: {reason}") from None
    if not code:
        raise WrongUse(f"`{report.qualname}` cannot be built for any of {', '.join(_DEFAULT)}")
    return checked, _hash(kernel), code


def _forms(checked: CheckedKernel, sm: str) -> Iterator[tuple[Form, Ptx]]:
    """The code for every launch and that for some, assembled where `ptxas` is installed."""
    from oxide_codegen import compiled, toolchain

    for ordinary, coarse in product((False, True), repeat=2):
        form = Form(ordinary, coarse)
        ptx = compiled.ptx(checked, sm, form)
        if ptx is not None:
            yield form, replace(ptx, cubin=toolchain.assemble(ptx.text, sm) or b"")


def _targets(code: Sequence[tuple[Form, Ptx]]) -> Iterator[str]:
    """Each architecture, and whether its code is assembled."""
    for form, ptx in code:
        if form == EVERY:
            yield ptx.sm if ptx.cubin else f"{ptx.sm} (PTX)"


def _demand_complete(name: str, kernel: Kernel) -> None:
    """Raise unless the source alone says what the kernel is."""
    unknown = [c.symbol for c in kernel.constants if c.value is None]
    if unknown:
        raise WrongUse(
            f"`{name}` cannot be built: its source does not say what `{unknown[0]}` is. Assign "
            "the name once, a literal"
        )


def _hash(kernel: Kernel) -> str:
    """That of what the source says, as the program that loads the kernel reads it."""
    from oxide_analyzer.ir.specialise import specialise

    values = {c.symbol: c.value for c in kernel.constants if c.value is not None}
    return meaning_hash(specialise(kernel, values))
