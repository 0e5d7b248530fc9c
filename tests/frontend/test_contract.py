"""`@kernel(…)`: what is read, what is refused, and where more would be written."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, findings, kernel
from oxide_analyzer.contract import whole_clusters
from oxide_analyzer.ir.show import show_expr

PARAMETERS = "a: Slice[f32], m: Slice2D[f32], n: i32, s: f32"


def with_contract(contract: str) -> str:
    return f"{HEAD}N = 8\n@kernel{contract}\ndef k({PARAMETERS}):\n    pass\n"


@pytest.mark.parametrize(
    ("body", "conditions"),
    [
        ("n: n > 0", ["(i64(n) > 0)"]),
        ("n: 0 < n <= 5", ["(0 < i64(n))", "(i64(n) <= 5)"]),
        (
            "m, a: len(a) >= m.shape[1] and m.size == N",
            [
                "(a.shape[0] >= m.shape[1])",
                "((m.shape[0] * m.shape[1]) == $N)",
            ],
        ),
        ("a: (len(a) == 3 and (len(a) > 1 and True))", ["(a.shape[0] == 3)", "(a.shape[0] > 1)"]),
        ("n: n % 2 == 0", ["((i64(n) % 2) == 0)"]),
        (
            "n: max(n, 1) * block_dim.x // 2 < grid_dim.y - -1",
            ["(((max(i64(n), 1) * block_dim.x) // 2) < (grid_dim.y - -1))"],
        ),
        ("m: m.shape[-1] != 7", ["(m.shape[1] != 7)"]),
        (": grid_dim.x == 1", ["(grid_dim.x == 1)"]),
    ],
)
def test_requirements(body: str, conditions: list[str]) -> None:
    separator = "" if body.startswith(":") else " "
    made = kernel(with_contract(f"(requires=lambda{separator}{body})"))
    assert [show_expr(one.condition) for one in made.contract.requires] == conditions


def test_text_of_a_requirement_is_that_of_its_conjunct() -> None:
    made = kernel(with_contract("(requires=lambda n, a: 0 < n <= len(a) and n != 3)"))
    assert [one.text for one in made.contract.requires] == ["0 < n", "n <= len(a)", "n != 3"]


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("(requires=lambda b: len(b) > 1)", "`k` has no parameter `b`; its parameters: `a`, `m`"),
        ("(requires=lambda: len(a) > 1)", "`a` is not a parameter of the lambda"),
        ("(requires=lambda: n > 1)", "`n` is not a parameter of the lambda"),
        ("(requires=lambda n: n)", "made of comparisons, joined by `and`"),
        ("(requires=lambda n: n > 1 or n < 0)", "made of comparisons, joined by `and`"),
        ("(requires=lambda n: not n > 1)", "made of comparisons, joined by `and`"),
        ("(requires=lambda s: s > 1)", "`s` is f32; a requirement computes with integers"),
        ("(requires=lambda n: n > 1.5)", "a requirement speaks of"),
        ("(requires=lambda n: n / 2 > 1)", "computes with `+`, `-`, `*`, `//` and `%`"),
        ("(requires=lambda a: a > 1)", "`a` is an array; a requirement speaks of `len(a)`"),
        ("(requires=lambda m: m.shape[2] > 1)", "`m` has 2 dimensions, so no `.shape[2]`"),
        ("(requires=lambda n: len(n) > 1)", "`n` is a scalar and has no length"),
        ("(requires=lambda n: n > thread.x)", "`thread.x` in a requirement"),
        ("(requires=lambda n: n > foo)", "`foo` is not defined"),
        ("(requires=lambda n: abs(n) > 1)", "it calls `len`, `min` and `max` only"),
        ("(requires=check)", "`requires` is a lambda, written here"),
        ("(requires=lambda n=1: n > 1)", "names parameters of the kernel, nothing else"),
        ("(block=0)", "`block` has extent 0 along x"),
        ("(block=(32, 64))", "`block` has 2048 threads; at most 1024 fit"),
        ("(block=(1, 1, 128))", "`block` has extent 128 along z; it is 1 to 64"),
        ("(block='x')", "`block` is an integer or a tuple"),
        ("(block=(1, 2, 3, 4))", "`block` is an integer or a tuple"),
        ("(block=1.5)", "`block` is made of integers"),
        ("(domain=4)", "`domain` is 1, 2 or 3"),
        ("(domain=True)", "`domain` is 1, 2 or 3"),
        ("(cluster=16)", "`cluster` has 16 blocks; at most 8 are possible"),
        ("(cluster=(2, 0))", "`cluster` has extent 0 along y; it is at least 1"),
        ("(cluster='2')", "`cluster` is an integer or a tuple (x, y, z) of integers"),
        ("(cluster=(1, 2), domain=1)", "`cluster` extends along y, beyond `domain=1`"),
        ("(cluster=2, cooperative=True)", "`cluster` and `cooperative` exclude each other"),
    ],
)
def test_bad_requirements(contract: str, message: str) -> None:
    found = findings(with_contract(contract))
    assert len(found) == 1
    assert " OX404 " in found[0]
    assert message in found[0]


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("(blocks=1)", "`@kernel` has no `blocks=`; it has `block=`, `domain=`, `requires=`"),
        ("(256)", "`@kernel` takes keywords only"),
        ("(**options)", "`@kernel(**…)`; write each keyword"),
    ],
)
def test_keywords_that_are_not_there(contract: str, message: str) -> None:
    (found,) = findings(with_contract(contract))
    assert " OX002 " in found
    assert message in found


def test_block_and_domain() -> None:
    contract = kernel(with_contract("(block=(N, 4), domain=2)")).contract
    assert contract.block is not None
    assert [show_expr(extent) for extent in contract.block] == ["$N", "4", "1"]
    assert contract.domain == 2


@pytest.mark.parametrize(
    ("contract", "extended"),
    [
        ("", "(R)"),
        ("()", "(R)"),
        ("(block=N)", "(block=N, R)"),
        ("(block=(N), domain=1,)", "(block=(N), domain=1, R,)"),
        ("(\n    block=N,\n)", "(\n    block=N, R,\n)"),
        ("(requires=lambda n: n > 0)", None),
    ],
)
def test_where_another_keyword_goes(contract: str, extended: str | None) -> None:
    text = with_contract(contract)
    made = kernel(text).contract
    if extended is None:
        assert made.insertion is None
        return
    at = made.insertion
    assert at is not None
    rows = text.split("\n")
    row = rows[at.line - 1]
    rows[at.line - 1] = f"{row[: at.column - 1]}{made.prefix}R{made.suffix}{row[at.column - 1 :]}"
    assert "\n".join(rows) == with_contract(extended)


def test_a_grid_is_made_of_whole_clusters() -> None:
    found = kernel(with_contract("(cluster=(2, 1, 3))"))
    assert found.contract.cluster == (2, 1, 3)
    assert not found.contract.requires
    facts = [one.text for one in whole_clusters(found)]
    assert facts == ["grid_dim.x % 2 == 0", "grid_dim.z % 3 == 0"]
