"""All statements of a kernel, whatever they are nested in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Assign, Atomic, For, If, Inline, Load, While

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.nodes import Block, Local, Stmt


def nested(block: Block) -> Iterator[Stmt]:
    """The statements of a block in source order, each before what it contains."""
    for statement in block:
        yield statement
        match statement:
            case If(then=then, otherwise=otherwise):
                yield from nested(then)
                yield from nested(otherwise)
            case For(body=body) | Inline(body=body):
                yield from nested(body)
            case While(header=header, body=body):
                yield from nested(header)
                yield from nested(body)
            case _:
                pass


def assigned(block: Block) -> set[Local]:
    """The locals that some statement of a block assigns."""
    found: set[Local] = set()
    for statement in nested(block):
        match statement:
            case Assign(target=target) | Load(target=target) | Atomic(target=target):
                found.add(target)
            case For(variable=variable):
                found.add(variable)
            case _:
                pass
    return found
