"""Which types the operators of kernels give: those that Numba's compiler gives, read off it.

`types_of_numba.json` holds, for each expression, the type of its value for each pair of types of
its operands, one row for each left one, as numba 0.68 infers it; `-` where it infers none.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from oxide_analyzer.frontends.numba import read_launched
from oxide_analyzer.frontends.numba.given import Launched, Live, ScalarForm
from oxide_analyzer.frontends.oxide.given import find_function
from oxide_analyzer.frontends.oxide.meanings import UserFunction
from oxide_analyzer.ir.nodes import Assign
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import SCALARS
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile
from oxide_codegen.numba.random import init_xoroshiro128p_states_cpu, xoroshiro128p_dtype

TABLE = json.loads((Path(__file__).parent / "types_of_numba.json").read_text(encoding="utf-8"))
TYPES = TABLE.pop("types").split()
PAIRS = [expression for expression, rows in TABLE.items() if len(rows) > 1]
SINGLE = [expression for expression, rows in TABLE.items() if len(rows) == 1]
# Of a bool there is no magnitude here, and a bool to a power has the type of any other integer.
EXCEPT = {("abs(a)", "bool"), ("a ** b", "bool i32")}


class NoNames:
    """No name is live."""

    def find(self, function: UserFunction, path: tuple[str, ...]) -> Live | None:
        """What the source says."""
        del function, path


def inferred(expressions: list[str], a: str, b: str) -> list[str]:
    """The types of the expressions for operands of these types."""
    lines = [f"    x{k} = {expression}" for k, expression in enumerate(expressions)]
    text = "\n".join(
        ["import math", "from numba import cuda", "@cuda.jit", "def f(a, b):", *lines, ""]
    )
    source = SourceFile("types.py", text)
    function = find_function(source, "f", 3)
    assert function is not None
    forms = {"a": ScalarForm(SCALARS[a]), "b": ScalarForm(SCALARS[b])}
    kernel = read_launched(function, ProjectModules(()), Launched(forms, NoNames()))
    unknown = {assumption.span.line for assumption in kernel.assumptions}
    found = {
        s.target.name: "?" if s.span.line in unknown else s.target.type.name
        for s in statements(kernel.body)
        if isinstance(s, Assign)
    }
    return [found.get(f"x{k}", "?") for k in range(len(expressions))]


@pytest.mark.parametrize("row", range(len(TYPES)), ids=TYPES)
def test_operators_give_the_types_that_numba_gives(row: int) -> None:
    left = TYPES[row]
    wrong: list[str] = []
    for column, right in enumerate(TYPES):
        found = inferred(PAIRS, left, right)
        for expression, type_ in zip(PAIRS, found, strict=True):
            wanted = TABLE[expression][row].split()[column]
            exempt = (expression, f"{left} {right}") in EXCEPT
            if wanted != "-" and type_ != wanted and not exempt:
                wrong.append(f"{expression} of {left}, {right}: {wanted}, not {type_}")
    for expression, type_ in zip(SINGLE, inferred(SINGLE, left, left), strict=True):
        wanted = TABLE[expression][0].split()[row]
        if wanted != "-" and type_ != wanted and (expression, left) not in EXCEPT:
            wrong.append(f"{expression} of {left}: {wanted}, not {type_}")
    assert wrong == []


def test_states_of_generators_are_those_that_numba_makes() -> None:
    states = np.empty(5, xoroshiro128p_dtype)
    init_xoroshiro128p_states_cpu(states, 42)
    assert states["s0"].tolist() == [
        0xBDD732262FEB6E95,
        0x45A2C270718BC3B,
        0xA67324E5ECCCB8DC,
        0xEF6261E44FD8ABC9,
        0x965712E7AC28B9B1,
    ]
    init_xoroshiro128p_states_cpu(states[:3], 7, 3)
    assert states["s1"][:3].tolist() == [
        0x4630E0C5D6F0088E,
        0x6C58947D6401425F,
        0x44BCA0A8C062E677,
    ]
    many = np.empty(1000, xoroshiro128p_dtype)
    init_xoroshiro128p_states_cpu(many, 1, 2)
    assert int(np.bitwise_xor.reduce(many["s0"])) == 0xA1167B995CB7D9C5
    assert int(many["s1"].sum()) == 0xE5B63BE1527B2E57
