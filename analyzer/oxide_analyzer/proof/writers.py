"""Who wrote an element: solving the index of a store for the thread that made it.

    tile[thread.y + 8*k, thread.x] = …      k in range(4), block (32, 8)
    sync_threads()
    … = tile[thread.x, thread.y + 8*j]      read element (thread.x, thread.y + 8*j)

    writer:  thread.y' = thread.x % 8,  k' = thread.x // 8,  thread.x' = thread.y + 8*j
    to show: 0 <= thread.y' < 8,  0 <= k' < 4,  0 <= thread.x' < 32

Every index is solved digit by digit for what may be chosen: the thread, and its iterations of the
loops round the store alone. Where a store uses digits of the thread index apart (`totals[t // 32]`
by lane 31), these are what is solved for. A masked digit is unmasked: `free ^ mask == digit` is
`free == digit ^ mask`. The solution is a guess, the proof is a check: a wrong guess proves
nothing. What it rests on is that a thread makes the store wherever the conditions of its path
hold; so these stores are not used: those behind a loop in which some threads return, for it is
forgotten who did, and those that depend on what only the writer knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import (
    FALSE,
    AllOf,
    AnyOf,
    Condition,
    IsZero,
    Opaque,
    all_of,
    at_least_zero,
    condition_polys,
    equal,
    less,
)
from oxide_analyzer.facts.polys import Atom, Bits, Level, Poly, Quotient, Variable, constant
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.nodes import For, Inline, Leave, Register, Return, While
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.iterations import expanded, is_run
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.state import Interval
    from oxide_analyzer.facts.uniformity import Loop


# An index of the store, in terms of the writer, and what it must be.
_Pair: TypeAlias = tuple[Poly, Poly]


@record
class _Digit:
    """A variable of the writer with its stride in one index, and its extent where it is known."""

    atom: Atom
    stride: Poly
    extent: Poly | None


def written(
    analysis: Analysis,
    write: Access,
    read: Access,
    *,
    own_loops: frozenset[Loop],
    again: Loop | None,
    among: Level | None,
) -> Iterator[Condition]:
    """Conditions under which a thread has made `write` to the element of `read`.

    The thread may be any of the reader's block or warp, as `among` says, else it is the reader.
    It may have done it in any iteration of `own_loops`, and in an earlier one of `again`.
    """
    if _may_be_missed(analysis, write, among):
        return
    if among is Level.BLOCK and not analysis.launch.is_line:
        write = _by_place(analysis, write)
    unknown = _unknown(analysis, write, own_loops, among)
    if unknown is None:
        return
    pairs = [(expanded(analysis, p), q) for p, q in zip(write.index, read.index, strict=True)]
    pairs = _joined(analysis, pairs)
    split = _split(analysis, pairs, unknown)
    if split is None:
        solution = _solve(analysis, pairs, unknown)
        if solution is not None:
            _solve_ways(write, unknown, solution)
        chosen = _complete(analysis, unknown, solution) if solution is not None else ()
    else:
        chosen = _solve_split(analysis, write, pairs, unknown, split)
    for values in chosen:
        whole_loops = own_loops if again is None else own_loops - {again}
        covered = _covered(analysis, write, read, again, among, values, whole_loops)
        if covered != FALSE:
            yield covered


def _by_place(analysis: Analysis, write: Access) -> Access:
    """The store as one by the thread at a place of the block, if nothing but that matters of it.

    `parts[warp.index] = …` by lane 0 is `parts[place // 32] = …` where `place % 32 == 0`: in a
    block of several axes it takes no digits to find that thread, for each place has its own.
    """
    launch, terms = analysis.launch, analysis.terms
    first, place = launch.register(Register.THREAD, 0), launch.place
    atom = first.single()
    if atom is None or place.terms.get((atom,)) != 1 or atom in (place - first).atom_set:
        return write
    put = Substitution(terms, {atom: launch.someone - (place - first)})
    index = tuple(put.poly(p) for p in write.index)
    path = tuple(put.condition(c) for c in write.path)
    axes = {launch.register(Register.THREAD, axis).single() for axis in range(3)}
    left = _all_atoms(analysis, *index, *(p for c in path for p in condition_polys(c)))
    return write if axes & left.keys() else replace(write, index=index, path=path)


def _covered(
    analysis: Analysis,
    write: Access,
    read: Access,
    again: Loop | None,
    among: Level | None,
    values: dict[Atom, Poly],
    whole_loops: frozenset[Loop],
) -> Condition:
    """That the writer which `values` describe exists and has written the element."""
    put = Substitution(analysis.terms, values)
    parts = [put.condition(c) for c in write.path]
    parts.extend(equal(put.poly(i), j) for i, j in zip(write.index, read.index, strict=True))
    for atom, value in values.items():
        parts.extend(_range(analysis, atom, value, put))
        if again is not None and analysis.evaluator.iterations.get(atom) is again:
            parts.append(less(value, Poly({(atom,): 1})))
    for loop in whole_loops:
        run = is_run(analysis, write, loop, values)
        if run is None:
            return FALSE
        parts.extend(run)
    if among is Level.WARP:
        parts.append(equal(put.poly(analysis.launch.warp), analysis.launch.warp))
    if again is not None and not any(analysis.evaluator.iterations.get(a) is again for a in values):
        return FALSE  # nothing says which iteration the reader is in
    return all_of(parts)


def _may_be_missed(analysis: Analysis, write: Access, among: Level | None) -> bool:
    """Whether a thread may have left for good in a loop before the store, or round it.

    The reading thread has not returned from the kernel; from a helper it may have.
    """
    if not analysis.uniform.departures:
        return False
    helpers: set[int] = set()
    for frame in write.position:
        owner = frame.owner
        if isinstance(owner, Inline):
            helpers.add(owner.label)
        loops = [s for s in statements(frame.block[: frame.index]) if isinstance(s, (For, While))]
        if isinstance(owner, (For, While)):
            loops.append(owner)
        for leaving in statements(tuple(loops)):
            if leaving not in analysis.uniform.departures:
                continue
            if isinstance(leaving, Leave) and leaving.label in helpers:
                return True
            if isinstance(leaving, Return) and among is not None:
                return True
    return False


def _span(analysis: Analysis, poly: Poly) -> Interval:
    """Numbers between which a polynomial lies; a remainder lies below its divisor."""
    for atom in poly.atoms():
        form = atom.form
        radix = form.divisor.value if isinstance(form, Quotient) else None
        if isinstance(form, Quotient) and radix is not None:
            rest = form.dividend.plus(Poly({(atom,): 1}), -radix)
            if rest == poly:
                return 0, radix - 1
    return analysis.evaluator.interval(poly)


def _threads(analysis: Analysis) -> frozenset[Atom | None]:
    """What says which thread it is."""
    launch = analysis.launch
    own = [launch.register(Register.THREAD, axis).single() for axis in range(3)]
    return frozenset(own if launch.is_line else (*own, launch.someone.single()))


def _unknown(
    analysis: Analysis, write: Access, own_loops: frozenset[Loop], among: Level | None
) -> set[Atom] | None:
    """The variables that may be chosen for a writer: its iterations, and which thread it is.

    None if the store depends on what nobody can choose: a value that only the writer knows, or
    that differs between the iterations of its own loops.
    """
    evaluator = analysis.evaluator
    unknown: set[Atom] = set()
    # What is known of an opaque value is that it is one for its level, in one iteration.
    shared = Level.LAUNCH if own_loops else among
    if shared is not None and any(_is_opaque(c, shared) for c in write.path):
        return None
    inner = {s for s in statements(tuple(own_loops)) if s not in own_loops}
    threads = _threads(analysis)
    for poly in (*write.index, *(p for c in write.path for p in condition_polys(c))):
        for atom in _all_atoms(analysis, poly):
            if shared is not None and any(
                _is_opaque(axiom, shared) for axiom in analysis.terms.axioms.get(atom, ())
            ):
                return None
            if atom in threads:
                if among is not None:
                    unknown.add(atom)
            elif atom in evaluator.iterations:
                loop = evaluator.iterations[atom]
                if loop in own_loops:
                    unknown.add(atom)
                elif loop in inner or (among is not None and atom.level > among):
                    return None
            elif atom in evaluator.undetermined and (
                own_loops or (among is not None and atom.level > among)
            ):
                return None
    return unknown


def _is_opaque(condition: Condition, shared: Level) -> bool:
    """Whether it depends on what is not one for those who share as much, and on no integer."""
    match condition:
        case Opaque(own_level=level):
            return level > shared
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return any(_is_opaque(c, shared) for c in parts)
        case _:
            return False


def _all_atoms(analysis: Analysis, *polys: Poly) -> dict[Atom, None]:
    return analysis.terms.reachable(polys, _threads(analysis).__contains__)


@record
class _Split:
    """A thread index taken apart: `thread == radix·high + low` with 0 <= low < radix."""

    thread: Atom
    radix: int
    high: Poly
    low: Poly

    def join(self, high: Poly, low: Poly) -> Poly:
        """The thread index with these two digits."""
        return high.scale(self.radix) + low


def _split(analysis: Analysis, pairs: list[_Pair], unknown: set[Atom]) -> _Split | None:
    """The digits of a thread index which a store uses apart, such as warp and lane."""
    found: dict[Atom, set[int]] = {}
    for poly, _ in pairs:
        for atom in poly.atoms():
            form = atom.form
            radix = form.divisor.value if isinstance(form, Quotient) else None
            if not isinstance(form, Quotient) or radix is None:
                continue
            for inner in form.dividend.atoms():
                if inner in unknown and inner in _threads(analysis):
                    found.setdefault(inner, set()).add(radix)
    if len(found) != 1:
        return None
    ((thread, radices),) = found.items()
    radix = min(radices)
    form = thread.form
    most = form.high if isinstance(form, Variable) else None
    terms = analysis.terms
    high = terms.fresh("high", thread.level, 0, None if most is None else most // radix)
    return _Split(thread, radix, high, terms.fresh("low", thread.level, 0, radix - 1))


def _solve_split(
    analysis: Analysis,
    write: Access,
    pairs: list[_Pair],
    unknown: set[Atom],
    split: _Split,
) -> Iterator[dict[Atom, Poly]]:
    """Solve for the digits of a thread index, and put it together from them."""
    terms, radix = analysis.terms, constant(split.radix)
    high, low = split.high.single(), split.low.single()
    none = terms.quotient(split.low, radix).single()
    if high is None or low is None or none is None:
        return
    put = Substitution(terms, {split.thread: split.join(split.high, split.low)})
    drop = Substitution(terms, {none: constant(0)})
    digits = [(drop.poly(put.poly(p)), q) for p, q in pairs]
    wanted = {*(unknown - {split.thread}), high, low}
    solution = _solve(analysis, digits, wanted)
    if solution is None:
        return
    for condition in write.path if low not in solution else ():
        # `warp.lane == 31` says which.
        if isinstance(condition, IsZero):
            equation = drop.poly(put.poly(condition.poly))
            side = equation.terms.get((low,))
            if side in (1, -1):
                value = (split.low - equation.scale(side)).value
                if value is not None:
                    solution[low] = constant(value)
    rest = {a: v for a, v in solution.items() if a not in (high, low)}
    open_ = dict.fromkeys(sorted(unknown - rest.keys() - {split.thread}), constant(0))
    thread = Poly({(split.thread,): 1})
    whole = terms.quotient(thread, radix)
    # What the index leaves open is zero, or what the reader has there.
    zeros = constant(0), constant(0)
    own = whole, thread - whole.scale(split.radix)
    for first, last in dict.fromkeys((zeros, own)) if len(solution) < len(wanted) else (zeros,):
        joined = split.join(solution.get(high, first), solution.get(low, last))
        yield {**open_, **rest, split.thread: joined}


def _joined(analysis: Analysis, pairs: list[_Pair]) -> list[_Pair]:
    """With `p` for two indices `p // n` and `p % n`: it must be `n·i + j` for their i and j."""
    for low, rest in pairs:
        for high, whole in pairs:
            atom = high.single()
            form = atom.form if atom is not None else None
            if not isinstance(form, Quotient):
                continue
            radix = form.divisor
            if low == form.dividend - analysis.terms.multiply(radix, high):
                left = [pair for pair in pairs if pair not in ((low, rest), (high, whole))]
                joined = analysis.terms.multiply(radix, whole) + rest
                return _joined(analysis, [*left, (form.dividend, joined)])
    return pairs


def _solve_ways(write: Access, unknown: set[Atom], values: dict[Atom, Poly]) -> None:
    """Add what the way to the store says of a variable that its index leaves open: `t == k`."""
    for condition in write.path:
        if not isinstance(condition, IsZero):
            continue
        poly = condition.poly
        open_ = [a for a in poly.atom_set if a in unknown]
        side = poly.terms.get((open_[0],)) if len(open_) == 1 else None
        if side in (1, -1) and open_[0] not in poly.factors and open_[0] not in values:
            values[open_[0]] = Poly({(open_[0],): 1}) - poly.scale(side)


def _solve(analysis: Analysis, pairs: list[_Pair], unknown: set[Atom]) -> dict[Atom, Poly] | None:
    """Solve every index of the store for the writer's variables."""
    values: dict[Atom, Poly] = {}
    masks: dict[Atom, _Masked] = {}
    last_masked = sorted(pairs, key=lambda pair: any(_is_exclusive(a) for a in pair[0].atoms()))
    for whole, theirs in last_masked:
        left_open = unknown - values.keys()
        index, masked = _unmasked(analysis, whole, left_open)
        masks.update(masked)
        digits, rest = _digits(analysis, index, left_open | masked.keys())
        if digits is None:
            return None
        left = theirs - rest
        for known in [a for a in rest.atoms() if a in values]:
            put = Substitution(analysis.terms, {known: values[known]})
            left = theirs - put.poly(rest)
        for position, digit in enumerate(digits):
            last = position == len(digits) - 1
            quotient = _divided(analysis, left, digit.stride)
            if quotient is None:
                return None
            if last:
                values[digit.atom] = quotient
            elif digit.extent is None:
                return None
            else:
                radix = _radix(digit.extent, digit.stride, digits[position + 1].stride)
                values[digit.atom] = analysis.terms.remainder(quotient, radix)
    for digit, masked in masks.items():
        found = values.pop(digit)
        put = Substitution(analysis.terms, values)
        value = _exclusive(analysis, found, put.poly(masked.mask))
        if value is None:
            return None
        values.setdefault(masked.free, (value - put.poly(masked.rest)).scale(masked.sign))
    return values


