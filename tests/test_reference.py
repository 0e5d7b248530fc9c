"""The reference pages are those that their sources make, and leave no name out."""

import importlib.util
import inspect
from pathlib import Path

import pytest

import oxide
from oxide_analyzer.language.builtins import BUILTINS

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
spec = importlib.util.spec_from_file_location("reference", FOLDER / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("name", generate.PAGES)
def test_the_page_is_current(name):
    wanted = generate.PAGES[name]()
    found = (FOLDER / name).read_text(encoding="utf-8")
    assert found == wanted, "run `python docs/reference/generate.py`"


def test_no_name_is_left_out():
    language, host = (generate.PAGES[name]() for name in ("language.md", "host.md"))
    for row in BUILTINS.values():
        assert f"`{row.signature}`".replace("|", "\\|") in language, row.name
    for name in oxide.__all__:
        assert name in BUILTINS or f"### `{name}" in host, name


def test_only_what_programs_may_use_is_there():
    """The runtime has methods on its arrays that a program must not call."""
    page = generate.PAGES["host.md"]()
    section = page.partition("### `DeviceBuffer`\n")[2].partition("\n### ")[0]
    assert "`.copy_from(source, stream=None)`" in section
    assert "`.learn" not in section


def test_what_is_offered_is_documented():
    for name in oxide.__all__:
        if name not in BUILTINS:
            assert inspect.getdoc(getattr(oxide, name)), name
