"""Compiled code beside its source: what a document shows, and that it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lsp.client import REAL_SERVER, ROOT, Client
from oxide_analyzer import analysis
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_lsp.compiling import Compile, Compiler, Stage
from oxide_lsp.features.ptx import Address, View
from oxide_lsp.features.ptx_text import Hidden, moved_lines, shown
from oxide_lsp.features.ptx_words import explain, explain_parameter, explain_word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from oxide_lsp.compiling import Compiled

pytest.importorskip("llvmlite")

VECADD = (ROOT / "examples/vecadd.py").read_text(encoding="utf-8")
BLOCK_SUM = (ROOT / "examples/block_sum.py").read_text(encoding="utf-8")
SAXPY = """\
from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def scale(factor: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(x) and i < len(y):
        y[i] = factor * x[i]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(tmp_path_factory.mktemp("workspace"), pull=False, command=REAL_SERVER)
    yield client
    assert client.close() == 0


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_first(Compiler(), BLOCK_SUM)


def compile_first(compiler: Compiler, text: str) -> Compiled:
    report = analysis.check(SourceFile("k.py", text), NoModules())
    name = report.kernels[0].qualname
    return compiler.compile(Compile(1, "k.py", name, "sm_90", Stage.PTX), report)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.split("\n"), 1) if part in line)


# ---------------------------------------------------------------- the worker's part


def test_instructions_know_their_lines_and_statements_their_death(compiled: Compiled) -> None:
    barriers = {number for text, number in compiled.lines if "bar.sync" in text}
    written = {n for n, line in enumerate(BLOCK_SUM.split("\n"), 1) if "sync_threads()" in line}
    assert barriers == written & set(range(compiled.origin, 99))
    # The loop is unrolled, so its counter becomes nothing.
    assert line_of(BLOCK_SUM, "stride //= 2") in compiled.dead
    assert not set(compiled.dead) & {number for _, number in compiled.lines}
    assert all(number == 0 for text, number in compiled.lines if text.strip().startswith("."))
    assert compiled.parameters[:2] == ("the address of `a`, of f32", "`a.shape[0]`")
    assert len(compiled.parameters) == 5


def test_a_kernel_that_moved_has_its_code_on_other_lines(compiled: Compiled) -> None:
    compiler = Compiler()
    before = analysis.check(SourceFile("k.py", BLOCK_SUM), NoModules())
    request = Compile(1, "k.py", "block_sum", "sm_90")
    first = compiler.compile(request, before)
    from dataclasses import replace

    (report,) = before.kernels
    lower = replace(report, span=replace(report.span, line=report.span.line + 3))
    moved = compiler.compile(request, replace(before, kernels=(lower,)))
    assert moved.code == first.code
    assert [n + 3 if n else 0 for _, n in first.lines] == [n for _, n in moved.lines]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("y[i] =", "y[0] =", "violated: OX10"),
        ("def scale", "def other", "there is no kernel `scale`"),
        ("y[i] =", "y[i] += ", None),
    ],
)
def test_what_does_not_compile_says_why(old: str, new: str, said: str | None) -> None:
    report = analysis.check(SourceFile("k.py", SAXPY.replace(old, new)), NoModules())
    found = Compiler().compile(Compile(1, "k.py", "scale", "sm_90"), report)
    assert (found.problem is None) == (said is None)
    assert said is None or said in (found.problem or "")


def test_numba_kernels_compile_and_say_for_which_types() -> None:
    text = "from numba import cuda\n@cuda.jit\ndef k(a):\n    a[cuda.grid(1)] = 1.0\n"
    guarded = text.replace("    a[", "    if cuda.grid(1) < a.size:\n        a[")
    found = compile_first(Compiler(), guarded)
    assert found.problem is None
    assert found.header[0].startswith("with a: f64[:]: types that the source does not give")


def test_numba_kernels_that_are_violated_have_the_code_that_checks() -> None:
    text = "from numba import cuda\n@cuda.jit\ndef k(a):\n    a[0] = cuda.grid(1)\n"
    report = analysis.check(SourceFile("k.py", text), NoModules())
    assert report.kernels[0].checked is None
    found = Compiler().compile(Compile(1, "k.py", "k", "sm_90"), report)
    assert found.problem is None
    assert found.header[0] == "violated: what is not proved is checked while it runs"


# ---------------------------------------------------------------- what a document shows


def test_each_filter_hides_what_it_names(compiled: Compiled) -> None:
    source = BLOCK_SUM.split("\n")
    texts = {hidden: shown("t", compiled, {hidden}, source).text for hidden in Hidden}
    everything = shown("t", compiled, set(), source).text
    signs = {
        Hidden.DIRECTIVES: ".version",
        Hidden.COMMENTS: "demoted variable",
        Hidden.LABELS: "$L__tmp0:",
        Hidden.SOURCE: "// 33   sync_threads()",
        Hidden.NUMBERS: "%r31",
    }
    for hidden, sign in signs.items():
        assert sign in everything
        assert {name for name, text in texts.items() if sign not in text} == {hidden}
    least = shown("t", compiled, set(Hidden), source).text
    assert ".entry block_sum_kernel(" in least
    assert "$L__BB0_2:" in least, "a label that is jumped to stays"
    assert ".section" not in least
    assert "}" in least.rstrip()[-2:]


