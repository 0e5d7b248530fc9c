"""What all threads of a block compute together: `block.reduce_add(v)`, `block.scan_add(v)`, ….

They are written in Oxide, below, and take the place of their calls like any helper, so whatever
reads the IR knows them already: the prover proves them, each time they are used, the interpreter
runs them, both back ends compile them.

    total = block.reduce_add(v)               inline block.reduce_add:
                                                  own = warp reduce_add v
                                                  if warp.lane == 0: parts[warp.index] = own
                                       is         sync_threads()
                                                  total = parts[0]
                                                  for k in range(1, warp.count): total += parts[k]

Each warp combines its lanes as `warp.reduce_*` does, then every thread combines the results of
the warps from the first to the last. So the order is defined by the block's size alone, and is
the same on all devices; a scan adds what lies below its warp, in that order, to the scan of the
warp. Every call has scratch memory of its own, 32 elements; in a loop a second barrier keeps one
round from writing what another thread still reads of the round before.

All statements stand where the call stands: the source has no other place for them.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import literal_bool, named
from oxide_analyzer.frontends.oxide.inlining import inline_supplied
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.meeting import brought
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.frontends.oxide.values import UNKNOWN, Give, Number
from oxide_analyzer.interpreter.warps import identity
from oxide_analyzer.ir.nodes import BinaryOp, Const, WarpFunction
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.language.builtins import Builtin

_HEAD = """\
from typing import TypeVar
from oxide import SharedArray, bf16, device, f16, f32, f64, i8, i16, i32, i64, sync_threads
from oxide import u8, u16, u32, u64, warp

T = TypeVar("T", i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64)
"""
_REDUCE = """
@device
def reduce_{name}{again}(v: T) -> T:
    parts = SharedArray(T, 32)
    own = warp.reduce_{name}(v)
    if warp.lane == 0:
        parts[warp.index] = own
    sync_threads()
    total = parts[0]
    for k in range(1, warp.count):
        other = parts[k]
        total = {total_and_other}
    {last_barrier}
    return total
"""
_SCAN = """
@device
def scan_{name}{again}(v: T) -> T:
    parts = SharedArray(T, 32)
    own = warp.scan_{name}(v)
    if warp.lane == 31:
        parts[warp.index] = own
    sync_threads()
    total = own
    for k in range(warp.count - 1):
        if k < warp.index:
            other = parts[k]
            total = other if k == 0 else {total_and_other}
    if warp.index > 0:
        own = {total_and_own}
    {last_barrier}
    return own
"""
_SCAN_EXCLUSIVE = """
@device
def scan_{name}_exclusive{again}(v: T, nothing: T) -> T:
    parts = SharedArray(T, 32)
    own = warp.scan_{name}(v)
    if warp.lane == 31:
        parts[warp.index] = own
    sync_threads()
    own = warp.shuffle_up(own, 1)
    if warp.lane == 0:
        own = nothing
    total = own
    for k in range(warp.count - 1):
        if k < warp.index:
            other = parts[k]
            total = other if k == 0 else {total_and_other}
    if warp.index > 0:
        own = total if warp.lane == 0 else {total_and_own}
    {last_barrier}
    return own
"""
_COMBINED = {
    "add": "total + {0}",
    "min": "min(total, {0})",
    "max": "max(total, {0})",
    "and": "total & {0}",
    "or": "total | {0}",
    "xor": "total ^ {0}",
}
_SCANNED = {"add": BinaryOp.ADD, "min": BinaryOp.MIN, "max": BinaryOp.MAX}


def block_operation(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`block.reduce_add(v)` and its kin."""
    function = WarpFunction(row.short_name)
    is_scan = function.value.startswith("scan_")
    given = named(lowering, node, row, ("v",), 1, ("exclusive",) if is_scan else ())
    if given is None:
        return UNKNOWN
    value = brought(lowering, row.name, function, given["v"])
    exclusive = literal_bool(lowering, given.get("exclusive"), "`exclusive`")
    if value is None or exclusive is None:
        return UNKNOWN
    type = value.type
    arguments = [Number(value.expr, type)]
    name = function.value
    if exclusive:
        nothing = identity(_SCANNED[name.removeprefix("scan_")], type)
        arguments.append(Number(Const(nothing, type, lowering.span(node)), type))
        name += "_exclusive"
    result = supplied(lowering, node, name, arguments, row.name)
    if isinstance(result, Number) and value.give is not Give.FIXED:
        return Number(result.expr, type, Give.WEAK)
    return result


def supplied(
    lowering: Lowering, node: ast.Call, name: str, arguments: list[Number], called: str
) -> Value:
    """The operation `name` of the text below in the place of a call of `called`."""
    if lowering.is_in_loop:
        name += "_again"
    return inline_supplied(lowering, node, _helpers()[name], arguments, called)


@lru_cache(maxsize=1)
def _helpers() -> dict[str, UserFunction]:
    """The operations by their names in the text below."""
    source = SourceFile("<block operations>", _text())
    tree = ast.parse(source.text)
    scope = module_scope(source, tree)
    return {
        node.name: UserFunction(node, scope, FunctionRole.DEVICE)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _text() -> str:
    parts = [_HEAD]
    for name, combined in _COMBINED.items():
        forms = (_REDUCE, _SCAN, _SCAN_EXCLUSIVE) if name in _SCANNED else (_REDUCE,)
        parts += [
            form.format(
                name=name,
                again=again,
                total_and_other=combined.format("other"),
                total_and_own=combined.format("own"),
                last_barrier=last,
            )
            for form in forms
            for again, last in (("", ""), ("_again", "sync_threads()"))
        ]
    return "".join(parts)
