"""What the author claims: `assert`, which is checked, and `with unsafe`, which is not.

assert n > 0, "n counts rows"        assert (n > (i32 0)), 'n counts rows'
with unsafe("idx is a permutation"):
    out[idx[i]] = x                  unsafe 'idx is a permutation': …
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.frontends.oxide.values import MeaningValue, Unknown
from oxide_analyzer.ir.nodes import Assert, Unsafe
from oxide_analyzer.language.builtins import BuiltinKind
from oxide_analyzer.rules import ox002_unsupported_construct, ox702_unsafe_without_reason

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering

_OX702 = ox702_unsafe_without_reason


def assertion(lowering: Lowering, node: ast.Assert, tail: bool) -> None:
    """`assert condition, "message"`: checked, and known behind it."""
    del tail
    if isinstance(node.test, ast.Tuple):
        lowering.refuse(
            node.test, "this tuple is always true; write `assert condition, message` without `()`"
        )
        return
    message = node.msg
    text = ""
    if isinstance(message, ast.Constant) and isinstance(message.value, str):
        text = message.value
    elif message is not None:
        lowering.refuse(message, "the message of an `assert` is a literal string")
    condition = lowering.condition(node.test)
    if condition is not None:
        lowering.emit(Assert(condition, text, lowering.site(), lowering.span(node)))


def with_block(lowering: Lowering, node: ast.With, tail: bool) -> None:
    """`with unsafe("why it holds"):`, the one `with` that kernels have."""
    reasons = [_reason(lowering, item.context_expr) for item in node.items]
    for item in node.items:
        if item.optional_vars is not None:
            lowering.refuse(item.optional_vars, "`unsafe` gives no value; leave out `as`")
    if len(node.items) > 1:
        lowering.refuse(node.items[1].context_expr, "a kernel's `with` has one item")
    site = lowering.site()
    with lowering.collect() as body:
        lowering.execute(node.body, tail)
    reason = reasons[0]
    if reason is None:
        # Without a reason nothing is lifted; the finding is an error of its own.
        for statement in body:
            lowering.emit(statement)
        return
    span = lowering.span(node.items[0].context_expr)
    lowering.emit(Unsafe(reason, tuple(body), site, span))


def _reason(lowering: Lowering, node: ast.expr) -> str | None:
    """The reason of `unsafe("…")`; None where it was reported."""
    value = lowering.evaluate(node.func if isinstance(node, ast.Call) else node)
    if isinstance(value, Unknown):
        return None
    if not (
        isinstance(value, MeaningValue)
        and isinstance(value.meaning, Known)
        and value.meaning.builtin.kind is BuiltinKind.REGION
    ):
        lowering.refuse(node, ox002_unsupported_construct.with_item())
        return None
    if not isinstance(node, ast.Call) or not (node.args or node.keywords):
        lowering.report(_OX702.RULE, node, _OX702.no_reason())
        return None
    reason = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(reason, ast.Constant) or not isinstance(reason.value, str):
        lowering.report(_OX702.RULE, node, _OX702.not_literal())
        return None
    if not reason.value.strip():
        lowering.report(_OX702.RULE, reason, _OX702.no_reason())
        return None
    return reason.value
