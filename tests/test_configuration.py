from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from oxide_analyzer import configuration
from oxide_analyzer.configuration import ConfigurationError, selection
from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.source import Span


def finding(code: str, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(Span("k.py", 1, 1, 1, 2), code, "name", severity, "message")


def test_settings_of_the_nearest_project_hold(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.oxide]\nsrc = ["src"]\nextend-exclude = ["*.gen.py"]\n'
    )
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "oxide-user"\n')
    found = configuration.find(inner)
    assert found.root == tmp_path.resolve()
    assert found.src == ("src",)
    assert found.excluded()[-1] == "*.gen.py"
    assert ".venv" in found.excluded()


def test_without_settings_the_defaults_hold(tmp_path: Path) -> None:
    found = configuration.find(tmp_path)
    assert (found.src, found.select, found.ignore) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[tool.oxide]\nselct = ["OX704"]\n',
            "unknown key `selct` in [tool.oxide]; did you mean `select`?",
        ),
        ('[tool.oxide]\nextend_exclude = ["x"]\n', "did you mean `extend-exclude`?"),
        ("[tool.oxide]\nzzz = 1\n", "known are src, select"),
        ('[tool.oxide]\nsrc = "src"\n', "`src` in [tool.oxide] is not a list of strings"),
        ("[tool.oxide]\nstrict = 1\n", "`strict` in [tool.oxide] is not true or false"),
        ("[tool.oxide]\ntimeout = 0\n", "`timeout` in [tool.oxide] is not a number of seconds"),
        ("[tool.oxide]\ntimeout = true\n", "is not a number of seconds"),
        ('[tool.oxide]\nformat = "xml"\n', "is not one of full, concise, json, sarif"),
        ('[tool.oxide]\nper-file-ignores = ["OX7"]\n', "is not a table from patterns"),
        ('[tool.oxide.per-file-ignores]\n"a.py" = "OX7"\n', "is not a table from patterns"),
        ('[tool.oxide.per-file-ignores]\n"a.py" = ["OX7x"]\n', "unknown rule `OX7x`"),
        ('[tool.oxide]\nignore = ["OX703x"]\n', "unknown rule `OX703x`"),
        ("[tool]\noxide = 3\n", "`tool.oxide` is not a table"),
        ("[tool.oxide\n", "is not valid TOML"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        configuration.find(tmp_path)
    assert message in str(raised.value)
    assert str(file) in str(raised.value)


def test_selection_by_number_name_and_prefix() -> None:
    for selectors in (["OX704"], ["ox704"], ["suppression-without-reason"], ["OX7"]):
        chosen = selection(selectors, [])
        assert chosen.admits(finding("OX704"))
        assert not chosen.admits(finding("OX999"))
    assert selection(["ALL"], ["OX7"]).admits(finding("OX999"))
    assert not selection(["ALL"], ["OX7"]).admits(finding("OX704"))


def test_hints_are_off_unless_selected() -> None:
    assert not selection([], []).admits(finding("OX704", Severity.HINT))
    assert selection(["OX704"], []).admits(finding("OX704", Severity.HINT))


def test_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean `suppression-without-reason`"):
        selection(["supression-without-reason"], [])


def test_every_setting_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        """
        [tool.oxide]
        src = ["src"]
        select = ["ALL"]
        ignore = ["OX402"]
        exclude = ["a"]
        extend-exclude = ["b"]
        force-exclude = true
        strict = true
        show-suppressed = true
        unsafe-fixes = true
        format = "concise"
        baseline = "known.json"
        timeout = 3
        cache-dir = "cache"
        per-file-ignores = { "tests/" = ["OX7"] }
        """
    )
    found = configuration.find(tmp_path)
    defaults = configuration.Configuration(tmp_path)
    same = [f.name for f in fields(found) if getattr(found, f.name) == getattr(defaults, f.name)]
    assert same == ["root"]
    assert found.timeout == 3.0


def test_rules_ignored_in_some_files(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.oxide.per-file-ignores]\n"tests/" = ["OX7"]\n"*.gen.py" = ["OX1", "OX2"]\n'
    )
    found = configuration.find(tmp_path)
    assert found.ignored_in(tmp_path / "k.py") == ()
    assert found.ignored_in(tmp_path / "a" / "tests" / "b" / "k.py") == ("OX7",)
    assert found.ignored_in(tmp_path / "tests" / "k.gen.py") == ("OX7", "OX1", "OX2")
    assert found.ignored_in(tmp_path.parent / "tests" / "k.py") == ()
