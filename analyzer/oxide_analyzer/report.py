"""The answer about a file: its kernels with their verdicts, and its diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel, Fact
    from oxide_analyzer.diagnostics import Diagnostic, ObligationCounts, Place, Verdict
    from oxide_analyzer.insights import Insights
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import Span


@record
class KernelReport:
    """What is known about one kernel.

    `kernel` is its IR, None where it could not be read. `facts` are those that a launch must
    fulfil. `checked` is what the back end accepts: None where something is violated, or an
    obligation that no run-time check can replace is unproved. `diagnostics` are the findings
    about this kernel, none of them suppressed. `insights` are there if somebody asked for them.
    `stopped` says that nobody waited for the verdict:
    it is no verdict, and is not remembered. `promised` names the proof of a report that was kept
    without it: who checks again has it.
    """

    name: str
    qualname: str
    span: Span
    name_span: Span
    dialect: str
    verdict: Verdict
    kernel: Kernel | None
    facts: tuple[Fact, ...]
    obligations: ObligationCounts
    diagnostics: tuple[Diagnostic, ...]
    checked: CheckedKernel | None
    milliseconds: float
    launches: tuple[str, ...] = ()
    assumed: tuple[Place, ...] = ()
    unsafe: tuple[Place, ...] = ()
    stopped: bool = False
    insights: Insights | None = None
    promised: str = ""

    @property
    def compiles(self) -> bool:
        """Whether the back end accepts it, be the proof at hand or not."""
        return self.checked is not None or bool(self.promised)


@record
class Report:
    """One file: kernels in source order; all diagnostics, the suppressed ones included, sorted."""

    path: str
    kernels: tuple[KernelReport, ...]
    diagnostics: tuple[Diagnostic, ...]
