"""Kernels whose threads meet, on the host: every thread of a block is a coroutine.

A barrier stores where the thread waits and suspends it; `schedule` lets every thread of a block
run to its next barrier, then all of them on. A thread that returned, or failed a check, counts as
arrived. In a loop in which it may be waiting for another thread, an atomic yields first.

    sync_threads()           state = 3; suspend
    w = warp.reduce_add(v)   brought[me] = v; mask[me] = -1; state = WARPS - 0; suspend
                             w = the tree over seen[k], for k in my warp and present[me]

What lanes brought is copied before the first of them goes on, so a lane reads what was meant for
it, however far the others have come by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.asks import routes
from oxide_analyzer.ir.nodes import Register, WarpFunction, WarpOp
from oxide_analyzer.ir.operators import SHUFFLES
from oxide_analyzer.launch import WARP
from oxide_codegen.lowering import schedule, statements, warps
from oxide_codegen.lowering.access import alias_marks
from oxide_codegen.lowering.builder import Builder, Names, Value
from oxide_codegen.lowering.context import Context
from oxide_codegen.lowering.failure import FailureBlock
from oxide_codegen.lowering.host import Host
from oxide_codegen.lowering.room import BROUGHT, MASKS, PRESENT, SEEN, STATES
from oxide_codegen.lowering.schedule import ASKS, ENDED, FELL_OFF, WARPS, YIELDED, element

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.asks import Loop
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Barrier, Forget
    from oxide_codegen.lowering.environment import Failure, WarpOperands

_PLACES = ("bx", "by", "bz", "tx", "ty", "tz")
_PARAMETERS = (
    "ptr noalias readonly %arguments, ptr noalias readonly %launch, ptr %failure, "
    + ", ".join(f"i64 %{name}" for name in _PLACES)
    + ", ptr %memory, i64 %unit, i64 %number, ptr %shared, ptr %frame"
)
# A place is no negative number.
_PLACE_BITS = 63
_SUSPEND = "call i8 @llvm.coro.suspend(token none, i1 false)"
_MEMORY, _UNIT, _NUMBER = Value("%memory", "ptr"), Value("%unit", "i64"), Value("%number", "i64")


def lower(
    checked: CheckedKernel,
    ranges: Ranges,
    flags: str,
    *,
    narrows: bool,
    has_halves: bool = True,
    threads: type[CoroutineThread] | None = None,
    contexts: type[Context] = Context,
) -> str:
    """The LLVM text of a kernel whose threads meet.

    `threads` and `contexts` are the kinds of its environment and its context: see `watched`.
    """
    names = Names(has_halves)
    marks = alias_marks(names, checked)
    build = Builder(names)
    thread = (threads or CoroutineThread)(checked.kernel, build)
    thread.read_arguments()
    context = contexts(checked, build, thread, ranges, flags, narrows, marks, lambda _: "")
    body = _thread(context, thread)
    return "\n".join(
        [
            *body,
            *_frame_size(),
            *schedule.scheduler(checked, names),
            *build.functions.values(),
            *names.text(),
        ]
    )


class _Shown:
    """Peers whose values lie side by side, as i64."""

    has_minimum = False
    is_loop = False
    attributes = "nounwind"

    def parameters(self, type_: str) -> str:
        return f"ptr %seen, i32 %present, i32 %own, {type_} %value"

    def value(self, build: Builder, lane: Value, type_: str) -> Value:
        return warps.from_bits(build, _shown(build, Value("%seen", "ptr"), lane), type_)


class CoroutineThread(Host):
    """The environment of one thread."""

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        super().__init__(kernel, build)
        self.failures = FailureBlock(build, "ptr")
        self.ended = build.label("ended")
        self.suspended = build.label("suspended")
        self._numbers, _ = schedule.barrier_numbers(kernel)
        for position, name in enumerate(_PLACES):
            register = Register.BLOCK if position < 3 else Register.THREAD
            self.places[register, position % 3] = Value(f"%{name}", "i64")
        operations = [s for s in walk.statements(kernel.body) if isinstance(s, WarpOp)]
        self._operations = {s: WARPS - number for number, s in enumerate(operations)}
        self._routes = routes(kernel)
        self._turns: dict[Loop, str] = {}

    def lane(self) -> Value:
        """The place of the thread in its warp, as i64."""
        return self._build.binary("and", _NUMBER, str(WARP - 1))

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block, or for the grid."""
        self.suspend(build, self._numbers[statement])

    def warp(self, build: Builder, statement: WarpOp, operands: WarpOperands) -> Value | None:
        """Wait for the lanes, then look at what they brought."""
        value = operands.value
        if value is not None:
            bits = value
            if statement.function in (WarpFunction.MATCH_ANY, WarpFunction.MATCH_ALL):
                bits = warps.comparable(build, value)
            brought = element(build, _MEMORY, _UNIT, BROUGHT, "i64", _NUMBER)
            build.emit(f"store {warps.as_bits(build, bits, 'i64')}, {brought}")
        mask = operands.mask or Value("-1", "i32")
        build.emit(f"store {mask}, {element(build, _MEMORY, _UNIT, MASKS, 'i32', _NUMBER)}")
        self.suspend(build, self._operations[statement])
        if value is None:
            return None
        present = build.load("i32", element(build, _MEMORY, _UNIT, PRESENT, "i32", _NUMBER).text)
        first = build.binary("and", _NUMBER, str(-WARP))
        seen = element(build, _MEMORY, _UNIT, SEEN, "i64", first)
        own = build.cast("trunc", self.lane(), "i32")
        return _result(build, statement, operands, value, present, seen, own)

    def active_lanes(self, build: Builder, statement: Forget) -> Value:
        """Wait until nobody else of the warp can come here any more."""
        place = element(build, _MEMORY, _UNIT, BROUGHT, "i64", _NUMBER)
        build.emit(f"store {self._place_of(build, statement)}, {place}")
        self.suspend(build, ASKS)
        return build.load("i32", element(build, _MEMORY, _UNIT, PRESENT, "i32", _NUMBER).text)

    def _place_of(self, build: Builder, statement: Forget) -> Value:
        """Where this lane is, as an i64: its route, the numbers and turns one below the other.

        What goes beyond its bits is as far as the last that they hold.
        """
        route = self._routes[statement.site]
        levels = max(len(one.loops) for one in self._routes.values())
        width = max(number for one in self._routes.values() for number in one.numbers).bit_length()
        room = (_PLACE_BITS - width * (levels + 1)) // max(1, levels)
        if room < 1:
            raise ValueError(f"{statement.span}: too many loops in each other")
        place = Value(str(route.numbers[0]), "i64")
        for loop, number in zip(route.loops, route.numbers[1:], strict=True):
            turns = build.load("i64", self._turns[loop])
            most = Value(str((1 << room) - 1), "i64")
            place = build.binary("shl", place, str(room))
            place = build.binary("or", place, build.intrinsic("umin", turns, most))
            place = build.binary("shl", place, str(width))
            place = build.binary("or", place, str(number))
        return build.binary("shl", place, str((room + width) * (levels - len(route.loops))))

    def turns(self, build: Builder, loop: Loop) -> str | None:
        """A counter for each loop in which lanes ask who is there."""
        if not any(loop in route.loops for route in self._routes.values()):
            return None
        slot = self._turns[loop] = build.variable("i64", "turns")
        build.store(Value("0", "i64"), slot)
        return slot

    def mark_loop_atomic(self, build: Builder) -> None:
        """Let the others run."""
        self.suspend(build, YIELDED)

    def finish(self, build: Builder) -> None:
        """Return."""
        build.jump(self.ended)

    def fail(self, build: Builder, failure: Failure) -> None:
        """Go to where the failure is recorded."""
        self.failures.jump(build, failure)

    def say(self, build: Builder, state: int) -> None:
        """Tell the scheduler what this thread waits for."""
        at = element(build, _MEMORY, _UNIT, STATES, "i32", _NUMBER)
        build.emit(f"store i32 {state}, {at}")

    def suspend(self, build: Builder, state: int) -> None:
        """Wait."""
        self.say(build, state)
        back = build.label("resumed")
        way = build.value("i8", _SUSPEND)
        build.end(
            f"switch {way}, label %{self.suspended} "
            f"[i8 0, label %{back} i8 1, label %{self.suspended}]"
        )
        build.place(back)


