"""Kernels that Oxide writes round functions of a program: the text of one, and its names.

    @cuda.jit
    def apply(x0, x1, out): …out[i] = core(x0[i], x1[i])…        core is the program's function

Such a kernel is read, judged and compiled as one that a program holds: its text is found where
`linecache` keeps texts that stand in no file, and its names hold what they are given.
"""

from __future__ import annotations

import linecache
from itertools import count
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from oxide_codegen.numba.dispatch import Dispatcher
from oxide_codegen.numba.program import NumbaOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD = "from numba import cuda\n\n"
_numbers = count(1)


def name_for(function: object) -> str:
    """What messages call a kernel round a function: by the name of that, where it has one."""
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() and name not in ("core", "cuda") else "apply"


def kernel(name: str, text: str, names: Mapping[str, object], unproved: str | None) -> Dispatcher:
    """The kernel of which `text` is the definition, in which `names` hold these values."""
    whole = _HEAD + text
    path = f"{name} {next(_numbers)}"
    linecache.cache[path] = len(whole), None, whole.splitlines(keepends=True), path
    module = compile(whole, path, "exec")
    (code,) = (one for one in module.co_consts if isinstance(one, CodeType))
    function = FunctionType(code, {"__name__": name, "__builtins__": {}, **names})
    return Dispatcher(function, NumbaOptions(), (), unproved, is_device=False)
