"""`oxide pipeline`: every stage of a kernel, in order, or those that are asked for."""

import re
from pathlib import Path

import pytest

from oxide.cli import main

EXAMPLES = Path(__file__).parent.parent / "examples"
BLOCK_SUM = str(EXAMPLES / "block_sum.py")
STAGES = ["source", "ir", "facts", "obligations", "llvm", "optimised", "ptx", "resources"]


def test_all_stages_come_in_order(capsys):
    assert main(["pipeline", BLOCK_SUM]) == 0
    out = capsys.readouterr().out
    assert out.startswith("block_sum: proved\n")
    parts = re.split(r"^──── (\w+) ────$", out, flags=re.MULTILINE)[1:]
    assert parts[::2] == STAGES
    shown = dict(zip(parts[::2], parts[1::2], strict=True))
    assert "37 |             tile[t] += tile[t + stride]" in shown["source"]
    assert "kernel block_sum(" in shown["ir"]
    assert "  len(out) >= grid_dim.x  (declared)" in shown["facts"]
    assert re.search(r"write tile\[thread.x\]  where stride'\d+ >= 1, ", shown["facts"])
    assert "  stride: i64 in 0 … 128" in shown["facts"]
    assert re.search(r"^affine +race: write tile\[thread.x\] .* by two", shown["obligations"], re.M)
    assert "UNPROVED" not in shown["obligations"]
    # Variables are in memory at first, and in registers behind the optimiser.
    assert "alloca" in shown["llvm"]
    assert "alloca" not in shown["optimised"]
    assert ".visible .entry block_sum_kernel(" in shown["ptx"]
    assert "1024 bytes of shared memory" in shown["resources"]


def test_a_stage_that_is_asked_for_needs_no_other(tmp_path, capsys):
    kernel = tmp_path / "k.py"
    kernel.write_text(
        "from oxide import DisjointSlice, block, f32, kernel, thread\n\n\n"
        "@kernel\ndef k(out: DisjointSlice[f32]) -> None:\n"
        "    out[thread.x] = f32(block.x)\n"
    )
    # Nothing compiles, and all that comes before is there.
    assert main(["pipeline", str(kernel), "--stage", "obligations"]) == 0
    out = capsys.readouterr().out
    assert "VIOLATED    race between blocks: write out[thread.x] (6:5) by two threads" in out
    assert main(["pipeline", str(kernel), "--stage", "ptx"]) == 1
    assert "`k` does not compile: it is violated" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["histogram", "softmax", "stencil_2d", "gemm", "transpose"])
def test_obligations_of_examples_are_proved(name, capsys):
    stages = ["--stage", "facts", "--stage", "obligations"]
    assert main(["pipeline", str(EXAMPLES / f"{name}.py"), *stages]) == 0
    out = capsys.readouterr().out
    assert "VIOLATED" not in out
    assert "UNPROVED" not in out
