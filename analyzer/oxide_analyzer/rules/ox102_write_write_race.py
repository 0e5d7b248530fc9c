"""Two threads of one block write one element of global memory, and nothing orders them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, threads

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Race
    from oxide_analyzer.launch import Launch

RULE = Rule("OX102", "write-write-race", Severity.ERROR)


def message(race: Race, launch: Launch) -> str:
    """Both threads write."""
    who = threads(race.first, race.second, launch)
    return f"{who} both write {element(race.second)}, and nothing orders them"
