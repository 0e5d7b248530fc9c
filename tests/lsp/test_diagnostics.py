"""Diagnostics by both transports, with an analysis that does as it is told."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from lsp.client import REAL_SERVER, Client, codes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = """\
from oxide import DisjointSlice, f32, kernel, thread


@kernel
def k(out: DisjointSlice[f32]):
"""
RACE = """\
    out[0] = 1.0  # race THERE
    out[1] = 2.0  # THERE
"""
UNKNOWN = "    out[2] = unknown_number\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def pushed(folder: Path) -> Iterator[Client]:
    client = Client(folder, pull=False)
    yield client
    assert client.close() == 0


@pytest.fixture(scope="module")
def pulling(folder: Path) -> Iterator[Client]:
    client = Client(folder, pull=True)
    yield client
    assert client.close() == 0


def test_a_client_that_cannot_pull_is_sent_every_version(pushed: Client, folder: Path) -> None:
    assert "diagnosticProvider" not in pushed.capabilities
    uri = pushed.open(folder / "push.py", HEAD + RACE)
    found = pushed.published(uri, 1, lambda d: codes(d) == ["OX104"])
    assert found[0]["range"]["start"] == {"line": 5, "character": 4}
    assert found[0]["severity"] == 1
    assert found[0]["source"] == "oxide"
    version = pushed.change(uri, HEAD + RACE.replace("# race THERE", "# fine"))
    assert pushed.published(uri, version, lambda d: d == []) == []


def test_a_client_that_can_pull_is_never_sent_anything(pulling: Client, folder: Path) -> None:
    assert pulling.capabilities["diagnosticProvider"]["interFileDependencies"]
    uri = pulling.open(folder / "pull.py", HEAD + RACE)
    assert codes(pulling.pulled(uri, lambda d: len(d) == 1)) == ["OX104"]
    pulling.change(uri, HEAD + UNKNOWN)
    assert codes(pulling.pulled(uri, lambda d: len(d) == 1)) == ["OX004"]
    methods = {m.get("method") for m in pulling.received}
    assert "textDocument/publishDiagnostics" not in methods


def test_an_unchanged_answer_is_said_to_be_unchanged(pulling: Client, folder: Path) -> None:
    uri = pulling.open(folder / "unchanged.py", HEAD + RACE)
    pulling.pulled(uri, lambda d: len(d) == 1)
    first = pulling.pull(uri)
    second = pulling.pull(uri, previous=first["resultId"])
    assert second == {"kind": "unchanged", "resultId": first["resultId"]}


def test_the_other_access_of_a_race_is_a_related_place(pulling: Client, folder: Path) -> None:
    uri = pulling.open(folder / "related.py", HEAD + RACE)
    (race,) = pulling.pulled(uri, lambda d: len(d) == 1)
    (related,) = race["relatedInformation"]
    assert related["location"]["uri"] == uri
    assert related["location"]["range"]["start"] == {"line": 6, "character": 4}
    assert related["message"] == "another thread reads here"
    assert race["message"].startswith("`tile` is written while another thread reads it\n")
    assert "thread 3 " in race["message"]
    assert "thread 35 " in race["message"]


def test_cheap_findings_do_not_wait_for_the_solver(pushed: Client, folder: Path) -> None:
    text = HEAD + UNKNOWN + RACE
    uri = pushed.open(folder / "cheap.py", text + "    # sleep 0.3\n")
    assert codes(pushed.published(uri, 1, lambda d: len(d) == 1)) == ["OX004"]
    both = pushed.published(uri, 1, lambda d: len(d) == 2)
    assert sorted(codes(both)) == ["OX004", "OX104"]


def test_findings_move_with_their_kernel_until_there_is_a_verdict(
    pushed: Client, folder: Path
) -> None:
    uri = pushed.open(folder / "moved.py", HEAD + RACE)
    pushed.published(uri, 1, lambda d: codes(d) == ["OX104"])
    # The first answer about the new text comes before the solver's, which takes its time.
    version = pushed.change(uri, "# sleep 0.3\n\n" + HEAD + RACE)
    first = pushed.published(uri, version, lambda _: True)
    assert codes(first) == ["OX104"]
    assert first[0]["range"]["start"]["line"] == 7
    assert first[0]["relatedInformation"][0]["location"]["range"]["start"]["line"] == 8


def test_superseded_versions_are_dropped(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "stale.py", HEAD + RACE + "    # sleep 0.2\n")
    version = pushed.change(uri, HEAD + "    out[0] = 1.0\n")
    pushed.published(uri, version, lambda d: d == [])
    marker = pushed.open(folder / "marker.py", HEAD + RACE)
    pushed.published(marker, 1, lambda d: codes(d) == ["OX104"])
    about = [
        m["params"]
        for m in pushed.received
        if m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
    ]
    assert about[-1]["version"] == version
    assert all(not p["diagnostics"] for p in about), "the race of version 1 was shown too late"


def test_a_long_check_of_an_old_version_is_killed(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "long.py", HEAD + "    # sleep 60\n")
    version = pushed.change(uri, HEAD + RACE)
    assert codes(pushed.published(uri, version, lambda d: len(d) == 1)) == ["OX104"]


def test_while_a_file_does_not_parse_only_the_syntax_error_is_new(
    pushed: Client, folder: Path
) -> None:
    uri = pushed.open(folder / "broken.py", HEAD + RACE)
    pushed.published(uri, 1, lambda d: codes(d) == ["OX104"])
    broken = HEAD + RACE + "    if (\n    # sleep 0.3\n"
    version = pushed.change(uri, broken)
    first = pushed.published(uri, version, lambda _: True)
    assert sorted(codes(first)) == ["OX001", "OX104"]


def test_the_server_survives_its_worker(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "crash.py", HEAD + "    out[0] = 1.0  # crash\n")
    (failure,) = pushed.published(uri, 1, lambda d: len(d) == 1)
    assert failure["code"] == "OX999"
    assert "exit code 7" in failure["message"]
    version = pushed.change(uri, HEAD + RACE)
    assert codes(pushed.published(uri, version, lambda d: codes(d) == ["OX104"]))


def test_an_exception_of_the_analyzer_is_a_finding(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "raise.py", HEAD + "    out[0] = 1.0  # raise nonsense\n")
    (failure,) = pushed.published(uri, 1, lambda d: len(d) == 1)
    assert failure["code"] == "OX999"
    assert "ValueError: nonsense" in failure["message"]


def test_what_the_worker_prints_does_not_reach_the_client(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "print.py", HEAD + RACE + "    # print\n")
    pushed.published(uri, 1, lambda d: codes(d) == ["OX104"])


def test_a_closed_file_has_no_findings(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "closed.py", HEAD + RACE)
    pushed.published(uri, 1, lambda d: codes(d) == ["OX104"])
    before = len(pushed.received)
    pushed.close_document(uri)
    last = pushed.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
        ),
        after=before,
    )
    assert last["params"]["diagnostics"] == []


def test_a_file_without_kernels_is_nobodys_business(pushed: Client, folder: Path) -> None:
    uri = pushed.open(folder / "plain.py", "def f(:\n")
    assert pushed.published(uri, 1, lambda _: True) == []


def test_settings_of_the_project_hold(pushed: Client, folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[tool.oxide]\nignore = ["OX104"]\n')
    uri = pushed.open(inner / "quiet.py", HEAD + UNKNOWN + RACE)
    other = pushed.open(folder / "loud.py", HEAD + UNKNOWN + RACE)
    assert len(pushed.published(other, 1, lambda d: len(d) == 2)) == 2
    assert codes(pushed.published(uri, 1, lambda d: len(d) == 1)) == ["OX004"]


def counts_as_the_client(client: Client, folder: Path, column: int) -> None:
    uri = client.open(folder / "astral.py", HEAD + "    𝛼 = unknown_one\n")
    (found,) = client.published(uri, 1, lambda d: codes(d) == ["OX004"])
    assert found["range"]["start"] == {"line": 5, "character": column}
    # The edit puts a letter behind the astral character: both sides must count alike.
    end = {"line": 5, "character": column + len("unknown_one")}
    version = client.change(uri, "s", {"start": end, "end": end})
    (found,) = client.published(uri, version, lambda d: codes(d) == ["OX004"])
    assert "`unknown_ones`" in found["message"]


def test_columns_are_counted_in_utf_16(pushed: Client, folder: Path) -> None:
    assert pushed.capabilities["positionEncoding"] == "utf-16"
    counts_as_the_client(pushed, folder, 9)


def test_columns_are_counted_in_utf_8_where_the_client_prefers_it(folder: Path) -> None:
    client = Client(folder, pull=False, encodings=["utf-8", "utf-16"])
    assert client.capabilities["positionEncoding"] == "utf-8"
    counts_as_the_client(client, folder, 11)
    assert client.close() == 0


def test_form_feeds_do_not_shift_edits(pushed: Client, folder: Path) -> None:
    text = "# one\x0c two\u2028 three\n" + HEAD + "    unknown_one\n"
    uri = pushed.open(folder / "feed.py", text)
    pushed.published(uri, 1, lambda d: codes(d) == ["OX004"])
    place = {"start": {"line": 6, "character": 12}, "end": {"line": 6, "character": 15}}
    version = pushed.change(uri, "two", place)
    (found,) = pushed.published(uri, version, lambda d: codes(d) == ["OX004"])
    assert "`unknown_two`" in found["message"]


def test_a_client_that_cannot_be_refreshed_waits_for_the_solver(folder: Path) -> None:
    client = Client(folder, pull=True, refresh=False, related=False)
    uri = client.open(folder / "wait.py", HEAD + RACE)
    # The worker may still be starting, which takes longer than the client is kept waiting.
    for _ in range(100):
        if client.pull(uri)["items"]:
            break
    client.change(uri, "# one line more\n" + HEAD + RACE.replace("# race THERE", "# fine"))
    assert client.pull(uri)["items"] == []
    client.change(uri, HEAD + RACE)
    (race,) = client.pull(uri)["items"]
    assert race["code"] == "OX104"
    assert "line 7: another thread reads here" in race["message"]
    assert not [m for m in client.received if "refresh" in m.get("method", "")]
    assert client.close() == 0


def test_the_server_says_its_version_and_nothing_else(folder: Path) -> None:
    said = subprocess.check_output([*REAL_SERVER, "--version"], cwd=folder)
    assert said.startswith(b"oxide-lsp ")
