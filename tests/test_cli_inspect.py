"""`oxide inspect`: each stage of a kernel, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide.cli import failure, main

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
    assert "//   4 elements per thread where a launch is large: " in out
    assert ".entry vecadd_kernel(" in out
    assert ".entry vecadd_kernel_x4(" in out
    assert "st.global.v4" in out
    assert main(["inspect", VECADD, "--no-coarsening"]) == 0
    out = capsys.readouterr().out
    assert ".entry vecadd_kernel(" in out
    assert "st.global.v4" not in out
    assert main(["inspect", str(EXAMPLES / "block_sum.py")]) == 0
    out = capsys.readouterr().out
    assert "//   one element per thread: the kernel has " in out


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
