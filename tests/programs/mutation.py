"""Correct kernels, broken in one place each: what a prover must notice.

A mutant of a file differs from it in one node of its syntax tree: a barrier, fence or guard is
gone, an atomic is plain or of a narrower scope, a comparison, an index, an axis, a constant or a
stride is off by one. Some mutants are still correct.

    if i < len(out):          if 0 == 0:            without the condition
    sync_threads()            pass                  without the barrier
    atomic.add(n, 0, 1)       n[0] += 1             without the atomic
    tile[t + 1]               tile[t]               without the term
    2 * t                     3 * t                 with a larger constant
    range(t, n, BLOCK)        range(t, n, BLOCK + 1)  with another stride

`refuted` answers what matters about a mutant that is still proved: does a small launch that its
facts admit break it? Launches come of the provers' own making and at random. A race shows in any
order; what atomics decide is run in four.
"""

from __future__ import annotations

import ast
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import Named, run
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import Atomic
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.record import record

from .launches import launches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.report import KernelReport

LAUNCHES = 24
STEPS = 120_000
_MEETINGS = {"sync_threads", "sync_warp", "grid_sync", "fence"}
_TYPES = ("Slice", "DisjointSlice", "AtomicSlice", "SharedArray", "LocalArray", "tuple", "Literal")
# The nodes that `_mutate` looks at.
_CHANGED = {
    ast.Attribute,
    ast.AugAssign,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.Expr,
    ast.If,
    ast.IfExp,
    ast.Return,
    ast.Subscript,
}
_SHIFTED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.GtE,
}


@record
class Mutant:
    """A file in which `what` was done to the node in `line`."""

    what: str
    line: int
    text: str


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its syntax tree."""
    for number, kind in enumerate(map(type, ast.walk(ast.parse(text)))):
        for variant in range(2) if kind in _CHANGED else ():
            tree = ast.parse(text)
            nodes = list(ast.walk(tree))
            if what := _mutate(nodes[number], nodes, variant):
                changed = ast.unparse(ast.fix_missing_locations(tree))
                yield Mutant(what, getattr(nodes[number], "lineno", 0), changed)


def _mutate(node: ast.AST, nodes: list[ast.AST], variant: int) -> str | None:
    """Change the node in place, and say what was done; None if there is no such change."""
    match node, variant:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))), 0 if name in _MEETINGS:
            _replace(nodes, node, ast.Pass())
            return f"without `{name}()`"
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="atomic")))), 0:
            return _plain(nodes, node)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="atomic")), keywords=keywords), 1:
            kept = [k for k in keywords if k.arg != "scope"]
            node.keywords = [*kept, ast.keyword("scope", ast.Constant("block"))]
            return "with the scope of a block"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="atomic")), keywords=[*_, last]), 0:
            if last.arg != "order":
                return None
            node.keywords.pop()
            return "with a relaxed order"
        case ((ast.If() | ast.IfExp()), 0):
            node.test = ast.Compare(ast.Constant(0), [ast.Eq()], [ast.Constant(0)])
            return "without the condition"
        case ast.BoolOp(values=[_, *_] as values), _ if len(values) > variant:
            del values[-1 - variant]
            return "without one of the conditions"
        case ast.Compare(ops=[*_, op]), 0 if type(op) in _SHIFTED:
            node.ops[-1] = _SHIFTED[type(op)]()
            return "with the comparison off by one"
        case ast.Compare(ops=[op, _]), 1 if type(op) in _SHIFTED:
            node.ops[0] = _SHIFTED[type(op)]()
            return "with the first comparison off by one"
        case ast.Subscript(value=ast.Name(id=name)), 0 if not name.startswith(_TYPES):
            return _shift_index(node)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant()), 0:
            _put(nodes, node, left)
            return "without the term"
        case ast.BinOp(op=ast.Mult() | ast.FloorDiv() | ast.Mod() as op), 1:
            node.op = ast.Add() if isinstance(op, ast.Mult) else ast.Mult()
            return "with another operator"
        case ast.Attribute(value=ast.Name(id="thread"), attr="x"), 0:
            node.attr = "y"
            return "along the other axis"
        case ast.Constant(value=int() as value), 0 if not isinstance(value, bool) and value < 9:
            node.value = value + 1
            return "with a larger constant"
        case ast.Call(func=ast.Name(id="range"), args=[_, _, step]), 0:
            node.args[2] = ast.BinOp(step, ast.Add(), ast.Constant(1))
            return "with another stride"
        case ast.AugAssign(op=ast.Add() | ast.Sub(), target=ast.Name(), value=ast.Name()), 0:
            node.value = ast.BinOp(node.value, ast.Add(), ast.Constant(1))
            return "with another stride"
        case ast.AugAssign(op=ast.Mult() | ast.FloorDiv(), target=ast.Name()), 0:
            node.op = ast.Add() if isinstance(node.op, ast.Mult) else ast.Sub()
            return "with another operator"
        case ast.Return(value=None), 0:
            _replace(nodes, node, ast.Pass())
            return "without the return"
        case _:
            return None


def _shift_index(node: ast.Subscript) -> str | None:
    last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
    if isinstance(last, ast.Slice):
        return None
    moved = ast.BinOp(last, ast.Add(), ast.Constant(1))
    if isinstance(node.slice, ast.Tuple):
        node.slice.elts[-1] = moved
    else:
        node.slice = moved
    return "with the index off by one"


def _plain(nodes: list[ast.AST], node: ast.Expr) -> str | None:
    """`atomic.add(a, i, v)` as `a[i] += v`."""
    call = node.value
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    if call.func.attr not in ("add", "store") or len(call.args) != 3:
        return None
    target = ast.Subscript(call.args[0], call.args[1], ast.Store())
    if call.func.attr == "add":
        _replace(nodes, node, ast.AugAssign(target, ast.Add(), call.args[2]))
    else:
        _replace(nodes, node, ast.Assign([target], call.args[2]))
    return "without the atomic"


def _replace(nodes: list[ast.AST], old: ast.stmt, new: ast.stmt) -> None:
    for owner in nodes:
        for body in (getattr(owner, "body", None), getattr(owner, "orelse", None)):
            if isinstance(body, list) and old in body:
                body[body.index(old)] = new


def _put(nodes: list[ast.AST], old: ast.expr, new: ast.expr) -> None:
    for owner in nodes:
        for name, value in ast.iter_fields(owner):
            if value is old:
                setattr(owner, name, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new


def refuted(report: KernelReport, *, launches_each: int = LAUNCHES) -> str | None:
    """How a launch breaks a kernel that was proved, or None if none of the small ones does."""
    if report.verdict is not Verdict.PROVED or report.kernel is None:
        return None
    values = {
        c.symbol: c.value if c.value is not None else (8 if c.type.is_integer else 1.5)
        for c in report.kernel.constants
    }
    kernel = specialise(report.kernel, values)
    facts = tuple(fact.condition for fact in report.facts)
    waits = any(isinstance(statement, Atomic) for statement in walk.statements(kernel.body))
    made = chain(
        Admitted(kernel, facts).small(launches_each),
        islice(launches(Random(0), kernel, facts, 20 * launches_each), launches_each // 2),
    )
    for launch in made:
        for schedule in Named if waits else (Named.IN_ORDER,):
            for failure in run(kernel, launch, schedule=schedule, budget=STEPS).failures:
                return f"grid {launch.grid}, block {launch.block}, {schedule}: {failure}"
    return None
