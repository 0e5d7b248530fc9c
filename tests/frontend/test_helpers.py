"""`@device` functions, inlined."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, findings, kernel, lines, statements

CLAMP = """
@device
def clamp(x: f32, lo: f32 = 0.0, hi: f32 = 1.0) -> f32:
    if x < lo:
        return lo
    elif x > hi:
        return hi
    return x
"""


def in_file(
    helpers: str, body: str, parameters: str = "a: Slice[f32], out: DisjointSlice[f32], n: i32"
) -> str:
    return f"{HEAD}{helpers}\n@kernel\ndef k({parameters}):\n" + "\n".join(
        "    " + line for line in body.splitlines()
    )


def test_body_takes_the_place_of_the_call() -> None:
    assert statements(kernel(in_file(CLAMP, "out[0] = clamp(a[0], hi=n)"))) == lines(
        """
        %1 = load a[0]  @0
        inline clamp #0:
          hi: f32 = f32(n)
          if (%1 < 0.0):
            return: f32 = 0.0
            leave #0
          else:
            if (%1 > hi):
              return: f32 = hi
              leave #0
          return: f32 = %1
        store out[0] = return  @1
        """
    )


def test_names_of_each_call_are_its_own() -> None:
    helper = "@device\ndef twice(x: f32):\n    y = x + x\n    return y\n"
    text = statements(kernel(in_file(helper, "y = twice(twice(1))\nout[0] = y")))
    assert text == lines(
        """
        inline twice #0:
          y: f32 = (1.0 + 1.0)
          return: f32 = y
        inline twice #1:
          y.1: f32 = (return + return)
          return.1: f32 = y.1
        y.2: f32 = return.1
        store out[0] = y.2  @0
        """
    )


def test_tuple_result() -> None:
    helper = "@device\ndef both(x: f32, n: i32) -> tuple[f32, i64]:\n    return x, n\n"
    text = statements(kernel(in_file(helper, "x, i = both(1, n)\nout[i] = x")))
    assert "return: f32 = 1.0" in text
    assert "return.1: i64 = i64(n)" in text


def test_array_stands_for_itself() -> None:
    helper = "@device\ndef put(t: SharedArray[f32], i: int, v: f32) -> None:\n    t[i] = v\n"
    text = statements(kernel(in_file(helper, "t = SharedArray(f32, 8)\nput(t, n, 2)")))
    assert text == lines(
        """
        inline put #0:
          i: i64 = i64(n)
          store t[i] = 2.0  @0
        """
    )


def test_shared_array_of_a_helper_is_one_for_all_its_calls() -> None:
    helper = "@device\ndef scratch(v: f32):\n    t = SharedArray(f32, 8)\n    t[0] = v\n"
    made = kernel(in_file(helper, "scratch(1)\nscratch(2)"))
    assert [name for name in made.arrays if name not in ("a", "out")] == ["t"]
    assert statements(made).count("store t[0]") == 2


def test_slice_parameter_is_read_only() -> None:
    helper = "@device\ndef put(t: Slice[f32]):\n    t[0] = 1\n"
    (finding,) = findings(in_file(helper, "put(out)"))
    assert finding.startswith("5 OX101 `t` is a read-only `Slice`")


def test_result_joins_its_returns() -> None:
    helper = "@device\ndef pick(x: i32, y: f32):\n    if x > 0:\n        return x\n    return y\n"
    assert "return: f32 = f32(n)" in statements(kernel(in_file(helper, "out[0] = pick(n, 2)")))


def test_assigned_parameter_of_a_helper_is_its_own() -> None:
    helper = "@device\ndef down(n: i32):\n    while n > 3:\n        n -= 1\n    return n\n"
    text = statements(kernel(in_file(helper, "out[n] = down(n)")))
    assert "n.1: i32 = n" in text
    assert "store out[i64(n)] = f32(return)" in text


def test_routes_lead_to_each_helper() -> None:
    helpers = "@device\ndef f(x: f32):\n    return x\n@device\ndef g(x: f32):\n    return f(x)\n"
    made = kernel(in_file(helpers, "out[0] = g(1) + f(2)"))
    assert [(function.route, function.qualname) for function in made.functions] == [
        ((), "k"),
        ((("g",),), "g"),
        ((("g",), ("f",)), "f"),
        ((("f",),), "f"),
    ]


@pytest.mark.parametrize(
    ("helper", "body", "message"),
    [
        ("def f(x: f32): return x", "f(1)", "OX006 `f` is an ordinary function; write `@device`"),
        ("@kernel\ndef f(x: f32): pass", "f(1)", "OX006 `f` is a kernel, which only the host"),
        (
            "@device\ndef f(x: f32): return f(x)",
            "f(1)",
            "OX007 `f` calls itself; calls are inlined, so write a loop",
        ),
        ("@device\ndef f(x): return x", "f(1)", "OX005 parameter `x` of `f` has no type"),
        ("@device\ndef f(x: f32): return x", "f()", "called without its argument `x`"),
        ("@device\ndef f(x: f32): return x", "f(1, 2)", "`f` takes 1 argument, 2 are given"),
        ("@device\ndef f(x: f32): return x", "f(y=2)", "`f` has no such parameter"),
        ("@device\ndef f(x: f32): return x", "f(1, x=2)", "argument `x` is given twice"),
        ("@device\ndef f(x: f32): return x", "f(*a)", "OX002 kernels have no starred arguments"),
        ("@device\ndef f(x: f32): return x", "f(a)", "`a` is an array of f32, not a number"),
        ("@device\ndef f(x: i32): return x", "f(0.5)", "does not fit parameter `x` of `f`"),
        ("@device\ndef f(x: i32): return x", "f(len(a))", "parameter `x` of `f` is i32, the value"),
        ("@device\ndef f(x: Slice2D[f32]): pass", "f(a)", "has 2 dimensions, `a` has 1"),
        ("@device\ndef f(x: Slice[f64]): pass", "f(a)", "holds f64, `a` holds f32"),
        ("@device\ndef f(x: DisjointSlice[f32]): pass", "f(a)", "`a` is read-only"),
        ("@device\ndef f(x: SharedArray[f32]): pass", "f(a)", "`a` is a global array"),
        ("@device\ndef f(x: f32):\n    if x: return 1", "f(1)", "OX003"),
        ("@device\ndef f(x: i32):\n    if x: return 1", "f(1)", "returns a value on some paths"),
        ("@device\ndef f(x: Slice[f32]): return x", "f(a)", "OX002 a helper returns numbers"),
        ("@device\ndef f(x: f32) -> i32: return x", "f(1)", "`return` is i32, the value is f32"),
        ("@device\ndef f(x: f32): pass", "r = f(1)", "OX003 `f(1)` gives no value"),
    ],
)
def test_refused_calls(helper: str, body: str, message: str) -> None:
    found = findings(in_file(helper, body))
    assert any(message in finding for finding in found), found


def test_mistake_in_a_helper_is_said_once_for_all_kernels() -> None:
    helper = "@device\ndef f(x: f32): return x & 1\n"
    text = in_file(helper, "out[0] = f(1) + f(2)") + "\n@kernel\ndef k2():\n    f(3)\n"
    assert len(findings(text)) == 1


@pytest.mark.parametrize(
    ("helpers", "expected"),
    [
        ("@device\ndef f(x: f32): return x & 1", ["OX003 `&` is for integers"]),
        ("@device\ndef f(x: f32): return y", ["OX004 `y` is not defined"]),
        ("@device\ndef f(x): return x", ["OX005 parameter `x` of `f` has no type"]),
        ("@device\ndef f(a: Slice[f32]):\n    a[0] = 1", ["OX101 `a` is a read-only `Slice`"]),
        ("@device\ndef f(a: Slice[f32]):\n    b[0] = 1", ["OX004 `b` is not defined"]),
        ("@device\ndef f(x: f32):\n    r = [x]", ["OX002 kernels have no lists"]),
        ("@device\ndef f(n: i32) -> f32:\n    if n: return 1", ["returns a value on some paths"]),
        ("@device\ndef f(n: i32):\n    k = k + n", ["OX004 `k` is read here, and nothing"]),
        ("@device\ndef f(n: i32) -> i32:\n    return f(n)", ["OX007 `f` calls itself;"]),
        (
            "@device\ndef f(n: i32): return g(n)\n@device\ndef g(n: i32): return f(n)",
            ["OX007 `f` calls itself through `g`; calls are inlined"],
        ),
        (
            "class A:\n    @staticmethod\n    @device\n    def f(x: f32):\n        return x[0]",
            ["OX003 `x` is a number of type f32, not an array"],
        ),
        # What a call decides: the rank of scratch memory, an annotation without one.
        ("@device\ndef f(t: SharedArray[f32]) -> f32: return t[0, 1] + len(t)", []),
        ("@device\ndef f(t: SharedArray[f32]) -> f32:\n    y = t[0]\n    return y", []),
        (
            "@device\ndef f(a: Slice2D[f32], t: SharedArray3D[i8]):\n    t[0, 0, 0] = i8(a[0, 1])",
            [],
        ),
        ("@device\ndef f(p: tuple[f32, i32]) -> f32: return p[0]", []),
        ("@device\ndef f(x: f32, n: i32 = 3) -> f32:\n    grid_sync()\n    return x * n", []),
        ("def f(x): return [x]", []),
    ],
)
def test_helper_that_nothing_calls_is_read(helpers: str, expected: list[str]) -> None:
    found = findings(f"{HEAD}{helpers}\n")
    assert len(found) == len(expected), found
    for message in expected:
        assert any(message in one for one in found), found


def test_called_helper_is_read_where_it_is_called() -> None:
    helper = "@device\ndef f(t: SharedArray[f32]) -> f32:\n    return t[0, 1]\n"
    (found,) = findings(in_file(helper, "t = SharedArray(f32, 4)\nout[0] = f(t)"))
    assert "OX003 `t` has 1 dimension, 2 indices given" in found