def _radix(extent: Poly, stride: Poly, above: Poly) -> Poly:
    """What a digit counts to: its extent, or more where the stride above it leaves a gap."""
    size, own, following = extent.value, stride.value, above.value
    if size is None or own is None or following is None or following % own:
        return extent
    return constant(max(size, following // own))


def _is_exclusive(atom: Atom) -> bool:
    return isinstance(atom.form, Bits) and atom.form.op == "^"


@record
class _Masked:
    """A digit `(sign·free + rest) ^ mask`; the sign is 1 or -1."""

    free: Atom
    sign: int
    rest: Poly
    mask: Poly


def _unmasked(
    analysis: Analysis, index: Poly, unknown: set[Atom]
) -> tuple[Poly, dict[Atom, _Masked]]:
    """The index with a variable for each masked digit, and what each stands for."""
    plain = {a for monomial in index.terms for a in monomial}
    found: dict[Atom, _Masked] = {}
    values: dict[Atom, Poly] = {}
    for atom in dict.fromkeys(index.atoms()):
        form = atom.form
        if not isinstance(form, Bits) or form.op != "^":
            continue
        for side, mask in ((form.left, form.right), (form.right, form.left)):
            inside = [a for a in side.atom_set if a in unknown and a not in plain]
            sign = side.terms.get((inside[0],)) if len(inside) == 1 else None
            if sign not in (1, -1) or inside[0] in side.factors:
                continue
            digit = analysis.terms.fresh("digit", atom.level, form.low, form.high)
            values[atom] = digit
            rest = side.plus(Poly({(inside[0],): 1}), -sign)
            found.update((a, _Masked(inside[0], sign, rest, mask)) for a in digit.atoms())
            break
    return (Substitution(analysis.terms, values).poly(index) if values else index), found


def _exclusive(analysis: Analysis, left: Poly, right: Poly) -> Poly | None:
    """`left ^ right`, of numbers that are not negative."""
    (low, high), (other_low, other_high) = _span(analysis, left), _span(analysis, right)
    if low is None or other_low is None or high is None or other_high is None:
        return None
    if min(low, other_low) < 0:
        return None
    most = (1 << max(high, other_high).bit_length()) - 1
    return analysis.terms.bits("^", left, right, 0, most)


def _digits(
    analysis: Analysis, index: Poly, unknown: set[Atom]
) -> tuple[list[_Digit] | None, Poly]:
    """The unknown variables of an index, by ascending stride, and the rest of the index."""
    strides: dict[Atom, dict[tuple[Atom, ...], int]] = {}
    rest: dict[tuple[Atom, ...], int] = {}
    for monomial, coefficient in index.terms.items():
        inside = [a for a in monomial if a in unknown]
        if not inside:
            rest[monomial] = coefficient
        elif len(inside) == 1:
            others = list(monomial)
            others.remove(inside[0])
            strides.setdefault(inside[0], {})[tuple(others)] = coefficient
        else:
            return None, index
    digits: list[_Digit] = []
    for atom in sorted(strides):
        digits.append(_Digit(atom, Poly(strides[atom]), _extent(analysis, atom)))
    # Numbers before atoms, small before large, few factors before many: the lowest digit first.
    digits.sort(
        key=lambda d: (
            max(len(m) for m in d.stride.terms),
            d.stride.value if d.stride.value is not None else 0,
            d.atom.serial,
        )
    )
    return digits, Poly(rest)


def _extent(analysis: Analysis, atom: Atom) -> Poly | None:
    if not analysis.launch.is_line and analysis.launch.someone.single() is atom:
        return analysis.launch.threads
    for axis in range(3):
        if analysis.launch.register(Register.THREAD, axis).single() is atom:
            return analysis.launch.register(Register.BLOCK_DIM, axis)
    form = atom.form
    if isinstance(form, Variable) and form.high is not None:
        # At the head where a loop ends there is one number of rounds more than rounds.
        counts = atom in analysis.evaluator.iterations
        return constant(form.high if counts else form.high + 1)
    return None


def _divided(analysis: Analysis, poly: Poly, stride: Poly) -> Poly | None:
    low, high = analysis.evaluator.interval(stride)
    if low is not None and low > 0:
        return analysis.terms.quotient(poly, stride)
    if high is not None and high < 0:
        return analysis.terms.quotient(-poly, -stride)
    return None


def _complete(
    analysis: Analysis, unknown: set[Atom], solution: dict[Atom, Poly]
) -> Iterator[dict[Atom, Poly]]:
    """Choose the variables that the index leaves open: zero, or the reader's own value."""
    missing = sorted(unknown - solution.keys())
    yield {**dict.fromkeys(missing, constant(0)), **solution}
    if missing:
        threads = _threads(analysis)
        own = {a: Poly({(a,): 1}) for a in missing if a in threads}
        if own:
            yield {**dict.fromkeys(missing, constant(0)), **own, **solution}


def _range(analysis: Analysis, atom: Atom, value: Poly, put: Substitution) -> Iterator[Condition]:
    """That the chosen value is one which the variable takes."""
    form = atom.form
    if not isinstance(form, Variable):
        return
    if form.low is not None:
        yield at_least_zero(value.shift(-form.low))
    if form.high is not None:
        yield at_least_zero((-value).shift(form.high))
    for axis in range(3):
        if analysis.launch.register(Register.THREAD, axis).single() is atom:
            yield less(value, analysis.launch.register(Register.BLOCK_DIM, axis))
            return
    for axiom in analysis.terms.axioms.get(atom, ()):
        yield put.condition(axiom)
