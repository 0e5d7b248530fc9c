"""Several threads write the same value into one element: formally a race, and harmless today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, threads

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Race
    from oxide_analyzer.launch import Launch

RULE = Rule("OX109", "same-value-write", Severity.WARNING)


def message(race: Race, launch: Launch) -> str:
    """Both threads write one value."""
    who = threads(race.first, race.second, launch)
    return f"{who} both write the same value to {element(race.second)}, and nothing orders them"
