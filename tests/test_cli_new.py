"""`oxide new`: what it makes is proved, runs, is tested, and checks itself before a commit."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oxide.cli import main

SOURCES = [str(Path(__file__).parents[1] / part) for part in ("", "analyzer", "codegen")]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new") / "fast-blur"
    assert main(["new", str(folder)]) == 0
    return folder


def ran(project, *words):
    """The output of a command in the project, on the cpu."""
    environment = {
        **os.environ,
        "OXIDE_DEVICE": "cpu",
        "PYTHONPATH": os.pathsep.join(SOURCES),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    done = subprocess.run(
        words, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_its_kernels_are_proved(project):
    code, shown = ran(project, sys.executable, "-m", "oxide", "check", "--strict")
    assert code == 0, shown
    assert "2 proved" in shown


def test_it_runs(project):
    code, shown = ran(project, sys.executable, "-m", "fast_blur")
    assert code == 0, shown
    assert shown == "saxpy: 3 * 1 + 2 = 5\nblock_sums: 1000000 * 5 = 5e+06\n"


def test_its_tests_pass(project):
    code, shown = ran(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert code == 0, shown
    assert "7 passed" in shown


def test_its_hook_runs_and_finds_a_race(project, tmp_path):
    settings = (project / ".pre-commit-config.yaml").read_text()
    match = re.search(r"entry: (.*)", settings)
    assert match
    program, *words = shlex.split(match[1])
    assert program == "oxide-check"
    hook = [sys.executable, "-m", "oxide", "check", *words]
    code, shown = ran(project, *hook, "fast_blur/kernels.py", "tests/test_kernels.py")
    assert code == 0, shown
    text = (project / "fast_blur" / "kernels.py").read_text()
    racing = text.replace("        sync_threads()\n        stride", "        stride")
    assert racing != text
    broken = tmp_path / "kernels.py"
    broken.write_text(racing)
    code, shown = ran(project, *hook, str(broken))
    assert code == 1, shown
    assert "OX104" in shown


def test_pre_commit_takes_the_hook(project, tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    beside = Path(sys.executable).parent
    if not (beside / "pre-commit").exists() or not (beside / "oxide-check").exists():
        pytest.skip("pre-commit is not installed")
    copy = tmp_path / "fast-blur"
    shutil.copytree(project, copy)
    for words in (["git", "init", "-q"], ["git", "add", "."]):
        assert ran(copy, *words)[0] == 0
    code, shown = ran(copy, str(beside / "pre-commit"), "run", "--all-files")
    assert code == 0, shown
    assert re.search(r"oxide-check\.+Passed", shown)


def test_ruff_has_nothing_to_say(project):
    ruff = Path(sys.executable).parent / "ruff"
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    code, shown = ran(project, str(ruff), "check", "--no-cache", "--isolated", ".")
    assert code == 0, shown
    code, shown = ran(
        project, str(ruff), "format", "--no-cache", "--isolated", "--line-length=100", "--check"
    )
    assert code == 0, shown


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "kept").write_text("kept")
    assert main(["new", str(tmp_path / "here")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["kept"]
    (tmp_path / "file").write_text("kept")
    assert main(["new", str(tmp_path / "file")]) == 2


@pytest.mark.parametrize("name", ["1st", "a b", "a--b", "class", "numpy", "json", "oxide", "é"])
def test_names_that_no_package_can_have(tmp_path, name, capsys):
    assert main(["new", str(tmp_path / name)]) == 2
    assert not (tmp_path / name).exists()
    assert "name" in capsys.readouterr().err
