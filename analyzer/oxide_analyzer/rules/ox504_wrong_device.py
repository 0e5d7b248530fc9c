"""A launch whose arrays, or whose stream, are of different devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Related
    from oxide_analyzer.source import Span

RULE = Rule("OX504", "wrong-device", Severity.ERROR)


def arrays(
    span: Span,
    kernel: str,
    one: tuple[str, str],
    other: tuple[str, str],
    related: tuple[Related, ...],
) -> Diagnostic:
    """Two arrays of one launch are in different places; each with its parameter."""
    message = (
        f"launch of `{kernel}`: `{one[0]}` is {_at(one[1])}, but `{other[0]}` is {_at(other[1])}"
    )
    if "in host memory" in (one[1], other[1]):
        message += "; put both on one device with `oxide.asarray`"
    return RULE.diagnostic(span, message, related=related)


def stream(
    span: Span, kernel: str, device: str, array: tuple[str, str], related: tuple[Related, ...]
) -> Diagnostic:
    """A launch on a stream of one device with an array of another."""
    message = (
        f"launch of `{kernel}`: the stream is one of {device}, but `{array[0]}` is {_at(array[1])}"
    )
    return RULE.diagnostic(span, message, related=related)


def _at(place: str) -> str:
    return place if place.startswith("in ") else f"on {place}"
