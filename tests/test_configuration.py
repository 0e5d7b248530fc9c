from __future__ import annotations

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
