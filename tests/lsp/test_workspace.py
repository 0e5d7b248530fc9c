"""Folders, settings, files that are not open, and an analyzer that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lsp.client import Client, Json, codes
from oxide_analyzer.source import SourceFile
from oxide_lsp.checking import Checking
from oxide_lsp.compiling import Compiled
from oxide_lsp.documents import Documents
from oxide_lsp.jobs import Answer, Check, Checked
from oxide_lsp.settings import settings_of
from oxide_lsp.state import Document
from oxide_lsp.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from oxide_analyzer.configuration import Configuration
    from oxide_lsp.jobs import Job

HEAD = """\
from oxide import DisjointSlice, f32, kernel, thread


@kernel
def k(out: DisjointSlice[f32]):
"""
RACE = HEAD + "    out[0] = 1.0  # race THERE\n    out[1] = 2.0  # THERE\n"
FINE = HEAD + "    out[0] = 1.0\n"
UNKNOWN = HEAD + "    out[2] = unknown_number\n"
STATUS = "oxide/status"


def method(name: str) -> Callable[[Json], bool]:
    def matches(message: Json) -> bool:
        return message.get("method") == name

    return matches


# ---------------------------------------------------------------- settings


def test_each_folder_has_its_own_settings(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (one, two, three):
        folder.mkdir()
    (two / "pyproject.toml").write_text('[tool.oxide]\nignore = ["OX004"]\n')
    wishes: dict[str | None, Json] = {
        None: {},
        one.as_uri(): {},
        two.as_uri(): {},
        three.as_uri(): {"enable": False},
    }
    client = Client(tmp_path, pull=False, folders=(one, two, three), settings=wishes.get)
    client.wait(method("workspace/configuration"))
    uris = [client.open(folder / "k.py", UNKNOWN) for folder in (one, two, three)]
    assert codes(client.published(uris[0], 1, bool)) == ["OX004"]
    # The setting is written while the file is open: nothing else need be done.
    assert client.published(uris[1], 1, lambda d: d == []) == []
    assert client.published(uris[2], 1, lambda d: d == []) == []
    before = len(client.received)
    (two / "pyproject.toml").write_text("[tool.oxide]\n")
    wishes[three.as_uri()] = {"ignore": ["OX1"]}
    client.notify("workspace/didChangeWatchedFiles", {"changes": []})
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    for uri in uris[1:]:
        client.wait(
            lambda m, uri=uri: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == uri
                and codes(m["params"]["diagnostics"]) == ["OX004"]
            ),
            after=before,
        )
    assert client.close() == 0


def test_settings_that_mean_nothing_are_a_status(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.oxide]\nselect = ["OX000"]\n')
    client = Client(tmp_path, pull=False)
    uri = client.open(tmp_path / "k.py", UNKNOWN)
    assert codes(client.published(uri, 1, bool)) == ["OX004"]
    said = client.wait(lambda m: m.get("method") == STATUS and m["params"]["health"] != "ok")
    assert said["params"]["health"] == "warning"
    assert "OX000" in said["params"]["message"]
    assert client.close() == 0


# ---------------------------------------------------------------- files that are not open


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def test_the_workspace_is_checked_on_request(tmp_path: Path) -> None:
    written(tmp_path, {"a.py": RACE, "b.py": FINE, "c.py": "x = 1\n", "d.py": UNKNOWN})
    client = Client(tmp_path, pull=False, progress=True)
    ask = {"command": "oxide.check", "arguments": []}
    counts = client.request("workspace/executeCommand", ask)
    assert counts == {"files": 3, "kernels": 2, "findings": 2}
    shown = {
        m["params"]["uri"].rpartition("/")[2]: codes(m["params"]["diagnostics"])
        for m in client.received
        if m.get("method") == "textDocument/publishDiagnostics"
    }
    assert shown == {"a.py": ["OX104"], "d.py": ["OX004"]}
    kinds = [
        m["params"]["value"]["kind"] for m in client.received if m.get("method") == "$/progress"
    ]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    # What is repaired is taken back.
    before = len(client.received)
    written(tmp_path, {"a.py": FINE})
    assert client.request("workspace/executeCommand", ask)["findings"] == 1
    message = client.wait(method("textDocument/publishDiagnostics"), after=before)
    assert message["params"]["uri"].endswith("a.py")
    assert message["params"]["diagnostics"] == []
    assert client.close() == 0


def test_a_client_that_pulls_is_given_the_workspace_if_it_wants(tmp_path: Path) -> None:
    written(tmp_path, {"a.py": RACE, "b.py": FINE, "open.py": UNKNOWN})
    client = Client(tmp_path, pull=True, options={"diagnosticMode": "workspace"})
    assert client.capabilities["diagnosticProvider"]["workspaceDiagnostics"]
    client.open(tmp_path / "open.py", UNKNOWN)
    (report,) = client.request("workspace/diagnostic", {"previousResultIds": []})["items"]
    assert report["uri"].endswith("a.py")
    assert codes(report["items"]) == ["OX104"]
    before = [{"uri": report["uri"], "value": report["resultId"]}]
    (same,) = client.request("workspace/diagnostic", {"previousResultIds": before})["items"]
    assert same["kind"] == "unchanged"
    written(tmp_path, {"a.py": FINE})
    params = {"previousResultIds": before, "partialResultToken": "t"}
    client.request("workspace/diagnostic", params)
    partial = client.wait(method("$/progress"))
    (repaired,) = partial["params"]["value"]["items"]
    assert repaired["items"] == []
    assert client.close() == 0


# ---------------------------------------------------------------- failures


def test_a_crash_is_said_once_and_survived_and_one_after_the_other_ends_it(tmp_path: Path) -> None:
    client = Client(tmp_path, pull=False)
    uri = client.open(tmp_path / "k.py", HEAD + "    out[0] = 1.0  # crash\n")
    assert codes(client.published(uri, 1, bool)) == ["OX999"]
    assert "k.py" in client.wait(method("window/showMessage"))["params"]["message"]
    said = client.wait(lambda m: m.get("method") == STATUS and m["params"]["health"] == "warning")
    assert "ended while it checked" in said["params"]["message"]
    version = client.change(uri, FINE)
    client.published(uri, version, lambda d: d == [])
    client.wait(
        lambda m: m.get("method") == STATUS and m["params"]["health"] == "ok",
        after=client.received.index(said),
    )
    for number in range(2):
        crash = HEAD + f"    out[{number}] = 1.0  # crash\n"
        client.published(uri, client.change(uri, crash), lambda d: codes(d) == ["OX999"])
    client.wait(lambda m: m.get("method") == STATUS and m["params"]["health"] == "error")
    messages = [m for m in client.received if m.get("method") == "window/showMessage"]
    assert [m["params"]["type"] for m in messages] == [2, 1]
    # The findings of the frontend are shown all the same.
    version = client.change(uri, UNKNOWN)
    assert codes(client.published(uri, version, bool)) == ["OX004"]
    version = client.change(uri, RACE)
    assert client.published(uri, version, lambda d: d == []) == []
    client.request("workspace/executeCommand", {"command": "oxide.restartAnalyzer"})
    client.published(uri, version, lambda d: codes(d) == ["OX104"])
    assert client.close() == 0


# ---------------------------------------------------------------- when what is checked


class StillWorker:
    """A worker that notes what it is asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cost = 0.0
        self.needs_much = False
        self.kills = 0

    async def check(
        self, source: SourceFile, others: tuple[SourceFile, ...], settings: Configuration
    ) -> Answer:
        self.asked.append(source.text)
        await asyncio.sleep(0)
        return Answer((), ())

    def cancel(self) -> None:
        """Nothing takes long."""

    def kill(self) -> None:
        self.kills += 1
        self.needs_much = False


