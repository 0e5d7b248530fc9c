"""The last prover: bit operations, elements, meaning, budgets; and random queries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.fuzz_provers import candidates, compare, random_query, show
from oxide_analyzer.facts.conditions import Condition, Opaque, any_of, at_most, equal, less, negate
from oxide_analyzer.facts.polys import Level, constant
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.models import completed, holds
from oxide_analyzer.proof.smt import Contradiction, Model, Undecided, decide
from proof.launches import Launch


def _exchange() -> tuple[Launch, list[Condition]]:
    """`a[t ^ j]` of one thread and `a[t]` of another, both with t ^ j > t."""
    launch = Launch()
    thread = launch.thread()
    stride = launch.terms.variable("j", Level.BLOCK, 1, 512)
    partner = launch.terms.bits("^", thread, stride, 0, 2047)
    query = launch.within_block(partner, thread, [less(thread, partner)])
    return launch, query


def test_an_exchange_over_a_power_of_two_is_disjoint() -> None:
    launch, query = _exchange()
    assert isinstance(decide(launch.terms, query), Contradiction)


def test_an_exchange_without_its_guard_is_not() -> None:
    launch, _ = _exchange()
    thread = launch.thread()
    stride = launch.terms.variable("j", Level.BLOCK, 1, 512)
    partner = launch.terms.bits("^", thread, stride, 0, 2047)
    assert isinstance(decide(launch.terms, launch.within_block(partner, thread, [])), Model)


@pytest.mark.parametrize(
    ("op", "left", "right", "result"),
    [
        ("&", 0b1101, 0b0110, 0b0100),
        ("|", 12, 5, 13),
        ("^", 12, 5, 9),
        (">>", -9, 2, -3),
        (">>", -9, 200, -1),
        ("<<", 3, 4, 48),
        ("<<", 100, 1, -56),
        ("<<", 5, 9, 0),
    ],
)
def test_bit_operations_have_one_value(op: str, left: int, right: int, result: int) -> None:
    terms = Terms()
    x = terms.variable("x", Level.THREAD, -200, 200)
    y = terms.variable("y", Level.LAUNCH, 0, 300)
    value = terms.bits(op, x, y, -128, 127)
    fixed = [equal(x, constant(left)), equal(y, constant(right))]
    found = decide(terms, [*fixed, equal(value, value.shift(0)), less(constant(-129), value)])
    assert isinstance(found, Model)
    assert found.values[next(iter(value.atoms()))] == result
    assert isinstance(
        decide(terms, [*fixed, negate(equal(value, constant(result)))]), Contradiction
    )


def test_equal_indices_have_equal_elements() -> None:
    launch = Launch()
    i, j = launch.private("i", 0, 9), launch.private("j", 0, 9)
    first = launch.terms.element("idx", (i,), 0, 100)
    second = launch.terms.element("idx", (j,), 0, 100)
    differ = less(first, second)
    assert isinstance(decide(launch.terms, [equal(i, j), differ]), Contradiction)
    found = decide(launch.terms, [differ])
    assert isinstance(found, Model)
    assert holds(launch.terms, [differ], found)


def test_opaque_conditions_are_decided_by_key() -> None:
    terms = Terms()
    x = terms.variable("x", Level.THREAD, 0, 1)
    yes = Opaque(("p",), (), Level.LAUNCH)
    query = [any_of((negate(yes), equal(x, constant(1))))]
    found = decide(terms, [*query, yes])
    assert isinstance(found, Model)
    assert found.values[next(iter(x.atoms()))] == 1
    assert found.conditions == {(("p",), ()): True}
    assert isinstance(decide(terms, [*query, yes, equal(x, constant(0))]), Contradiction)


def test_a_product_of_two_unknown_scalars() -> None:
    launch = Launch()
    w, h = launch.scalar("w", 0), launch.scalar("h", 0)
    area = launch.terms.multiply(w, h)
    assert isinstance(decide(launch.terms, [less(area, constant(0))]), Contradiction)
    found = decide(launch.terms, [equal(area, constant(391)), less(constant(1), w), less(w, h)])
    match found:
        case Model(values=values):
            assert sorted(v for a, v in values.items() if str(a) in "wh") == [17, 23]
        case Undecided():
            pass
        case Contradiction():
            pytest.fail("17 * 23 == 391")


def test_the_budget_ends_in_steps() -> None:
    launch = Launch()
    x, y, z = (launch.scalar(s, 1) for s in "xyz")
    cube = [launch.terms.multiply(launch.terms.multiply(v, v), v) for v in (x, y, z)]
    query = [equal(cube[0] + cube[1], cube[2])]
    answers = [decide(launch.terms, query, rlimit=2_000) for _ in range(2)]
    assert isinstance(answers[0], Undecided)
    assert answers[0] == answers[1]


def test_a_model_must_satisfy_the_axioms_of_what_it_uses() -> None:
    terms = Terms()
    x, y = (terms.variable(n, Level.THREAD, 0, 5) for n in "xy")
    terms.axiom(x, less(x, y))
    query = [at_most(constant(3), x)]
    atoms = [a for p in (x, y) for a in p.atoms()]
    assert not holds(terms, query, completed(atoms, dict(zip(atoms, (3, 3), strict=True)), {}))
    assert holds(terms, query, completed(atoms, dict(zip(atoms, (3, 4), strict=True)), {}))


def test_small_solutions_are_preferred() -> None:
    launch = Launch()
    n, i = launch.length("a"), launch.global_index()
    found = decide(launch.terms, [at_most(n, i)])
    assert isinstance(found, Model)
    assert max(v for a, v in found.values.items() if a.level is Level.LAUNCH) <= 4


def test_z3_is_imported_late() -> None:
    code = "import sys, oxide_analyzer.proof.smt; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(0, 300, 50))
def test_provers_agree_with_trying_every_value(start: int) -> None:
    for seed in range(start, start + 50):
        query = random_query(seed)
        _, wrong = compare(query)
        assert wrong is None, f"seed {seed}: {wrong}\n{show(query)}"


def test_a_wrong_contradiction_would_be_seen() -> None:
    satisfiable = [q for q in map(random_query, range(40)) if not refutes(q.terms, q.conditions)]
    assert any(all(c.holds(h) for h in q.conditions) for q in satisfiable for c in candidates(q))
