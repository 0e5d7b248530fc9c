"""`oxide-check` and `oxide` as a user calls them: arguments in, output and exit code out."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from oxide.cli import check_options, main, main_check
from oxide_analyzer import analysis, configuration

PROVED = """\
from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i]
"""
UNREADABLE = PROVED.replace("        out[i] = a[i]\n", "        a[i] = out[i]\n")
SUPPRESSED = UNREADABLE.replace("= out[i]\n", "= out[i]  # oxide: ignore[OX101] a test\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def checked_files(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The files in which `oxide-check` found a kernel."""
    main_check([*arguments, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    return [Path(kernel["path"]).as_posix() for kernel in document["kernels"]]


def test_clean_run_ends_with_the_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"k.py": PROVED})
    assert main_check([]) == 0
    assert capsys.readouterr().out.startswith(
        "1 kernel: 1 proved, 0 violated, 0 unproved, 0 assumed."
    )


def test_error_fails_the_run_and_shows_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"k.py": UNREADABLE})
    assert main_check(["k.py"]) == 1
    out = capsys.readouterr().out
    assert "error[OX101] write-to-read-only-slice:" in out
    assert "--> k.py:8:9 in `copy`" in out
    assert "8 |         a[i] = out[i]" in out
    assert out.splitlines()[-2].startswith("1 kernel: ")
    assert "\x1b" not in out


def test_concise_is_one_line_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"k.py": UNREADABLE})
    assert main_check(["--format", "concise"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("k.py:8:9: OX101 [write-to-read-only-slice] ")


def test_json_goes_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"k.py": UNREADABLE})
    assert main_check(["--format", "json", "--output-file", "report.json"]) == 1
    assert capsys.readouterr().out == ""
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (found,) = [d for d in document["diagnostics"] if d["severity"] == "error"]
    assert (found["path"], found["line"], found["column"]) == ("k.py", 8, 9)
    assert found["code"] == "OX101"


def test_paths_are_as_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a/k.py": UNREADABLE})
    for given in ("./a/k.py", str(folder / "a" / "k.py")):
        assert main_check([given, "--format", "concise"]) == 1
        assert capsys.readouterr().out.startswith(f"{given}:8:9: ")


def test_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(UNREADABLE.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main_check(["-", "--format", "concise"]) == 1
    assert capsys.readouterr().out.startswith("-:8:9: OX101 ")


def test_select_and_ignore(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"k.py": UNREADABLE})
    assert main_check(["--ignore", "OX101"]) == 0
    assert main_check(["--ignore", "write-to-read-only-slice"]) == 0
    assert main_check(["--select", "OX7"]) == 0
    assert main_check(["--select", "OX1,OX7"]) == 1
    write(folder, {"pyproject.toml": '[tool.oxide]\nignore = ["OX101"]\n'})
    assert main_check([]) == 0


def test_suppression_hides_and_can_be_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"k.py": SUPPRESSED})
    assert main_check([]) == 0
    hidden = capsys.readouterr().out
    assert "OX101" not in hidden
    assert "1 suppressed" in hidden
    assert main_check(["--show-suppressed"]) == 0
    assert "= suppressed: a test" in capsys.readouterr().out
    write(folder, {"k.py": SUPPRESSED.replace(" a test", "")})
    assert main_check(["--format", "concise"]) == 1
    assert {"OX101", "OX704"} <= set(capsys.readouterr().out.split())


def test_statistics(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a.py": UNREADABLE, "b.py": UNREADABLE})
    assert main_check(["--statistics", "--select", "OX101"]) == 1
    assert capsys.readouterr().out.startswith("2  OX101 write-to-read-only-slice\n")


def test_walk_skips_what_is_not_the_projects(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder,
        {
            "b.py": PROVED,
            "a/c.py": PROVED,
            ".venv/lib/d.py": PROVED,
            "node_modules/e.py": PROVED,
            "a/__pycache__/f.py": PROVED,
            "generated/g.py": PROVED,
            "a/h.gen.py": PROVED,
            "a/i.txt": PROVED,
            "secret/j.py": PROVED,
            ".git/k.py": PROVED,
            ".gitignore": "/generated/\n*.gen.py\n",
            "a/.gitignore": "!h.gen.py\n",
            "pyproject.toml": '[tool.oxide]\nextend-exclude = ["secret"]\n',
        },
    )
    assert checked_files(capsys) == ["a/c.py", "a/h.gen.py", "b.py"]
    assert checked_files(capsys, "a") == ["a/c.py", "a/h.gen.py"]
    assert checked_files(capsys, "secret/j.py", "generated/g.py", "b.py", "b.py") == [
        "b.py",
        "generated/g.py",
        "secret/j.py",
    ]
    assert checked_files(capsys, "--force-exclude", "secret/j.py", "b.py") == ["b.py"]


def test_folder_that_contains_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a/k.py": PROVED})
    (folder / "a" / "again").symlink_to(folder / "a", target_is_directory=True)
    assert checked_files(capsys) == ["a/k.py"]


def test_file_without_the_words_is_not_parsed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"broken.py": "def (:\n"})
    assert main_check(["broken.py"]) == 0
    write(folder, {"broken.py": "import oxide\ndef (:\n"})
    assert main_check(["broken.py", "--format", "concise"]) == 1
    assert "broken.py:2:5: OX001 [syntax-error]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [
        b"import oxide\nx = '\xff'\n",
        b"# coding: nonsense\nimport oxide\n",
        b"# coding: ascii\nimport oxide\nx = '\xc3\xa9'\n",
    ],
)
def test_undecodable_file_is_a_finding(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (folder / "k.py").write_bytes(content)
    assert main_check(["--format", "concise"]) == 1
    assert "OX001 [syntax-error]" in capsys.readouterr().out


def test_declared_encoding_and_byte_order_mark_are_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.py").write_bytes(b"# coding: latin-1\n# \xe9\n" + PROVED.encode())
    (folder / "b.py").write_bytes(b"\xef\xbb\xbf" + PROVED.encode())
    assert checked_files(capsys) == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "there is no file or folder `nowhere.py`"),
        (["--select", "OX70x"], "unknown rule `OX70x`"),
        (["--output-file", "no/such/folder", "k.py"], "cannot write"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    write(folder, {"k.py": PROVED})
    assert main_check(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("oxide-check: ")
    assert message in error
    assert error.count("\n") == 1


def test_unknown_option_is_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main_check(["--frmat", "json"])
    assert raised.value.code == 2
    assert "--frmat" in capsys.readouterr().err


def test_unknown_setting_is_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"k.py": PROVED, "pyproject.toml": "[tool.oxide]\nselct = []\n"})
    assert main_check([]) == 2
    assert "did you mean `select`?" in capsys.readouterr().err


