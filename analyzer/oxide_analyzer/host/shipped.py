"""Kernels of artifacts: of their contracts nothing is known here, of what is done with them all.

    kernels = oxide.load("kernels.oxide")         oxide.<module>
    prepared = kernels.saxpy.prepare(grid=4)      oxide.<module>.saxpy.prepare gives oxide.<launch>
    kernels.saxpy.op(prepared, 2.0, x, y)         an operation, as prepared.op(2.0, x, y)

A path with a name in angle brackets stands for what a function of Oxide gives, whichever it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.host import api
from oxide_analyzer.host.values import UNKNOWN, HostFunction, Path, Text, Thing, Value

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.host.expressions import Expressions, Given

MODULE, KERNEL, LAUNCH = (f"oxide.<{name}>" for name in ("module", "kernel", "launch"))


def item(owner: Path) -> Value:
    """What `owner[…]` gives: a kernel of a module, or the launch of a kernel."""
    if owner.dotted == MODULE:
        return Path(KERNEL)
    return Path(LAUNCH) if _is_kernel(owner.dotted) else UNKNOWN


def _is_kernel(path: str) -> bool:
    parts = path.split(".")
    return path == KERNEL or (path.startswith(f"{MODULE}.") and len(parts) == 3)


def called(here: Expressions, path: str, given: Given, node: ast.Call) -> tuple[Value] | None:
    """What `oxide.load`, a kernel that it gave, its launch or a method gives; None for all else."""
    if path == "oxide.load":
        return (_loaded(given),)
    if path == LAUNCH:
        _launched(here, given, node)
        return (None,)
    owner, _, name = path.rpartition(".")
    match name:
        case "prepare" | "launch_unchecked" if _is_kernel(owner):
            return (Path(LAUNCH),)
        case "op" if _is_kernel(owner) or owner == LAUNCH:
            return (api.operation_of(here, given.all, node, "is part of a launch"),)
        case "bind" if owner == LAUNCH:
            _launched(here, given, node)
            return (UNKNOWN,)
        case _:
            return None


def _launched(here: Expressions, given: Given, node: ast.Call) -> None:
    for value in given.all:
        if isinstance(value, Thing):
            api.use(here, value, node)
            here.read(value, node)
        here.run.escapes(value)


def _loaded(given: Given) -> Value:
    """What `oxide.load` gives: a kernel or a module of the source, or kernels that nobody sees."""
    match given.positional:
        case [HostFunction() | Path() as loaded] | [_, HostFunction() as loaded]:
            return loaded
        case [Text()]:
            return Path(MODULE)
        case _:
            return UNKNOWN
