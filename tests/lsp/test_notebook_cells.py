"""Notebooks in the editor: one program to the analyzer, a document for each cell to the editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lsp.client import REAL_SERVER, Client, Json, cell_uri, codes

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTS = "%matplotlib inline\nimport numpy as np\nfrom numba import cuda\n"
KERNEL = """\
# 𝛼
@cuda.jit
def halves(a):
    i = cuda.grid(1)
    a[i // 2] = i"""
FINE = KERNEL.replace("i // 2", "i")
LAUNCH = "a = np.zeros(64)\n%time halves[1, 64](a)"
RACE = {"start": {"line": 4, "character": 4}, "end": {"line": 4, "character": 13}}


@pytest.fixture(scope="module", params=[False, True], ids=["push", "pull"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("notebooks")
    client = Client(folder, pull=request.param, command=REAL_SERVER)
    client.folder, client.pulls = folder, request.param  # type: ignore[attr-defined]
    yield client
    assert client.close() == 0


def _line(item: Json) -> int:
    return item["range"]["start"]["line"]


class Book:
    """A notebook that is open, and what is shown of its cells."""

    def __init__(self, client: Any, name: str, *cells: tuple[str, str]) -> None:
        self.client = client
        self.path = client.folder / name
        self.uri = client.open_notebook(self.path, cells)

    def shown(self, name: str, wanted: list[str], line: int | None = None) -> list[Json]:
        """The findings of a cell, once they have these codes, and the first is on this line."""
        uri = cell_uri(self.path, name)

        def right(items: list[Json]) -> bool:
            return codes(items) == wanted and line in (None, *map(_line, items[:1]))

        if self.client.pulls:
            return self.client.pulled(uri, right)
        client: Client = self.client
        message = client.wait(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == uri
                and codes(m["params"]["diagnostics"]) == wanted
            ),
            after=self.since,
        )
        return message["params"]["diagnostics"]

    since = 0

    def now(self) -> None:
        """Only what is said from now on counts."""
        self.since = len(self.client.received)


USUAL = ("a", IMPORTS), ("b", KERNEL), ("c", LAUNCH)


@pytest.fixture
def book(client: Any, request: pytest.FixtureRequest) -> Iterator[Book]:
    book = Book(client, f"{abs(hash(request.node.name))}.ipynb", *USUAL)
    yield book
    book.client.notify(
        "notebookDocument/didClose",
        {"notebookDocument": {"uri": book.uri}, "cellTextDocuments": []},
    )


def test_a_finding_stands_in_its_cell_and_leads_to_others(book: Book) -> None:
    (race,) = book.shown("b", ["OX102"])
    assert race["range"] == RACE
    assert "on line 5" in race["message"]
    launched = race["relatedInformation"][-1]["location"]
    assert launched["uri"] == cell_uri(book.path, "c")
    assert launched["range"]["start"] == {"line": 1, "character": 6}
    assert book.shown("a", []) == []


def test_cells_that_move_take_their_findings_along(book: Book) -> None:
    book.shown("b", ["OX102"])
    book.now()
    # The kernel first, with its imports.
    book.client.set_cells(book.path, ["b", "c"], closed=["a"], before=3)
    book.client.change_cell(book.path, "b", IMPORTS + "\n" + KERNEL)
    book.shown("b", ["OX102"], line=8)
    book.now()
    book.client.set_cells(book.path, ["d", "b", "c"], opened=[("d", "x = = 1")], before=2)
    (wrong,) = book.shown("d", ["OX001"])
    assert wrong["range"]["start"] == {"line": 0, "character": 4}
    # What was known of the others is shown until the cell is right.
    book.shown("b", ["OX102"], line=8)


def test_a_cell_that_is_gone_has_no_findings(book: Book) -> None:
    book.shown("b", ["OX102"])
    book.now()
    book.client.set_cells(book.path, ["a", "c"], closed=["b"], before=3)
    assert book.shown("b", []) == []


def test_a_cell_of_another_language_is_left_out(book: Book) -> None:
    book.shown("b", ["OX102"])
    book.now()
    book.client.set_cells(
        book.path, ["a", "b", "c"], opened=[("b", KERNEL)], closed=["b"], before=3, language="r"
    )
    assert book.shown("b", []) == []


def test_an_edit_in_one_cell_is_seen_in_others(book: Book) -> None:
    book.shown("b", ["OX102"])
    book.now()
    version = book.client.change_cell(book.path, "b", FINE)
    assert version == 2
    assert book.shown("b", []) == []
    book.now()
    book.client.change_cell(book.path, "c", LAUNCH.replace("1, 64", "2, 64"))
    (outside,) = book.shown("b", ["OX301"])
    assert outside["range"]["start"] == {"line": 4, "character": 4}


def test_quick_fixes_and_hovers_are_for_the_cell(book: Book) -> None:
    book.shown("b", ["OX102"])
    uri = cell_uri(book.path, "b")
    fixes = [a for a in book.client.actions(uri, 4) if "Suppress" in a["title"]]
    (change,) = fixes[0]["edit"]["documentChanges"]
    assert change["textDocument"]["uri"] == uri
    assert change["edits"][0]["range"]["start"] == {"line": 4, "character": 17}
    hover = book.client.at("textDocument/hover", uri, 2, 6)
    assert "halves" in hover["contents"]["value"]
    assert hover["range"]["start"] == {"line": 2, "character": 4}
    assert book.client.at("textDocument/hover", cell_uri(book.path, "a"), 2, 6) is None
    symbols = book.client.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [symbol["name"] for symbol in symbols] == ["halves"]
    assert symbols[0]["selectionRange"]["start"]["line"] == 2
