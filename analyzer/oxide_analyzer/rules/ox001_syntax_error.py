"""A file that Python does not parse, or that cannot be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span

RULE = Rule("OX001", "syntax-error", Severity.ERROR)


def too_deep(span: Span) -> Diagnostic:
    """The parser gave up on nesting."""
    return RULE.diagnostic(span, "too deeply nested to be parsed")
