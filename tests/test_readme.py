"""The first screen of the README is true: the kernel, what the checker says, and the repair."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oxide.cli import main_check
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
KERNEL = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
SAID = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[0]


def test_the_checker_says_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "block_sum.py").write_text(KERNEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    code = main_check(["block_sum.py"])
    command, _, expected = SAID.partition("\n")
    assert command == "$ oxide-check block_sum.py"
    assert capsys.readouterr().out.strip() == expected.strip()
    assert code == 1


def test_the_repaired_kernel_is_proved() -> None:
    repaired = KERNEL.replace(
        "        stride //= 2", "        sync_threads()\n        stride //= 2"
    )
    (report,) = check(SourceFile("block_sum.py", repaired), NoModules()).kernels
    assert report.verdict is Verdict.PROVED
