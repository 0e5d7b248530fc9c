"""Two arguments of a launch share memory, and the kernel writes one; found at the launch."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX108", "aliased-arguments", Severity.ERROR)
