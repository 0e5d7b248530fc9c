"""Structs, enums and `match`: what they become in the IR, and what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, body_of, findings, kernel, lines, statements

CLASSES = (
    "from enum import Enum, IntEnum, auto\n"
    "from dataclasses import dataclass\n"
    + HEAD
    + """
class Op(IntEnum):
    ADD = 0
    MUL = auto()
    NEG = 2 * 2 + 1
@struct
class V:
    x: f32
    y: f32 = 2
@struct
class P:
    n: i32
    v: V
    def size(self): return self.n
@struct
class Bad:
    a: Slice[f32]
"""
)


def statements_of(code: str) -> str:
    return "\n".join(
        line for line in statements(kernel(CLASSES + code)).splitlines() if "constant" not in line
    )


def test_a_struct_is_its_fields() -> None:
    made = kernel(CLASSES + "@kernel\ndef k(p: P, o: DisjointSlice[f32]):\n    o[p.n] = p.v.y\n")
    assert [p.name for p in made.parameters] == ["p.n", "p.v.x", "p.v.y", "o"]
    assert [(s.name, s.class_name) for s in made.structs] == [("p", "P"), ("p.v", "V")]
    assert statements(made) == "store o[i64(p.n)] = p.v.y  @0"


def test_structs_are_made_passed_and_returned() -> None:
    made = statements_of(
        """
@device
def swap(v: V) -> V:
    return V(v.y, y=v.x)
@kernel
def k(p: P, o: DisjointSlice[f32]):
    q = P(4, V(x=1))
    q = P(n=q.n, v=swap(q.v))
    w = swap(p.v) if q.n > 3 else p.v
    o[0] = q.v.x + w.y
"""
    )
    assert made == lines(
        """
        q: i32 = (i32 4)
        q.1: f32 = 1.0
        q.2: f32 = f32($V.y)
        inline swap #0:
          return: f32 = q.2
          return.1: f32 = q.1
        %1: i32 = q
        %2: f32 = return
        %3: f32 = return.1
        q: i32 = %1
        q.1: f32 = %2
        q.2: f32 = %3
        if (q > (i32 3)):
          inline swap #1:
            return.2: f32 = p.v.y
            return.3: f32 = p.v.x
          %4: f32 = return.2
          %5: f32 = return.3
        else:
          %4: f32 = p.v.x
          %5: f32 = p.v.y
        w: f32 = %4
        w.1: f32 = %5
        store o[0] = (q.1 + w.1)  @0
        """
    )


def test_requirements_speak_of_fields() -> None:
    made = kernel(
        CLASSES
        + "@kernel(requires=lambda o, p: 0 <= p.n < len(o))\n"
        + "def k(p: P, o: DisjointSlice[f32]):\n    o[p.n] = 1\n"
    )
    assert [one.text for one in made.contract.requires] == ["0 <= p.n", "p.n < len(o)"]


def test_match_is_a_chain_of_branches() -> None:
    made = statements_of(
        """
@kernel
def k(op: Op, n: i32, o: DisjointSlice[i32]):
    match op:
        case Op.ADD | Op.MUL:
            o[0] = 1
        case _ if n > 3:
            o[0] = 2
        case other:
            o[0] = i32(other)
