"""What `oxide-check` does to files, and what a baseline hides."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from oxide.cli import main_check
from oxide_analyzer import analysis
from oxide_analyzer.diagnostics import Diagnostic, Edit, Fix, Severity
from oxide_analyzer.report import Report
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from oxide import DisjointSlice, Slice, f32, kernel, thread


"""
KERNEL = """\
@kernel
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i]
"""
PROVED = HEAD + KERNEL
IDLE = PROVED.replace("= a[i]\n", "= a[i]  # oxide: ignore[OX301] both are tested\n")
WRONG = HEAD + KERNEL.replace("out[i] = a[i]", "a[i] = out[i]")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


# ---------------------------------------------------------------- fixes


def test_fix_changes_the_file_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(IDLE)
    assert main_check(["k.py"]) == 0
    assert capsys.readouterr().out.endswith("1 warning.\n1 fixable with --fix.\n")
    assert main_check(["k.py", "--fix"]) == 0
    out = capsys.readouterr().out
    assert "OX701" not in out
    assert "1 fix applied in 1 file.\n1 kernel: 1 proved" in out
    assert (folder / "k.py").read_text() == PROVED


def test_fix_keeps_line_ends_encoding_mark_and_mode(folder: Path) -> None:
    text = IDLE.replace("def copy", "# é\ndef copy").replace("\n", "\r\n")
    fixed = text.replace("  # oxide: ignore[OX301] both are tested", "")
    for name, head, encoding in (
        ("mark.py", b"\xef\xbb\xbf", "utf-8"),
        ("latin.py", b"# coding: latin-1\r\n", "latin-1"),
    ):
        path = folder / name
        path.write_bytes(head + text.encode(encoding))
        path.chmod(0o750)
        assert main_check([name, "--fix"]) == 0
        assert path.read_bytes() == head + fixed.encode(encoding)
        assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_fix_writes_through_a_link(folder: Path) -> None:
    (folder / "real.py").write_text(IDLE)
    (folder / "link.py").symlink_to("real.py")
    main_check(["link.py", "--fix"])
    assert (folder / "link.py").is_symlink()
    assert (folder / "real.py").read_text() == PROVED
    assert sorted(path.name for path in folder.glob("*.py")) == ["link.py", "real.py"]


def test_diff_prints_and_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(IDLE.removesuffix("\n"))
    assert main_check(["k.py", "--diff"]) == 1
    captured = capsys.readouterr()
    assert captured.out == (
        "--- k.py\n+++ k.py\n@@ -5,4 +5,4 @@\n"
        " def copy(a: Slice[f32], out: DisjointSlice[f32]):\n"
        "     i = thread.index_1d()\n"
        "     if i < len(a) and i < len(out):\n"
        "-        out[i] = a[i]  # oxide: ignore[OX301] both are tested\n"
        "\\ No newline at end of file\n"
        "+        out[i] = a[i]\n"
        "\\ No newline at end of file\n"
    )
    assert captured.err == "1 fix to apply in 1 file.\n"
    assert (folder / "k.py").read_text() == IDLE.removesuffix("\n")
    (folder / "k.py").write_text(PROVED)
    assert main_check(["k.py", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_unsafe_fixes_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = WRONG.replace(
        "= out[i]\n", "= out[i]  # oxide: ignore[write-to-read-only-slic] a test\n"
    )
    (folder / "k.py").write_text(text)
    assert main_check(["k.py", "--fix"]) == 1
    assert "fixable with --fix --unsafe-fixes.\n" in capsys.readouterr().out
    assert (folder / "k.py").read_text() == text
    assert main_check(["k.py", "--fix", "--unsafe-fixes", "--ignore", "OX101"]) == 0
    assert "ignore[write-to-read-only-slice] a test" in (folder / "k.py").read_text()
    (folder / "k.py").write_text(text)
    # Once the slice may be written to, the comment hides nothing.
    assert main_check(["k.py", "--fix", "--unsafe-fixes"]) == 0
    assert (folder / "k.py").read_text() == WRONG.replace("a: Slice", "a: DisjointSlice")


def test_rules_that_are_not_asked_for_fix_nothing(folder: Path) -> None:
    (folder / "k.py").write_text(IDLE)
    main_check(["k.py", "--fix", "--ignore", "OX701"])
    assert (folder / "k.py").read_text() == IDLE


def fixes(*steps: tuple[str, str]):
    """A check that offers, for each first line, another one."""

    def check(source: SourceFile, modules: object, check_one: object) -> Report:
        del modules, check_one
        first = source.line(1)
        span = Span(source.path, 1, 1, 1, 1 + len(first))
        found = [
            Diagnostic(
                span,
                "OX104",
                "r",
                Severity.WARNING,
                "m",
                fixes=(Fix(f"to {new}", (Edit(span, new),), safe=True),),
            )
            for old, new in steps
            if old == first
        ]
        return Report(source.path, (), tuple(found))

    return check


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        ([("x = 1", "x = 2"), ("x = 2", "x = 3")], "x = 3"),
        # Two that undo each other come to an end, and so does one that leads to itself.
        ([("x = 1", "x = 2"), ("x = 2", "x = 1")], "x = 2"),
        ([(f"x = {n}", f"x = {n + 1}") for n in range(1, 50)], "x = 11"),
    ],
)
def test_fixes_that_bring_about_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str]], ends: str
) -> None:
    (folder / "k.py").write_text("x = 1\nimport oxide\n")
    monkeypatch.setattr(analysis, "check", fixes(*steps))
    assert main_check(["k.py", "--fix"]) == 0
    assert (folder / "k.py").read_text() == f"{ends}\nimport oxide\n"


