"""An index that is computed in too few bits, and may wrap."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX305", "index-may-wrap", Severity.WARNING)


def message(
    expression: str, type_: str, reaches: tuple[int | None, int | None], range_: tuple[int, int]
) -> str:
    """What is computed, in which type, and how far it may go."""
    (low, high), (least, most) = reaches, range_
    if high is not None and high > most:
        far = f"it may reach {high}, and the largest `{type_}` is {most}"
    elif low is not None and low < least:
        far = f"it may reach {low}, and the least `{type_}` is {least}"
    else:
        far = f"nothing bounds it, and an `{type_}` lies between {least} and {most}"
    return f"`{expression}` is computed in `{type_}` and may wrap: {far}"
