"""Which of several signatures a launch is for: the one that changes its arguments the least.

    signatures (float32, float32) and (float64, float64), arguments 1 and 0.5: the second one

Conversions are, as in Numba, of three kinds: what is promoted stays what it is in a wider type of
its kind, what is safe becomes another kind that holds it, and all else may lose something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.given import ScalarForm, TupleForm
from oxide_analyzer.language.types import Kind, Scalar

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.given import Form

_WIDE = 32


def conversions(given: tuple[Form, ...], declared: tuple[Form, ...]) -> tuple[int, int, int]:
    """How many arguments may lose something, are safely converted, and are promoted."""
    unsafe = safe = promoted = 0
    for one, other in zip(given, declared, strict=True):
        match one, other:
            case ScalarForm(type=Scalar() as own), ScalarForm(type=Scalar() as wanted) if (
                own != wanted
            ):
                promoted += _is_promoted(own, wanted)
                safe += _is_safe(own, wanted)
                unsafe += not (_is_promoted(own, wanted) or _is_safe(own, wanted))
            case TupleForm(items=items), TupleForm(items=others):
                inner = conversions(items, others)
                unsafe, safe, promoted = unsafe + inner[0], safe + inner[1], promoted + inner[2]
            case _:
                pass
    return unsafe, safe, promoted


def _is_promoted(own: Scalar, wanted: Scalar) -> bool:
    return own.kind is wanted.kind and own.bits < wanted.bits


def _is_safe(own: Scalar, wanted: Scalar) -> bool:
    if own.kind is Kind.BOOL:
        return True
    if wanted.is_float:
        return own.is_integer and (wanted.bits > _WIDE or own.bits < _WIDE)
    return own.kind is Kind.UNSIGNED and wanted.kind is Kind.SIGNED and own.bits < wanted.bits
