"""Operands, values or literals whose types do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.language.types import Kind
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from oxide_analyzer.language.types import Scalar

RULE = Rule("OX003", "type-mismatch", Severity.ERROR)


def needs_cast(what: str, wanted: Scalar, given: Scalar, text: str) -> str:
    """A value of another type than its place; `text` is its source."""
    return f"{what} is {wanted}, the value is {given}; write `{wanted}({text})`"


def of_name(name: str, elsewhere: Scalar, here: Scalar) -> str:
    """A name that is assigned what no one type holds."""
    cast = here if elsewhere.kind is Kind.BOOL else elsewhere
    return (
        f"`{name}` is {elsewhere} elsewhere and {here} here; "
        f"write `{cast}(…)`, or give one of them another name"
    )


def no_common_type(operator: str, left: Scalar, right: Scalar) -> str:
    """Operands that meet in no type: signs are mixed, bool is computed with, f16 meets bf16."""
    if left.kind is Kind.BOOL or right.kind is Kind.BOOL:
        number = right if left.kind is Kind.BOOL else left
        return f"`{operator}` between {left} and {right}; write `{number}(…)` round the bool"
    if left.is_float and right.is_float:
        return f"`{operator}` between {left} and {right}; write `{left}(…)` or `f32(…)`"
    wide = left if left.is_signed else right
    other = right if wide is left else left
    return f"`{operator}` mixes the signs of {left} and {right}; write `{wide}(…)` or `{other}(…)`"


def does_not_fit(value: object, type: Scalar, what: str) -> str:
    """A literal that its type does not hold."""
    return f"literal {value} does not fit {what}, which is {type}"
