"""Kernels with barriers on the host: every thread of a block is a coroutine.

A barrier stores where the thread waits and suspends it; a scheduler, in LLVM text as well, lets
every thread of a block run to its next barrier, then all of them on:

    for block in first .. last:
        start each thread                          it runs to its first barrier, or to its end
        loop:   resume those that yielded, until none has
                none waits: the block is done
                all that wait stand at one barrier, and none came to the end: resume them
                else: record DIVERGENCE, give the block up

A checked kernel never reaches the last line; it is there so that a wrong proof is a message and
not a hang. A thread that returned, or failed a check, counts as arrived. Within a `while`, an
atomic yields first: the thread may be waiting for another one of its block.

The frames lie in the worker's arena behind the states, the handles and the shared arrays, so
starting a block allocates nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import Register
from oxide_codegen import abi
from oxide_codegen.lowering import statements
from oxide_codegen.lowering.access import alias_marks
from oxide_codegen.lowering.builder import Builder, Names, Value
from oxide_codegen.lowering.context import Context
from oxide_codegen.lowering.failure import FailureBlock, record
from oxide_codegen.lowering.host import Host, block_places, rounded, shared_offsets

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Barrier, Stmt
    from oxide_codegen.lowering.environment import Failure

# What a thread says of itself; a thread that waits says the number of its barrier, from 1.
_ENDED, _FELL_OFF, _YIELDED = 0, -1, -2

_MOST_THREADS = 1024
_HANDLES = rounded(4 * _MOST_THREADS)
_SHARED = _HANDLES + rounded(8 * _MOST_THREADS)
_PLACES = ("bx", "by", "bz", "tx", "ty", "tz")
_PARAMETERS = (
    "ptr noalias readonly %arguments, ptr noalias readonly %launch, ptr %failure, "
    + ", ".join(f"i64 %{name}" for name in _PLACES)
    + ", ptr %shared, ptr %state, ptr %frame"
)
_SUSPEND = "call i8 @llvm.coro.suspend(token none, i1 false)"


def arena_size(threads: int, frame: int, shared: int) -> int:
    """Bytes that a worker needs for a block of `threads`."""
    return _SHARED + shared + threads * rounded(frame)


def lower(checked: CheckedKernel, ranges: Ranges, flags: str, *, narrows: bool) -> str:
    """The LLVM text of a kernel with barriers."""
    names = Names()
    marks = alias_marks(names, checked.kernel)
    thread = Builder(names)
    body = _thread(checked, ranges, flags, thread, marks, narrows)
    return "\n".join(
        [
            *body,
            *_frame_size(),
            *_scheduler(checked, names),
            *thread.functions.values(),
            *names.text(),
        ]
    )


class CoroutineThread(Host):
    """The environment of one thread."""

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        super().__init__(kernel, build)
        self.failures = FailureBlock(build, "ptr")
        self.ended = build.label("ended")
        self.suspended = build.label("suspended")
        self._numbers = barrier_numbers(kernel)
        for position, name in enumerate(_PLACES):
            register = Register.BLOCK if position < 3 else Register.THREAD
            self.places[register, position % 3] = Value(f"%{name}", "i64")

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block."""
        self._suspend(build, self._numbers[statement])

    def mark_loop_atomic(self, build: Builder) -> None:
        """Let the others run."""
        self._suspend(build, _YIELDED)

    def finish(self, build: Builder) -> None:
        """Return."""
        build.jump(self.ended)

    def fail(self, build: Builder, failure: Failure) -> None:
        """Go to where the failure is recorded."""
        self.failures.jump(build, failure)

    def _suspend(self, build: Builder, state: int) -> None:
        build.emit(f"store i32 {state}, ptr %state")
        back = build.label("resumed")
        way = build.value("i8", _SUSPEND)
        build.end(
            f"switch {way}, label %{self.suspended} "
            f"[i8 0, label %{back} i8 1, label %{self.suspended}]"
        )
        build.place(back)


def barrier_numbers(kernel: Kernel) -> dict[Stmt, int]:
    """The barriers of a kernel, from 1 in source order."""
    from oxide_analyzer.ir.nodes import Barrier

    found = [s for s in walk.statements(kernel.body) if isinstance(s, Barrier)]
    return {statement: number for number, statement in enumerate(found, start=1)}


