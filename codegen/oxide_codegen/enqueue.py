"""The driver's part of a launch in one native call, made when a process first needs it.

From Python each call to the driver costs as much as a good part of a launch, and a launch takes
two: is our context current, then `cuLaunchKernel`. So both, with all their arguments, are one
routine over one structure:

    struct call {                            int start(struct call *c, void **parameters) {
        int (*current)(void **);                 void *now;
        int (*launch)(...);                      if (c->current(&now) || now != c->context)
        void *context, *function;                    return -1;
        unsigned gx, gy, gz, bx, by, bz;         return c->launch(c->function, c->gx, ...,
        unsigned shared;                             c->shared, c->stream, parameters, 0);
        void *stream, **parameters;          }
    };

Python calls it as a builtin of its own, which the interpreter does at a third of what ctypes costs:
`packed(call)` for arguments that lie in memory, `given(call, *arguments)` for Python's numbers,
which it writes on its stack; `entered(call)` only looks whether the context is ours. The structure
is the content of a `bytes`. The interpreter lock is released meanwhile, except by `entered`: on a
full queue the driver waits. Another Python than CPython gets `packed` by ctypes; where there is no
driver library or no memory for code, the bindings make the same calls.
"""

from __future__ import annotations

import ctypes
import platform
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any

from oxide_codegen import devices
from oxide_codegen.single import single

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.launch import Extent
    from oxide_codegen.cuda_kernel import Arena

OTHER_CONTEXT = -1
# A number does not fit its parameter.
UNFIT = -2

_CALL = Struct("<4Q7I4x2Q")
# So many parameters fit on the stack of `given`.
_MOST = 96
_GIVEN = Struct(f"<2Q{_MOST}s4Q")
# What a number becomes: its low bits, a float, a double.
INTEGER, SINGLE, DOUBLE = range(3)

_FIELDS = ("ptr",) * 4 + ("i32",) * 7 + ("ptr",) * 2
_STRUCTURE = "{ " + ", ".join(_FIELDS) + " }"
_LOADS = "".join(
    f"  %at{k} = getelementptr {_STRUCTURE}, ptr %call, i64 0, i32 {k}\n"
    f"  %f{k} = load {type_}, ptr %at{k}\n"
    for k, type_ in enumerate(_FIELDS)
)
_LAUNCHED = ", ".join(f"{type_} %f{k}" for k, type_ in enumerate(_FIELDS) if 2 < k < 12)
_START = f"""
define internal i32 @start(ptr %call, ptr %parameters) {{
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
  %status = call i32 %f1({_LAUNCHED}, ptr %parameters, ptr null)
  ret i32 %status
}}

define i32 @enqueue(ptr %call) {{
  %at = getelementptr {_STRUCTURE}, ptr %call, i64 0, i32 12
  %parameters = load ptr, ptr %at
  %status = call i32 @start(ptr %call, ptr %parameters)
  ret i32 %status
}}
"""
# The functions of Python's C API are named by their addresses, and so is the size of the head of a
# `bytes`.
_METHODS = """
define ptr @packed(ptr %self, ptr %object) {{
  %call = getelementptr i8, ptr %object, i64 {head}
  %state = call ptr {save}()
  %status = call i32 @enqueue(ptr %call)
  call void {restore}(ptr %state)
  %wide = sext i32 %status to i64
  %answer = call ptr {number}(i64 %wide)
  ret ptr %answer
}}

define ptr @entered(ptr %self, ptr %object) {{
  %now = alloca ptr
  store ptr null, ptr %now
  %call = getelementptr i8, ptr %object, i64 {head}
  %current = load ptr, ptr %call
  %wanted.at = getelementptr i64, ptr %call, i64 2
  %wanted = load ptr, ptr %wanted.at
  %answer = call i32 %current(ptr %now)
  %answered = icmp eq i32 %answer, 0
  %found = load ptr, ptr %now
  %same = icmp eq ptr %found, %wanted
  %ours = and i1 %answered, %same
  %wide = zext i1 %ours to i64
  %result = call ptr {number}(i64 %wide)
  ret ptr %result
}}

define ptr @given(ptr %self, ptr %arguments, i64 %length) {{
entry:
  %cells = alloca [{most} x i64]
  %table = alloca [{most} x ptr]
  %object = load ptr, ptr %arguments
  %call = getelementptr i8, ptr %object, i64 {head}
  %tail = getelementptr i8, ptr %call, i64 {size}
  %count = load i64, ptr %tail
  %hidden.at = getelementptr i64, ptr %tail, i64 1
  %hidden = load i64, ptr %hidden.at
  %kinds = getelementptr i64, ptr %tail, i64 2
  %constants = getelementptr i8, ptr %kinds, i64 {kinds}
  %all = add i64 %count, %hidden
  br label %head
head:
  %k = phi i64 [ 0, %entry ], [ %following, %next ]
  %following = add i64 %k, 1
  %more = icmp slt i64 %k, %all
  br i1 %more, label %body, label %start
body:
  %cell = getelementptr i64, ptr %cells, i64 %k
  %slot = getelementptr ptr, ptr %table, i64 %k
  store ptr %cell, ptr %slot
  %shown = icmp slt i64 %k, %count
  br i1 %shown, label %argument, label %constant
constant:
  %number = sub i64 %k, %count
  %constant.at = getelementptr i64, ptr %constants, i64 %number
  %constant.value = load i64, ptr %constant.at
  store i64 %constant.value, ptr %cell
  br label %next
argument:
  %argument.at = getelementptr ptr, ptr %arguments, i64 %following
  %value = load ptr, ptr %argument.at
  %kind.at = getelementptr i8, ptr %kinds, i64 %k
  %kind = load i8, ptr %kind.at
  switch i8 %kind, label %integer [ i8 {single}, label %single
                                    i8 {double}, label %double ]
integer:
  %bits = call i64 {integer}(ptr %value)
  store i64 %bits, ptr %cell
  br label %next
double:
  %real = call double {real}(ptr %value)
  store double %real, ptr %cell
  br label %next
single:
  %exact = call double {real}(ptr %value)
  %rounded = fptrunc double %exact to float
  %wide = fpext float %rounded to double
  %large = call double @llvm.fabs.f64(double %wide)
  %given = call double @llvm.fabs.f64(double %exact)
  %infinite = fcmp oeq double %large, 0x7FF0000000000000
  %finite = fcmp one double %given, 0x7FF0000000000000
  %over = and i1 %infinite, %finite
  store float %rounded, ptr %cell
  br i1 %over, label %unfit, label %next
unfit:
  %refused = call ptr {number}(i64 {refused})
  ret ptr %refused
next:
  br label %head
start:
  %state = call ptr {save}()
  %status = call i32 @start(ptr %call, ptr %table)
  call void {restore}(ptr %state)
  %status.wide = sext i32 %status to i64
  %answer = call ptr {number}(i64 %status.wide)
  ret ptr %answer
}}
"""


