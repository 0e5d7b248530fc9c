"""From what the interpreter ran into to diagnostics: which rule, place, words, and fixes.

One finding per pair of statements, by the first rule that fits: atomic and plain (106), atomics of
too narrow a scope (107), shared (104), the same value (109), two threads of one block (102, 103),
only different blocks (105). It stands on the write; of two writes on the later in the source; of
atomic and plain on the plain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, assert_never

from oxide_analyzer.diagnostics import AccessKind, Diagnostic, Fix, Related, Verdict
from oxide_analyzer.facts.accesses import Access
from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.facts.state import Real, value_level
from oxide_analyzer.fixes.atoms import stores, updates, widened
from oxide_analyzer.fixes.barriers import separate, wait_for
from oxide_analyzer.fixes.guards import guarded
from oxide_analyzer.interpreter import (
    Divergence,
    HarmfulExit,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.outcome import (
    BadView,
    FailedAssertion,
    Misaligned,
    OutsideMask,
    WarpDivergence,
)
from oxide_analyzer.ir.nodes import (
    Atomic,
    CheckDivisor,
    Dim,
    For,
    Inline,
    Load,
    Param,
    Read,
    Scope,
    Space,
    Special,
    Store,
    While,
)
from oxide_analyzer.ir.walk import assigned, statements, subexpressions
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.offers import Offer, offers
from oxide_analyzer.proof.refute import breaks
from oxide_analyzer.proof.subjects import Bound, Kind
from oxide_analyzer.proof.verdicts import Lifted, Proved
from oxide_analyzer.repairs import declare, missing_words, order_fix
from oxide_analyzer.rules import (
    ox102_write_write_race as ox102,
)
from oxide_analyzer.rules import (
    ox103_read_write_race as ox103,
)
from oxide_analyzer.rules import (
    ox104_shared_memory_race as ox104,
)
from oxide_analyzer.rules import (
    ox105_cross_block_race as ox105,
)
from oxide_analyzer.rules import (
    ox106_mixed_atomic_access as ox106,
)
from oxide_analyzer.rules import (
    ox107_atomic_scope_too_narrow as ox107,
)
from oxide_analyzer.rules import (
    ox109_same_value_write as ox109,
)
from oxide_analyzer.rules import (
    ox206_publish_without_fence as ox206,
)
from oxide_analyzer.rules import (
    ox207_read_before_wait as ox207,
)
from oxide_analyzer.rules import (
    ox301_out_of_bounds as ox301,
)
from oxide_analyzer.rules import (
    ox303_uninitialised_read as ox303,
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
from oxide_analyzer.rules.wording import element, place, thread, verb
from oxide_analyzer.synchronisation import (
    divergence,
    harmful_exit,
    outside_mask,
    warp_divergence,
)
from oxide_analyzer.witnesses import violated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.state import Value
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.links import Missing
    from oxide_analyzer.proof.subjects import Obligation
    from oxide_analyzer.proof.verdicts import Violation


def violations(judgement: Judgement) -> Iterator[Diagnostic]:
    """What the interpreter ran into, each pair of statements once."""
    seen: set[object] = set()
    ordered = sorted(judgement.violations, key=lambda v: _precedence(v.failure))
    for violation in ordered:
        for diagnostic in _violation(judgement, violation):
            related = frozenset(r.span.line for r in diagnostic.related)
            key = (diagnostic.span, _family(diagnostic.code), related)
            if key not in seen:
                seen.add(key)
                yield diagnostic


def _precedence(failure: Failure) -> tuple[bool, bool]:
    """Of one pair of statements a race within a block goes first, then one of two writes."""
    if not isinstance(failure, Race):
        return False, False
    kinds = {failure.first.kind, failure.second.kind}
    return failure.first.block != failure.second.block, kinds != {AccessKind.WRITE}


def _family(code: str) -> str:
    return code[:3]


def _violation(judgement: Judgement, violation: Violation) -> Iterator[Diagnostic]:
    kernel, launch = judgement.analysis.kernel, violation.launch
    failure = violation.failure
    match failure:
        case Race():
            found = _race(judgement, failure, launch)
            fixes = (*found.fixes, *_repairs(judgement, failure, found.code))
            yield replace(found, fixes=(*fixes, *_declarations(judgement, violation)))
        case OutOfBounds(event=event):
            rank = kernel.arrays[event.array or ""].rank
            message = ox301.message(failure, launch, rank)
            found = violated(ox301.RULE, kernel, event, (), message, launch)
            fixes = (*guarded(judgement, event.site), *_declarations(judgement, violation))
            yield replace(found, fixes=fixes)
        case BadView(event=event):
            message = ox301.view_message(failure, launch)
            found = violated(ox301.RULE, kernel, event, (), message, launch)
            yield replace(found, fixes=_declarations(judgement, violation))
        case Misaligned(event=event):
            message = ox306.message(failure, launch)
            found = violated(ox306.RULE, kernel, event, (), message, launch)
            yield replace(found, fixes=_declarations(judgement, violation))
        case FailedAssertion(event=event):
            message = ox308.message(failure, launch)
            found = violated(ox308.RULE, kernel, event, (), message, launch)
            yield replace(found, fixes=_declarations(judgement, violation))
        case ZeroDivisor(event=event):
            message = ox307.message(failure, launch, _role(kernel, event.site))
            found = violated(ox307.RULE, kernel, event, (), message, launch)
            yield replace(found, fixes=_declarations(judgement, violation))
        case Uninitialised(event=event):
            name = _local_at(judgement, event)
            message = ox303.message(failure, launch, name)
            yield violated(ox303.RULE, kernel, event, (), message, launch)
        case Divergence():
            yield from divergence(judgement, failure, launch)
        case WarpDivergence():
            yield warp_divergence(judgement, failure, launch)
        case OutsideMask():
            yield outside_mask(judgement, failure, launch)
        case HarmfulExit():
            yield harmful_exit(judgement, failure, launch)
        case _:
            assert_never(failure)


def _declarations(judgement: Judgement, violation: Violation) -> tuple[Fix, ...]:
    """Facts that an author may declare, with which this does not happen."""
    kernel = judgement.analysis.kernel
    fixes: list[Fix] = []
    for judged in judgement.judged:
        if not breaks(violation, judged.obligation):
            continue
        for offer in offers(judgement.analysis, judged.obligation, violation.launch):
            more = _of_other_axes(judgement, judged.obligation)
            if more is None:
                continue
            text = " and ".join(dict.fromkeys((offer.text, *(one.text for one in more))))
            names = (*offer.names, *(name for one in more for name in one.names))
            fix = declare(kernel, text, names)
            if fix is not None and fix not in fixes:
                fixes.append(fix)
    if not fixes and isinstance(violation.failure, OutOfBounds):
        fixes.extend(_not_admitted(judgement, violation.failure.event.array or ""))
    return tuple(fixes)


def _of_other_axes(judgement: Judgement, obligation: Obligation) -> tuple[Offer, ...] | None:
    """What else the bounds of the same access need; None if nothing is known that would do."""
    found: list[Offer] = []
    if not isinstance(obligation.subject, Bound):
        return ()
    for judged in judgement.judged:
        other = judged.obligation
        if (
            other is obligation
            or not isinstance(other.subject, Bound)
            or isinstance(judged.result, (Proved, Lifted))
            or other.subject.access.site != obligation.subject.access.site
            or other.subject.axis == obligation.subject.axis
        ):
            continue
        offered = offers(judgement.analysis, other)
        if not offered:
            return None
        found.extend(offered)
    return tuple(found)


def _not_admitted(judgement: Judgement, array: str) -> Iterator[Fix]:
    """Facts about an array that would do and were not inferred: they would silence the kernel."""
    kernel, terms = judgement.analysis.kernel, judgement.analysis.terms
    paths = [access.path for access in judgement.analysis.effects.whole]
    for candidate in judgement.offered:
        if all(refutes(terms, (*path, candidate.condition)) for path in paths):
            # Nothing would be left of the kernel.
            continue
        quantities = list(subexpressions(candidate.expr))
        names = [
            e.name if isinstance(e, Param) else e.array
            for e in quantities
            if isinstance(e, (Dim, Param))
        ]
        if array in names and not any(isinstance(e, Special) for e in quantities):
            fix = declare(kernel, candidate.text, names)
            if fix is not None:
                yield fix


def _repairs(judgement: Judgement, race: Race, code: str) -> Iterator[Fix]:
    """What to write so that the two are ordered, or may meet."""
    analysis = judgement.analysis
    array = race.first.array or ""
    at = {a.site: a for a in analysis.effects.whole if a.array == array}
    first, second = at.get(race.first.site or 0), at.get(race.second.site or 0)
    if first is None or second is None:
        return
    match code:
        case ox104.RULE.code:
            yield from separate(analysis, first, second)
            yield from updates(analysis, array)
        case ox106.RULE.code:
            yield from separate(analysis, first, second)
        case ox102.RULE.code | ox103.RULE.code | ox105.RULE.code:
            yield from updates(analysis, array)
        case ox107.RULE.code:
            yield from widened(analysis.kernel, frozenset((first.site, second.site)))
        case ox109.RULE.code:
            yield from stores(analysis, array)
        case ox207.RULE.code:
            early, copy = (second, first) if first.is_asynchronous else (first, second)
            own = (race.first.block, race.first.thread) == (race.second.block, race.second.thread)
            yield from wait_for(analysis, early, copy, by_others=not own)
        case _:
            return


def _race(judgement: Judgement, race: Race, launch: Launch) -> Diagnostic:
    kernel = judgement.analysis.kernel
    same = _same_value(judgement, race.first, race.second)
    if {race.first.kind, race.second.kind} == {AccessKind.READ, AccessKind.WRITE}:
        race = replace(
            race,
            first=_as_store(judgement, race.first),
            second=_as_store(judgement, race.second),
        )
    stands, other = standing(race.first, race.second)
    early = _early(judgement, race)
    if early is not None:
        stands, other = early
    found = _race_finding(judgement, race, launch, stands, other, same)
    when = _when(kernel, stands)
    if not when:
        when = _when(kernel, other)
        when += f" for thread {place(other.thread, launch.block)}" if when else ""
    return replace(found, message=f"{found.message}, when {when}") if when else found


def _when(kernel: Kernel, event: Event) -> str:
    """What the locals of the index hold that its loops have set: the round it is in."""
    supplied = [s for s in statements(kernel.body) if isinstance(s, Inline) and "." in s.name]
    if any(s.site == event.site for s in _accesses(tuple(supplied))):
        # The source does not name what the language itself writes.
        return ""
    for stmt in statements(kernel.body):
        if isinstance(stmt, (Load, Store, Atomic)) and stmt.site == event.site:
            carried = {
                local.name
                for loop in statements(kernel.body)
                if isinstance(loop, (For, While)) and any(s is stmt for s in statements((loop,)))
                for local in assigned((loop,))
            }
            names = dict.fromkeys(
                e.local.source_name
                for index in stmt.index
                for e in subexpressions(index)
                if isinstance(e, Read) and e.local.name in carried
            )
            shown = [f"`{n}` is {event.values[n]}" for n in names if n in event.values]
            return " and ".join(shown)
    return ""


def _accesses(block: Block) -> Iterator[Load | Store | Atomic]:
    return (s for s in statements(block) if isinstance(s, (Load, Store, Atomic)))


def _race_finding(
    judgement: Judgement, race: Race, launch: Launch, stands: Event, other: Event, same: bool
) -> Diagnostic:
    kernel = judgement.analysis.kernel
    array = kernel.arrays[stands.array or ""]
    related = (Related(other.span, f"{thread(other, launch)} {verb(other.kind)} {element(other)}"),)
    kinds = {stands.kind, other.kind}
    if _early(judgement, race) is not None:
        message = ox207.message(stands, other, launch)
        related = (Related(other.span, ox207.related(other, launch)),)
        return violated(ox207.RULE, kernel, stands, related, message, launch, other)
    unfenced = _unfenced(judgement, race)
    if unfenced:
        said = missing_words(unfenced[0])
        message = ox206.message(stands, other, unfenced[0].array, said, launch)
        found = violated(ox206.RULE, kernel, stands, related, message, launch, other)
        return replace(found, fixes=order_fix(unfenced, kernel))
    if kinds == {AccessKind.ATOMIC}:
        narrow = _narrow(kernel, stands) or _narrow(kernel, other) or Scope.BLOCK
        if _narrow(kernel, stands) is None and _narrow(kernel, other) is not None:
            # It is the narrow one of the two that is wrong.
            stands, other = other, stands
            did = f"{thread(other, launch)} {verb(other.kind)} {element(other)}"
            related = (Related(other.span, did),)
        rule, message = ox107.RULE, ox107.message(stands, other, narrow, launch)
    elif AccessKind.ATOMIC in kinds:
        rule, message = ox106.RULE, ox106.race_message(stands, other, launch)
    elif array.space is Space.SHARED:
        rule, message = ox104.RULE, ox104.message(stands, other, launch)
    elif same:
        rule, message = ox109.RULE, ox109.message(race, launch)
    elif race.first.block != race.second.block:
        rule, message = ox105.RULE, ox105.message(stands, other, launch)
    elif kinds == {AccessKind.WRITE} or stands.span == other.span:
        # What one `a[i] += x` reads it also writes: two of them are two writes.
        rule, message = ox102.RULE, ox102.message(race, launch)
    else:
        rule, message = ox103.RULE, ox103.message(stands, other, launch)
    verdict = Verdict.UNPROVED if rule is ox109.RULE else Verdict.VIOLATED
    return violated(rule, kernel, stands, related, message, launch, other, verdict)


def _early(judgement: Judgement, race: Race) -> tuple[Event, Event] | None:
    """The access that comes while a copy may be under way, and the copy.

    Two copies by different threads are a race like any other.
    """
    copies = {a.site for a in judgement.analysis.effects.whole if a.is_asynchronous}
    first, second = race.first, race.second
    if (first.block, first.thread) == (second.block, second.thread):
        return second, first
    if (first.site in copies) == (second.site in copies):
        return None
    return (second, first) if first.site in copies else (first, second)


def _narrow(kernel: Kernel, event: Event) -> Scope | None:
    """The scope of an atomic, if it does not reach beyond its block."""
    for stmt in statements(kernel.body):
        if isinstance(stmt, Atomic) and stmt.site == event.site:
            return stmt.scope if stmt.scope in (Scope.BLOCK, Scope.CLUSTER) else None
    return None


def _unfenced(judgement: Judgement, race: Race) -> tuple[Missing, ...]:
    """The fences for want of which atomics do not order the two."""
    sites = frozenset((race.first.site, race.second.site))
    for obligation, order in judgement.handed.items():
        if order.missing and obligation.sites == sites:
            return order.missing
    return ()


_RANK = {AccessKind.WRITE: 0, AccessKind.READ: 1, AccessKind.ATOMIC: 2}
_Placed = TypeVar("_Placed", "Event", Access)


def standing(first: _Placed, second: _Placed) -> tuple[_Placed, _Placed]:
    """What a finding about two accesses stands on, and the other."""
    one, other = sorted(
        (first, second), key=lambda a: (_RANK.get(a.kind, 3), -a.span.line, -a.span.column)
    )
    return one, other


def _as_store(judgement: Judgement, event: Event) -> Event:
    """The load of `a[i] += x` as the store of the same statement, which meets whom it meets."""
    whole = judgement.analysis.effects.whole
    own = [a for a in whole if a.site == event.site and a.kind is AccessKind.READ]
    for load in own:
        for store in whole:
            same = (store.array, store.index, store.path) == (load.array, load.index, load.path)
            if same and store.kind is AccessKind.WRITE and store.span == load.span:
                return replace(event, kind=AccessKind.WRITE, site=store.site)
    return event


def _same_value(judgement: Judgement, first: Event, second: Event) -> bool:
    """Whether both stores certainly write one value, of at most eight bytes."""
    stores = [
        a
        for a in judgement.analysis.effects.whole
        if a.kind is AccessKind.WRITE and a.site in (first.site, second.site)
    ]
    values = [a.value for a in stores]
    if not values or any(v != values[0] for v in values):
        return False
    if {first.kind, second.kind} != {AccessKind.WRITE}:
        return False
    value = values[0]
    if value is None or any(not _is_steady(judgement, name) for name in _sources(value)):
        return False
    # Threads of one block also share what only their block knows.
    shared = Level.BLOCK if first.block == second.block else Level.LAUNCH
    return value_level(value) <= shared


def _sources(value: Value) -> Iterator[str]:
    """The arrays and loop variables of whose contents a value is made without being known."""
    match value:
        case Real(key=key, own_level=level) | Opaque(key=key, own_level=level):
            if level is not Level.LAUNCH:
                yield from (name.partition("'")[0] for name in key if "'" in name)
        case Poly():
            for atom in value.atoms():
                if isinstance(atom.form, Variable) and atom.form.assumed is not None:
                    yield atom.form.name.partition("'")[0]
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _sources(part)
        case AtLeastZero(poly=poly) | IsZero(poly=poly) | NotZero(poly=poly):
            yield from _sources(poly)


def _is_steady(judgement: Judgement, name: str) -> bool:
    """Whether all who read the array see one value: it has no race that is not disproved."""
    if name not in judgement.analysis.kernel.arrays:
        return False
    return not any(
        judged.obligation.kind in (Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT)
        and not isinstance(judged.result, Proved)
        and any(
            access.array == name and access.site in judged.obligation.sites
            for access in judgement.analysis.effects.whole
        )
        for judged in judgement.judged
    )


def _role(kernel: Kernel, site: int | None) -> str:
    for stmt in statements(kernel.body):
        if isinstance(stmt, CheckDivisor) and stmt.site == site:
            return stmt.role.value
    return "divisor"


def _local_at(judgement: Judgement, event: Event) -> str:
    for read in judgement.analysis.effects.reads:
        if read.span == event.span:
            return read.source_name
    return "it"
