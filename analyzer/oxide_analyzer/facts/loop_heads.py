"""One step of a loop: into its head, out of it to the body or behind the loop, and back.

A `while` decides by its header and condition. A `for` evaluates start, stop and step once, keeps
them under names of its own, and decides by the value that comes next, whose order depends on the
sign of the step.

    for i in range(a, b, s):        next := a; stop := b; step := s
        ...                         head: next < stop (s > 0), or stop < next (s < 0)
                                    body: i := next; ...; next := next + step
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import all_of, any_of, at_least_zero, less, negate
from oxide_analyzer.facts.flow import Flow
from oxide_analyzer.facts.polys import Poly, constant
from oxide_analyzer.ir.nodes import For
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Position
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.facts.walk import Walk

_QUICK = 1_500


@dataclass(slots=True)
class Head:
    """The two ways out of a loop head, and the jumps that its header made."""

    entering: State | None
    leaving: State | None
    flow: Flow = field(default_factory=lambda: Flow(None))


def counter_names(stmt: For) -> tuple[str, str, str]:
    """The names under which a state keeps the next value, the stop and the step."""
    key = f"%{stmt.variable.name}@{stmt.span.line}.{stmt.span.column}"
    return f"{key}.next", f"{key}.stop", f"{key}.step"


def enter(walk: Walk, stmt: Loop, state: State) -> State:
    """Evaluate what a `for` evaluates once."""
    if not isinstance(stmt, For):
        return state
    parts = (stmt.start, stmt.stop, stmt.step)
    for name, expr in zip(counter_names(stmt), parts, strict=True):
        state = state.assign(name, walk.evaluator.integer(expr, state))
    return state


def counter_of(stmt: For, state: State) -> tuple[Poly, Poly, Poly]:
    """The next value, the stop and the step."""
    values = [state.values[name] for name in counter_names(stmt)]
    following, stop, stride = values
    assert isinstance(following, Poly)
    assert isinstance(stop, Poly)
    assert isinstance(stride, Poly)
    return following, stop, stride


def at_head(walk: Walk, stmt: Loop, state: State, position: Position) -> Head:
    """Decide between another iteration and the end, running the header of a `while`."""
    if isinstance(stmt, For):
        condition = _goes_on(walk, stmt, state)
        return Head(state.under(condition), state.under(negate(condition)))
    flow = walk.block(stmt.header, state, stmt, position)
    if flow.normal is None:
        return Head(None, None, flow)
    condition = walk.evaluator.condition(stmt.condition, flow.normal)
    return Head(flow.normal.under(condition), flow.normal.under(negate(condition)), flow)


def _goes_on(walk: Walk, stmt: For, state: State) -> Condition:
    following, stop, stride = counter_of(stmt, state)
    sign = _sign(walk, stride, state)
    if sign > 0:
        return less(following, stop)
    if sign < 0:
        return less(stop, following)
    return any_of(
        (
            all_of((less(constant(0), stride), less(following, stop))),
            all_of((less(stride, constant(0)), less(stop, following))),
        )
    )


def _sign(walk: Walk, stride: Poly, state: State) -> int:
    value = stride.value
    if value is not None:
        return (value > 0) - (value < 0)
    low, high = walk.evaluator.interval(stride)
    if low is not None and low > 0:
        return 1
    if high is not None and high < 0:
        return -1
    terms = walk.evaluator.launch.terms
    if refutes(terms, (*state.path, at_least_zero(-stride)), _QUICK):
        return 1
    if refutes(terms, (*state.path, at_least_zero(stride)), _QUICK):
        return -1
    return 0


def begin(walk: Walk, stmt: Loop, state: State) -> State:
    """The state at the start of the body: a `for` assigns its variable."""
    if not isinstance(stmt, For):
        return state
    del walk
    return state.assign(stmt.variable.name, state.values[counter_names(stmt)[0]])


def step(walk: Walk, stmt: Loop, state: State) -> State:
    """From the end of the body back to the head."""
    if not isinstance(stmt, For):
        return state
    del walk
    following, _, stride = counter_of(stmt, state)
    return state.assign(counter_names(stmt)[0], following + stride)
