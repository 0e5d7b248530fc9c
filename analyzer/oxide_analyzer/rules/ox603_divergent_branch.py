"""A branch at which the lanes of a warp part, with long sides."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX603", "divergent-branch", Severity.HINT)

LONG = 48
"""Operations from which on each of two sides counts as long."""
LONG_ALONE = 192
"""Operations from which on a side counts as long where the other lanes only wait."""


def by_lanes(lanes: int, number: int, then: int, otherwise: int) -> str:
    """Every warp parts."""
    who = f"{lanes} of the {number} lanes of each warp"
    if otherwise:
        return (
            f"{who} go one way and the rest the other, one after the other: about {then} and"
            f" {otherwise} operations; let whole warps decide alike: `thread.x // 32`"
        )
    share = (
        "let all of them share the work" if lanes == 1 else "let those that have work be neighbours"
    )
    return f"{who} run about {then} operations while the rest wait; {share}"


def by_data(then: int, otherwise: int) -> str:
    """What is loaded decides."""
    return (
        "lanes of a warp part here by what they have loaded and take both ways, one after the"
        f" other: about {then} and {otherwise} operations; order the data by the way they take"
    )