def test_fix_that_does_not_help_is_taken_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(source: SourceFile, modules: object, check_one: object) -> Report:
        del modules, check_one
        edits = (
            Edit(Span(source.path, 1, 5, 1, 5), "int("),
            Edit(Span(source.path, 1, 6, 1, 6), ")"),
        )
        span = Span(source.path, 1, 1, 1, 2)
        again = Fix("convert", edits, safe=True)
        found = Diagnostic(span, "OX305", "r", Severity.WARNING, "m", fixes=(again,))
        return Report(source.path, (), (found,))

    (folder / "k.py").write_text("x = i\nimport oxide\n")
    monkeypatch.setattr(analysis, "check", check)
    assert main_check(["k.py", "--fix"]) == 0
    assert (folder / "k.py").read_text() == "x = i\nimport oxide\n"


def test_file_that_changed_meanwhile_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "k.py").write_text("x = 1\nimport oxide\n")

    def check(source: SourceFile, modules: object, check_one: object) -> Report:
        (folder / "k.py").write_text("y = 1\nimport oxide\n")
        return fixes(("x = 1", "x = 2"))(source, modules, check_one)

    monkeypatch.setattr(analysis, "check", check)
    assert main_check(["k.py", "--fix"]) == 2
    assert "was changed while it was checked" in capsys.readouterr().err
    assert (folder / "k.py").read_text() == "y = 1\nimport oxide\n"


# ---------------------------------------------------------------- comments


def test_add_ignore(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(WRONG)
    assert main_check(["k.py", "--add-ignore", "the host reads it"]) == 0
    assert capsys.readouterr().out.startswith("1 finding suppressed in 1 file.")
    assert (
        "a[i] = out[i]  # oxide: ignore[OX101] the host reads it\n" in (folder / "k.py").read_text()
    )
    assert main_check(["k.py"]) == 0
    assert "1 suppressed" in capsys.readouterr().out


def test_add_ignore_says_what_it_cannot_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "k.py").write_text("import oxide\nx = (\n")
    assert main_check(["k.py", "--add-ignore", "why"]) == 0
    assert "0 findings suppressed in 0 files. 1 finding cannot be suppressed." in (
        capsys.readouterr().out
    )


# ---------------------------------------------------------------- baseline


def test_baseline_hides_what_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(WRONG)
    options = ["k.py", "--baseline", "known.json"]
    assert main_check(options) == 2
    assert "--write-baseline makes it" in capsys.readouterr().err
    assert main_check([*options, "--write-baseline"]) == 0
    assert "written to known.json" in capsys.readouterr().out
    assert main_check(options) == 0
    out = capsys.readouterr().out
    assert "OX101" not in out
    assert "known from the baseline." in out
    lower = WRONG.replace(
        HEAD, HEAD + KERNEL.replace("copy", "first").replace("out[i] =", "a[i] =")
    )
    (folder / "k.py").write_text(lower)
    assert main_check([*options, "--format", "concise"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown if "OX101" in line] == ["k.py:8:9:"]
    (folder / "k.py").write_text(PROVED)
    assert main_check(options) == 0
    assert "stale entr" in capsys.readouterr().out


def test_baseline_keeps_what_is_known_of_other_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text(WRONG)
    options = ["--baseline", "known.json"]
    assert main_check([*options, "--write-baseline"]) == 0
    (folder / "a.py").write_text("x = 1\n")
    (folder / "c.py").unlink()
    assert main_check([*options, "a.py", "--write-baseline"]) == 0
    known = json.loads((folder / "known.json").read_text())["findings"]
    assert {entry["path"] for entry in known} == {"b.py"}
    capsys.readouterr()
    assert main_check(options) == 0
    assert "stale" not in capsys.readouterr().out
    (folder / "b.py").write_text("x = 1\n")
    assert main_check(options) == 0
    assert "stale" in capsys.readouterr().out


def test_baseline_of_the_settings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pyproject.toml").write_text('[tool.oxide]\nbaseline = "known.json"\n')
    (folder / "k.py").write_text(WRONG)
    assert main_check(["--write-baseline"]) == 0
    assert json.loads((folder / "known.json").read_text())["version"] == 1
    assert main_check([]) == 0
    (folder / "known.json").write_text("{}")
    capsys.readouterr()
    assert main_check([]) == 2
    assert "it is no baseline of oxide-check" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fix", "--diff"], "--fix and --diff do not go together"),
        (["--watch", "--fix"], "--fix and --watch do not go together"),
        (["-", "--fix"], "--fix needs files"),
        (["--unsafe-fixes"], "--unsafe-fixes needs --fix or --diff"),
        (["--write-baseline"], "--write-baseline needs --baseline FILE"),
        (["--add-ignore", " "], "--add-ignore needs a reason"),
        (["--statistics", "--unsafe"], "do not go together"),
    ],
)
def test_options_that_do_not_go_together(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "k.py").write_text(PROVED)
    assert main_check(arguments) == 2
    assert message in capsys.readouterr().err
