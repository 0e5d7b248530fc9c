"""`oxide inspect`: each stage of a kernel, and what is said where there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oxide.cli import failure, main
from oxide_codegen import toolchain
from oxide_codegen.occupancy import occupancy
from oxide_codegen.target import capabilities

EXAMPLES = Path(__file__).parent.parent / "examples"
VECADD = str(EXAMPLES / "vecadd.py")


@pytest.mark.parametrize(
    ("stage", "parts"),
    [
        ("ir", ["# vecadd: proved", "kernel vecadd(", "store c[i]"]),
        ("llvm", ["; vecadd: proved", "define ptx_kernel void @vecadd_kernel("]),
        ("ptx", ["// vecadd: proved", ".target sm_90", ".entry vecadd_kernel(", "st.global"]),
    ],
)
def test_stages(stage: str, parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", VECADD, "--stage", stage]) == 0
    out = capsys.readouterr().out
    for part in parts:
        assert part in out


def test_target_and_resources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", f"{VECADD}:vecadd", "--sm", "sm_75"]) == 0
    out = capsys.readouterr().out
    assert ".target sm_75" in out
    assert "//   vecadd_kernel for sm_75: " in out
    assert "registers" in out
    assert "len(a) >= len(c)" in out
    assert "(declared)" in out


def test_several_elements_per_thread(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", VECADD]) == 0
    out = capsys.readouterr().out
    assert "//   coarsening: 4 elements per thread where a launch is large: " in out
    assert ".entry vecadd_kernel(" in out
    assert ".entry vecadd_kernel_x4(" in out
    assert "st.global.v4" in out
    assert main(["inspect", VECADD, "--without", "coarsening"]) == 0
    out = capsys.readouterr().out
    assert "//   coarsening: left out" in out
    assert ".entry vecadd_kernel(" in out
    assert "st.global.v4" not in out
    assert main(["inspect", str(EXAMPLES / "block_sum.py")]) == 0
    out = capsys.readouterr().out
    assert "//   coarsening: one element per thread: the kernel has " in out


GEMM = str(EXAMPLES / "gemm.py")


def test_what_a_proof_gains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", GEMM]) == 0
    said = capsys.readouterr().out
    for line in (
        "// for launches with fewer than 2**30 elements in each array",
        "//   checks: 7 of 7 sites proved, nothing is checked at run time",
        "//   indices: 32 bits, for launches with fewer than 2**30 elements",
        "//   read-only: `a` and `b` are read past the coherent cache (2 of 2 loads)",
        "//   aliases: `c` is apart from all other arrays",
        "//   alignment: arrays start at multiples of 16 bytes",
        "//   unrolling: 1 loop whole",
        "//   coarsening: one element per thread: the kernel has a loop",
    ):
        assert line in said
    assert main(["inspect", GEMM, "--without", "checks,indices,read-only,aliases,alignment"]) == 0
    plain = capsys.readouterr().out
    assert "// for launches of every size" in plain
    assert "//   checks: left out: all 7 sites are checked at run time, 7 of them proved" in plain
    for name in ("indices", "read-only", "aliases", "alignment"):
        assert f"//   {name}: left out" in plain
    assert "ld.global.nc" in said
    assert "ld.global.nc" not in plain
    assert main(["inspect", GEMM, "--without", "aliazes"]) == 2
    assert "did you mean `aliases`?" in capsys.readouterr().err


def test_lines_stand_beside_their_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", VECADD, "--form", "every"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"// \d+ +c\[i\] = a\[i\] \+ b\[i\]\n\tld\.global\.nc", out)
    assert ".loc" not in out
    assert main(["inspect", VECADD, "--form", "every", "--plain"]) == 0
    assert "\t.loc\t1 " in capsys.readouterr().out


@pytest.mark.skipif(
    toolchain.ptxas() is None or toolchain.nvdisasm() is None,
    reason="ptxas or nvdisasm is not installed",
)
def test_instructions_of_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", VECADD, "--stage", "sass", "--form", "ordinary"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"// \d+ +c\[i\] = a\[i\] \+ b\[i\]\n    LDG", out)
    assert "occupancy in blocks of 256 threads: 8 blocks, 64 of 64 warps (100 %)" in out


def test_machine_code_wants_tools(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toolchain, "nvdisasm", lambda: None)
    assert main(["inspect", VECADD, "--stage", "sass"]) == 2
    assert "machine code needs ptxas and nvdisasm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sm", "threads", "registers", "shared", "blocks", "limit"),
    [
        ("sm_90", 256, 32, 0, 8, "warps"),
        ("sm_90", 256, 60, 0, 4, "registers"),
        ("sm_90", 32, 16, 0, 32, "blocks"),
        ("sm_90", 128, 16, 100 * 1024, 2, "shared memory"),
        ("sm_75", 1024, 64, 0, 1, "warps"),
        ("sm_86", 1024, 32, 0, 1, "warps"),
        # A scheduler has room for five such warps, which is not a whole block of four each.
        ("sm_80", 512, 96, 0, 1, "registers"),
    ],
)
def test_occupancy(
    sm: str, threads: int, registers: int, shared: int, blocks: int, limit: str
) -> None:
    found = occupancy(capabilities(sm), threads, registers, shared)
    assert (found.blocks, found.limit) == (blocks, limit)
    assert found.warps == blocks * threads // 32


def test_violated_kernel_is_shown_with_its_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = (EXAMPLES / "vecadd.py").read_text(encoding="utf-8")
    broken = tmp_path / "broken.py"
    broken.write_text(kernel.replace("if i < len(c):", "if i <= len(c):"), encoding="utf-8")
    assert main(["inspect", str(broken)]) == 1
    captured = capsys.readouterr()
    assert "error[OX301]" in captured.err
    assert "`vecadd` does not compile: it is violated" in captured.err
    assert ".entry" not in captured.out
    assert main(["inspect", str(broken), "--stage", "ir"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"{VECADD}:vecsub"], "there is no kernel `vecsub`"),
        ([VECADD, "--sm", "sm_1"], "`sm_1` is not a target"),
        (["nowhere.py"], "cannot read `nowhere.py`"),
        ([__file__.replace("test_cli_inspect", "mdtest")], "there is no kernel in"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(failure, "find_spec", lambda name: None)
    assert main(["inspect", VECADD]) == 2
    expected = "oxide inspect: this needs llvmlite: pip install 'oxide-kernels[cpu]'\n"
    assert capsys.readouterr().err == expected