def _thread(
    checked: CheckedKernel,
    ranges: Ranges,
    flags: str,
    build: Builder,
    marks: dict[str, tuple[str, ...]],
    narrows: bool,
) -> list[str]:
    """The coroutine. Without a frame it gives the size of one instead."""
    thread = CoroutineThread(checked.kernel, build)
    thread.read_arguments()
    context = Context(checked, build, thread, ranges, flags, narrows, marks, lambda _: "")
    context.zero_locals()
    statements.block(context, checked.kernel.body)
    build.emit(f"store i32 {_FELL_OFF}, ptr %state")
    build.jump("done")
    if thread.failures.is_used:
        here, there = (
            [thread.places[r, axis] for axis in range(3)] for r in (Register.BLOCK, Register.THREAD)
        )
        thread.failures.place(build, here, there)
    build.place(thread.ended)
    build.emit(f"store i32 {_ENDED}, ptr %state")
    build.place("done")
    build.place(thread.suspended)
    build.emit("call void @llvm.coro.end(ptr %handle, i1 false, token none)")
    build.end("ret ptr %handle")
    return [
        f"define internal ptr @thread({_PARAMETERS}) presplitcoroutine {{",
        "entry:",
        "  %id = call token @llvm.coro.id(i32 16, ptr null, ptr null, ptr null)",
        "  %size = call i64 @llvm.coro.size.i64()",
        "  %asks = icmp eq ptr %frame, null",
        "  br i1 %asks, label %answer, label %begin",
        "answer:",
        "  %bytes = inttoptr i64 %size to ptr",
        "  ret ptr %bytes",
        "begin:",
        "  %handle = call noalias ptr @llvm.coro.begin(token %id, ptr %frame)",
        *build.entry,
        "  br label %start",
        "start:",
        *build.lines,
        "}",
    ]


def _frame_size() -> list[str]:
    nothing = ", ".join(["ptr null"] * 3 + ["i64 0"] * 6 + ["ptr null"] * 3)
    return [
        "define i64 @frame_size() {",
        f"  %bytes = call ptr @thread({nothing})",
        "  %size = ptrtoint ptr %bytes to i64",
        "  ret i64 %size",
        "}",
    ]


def _scheduler(checked: CheckedKernel, names: Names) -> list[str]:
    """The function that runs blocks; `%arena` holds states, handles, shared arrays, frames."""
    kernel = checked.kernel
    build = Builder(names)
    host = Host(kernel, build)
    host.read_arguments()
    extent = [host.places[Register.BLOCK_DIM, axis] for axis in range(3)]
    build.entry.append(f"  %handles = getelementptr i8, ptr %arena, i64 {_HANDLES}")
    build.entry.append(f"  %shared = getelementptr i8, ptr %arena, i64 {_SHARED}")
    frames = _SHARED + shared_offsets(kernel)[1]
    build.entry.append(f"  %frames = getelementptr i8, ptr %arena, i64 {frames}")
    size = build.value("i64", "call i64 @frame_size()")
    padded = build.binary("and", build.binary("add", size, "63"), "-64")
    plane = build.binary("mul", extent[0], extent[1])
    threads = build.binary("mul", plane, extent[2])
    with build.counted(Value("%first", "i64"), "%last") as number:
        block_places(build, host, number)
        host.zero_shared(build, checked.initialised)
        _start(build, host, extent, padded)
        _phases(build, host, threads)
    build.end("ret void")
    return [
        "define void @run(ptr %arguments, ptr %launch, ptr %failure, i64 %first, i64 %last, "
        "ptr %arena) {",
        "entry:",
        *build.entry,
        "  br label %start",
        "start:",
        *build.lines,
        "}",
    ]


