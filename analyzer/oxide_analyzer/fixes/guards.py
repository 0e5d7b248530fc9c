"""Conditions that keep an access inside of its array.

    out[i] = a[i]                       if i < len(out) and i < len(a):
                              ─►            out[i] = a[i]

    tile[t] = a[i]            ─►        tile[t] = a[i] if i < len(a) else 0

A store, or a change, that nothing behind it needs is put under a condition, with every bound of
its statement that is not proved. A value that is loaded has to be something where there is nothing
to load, so a load that is a whole right-hand side, or the operand of a sum, gets a value instead.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.facts.conditions import less, negate
from oxide_analyzer.facts.polys import constant
from oxide_analyzer.fixes.outline import outline
from oxide_analyzer.ir.nodes import Load, Space, Store
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.subjects import Bound
from oxide_analyzer.proof.verdicts import Lifted, Proved
from oxide_analyzer.repairs import source_text
from oxide_analyzer.wording import lengths_in_words

# What the IR has named itself.
_TEMPORARY = re.compile(r"%\w")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.fixes.outline import Outline, Written
    from oxide_analyzer.ir.nodes import Array
    from oxide_analyzer.proof.ladder import Judgement


def guarded(judgement: Judgement, site: int | None) -> Iterator[Fix]:
    """The statement of an access that may be outside, so that it is not."""
    kernel = judgement.analysis.kernel
    access = next(
        (s for s in statements(kernel.body) if isinstance(s, (Load, Store)) and s.site == site),
        None,
    )
    if access is None:
        return
    written = outline(kernel)
    own = written.at(access.span)
    if own is None or not written.stands_alone(own):
        return
    conditions = _conditions(judgement, written, own, access)
    if not conditions:
        return
    condition = " and ".join(conditions)
    if _changes_only(own.node) and _leaves_nothing_undefined(judgement, own, written):
        yield _behind(own, condition)
    elif isinstance(access, Load) and _is_all(judgement, written, own, access):
        fix = _otherwise(written, own, access, condition, kernel.arrays[access.array])
        if fix is not None:
            yield fix


def _is_all(judgement: Judgement, written: Outline, own: Written, load: Load) -> bool:
    """Whether a load of global memory is all that may be outside in its statement."""
    if judgement.analysis.kernel.arrays[load.array].space is not Space.GLOBAL:
        return False
    return all(
        judged.obligation.subject.access.site == load.site
        for judged in judgement.judged
        if isinstance(judged.obligation.subject, Bound)
        and not isinstance(judged.result, (Proved, Lifted))
        and written.at(judged.obligation.subject.access.span) is own
    )


def _changes_only(node: ast.stmt) -> bool:
    """Whether a statement changes an element, and nothing that a later one reads by name."""
    match node:
        case ast.Assign(targets=targets):
            return all(isinstance(target, ast.Subscript) for target in targets)
        case ast.AugAssign(target=target):
            return isinstance(target, ast.Subscript)
        case _:
            return False


def _leaves_nothing_undefined(judgement: Judgement, own: Written, written: Outline) -> bool:
    """Whether leaving the statement out leaves nothing undefined: no shared or local element."""
    kernel = judgement.analysis.kernel
    return all(
        kernel.arrays[stmt.array].space is Space.GLOBAL
        for stmt in statements(kernel.body)
        if isinstance(stmt, Store) and written.at(stmt.span) is own
    )


def _behind(own: Written, condition: str) -> Fix:
    """The statement, moved in by four columns, under a condition."""
    start = own.span.start()
    indent = " " * (own.span.column - 1 + 4)
    return Fix(f"guard it with `if {condition}`", (Edit(start, f"if {condition}:\n{indent}"),))


def _otherwise(
    written: Outline, own: Written, load: Load, condition: str, array: Array
) -> Fix | None:
    """Zero where there is nothing to load."""
    zero = "0.0" if array.element.is_float else "0" if array.element.is_integer else "False"
    for part in ast.walk(own.node):
        if isinstance(part, ast.Subscript) and written.source.span(part) == load.span:
            text = f"{written.text(part)} if {condition} else {zero}"
            whole = isinstance(own.node, ast.Assign) and own.node.value is part
            return Fix(
                f"take {zero} where not `{condition}`",
                (Edit(load.span, text if whole else f"({text})"),),
            )
    return None


def _conditions(
    judgement: Judgement, written: Outline, own: Written, access: Load | Store
) -> list[str]:
    """What is not proved of the indices of a statement, those of `access` first."""
    analysis = judgement.analysis
    kernel = analysis.kernel
    sites = {
        s.site: s
        for s in statements(kernel.body)
        if isinstance(s, (Load, Store)) and written.at(s.span) is own
    }
    found: list[str] = []
    for judged in sorted(judgement.judged, key=lambda j: access.site not in j.obligation.sites):
        subject = judged.obligation.subject
        if not isinstance(subject, Bound) or isinstance(judged.result, (Proved, Lifted)):
            continue
        stmt = sites.get(subject.access.site)
        if stmt is None:
            continue
        index = _index(written, own, stmt, subject.axis)
        extent = source_text(kernel.arrays[stmt.array].shape[subject.axis])
        extent = lengths_in_words(extent, kernel.dialect)
        if "…" in index or "…" in extent:
            return []
        path = subject.access.path
        negative = less(subject.index, constant(0))
        inside = (*path, negate(negative), less(subject.index, subject.length))
        if refutes(analysis.terms, inside):
            # It never is inside, and a guard would only hide that.
            return []
        known = refutes(analysis.terms, (*path, negative))
        text = f"{index} < {extent}" if known else f"0 <= {index} < {extent}"
        if text not in found:
            found.append(text)
    return found


def _index(written: Outline, own: Written, stmt: Load | Store, axis: int) -> str:
    """An index of an access as the source says it, or as it is written."""
    text = source_text(stmt.index[axis])
    if "…" not in text and not _TEMPORARY.search(text):
        return text
    for part in ast.walk(own.node):
        if isinstance(part, ast.Subscript) and written.source.span(part) == stmt.span:
            indices = _indices(part, stmt.array)
            if len(indices) == len(stmt.index) and isinstance(indices[axis], _SAID):
                return written.text(indices[axis])
    return "…"


# What may stand beside `<` as it is.
_SAID = (ast.Name, ast.BinOp, ast.Attribute, ast.Subscript, ast.Constant)


def _indices(node: ast.expr, array: str) -> list[ast.expr]:
    """`i, j` of `a[i, j]` and of `a[i][j]`."""
    found: list[ast.expr] = []
    while isinstance(node, ast.Subscript):
        inner = node.slice
        found = [*(inner.elts if isinstance(inner, ast.Tuple) else [inner]), *found]
        node = node.value
    return found if isinstance(node, ast.Name) and node.id == array else []