def test_lines_of_a_document_are_those_of_its_text(compiled: Compiled) -> None:
    document = shown("t", compiled, {Hidden.DIRECTIVES}, BLOCK_SUM.split("\n"))
    lines = document.text.split("\n")
    assert len(document.lines) == len(lines) - 1
    for line, number in zip(lines, document.lines, strict=False):
        if "bar.sync" in line:
            assert "sync_threads()" in BLOCK_SUM.split("\n")[number - 1]


def test_lines_of_a_broken_kernel_are_followed() -> None:
    before, after = ["a", "b", "c", "d"], ["new", "a", "b", "changed", "d"]
    assert moved_lines(before, after) == {1: 2, 2: 3, 4: 5}


def test_the_version_before_is_the_last_one_saved_that_differs(compiled: Compiled) -> None:
    other = compile_first(Compiler(), SAXPY)
    view = View()
    view.take(compiled, ())
    assert view.previous is compiled
    view.take(other, ())
    assert view.previous is compiled
    view.keep()
    assert view.previous is compiled
    view.take(compiled, ())
    assert view.previous is other


def test_a_document_is_known_by_its_name() -> None:
    address = Address("file:///a%20b/k.py", "outer.k", "sm_90", Stage.SASS, "every")
    assert Address.of(address.uri) == address
    assert address.uri.startswith("oxide-ptx:/k.sm_90.nvsass?")
    for wrong in ("file:///k.py", "oxide-ptx:/k.ptx", "oxide-ptx:/k.ptx?%7B%7D", "oxide-ptx:/?3"):
        assert Address.of(wrong) is None


# ---------------------------------------------------------------- what instructions are


def test_every_instruction_of_the_examples_is_explained() -> None:
    compiler = Compiler()
    for name in ("gemm.py", "softmax.py", "histogram.py"):
        text = (ROOT / "examples" / name).read_text(encoding="utf-8")
        for line, number in compile_first(compiler, text).lines:
            words = line.split("@", 1)[-1].split()
            code = [w for w in words if not w.startswith(("%", "!%", "{"))]
            if number and code:
                assert explain_word(code[0].strip(";")) is not None, line


def test_an_instruction_is_explained_with_its_modifiers() -> None:
    line = "    @%p1 ld.global.nc.v4.b32 {%r1}, [%tid.x];"
    said = explain(line, 12) or ""
    assert "Loads" in said
    assert "read-only cache" in said
    assert "32 bits" in said
    assert "thread" in (explain(line, line.index("%tid")) or "")
    assert explain(line, line.index("%r1")) is None
    assert "`x`" in (explain_parameter("[k_param_1];", 3, ("a", "`x`")) or "")


# ---------------------------------------------------------------- the protocol


def ptx(client: Client, **params: Any) -> Any:
    return client.request("oxide/ptx", params)


def test_a_document_lives_with_its_source(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "scale.py"
    uri = client.open(path, SAXPY)
    at = {"textDocument": {"uri": uri}, "position": {"line": 7, "character": 0}}
    answer = ptx(client, **at, target="sm_80")
    assert answer["problem"] is None
    assert "mul.f32" in answer["text"] and "sm_80" in answer["text"]
    of_store = {n for n, text in enumerate(answer["text"].split("\n")) if "st.global" in text}
    assert {answer["lines"][n] for n in of_store} == {7}

    content = {"uri": answer["uri"]}
    document = client.request("workspace/textDocumentContent", content)
    assert document["text"] == answer["text"]
    line = next(n for n, text in enumerate(document["text"].split("\n")) if "mul.f32" in text)
    place = {"textDocument": content, "position": {"line": line, "character": 6}}
    assert "Multiplies" in client.request("textDocument/hover", place)["contents"]["value"]

    seen = len(client.received)
    client.change(uri, "# above\n" + SAXPY.replace("factor * x[i]", "factor - x[i]"))
    changed = client.wait(lambda m: m.get("method") == "oxide/ptxChanged", after=seen)
    assert changed["params"]["uri"] == answer["uri"]
    client.wait(lambda m: m.get("method") == "workspace/textDocumentContent/refresh", after=seen)
    second = ptx(client, uri=answer["uri"])
    assert "sub.f32" in second["text"] and "mul.f32" not in second["text"]
    old = ptx(client, uri=answer["uri"].replace("current", "previous"))
    assert "mul.f32" in old["text"]

    client.change(uri, "# above\n\n" + SAXPY.replace("y[i] =", "y[0] ="))
    broken = ptx(client, uri=answer["uri"])
    assert "OX10" in broken["problem"]
    assert "sub.f32" in broken["text"], "the code of before stays"
    stores = {n for n, text in enumerate(broken["text"].split("\n")) if "st.global" in text}
    assert {broken["lines"][n] for n in stores} == {None}, "its line was changed"


def test_what_cannot_be_shown_says_so(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "none.py", "import oxide\n")
    assert ptx(client, textDocument={"uri": uri}, position={"line": 0, "character": 0}) is None
    gone = Address("file:///gone.py", "k", "sm_90", Stage.PTX, "ordinary").uri
    document = client.request("workspace/textDocumentContent", {"uri": gone})
    assert "its file is not open" in document["text"]
    page = client.request("workspace/textDocumentContent", {"uri": "oxide-rule:/OX104.md"})
    assert page["text"].startswith("# OX104: shared-memory-race")
