"""A launch that a contract, or a fact of the proof, does not admit; found at the launch."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX401", "launch-violates-contract", Severity.ERROR)
