"""The check of well-formedness finds what is not well formed."""

from __future__ import annotations

from dataclasses import replace

from frontend.reading import in_kernel, kernel
from oxide_analyzer.ir.kernel import Kernel
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Break,
    Const,
    Leave,
    Load,
    Local,
    Read,
    Return,
    Stmt,
    Symbol,
)
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.language.types import F32, I32, I64

BASE = kernel(in_kernel("r = n // k"))
SPAN = BASE.span
ONE = Const(1, I64, SPAN)


def problems(*statements: Stmt) -> list[str]:
    return verify(replace(BASE, body=(*BASE.body, *statements)))


def test_well_formed() -> None:
    assert problems() == []


def test_types() -> None:
    assert problems(Assign(Local("q", F32), ONE, SPAN)) == ["value of q is i64, not f32"]
    mixed = Binary(BinaryOp.ADD, ONE, Const(1, I32, SPAN), I64, SPAN)
    assert problems(Assign(Local("q", I64), mixed, SPAN)) == ["right side of + is i32, not i64"]
    assert problems(Assign(Local("r", F32), Const(0.0, F32, SPAN), SPAN))[0].startswith(
        "local r is"
    )
    assert problems(Assign(Local("q", I32), Const(1 << 40, I32, SPAN), SPAN)) != []


def test_names() -> None:
    assert "is no array" in problems(Load(Local("q", F32), "nope", (ONE,), 9, SPAN))[0]
    assert "rank 1" in problems(Load(Local("q", F32), "a", (ONE, ONE), 9, SPAN))[0]
    assert "constants" in problems(Assign(Local("q", I64), Symbol("N", I64, SPAN), SPAN))[0]
    assert problems(Assign(Local("q", I64), Read(Local("r", I32), SPAN), SPAN)) != []


def test_sites_and_jumps() -> None:
    assert problems(Return(0, SPAN)) == ["site 0 is used twice"]
    assert problems(Break(SPAN)) == ["break or continue outside of a loop"]
    assert problems(Leave(0, SPAN)) == ["leave of region 0 outside of it"]
    divided = Binary(BinaryOp.MOD, ONE, ONE, I64, SPAN, site=7)
    assert "without its check" in problems(Assign(Local("q", I64), divided, SPAN))[0]


def test_kernel_without_its_array() -> None:
    broken: Kernel = replace(BASE, arrays={})
    assert any("has no array" in problem for problem in verify(broken))