@dataclass(frozen=True, slots=True)
class Functions:
    """The addresses of `cuCtxGetCurrent` and `cuLaunchKernel`."""

    current: int
    launch: int


@dataclass(frozen=True, slots=True)
class Routines:
    """Each gives a status of the driver, or says why nothing was done.

    `entered` says whether the context of a call is current. It is None, as `given`, where this
    Python calls nothing but by ctypes.
    """

    packed: Callable[[bytes], int]
    given: Callable[..., int] | None
    entered: Callable[[bytes], int] | None
    _owner: object


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


@single
def routines() -> Routines | None:
    """What enqueues launches, or None if the system forbids memory for code."""
    from oxide_codegen import llvm

    is_known = platform.python_implementation() == "CPython"
    names = ("enqueue", "packed", "given", "entered") if is_known else ("enqueue",)
    text = _START + (_METHODS.format(**_python()) if is_known else "")
    try:
        image = llvm.object_code(text, vectorises=False)
        owner, addresses = llvm.linked(image, names)
    except RuntimeError:
        return None
    if not is_known:
        routine = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)
        return Routines(routine(addresses["enqueue"]), None, None, owner)
    packed = _Definition(b"packed", addresses["packed"], _ONE, None)
    given = _Definition(b"given", addresses["given"], _MANY, None)
    entered = _Definition(b"entered", addresses["entered"], _ONE, None)
    definitions = (owner, packed, given, entered)
    return Routines(_builtin(packed), _builtin(given), _builtin(entered), definitions)


class _Definition(ctypes.Structure):
    """`PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


# METH_O and METH_FASTCALL.
_ONE, _MANY = 0x08, 0x80


def _builtin(definition: _Definition) -> Any:
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return make(ctypes.addressof(definition), None, None)


def _python() -> dict[str, object]:
    """What `_METHODS` names."""
    api = ctypes.pythonapi

    def address(function: Any) -> str:
        return f"inttoptr (i64 {ctypes.cast(function, ctypes.c_void_p).value} to ptr)"

    return {
        # A `bytes` counts the zero behind its content.
        "head": bytes.__basicsize__ - 1,
        "size": _CALL.size,
        "kinds": _MOST,
        "most": _MOST + 4,
        "single": SINGLE,
        "double": DOUBLE,
        "refused": UNFIT,
        "save": address(api.PyEval_SaveThread),
        "restore": address(api.PyEval_RestoreThread),
        "number": address(api.PyLong_FromLong),
        "integer": address(api.PyLong_AsUnsignedLongLongMask),
        "real": address(api.PyFloat_AsDouble),
    }


def context(functions: Functions, handle: int) -> bytes:
    """The argument of `Routines.entered` for a context."""
    return _CALL.pack(functions.current, functions.launch, handle, *(0,) * 10)


class Call:
    """All that one launch needs, in memory: `packed` is the argument of `Routines.packed`."""

    __slots__ = ("_arena", "cells", "packed")

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
        where = (functions.current, functions.launch, context, function)
        self.packed = _CALL.pack(*where, *grid, *block, shared, stream, arena.address)

    def taking(self, kinds: Sequence[int], hidden: Sequence[int]) -> bytes | None:
        """The first argument of `Routines.given`, for numbers of these kinds.

        `hidden` are the cells behind them. None if they are too many.
        """
        if len(kinds) > _MOST:
            return None
        constants = (*hidden, *(0,) * (4 - len(hidden)))
        return self.packed + _GIVEN.pack(len(kinds), len(hidden), bytes(kinds), *constants)
