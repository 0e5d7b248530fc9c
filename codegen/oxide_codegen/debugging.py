"""`breakpoint()` in a kernel that is interpreted: a prompt, for one thread at a time.

    > blur.py:14, block (1, 0, 0), thread (3, 0, 0)
    -> tile[t] = a[i]
    (oxide) p t, i, tile[2]
    (3, 67, 0.25)
    (oxide) thread          on to the next thread that stops here

The commands are those of pdb where they mean the same. The other threads of the block stand where
the schedule of the interpreter has left them: at the last barrier that they have come to, or at
their start. On compiled devices `breakpoint()` does nothing, and a warning says so once.
"""

from __future__ import annotations

import bdb
import cmd
import linecache
import os
import sys
import warnings
from dataclasses import dataclass
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

from oxide_analyzer.ir.nodes import Breakpoint, Space
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.program import Place
    from oxide_analyzer.interpreter.stops import Seen, Stop
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent

_AROUND = 5
_SHOWN = 16
_HELP = """\
c, continue          on to the next breakpoint, of any thread
s, step              on to the next line of this thread
n, next              the same, over helpers
t, thread [T [B]]    on until another thread stops at a breakpoint: thread T of block B, numbers or
                     (x, y, z); without T, the next one
b, break [LINE]      stop at a line as well; without LINE, say where
cl, clear LINE       no more
w, where             block, thread and line
l, list              the source around
p, pp EXPRESSION     variables, scalars, `tile[3]`, `a[i, j]`, `len(a)`, `thread.x`
locals               all variables of this thread
arrays               shared, local and global arrays
q, quit              end the launch
"""


def debugger(kernel: Kernel) -> Debugger | None:
    """Who stops the threads of a kernel, if it asks for that and the environment lets it."""
    if not has_breakpoints(kernel) or os.environ.get("PYTHONBREAKPOINT") == "0":
        return None
    return Debugger(kernel)


def has_breakpoints(kernel: Kernel) -> bool:
    """Whether the source says `breakpoint()`."""
    return any(isinstance(s, Breakpoint) for s in statements(kernel.body))


def warn_of_breakpoints(kernel: Kernel, device: str) -> None:
    """Say that nothing stops on a device that runs compiled code."""
    lines = [s.span.line for s in statements(kernel.body) if isinstance(s, Breakpoint)]
    if lines and os.environ.get("PYTHONBREAKPOINT") != "0":
        warnings.warn(
            f"{kernel.name}: `breakpoint()` on line {lines[0]} does nothing on {device}; "
            'it stops with oxide.device("interpreter")',
            RuntimeWarning,
            stacklevel=2,
        )


@dataclass
class _Wanted:
    """What a thread that goes on stops at next.

    `line` is where `thread` stands, and `depth` how many helpers it may stand in. `awaited` is
    the thread whose breakpoints count, or a thread whose do not.
    """

    thread: int | None = None
    line: tuple[str, int] = ("", 0)
    depth: int | None = None
    awaited: int | None = None
    ignored: int | None = None


