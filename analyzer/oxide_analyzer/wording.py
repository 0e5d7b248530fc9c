"""Findings about kernels of other dialects in the words of these.

two threads … with no `sync_threads()` between         … with no `cuda.syncthreads()` between
… is not proved to be inside `a`; it is checked at     … is not proved to be inside `a`
run time
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.diagnostics import Diagnostic

# What Oxide's words are in other dialects, the longer ones first; nobody checks a bound there.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "numba": {
        "; it is checked at run time": "",
        "it does not release": "no `cuda.threadfence()` stands between",
        "does not acquire what it reads": "is no `cuda.threadfence()`, and none stands behind it",
        "`sync_threads()`": "`cuda.syncthreads()`",
        "`sync_threads`": "`cuda.syncthreads`",
        "`grid_sync()`": "`cuda.cg.this_grid().sync()`",
        "`sync_warp()`": "`cuda.syncwarp()`",
        "`block.x": "`cuda.blockIdx.x",
        "`thread.x": "`cuda.threadIdx.x",
        "block_dim.": "blockDim.",
        "grid_dim.": "gridDim.",
    }
}

CODE: Mapping[str, str] = {
    "sync_threads": "syncthreads",
    **{f"atomic.{op}": f"atomic.{op}" for op in ("add", "sub", "and_", "or_", "xor", "inc", "dec")},
    **{
        f"{own}.{axis}": f"{other}.{axis}"
        for own, other in (
            ("thread", "threadIdx"),
            ("block", "blockIdx"),
            ("block_dim", "blockDim"),
            ("grid_dim", "gridDim"),
        )
        for axis in "xyz"
    },
}
"""What fixes write, as attributes of `numba.cuda`; what has no word here is not offered there."""

# The registers by themselves, as they stand in the terms of provers.
_REGISTERS: Mapping[str, Mapping[str, str]] = {
    "numba": {
        "thread": "cuda.threadIdx",
        "block": "cuda.blockIdx",
        "block_dim": "cuda.blockDim",
        "grid_dim": "cuda.gridDim",
    }
}
_REGISTER = re.compile(r"(?<![\w.])(thread|block_dim|block|grid_dim)(?=\.[xyz]\b)")


def in_words(terms: str, dialect: str) -> str:
    """Terms of a prover, or a fact about launches, in the words of a dialect."""
    registers = _REGISTERS.get(dialect)
    if registers is None:
        return terms
    return _REGISTER.sub(lambda found: registers[found[1]], terms)


# How each dialect says the first extent of an array.
_LENGTHS: Mapping[str, str] = {"numba": r"\1.shape[0]"}
_LENGTH = re.compile(r"\blen\((\w+)\)")


def lengths_in_words(text: str, dialect: str) -> str:
    """An extent in the words of a dialect: `len(a)`, `a.shape[0]`."""
    words = _LENGTHS.get(dialect)
    return text if words is None else _LENGTH.sub(words, text)


def spoken(diagnostic: Diagnostic, dialect: str) -> Diagnostic:
    """The finding in the words of a dialect."""
    words = _WORDS.get(dialect)
    if words is None:
        return diagnostic
    if diagnostic.verdict is Verdict.UNPROVED and diagnostic.severity is Severity.ERROR:
        # It compiles and runs: what is not proved is no error there.
        diagnostic = replace(diagnostic, severity=Severity.WARNING)
    related = tuple(replace(r, message=_put(r.message, words)) for r in diagnostic.related)
    reason = None if diagnostic.reason is None else _put(diagnostic.reason, words)
    message = _put(diagnostic.message, words)
    fixes = tuple(replace(fix, title=_put(fix.title, words)) for fix in diagnostic.fixes)
    return replace(diagnostic, message=message, reason=reason, related=related, fixes=fixes)


def _put(text: str, words: Mapping[str, str]) -> str:
    for own, other in words.items():
        text = text.replace(own, other)
    return text
