"""The last prover: linear integer arithmetic in z3, products by lemmas on demand.

Raw products and 32-bit vectors time out on the most ordinary kernels once sizes are symbolic, so
z3 sees neither. A monomial like `row·w` is one more integer; z3 answers; what the answer gets
wrong (a product, a bit operation, two equal indices with different elements) becomes a lemma
(`products`, `bit_lemmas`), and it answers again:

    block·block_dim + thread == block'·block_dim + thread',  block < block'
        z3:  block = 0, block' = 1, block_dim = 8, P = P' = 0, thread = thread' = 0
        lemma:  block_dim >= 0 and block' - block >= 1  give  P' - P >= block_dim
        z3:  no solution

A contradiction of weaker conditions is one of the conditions themselves. A solution is computed
anew from its variables and evaluated in Python (`models`) before it is handed out; it is then
looked for again with small launches, lengths and scalars, so that witnesses are readable.

Work is counted in z3's own steps, each call has a context of its own and a fixed seed: the same
conditions get the same answer everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer import deadline, verdict_cache
from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import (
    Atom,
    Bits,
    Element,
    Level,
    Monomial,
    Poly,
    Variable,
    parts_of,
)
from oxide_analyzer.proof.allowance import SOLVED, SPENT, current
from oxide_analyzer.proof.bit_lemmas import Operation, bit_lemmas
from oxide_analyzer.proof.models import Model, OpaqueKey, completed, holds
from oxide_analyzer.proof.products import Products, number
from oxide_analyzer.proof.system import certain_atoms, definition
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import z3

    from oxide_analyzer.facts.terms import Terms

RLIMIT = 2_000_000
_MOST_ROUNDS = 40
# After so many rounds a small solution is tried for, where products are few numbers' multiples.
_FEW_ROUNDS = 6
_SMALL = (4, 16, 64)
_TINY = (1, 2)
_VALUE = re.compile(r"\(define-fun (\S+) \(\) (?:Int|Bool)\s+(?:\(- (\d+)\)|(\d+)|(true|false))\)")


@record
class Contradiction:
    """The conditions cannot hold together."""


@record
class Undecided:
    """Neither; why."""

    reason: str


Decision: TypeAlias = Contradiction | Model | Undecided


def decide(
    terms: Terms,
    hypotheses: Sequence[Condition],
    *,
    rlimit: int = RLIMIT,
    prefer_small: bool = True,
) -> Decision:
    """Whether `hypotheses` contradict each other, and if not, a solution."""
    if current().is_spent:
        return Undecided(SPENT)
    query = _Query(terms, hypotheses)
    conditions = query.conditions()
    question = query.described(conditions) if verdict_cache.is_used() else ""
    known = verdict_cache.contradiction(question)
    if known is not None:
        return Contradiction() if current().take(known) else Undecided(SPENT)
    before = current().steps
    session = _Session(rlimit)
    session.add(query, conditions)
    for step in range(_MOST_ROUNDS):
        answer = session.check(())
        if answer is None:
            return Undecided("the solver's budget ended")
        if not answer:
            verdict_cache.remember_contradiction(question, current().steps - before)
            return Contradiction()
        values = session.values()
        model = query.model(values)
        if model is not None:
            return _smaller(query, session, model) if prefer_small else model
        lemmas = query.lemmas(values)
        if not lemmas:
            return Undecided("the solver's values do not satisfy the conditions")
        session.add(query, lemmas)
        if step == _FEW_ROUNDS:
            for bound in _SMALL:
                small = _bounded(query, session, bound)
                if small is not None:
                    return _smaller(query, session, small) if prefer_small else small
    return Undecided("products and bit operations need too many lemmas")


def _smaller(query: _Query, session: _Session, model: Model) -> Model:
    """A solution with smaller numbers where one is found at once."""
    for bounds in (_SMALL, _TINY):
        size = query.largest(model)
        for bound in bounds:
            small = _bounded(query, session, bound) if bound < size else None
            if small is not None:
                model = small
                break
    return model


def _bounded(query: _Query, session: _Session, bound: int) -> Model | None:
    """A solution whose launch-wide variables are at most `bound`."""
    switch = f"small{bound}"
    session.add(query, query.bounded(switch, bound))
    for _ in range(_FEW_ROUNDS):
        if not session.check((switch,)):
            return None
        values = session.values()
        model = query.model(values)
        if model is not None:
            return model
        lemmas = query.lemmas(values)
        if not lemmas:
            return None
        session.add(query, lemmas)
    return None


# ---------------------------------------------------------------- the solver


class _Session:
    """A z3 solver that is fed SMT-LIB text, three times as fast as building its terms here."""

    def __init__(self, rlimit: int) -> None:
        import z3

        context = z3.Context()
        self._solver = z3.SimpleSolver(ctx=context)
        self._solver.set("rlimit", rlimit)
        self._solver.set("random_seed", 0)
        self._context = context
        self._rlimit = rlimit
        self._allowance = current()
        self._taken = 0
        self._bool = z3.Bool
        self._answers = {z3.sat.r: True, z3.unsat.r: False}

    def add(self, query: _Query, assertions: Iterable[str]) -> None:
        """Assert each of `assertions`."""
        body = "".join(f"(assert {a})\n" for a in assertions)
        self._solver.from_string(query.declarations() + body)

    def check(self, switches: Sequence[str]) -> bool | None:
        """Whether there is a solution with these switches on; None if the budget ended."""
        literals: list[z3.BoolRef] = [self._bool(s, self._context) for s in switches]
        self._limit()
        answer = self._answers.get(self._solver.check(*literals).r)
        self._count()
        return answer

    def _limit(self) -> None:
        """Leave the solver the steps that the kernel has left, and the time if that is limited."""
        deadline.check()
        left = self._allowance.left
        if left is not None:
            self._solver.set("rlimit", max(1, min(self._rlimit, left * SOLVED)))
        seconds = deadline.remaining()
        if seconds is not None:
            self._solver.set("timeout", max(1, int(1000 * seconds)))

    def _count(self) -> None:
        statistics = self._solver.statistics()
        if "rlimit count" in statistics.keys():  # noqa: SIM118
            taken = int(statistics.get_key_value("rlimit count"))
            self._allowance.steps += max(0, taken - self._taken) // SOLVED
            self._taken = taken
        deadline.check()

    def values(self) -> dict[str, int]:
        """The last solution, truth as 1 and 0."""
        return {
            name: -int(negative)
            if negative
            else int(positive)
            if positive
            else int(truth == "true")
            for name, negative, positive, truth in _VALUE.findall(self._solver.model().sexpr())
        }


# ---------------------------------------------------------------- the query


@dataclass(slots=True)
class _Query:
    """The text of one query, and the way back from the solver's values."""

    terms: Terms
    hypotheses: Sequence[Condition]
    atoms: dict[Atom, str] = field(default_factory=dict[Atom, str])
    opaque: dict[OpaqueKey, str] = field(default_factory=dict[OpaqueKey, str])
    products: Products = field(init=False)
    # Atoms whose facts hold in any case; of the others a switch says whether they do.
    certain: dict[Atom, None] = field(default_factory=dict[Atom, None])
    switches: list[str] = field(default_factory=list[str])
    unstated: list[Atom] = field(default_factory=list[Atom])
    declared: set[str] = field(default_factory=set[str])
    operations: list[Operation] = field(default_factory=list[Operation])

    def __post_init__(self) -> None:
        self.products = Products(self._name)

    def declarations(self) -> str:
        """Declares the names that are new since the last time."""
        sorts = {
            **dict.fromkeys((*self.atoms.values(), *self.products.names.values()), "Int"),
            **dict.fromkeys((*self.opaque.values(), *self.switches), "Bool"),
        }
        new = {n: sort for n, sort in sorts.items() if n not in self.declared}
        self.declared.update(new)
        return "".join(f"(declare-const {n} {sort})\n" for n, sort in new.items())

    # ------------------------------------------------------------ there

    def conditions(self) -> list[str]:
        """The hypotheses and what is known of their atoms."""
        stated = [*self.hypotheses]
        pending = [a for c in self.hypotheses for a in certain_atoms(c)]
        while pending:
            atom = pending.pop()
            if atom in self.certain:
                continue
            self.certain[atom] = None
            facts = self._facts(atom)
            stated.extend(facts)
            pending.extend(a for p in parts_of(atom) for a in p.atoms())
            pending.extend(a for c in facts for a in certain_atoms(c))
        for atom in self.certain:
            self._name(atom)
        texts = [self._condition(c, guarded=False) for c in stated]
        texts.extend(self._meanings())
        self.operations.extend(
            Operation(atom, form, name, self._poly(form.left), self._poly(form.right))
            for atom, name in list(self.atoms.items())
            for form in (atom.form,)
            if isinstance(form, Bits)
        )
        return texts

    def described(self, conditions: Sequence[str]) -> str:
        """A text that says all about the query on which the solver's answer depends.

        Empty if there is none: it gives no new names, so that the query stays what it is.
        """
        lines = list(conditions)

        def shown(poly: Poly) -> str:
            return " ".join(f"{c}*({product(m)})" for m, c in poly.terms.items())

        def product(monomial: Monomial) -> str:
            return " ".join(self.atoms[a] for a in monomial)

        try:
            for atom, name in self.atoms.items():
                form = atom.form
                kind = f"{name} {type(form).__name__} {atom.level.name} {_bounds(atom)}"
                match form:
                    case Element(array=array, index=index):
                        lines.append(f"{kind} {array}[{', '.join(map(shown, index))}]")
                    case Bits(op=op, left=left, right=right):
                        lines.append(f"{kind} {shown(left)} {op} {shown(right)}")
                    case _:
                        lines.append(kind)
            lines.extend(f"{name} = {product(m)}" for m, name in self.products.names.items())
        except KeyError:
            return ""
        return "\n".join(lines)

    def _facts(self, atom: Atom) -> list[Condition]:
        return [*definition(self.terms, atom), *self.terms.axioms.get(atom, ())]

    def _meanings(self) -> Iterator[str]:
        """What the switches of atoms in branches stand for."""
        while self.unstated:
            atom = self.unstated.pop()
            facts = [self._condition(c, guarded=True) for c in self._facts(atom)]
            inner = [a for p in parts_of(atom) for a in p.atoms()]
            facts.extend(self._meaning(a) for a in inner if a not in self.certain)
            if facts:
                yield f"(=> {self._meaning(atom)} (and true {' '.join(facts)}))"

    def _meaning(self, atom: Atom) -> str:
        return f"m{self._name(atom)}"

    def _name(self, atom: Atom) -> str:
        name = self.atoms.get(atom)
        if name is None:
            name = self.atoms[atom] = f"x{len(self.atoms)}"
            if atom not in self.certain:
                self.switches.append(f"m{name}")
                self.unstated.append(atom)
        return name

    def _condition(self, condition: Condition, *, guarded: bool) -> str:
        match condition:
            case AtLeastZero(poly=p):
                return self._guard(p, f"(>= {self._poly(p)} 0)", guarded)
            case IsZero(poly=p):
                return self._guard(p, f"(= {self._poly(p)} 0)", guarded)
            case NotZero(poly=p):
                return self._guard(p, f"(not (= {self._poly(p)} 0))", guarded)
            case Opaque(key=key, parts=parts, positive=positive):
                name = self.opaque.setdefault((key, parts), f"o{len(self.opaque)}")
                return name if positive else f"(not {name})"
            case AllOf(parts=parts):
                return f"(and true {' '.join(self._condition(c, guarded=guarded) for c in parts)})"
            case AnyOf(parts=parts):
                return f"(or false {' '.join(self._condition(c, guarded=True) for c in parts)})"

    def _guard(self, poly: Poly, text: str, guarded: bool) -> str:
        if guarded:
            uncertain = [a for a in dict.fromkeys(poly.atoms()) if a not in self.certain]
            if uncertain:
                return f"(and {text} {' '.join(self._meaning(a) for a in uncertain)})"
        return text

    def _poly(self, poly: Poly) -> str:
        parts = [self._monomial(m, c) for m, c in poly.terms.items()]
        if not parts:
            return "0"
        return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})"

    def _monomial(self, monomial: Monomial, coefficient: int) -> str:
        if not monomial:
            return number(coefficient)
        name = self.products.name(monomial)
        return name if coefficient == 1 else f"(* {number(coefficient)} {name})"

    # ------------------------------------------------------------ and back

    def model(self, values: dict[str, int]) -> Model | None:
        """The solution with these values for variables, if it is one."""
        free = {atom: values.get(name, 0) for atom, name in self.atoms.items()}
        truths = {key: bool(values.get(name, 0)) for key, name in self.opaque.items()}
        model = completed(self.atoms, free, truths)
        return model if holds(self.terms, self.hypotheses, model) else None

    def lemmas(self, values: dict[str, int]) -> list[str]:
        """What these values break."""
        for name in (*self.atoms.values(), *self.products.names.values()):
            values.setdefault(name, 0)

        def value(term: str | Poly) -> int:
            if isinstance(term, str):
                return values[term]
            return sum(c * self.products.value(m, values) for m, c in term.terms.items())

        found = self.products.lemmas(values, _bounds)
        found.extend(bit_lemmas(self.operations, value))
        known: dict[tuple[str, tuple[int, ...]], Atom] = {}
        for atom, name in self.atoms.items():
            form = atom.form
            if isinstance(form, Element):
                key = (form.array, tuple(value(p) for p in form.index))
                first = known.setdefault(key, atom)
                if values[self.atoms[first]] != values[name]:
                    found.append(self._same_element(first, atom))
        return found

    def _same_element(self, first: Atom, second: Atom) -> str:
        """Equal indices have equal elements."""
        same = [
            f"(= {self._poly(p)} {self._poly(q)})"
            for a, b in ((first.form, second.form),)
            if isinstance(a, Element) and isinstance(b, Element)
            for p, q in zip(a.index, b.index, strict=True)
        ]
        return f"(=> (and true {' '.join(same)}) (= {self._name(first)} {self._name(second)}))"

    # ------------------------------------------------------------ small solutions

    def _sizes(self) -> list[Atom]:
        return [a for a in self.atoms if a.level is Level.LAUNCH and isinstance(a.form, Variable)]

    def largest(self, model: Model) -> int:
        """The largest size that a solution has."""
        return max((abs(model.values.get(a, 0)) for a in self._sizes()), default=0)

    def bounded(self, switch: str, bound: int) -> list[str]:
        """Under `switch`, sizes are at most `bound`, and their products known if that is small."""
        self.switches.append(switch)
        found: list[str] = []
        for atom in self._sizes():
            name = self._name(atom)
            low, high = _bounds(atom)
            least = max(-bound, low) if low is not None else -bound
            most = min(bound, high) if high is not None else bound
            found.append(f"(=> {switch} (and (>= {name} {number(least)}) (<= {name} {most})))")
            if bound <= _SMALL[0]:
                for value in range(least, most + 1):
                    found.extend(self.products.at_number(atom, value))
        return found


def _bounds(atom: Atom) -> tuple[int | None, int | None]:
    match atom.form:
        case Variable(low=low, high=high) | Element(low=low, high=high) | Bits(low=low, high=high):
            return low, high
        case _:
            return None, None
