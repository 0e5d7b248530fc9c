"""The contract of a kernel at one launch: block, domain, limits and the facts of its proof.

A proof holds where its facts hold, so each is evaluated, with Python integers, before anything
is enqueued. The message shows the fact and both of its sides:

    block_sum: the launch does not fulfil `len(out) >= grid_dim.x` (3 >= 4 is false)
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from oxide_analyzer.contract import Given, sides, value
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import Const, Dim, Param, Symbol
from oxide_codegen.errors import LaunchValueError, SourceError
from oxide_codegen.geometry import block_extent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.launch import Extent, Number
    from oxide_codegen.launchable import Terms
    from oxide_codegen.program import Options

_COMPACT = 2**31
_AXES = "xyz"


def literal(extent: Expr | None) -> int | None:
    """A number of the contract, None where it is left open."""
    return int(extent.value) if isinstance(extent, Const) else None


def declared_block(kernel: Kernel) -> Extent | None:
    """The block that the contract fixes."""
    if kernel.contract.block is None:
        return None
    extents = [e.value for e in kernel.contract.block if isinstance(e, Const)]
    return (int(extents[0]), int(extents[1]), int(extents[2])) if len(extents) == 3 else None


def demand_contract(kernel: Kernel, options: Options) -> None:
    """Raise `SourceError` unless the live decorator got what its source says."""
    contract = kernel.contract
    block = None if options.block is None else block_extent(kernel.name, options.block)
    pairs: dict[str, tuple[object, object]] = {
        "block": (block, declared_block(kernel)),
        "domain": (options.domain, contract.domain),
        "shared": (options.shared, literal(contract.shared)),
        "max_threads": (options.max_threads, literal(contract.max_threads)),
        "min_blocks": (options.min_blocks, literal(contract.min_blocks)),
        "cooperative": (options.cooperative, contract.cooperative),
        "fast_math": (options.fast_math, contract.fast_math),
        "cluster": (
            None if options.cluster is None else block_extent(kernel.name, options.cluster),
            contract.cluster,
        ),
    }
    for name, (given, written) in pairs.items():
        if given != written:
            raise SourceError(
                kernel.name,
                f"`@kernel` was called with {name}={getattr(options, name)!r}, which is not what "
                "its source says",
            )


def demand_constants(kernel: Kernel, values: Mapping[str, Number]) -> None:
    """Raise `LaunchValueError` where `Const` arguments alone break a requirement."""
    from oxide_analyzer.ir.specialise import fold

    arguments = {c.symbol for c in kernel.constants if c.holder == ("argument",)}
    for requirement in kernel.contract.requires:
        held = fold(requirement.condition, values)
        if isinstance(held, Const) and not held.value:
            names = [
                e.name
                for e in walk.subexpressions(requirement.condition)
                if isinstance(e, Symbol) and e.name in arguments
            ]
            if not names:
                return
            given = ", ".join(f"{name} = {values[name]}" for name in dict.fromkeys(names))
            raise LaunchValueError(
                kernel.name,
                f"the launch does not fulfil `{requirement.text}` ({given})",
                parameter=names[0],
                expected=requirement.text,
                actual=values[names[0]],
                rule="OX401",
            )


def requested_shared(kernel: Kernel, given: int | None) -> int:
    """How many bytes of dynamic shared memory a launch has."""
    declared = literal(kernel.contract.shared) or 0
    if given is None:
        return declared
    if given < declared:
        raise LaunchValueError(
            kernel.name,
            f"`shared` is {given} bytes, but the kernel is declared with shared={declared}",
            parameter="shared",
            expected=declared,
            actual=given,
            rule="OX401",
        )
    return given


def demand_geometry(kernel: Kernel, grid: Extent, block: Extent) -> None:
    """Raise `LaunchValueError` unless grid and block are those of the contract."""
    fixed = declared_block(kernel)
    if fixed is not None and block != fixed:
        raise LaunchValueError(
            kernel.name,
            f"`block` is {block}, but the kernel is declared with block={fixed}",
            parameter="block",
            expected=fixed,
            actual=block,
            rule="OX401",
        )
    most = literal(kernel.contract.max_threads)
    if most is not None and prod(block) > most:
        raise LaunchValueError(
            kernel.name,
            f"`block` has {prod(block)} threads, but the kernel is declared with "
            f"max_threads={most}",
            parameter="block",
            expected=most,
            actual=prod(block),
            rule="OX401",
        )
    for axis, side in enumerate(kernel.contract.cluster or ()):
        if grid[axis] % side:
            raise LaunchValueError(
                kernel.name,
                f"`grid` has {grid[axis]} blocks along {_AXES[axis]}, which is not made of whole "
                f"clusters: the kernel is declared with cluster={kernel.contract.cluster}",
                parameter="grid",
                expected=f"a multiple of {side}",
                actual=grid[axis],
                rule="OX401",
            )
    domain = kernel.contract.domain
    if domain is None:
        return
    for axis in range(domain, 3):
        for name, extent in (("grid", grid), ("block", block)):
            if extent[axis] != 1:
                raise LaunchValueError(
                    kernel.name,
                    f"`{name}` has extent {extent[axis]} along {_AXES[axis]}, but the kernel is "
                    f"declared with domain={domain}",
                    parameter=name,
                    expected=1,
                    actual=extent[axis],
                    rule="OX401",
                )


def demand_facts(
    checked: Terms,
    scalars: Mapping[str, Number],
    shapes: Mapping[str, tuple[int, ...]],
    grid: Extent,
    block: Extent,
    shared: int,
) -> Given:
    """Raise `LaunchValueError` unless every fact of the proof holds for this launch.

    What the launch fixes, as conditions see it: also the length of dynamic shared memory.
    """
    kernel = checked.kernel
    if checked.compact:
        _demand_compact(kernel, scalars, shapes, grid, block)
    lengths = {
        array.name: (shared // array.element.size,)
        for array in kernel.arrays.values()
        if array.is_dynamic
    }
    given = Given(scalars, {**shapes, **lengths}, grid, block)
    for fact in checked.facts:
        if not value(fact.condition, given):
            raise _broken(kernel, fact, given)
    return given


def _broken(kernel: Kernel, fact: Fact, given: Given) -> LaunchValueError:
    shown = sides(fact.condition, given)
    actual = "" if shown is None else f"{shown[0]} {shown[1]} {shown[2]}"
    source = "" if fact.declared else ", which its proof needs"
    return LaunchValueError(
        kernel.name,
        f"the launch does not fulfil `{fact.text}`"
        + (f" ({actual} is false)" if actual else "")
        + source,
        parameter=next(_parameters(fact.condition), None),
        expected=fact.text,
        actual=actual or False,
        rule="OX401",
    )


def _demand_compact(
    kernel: Kernel,
    scalars: Mapping[str, Number],
    shapes: Mapping[str, tuple[int, ...]],
    grid: Extent,
    block: Extent,
) -> None:
    sizes: list[tuple[str, str, Number]] = [
        (name, f"`{name}`", number)
        for name, number in scalars.items()
        if not isinstance(number, float)
    ]
    for name, shape in shapes.items():
        sizes += [(name, f"`{name}.shape[{axis}]`", n) for axis, n in enumerate(shape)]
    for axis in range(3):
        sizes.append(("grid", f"grid times block along {_AXES[axis]}", grid[axis] * block[axis]))
    for parameter, what, number in sizes:
        if abs(number) >= _COMPACT:
            raise LaunchValueError(
                kernel.name,
                f"{what} is {number}, but the proof of this kernel needs sizes that fit 32 bits",
                parameter=parameter,
                expected=f"below {_COMPACT}",
                actual=number,
                rule="OX401",
            )


def _parameters(expression: Expr) -> Any:
    """The names of the parameters that a condition speaks of, in order."""
    if isinstance(expression, Dim):
        yield expression.array
    elif isinstance(expression, Param):
        yield expression.name
    for part in ("left", "right", "operand", "condition", "then", "otherwise"):
        child = getattr(expression, part, None)
        if child is not None:
            yield from _parameters(child)
