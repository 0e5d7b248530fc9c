"""An operation that is built, and then nothing is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.source import Span

RULE = Rule("OX502", "operation-never-run", Severity.ERROR)


def never_run(span: Span) -> Diagnostic:
    """Nothing happens here."""
    return RULE.diagnostic(
        span,
        "this operation is never run: it is done by `.sync()`, `.sync_on(stream)` or `await`, "
        "or as part of another one",
    )