class Well:
    """Nothing is wrong with the analyzer."""

    has_given_up = False

    def busy(self, now: bool) -> None:
        """Nobody looks."""


def checking(worker: StillWorker) -> tuple[Checking, Document]:
    documents = Documents()
    settings = settings_of("/nowhere/k.py", None)
    document = Document("file:///nowhere/k.py", 1, SourceFile("/nowhere/k.py", FINE), settings)
    documents.put(document)
    found = Checking(worker, documents, Well(), lambda document: None)  # type: ignore[arg-type]
    return found, document


def test_what_takes_long_is_not_checked_at_every_keystroke() -> None:
    async def typed() -> list[int]:
        worker = StillWorker()
        queue, document = checking(worker)
        counts: list[int] = []
        for worker.cost in (0.0, 0.2):
            before = len(worker.asked)
            for number in range(6):
                document.update(number, SourceFile("/nowhere/k.py", f"{FINE}# {number}\n"))
                queue.request(document)
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            counts.append(len(worker.asked) - before)
        assert worker.asked[-1].endswith("# 5\n")
        return counts

    quick, slow = asyncio.run(typed())
    assert quick == 6
    assert slow in (2, 3)


def test_a_process_that_needs_much_memory_is_replaced_when_it_is_idle() -> None:
    async def grown() -> StillWorker:
        worker = StillWorker()
        queue, document = checking(worker)
        worker.needs_much = True
        queue.request(document)
        await asyncio.sleep(0.05)
        return worker

    worker = asyncio.run(grown())
    # What was open is checked again: the new process compiles what it has checked.
    assert (worker.kills, len(worker.asked)) == (1, 2)


@pytest.mark.parametrize("text", ["oxide = = 1", "x = 1"])
def test_what_cannot_be_judged_is_not_sent_to_the_worker(text: str) -> None:
    async def asked() -> tuple[list[str], bool]:
        worker = StillWorker()
        queue, document = checking(worker)
        document.update(2, SourceFile("/nowhere/k.py", text))
        queue.request(document)
        await asyncio.sleep(0.02)
        return worker.asked, document.settled.is_set()

    assert asyncio.run(asked()) == ([], True)


def test_what_another_process_checked_is_checked_again_before_it_is_compiled() -> None:
    class Still(Worker):
        """A worker whose process answers at once."""

        def __init__(self) -> None:
            super().__init__()
            self.done: list[str] = []

        def start(self) -> None:
            """Nothing is started."""

        async def _ask(self, job: Job) -> Checked | Compiled:
            self.done.append(type(job).__name__)
            if isinstance(job, Check):
                return Checked(job.job, Answer((), ()))
            return Compiled(job.job, "")

        def end(self) -> None:
            """What a new process finds."""
            self._present.clear()

    async def compiled() -> list[str]:
        worker, settings = Still(), settings_of("/nowhere/k.py", None)
        await worker.check(SourceFile("/nowhere/k.py", FINE), (), settings.configuration)
        await worker.compile("/nowhere/k.py", "k", "sm_90")
        worker.end()
        await worker.compile("/nowhere/k.py", "k", "sm_90")
        await worker.compile("/nowhere/k.py", "k", "sm_90")
        return worker.done

    assert asyncio.run(compiled()) == ["Check", "Compile", "Check", "Compile", "Compile"]
