"""A name that nothing defines."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX004", "unknown-name", Severity.ERROR)


def unknown(name: str, near: str | None) -> str:
    """A name, with the one that was perhaps meant."""
    hint = f"; did you mean `{near}`?" if near is not None else ""
    return f"`{name}` is not defined{hint}"


def missing(module: str, name: str, near: str | None) -> str:
    """A name that is imported from where it is not."""
    hint = f"; did you mean `{near}`?" if near is not None else ""
    return f"`{module}` has no `{name}`{hint}"


def attribute(name: str, near: str | None, offered: tuple[str, ...]) -> str:
    """An attribute that its owner does not have."""
    if near is not None:
        return f"there is no `{name}`; did you mean `{near}`?"
    listed = ", ".join(f"`.{one}`" for one in offered)
    return f"there is no `{name}`; there are {listed}"


def without_value(name: str) -> str:
    """A name that is read where nothing can have given it a value."""
    return f"`{name}` is read here, and nothing gives it a value before"
