"""What an editor shows beside the lines of a kernel: plain data, made from a judgement.

    tile[t] += tile[t + stride]      an access: its index in terms of the launch, when it happens,
                                     and what protects it
    stride                           a variable: type, numbers, for whom it is one
    if t < stride:                   a branch that the threads of a warp may not take alike
    tile = SharedArray(f32, 256)     a memory: where it is, how large

Everything here has been computed for the verdict, or is a walk over the IR; no prover is asked.
The values hold no IR, travel between processes, and speak in the words of the kernel's dialect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.insights.records import Insights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.proof.ladder import Judgement

__all__ = ["Insights", "insights"]


def insights(judgement: Judgement, facts: Iterable[Fact]) -> Insights:
    """What there is to show of a kernel whose launches fulfil `facts`."""
    # Who only reads what was kept needs none of this.
    from oxide_analyzer.facts.uniformity import spread
    from oxide_analyzer.insights.accesses import accesses
    from oxide_analyzer.insights.divergence import barriers, branches, stretches
    from oxide_analyzer.insights.memories import memories
    from oxide_analyzer.insights.variables import variables

    analysis = judgement.analysis
    found = spread(analysis.kernel, analysis.launch, analysis.alike)
    return Insights(
        analysis.kernel.span.line,
        tuple(accesses(judgement)),
        tuple(variables(judgement, found, tuple(facts))),
        tuple(memories(analysis)),
        tuple(branches(analysis.kernel, found)),
        tuple(stretches(analysis.kernel, found)),
        tuple(barriers(analysis.kernel)),
    )
