"""Two arguments of a launch share memory, and the kernel writes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity, Verdict
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Related
    from oxide_analyzer.source import Span

RULE = Rule("OX108", "aliased-arguments", Severity.ERROR)


def found(
    span: Span, kernel: str, written: str, beside: str, related: tuple[Related, ...]
) -> Diagnostic:
    """A launch in the source that gives one array for two parameters."""
    message = f"`{kernel}` writes `{written}`, and the launch gives the same memory for `{beside}`"
    return RULE.diagnostic(span, message, related=related)


def perhaps(span: Span, kernel: str, written: str, beside: str) -> Diagnostic:
    """A launch in the source of a Numba kernel that may give parts of one array for two
    parameters."""
    message = (
        f"`{kernel}` writes `{written}`, and the launch may give the same memory for `{beside}`: "
        "give copies, or arrays that nothing else refers to"
    )
    return RULE.diagnostic(
        span, message, kernel=kernel, verdict=Verdict.UNPROVED, severity=Severity.WARNING
    )
