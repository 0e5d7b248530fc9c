"""OX704: a suppression comment that does not say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span

RULE = Rule("OX704", "suppression-without-reason", Severity.ERROR)


def suppression_without_reason(span: Span, rules: tuple[str, ...]) -> Diagnostic:
    """The comment at `span` names `rules` and no reason, so it hides nothing."""
    named = ", ".join(rules)
    return RULE.diagnostic(
        span,
        f"suppression of {named} has no reason behind the bracket, so it hides nothing",
    )
