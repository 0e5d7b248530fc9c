"""What a rule is: a number, a name, a page, and a way to say its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Fix, Related, Severity, Verdict, Witness
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.source import Span


@record
class Rule:
    """One rule; its module is named after it, `ox104_shared_memory_race`, and so is its page.

    `severity` is that of a finding which is certain; the unproved form is a warning.
    """

    code: str
    name: str
    severity: Severity

    @property
    def page_name(self) -> str:
        """The file of its page, beside its module."""
        return f"{self.code.lower()}_{self.name.replace('-', '_')}.md"

    def page(self) -> str:
        """The page: what `oxide rule` prints, the documentation, and a test."""
        # importlib.resources pulls in tempfile, zipfile and more: 15 ms that a check never needs.
        from importlib import resources

        folder = resources.files("oxide_analyzer.rules")
        return folder.joinpath(self.page_name).read_text(encoding="utf-8")

    def diagnostic(
        self,
        span: Span,
        message: str,
        *,
        severity: Severity | None = None,
        kernel: str | None = None,
        verdict: Verdict | None = None,
        reason: str | None = None,
        related: tuple[Related, ...] = (),
        fixes: tuple[Fix, ...] = (),
        witness: Witness | None = None,
    ) -> Diagnostic:
        """A finding of this rule."""
        return Diagnostic(
            span,
            self.code,
            self.name,
            self.severity if severity is None else severity,
            message,
            kernel,
            verdict,
            reason,
            related,
            fixes,
            witness,
        )