def _start(build: Builder, host: Host, extent: list[Value], size: Value) -> None:
    """Let each thread run to its first barrier."""
    here = ", ".join(str(host.places[Register.BLOCK, axis]) for axis in range(3))
    with (
        build.counted("0", extent[2]) as z,
        build.counted("0", extent[1]) as y,
        build.counted("0", extent[0]) as x,
    ):
        row = build.binary("add", build.binary("mul", z, extent[1]), y)
        thread = build.binary("add", build.binary("mul", row, extent[0]), x)
        state = _element(build, "i32", "%arena", thread)
        frame = build.value(
            "ptr", f"getelementptr i8, ptr %frames, {build.binary('mul', thread, size)}"
        )
        handle = build.value(
            "ptr",
            f"call ptr @thread(ptr %arguments, ptr %launch, ptr %failure, {here}, "
            f"{x}, {y}, {z}, ptr %shared, {state}, {frame})",
        )
        build.emit(f"store {handle}, {_element(build, 'ptr', '%handles', thread)}")


def _phases(build: Builder, host: Host, threads: Value) -> None:
    """Let all threads run from barrier to barrier, to their ends."""
    scan, decide = build.label("scan"), build.label("decide")
    yielded, waiting = build.label("yielded"), build.label("waiting")
    agreed, broken, done = build.label("agreed"), build.label("broken"), build.label("done")
    # As unsigned numbers the states from 1 up are barriers and the two highest are the others.
    low, high = build.variable("i32", "low"), build.variable("i32", "high")
    ends, yields = build.variable("i32", "ends"), build.variable("i32", "yields")
    build.place(scan)
    for slot, start in ((low, (1 << 31) - 1), (high, 0), (ends, 0), (yields, 0)):
        build.store(Value(str(start), "i32"), slot)
    with build.counted("0", threads) as thread:
        state = build.load("i32", _element(build, "i32", "%arena", thread).text)
        waits = build.compare("icmp sgt", state, "0")
        barrier = build.select(waits, state, Value(str((1 << 31) - 1), "i32"))
        build.store(build.intrinsic("umin", build.load("i32", low), barrier), low)
        build.store(build.intrinsic("smax", build.load("i32", high), state), high)
        for slot, what in ((ends, _FELL_OFF), (yields, _YIELDED)):
            one = build.cast("zext", build.compare("icmp eq", state, str(what)), "i32")
            build.store(build.binary("or", build.load("i32", slot), one), slot)
    build.place(decide)
    some = build.compare("icmp ne", build.load("i32", yields), "0")
    build.branch(some.text, yielded, waiting)

    build.place(yielded)
    _resume(build, threads, f"icmp eq i32 {{}}, {_YIELDED}")
    build.jump(scan)

    build.place(waiting)
    first, last = build.load("i32", low), build.load("i32", high)
    none = build.compare("icmp eq", last, "0")
    build.branch(none.text, done, agreed)
    build.place(agreed)
    same = build.compare("icmp eq", first, last)
    fell = build.compare("icmp eq", build.load("i32", ends), "0")
    together = build.binary("and", same, fell)
    go = build.label("go")
    build.branch(together.text, go, broken)
    build.place(go)
    _resume(build, threads, "icmp sgt i32 {}, 0")
    build.jump(scan)

    build.place(broken)
    here = [host.places[Register.BLOCK, axis] for axis in range(3)]
    values = {
        "site": first,
        "kind": Value(str(int(abi.FailureKind.DIVERGENCE)), "i32"),
        "axis": Value("0", "i32"),
        "index": Value("0", "i64"),
        "length": Value("0", "i64"),
    }
    record(build, "ptr", values, here, [Value("0", "i64")] * 3)
    build.place(done)


def _resume(build: Builder, threads: Value, test: str) -> None:
    """Resume the threads whose state passes a test."""
    with build.counted("0", threads) as thread:
        state = _element(build, "i32", "%arena", thread)
        passes = build.value("i1", test.format(build.load("i32", state.text).text))
        resume, over = build.label("resume"), build.label("over")
        build.branch(passes.text, resume, over)
        build.place(resume)
        handle = build.load("ptr", _element(build, "ptr", "%handles", thread).text)
        build.emit(f"call void @llvm.coro.resume({handle})")
        build.place(over)


def _element(build: Builder, type_: str, array: str, index: Value) -> Value:
    return build.value("ptr", f"getelementptr {type_}, ptr {array}, {index}")
