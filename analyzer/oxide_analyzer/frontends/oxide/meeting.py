"""Where threads meet, and what they tell each other there: barriers, fences, warp operations.

s = warp.reduce_add(v)                    %1 = warp reduce_add v
if warp.any(v > 0, mask=0xffff): …        %2 = warp any (v > 0), mask=(u32 65535)
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.frontends.oxide.arguments import (
    literal_bool,
    literal_integer,
    named,
    positional,
    word,
)
from oxide_analyzer.frontends.oxide.contract import insertion
from oxide_analyzer.frontends.oxide.operators import operand
from oxide_analyzer.frontends.oxide.values import NOTHING, UNKNOWN, Give, Number
from oxide_analyzer.ir.nodes import (
    Barrier,
    Breakpoint,
    Fence,
    Group,
    Read,
    Scope,
    WarpFunction,
    WarpOp,
)
from oxide_analyzer.ir.operators import SCANS
from oxide_analyzer.language.types import BOOL, U32, Kind
from oxide_analyzer.rules import ox204_grid_sync_without_cooperative

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin

_WIDTHS = (1, 2, 4, 8, 16, 32)
_SHUFFLED = {
    WarpFunction.SHUFFLE: "lane",
    WarpFunction.SHUFFLE_UP: "delta",
    WarpFunction.SHUFFLE_DOWN: "delta",
    WarpFunction.SHUFFLE_XOR: "bits",
}
_VOTES = {WarpFunction.ANY: BOOL, WarpFunction.ALL: BOOL, WarpFunction.BALLOT: U32}
_MATCHES = {WarpFunction.MATCH_ANY, WarpFunction.MATCH_ALL}
_BITS = {WarpFunction.REDUCE_AND, WarpFunction.REDUCE_OR, WarpFunction.REDUCE_XOR}


def sync_threads(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`sync_threads()`."""
    return _barrier(lowering, node, row, Group.BLOCK)


def grid_sync(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`grid_sync()`."""
    if not lowering.is_cooperative:
        rule = ox204_grid_sync_without_cooperative
        fixes: tuple[Fix, ...] = ()
        if lowering.decorator is not None:
            place, prefix, suffix = insertion(lowering.source, lowering.decorator)
            fixes = (Fix(rule.FIX, (Edit(place, f"{prefix}cooperative=True{suffix}"),)),)
        lowering.report(rule.RULE, node, rule.message(lowering.root.node.name), fixes=fixes)
    return _barrier(lowering, node, row, Group.GRID)


def _barrier(lowering: Lowering, node: ast.Call, row: Builtin, group: Group) -> Value:
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    lowering.emit(Barrier(lowering.site(), lowering.span(node), group))
    return NOTHING


def fence(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`fence(scope)`."""
    given = named(lowering, node, row, ("scope",), 0)
    if given is None:
        return UNKNOWN
    scope = word(lowering, given.get("scope"), Scope.DEVICE, "scope")
    if scope is None:
        return UNKNOWN
    lowering.emit(Fence(scope, lowering.site(), lowering.span(node)))
    return NOTHING


def stop_here(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`breakpoint()`."""
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    lowering.emit(Breakpoint(lowering.site(), lowering.span(node)))
    return NOTHING


def sync_warp(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`sync_warp(mask)`."""
    given = named(lowering, node, row, ("mask",), 0)
    if given is None:
        return UNKNOWN
    mask, failed = _mask(lowering, given.get("mask"))
    if failed:
        return UNKNOWN
    site, span = lowering.site(), lowering.span(node)
    lowering.emit(WarpOp(WarpFunction.SYNC, None, None, None, mask, 32, False, site, span))
    return NOTHING


def warp(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`warp.shuffle(v, lane)`, `warp.any(p)`, `warp.match_any(v)`, `warp.reduce_add(v)`, …"""
    function = WarpFunction(row.short_name)
    shuffled = _SHUFFLED.get(function)
    keywords = ("mask",) if function in _VOTES or function in _MATCHES else ("width", "mask")
    if function in SCANS:
        keywords = ("exclusive", *keywords)
    names = ("p",) if function in _VOTES else ("v",) if shuffled is None else ("v", shuffled)
    given = named(lowering, node, row, names, len(names), keywords)
    if given is None:
        return UNKNOWN
    value = brought(lowering, row.name, function, given[names[0]])
    lane = None if shuffled is None else lowering.index(given[shuffled], f"`{shuffled}`")
    mask, failed = _mask(lowering, given.get("mask"))
    width: int | None = 32
    if "width" in given:
        width = literal_integer(lowering, given["width"], _WIDTHS, "`width`")
    exclusive = literal_bool(lowering, given.get("exclusive"), "`exclusive`")
    if value is None or failed or width is None or exclusive is None:
        return UNKNOWN
    if shuffled is not None and lane is None:
        return UNKNOWN
    type = _VOTES.get(function, U32 if function in _MATCHES else value.type)
    target = lowering.temporary(type)
    span = lowering.span(node)
    lowering.emit(
        WarpOp(function, target, value.expr, lane, mask, width, exclusive, lowering.site(), span)
    )
    own = function in _VOTES or function in _MATCHES or value.give is Give.FIXED
    return Number(Read(target, span), type, Give.FIXED if own else Give.WEAK)


def brought(lowering: Lowering, name: str, function: WarpFunction, node: ast.expr) -> Number | None:
    """What the threads bring along to a meeting; None where it was reported."""
    if function in _VOTES:
        condition = lowering.condition(node)
        return None if condition is None else Number(condition, BOOL)
    number = operand(lowering, lowering.evaluate(node), node)
    if number is None:
        return None
    type = number.type
    if function not in _SHUFFLED and function not in _MATCHES:
        text = lowering.text(node)
        if type.kind is Kind.BOOL:
            lowering.mismatch(node, f"`{name}` of a bool; write `i32({text})`")
            return None
        if function in _BITS and not type.is_integer:
            lowering.mismatch(node, f"`{name}` is for integers, the value is {type}")
            return None
    if function in _MATCHES and type.is_float and type.bits == 16:
        text = lowering.text(node)
        lowering.mismatch(node, f"`{name}` of a {type}; write `f32({text})`")
        return None
    expr = lowering.convert(number, type, node, "the value")
    return None if expr is None else Number(expr, type, number.give)


def _mask(lowering: Lowering, node: ast.expr | None) -> tuple[Expr | None, bool]:
    """The lanes that take part, None for all; and whether there was something to report."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return None, False
    number = lowering.evaluate_number(node)
    expr = None if number is None else lowering.convert(number, U32, node, "a mask")
    return expr, expr is None
