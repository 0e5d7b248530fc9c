"""Hover and quick fixes, with an analysis that does as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from lsp.client import Client, codes
from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.source import SourceFile, Span
from oxide_lsp import convert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """\
from oxide import DisjointSlice, f32, kernel, thread


@kernel
def k(out: DisjointSlice[f32]):
    i = thread.index_1d()  # thread
    out[i] = 1.0  # race THERE
    out[i] = 2.0  # THERE
    out[i] = 3.0  # oxide: ignore[OX704, OX999] one thread
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    client = Client(folder, pull=False)
    yield client
    assert client.close() == 0


@pytest.fixture(scope="module")
def checked(client: Client, folder: Path) -> str:
    uri = client.open(folder / "k.py", TEXT)
    client.published(uri, 1, lambda d: codes(d) == ["OX104"])
    return uri


def hover(client: Client, uri: str, line: int, character: int) -> Any:
    found = client.at("textDocument/hover", uri, line, character)
    return None if found is None else (found["contents"]["value"], found["range"])


def test_a_kernels_name_tells_its_verdict(client: Client, checked: str) -> None:
    text, place = hover(client, checked, 4, 4)
    assert text.startswith("**k**: violated")
    assert "3 proved (affine 3), 1 violated" in text
    assert place == {"start": {"line": 4, "character": 4}, "end": {"line": 4, "character": 5}}


def test_a_kernel_being_checked_says_so(client: Client, folder: Path) -> None:
    uri = client.open(folder / "slow.py", TEXT + "    # sleep 0.5\n")
    text, _ = hover(client, uri, 4, 4)
    assert text == "**k**: being checked"


def test_a_name_of_the_language_has_its_documentation(client: Client, checked: str) -> None:
    text, place = hover(client, checked, 5, 18)
    assert "thread.index_1d()" in text
    assert place["start"]["character"] == 8
    assert place["end"]["character"] == 8 + len("thread.index_1d")
    namespace, _ = hover(client, checked, 5, 9)
    assert namespace != text
    assert hover(client, checked, 5, 30) is None, "a word in a comment is no name"
    assert hover(client, checked, 5, 4) is None, "`i` is the user's own"


def test_a_rule_in_a_comment_has_its_page(client: Client, checked: str) -> None:
    text, place = hover(client, checked, 8, TEXT.split("\n")[8].index("OX999") + 2)
    assert text.startswith("# OX999: internal-error\n")
    assert "## " not in text
    assert place["end"]["character"] - place["start"]["character"] == len("OX999")


def edits(action: dict[str, Any]) -> list[dict[str, Any]]:
    (document,) = action["edit"]["documentChanges"]
    return document["edits"]


def test_a_finding_brings_its_fixes(client: Client, checked: str) -> None:
    actions = client.actions(checked, 6)
    fix = next(a for a in actions if a["title"] == "insert `sync_threads()`")
    assert fix["kind"] == "quickfix"
    assert codes(fix["diagnostics"]) == ["OX104"]
    (edit,) = edits(fix)
    assert edit["newText"] == "sync_threads()\n    "
    assert edit["range"]["start"] == edit["range"]["end"] == {"line": 6, "character": 4}
    assert client.actions(checked, 7) == []


def test_a_finding_can_be_suppressed(client: Client, folder: Path) -> None:
    uri = client.open(folder / "suppress.py", TEXT)
    client.published(uri, 1, lambda d: codes(d) == ["OX104"])
    suppress = next(a for a in client.actions(uri, 6) if "Suppress OX104" in a["title"])
    (edit,) = edits(suppress)
    assert edit["newText"] == "  # oxide: ignore[OX104] reason"
    lines = TEXT.split("\n")
    assert edit["range"]["start"] == {"line": 6, "character": len(lines[6])}
    version = client.change(uri, edit["newText"], edit["range"])
    assert client.published(uri, version, lambda d: d == []) == []


def test_a_suppression_is_added_to_one_that_is_there(client: Client, folder: Path) -> None:
    text = TEXT.replace("# race THERE", "# race THERE # oxide: ignore[OX201] one thread")
    uri = client.open(folder / "second.py", text)
    client.published(uri, 1, lambda d: codes(d) == ["OX104"])
    suppress = next(a for a in client.actions(uri, 6) if "Suppress OX104" in a["title"])
    (edit,) = edits(suppress)
    assert edit["newText"] == ", OX104"
    version = client.change(uri, edit["newText"], edit["range"])
    assert client.published(uri, version, lambda d: d == []) == []


def test_the_reason_is_a_placeholder_where_the_client_has_them() -> None:
    able = convert.Client(
        related_information=True,
        code_descriptions=False,
        tags=False,
        snippets=True,
        document_changes=True,
    )
    converter = convert.Converter(PositionCodec(), able, lambda _: None)
    edit = Edit(Span("k.py", 1, 3, 1, 3), "  # ${x} reason")
    change = converter.snippet_edit("file:///k.py", 1, SourceFile("k.py", "ab\n"), edit, "reason")
    assert change.document_changes is not None
    (document,) = change.document_changes
    assert isinstance(document, types.TextDocumentEdit)
    (inserted,) = document.edits
    assert isinstance(inserted, types.SnippetTextEdit)
    assert inserted.snippet.value == "  # \\${x\\} ${1:reason}"
