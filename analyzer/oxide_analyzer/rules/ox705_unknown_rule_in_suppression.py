"""OX705: a suppression comment that names a rule which does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span

RULE = Rule("OX705", "unknown-rule-in-suppression", Severity.WARNING)


def unknown_rule(span: Span, rule: str, close: str | None) -> Diagnostic:
    """At `span` a comment names `rule`; `close` is the rule that is spelled most like it."""
    message = f"there is no rule `{rule}`"
    if close is None:
        return RULE.diagnostic(span, f"{message}, so this suppresses nothing")
    fix = Fix(f"change to `{close}`", (Edit(span, close),))
    return RULE.diagnostic(span, f"{message}; did you mean `{close}`?", fixes=(fix,))
