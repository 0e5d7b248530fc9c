"""A buffer that was freed, or an operation that was used up, is used once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Related, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.source import Span

RULE = Rule("OX501", "use-after-free", Severity.ERROR)


def freed(span: Span, place: Span, what: str, made: Span) -> Diagnostic:
    """A buffer is used behind the place where it was freed."""
    message = f"this buffer was freed on line {place.line}, and is used once more"
    related = (Related(place, what), Related(made, "made here"))
    return RULE.diagnostic(span, message, related=related)


def taken(span: Span, place: Span, what: str) -> Diagnostic:
    """An operation is run, or made part of another one, for the second time."""
    message = (
        f"this operation {what} on line {place.line}, and is done once; `.share()` makes one whose "
        "result can be used more often"
    )
    return RULE.diagnostic(span, message, related=(Related(place, what),))
