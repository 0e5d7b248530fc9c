"""A launch made of a solver's model: sizes, scalars, and elements of arrays.

What the model leaves open is filled as the contract allows. In an array that is declared
`injective` the elements that the model names take the places of others, which move.

The other way round, `excludes` asks whether a condition on sizes rules out a launch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import Alias, Element
from oxide_analyzer.ir.nodes import Dim, Param, Register, Special, Symbol
from oxide_analyzer.launch import Contents
from oxide_analyzer.proof.contents import declared_in, keeps_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom, Poly
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch, Number
    from oxide_analyzer.proof.launches import Admitted
    from oxide_analyzer.proof.models import Model


def launch_of(analysis: Analysis, admitted: Admitted, model: Model) -> Launch | None:
    """The launch that a model speaks of, or None where it is too large to run or not admitted.

    What the model leaves open is filled with small values.
    """
    extents = {Register.GRID_DIM: [1, 1, 1], Register.BLOCK_DIM: [1, 1, 1]}
    for (register, axis), poly in analysis.launch.extents.items():
        if register in extents and poly.value is not None:
            extents[register][axis] = poly.value
    scalars: dict[str, Number] = {}
    lengths: dict[str, dict[int, int]] = {}
    for atom, expr in analysis.launch.quantities.items():
        value = model.values.get(atom)
        if value is None:
            continue
        match expr:
            case Special(register=register, axis=axis):
                extents[register][axis] = value
            case Param(name=name):
                scalars[name] = value
            case Dim(array=array, axis=axis):
                lengths.setdefault(array, {})[axis] = value
            case Symbol():
                # Kernels with open constants are not asked for models.
                pass
    grid, block = extents[Register.GRID_DIM], extents[Register.BLOCK_DIM]
    launch = admitted.with_values(
        (grid[0], grid[1], grid[2]), (block[0], block[1], block[2]), scalars, lengths
    )
    if launch is None:
        return None
    filled = _with_elements(analysis.kernel, launch, model)
    return filled if keeps_data(analysis.kernel, filled) else None


def _with_elements(kernel: Kernel, launch: Launch, model: Model) -> Launch:
    """The elements that the model speaks of; the others stay, save what has to differ from them."""
    chosen: dict[str, dict[int, int]] = {}
    for atom, value in model.values.items():
        if not isinstance(atom.form, Element) or atom.form.array not in launch.arrays:
            continue
        held = launch.arrays[atom.form.array]
        place = 0
        for poly, extent in zip(atom.form.index, held.shape, strict=True):
            index = _value(poly, model.values)
            if index is None or not 0 <= index < extent:
                break
            place = place * extent + index
        else:
            chosen.setdefault(atom.form.array, {})[place] = value
    arrays = dict(launch.arrays)
    for name, elements in chosen.items():
        held = arrays[name]
        values = list(held.values)
        declared = declared_in(kernel, launch, name)
        if declared is not None and declared.distinct:
            make_room(values, elements)
        for place, value in elements.items():
            values[place] = value
        arrays[name] = Contents(held.shape, tuple(values))
    return replace(launch, arrays=arrays)


def make_room(values: list[Number], elements: Mapping[int, int]) -> None:
    """Let who holds a value that is wanted elsewhere have one that goes.

    0 1 2 3  with 3 at place 1    ->    0 _ 2 1
    """
    wanted = set(elements.values())
    free = [values[place] for place in elements if values[place] not in wanted]
    for place, value in enumerate(values):
        if value in wanted and place not in elements:
            values[place] = free.pop()


def excludes(analysis: Analysis, launch: Launch, condition: Condition) -> bool:
    """Whether `launch` may break a condition: it does, or what it speaks of is not of a launch."""
    match condition:
        case AllOf(parts=parts):
            return any(excludes(analysis, launch, c) for c in parts)
        case AnyOf(parts=parts):
            return all(excludes(analysis, launch, c) for c in parts)
        case Opaque():
            return True
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            value = _value(p, _sizes(analysis, launch, p))
            if value is None:
                return True
            match condition:
                case AtLeastZero():
                    return value < 0
                case IsZero():
                    return value != 0
                case NotZero():
                    return value == 0


def _sizes(analysis: Analysis, launch: Launch, poly: Poly) -> dict[Atom, int]:
    """What the atoms of a polynomial are in a launch, as far as they are of the launch."""
    found: dict[Atom, int] = {}
    for atom in poly.atom_set:
        if isinstance(atom.form, Alias):
            value = _value(atom.form.definition, _sizes(analysis, launch, atom.form.definition))
            if value is not None:
                found[atom] = value
        match analysis.launch.quantities.get(atom):
            case Special(register=Register.GRID_DIM, axis=axis):
                found[atom] = launch.grid[axis]
            case Special(register=Register.BLOCK_DIM, axis=axis):
                found[atom] = launch.block[axis]
            case Param(name=name) if name in launch.scalars:
                found[atom] = int(launch.scalars[name])
            case Dim(array=array, axis=axis) if array in launch.arrays:
                found[atom] = launch.arrays[array].shape[axis]
            case _:
                pass
    return found


def _value(poly: Poly, values: Mapping[Atom, int]) -> int | None:
    total = 0
    for monomial, coefficient in poly.terms.items():
        product = coefficient
        for atom in monomial:
            factor = values.get(atom)
            if factor is None:
                return None
            product *= factor
        total += product
    return total
