"""Random small conditions: provers against trying every value.

    python benchmarks/fuzz_provers.py --seed 0 --count 100000

Each query has up to five unknowns of small ranges (variables, array elements, opaque conditions)
under sums, products, quotients, remainders, bit operations and disjunctions. Whatever a prover
calls a contradiction is tried with every value; whatever it calls a solution is evaluated. Both
are done here, apart from the analyzer's own evaluation. One disagreement ends the run with
status 1 and prints the query. Counts go to `benchmarks/results/fuzz_provers.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    at_most,
    condition_polys,
    equal,
    less,
    negate,
)
from oxide_analyzer.facts.polys import (
    Alias,
    Atom,
    Bits,
    Element,
    Level,
    Poly,
    Quotient,
    Variable,
    constant,
    parts_of,
)
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.powers import power_condition
from oxide_analyzer.proof.smt import Contradiction, Model, Undecided, decide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULTS = Path(__file__).parent / "results" / "fuzz_provers.json"
_RANGES = ((0, 1), (0, 3), (1, 3), (-2, 2), (0, 4), (1, 2), (0, 7), (-3, -1))
_MOST_CANDIDATES = 4_000
_SLICE = 500
# Operations of a query, by number: all of them, products alone, with quotients, with bits, with
# powers of two, products of products.
_ALL, _PRODUCTS, _QUOTIENTS, _BITS = range(14), (0, 2, 2, 2), (1, 2, 7, 8), (1, 3, 10, 10)
_POWERS, _NESTED = (0, 2, 8, 10, 12, 12, 12), (0, 2, 13, 13)


# ---------------------------------------------------------------- queries


@dataclass
class Query:
    """Conditions and their terms."""

    terms: Terms
    conditions: list[Condition]


@dataclass
class Builder:
    """Makes one query from one stream of random numbers."""

    random: Random
    terms: Terms = field(default_factory=Terms)
    variables: list[Poly] = field(default_factory=list)
    pool: list[Poly] = field(default_factory=list)
    operations: Sequence[int] = _ALL
    powers: list[Poly] = field(default_factory=list)

    def query(self) -> Query:
        """The query."""
        random = self.random
        self.operations = random.choice(
            (_ALL, _ALL, _PRODUCTS, _QUOTIENTS, _BITS, _POWERS, _POWERS, _NESTED)
        )
        ranges = _RANGES if random.random() < 0.7 else ((-3, 3), (-2, 4), (-4, 0))
        for index in range(random.randint(1, 4)):
            low, high = random.choice(ranges)
            level = random.choice((Level.LAUNCH, Level.LAUNCH, Level.BLOCK, Level.THREAD))
            self.variables.append(self.terms.variable(f"v{index}", level, low, high))
        self.pool = [*self.variables, *self.variables, constant(random.randint(-3, 4))]
        for _ in range(random.randint(0, 2)):
            axiom_of = random.choice(self.variables)
            other = random.choice(self.variables)
            if axiom_of != other:
                self.terms.axiom(axiom_of, random.choice((less, at_most))(axiom_of, other))
        if self.operations in (_ALL, _POWERS) and random.random() < 0.7:
            power = random.choice(self.variables)
            self.terms.axiom(power, power_condition(self.terms, power))
            if random.random() < 0.7:
                self.terms.axiom(power, less(constant(0), power))
            self.powers = [power, power.scale(2), constant(random.choice((1, 2, 4)))]
        for _ in range(random.randint(1, 6)):
            self.pool.append(self._compound())
        conditions = [self._condition(2) for _ in range(random.randint(1, 3))]
        if random.random() < 0.3:
            first, second = self._pair()
            conditions.extend((first, second))
        return Query(self.terms, conditions)

    def _pair(self) -> tuple[Condition, Condition]:
        """The same index of two threads that differ."""
        random = self.random
        index = random.choice(self.pool)
        thread = random.choice(self.variables)
        copy = self.terms.rename(index, "'", Level.LAUNCH)
        other = self.terms.rename(thread, "'", Level.LAUNCH)
        return equal(index, copy), negate(equal(thread, other))

    def _compound(self) -> Poly:
        random, terms = self.random, self.terms
        left, right = random.choice(self.pool), random.choice(self.pool)
        match random.choice(self.operations):
            case 0 | 1:
                return left + right.scale(random.choice((-2, -1, 1, 2, 3)))
            case 2 | 3 | 4:
                return terms.multiply(left, right)
            case 5:
                return terms.quotient(left, constant(random.choice((2, 3, 4))))
            case 6:
                return terms.remainder(left, constant(random.choice((2, 3, 4))))
            case 7:
                return terms.quotient(left, random.choice(self.variables))
            case 8:
                return terms.remainder(left, random.choice(self.variables))
            case 9:
                array = random.choice(("a", "a", "b"))
                return terms.element(array, (left,), 0, random.choice((1, 2)))
            case 10:
                op = random.choice(("&", "|", "^", ">>", "<<"))
                if op == "<<":
                    return terms.bits(op, left, right, *random.choice(((-8, 7), (0, 15))))
                return terms.bits(op, left, right, -1_000_000, 1_000_000)
            case 12:
                return self._with_power(left)
            case 13:
                return terms.multiply(terms.multiply(left, right) + left, random.choice(self.pool))
            case _:
                return self._choice(left, right)

    def _with_power(self, left: Poly) -> Poly:
        """What kernels do with powers of two: strides, exchanges, masks."""
        random, terms = self.random, self.terms
        power = random.choice(self.powers or self.pool)
        match random.randrange(6):
            case 0:
                return terms.quotient(left, power)
            case 1:
                return terms.remainder(left, power)
            case 2:
                op = random.choice(("&", "|", "^"))
                pair = random.choice(((left, power), (power, left)))
                return terms.bits(op, *pair, -1_000_000, 1_000_000)
            case 3:
                return terms.bits("&", left, power.shift(-1), -1_000_000, 1_000_000)
            case 4:
                return terms.bits("&", power, power.shift(-1), -1_000_000, 1_000_000)
            case _:
                return terms.bits("^", left, constant(random.randint(0, 7)), -1_000, 1_000)

    def _choice(self, left: Poly, right: Poly) -> Poly:
        condition = self._comparison()
        result = self.terms.fresh("choice", Level.THREAD, -6, 6)
        sides = ((condition, equal(result, left)), (negate(condition), equal(result, right)))
        self.terms.axiom(result, any_of(all_of(s) for s in sides))
        return result

    def _comparison(self) -> Condition:
        random = self.random
        left = random.choice(self.pool)
        right = random.choice((random.choice(self.pool), constant(random.randint(-3, 6))))
        match random.randrange(5):
            case 0:
                return less(left, right)
            case 1:
                return at_most(left, right)
            case 2:
                return negate(equal(left, right))
            case 3:
                return at_least_zero(left.plus(right, random.choice((-2, 2, 3))).shift(-1))
            case _:
                return equal(left, right)

    def _condition(self, depth: int) -> Condition:
        random = self.random
        kind = random.randrange(10)
        if depth and kind < 2:
            return any_of(self._condition(depth - 1) for _ in range(random.randint(2, 3)))
        if depth and kind == 2:
            return all_of(self._condition(depth - 1) for _ in range(2))
        if kind == 3:
            positive = random.random() < 0.5
            return Opaque((random.choice("pq"),), (), Level.LAUNCH, positive)
        return self._comparison()


# ---------------------------------------------------------------- trying every value


@dataclass
class Candidate:
    """Values for everything free."""

    terms: Terms
    free: dict[Atom, int]
    opaque: dict[tuple[str, ...], bool]
    elements: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)

    def value(self, atom: Atom) -> int | None:
        """The value of an atom by its form; None where it has none."""
        parts = [self.poly(p) for p in parts_of(atom)]
        if any(p is None for p in parts):
            return None
        match atom.form, parts:
            case Variable(), _:
                return self.free[atom]
            case Alias(), (value,):
                return value
            case Quotient(), (dividend, divisor):
                return dividend // divisor if divisor >= 1 else None
            case Element(array=array), index:
                return self.elements.setdefault((array, tuple(index)), self.free[atom])
            case Bits(op=op, low=low, high=high), (left, right):
                match op:
                    case "&":
                        return left & right
                    case "|":
                        return left | right
                    case "^":
                        return left ^ right
                    case ">>":
                        return left >> right if right >= 0 else (-1 if left < 0 else 0)
                    case _:
                        width = 4
                        if not 0 <= right < width:
                            return 0
                        bits = (left << right) & (2**width - 1)
                        return bits - 2**width if low < 0 and bits >= high + 1 else bits
        raise AssertionError(atom)

    def poly(self, poly: Poly) -> int | None:
        """The value of a polynomial."""
        total = 0
        for monomial, coefficient in poly.terms.items():
            values = [self.value(a) for a in monomial]
            if None in values:
                return None
            total += prod(values, start=coefficient)
        return total

    def holds(self, condition: Condition, above: frozenset[Atom] = frozenset()) -> bool:
        """Whether a condition holds with what is known of its atoms."""
        match condition:
            case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
                value = self.poly(p)
                if value is None or not all(self._known(a, above) for a in p.atoms()):
                    return False
                if isinstance(condition, AtLeastZero):
                    return value >= 0
                return (value == 0) == isinstance(condition, IsZero)
            case Opaque(key=key, positive=positive):
                return self.opaque[key] == positive
            case AllOf(parts=parts):
                return all(self.holds(c, above) for c in parts)
            case AnyOf(parts=parts):
                return any(self.holds(c, above) for c in parts)

    def _known(self, atom: Atom, above: frozenset[Atom]) -> bool:
        if atom in above:
            return True
        inside = above | {atom}
        value = self.value(atom)
        if value is None:
            return False
        match atom.form:
            case Variable(low=low, high=high) | Element(low=low, high=high):
                if not low <= value <= high:
                    return False
            case Bits(low=low, high=high):
                if not low <= value <= high:
                    return False
            case _:
                pass
        inner = [a for p in parts_of(atom) for a in p.atoms()]
        return all(self._known(a, inside) for a in inner) and all(
            self.holds(c, inside) for c in self.terms.axioms.get(atom, ())
        )


def free_atoms(query: Query) -> list[Atom]:
    """Every variable and element that the conditions reach."""
    found: dict[Atom, None] = {}
    seen: set[Atom] = set()
    pending = [a for c in query.conditions for p in condition_polys(c) for a in p.atoms()]
    while pending:
        atom = pending.pop()
        if atom in seen:
            continue
        seen.add(atom)
        if isinstance(atom.form, (Variable, Element)):
            found[atom] = None
        inner = [*parts_of(atom)]
        for axiom in query.terms.axioms.get(atom, ()):
            inner.extend(condition_polys(axiom))
        pending.extend(a for p in inner for a in p.atoms())
    return sorted(found)


def candidates(query: Query) -> Iterator[Candidate]:
    """Every assignment, in order."""
    atoms = free_atoms(query)
    ranges = [range(a.form.low, a.form.high + 1) for a in atoms]
    for values in product(*ranges):
        for p, q in product((False, True), repeat=2):
            opaque = {("p",): p, ("q",): q}
            yield Candidate(query.terms, dict(zip(atoms, values, strict=True)), opaque)


def solution(query: Query) -> Candidate | None:
    """The first assignment under which all conditions hold."""
    for candidate in candidates(query):
        if all(candidate.holds(c) for c in query.conditions):
            return candidate
    return None


def size(query: Query) -> int:
    """How many assignments there are."""
    total = 4
    for atom in free_atoms(query):
        total *= atom.form.high - atom.form.low + 1
    return total


# ---------------------------------------------------------------- one query, many queries


def random_query(seed: int) -> Query:
    """The query of a seed, small enough for trying every value."""
    for attempt in range(1_000):
        query = Builder(Random(f"{seed}.{attempt}")).query()
        if size(query) <= _MOST_CANDIDATES:
            return query
    raise AssertionError(f"seed {seed} gives no small query")


def compare(query: Query) -> tuple[str, str | None]:
    """How the provers answered, and what is wrong with it."""
    first = refutes(query.terms, query.conditions)
    last = decide(query.terms, query.conditions)
    match last:
        case Model(values=values, conditions=conditions):
            free = {a: values.get(a, 0) for a in free_atoms(query)}
            opaque = {("p",): False, ("q",): False}
            opaque.update({key: value for (key, _), value in conditions.items()})
            candidate = Candidate(query.terms, free, opaque)
            if not all(candidate.holds(c) for c in query.conditions):
                return "model", "the solution does not satisfy the conditions"
            if first:
                return "model", "the first prover calls it a contradiction, but it has a solution"
            return "model", None
        case Contradiction():
            if solution(query) is not None:
                return "contradiction", "it is no contradiction"
            return "both" if first else "last only", None
        case Undecided():
            if first and solution(query) is not None:
                return "undecided", "the first prover calls it a contradiction: it is none"
            return "first only" if first else "undecided", None


def show(query: Query) -> str:
    """The conditions and axioms of a query."""
    lines = [str(c) for c in query.conditions]
    lines.extend(f"axiom of {a}: {c}" for a, cs in query.terms.axioms.items() for c in cs)
    return "\n".join(lines)


def run(seeds: range) -> tuple[Counter[str], str | None]:
    """The answers for some seeds, and the first disagreement."""
    answers: Counter[str] = Counter()
    for seed in seeds:
        query = random_query(seed)
        answer, wrong = compare(query)
        answers[answer] += 1
        if wrong is not None:
            return answers, f"seed {seed}: {wrong}\n{show(query)}"
    return answers, None


def main() -> int:
    """Run the queries of a range of seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-results", action="store_true", help="write no results file")
    arguments = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    begun = time.perf_counter()
    end = arguments.seed + arguments.count
    slices = [
        range(start, min(start + _SLICE, end)) for start in range(arguments.seed, end, _SLICE)
    ]
    answers: Counter[str] = Counter()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for seeds, (found, wrong) in zip(slices, pool.map(run, slices), strict=True):
            answers.update(found)
            if wrong is not None:
                print(wrong)
                pool.shutdown(cancel_futures=True)
                return 1
            print(f"up to {seeds[-1]}: {dict(answers)}", file=sys.stderr, flush=True)
    result = {
        "commit": commit,
        "command": f"python benchmarks/fuzz_provers.py --seed {arguments.seed}"
        f" --count {arguments.count} --jobs {arguments.jobs}",
        "seeds": [arguments.seed, end - 1],
        "queries": arguments.count,
        "answers": dict(sorted(answers.items())),
        "disagreements": 0,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(result, indent=2))
    if not arguments.no_results:
        RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
