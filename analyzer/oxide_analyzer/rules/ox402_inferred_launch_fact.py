"""What a proof takes for granted about launches beyond the contract; each launch checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = Rule("OX402", "inferred-launch-fact", Severity.INFORMATION)


def message(facts: Sequence[str]) -> str:
    """All facts of one kernel, which each launch checks."""
    return "each launch checks that " + _listed(facts)


def precondition(facts: Sequence[str]) -> str:
    """All facts of a kernel whose launches nobody checks."""
    return "it is right for launches that keep to this: that " + _listed(facts)


def _listed(facts: Sequence[str]) -> str:
    """The facts; the axes that the kernel does not read are said in few words."""
    single = [
        axis
        for axis in "yz"
        if all(f"{extent}.{axis} == 1" in facts for extent in ("block_dim", "grid_dim"))
    ]
    short = {f"{extent}.{axis} == 1" for extent in ("block_dim", "grid_dim") for axis in single}
    said = [_quoted(fact) for fact in facts if fact not in short]
    if single:
        said.append(f"block and grid have extent 1 along {' and '.join(single)}")
    return ", that ".join(said)


def _quoted(fact: str) -> str:
    """A fact that is Python as code, one that is a sentence as it is."""
    return f"`{fact}`" if set("=<>") & set(fact) else fact
