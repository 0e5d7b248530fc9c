"""Random kernels whose scalars count from far away, so that no small launch shows what is wrong.

    def k(out: DisjointSlice[i32], n_: i32):        and launches with n_ = 1234567 + n, for those
        n = n_ - 1234567                            that the kernel of `n` would be tried with

A prover that tries small launches before it thinks finds most mistakes of a random kernel by
trying. Here it has to think: a wrong proof is not forestalled by a lucky launch.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.contract import evaluate, limits
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.language.types import I32, I64, U32

from .launches import dynamic_shared, launches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch

    from .program import Program

_AWAY = 1_234_567
_LOWEST, _HIGHEST = -1_000, 500_000
_DEFINITION = re.compile(r"^def k\((.*)\):$", re.MULTILINE)
_LAMBDA = re.compile(r"requires=lambda ?([^:]*): (.*)\)$")


def moved(program: Program) -> Program:
    """The same kernel with its scalars far away."""
    names = [s.name for s in program.slots if s.rank == 0 and s.type in (I32, I64, U32)]
    head, decorator, rest = _parts(program.source)
    given = _DEFINITION.match(rest)
    assert given is not None
    body = rest[given.end() :]
    declared = given.group(1)
    conditions: list[str] = []
    for name in names:
        declared = re.sub(rf"\b{name}: ", f"{name}_: ", declared)
        conditions.append(f"{name}_ >= {_AWAY + (0 if _is_unsigned(program, name) else _LOWEST)}")
        conditions.append(f"{name}_ <= {_AWAY + _HIGHEST}")
    said = _LAMBDA.search(decorator)
    used: list[str] = []
    if said is not None:
        used = [u.strip() for u in said.group(1).split(",") if u.strip() not in ("", *names)]
        facts = said.group(2)
        for name in names:
            facts = re.sub(rf"\b{name}\b", f"({name}_ - {_AWAY})", facts)
        conditions.insert(0, facts)
        decorator = decorator[: said.start()].rstrip(", ")
    else:
        decorator = decorator.removesuffix(")")
    used.extend(f"{name}_" for name in names)
    separator = "" if decorator.endswith("(") else ", "
    requires = f"requires=lambda {', '.join(used)}: {' and '.join(conditions)}"
    lines = "".join(f"\n    {name} = {name}_ - {_AWAY}" for name in names)
    source = f"{head}{decorator}{separator}{requires})\ndef k({declared}):{lines}{body}"
    slots = tuple(replace(s, name=f"{s.name}_") if s.name in names else s for s in program.slots)
    return replace(program, source=source, slots=slots, nearby=program)


def _parts(source: str) -> tuple[str, str, str]:
    """What stands before the decorator of the kernel, the decorator, and the kernel."""
    start, end = source.index("@kernel("), source.index("def k(")
    return source[:start], " ".join(source[start:end].split()), source[end:]


def _is_unsigned(program: Program, name: str) -> bool:
    return any(s.name == name and not s.type.is_signed for s in program.slots)


def moved_launches(random: Random, kernel: Kernel, nearby: Kernel, tries: int) -> Iterator[Launch]:
    """The launches of `nearby`, as `kernel`, which is it moved away, has them."""
    dynamic = dynamic_shared(kernel)
    requirements = (*kernel.contract.requires, *limits(kernel))
    types = {p.name: p.type for p in kernel.parameters if isinstance(p, ScalarParameter)}
    for launch in launches(random, nearby, (), tries):
        scalars = {
            p.name: launch.scalars[p.name.removesuffix("_")]
            + (_AWAY if p.name.endswith("_") else 0)
            for p in kernel.parameters
            if p.name not in launch.arrays
        }
        shapes = {name: contents.shape for name, contents in launch.arrays.items()}
        if dynamic is not None:
            shapes[dynamic.name] = (launch.shared // dynamic.element.size,)
        given = (scalars, shapes, launch.grid, launch.block)
        # What is as large as its type allows cannot be moved further.
        fits = all(
            types[name].min <= value <= types[name].max
            for name, value in scalars.items()
            if types[name].is_integer
        )
        if fits and all(evaluate(r.condition, *given) for r in requirements):
            yield replace(launch, scalars=scalars)
