"""From a judgement to everything there is to say about one kernel.

What is violated (`violations`), what is open (`unproved`), and what concerns the kernel as a
whole: its contract, its shared memory, its `unsafe` blocks, the facts of its proof.

What is unproved in a kernel that is violated is not reported: it is often a consequence, and it
is judged again once the violation is gone.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.fixes.blocks import unwrapped
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import Const, Space
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.verdicts import Lifted
from oxide_analyzer.proof.vouched import unsafe_blocks, vouched
from oxide_analyzer.rules import ox304_shared_memory_overflow as ox304
from oxide_analyzer.rules import ox402_inferred_launch_fact as ox402
from oxide_analyzer.rules import ox403_contradictory_contract as ox403
from oxide_analyzer.rules import ox703_needless_unsafe as ox703
from oxide_analyzer.speed import hints
from oxide_analyzer.synchronisation import redundant
from oxide_analyzer.unproved import unproved
from oxide_analyzer.violations import violations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.source import Span


def findings(judgement: Judgement, facts: Sequence[Fact]) -> tuple[Diagnostic, ...]:
    """Everything to say about one kernel."""
    contract = judgement.analysis.kernel.contract
    if judgement.contradictory:
        span = (*contract.requires, *contract.data)[0].span
        name = judgement.analysis.kernel.name
        return (
            ox403.RULE.diagnostic(span, ox403.message(), kernel=name, verdict=Verdict.UNPROVED),
        )
    found = [*_overflow(judgement), *violations(judgement)]
    if not judgement.violations:
        found.extend(unproved(judgement))
        found.extend(_needless(judgement))
        found.extend(_vacuous(judgement))
        found.extend(redundant(judgement))
    if not any(d.verdict is Verdict.VIOLATED for d in found):
        found.extend(hints(judgement.analysis))
    kernel = judgement.analysis.kernel
    inferred = [f.text for f in facts if not f.declared]
    # That axes which the kernel does not read have extent 1 goes without saying by itself.
    surprising = judgement.facts or judgement.compact or kernel.contract.is_inferred
    surprising = surprising or not all(fact.declared for fact in kernel.contract.data)
    if surprising and not any(d.verdict is Verdict.VIOLATED for d in found):
        is_own = kernel.dialect == OWN_DIALECT
        message = ox402.message(inferred) if is_own else ox402.precondition(inferred)
        found.append(ox402.RULE.diagnostic(kernel.name_span, message, kernel=kernel.name))
    return tuple(sorted(found, key=lambda d: (d.span, d.code)))


def _overflow(judgement: Judgement) -> Iterator[Diagnostic]:
    """Shared arrays whose sizes are known and that fit no device."""
    sizes: list[tuple[str, int]] = []
    spans: list[Span] = []
    for array in judgement.analysis.kernel.arrays.values():
        extents = [int(e.value) for e in array.shape if isinstance(e, Const)]
        if array.space is Space.SHARED and len(extents) == array.rank:
            sizes.append((array.name, prod(extents) * array.element.size))
            spans.append(array.span)
    total = sum(count for _, count in sizes)
    if total > ox304.MOST_BYTES:
        yield ox304.RULE.diagnostic(
            spans[-1],
            ox304.message(sizes, total),
            kernel=judgement.analysis.kernel.name,
            verdict=Verdict.VIOLATED,
        )


def _needless(judgement: Judgement) -> Iterator[Diagnostic]:
    """`unsafe` blocks that lift nothing."""
    kernel = judgement.analysis.kernel
    lifts = vouched(kernel)
    needed = {
        block.site
        for judged in judgement.judged
        if isinstance(judged.result, Lifted)
        for block in lifts.blocks_of(judged.obligation)
    }
    for block in unsafe_blocks(kernel):
        if block.site not in needed:
            yield ox703.RULE.diagnostic(
                block.span,
                ox703.message(),
                kernel=kernel.name,
                fixes=tuple(unwrapped(kernel, block.span)),
            )


def _vacuous(judgement: Judgement) -> Iterator[Diagnostic]:
    """A contract under which no thread comes to any access."""
    analysis = judgement.analysis
    contract = analysis.kernel.contract
    accesses = analysis.effects.whole
    if not contract.requires or not accesses:
        return
    # The shortest paths are the likeliest to be taken, and the quickest to ask about.
    paths = sorted({access.path: None for access in accesses}, key=len)
    if all(refutes(analysis.terms, path) for path in paths):
        yield ox403.RULE.diagnostic(
            contract.requires[0].span,
            ox403.vacuous_message(),
            severity=Severity.WARNING,
            kernel=analysis.kernel.name,
        )
