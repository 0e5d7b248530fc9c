"""A launch that a contract, or a fact of the proof, does not admit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Related
    from oxide_analyzer.source import Span

RULE = Rule("OX401", "launch-violates-contract", Severity.ERROR)


def fact(
    span: Span,
    kernel: str,
    text: str,
    actual: str,
    *,
    is_declared: bool,
    related: tuple[Related, ...],
) -> Diagnostic:
    """A launch in the source for which a fact does not hold."""
    source = "" if is_declared else ", which its proof needs"
    message = f"launch of `{kernel}` does not fulfil `{text}` ({actual} is false){source}"
    return RULE.diagnostic(span, message, related=related)


def geometry(span: Span, kernel: str, what: str, related: tuple[Related, ...]) -> Diagnostic:
    """A launch in the source with a grid or block that the kernel does not declare."""
    return RULE.diagnostic(span, f"launch of `{kernel}`: {what}", related=related)