def _result(
    build: Builder,
    statement: WarpOp,
    operands: WarpOperands,
    value: Value,
    present: Value,
    seen: Value,
    own: Value,
) -> Value:
    """What a lane gets from what all of them brought."""
    function = statement.function
    if function in SHUFFLES:
        assert operands.lane is not None
        lane = warps.source(build, statement, own, operands.lane)
        return warps.from_bits(build, _shown(build, seen, lane), value.type)
    if function in warps.COMBINATIONS:
        assert statement.value is not None
        name = warps.tree(build, statement, statement.value.type, _Shown())
        return build.call(value.type, name, seen, present, own, value)
    wanted = Value("1", "i64")
    if function in (WarpFunction.MATCH_ANY, WarpFunction.MATCH_ALL):
        wanted = _shown(build, seen, own)
    found = _alike(build, seen, present, wanted)
    match function:
        case WarpFunction.ANY:
            return build.compare("icmp ne", found, "0")
        case WarpFunction.ALL:
            return build.compare("icmp eq", found, present)
        case WarpFunction.MATCH_ALL:
            every = build.compare("icmp eq", found, present)
            return build.value("i32", f"select {every}, {present}, i32 0")
        case _:
            return found


def _alike(build: Builder, seen: Value, present: Value, wanted: Value) -> Value:
    """The lanes of `present` that brought `wanted`."""
    slot = build.variable("i32", "alike")
    build.store(Value("0", "i32"), slot)
    with build.counted("0", str(WARP)) as lane:
        narrow = build.cast("trunc", lane, "i32")
        equal = build.compare("icmp eq", _shown(build, seen, narrow), wanted)
        bit = build.binary("shl", build.cast("zext", equal, "i32"), narrow)
        build.store(build.binary("or", build.load("i32", slot), bit), slot)
    return build.binary("and", build.load("i32", slot), present)


def _shown(build: Builder, seen: Value, lane: Value) -> Value:
    """What a lane (i32) brought, as i64."""
    at = build.value("ptr", f"getelementptr i64, {seen}, {build.cast('zext', lane, 'i64')}")
    return build.load("i64", at.text)


def _thread(context: Context, thread: CoroutineThread) -> list[str]:
    """The coroutine. Without a frame it gives the size of one instead."""
    build = context.build
    context.zero_locals()
    statements.block(context, context.checked.kernel.body)
    thread.say(build, FELL_OFF)
    build.jump("done")
    if thread.failures.is_used:
        here, there = (
            [thread.places[r, axis] for axis in range(3)] for r in (Register.BLOCK, Register.THREAD)
        )
        thread.failures.place(build, here, there)
    build.place(thread.ended)
    thread.say(build, ENDED)
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
    nothing = ", ".join(
        [*["ptr null"] * 3, *["i64 0"] * 6, "ptr null", "i64 0", "i64 0", *["ptr null"] * 2]
    )
    return [
        "define i64 @frame_size() {",
        f"  %bytes = call ptr @thread({nothing})",
        "  %size = ptrtoint ptr %bytes to i64",
        "  ret i64 %size",
        "}",
    ]
