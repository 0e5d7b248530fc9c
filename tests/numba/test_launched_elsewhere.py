"""Kernels that one file has and another launches, and names that come by `import *`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oxide.cli import main_check

KERNELS = """\
from numba.cuda import *
from math import *
from sizes import *


@jit
def scaled(x, out):
    i = grid(1)
    if i < x.size:
        out[i] = sqrt(x[i]) * FACTOR


@jit
def reversed_in_blocks(x, out):
    s = shared.array(BLOCK, float32)
    i = grid(1)
    s[threadIdx.x] = doubled(x[i])
    syncthreads()
    out[i] = s[blockDim.x - 1 - threadIdx.x]


@jit
def never_launched(x):
    x[grid(1) // 2] = grid(1)


@jit(device=True)
def doubled(v):
    return 2 * v
"""
SIZES = 'FACTOR = 2.5\nBLOCK = 64\n__all__ = ["FACTOR", "BLOCK"]\n'
TRAIN = """\
import numpy as np
from kernels import *

x = np.ones(128, np.float32)
scaled[2, 64](x, np.zeros(128))
reversed_in_blocks[2, 64](x, np.zeros(128))
"""
WRONG = """\
import numpy as np
import kernels

kernels.scaled[2, 64](np.ones(128), np.zeros(100))
kernels.reversed_in_blocks[2, 64](np.ones(128), np.zeros(128))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path / "known"))
    for name, text in (("kernels", KERNELS), ("sizes", SIZES), ("train", TRAIN)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], *paths: str) -> tuple[dict[str, Any], list[Any]]:
    """The kernels by name, and the findings but information."""
    main_check(["--format", "json", *paths])
    report = json.loads(capsys.readouterr().out)
    kernels = {k["name"]: (k["path"], k["verdict"], k["launches"]) for k in report["kernels"]}
    assert len(kernels) == len(report["kernels"])
    said = [d for d in report["diagnostics"] if d["severity"] != "information"]
    return kernels, [(d["path"], d["line"], d["code"], d["kernel"]) for d in said]


def test_a_kernel_is_judged_for_the_launches_of_all_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    race = ("kernels.py", 24, "OX102", "never_launched")
    launched = {
        "scaled": ("kernels.py", "proved", ["train.py:5"]),
        "reversed_in_blocks": ("kernels.py", "proved", ["train.py:6"]),
        "never_launched": ("kernels.py", "violated", []),
    }
    assert found(capsys, ".") == (launched, [race])
    # The worst of the launches decides; what is known of the others is as it was.
    (folder / "wrong.py").write_text(WRONG)
    launched["scaled"] = ("kernels.py", "violated", ["train.py:5", "wrong.py:4"])
    launched["reversed_in_blocks"] = ("kernels.py", "proved", ["train.py:6", "wrong.py:5"])
    assert found(capsys, ".") == (launched, [("kernels.py", 10, "OX301", "scaled"), race])
    # By itself it is judged for what it shows.
    assert found(capsys, "kernels.py")[0]["scaled"] == ("kernels.py", "proved", [])
    assert found(capsys, "train.py")[0]["scaled"] == ("kernels.py", "proved", ["train.py:5"])


def test_a_launch_that_was_changed_is_judged_anew(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(capsys, ".")[0]["scaled"][1] == "proved"
    (folder / "train.py").write_text(TRAIN.replace("np.zeros(128)", "np.zeros(127)", 1))
    kernels, said = found(capsys, ".")
    assert kernels["scaled"][1] == "violated"
    assert ("kernels.py", 10, "OX301", "scaled") in said
    # Constants that come by `import *` count as well.
    (folder / "train.py").write_text(TRAIN)
    (folder / "sizes.py").write_text(SIZES.replace("64", "32"))
    assert found(capsys, ".")[0]["reversed_in_blocks"][1] == "violated"


def test_what_hides_a_finding_of_another_files_launch_is_used(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = "out[i] = sqrt(x[i]) * FACTOR  # oxide: ignore[OX301] who launches it knows"
    text = KERNELS.replace("out[i] = sqrt(x[i]) * FACTOR", hidden)
    (folder / "kernels.py").write_text(text)
    (folder / "train.py").write_text(WRONG)
    assert found(capsys, ".")[1] == [("kernels.py", 24, "OX102", "never_launched")]