class Debugger:
    """Stops threads, and asks what to do; reads `sys.stdin` and writes `sys.stdout`."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.lines: set[tuple[str, int]] = set()
        self.wanted = _Wanted()

    def wants(self, thread: int, place: Place, *, halts: bool) -> bool:
        """Whether to stop in front of a statement."""
        wanted = self.wanted
        here = place.span.path, place.span.line
        if wanted.thread is not None:
            # A step within this thread; others do not interrupt it.
            shallow = wanted.depth is None or place.depth <= wanted.depth
            return thread == wanted.thread and (halts or (here != wanted.line and shallow))
        if not halts and here not in self.lines:
            return False
        if wanted.awaited is not None:
            return thread == wanted.awaited
        return thread != wanted.ignored

    def gone(self, thread: int) -> None:
        """A thread is done: who steps through it goes on to the next breakpoint."""
        if self.wanted.thread == thread:
            self.wanted = _Wanted()

    def stop(self, stop: Stop) -> None:
        """Ask what to do with a thread, until it is to go on."""
        prompt = _Prompt(self, stop, sys.stdin, sys.stdout)
        prompt.do_where("")
        prompt.cmdloop()
        if prompt.quits:
            raise bdb.BdbQuit


class _Prompt(cmd.Cmd):
    """One stop."""

    prompt = "(oxide) "

    def __init__(self, owner: Debugger, stop: Stop, stdin: TextIO, stdout: TextIO) -> None:
        super().__init__(stdin=stdin, stdout=stdout)
        # `input` edits lines on a terminal, and nowhere else.
        self.use_rawinput = stdin.isatty()
        self.owner = owner
        self.stop = stop
        self.quits = False

    def say(self, text: str) -> None:
        """Write a line."""
        self.stdout.write(f"{text}\n")

    # ------------------------------------------------------------ going on

    def do_continue(self, argument: str) -> bool:
        """On to the next breakpoint, of any thread."""
        self.owner.wanted = _Wanted()
        return True

    def do_step(self, argument: str) -> bool:
        """On to the next line of this thread."""
        self.owner.wanted = _Wanted(self.stop.number, self._here)
        return True

    def do_next(self, argument: str) -> bool:
        """The same, over helpers."""
        depth = self.stop.place.depth
        self.owner.wanted = _Wanted(self.stop.number, self._here, depth)
        return True

    def do_thread(self, argument: str) -> bool:
        """On until another thread stops at a breakpoint."""
        if not argument:
            self.owner.wanted = _Wanted(ignored=self.stop.number)
            return True
        number = self._thread_number(argument)
        if number is None:
            return False
        self.owner.wanted = _Wanted(awaited=number)
        return True

    def do_quit(self, argument: str) -> bool:
        """End the launch."""
        self.quits = True
        return True

    # ------------------------------------------------------------ breakpoints

    def do_break(self, argument: str) -> None:
        """Stop at a line as well; without one, say where."""
        if not argument:
            marked = [
                s.span for s in statements(self.owner.kernel.body) if isinstance(s, Breakpoint)
            ]
            for path, line in sorted({(s.path, s.line) for s in marked} | self.owner.lines):
                self.say(f"{path}:{line}")
        elif (line := self._line(argument)) is not None:
            self.owner.lines.add(line)
            self.say(f"also stops at {line[0]}:{line[1]}")

    def do_clear(self, argument: str) -> None:
        """No more at a line."""
        line = self._line(argument)
        if line is not None and line not in self.owner.lines:
            self.say(f"*** {line[0]}:{line[1]} was not set here")
        elif line is not None:
            self.owner.lines.discard(line)

    # ------------------------------------------------------------ looking

    def do_where(self, argument: str) -> None:
        """Block, thread and line."""
        stop, span = self.stop, self.stop.place.span
        self.say(f"> {span.path}:{span.line}, block {stop.block}, thread {stop.thread}")
        self.say(f"-> {linecache.getline(span.path, span.line).strip()}")

    def do_list(self, argument: str) -> None:
        """The source around."""
        span = self.stop.place.span
        for line in range(max(1, span.line - _AROUND), span.line + _AROUND + 1):
            text = linecache.getline(span.path, line)
            if text:
                self.say(f"{line:4} {'->' if line == span.line else '  '} {text.rstrip()}")

    def do_p(self, argument: str) -> None:
        """The value of an expression."""
        try:
            # What a programmer types at a prompt of his own is his own code, as in pdb.
            value = eval(argument, {"__builtins__": _FUNCTIONS}, self._names())
        except Exception as error:
            self.say(f"*** {type(error).__name__}: {error}")
        else:
            self.say(repr(value))

    def do_locals(self, argument: str) -> None:
        """All variables of this thread."""
        for name, value in self.stop.values.items():
            self.say(f"{name} = {value!r}")

    def do_arrays(self, argument: str) -> None:
        """Shared, local and global arrays."""
        order = (Space.SHARED, Space.LOCAL, Space.GLOBAL)
        arrays = sorted(
            self.stop.arrays.items(),
            key=lambda item: order.index(item[1].space) if item[1].space in order else len(order),
        )
        for name, seen in arrays:
            self.say(f"{name} ({seen.space.value}, shape {seen.shape}) = {_Shown(name, seen)!r}")

    # ------------------------------------------------------------ the prompt itself

    def onecmd(self, line: str) -> bool:
        """One line: a command by its name or a short one; else an expression, as in pdb."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            # A script may have empty lines.
            return False
        name = _SHORT.get(word, word)
        # `thread.x` is no command.
        command = getattr(self, f"do_{name}", None) if word.isidentifier() else None
        if command is None:
            self.do_p(line)
            return False
        return bool(command(rest.strip()))

    def do_help(self, arg: str) -> None:
        """What there is to say."""
        self.stdout.write(_HELP)

    @property
    def _here(self) -> tuple[str, int]:
        return self.stop.place.span.path, self.stop.place.span.line

    def _names(self) -> dict[str, Any]:
        stop = self.stop
        names: dict[str, Any] = {name: _Shown(name, seen) for name, seen in stop.arrays.items()}
        for name, value in stop.values.items():
            # A field of a struct has a dot.
            names[name.replace(".", "_")] = value
        for name, extent in (
            ("thread", stop.thread),
            ("block", stop.block),
            ("block_dim", stop.launch.block),
            ("grid_dim", stop.launch.grid),
        ):
            names.setdefault(name, SimpleNamespace(x=extent[0], y=extent[1], z=extent[2]))
        return names

    def _line(self, text: str) -> tuple[str, int] | None:
        path, _, number = text.rpartition(":")
        if not number.isdecimal():
            self.say(f"*** {text!r} is no line")
            return None
        return path or self.stop.place.span.path, int(number)

    def _thread_number(self, text: str) -> int | None:
        """The number in the launch of `5`, `5 1` (of block 1) or `(1, 2, 0) (0, 1, 0)`."""
        stop = self.stop
        try:
            parts = [
                int(part)
                for part in text.replace("(", " ").replace(")", " ").replace(",", " ").split()
            ]
        except ValueError:
            parts = []
        own = _number(stop.block, stop.launch.grid)
        match parts:
            case [thread]:
                pass
            case [thread, own]:
                pass
            case [x, y, z]:
                thread = _number((x, y, z), stop.launch.block)
            case [x, y, z, bx, by, bz]:
                thread = _number((x, y, z), stop.launch.block)
                own = _number((bx, by, bz), stop.launch.grid)
            case _:
                self.say(f"*** {text!r} is no thread: `thread 5`, `thread 5 1`, `thread (1, 2, 0)`")
                return None
        size = prod(stop.launch.block)
        if not (0 <= thread < size and 0 <= own < prod(stop.launch.grid)):
            self.say(f"*** the launch has no thread {thread} of block {own}")
            return None
        return own * size + thread


