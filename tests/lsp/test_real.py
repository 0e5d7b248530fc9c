"""The server as it is installed: the real analysis, the real compiler."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from lsp.client import REAL_SERVER, ROOT, Client, codes
from oxide_analyzer import analysis
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_lsp import jobs
from oxide_lsp.analyser import Analyser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport, Report

BROKEN = (ROOT / "tests/kernels/unsafe/block_sum_no_loop_barrier.py").read_text(encoding="utf-8")
FAULT = next(i for i, line in enumerate(BROKEN.split("\n")) if "OX104" in line)
REPAIRED = BROKEN.replace("        stride //= 2", "        sync_threads()\n        stride //= 2")
VECADD = (ROOT / "examples/vecadd.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(tmp_path_factory.mktemp("workspace"), pull=True, command=REAL_SERVER)
    yield client
    assert client.close() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_race_is_shown_with_its_two_threads_and_goes_when_it_is_repaired(
    client: Client, folder: Path
) -> None:
    uri = client.open(folder / "block_sum.py", BROKEN)
    (race,) = client.pulled(uri, lambda d: "OX104" in codes(d))
    assert race["range"]["start"]["line"] == FAULT
    (related,) = race["relatedInformation"]
    assert related["location"]["uri"] == uri
    assert race["message"].count("thread ") >= 3
    client.change(uri, REPAIRED)
    assert client.pulled(uri, lambda d: "OX104" not in codes(d)) == []


def test_what_host_code_does_is_said_outside_of_kernels(client: Client, folder: Path) -> None:
    host = "import oxide\n\nx = oxide.zeros(8, oxide.f32)\nx.free()\nx.numpy()\n"
    uri = client.open(folder / "host.py", host)
    (found,) = client.pulled(uri, lambda d: "OX501" in codes(d))
    assert found["range"]["start"] == {"line": 4, "character": 0}
    assert [r["location"]["range"]["start"]["line"] for r in found["relatedInformation"]] == [3, 2]
    client.change(uri, host.replace("x.free()\n", ""))
    assert client.pulled(uri, lambda d: d == []) == []


def test_hover_shows_verdict_facts_and_ptx(client: Client, folder: Path) -> None:
    pytest.importorskip("llvmlite")
    uri = client.open(folder / "vecadd.py", VECADD)
    line = next(i for i, text in enumerate(VECADD.split("\n")) if text.startswith("def vecadd"))
    text = ""
    for _ in range(100):
        text = client.at("textDocument/hover", uri, line, 5)["contents"]["value"]
        if "being" not in text:
            break
        time.sleep(0.1)
    assert text.startswith("**vecadd**: proved safe")
    assert "```ptx\n" in text
    assert "ld.global" in text
    assert "registers" in text


def test_unchanged_kernels_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    check_kernel = analysis.check_kernel_to_show

    def counting(kernel: Kernel) -> KernelReport:
        checked.append(kernel.name)
        return check_kernel(kernel)

    monkeypatch.setattr(analysis, "check_kernel_to_show", counting)
    analyser = Analyser()
    other = "\n\n@kernel\ndef other(out: DisjointSlice[f32]):\n    out[0] = 1.0\n"
    texts = [BROKEN + other, "# above\n\n" + BROKEN + other.replace("1.0", "2.0")]
    reports = [analyser.check(SourceFile("k.py", t), NoModules(), lambda: None) for t in texts]
    assert checked == ["block_sum", "other", "other"]
    fresh = analysis.check(SourceFile("k.py", texts[1]), NoModules())
    assert reports[1].diagnostics == fresh.diagnostics
    assert reports[0].diagnostics != fresh.diagnostics


def test_verdicts_are_kept_for_the_next_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checked: list[str] = []
    check_kernel = analysis.check_kernel_to_show

    def counting(kernel: Kernel) -> KernelReport:
        checked.append(kernel.name)
        return check_kernel(kernel)

    monkeypatch.setattr(analysis, "check_kernel_to_show", counting)
    other = "\n\n@kernel\ndef other(out: DisjointSlice[f32]):\n    out[0] = 1.0\n"
    source = SourceFile("k.py", REPAIRED + other)
    analysers = [Analyser(), Analyser()]
    reports: list[Report] = []
    for analyser in analysers:
        analyser.keep_in(tmp_path)
        reports.append(analyser.check(source, NoModules(), lambda: None))
    first, second = (jobs.answer(report) for report in reports)
    assert checked == ["block_sum", "other"]
    assert [kernel.compiles for kernel in first.kernels] == [True, False]
    assert second.diagnostics == first.diagnostics
    assert [k.insights for k in reports[1].kernels] == [k.insights for k in reports[0].kernels]
    assert [k.compiles for k in second.kernels] == [k.compiles for k in first.kernels]
    assert all(kernel.checked is None for kernel in reports[1].kernels)
    # What is kept is no proof: who wants to compile has one made.
    proved = analysers[1].prove(source, NoModules(), lambda: None)
    assert [k.checked is not None for k in proved.kernels] == [k.compiles for k in first.kernels]
    assert checked == ["block_sum", "other", "block_sum"]


def test_nothing_is_kept_between_keystrokes_nor_where_no_folder_is(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        analyser = Analyser()
        analyser.keep_in(folder)
        for text in (REPAIRED, f"# edited\n{REPAIRED}"):
            analyser.check(SourceFile("k.py", text), NoModules(), lambda: None)
    reports = (tmp_path / "verdicts.txt").read_text(encoding="utf-8").count('"KernelReport"')
    assert (reports, (tmp_path / "none").exists()) == (1, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("BLOCK = 256", "BLOCK = 128"),
        ("@kernel(block=BLOCK, ", "@kernel("),
        ("f32, grid_dim", "f64 as f32, grid_dim"),
        ("    t, i =", "    i, t ="),
    ],
)
def test_what_a_verdict_depends_on_is_checked_again(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    checked: list[str] = []
    check_kernel = analysis.check_kernel_to_show

    def counting(kernel: Kernel) -> KernelReport:
        checked.append(kernel.name)
        return check_kernel(kernel)

    monkeypatch.setattr(analysis, "check_kernel_to_show", counting)
    assert BROKEN.count(old) == 1
    analyser = Analyser()
    for text in (BROKEN, BROKEN.replace(old, new)):
        analyser.check(SourceFile("k.py", text), NoModules(), lambda: None)
    assert checked == ["block_sum", "block_sum"]