"""
    )
    assert made == lines(
        """
        %1: i64 = op
        if ((%1 == $Op.ADD.value) or (%1 == $Op.MUL.value)):
          store o[0] = (i32 1)  @0
        else:
          if (n > (i32 3)):
            store o[0] = (i32 2)  @1
          else:
            other: i64 = %1
            store o[0] = i32(other)  @2
        """
    )


def test_members_have_the_values_of_the_source() -> None:
    made = kernel(
        CLASSES
        + "LAST = Op.NEG\n@kernel\ndef k(o: DisjointSlice[i32]):\n"
        + "    o[0] = Op.MUL\n    o[1] = Op.NEG.value\n    o[2] = LAST\n"
    )
    assert {c.attributes: c.value for c in made.constants} == {
        ("Op", "MUL", "value"): 1,
        ("Op", "NEG", "value"): 5,
        ("LAST", "value"): 5,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "match n, k:\n    case 0, 1:\n        out[0] = 1\n    case x, _ if x > 2:\n"
            "        out[0] = x",
            "%1: i32 = n\n"
            "%2: i64 = k\n"
            "if ((%1 == (i32 0)) and (%2 == 1)):\n"
            "  store out[0] = 1.0  @0\n"
            "else:\n"
            "  x: i32 = %1\n"
            "  if (x > (i32 2)):\n"
            "    x: i32 = %1\n"
            "    store out[0] = f32(x)  @1",
        ),
        (
            "match flag:\n    case True:\n        out[0] = 1\n    case _:\n        out[0] = 2",
            "%1: bool = flag\n"
            "if (%1 == True):\n"
            "  store out[0] = 1.0  @0\n"
            "else:\n"
            "  store out[0] = 2.0  @1",
        ),
        (
            "x, y = (n, 1) if flag else (2, n)",
            "%1: bool = flag\nx: i32 = (n if %1 else (i32 2))\ny: i32 = ((i32 1) if %1 else n)",
        ),
    ],
)
def test_forms(body: str, expected: str) -> None:
    assert body_of(body) == expected


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("p.n = 1", "OX002 `p.n` cannot be assigned in a kernel; make a new one: `P(…)`"),
        ("r = p.m", "OX004 there is no `p.m`; there are `.n`, `.v`"),
        ("r = p.size()", "OX002 `size` is a method of `P`; write a `@device` function"),
        ("r = p + 1", "OX002 kernels have no arithmetic of tuples"),
        ("o[0] = p", "OX003 `p` is a `P`, not a number; name one of its fields"),
        ("n, v = p", "OX003 `p` is not a tuple, and 2 names take it apart"),
        ("q = V()", "OX003 `V` is made without its field `x`"),
        ("q = V(1, 2, 3)", "OX003 `V` has 2 fields, 3 are given"),
        ("q = V(1, x=2)", "OX003 field `x` of `V` is given twice"),
        ("q = V(1, z=2)", "OX003 field `z` of `V` does not exist"),
        ("q = P(1.5, p.v)", "OX003 literal 1.5 does not fit field `n` of `P`, which is i32"),
        ("q = P(1, p)", "OX003 field `v` of `P` is a `V`, `p` is a `P`"),
        ("q = p\n    q = p.v", "OX003 `q` is not V everywhere"),
        ("q = Op.SUB", "OX004 there is no `Op.SUB`"),
        ("q = Op(1)", "OX002 a number becomes no `Op` in a kernel"),
        ("match o:\n        case 1: pass", "OX002 a kernel matches integers, bools"),
        ("match p.v.x:\n        case 1: pass", "OX002 a kernel matches integers, bools"),
        ("match p.n:\n        case 1.5: pass", "OX002 a case is no float"),
        ("match p.n:\n        case (1, 2): pass", "OX002 a case is an integer"),
        ("match p.n, 1:\n        case 1, 2, 3: pass", "OX003 3 patterns for a tuple of 2"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    code = f"@kernel\ndef k(p: P, o: DisjointSlice[f32]):\n    {body}\n"
    found = [one.partition(" ")[2] for one in findings(CLASSES + code)]
    assert found, body
    assert found[0].startswith(finding), found


@pytest.mark.parametrize(
    ("signature", "finding"),
    [
        ("a: Slice[V]", "OX003 there are no arrays of structs; give each field of `V` an array"),
        ("a: Bad", "OX003 field `a` of `Bad` is no number"),
        ("a: tuple[f32, f32]", "OX002 a kernel takes scalars, structs and slices"),
    ],
)
def test_refused_signatures(signature: str, finding: str) -> None:
    found = findings(CLASSES + f"@kernel\ndef k({signature}):\n    pass\n")
    assert found[0].partition(" ")[2].startswith(finding), found
