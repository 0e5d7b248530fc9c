"""The driver's part of a launch in one native call, made when a process first needs it.

From Python each call to the driver costs as much as a good part of a launch, and a launch takes
two: is our context current, then `cuLaunchKernel`. So both, with all their arguments, are one
routine over one structure, of which Python passes the address:

    struct call {                            int enqueue(struct call *c) {
        int (*current)(void **);                 void *now;
        int (*launch)(...);                      if (c->current(&now) || now != c->context)
        void *context, *function;                    return -1;
        unsigned gx, gy, gz, bx, by, bz;         return c->launch(c->function, c->gx, ...,
        unsigned shared;                             c->shared, c->stream, c->parameters, 0);
        void *stream, **parameters;          }
    };

The interpreter lock is released meanwhile: on a full queue the driver waits. Where there is no
driver library or no memory for code, the bindings make the same two calls.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING

from oxide_codegen import devices

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.launch import Extent
    from oxide_codegen.cuda_kernel import Arena

OTHER_CONTEXT = -1

_CALL = Struct("<4Q7I4x2Q")
_ROUTINE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_FIELDS = ("ptr",) * 4 + ("i32",) * 7 + ("ptr",) * 2
_STRUCTURE = "{ " + ", ".join(_FIELDS) + " }"
_LOADS = "".join(
    f"  %at{k} = getelementptr {_STRUCTURE}, ptr %call, i64 0, i32 {k}\n"
    f"  %f{k} = load {type_}, ptr %at{k}\n"
    for k, type_ in enumerate(_FIELDS)
)
_LAUNCHED = ", ".join(f"{type_} %f{k}" for k, type_ in enumerate(_FIELDS) if k > 2)
_TEXT = f"""
define i32 @enqueue(ptr %call) {{
  %now = alloca ptr
  store ptr null, ptr %now
{_LOADS}  %answer = call i32 %f0(ptr %now)
  %answered = icmp eq i32 %answer, 0
  %found = load ptr, ptr %now
  %same = icmp eq ptr %found, %f2
  %ours = and i1 %answered, %same
  br i1 %ours, label %launch, label %other
other:
  ret i32 {OTHER_CONTEXT}
launch:
  %status = call i32 %f1({_LAUNCHED}, ptr null)
  ret i32 %status
}}
"""


@dataclass(frozen=True, slots=True)
class Functions:
    """The addresses of `cuCtxGetCurrent` and `cuLaunchKernel`."""

    current: int
    launch: int


def functions() -> Functions | None:
    """Those of the driver's library, or None where there is none."""
    library = devices.load_driver()
    if library is None:
        return None
    try:
        # The exported names take stream handles as the bindings do: 1 and 2 are the default ones.
        found = [
            ctypes.cast(function, ctypes.c_void_p).value
            for function in (library.cuCtxGetCurrent, library.cuLaunchKernel)
        ]
    except AttributeError:
        return None
    current, launch = found
    return Functions(current, launch) if current and launch else None


def routine() -> Callable[[int], int] | None:
    """`enqueue`: a status of the driver, or `OTHER_CONTEXT` if that is why nothing was done."""
    return _compiled()[0]


@cache
def _compiled() -> tuple[Callable[[int], int] | None, object]:
    from oxide_codegen import llvm

    try:
        image = llvm.object_code(_TEXT, vectorises=False)
        owner, addresses = llvm.linked(image, ("enqueue",))
    except RuntimeError:
        # Some systems forbid memory for code: then the bindings do.
        return None, None
    return _ROUTINE(addresses["enqueue"]), owner


class Call:
    """All that one launch needs, in memory: `address` is the argument of `enqueue`."""

    __slots__ = ("_arena", "_memory", "address", "cells")

    def __init__(
        self,
        functions: Functions,
        context: int,
        function: int,
        grid: Extent,
        block: Extent,
        shared: int,
        stream: int,
        arena: Arena,
    ) -> None:
        self._arena = arena
        self.cells = arena.cells
        self._memory = ctypes.create_string_buffer(
            _CALL.pack(
                functions.current,
                functions.launch,
                context,
                function,
                *grid,
                *block,
                shared,
                stream,
                arena.address,
            )
        )
        self.address = ctypes.addressof(self._memory)
