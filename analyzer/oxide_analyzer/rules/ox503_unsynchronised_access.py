"""Host code reads or writes memory that a stream is still writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Related, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.host.state import Flight
    from oxide_analyzer.host.values import Thing
    from oxide_analyzer.source import Span

RULE = Rule("OX503", "unsynchronised-access", Severity.ERROR)


def in_flight(span: Span, array: Thing, flight: Flight) -> Diagnostic:
    """An array that a copy on a stream writes; certain where it goes to pinned memory.

    To other memory the driver may copy before it returns, which nobody promises.
    """
    return RULE.diagnostic(
        span,
        f"the copy on line {flight.span.line} may still be writing this array; wait for its stream "
        "before",
        severity=Severity.ERROR if array.is_pinned else Severity.WARNING,
        related=(Related(flight.span, "the copy is enqueued here, on a stream"),),
    )


def handed_on(span: Span, download: Span, name: str) -> Diagnostic:
    """What comes behind a download looks into an array that is still being written."""
    return RULE.diagnostic(
        span,
        f"`{name}` is still being written here: `and_then` hands on results in flight; "
        "`operations.host` calls a function with results that are there",
        related=(Related(download, "the download"),),
    )
