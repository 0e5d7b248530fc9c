"""Numbers of the program that kernels see: what may be changed before a launch is none that is
known."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.numba import read
from oxide_analyzer.frontends.oxide.remembered import Remembered
from oxide_analyzer.modules import NoModules, ProjectModules
from oxide_analyzer.source import SourceFile

HEAD = """\
import numpy as np
from numba import cuda
"""
TABLE = """\
LUT = np.array([0, 1, 2, 3])
@cuda.jit
def kernel(out):
    i = cuda.threadIdx.x
    if i < 4:
        out[LUT[i]] = i
"""
SIZED = """\
@cuda.jit
def kernel(out):
    i = cuda.threadIdx.x
    if i < {size}:
        out[i] = 1
"""
LAUNCH = "kernel[1, 128](np.zeros(64))\n"


def verdict(text: str, folder: Path | None = None) -> tuple[Verdict, list[str]]:
    modules = NoModules() if folder is None else ProjectModules((folder,))
    [kernel] = check(SourceFile("k.py", HEAD + text), modules).kernels
    return kernel.verdict, [fact.text for fact in kernel.facts]


@pytest.mark.parametrize(
    "change",
    [
        "LUT[0] = 1000",
        "LUT += 70",
        "def fill():\n    LUT[:] = 70\nfill()",
        "same = LUT\nsame[1] = 0",
        "LUT.fill(99)",
        "np.add(LUT, 100, out=LUT)",
        "globals()['LUT'] = np.array([0, 0, 0, 0])",
    ],
)
def test_a_table_that_is_changed_is_not_what_was_written(change: str) -> None:
    assert verdict(f"{TABLE}{change}\n{LAUNCH}")[0] is Verdict.UNPROVED


def test_a_table_that_is_looked_at_is_what_was_written() -> None:
    looked = "print(LUT.sum(), LUT[0], len(LUT), [k for k in LUT])\nsize = LUT.size\n"
    assert verdict(TABLE + looked + LAUNCH)[0] is Verdict.PROVED


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ("N", "N = 64\nglobals()['N'] = 128\n"),
        ("N", "N = 64\nglobals().update(N=128)\n"),
        ("settings.N", "import settings\nsettings.N = 128\n"),
        ("settings.N", "import settings\nsetattr(settings, 'N', 128)\n"),
        ("settings.N", "import settings\nsettings.change(128)\n"),
    ],
)
def test_a_number_that_is_assigned_elsewhere_is_open(size: str, text: str, tmp_path: Path) -> None:
    settings = "N = 64\nM = 64\ndef change(n):\n    global N\n    N = n\n"
    (tmp_path / "settings.py").write_text(settings, encoding="utf-8")
    of_it = f"len(out) >= {size}"
    found = verdict(text + SIZED.format(size=size) + LAUNCH, tmp_path)
    assert found[0] is Verdict.UNPROVED or of_it in found[1]
    text = "import settings\nsettings.N = 128\n" + SIZED.format(size="settings.M")
    assert verdict(text + LAUNCH, tmp_path)[0] is Verdict.PROVED


@pytest.mark.parametrize(
    "change",
    [
        "    def change():\n        nonlocal n\n        n = 128\n    change()\n",
        "    n = 128\n",
    ],
)
def test_a_number_of_a_factory_is_what_its_functions_leave(change: str) -> None:
    kernel = "".join(f"    {line}\n" for line in SIZED.format(size="n").splitlines())
    text = f"def make():\n    n = 64\n{kernel}{change}    return kernel\n"
    found, facts = verdict(text + "make()" + LAUNCH.removeprefix("kernel"))
    assert found is not Verdict.PROVED or "len(out) >= n" in facts


def test_an_edit_that_changes_a_table_reaches_the_kernels_that_see_it() -> None:
    remembered: Remembered[object] = Remembered()
    text = HEAD + TABLE + "def fill():\n    pass\n"
    for changed in (text, text.replace("pass", "LUT[:] = 70")):
        source = SourceFile("k.py", changed)
        fresh = read(source, NoModules())
        assert repr(read(source, NoModules(), remembered)) == repr(fresh)  # type: ignore[arg-type]
