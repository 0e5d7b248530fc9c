"""Threads meet in an atomic whose scope does not hold both of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, threads

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX107", "atomic-scope-too-narrow", Severity.ERROR)


def message(stands: Event, other: Event, scope: str, launch: Launch) -> str:
    """Both change the element atomically, in different blocks."""
    who = threads(other, stands, launch)
    far = f'scope="{scope}" is atomic within a {scope} only'
    return f"{who} both change {element(stands)}, but {far}"
