"""Every file of some of the standard library, and of these tests, is read without an exception.

Fast reading skips files without the word, so each is given a line with it; then its functions are
made kernels, which few of them are.
"""

from __future__ import annotations

import asyncio
import concurrent
import json
import re
from pathlib import Path

import pytest

from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

TESTS = Path(__file__).parents[1]
FOLDERS = [Path(package.__path__[0]) for package in (json, asyncio, concurrent)]
FILES = sorted(
    path for folder in (*FOLDERS, TESTS, TESTS.parent / "examples") for path in folder.rglob("*.py")
)
_DEF = re.compile(r"^([ \t]*)(?=(?:async )?def )", re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_is_read(path: Path) -> None:
    text = _text(path)
    found = read(SourceFile(str(path), text + "\n# oxide\n"), NoModules())
    for kernel in found.kernels:
        assert verify(kernel) == []
    for finding in found.diagnostics:
        assert 1 <= finding.span.line <= text.count("\n") + 2


@pytest.mark.parametrize(
    "path", [path for path in FILES if TESTS not in path.parents], ids=lambda path: path.name
)
def test_every_function_as_a_kernel(path: Path) -> None:
    text = _DEF.sub(r"\1@oxide_kernel\n\1", _text(path))
    text = text.replace("from __future__ import annotations\n", "\n")
    found = read(
        SourceFile(str(path), text + "\nfrom oxide import kernel as oxide_kernel\n"), NoModules()
    )
    for kernel in found.kernels:
        assert verify(kernel) == []
    # What is not read says why.
    named = {finding.kernel for finding in found.diagnostics}
    assert {unread.name for unread in found.unread} <= named
