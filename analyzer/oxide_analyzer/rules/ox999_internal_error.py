"""OX999: the analyzer itself failed on a file."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.source import Span

RULE = Rule("OX999", "internal-error", Severity.ERROR)


def internal_error(path: str, error: BaseException) -> Diagnostic:
    """`error` escaped from the analysis of `path`: a defect of Oxide, never of the file."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return RULE.diagnostic(
        Span(path, 1, 1, 1, 1),
        f"Oxide failed on this file ({what}): this is a bug in Oxide, please report it",
    )
