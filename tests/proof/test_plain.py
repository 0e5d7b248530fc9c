"""What is plain to see, and what only looks like it."""

import pytest

from oxide_analyzer.facts.conditions import all_of, any_of, at_most, equal, less, negate
from oxide_analyzer.facts.polys import Level, constant
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.proof.plain import plainly_contradict

terms = Terms()
x, y, n = (terms.variable(name, Level.THREAD) for name in "xyn")


@pytest.mark.parametrize(
    "hypotheses",
    [
        (less(x, n), at_most(n, x)),
        (equal(x, y), negate(equal(x, y))),
        (equal(x, y), any_of((negate(equal(y, x)), all_of((less(x, n), negate(equal(x, y))))))),
        (all_of((less(x, n), less(y, n))), at_most(n, y)),
    ],
)
def test_contradictions(hypotheses):
    assert plainly_contradict(hypotheses)


@pytest.mark.parametrize(
    "hypotheses",
    [
        (at_most(x, n), at_most(n, x)),
        (less(x, n), at_most(n, y)),
        (equal(x, y), negate(equal(x, n))),
        (equal(x, y), any_of((negate(equal(x, y)), less(x, n)))),
        (any_of((less(x, n), less(y, n))), at_most(n, x)),
        (negate(equal(x, y)), negate(equal(x, constant(0)))),
    ],
)
def test_what_has_a_solution_is_left_alone(hypotheses):
    assert not plainly_contradict(hypotheses)