class _Shown:
    """An array at the prompt: `tile[3]`, `a[i, j]`, `len(a)`, `a.shape`."""

    def __init__(self, name: str, seen: Seen) -> None:
        self._name = name
        self._seen = seen
        self.shape = seen.shape
        self.size = len(seen.values)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: object) -> Any:
        if isinstance(index, slice):
            return [_element(value) for value in self._seen.values[index]]
        given: tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
        offset = 0
        for axis, extent in enumerate(self.shape):
            if len(given) != len(self.shape) or not 0 <= given[axis] < extent:
                raise IndexError(f"`{self._name}` has shape {self.shape}")
            offset = offset * extent + int(given[axis])
        return _element(self._seen.values[offset])

    def __repr__(self) -> str:
        shown = ", ".join(repr(_element(value)) for value in self._seen.values[:_SHOWN])
        more = f", … {self.size - _SHOWN} more" if self.size > _SHOWN else ""
        return f"[{shown}{more}]"


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


_UNDEFINED = _Undefined()
_FUNCTIONS: dict[str, Any] = {
    f.__name__: f for f in (abs, bin, divmod, hex, len, list, max, min, pow, range, round, sum)
}
_SHORT = {
    "c": "continue",
    "cont": "continue",
    "s": "step",
    "n": "next",
    "t": "thread",
    "b": "break",
    "cl": "clear",
    "w": "where",
    "l": "list",
    "pp": "p",
    "q": "quit",
    "exit": "quit",
    "EOF": "quit",
    "h": "help",
}


def _element(value: Any) -> Any:
    return _UNDEFINED if value is None else value


def _number(index: Extent, extent: Extent) -> int:
    return (index[2] * extent[1] + index[1]) * extent[0] + index[0]
