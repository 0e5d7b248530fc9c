"""Quick fixes of Numba kernels, in Numba's words: applied, the finding is gone and none is new."""

from __future__ import annotations

import pytest

from fixing import trials
from oxide_analyzer import edits
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

HEAD = """\
import numpy as np
import numba.cuda as nc
from numba import cuda, float32


@cuda.jit
def k(a, out):
    s = cuda.shared.array(32, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
"""
# The body of a kernel, what a fix is called, and the body with it.
CASES = [
    (
        "s[t] = a[i]\nout[i] = s[31 - t]",
        "insert `cuda.syncthreads()` above `out[i] = s[31 - t]`",
        "s[t] = a[i]\ncuda.syncthreads()\nout[i] = s[31 - t]",
    ),
    (
        "for r in range(4):\n    s[t] = a[i] + r\n    cuda.syncthreads()\n    out[i] += s[31 - t]",
        "insert `cuda.syncthreads()` below `out[i] += s[31 - t]`",
        "for r in range(4):\n    s[t] = a[i] + r\n    cuda.syncthreads()\n    out[i] += s[31 - t]\n"
        "    cuda.syncthreads()",
    ),
    (
        "s[t] = a[i]\nif t < 8:\n    s[t] += 1\n    cuda.syncthreads()\nout[i] = s[t]",
        "move `cuda.syncthreads()` out of the branch",
        "s[t] = a[i]\nif t < 8:\n    s[t] += 1\ncuda.syncthreads()\nout[i] = s[t]",
    ),
    (
        "s[t] = a[i]\nout[int(a[i]) & 63] += s[t]",
        "change `out` atomically",
        "s[t] = a[i]\ncuda.atomic.add(out, int(a[i]) & 63, s[t])",
    ),
    (
        "s[t] = 1\nout[i] = a[i + 1] * s[t]",
        "guard it with `if i + 1 < a.shape[0]`",
        "s[t] = 1\nif i + 1 < a.shape[0]:\n    out[i] = a[i + 1] * s[t]",
    ),
    (
        "x = a[i + 40]\nout[i] = x",
        "take 0.0 where not `i + 40 < a.shape[0]`",
        "x = a[i + 40] if i + 40 < a.shape[0] else 0.0\nout[i] = x",
    ),
]
TAIL = "\n\nk[2, 32](np.zeros(64), np.zeros(64))\n"


def _source(body: str) -> SourceFile:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return SourceFile("k.py", HEAD + lines + TAIL)


@pytest.mark.parametrize(("body", "title", "wanted"), CASES, ids=lambda one: one[:24])
def test_fixes_speak_numba(body: str, title: str, wanted: str) -> None:
    source = _source(body)
    tried = list(trials(source, NoModules()))
    assert [str(trial) for trial in tried if trial.problems] == []
    fix = next(trial.fix for trial in tried if trial.fix.title == title)
    assert edits.apply(source, fix.edits) == _source(wanted).text
