"""What is found in host code is what happens: random programs, read and then run on the cpu.

A finding says that its line breaks. So a program that comes to its end, and has been on that line
as often as the finding needs (twice in a loop), was accused wrongly; and one that ends with an
exception in straight code, without branches, was overlooked.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.host import findings
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile

pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

MODULES = ProjectModules((Path(__file__).parent,))
HEAD = """\
import numpy as np
import oxide
from host_kernels import shift
from oxide import operations as ops


def release(buffer):
    buffer.free()


def perhaps(buffer, really):
    if really:
        buffer.free()
    return buffer


def look(buffer):
    return buffer.numpy()


def step(first, second):
    shift[1, 32](first, second)


def program(flags):
    a, b, c = (oxide.zeros(4, oxide.f32) for _ in range(3))
    a, b, c = oxide.zeros(4, oxide.f32), oxide.zeros(4, oxide.f32), oxide.zeros(4, oxide.f32)
    p, q = ops.upload(np.ones(4)), ops.upload(np.ones(4))
"""
SIMPLE = (
    "{x}.numpy()",
    "{x}.numpy()",
    "{x}.free()",
    "{x} = oxide.zeros(4, oxide.f32)",
    "{x} = {y}",
    "{x}, {y} = {y}, {x}",
    "{x}.copy_from({y})",
    "look({x})",
    "release({x})",
    "{x} = oxide.zeros(5, oxide.f32)",
    "shift[1, 32]({x}, {y})",
    "shift[1, 32](a, b)",
    "step({x}, {y})",
    "shift.prepare(grid=1, block=32)(out={x}, a=np.zeros({x}.shape, np.float32))",
    "shift.prepare(grid=1, block=32).bind({x}, {y})()",
    "perhaps({x}, flags.pop())",
    "perhaps({x}, flags[-1]).numpy()",
    "print({x}.shape)",
    "{o}.sync()",
    "{o} = ops.upload(np.ones(4))",
    "{o} = {o}.share()",
    "{o} = ops.zip_ops({o}, {r})",
    "ops.download(ops.copy({x}, {y})).sync()",
    "pair = ({x}, {y})",
    "several = [{x}]; several.append({y}); several[-1].numpy()",
)


def block(rng: random.Random, depth: int, count: int, *, straight: bool) -> list[str]:
    found: list[str] = []
    for _ in range(count):
        x, y = rng.choice("abc"), rng.choice("abc")
        o, r = rng.choice("pq"), rng.choice("pq")
        kind = rng.random() if depth < 2 and not straight else 1.0
        inner = (
            ["    " + line for line in block(rng, depth + 1, 2, straight=False)] if kind < 1 else []
        )
        if kind < 0.10:
            other = ["    " + line for line in block(rng, depth + 1, 2, straight=False)]
            found += ["if flags.pop():", *inner, "else:", *other]
        elif kind < 0.16:
            found += ["for _ in range(3):", *inner]
        elif kind < 0.20:
            found += ["for _ in range(3):", *inner, "    if flags.pop():", "        break"]
        elif kind < 0.25:
            found += ["try:", *inner, "finally:", f"    {x}.free()"]
        elif kind < 0.30:
            found += ["try:", *inner, "except RecursionError:", f"    {x}.numpy()"]
        elif kind < 0.35:
            found += [f"with oxide.zeros(4, oxide.f32) as {x}:", *inner]
        elif kind < 0.38:
            found += [f"for {x} in ({x}, {y}):", *inner]
        else:
            found.append(rng.choice(SIMPLE).format(x=x, y=y, o=o, r=r))
    return found


def run(text: str, flags: list[bool]) -> tuple[dict[int, int], bool]:
    """How often each line was begun, and whether the program ended with an exception."""
    lines: dict[int, int] = {}

    def trace(frame: Any, event: str, argument: object) -> Any:
        del argument
        if frame.f_code.co_filename != "<host>":
            return None
        if event == "line":
            lines[frame.f_lineno] = lines.get(frame.f_lineno, 0) + 1
        return trace

    names: dict[str, Any] = {"print": len}
    exec(compile(text, "<host>", "exec"), names)
    import oxide

    before = sys.gettrace()
    with oxide.device("cpu"):
        sys.settrace(trace)
        try:
            names["program"](flags)
        except oxide.OxideError:
            return lines, True
        except (ValueError, TypeError):
            # Shapes that do not fit are no rule's business; nothing is learned from this run.
            return {}, False
        finally:
            sys.settrace(before)
    return lines, False


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_happens(seed: int) -> None:
    rng = random.Random(seed)
    found_some = broken = 0
    for number in range(60):
        straight = number % 3 == 0
        body = block(rng, 0, 8, straight=straight)
        text = HEAD + "".join(f"    {line}\n" for line in body) + "    return a, b, c, p, q\n"
        said = findings(SourceFile("<host>", text), MODULES, (), ())
        said = tuple(d for d in said if d.code != "OX502" and d.severity is Severity.ERROR)
        found_some += bool(said)
        for _ in range(4):
            lines, failed = run(text, [rng.random() < 0.5 for _ in range(200)])
            broken += failed
            if failed:
                unknown = "perhaps" in str(body) or "several" in str(body)
                assert said or unknown or not straight, text
                continue
            has_break = "break" in text
            for finding in said:
                often = lines.get(finding.span.line, 0)
                assert often <= (2 if has_break else 0), f"{finding.span}\n{text}"
    assert found_some > 10
    assert broken > 10
