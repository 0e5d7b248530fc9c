"""From what is neither proved nor broken to diagnostics, with the fact that would settle it.

Where a value that may wrap stands between an index and its proof, the finding is about the
expression that may wrap (OX305), not about every access behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Fix, Related, Severity, Verdict
from oxide_analyzer.facts.accesses import Access, Claim, Divisor, LocalRead
from oxide_analyzer.facts.conditions import (
    condition_polys,
)
from oxide_analyzer.ir.nodes import (
    Assert,
    CheckAligned,
    CheckIndex,
    CheckView,
)
from oxide_analyzer.ir.walk import supplied_by
from oxide_analyzer.proof.offers import offers
from oxide_analyzer.proof.subjects import TOGETHER, Bound, Kind, Leaving, Meeting, Obligation, Pair
from oxide_analyzer.proof.verdicts import Unknown
from oxide_analyzer.repairs import declare, missing_words, order_fix, source_text, widen
from oxide_analyzer.rules import (
    ox206_publish_without_fence as ox206,
)
from oxide_analyzer.rules import (
    ox302_unproved_bounds as ox302,
)
from oxide_analyzer.rules import (
    ox305_index_may_wrap as ox305,
)
from oxide_analyzer.rules import (
    ox306_misaligned_vector_access as ox306,
)
from oxide_analyzer.rules import (
    ox307_division_by_zero as ox307,
)
from oxide_analyzer.rules import (
    ox308_assertion_fails as ox308,
)
from oxide_analyzer.rules import (
    ox901_unproved_race as ox901,
)
from oxide_analyzer.rules import (
    ox902_unproved_convergence as ox902,
)
from oxide_analyzer.rules import (
    ox903_unproved_memory as ox903,
)
from oxide_analyzer.rules.wording import verb
from oxide_analyzer.synchronisation import open_meeting
from oxide_analyzer.violations import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.rules.rule import Rule
    from oxide_analyzer.source import Span


def unproved(judgement: Judgement) -> Iterator[Diagnostic]:
    """What is open, each place once; the dimensions of one access apart."""
    said: set[object] = set()
    for judged in judgement.judged:
        if not isinstance(judged.result, Unknown):
            continue
        for diagnostic in _unknown(judgement, judged.obligation, judged.result.reason):
            related = tuple(r.span for r in diagnostic.related)
            # Of a race one finding is enough; each dimension has its own bound.
            own = diagnostic.message if diagnostic.code == ox302.RULE.code else ""
            key = (diagnostic.span, diagnostic.code, own, related)
            if key not in said:
                said.add(key)
                yield diagnostic


def _unknown(judgement: Judgement, obligation: Obligation, reason: str) -> Iterator[Diagnostic]:
    """The finding about one open obligation, or about the wrap that keeps it open."""
    wraps = tuple(_wraps(judgement, obligation, reason))
    yield from wraps
    if wraps and obligation.kind not in TOGETHER:
        return
    kernel = judgement.analysis.kernel
    found = _open(judgement, obligation)
    fixes = [
        fix
        for offer in offers(judgement.analysis, obligation)
        for fix in (declare(kernel, offer.text, offer.names),)
        if fix is not None
    ]
    yield replace(found, reason=reason, fixes=(*found.fixes, *fixes))


def _open(judgement: Judgement, obligation: Obligation) -> Diagnostic:
    kernel = judgement.analysis.kernel
    related: tuple[Related, ...] = ()
    severity: Severity | None = None
    fixes: tuple[Fix, ...] = ()
    order = judgement.handed.get(obligation)
    unfenced = order.missing if order is not None else ()
    match obligation.subject:
        case Pair(first=a, second=b) if unfenced:
            stands, other = standing(a, b)
            said = missing_words(unfenced[0])
            rule, span = ox206.RULE, stands.span
            message = ox206.unproved_message(stands.array, unfenced[0].array, said)
            related = (Related(other.span, f"the other thread {verb(other.kind)} here"),)
            fixes = order_fix(unfenced, kernel)
        case Pair(first=a, second=b):
            stands, other = standing(a, b)
            rule, span = ox901.RULE, stands.span
            message = ox901.message(
                kernel.arrays[stands.array].said, obligation.kind is Kind.BLOCK_RACE
            )
            related = (Related(other.span, f"the other thread {verb(other.kind)} here"),)
        case Leaving(exit=leaving, pair=pair):
            rule, span = ox901.RULE, leaving.stmt.span
            message = ox901.exit_message(kernel.arrays[pair.first.array].said)
            related = (Related(pair.second.span, f"another thread {verb(pair.second.kind)} here"),)
        case Meeting(arrival=arrival) as meeting:
            rule, span = ox902.RULE, arrival.stmt.span
            message, related = open_meeting(kernel, meeting)
        case Bound(access=access, axis=axis):
            rule, span = ox302.RULE, access.span
            message = ox302.message(*kernel.arrays[access.array].owner(axis))
        case Divisor(span=place, role=role):
            rule, span = ox307.RULE, place
            message, severity = ox307.unproved_message(role), Severity.WARNING
        case Claim(stmt=stmt):
            span = stmt.span
            rule, message, severity = _of_claim(stmt)
        case Access() as access:
            rule, span, message = (
                ox903.RULE,
                access.span,
                ox903.message(kernel.arrays[access.array].said),
            )
            supplied = supplied_by(kernel.body, access.site)
            if supplied is not None:
                message = ox903.supplied_message(supplied)
        case LocalRead() as read:
            rule, span, message = ox903.RULE, read.span, ox903.message(read.source_name)
    return rule.diagnostic(
        span,
        message,
        severity=severity,
        kernel=kernel.name,
        verdict=Verdict.UNPROVED,
        related=related,
        fixes=fixes,
    )


def _of_claim(
    stmt: CheckIndex | CheckView | CheckAligned | Assert,
) -> tuple[Rule, str, Severity]:
    match stmt:
        case CheckIndex(array=array, is_row=True):
            return ox302.RULE, ox302.row_message(array), Severity.WARNING
        case CheckIndex(array=array):
            return ox302.RULE, ox302.index_message(array), Severity.WARNING
        case CheckView(array=array):
            return ox302.RULE, ox302.view_message(array), Severity.WARNING
        case CheckAligned(array=array, width=width):
            return ox306.RULE, ox306.unproved_message(array, width), Severity.WARNING
        case Assert():
            return ox308.RULE, ox308.unproved_message(), Severity.WARNING


def _wraps(judgement: Judgement, obligation: Obligation, reason: str) -> Iterator[Diagnostic]:
    """The expressions that may wrap and whose value the obligation depends on."""
    analysis = judgement.analysis
    evaluator = analysis.evaluator
    if not evaluator.wraps:
        return
    polys = [p for q in obligation.queries or () for c in q for p in condition_polys(c)]
    shown: set[Span] = set()
    for atom in analysis.terms.reachable(polys):
        found = evaluator.wraps.get(atom)
        # Sixty-four bits are what a fix could give.
        if found is None or found[0].type.bits >= 64 or found[0].span in shown:
            continue
        expr, value = found
        shown.add(expr.span)
        type_ = expr.type
        message = ox305.message(
            source_text(expr), type_.name, evaluator.interval(value), (type_.min, type_.max)
        )
        fix = widen(expr)
        yield ox305.RULE.diagnostic(
            expr.span,
            message,
            kernel=analysis.kernel.name,
            verdict=Verdict.UNPROVED,
            reason=reason,
            fixes=(fix,) if fix is not None else (),
        )
