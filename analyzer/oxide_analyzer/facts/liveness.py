"""Which locals a loop hands from one iteration to the next, or to what is behind it.

    while stride > 0:              stride: its value at the head is read
        low = 2*stride*(t // stride)       low: assigned before each use, and used nowhere else
        tile[low] = …
        stride //= 2

What is not handed on needs no invariant. It over-approximates: an assignment counts only where
every way to the use goes through it, and none that stands between loops round the use does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import For, If, Read, While
from oxide_analyzer.ir.walk import assigned, blocks, operands, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.ir.nodes import Block, Stmt


@lru_cache(maxsize=512)
def handed_on(body: Block, loop: Loop) -> frozenset[str]:
    """The locals whose value at the head of `loop` may be read, in it or behind it."""
    exposed: set[str] = set()
    _expose((loop,), set(), exposed)
    _expose_behind(body, loop, exposed)
    return frozenset(exposed)


def _expose_behind(block: Block, loop: Loop, exposed: set[str]) -> bool:
    """Collect what may be read once `loop` has ended; whether it is in `block`.

    What stands round it may be left from anywhere, so what is assigned on the way out is not
    taken to be.
    """
    for index, stmt in enumerate(block):
        if stmt is not loop:
            if not any(_expose_behind(inner, loop, exposed) for inner in blocks(stmt)):
                continue
            if isinstance(stmt, (For, While)):
                _expose((stmt,), set(), exposed)
        _expose(block[index + 1 :], set(), exposed)
        return True
    return False


def _expose(block: Block, known: set[str], exposed: set[str]) -> None:
    """Collect what is read and not `known` to be assigned; add what `block` assigns."""
    for stmt in block:
        match stmt:
            case While(header=header, body=body):
                _expose(header, known, exposed)
                exposed.update(n for n in _reads(stmt) if n not in known)
                _expose(body, set(known), exposed)
            case For(variable=variable, body=body):
                exposed.update(n for n in _reads(stmt) if n not in known)
                _expose(body, {*known, variable.name}, exposed)
            case If(then=then, otherwise=otherwise):
                exposed.update(n for n in _reads(stmt) if n not in known)
                one, other = set(known), set(known)
                _expose(then, one, exposed)
                _expose(otherwise, other, exposed)
                known |= one & other
            case _ if blocks(stmt):
                exposed.update(n for n in _reads(stmt) if n not in known)
                for inner in blocks(stmt):
                    _expose(inner, set(known), exposed)
            case _:
                exposed.update(n for n in _reads(stmt) if n not in known)
                known.update(local.name for local in assigned((stmt,)))


def _reads(stmt: Stmt) -> Iterator[str]:
    for operand in operands(stmt):
        for expr in subexpressions(operand):
            if isinstance(expr, Read):
                yield expr.local.name
