"""An `unsafe` that does not say why what it lifts holds."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX702", "unsafe-without-reason", Severity.ERROR)


def no_reason() -> str:
    """No reason, or an empty one."""
    return '`unsafe` without a reason; write `with unsafe("why it holds"):`'


def not_literal() -> str:
    """A reason that is computed, or more than one argument."""
    return 'the reason of `unsafe` is one literal string: `with unsafe("why it holds"):`'
