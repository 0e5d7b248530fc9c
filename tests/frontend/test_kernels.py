"""Whole kernels as text: what the rest of Oxide is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.reading import kernel, lines
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.show import show
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))

BLOCK_SUM = """
from oxide import *

BLOCK = 256

@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]
"""


def test_block_sum() -> None:
    assert (
        show(kernel(BLOCK_SUM))
        == lines(
            """
        kernel block_sum(a: read-only f32[1], out: disjoint f32[1])
          block $BLOCK, 1, 1
          requires (out.shape[0] >= grid_dim.x)
          constant BLOCK: i64 = 256
          shared tile: f32[$BLOCK]
          t: i64 = thread.x
          i: i64 = ((block.x * block_dim.x) + thread.x)
          if (i < a.shape[0]):
            %1 = load a[i]  @0
            %2: f32 = %1
          else:
            %2: f32 = 0.0
          store tile[t] = %2  @1
          barrier  @2
          stride: i64 = ($BLOCK // 2)
          while (stride > 0):
            if (t < stride):
              %3 = load tile[t]  @3
              %4 = load tile[(t + stride)]  @4
              store tile[t] = (%3 + %4)  @5
            barrier  @6
            stride: i64 = (stride // 2)
          if (t == 0):
            %5 = load tile[0]  @7
            store out[block.x] = %5  @8
        """
        )
        + "\n"
    )


def test_specialised_block_sum() -> None:
    made = specialise(kernel(BLOCK_SUM), {"BLOCK": 64})
    text = show(made)
    assert made.constants == ()
    assert "  block 64, 1, 1\n" in text
    assert "  shared tile: f32[64]\n" in text
    assert "  stride: i64 = 32\n" in text
    assert "$" not in text


def test_specialisation_leaves_out_what_cannot_happen() -> None:
    made = kernel(
        """
        from oxide import *
        BIAS = False
        N = 4
        F = 0.1
        @kernel
        def k(n: i32, out: DisjointSlice[f32]):
            if BIAS and n > 0:
                out[0] = 1
            elif N > 3:
                out[N % 3] = n // N + F
            while BIAS:
                out[1] = 2
            r = N if n > 0 and N == 4 else n % 2
        """
    )
    special = specialise(made, source_values(made))
    assert verify(special) == []
    assert lines(show(special).partition("\n")[2]) == lines(
        """
        store out[1] = (f32((n // (i32 4))) + 0.10000000149011612)  @2
        r: i32 = ((i32 4) if (n > (i32 0)) else (n % (i32 2)))
        """
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [(1.5, "an integer in the kernel"), (True, "an integer"), (2**70, "i64 does not hold")],
)
def test_value_of_another_kind_is_refused(value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        specialise(kernel(BLOCK_SUM), {"BLOCK": value})


def test_zero_divisor_keeps_its_check() -> None:
    made = kernel("from oxide import *\nN = 0\n@kernel\ndef k(n: i64):\n    r = n // N\n")
    special = specialise(made, {"N": 0})
    assert verify(special) == []
    assert "check divisor 0  @0" in show(special)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_well_formed(path: Path) -> None:
    found = read(SourceFile(str(path), path.read_text(encoding="utf-8")), NoModules())
    assert found.diagnostics == ()
    for made in found.kernels:
        assert verify(made) == []
        special = specialise(made, source_values(made))
        assert verify(special) == []
        assert special.constants == ()
