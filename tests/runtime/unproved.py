"""Kernels without a proof: declared facts only, every check at run time.

Tests of launches should not depend on what the analyzer can prove.
"""

from oxide_analyzer.checked import CheckedKernel, Fact
from oxide_analyzer.diagnostics import ObligationCounts, Verdict
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.report import KernelReport
from oxide_codegen.program import Program


def use(monkeypatch, *, compact=False):
    """Let kernels compile with their contract alone; the list of values that were asked for."""
    asked = []

    def prove(_, first, values):
        asked.append(dict(values))
        kernel = specialise(first.kernel, values)
        facts = tuple(
            Fact(required.condition, required.text, True, required.span)
            for required in kernel.contract.requires
        )
        checked = CheckedKernel(kernel, facts, frozenset(), frozenset(), frozenset(), compact)
        return KernelReport(
            kernel.name,
            kernel.qualname,
            kernel.span,
            kernel.name_span,
            "oxide",
            Verdict.PROVED,
            kernel,
            facts,
            ObligationCounts(),
            (),
            checked,
            0.0,
        )

    monkeypatch.setattr(Program, "_prove", prove)
    return asked
