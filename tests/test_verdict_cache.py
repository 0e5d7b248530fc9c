"""Verdicts that are known: the same as new ones, and nothing but data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oxide_analyzer import analysis, deadline, encoding, verdict_cache
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import Report
    from oxide_analyzer.verdict_cache import Cache

_KERNELS = Path(__file__).parent / "kernels"
_RACY = """
from oxide import DisjointSlice, block, f32, kernel, thread

@kernel
def racy(a: DisjointSlice[f32]):
    if thread.x < len(a):
        a[thread.x] = f32(block.x)
"""


def _kernel(text: str, path: str = "k.py") -> Kernel:
    return read(SourceFile(path, text), NoModules()).kernels[0]


def _check(text: str, cache: Cache, path: str = "k.py") -> Report:
    return analysis.check(SourceFile(path, text), NoModules(), cache.check_kernel)


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    judged: list[str] = []
    check_kernel = analysis.check_kernel

    def counting(kernel: Kernel) -> object:
        judged.append(kernel.name)
        return check_kernel(kernel)

    monkeypatch.setattr(analysis, "check_kernel", counting)
    return judged


@pytest.mark.parametrize("path", sorted(_KERNELS.glob("*/*.py"))[::12], ids=lambda path: path.stem)
def test_a_known_report_is_the_same_in_every_word(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cold = verdict_cache.open_folder(tmp_path)
    first = _check(text, cold, path.name)
    cold.flush()
    second = _check(text, verdict_cache.open_folder(tmp_path), path.name)
    assert second.diagnostics == first.diagnostics
    for new, old in zip(second.kernels, first.kernels, strict=True):
        bare = replace(old, kernel=None, checked=None)
        assert encoding.canonical(new, "") == encoding.canonical(bare, "")


def test_a_known_kernel_is_not_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = _counting(monkeypatch)
    for _ in range(2):
        cache = verdict_cache.open_folder(tmp_path)
        _check(_RACY, cache)
        cache.flush()
    assert judged == ["racy"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("block.x)", "block.y)"), ("len(a)", "len(a) - 1"), ("\n@kernel", "\n\n@kernel")],
    ids=["body", "guard", "place"],
)
def test_a_kernel_that_says_something_else_is_another(old: str, new: str) -> None:
    assert verdict_cache.kernel_key(_kernel(_RACY)) != verdict_cache.kernel_key(
        _kernel(_RACY.replace(old, new))
    )


def test_a_kernel_is_known_again_though_something_behind_it_changes() -> None:
    assert verdict_cache.kernel_key(_kernel(_RACY)) == verdict_cache.kernel_key(
        _kernel(_RACY + "\n\nx = 1\n")
    )


def test_another_analyzer_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = verdict_cache.kernel_key(_kernel(_RACY))
    monkeypatch.setattr(verdict_cache, "versions", lambda: "another")
    assert verdict_cache.kernel_key(_kernel(_RACY)) != before


@pytest.mark.parametrize("damage", [b"", b"\0\xff" * 500, b"half a li", None])
def test_what_is_damaged_is_not_believed(damage: bytes | None, tmp_path: Path) -> None:
    cache = verdict_cache.open_folder(tmp_path)
    wanted = _check(_RACY, cache)
    cache.flush()
    file = tmp_path / verdict_cache.FILE
    content = file.read_bytes()
    # None: another verdict under the same checksum.
    file.write_bytes(content.replace(b"violated", b"proved") if damage is None else damage)
    again = verdict_cache.open_folder(tmp_path)
    assert _check(_RACY, again).diagnostics == wanted.diagnostics


def test_a_line_without_its_end_takes_no_other_along(tmp_path: Path) -> None:
    cache = verdict_cache.open_folder(tmp_path)
    cache.put("a" * 32, "1")
    cache.flush()
    file = tmp_path / verdict_cache.FILE
    file.write_bytes(b"x" * 50 + b"\n" + file.read_bytes() + b"b" * 40)
    again = verdict_cache.open_folder(tmp_path)
    assert again.get("a" * 32) == "1"
    assert again.get("b" * 32) is None


def test_several_may_write_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        cache = verdict_cache.open_folder(tmp_path)
        for step in range(20):
            cache.put(f"{number:016}{step:016}", "x" * 1000)
            cache.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    again = verdict_cache.open_folder(tmp_path)
    assert all(again.get(f"{n:016}{s:016}") == "x" * 1000 for n in range(4) for s in range(20))


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(100):
        cache = verdict_cache.open_folder(tmp_path, most_bytes=10_000)
        cache.put(f"{number:032}", "x" * 500)
        cache.flush()
    assert (tmp_path / verdict_cache.FILE).stat().st_size < 11_000
    again = verdict_cache.open_folder(tmp_path, most_bytes=10_000)
    assert again.get(f"{99:032}") is not None
    assert again.get(f"{0:032}") is None


def test_the_folder_hides_itself_from_version_control(tmp_path: Path) -> None:
    cache = verdict_cache.open_folder(tmp_path / "cache")
    cache.put("a" * 32, "1")
    cache.flush()
    assert "*" in (tmp_path / "cache" / ".gitignore").read_text().splitlines()


def test_what_was_stopped_is_not_kept() -> None:
    cache = verdict_cache.Cache()
    kernel = _kernel(_RACY)
    with deadline.within(0.0):
        assert deadline.is_stop(cache.check_kernel(kernel).diagnostics[0].reason)
    assert cache.check_kernel(kernel).diagnostics == analysis.check_kernel(kernel).diagnostics


def test_memory_forgets_what_was_not_asked_for_longest() -> None:
    cache = verdict_cache.Cache(most=2)
    cache.put("a", "1")
    cache.put("b", "2")
    assert cache.get("a") == "1"
    cache.put("c", "3")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("1", None, "3")


@pytest.mark.parametrize(
    "text",
    [
        '{"r":["SourceFile","a"]}',
        '{"r":["system","true"]}',
        '{"x":[1]}',
        '{"r":["Place"]}',
        '{"e":["Severity","fatal"]}',
        "[",
    ],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        encoding.load(text)


def test_what_the_solver_contradicted_is_known_under_other_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from oxide_analyzer.facts.conditions import at_least_zero, equal, less, negate
    from oxide_analyzer.facts.polys import Level, constant
    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.proof import smt

    asked: list[str] = []
    z3 = pytest.importorskip("z3")
    simple_solver = z3.SimpleSolver

    def counting(**options: object) -> object:
        asked.append("solver")
        return simple_solver(**options)

    monkeypatch.setattr(z3, "SimpleSolver", counting)

    def decide(name: str, more: int, gap: int) -> smt.Decision:
        terms = Terms()
        for number in range(more):
            terms.variable(f"unrelated{number}", Level.THREAD)
        x, y, s = (terms.variable(f"{name}{n}", Level.THREAD) for n in range(3))
        products = terms.multiply(x, s), terms.multiply(y, s)
        query = (less(x, y), at_least_zero(s), negate(less(products[0], products[1].shift(gap))))
        return smt.decide(terms, (*query, negate(equal(s, constant(0)))))

    with verdict_cache.used(verdict_cache.Cache()):
        assert decide("x", 0, 0) == smt.Contradiction()
        first = len(asked)
        assert first > 0
        assert decide("other", 5, 0) == smt.Contradiction()
        assert len(asked) == first
        assert decide("x", 0, -1) != smt.Contradiction()
        assert len(asked) > first
