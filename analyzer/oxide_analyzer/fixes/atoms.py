"""Plain accesses as atomic ones, and atomics that reach farther.

    counts[bin] += 1                        atomic.add(counts, bin, 1)
    def f(out: DisjointSlice[i32]):   ─►    def f(out: AtomicSlice[i32]):
    atomic.add(a, i, x, scope="block")      atomic.add(a, i, x)

What is changed atomically may not be touched otherwise (OX106), so an array becomes atomic as a
whole or not at all: all its accesses are statements of the one form, or the fix is not offered.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.fixes.outline import outline
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import Atomic, Inline, Scope, Space
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.fixes.outline import Outline, Written
    from oxide_analyzer.ir.kernel import Kernel

Rewriting: TypeAlias = "Callable[[Outline, Written, str, bool], Edit | None]"
_OPERATIONS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
}
_ON_FLOATS = ("add", "sub")
_SLICES = ("DisjointSlice", "DisjointSlice2D", "DisjointSlice3D")


def updates(analysis: Analysis, array: str) -> Iterator[Fix]:
    """All `a[i] op= x` of an array as atomics; its declaration with them."""
    yield from _atomic(analysis, array, _update, "change `{}` atomically")


def stores(analysis: Analysis, array: str) -> Iterator[Fix]:
    """All `a[i] = x` of an array as atomic stores."""
    yield from _atomic(analysis, array, _store, "write `{}` by `atomic.store`")


def _atomic(analysis: Analysis, array: str, word: Rewriting, title: str) -> Iterator[Fix]:
    kernel = analysis.kernel
    held = kernel.arrays[array]
    accesses = [a for a in analysis.effects.whole if a.array == array]
    if held.space is not Space.GLOBAL and held.space is not Space.SHARED:
        return
    if any(_in_helper(access) for access in accesses):
        return
    written = outline(kernel)
    edits: dict[int, Edit] = {}
    for access in accesses:
        own = written.at(access.span)
        edit = word(written, own, array, held.element.is_float) if own is not None else None
        if own is None or edit is None:
            return
        edits[id(own.node)] = edit
    if held.space is Space.GLOBAL and kernel.dialect == OWN_DIALECT:
        declared = _declared(kernel, written, array)
        if declared is None:
            return
        edits[0] = declared
    yield Fix(title.format(array), tuple(edits.values()))


def _in_helper(access: Access) -> bool:
    return any(isinstance(frame.owner, Inline) for frame in access.position)


def _update(written: Outline, own: Written, array: str, is_float: bool) -> Edit | None:
    node = own.node
    if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Subscript):
        return None
    name = _OPERATIONS.get(type(node.op))
    target = node.target
    if name is None or (is_float and name not in _ON_FLOATS) or not _is(target.value, array):
        return None
    if any(_is(part, array) for part in ast.walk(node.value)):
        return None
    place, value = written.text(target.slice), written.text(node.value)
    if isinstance(target.slice, ast.Tuple):
        place = f"({place.strip('()')})" if not place.startswith("(") else place
    return Edit(own.span, f"atomic.{name}({array}, {place}, {value})")


def _store(written: Outline, own: Written, array: str, is_float: bool) -> Edit | None:
    del is_float
    node = own.node
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return None
    target = node.targets[0]
    if not isinstance(target, ast.Subscript) or not _is(target.value, array):
        return None
    if isinstance(target.slice, ast.Tuple) or any(_is(p, array) for p in ast.walk(node.value)):
        return None
    place, value = written.text(target.slice), written.text(node.value)
    return Edit(own.span, f"atomic.store({array}, {place}, {value})")


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _declared(kernel: Kernel, written: Outline, array: str) -> Edit | None:
    """`AtomicSlice` in the annotation of a parameter."""
    function = written.statements[0].around[0] if written.statements else None
    if not isinstance(function, ast.FunctionDef):
        return None
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        annotation = argument.annotation
        if argument.arg != array or not isinstance(annotation, ast.Subscript):
            continue
        head = annotation.value
        if kernel.contract.requires and any(array in r.text for r in kernel.contract.data):
            return None
        if isinstance(head, ast.Name) and head.id in _SLICES:
            return Edit(written.source.span(head), head.id.replace("Disjoint", "Atomic"))
    return None


def widened(kernel: Kernel, sites: frozenset[int]) -> Iterator[Fix]:
    """Atomics of a block, or of a cluster, as atomics of the device."""
    written = outline(kernel)
    edits: list[Edit] = []
    for stmt in statements(kernel.body):
        if not isinstance(stmt, Atomic) or stmt.site not in sites:
            continue
        if stmt.scope not in (Scope.BLOCK, Scope.CLUSTER):
            continue
        own = written.at(stmt.span)
        keyword = _scope(written, own, stmt) if own is not None else None
        if keyword is None:
            return
        edit = Edit(written.source.span(keyword.value), '"device"')
        if edit not in edits:
            edits.append(edit)
    if edits:
        which = "atomic" if len(edits) == 1 else "atomics"
        yield Fix(f'give the {which} scope="device"', tuple(edits))


def _scope(written: Outline, own: Written, stmt: Atomic) -> ast.keyword | None:
    """The `scope=` of the call that an atomic is made by."""
    for part in ast.walk(own.node):
        if isinstance(part, ast.Call) and written.source.span(part) == stmt.span:
            found = (k for k in part.keywords if k.arg == "scope")
            return next((k for k in found if isinstance(k.value, ast.Constant)), None)
    return None
