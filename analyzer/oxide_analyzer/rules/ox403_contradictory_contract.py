"""A contract that no launch can fulfil: it would prove anything."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX403", "contradictory-contract", Severity.ERROR)


def message() -> str:
    """No launch fulfils the contract."""
    return "no launch can fulfil this contract, so nothing is proved under it"


def vacuous_message() -> str:
    """Launches fulfil it, and do nothing."""
    return "under this contract no thread comes to any access, so nothing is proved about them"
