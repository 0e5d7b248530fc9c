"""Arithmetic in 64 bits on data of 32 or 16, because of a literal, a scalar or an integer."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX604", "accidental-f64", Severity.HINT)


def message(why: str, count: int) -> str:
    """What takes the statement to 64 bits, and how much of it."""
    much = "one operation" if count == 1 else f"{count} operations"
    return f"{why}: {much} on narrower data in 64 bits, at 1/2 to 1/64 of the speed"


def literal(text: str, narrow: str) -> str:
    """A literal of Python is an f64."""
    return f"`{text}` takes this to float64, `{narrow}({text})` does not"


def integer(type_: str, narrow: str) -> str:
    """An integer meets a float."""
    return f"an {type_} and a {narrow} meet in float64; convert the integer to `{narrow}`"


def scalar(name: str, narrow: str) -> str:
    """An argument is an f64."""
    return f"`{name}` is a float64; pass or convert it as `{narrow}`"


def local(name: str, narrow: str) -> str:
    """A local is an f64."""
    return f"`{name}` is an f64, `{narrow}` would do for what it is computed from"


def function(name: str) -> str:
    """A function gives an f64."""
    return f"`{name}` is computed in float64 here"


def related() -> str:
    """Another statement that the same thing takes to 64 bits."""
    return "and this, too"
