"""Grid, block and contract, before anything runs."""

import pytest

import oxide
from oxide_analyzer import contract
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Logic,
    LogicOp,
    Param,
    Read,
    Register,
    Special,
)
from oxide_analyzer.ir.nodes import Local as LocalVariable
from oxide_analyzer.language.types import I32, I64, U32
from oxide_analyzer.source import Span
from oxide_codegen.geometry import block_extent, grid_extent
from oxide_codegen.streams import queue

HERE = Span("k.py", 1, 1, 1, 2)


def test_extents_become_triples():
    assert grid_extent("k", 4) == (4, 1, 1)
    assert grid_extent("k", (4, 5)) == (4, 5, 1)
    assert grid_extent("k", [2**31 - 1, 65535, 65535]) == (2**31 - 1, 65535, 65535)
    assert grid_extent("k", 0) == (0, 1, 1)
    assert block_extent("k", (8, 2, 64)) == (8, 2, 64)


@pytest.mark.parametrize(
    ("extent", "value", "error", "message"),
    [
        (block_extent, 1025, ValueError, "1025 threads along x"),
        (block_extent, (32, 33), ValueError, "has 1056 threads"),
        (block_extent, (1, 1, 65), ValueError, "65 threads along z"),
        (block_extent, 0, ValueError, "0 threads along x"),
        (block_extent, -1, ValueError, "-1 threads"),
        (grid_extent, 2**31, ValueError, "blocks along x"),
        (grid_extent, (1, 65536), ValueError, "blocks along y"),
        (grid_extent, -1, ValueError, "-1 blocks"),
        (grid_extent, 1.0, TypeError, "got 1.0"),
        (grid_extent, (), TypeError, "one to three extents"),
        (grid_extent, (1, 1, 1, 1), TypeError, "one to three extents"),
        (grid_extent, "4", TypeError, "got '4'"),
        (grid_extent, None, TypeError, "got None"),
    ],
)
def test_extents_that_cannot_be(extent, value, error, message):
    with pytest.raises(error, match=message) as caught:
        extent("k", value)
    assert isinstance(caught.value, oxide.LaunchError)
    assert caught.value.parameter == ("block" if extent is block_extent else "grid")


def const(value, type_=I64):
    return Const(value, type_, HERE)


GIVEN = contract.Given({"n": 2**31 - 1, "m": -7}, {"a": (10, 3)}, (4, 1, 1), (256, 2, 1))


def test_conditions_are_evaluated_over_the_integers():
    n = Param("n", I32, HERE)
    product = Binary(BinaryOp.MUL, n, n, I32, HERE)
    assert contract.value(product, GIVEN) == (2**31 - 1) ** 2
    below = Binary(BinaryOp.SUB, const(0, U32), const(1, U32), U32, HERE)
    assert contract.value(below, GIVEN) == -1
    m = Param("m", I32, HERE)
    assert contract.value(Binary(BinaryOp.FLOORDIV, m, const(2), I32, HERE), GIVEN) == -4
    assert contract.value(Convert(n, I64, HERE), GIVEN) == 2**31 - 1
    assert contract.value(Dim("a", 1, HERE), GIVEN) == 3
    assert contract.value(Special(Register.BLOCK_DIM, 1, HERE), GIVEN) == 2
    assert contract.value(Special(Register.GRID_DIM, 0, HERE), GIVEN) == 4


def test_the_sides_of_what_does_not_hold_are_shown():
    size = Compare(CompareOp.GE, Dim("a", 0, HERE), Special(Register.GRID_DIM, 0, HERE), HERE)
    wide = Compare(CompareOp.GE, Dim("a", 1, HERE), const(5), HERE)
    both = Logic(LogicOp.AND, size, wide, HERE)
    assert contract.value(both, GIVEN) is False
    assert contract.sides(both, GIVEN) == (3, CompareOp.GE, 5)


def test_what_no_launch_fixes_is_not_evaluated():
    with pytest.raises(contract.NotEvaluable):
        contract.value(Read(LocalVariable("x", I64), HERE), GIVEN)
    with pytest.raises(contract.NotEvaluable):
        contract.value(Special(Register.THREAD, 0, HERE), GIVEN)


class Foreign:
    def __cuda_stream__(self):
        return 0, 1234


def test_streams():
    assert queue("k", None).handle is None
    assert queue("k", 0).handle is None
    assert queue("k", 77).handle == 77
    assert queue("k", Foreign()).handle == 1234
    assert queue("k", oxide.stream("cpu")).is_cpu
    for value in ("main", True, -1, 1.5):
        with pytest.raises(oxide.LaunchTypeError, match="`stream`"):
            queue("k", value)
