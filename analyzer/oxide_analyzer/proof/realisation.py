"""A launch made of a solver's model: sizes, scalars, and elements of read-only arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Element
from oxide_analyzer.ir.nodes import Dim, Param, Register, Special
from oxide_analyzer.launch import Contents
from oxide_analyzer.proof.launches import keeps_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom, Poly
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
    grid, block = extents[Register.GRID_DIM], extents[Register.BLOCK_DIM]
    launch = admitted.with_values(
        (grid[0], grid[1], grid[2]), (block[0], block[1], block[2]), scalars, lengths
    )
    if launch is None:
        return None
    filled = _with_elements(launch, model)
    return filled if keeps_data(analysis.kernel, filled) else None


def _with_elements(launch: Launch, model: Model) -> Launch:
    arrays = dict(launch.arrays)
    for atom, value in model.values.items():
        if not isinstance(atom.form, Element) or atom.form.array not in arrays:
            continue
        held = arrays[atom.form.array]
        place = 0
        for poly, extent in zip(atom.form.index, held.shape, strict=True):
            index = _value(poly, model.values)
            if index is None or not 0 <= index < extent:
                break
            place = place * extent + index
        else:
            values = list(held.values)
            values[place] = value
            arrays[atom.form.array] = Contents(held.shape, tuple(values))
    return replace(launch, arrays=arrays)


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
