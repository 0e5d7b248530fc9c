"""A launch that asks for more than the device has; found at the launch."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX405", "launch-limit-exceeded", Severity.ERROR)
