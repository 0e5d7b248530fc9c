"""OX701: a suppression comment that hides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span

RULE = Rule("OX701", "unused-suppression", Severity.WARNING)


def unused_suppression(span: Span, rules: tuple[str, ...], edit: Edit, whole: bool) -> Diagnostic:
    """The comment at `span` names `rules`, which say nothing there; `whole` if it names no other.

    `edit` takes them out.
    """
    named = ", ".join(rules)
    title = "remove the comment" if whole else f"remove {named} from the comment"
    return RULE.diagnostic(
        span,
        f"suppression of {named} hides nothing",
        fixes=(Fix(title, (edit,), safe=True),),
    )
