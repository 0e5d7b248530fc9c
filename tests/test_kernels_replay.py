"""The annotated kernels in the reference interpreter: what is called safe runs, what is not fails.

Independent of every prover: it tells whether the expectations themselves are right.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations import expectations
from kernel_launches import WrittenLaunch, launches, places
from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.interpreter import Named, Outcome, Schedule, run
from oxide_analyzer.ir.kernel import Kernel
from oxide_analyzer.ir.nodes import Atomic
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

KERNELS = Path(__file__).parent / "kernels"
SAFE = sorted([*(KERNELS / "safe").glob("*.py"), *(KERNELS / "unproved").glob("*.py")])
UNSAFE = sorted((KERNELS / "unsafe").glob("*.py"))
CERTAIN = (Severity.ERROR, Severity.WARNING)


def source_of(path: Path) -> SourceFile:
    return SourceFile(path.name, path.read_text(encoding="utf-8"))


def kernel_of(source: SourceFile) -> Kernel:
    reading = read(source, NoModules())
    assert reading.diagnostics == ()
    assert reading.unread == ()
    (kernel,) = reading.kernels
    return kernel


def replay(
    kernel: Kernel, written: WrittenLaunch, schedule: Schedule = Named.IN_ORDER
) -> tuple[Kernel, Outcome]:
    special = specialise(kernel, written.symbols(kernel))
    return special, run(special, written.of(special), schedule=schedule)


@pytest.mark.parametrize("path", SAFE, ids=lambda path: path.stem)
def test_safe_kernel_runs(path: Path) -> None:
    source = source_of(path)
    kernel = kernel_of(source)
    written = launches(source.text)
    assert len(written) == 2
    # Where there are atomics, threads may see each other come in any order.
    has_atomics = any(isinstance(s, Atomic) for s in statements(kernel.body))
    schedules = (*Named, 1, 2) if has_atomics else (Named.IN_ORDER,)
    for launch in written:
        for schedule in schedules:
            _, outcome = replay(kernel, launch, schedule)
            assert outcome.failures == ()
            assert outcome.succeeded


@pytest.mark.parametrize("path", UNSAFE, ids=lambda path: path.stem)
def test_unsafe_kernel_fails_where_it_is_annotated(path: Path) -> None:
    source = source_of(path)
    (written,) = launches(source.text)
    kernel, outcome = replay(kernel_of(source), written)
    assert not outcome.exhausted
    failures = list(outcome.failures)
    if any(isinstance(s, Atomic) for s in statements(kernel.body)):
        # One order in which threads see each other come may be the one that works.
        failures += replay(kernel_of(source), written, Named.REVERSE)[1].failures
    annotations = expectations(source.path, source.text)

    certain = {(e.line, e.rule) for e in annotations if e.severity in CERTAIN}
    seen = [(place, failure) for failure in failures for place in places(kernel, failure)]
    assert certain - {(line, code) for (line, codes), _ in seen for code in codes} == set()

    announced = {(e.line, e.rule) for e in annotations}
    for (line, codes), failure in seen:
        assert not failure.clean or any((line, code) in announced for code in codes), failure
