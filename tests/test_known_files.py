"""Files of which everything is known: read again only where something that was read is another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from oxide.cli import checking
from oxide.cli.checking import Task, answer
from oxide.cli.inputs import Input
from oxide_analyzer import analysis, encoding
from oxide_analyzer.configuration import Configuration
from oxide_analyzer.diagnostics import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from oxide_analyzer.report import Report

KERNEL = """
from numba import cuda

from sizes import BLOCK

@cuda.jit
def scale(x):
    tile = cuda.shared.array(BLOCK, 'f4')
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    x[t] = tile[BLOCK - 1 - t]
"""
LAUNCH = """
from numba import cuda
import numpy as np
from kernels import scale

def main():
    x = cuda.to_device(np.zeros(64, dtype=np.float32))
    scale[1, 64](x)
"""


class Project:
    """A folder whose files are checked with a cache; `read` are those that were read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.read: list[str] = []
        check = analysis.check

        def counting(source, *others):
            self.read.append(source.path)
            return check(source, *others)

        monkeypatch.setattr(analysis, "check", counting)
        monkeypatch.chdir(folder)
        self.write("kernels.py", KERNEL)
        self.write("sizes.py", "from defaults import BLOCK\n")
        self.write("defaults.py", "BLOCK = 64\n")
        self.write("run.py", LAUNCH)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def check(self, name: str, timeout: float | None = None, fixes: str = "none") -> Report:
        """The report on a file, from what another process kept."""
        checking._known.cache_clear()
        entry = Input(self.folder / name, name, Configuration(root=self.folder))
        chosen = checking.selected(entry, None, None)
        found = answer(Task(entry, chosen, fixes, timeout, str(self.folder / "cache")))
        assert found is not None
        return found.report

    def words(self, name: str, fixes: str = "none") -> str:
        """The same as text, which is equal for equal reports."""
        return encoding.dump(self.check(name, fixes=fixes))

    def verdict(self, name: str) -> Verdict:
        (kernel,) = self.check(name).kernels
        return kernel.verdict


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


def test_nothing_is_read_again_while_nothing_changes(project: Project) -> None:
    first = project.words("run.py"), project.words("kernels.py")
    assert project.read == ["run.py", "kernels.py"]
    assert (project.words("run.py"), project.words("kernels.py")) == first
    assert project.read == ["run.py", "kernels.py"]
    project.write("other.py", "BLOCK = 1\n")
    assert project.words("kernels.py") == first[1]
    assert project.read == ["run.py", "kernels.py"]


@pytest.mark.parametrize("name", ["kernels.py", "sizes.py", "defaults.py"])
def test_what_a_launch_leads_to_is_read_anew(project: Project, name: str) -> None:
    assert project.verdict("run.py") is Verdict.PROVED
    assert project.read == ["run.py"]
    match name:
        case "kernels.py":
            project.write(name, KERNEL.replace("BLOCK - 1 - t", "BLOCK - t"))
        case "sizes.py":
            project.write(name, "BLOCK = 32\n")
        case _:
            project.write(name, "BLOCK = 16\n")
    assert project.verdict("run.py") is Verdict.VIOLATED
    assert project.read == ["run.py", "run.py"]
    project.write("kernels.py", KERNEL)
    project.write("sizes.py", "from defaults import BLOCK\n")
    project.write("defaults.py", "BLOCK = 64\n")
    assert project.verdict("run.py") is Verdict.PROVED


def test_a_module_that_comes_or_goes_is_another_answer(project: Project) -> None:
    (project.folder / "sizes.py").unlink()
    unknown = project.words("kernels.py")
    project.write("sizes.py", "BLOCK = 32\n")
    known = project.words("kernels.py")
    assert known != unknown
    (project.folder / "sizes.py").unlink()
    package = project.folder / "sizes"
    package.mkdir()
    (package / "__init__.py").write_text("BLOCK = 32\n", encoding="utf-8")
    project.words("kernels.py")
    assert project.read == ["kernels.py"] * 3


def test_what_was_stopped_is_not_known(project: Project) -> None:
    project.check("run.py", timeout=1e-9)
    assert project.verdict("run.py") is Verdict.PROVED
    assert project.read == ["run.py", "run.py"]


def test_what_fixes_make_of_a_file_is_not_known_as_the_file(project: Project) -> None:
    project.write("kernels.py", KERNEL.replace("    cuda.syncthreads()\n", ""))
    before = project.words("kernels.py")
    assert project.words("kernels.py", fixes="all") != before
    assert project.words("kernels.py") == before


def test_a_notebook_is_known_by_its_cells(project: Project) -> None:
    def written(*cells: str) -> None:
        book = {
            "cells": [{"cell_type": "code", "metadata": {}, "source": cell} for cell in cells],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        project.write("book.ipynb", json.dumps(book))

    written(KERNEL, LAUNCH.replace("from kernels import scale\n", "") + "\nmain()\n")
    first = project.words("book.ipynb")
    assert project.words("book.ipynb") == first
    assert len(project.read) == 1
    written(KERNEL, LAUNCH.replace("from kernels import scale\n", "").replace("64]", "128]"))
    assert project.words("book.ipynb") != first
    assert len(project.read) == 2