def test_bug_in_the_analyzer_is_exit_101_and_other_files_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"a.py": PROVED, "b.py": PROVED})
    real = analysis.check

    def check(source, modules, check_one):
        if source.path == "a.py":
            raise ZeroDivisionError("boom")
        return real(source, modules, check_one)

    monkeypatch.setattr(analysis, "check", check)
    assert main_check(["--format", "concise"]) == 101
    captured = capsys.readouterr()
    assert "a.py:1:1: OX999 [internal-error] Oxide failed on this file" in captured.out
    assert "please report it" in captured.out
    assert "\n1 kernel: " in captured.out
    assert "ZeroDivisionError: boom" in captured.err


def test_strict_fails_where_something_is_unproved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oxide_analyzer.diagnostics import Verdict
    from oxide_analyzer.report import Report
    from reports.findings import UNPROVED, kernel

    write(folder, {"k.py": PROVED})
    report = Report("k.py", (kernel(Verdict.UNPROVED),), (UNPROVED,))
    monkeypatch.setattr(analysis, "check", lambda source, modules, check_one: report)
    assert main_check([]) == 0
    assert main_check(["--strict"]) == 1
    assert main_check(["--strict", "--select", "OX7"]) == 0
    silent = Report("k.py", (kernel(Verdict.UNPROVED),), ())
    monkeypatch.setattr(analysis, "check", lambda source, modules, check_one: silent)
    assert main_check(["--strict"]) == 1


def test_colours_on_request(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"k.py": UNREADABLE})
    monkeypatch.setenv("FORCE_COLOR", "1")
    main_check([])
    assert "\x1b[1;31merror[OX101]" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main_check([])
    assert "\x1b" not in capsys.readouterr().out


def test_rule_prints_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "ox704"]) == 0
    by_number = capsys.readouterr().out
    assert by_number.startswith("# OX704: suppression-without-reason\n")
    assert main(["rule", "suppression-without-reason"]) == 0
    assert capsys.readouterr().out == by_number
    assert main(["rule", "OX705x"]) == 2
    assert main(["rule", "supression-without-reason"]) == 2
    assert "did you mean `suppression-without-reason`?" in capsys.readouterr().err
    assert main(["rule"]) == 0
    assert "OX704  suppression-without-reason\n" in capsys.readouterr().out


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "inspect" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["chekc"]) == 2
    assert "did you mean `check`?" in capsys.readouterr().err
    assert main(["--version"]) == main_check(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith("oxide ")


def test_doctor_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    out = capsys.readouterr().out
    for part in ("python", "z3-solver", "NVIDIA driver", "ptxas", "default device"):
        assert part in out


def test_nothing_beside_z3_is_needed(folder: Path) -> None:
    """The packages of the extras cannot be imported, and the whole way of a check is gone."""
    write(folder, {"k.py": PROVED, "bad.py": UNREADABLE})
    program = textwrap.dedent(
        """
        import sys

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {"numpy", "llvmlite", "cuda", "pygls", "lsprotocol"}:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Absent())
        from oxide.cli import main_check

        raise SystemExit(main_check(["--format", "concise"]))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 1
    assert "bad.py:8:9: OX101" in done.stdout
    assert "k.py" not in done.stdout


def test_no_solver_and_no_other_dialect_where_no_kernel_needs_it(folder: Path) -> None:
    write(folder, {"k.py": "import oxide\n"})
    program = (
        "import sys; from oxide.cli import main_check; main_check([]);"
        " print(not {'z3', 'oxide_analyzer.frontends.numba'}.isdisjoint(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_page_names_every_option_setting_and_format(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent / "docs" / "checking.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as raised:
        main_check(["--help"])
    assert raised.value.code == 0
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) >= 19
    wanted = {*options, *(f"`{key}`" for key in configuration.KEYS)}
    wanted |= {f"`{form}`" for form in configuration.FORMATS}
    assert {name for name in wanted if name not in page} == set()


def test_hook_is_a_command_that_there_is() -> None:
    manifest = (Path(__file__).parent.parent / ".pre-commit-hooks.yaml").read_text()
    (entry,) = re.findall(r"^  entry: (.+)$", manifest, re.MULTILINE)
    command, *arguments = entry.split()
    assert command == "oxide-check"
    assert check_options.parse(arguments, command).force_exclude
