"""The scheduler of coroutines: it runs the threads of a block, or of a whole grid.

    @run:    for block in first .. last:              with grid_sync, for all blocks at once:
                 start each thread                        start each thread of each block
                 @phase until the block is done           @phase of each block, until all are
                                                          done or at one grid barrier; resume them

                                                          with loops that wait, one by one, and the
                                                          next while those before it wait

    @phase:  nobody waits for the launch any more: give the block up
             fire warps that have met; where there is none, gather the lanes that ask who is with
             them; resume threads that yielded; again, until there is none of these
             nobody waits: the block is done
             all wait at one barrier, and none came to the end: resume them, again
             all wait at one barrier of the grid: give it to the caller
             else: record DIVERGENCE, give the block up

    @fire:   where all lanes of a mask that have not returned wait at one operation with that
             mask: show each of them what they brought, and resume each once

    @gather: of each warp, tell the lanes that ask at the first place, in the order of the source,
             which they are, and resume them. All that could come have come by then; who goes round
             a loop with an atomic is not waited for, as it may wait for one of these

Where no thread waits in a warp there is no `@fire`, and where none asks no `@gather`. A checked
kernel is never given up; the case is there so that a wrong proof is a message and not a
hang. `room` says what lies where in a block's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import Barrier, Group, Register, WarpOp
from oxide_analyzer.launch import WARP
from oxide_codegen import abi
from oxide_codegen.lowering import patterns
from oxide_codegen.lowering.builder import Builder, Names, Value
from oxide_codegen.lowering.failure import record
from oxide_codegen.lowering.host import REQUESTED, Host, block_places
from oxide_codegen.lowering.room import (
    BROUGHT,
    HANDLES,
    MASKS,
    PRESENT,
    RESIDENT,
    SEEN,
    SHARED,
    STATES,
    shared_offsets,
)

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Stmt

# What a thread says of itself; a thread that waits says the number of its barrier, from 1, or that
# of its warp operation, from `WARPS` down. Who asks which lanes are with it brings its place.
ENDED, FELL_OFF, YIELDED, FIRED, WARPS, ASKS = 0, -1, -2, -3, -16, -(1 << 30)

_NONE, _NOWHERE = (1 << 31) - 1, (1 << 63) - 1
_DONE, _GIVEN_UP, _BUSY = 0, -1, -2


def barrier_numbers(kernel: Kernel) -> tuple[dict[Stmt, int], int]:
    """The barriers from 1 on, those of the grid last; how many are not of the grid."""
    found = [s for s in walk.statements(kernel.body) if isinstance(s, Barrier)]
    found.sort(key=lambda s: s.group is Group.GRID)
    numbers: dict[Stmt, int] = {s: number for number, s in enumerate(found, start=1)}
    return numbers, sum(s.group is Group.BLOCK for s in found)


def scheduler(checked: CheckedKernel, names: Names) -> list[str]:
    """The functions that run blocks."""
    numbers, own = barrier_numbers(checked.kernel)
    run = _run_blocks
    if own < len(numbers):
        run = _run_grid
    elif patterns.waits_for_others(checked.kernel):
        run = _run_resident
    asks = patterns.asks_who_is_there(checked.kernel)
    # Compiled for nothing, they would take half of the time.
    warps = asks or any(isinstance(s, WarpOp) for s in walk.statements(checked.kernel.body))
    return [
        *(_fire(names) if warps else ()),
        *(_gather(names) if asks else ()),
        *_phase(names, own, together=run is not _run_blocks, warps=warps, asks=asks),
        *run(checked, names),
    ]


# ---------------------------------------------------------------- blocks


class _Blocks:
    """What `@run` knows of all blocks."""

    def __init__(self, checked: CheckedKernel, names: Names) -> None:
        self.checked = checked
        self.build = build = Builder(names)
        self.host = Host(checked.kernel, build)
        self.host.read_arguments()
        extent = [self.host.places[Register.BLOCK_DIM, axis] for axis in range(3)]
        plane = build.binary("mul", extent[0], extent[1])
        self.threads = build.binary("mul", plane, extent[2])
        self.unit = build.binary("and", build.binary("add", self.threads, "63"), "-64")
        self.size = _padded(build, build.value("i64", "call i64 @frame_size()"))
        shared = Value(str(shared_offsets(checked.kernel)[1]), "i64")
        if any(array.is_dynamic for array in checked.kernel.arrays.values()):
            shared = build.binary("add", shared, _padded(build, Value(REQUESTED, "i64")))
        self.shared = build.binary("mul", self.unit, str(SHARED))
        self.frames = build.binary("add", self.shared, shared)
        self.stride = build.binary("add", self.frames, build.binary("mul", self.threads, self.size))

    def start(self, number: Value, memory: Value) -> None:
        """Let each thread of a block run until it waits."""
        build, host = self.build, self.host
        block_places(build, host, number)
        shared = build.value("ptr", f"getelementptr i8, {memory}, {self.shared}")
        frames = build.value("ptr", f"getelementptr i8, {memory}, {self.frames}")
        host.zero_shared(build, self.checked.initialised, shared)
        here = ", ".join(str(host.places[Register.BLOCK, axis]) for axis in range(3))
        extent = [host.places[Register.BLOCK_DIM, axis] for axis in range(3)]
        with (
            build.counted("0", extent[2]) as z,
            build.counted("0", extent[1]) as y,
            build.counted("0", extent[0]) as x,
        ):
            row = build.binary("add", build.binary("mul", z, extent[1]), y)
            thread = build.binary("add", build.binary("mul", row, extent[0]), x)
            at = build.binary("mul", thread, self.size)
            frame = build.value("ptr", f"getelementptr i8, {frames}, {at}")
            handle = build.value(
                "ptr",
                f"call ptr @thread(ptr %arguments, ptr %launch, ptr %failure, {here}, "
                f"{x}, {y}, {z}, {memory}, {self.unit}, {thread}, {shared}, {frame})",
            )
            slot = element(build, memory, self.unit, HANDLES, "ptr", thread)
            build.emit(f"store {handle}, {slot}")

    def phase(self, memory: Value) -> Value:
        """Run a block as far as it goes; what keeps it (i32)."""
        here = ", ".join(str(self.host.places[Register.BLOCK, axis]) for axis in range(3))
        return self.build.value(
            "i32",
            f"call i32 @phase({memory}, {self.unit}, {self.threads}, ptr %failure, {here})",
        )

    def text(self) -> list[str]:
        """The function."""
        build = self.build
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


def _run_blocks(checked: CheckedKernel, names: Names) -> list[str]:
    blocks = _Blocks(checked, names)
    build, memory = blocks.build, Value("%arena", "ptr")
    with build.counted(Value("%first", "i64"), "%last") as number:
        blocks.start(number, memory)
        blocks.phase(memory)
    return blocks.text()


def _run_resident(checked: CheckedKernel, names: Names) -> list[str]:
    """Block after block; while blocks wait, one more at a time has begun, up to `RESIDENT`."""
    blocks = _Blocks(checked, names)
    build = blocks.build
    seats = build.variable(f"[{RESIDENT} x i64]", "seats")
    next_, room = build.variable("i64", "next"), build.variable("i64", "room")
    busy, taken = build.variable("i1", "busy"), build.variable("i1", "taken")
    empty = Value("-1", "i64")

    def seat(number: Value) -> str:
        return build.value("ptr", f"getelementptr i64, ptr {seats}, {number}").text

    with build.counted("0", str(RESIDENT)) as number:
        build.store(empty, seat(number))
    build.store(Value("%first", "i64"), next_)
    build.store(Value("1", "i64"), room)
    again, done = build.label("round"), build.label("done")
    build.place(again)
    build.store(Value("false", "i1"), busy)
    build.store(Value("false", "i1"), taken)
    with build.counted("0", build.load("i64", room)) as number:
        at = build.binary("mul", number, blocks.stride)
        memory = build.value("ptr", f"getelementptr i8, ptr %arena, {at}")
        free, sits, over = build.label("free"), build.label("sits"), build.label("over")
        begin = build.label("begin")
        is_free = build.compare("icmp slt", build.load("i64", seat(number)), "0")
        build.branch(is_free.text, free, sits)
        build.place(free)
        left = build.compare("icmp slt", build.load("i64", next_), "%last")
        build.branch(left.text, begin, over)
        build.place(begin)
        fresh = build.load("i64", next_)
        blocks.start(fresh, memory)
        build.store(fresh, seat(number))
        build.store(build.binary("add", fresh, "1"), next_)
        build.place(sits)
        build.store(Value("true", "i1"), taken)
        block_places(build, blocks.host, build.load("i64", seat(number)))
        waits = build.compare("icmp eq", blocks.phase(memory), str(_BUSY))
        build.store(build.binary("or", waits, build.load("i1", busy)), busy)
        build.store(build.select(waits, build.load("i64", seat(number)), empty), seat(number))
        build.place(over)
    more = build.binary("add", build.load("i64", room), "1")
    most = build.intrinsic("smin", more, Value(str(RESIDENT), "i64"))
    build.store(build.select(build.load("i1", busy), most, build.load("i64", room)), room)
    stopped = build.compare(
        "icmp eq",
        build.value("i32", "load volatile i32, ptr %failure"),
        f"{abi.FailureState.STOPPED:d}",
    )
    goes_on = build.binary("and", build.load("i1", taken), build.binary("xor", stopped, "true"))
    build.branch(goes_on.text, again, done)
    build.place(done)
    return blocks.text()


def _run_grid(checked: CheckedKernel, names: Names) -> list[str]:
    """All blocks, from barrier to barrier of the grid."""
    blocks = _Blocks(checked, names)
    build = blocks.build

    def memory(number: Value) -> Value:
        at = build.binary("mul", number, blocks.stride)
        return build.value("ptr", f"getelementptr i8, ptr %arena, {at}")

    low, high = build.variable("i32", "low"), build.variable("i32", "high")
    worst = build.variable("i32", "worst")
    with build.counted("0", "%last") as number:
        blocks.start(number, memory(number))
    again, settled = build.label("round"), build.label("settled")
    agreed, broken = build.label("agreed"), build.label("broken")
    go, done = build.label("go"), build.label("done")
    build.place(again)
    for slot, start in ((low, _NONE), (high, 0), (worst, 0)):
        build.store(Value(str(start), "i32"), slot)
    with build.counted("0", "%last") as number:
        block_places(build, blocks.host, number)
        status = blocks.phase(memory(number))
        waits = build.compare("icmp sgt", status, "0")
        barrier = build.select(waits, status, Value(str(_NONE), "i32"))
        build.store(build.intrinsic("umin", build.load("i32", low), barrier), low)
        build.store(build.intrinsic("smax", build.load("i32", high), status), high)
        build.store(build.intrinsic("smin", build.load("i32", worst), status), worst)
    status = build.load("i32", worst)
    busy = build.compare("icmp eq", status, str(_BUSY))
    build.branch(busy.text, again, settled)
    build.place(settled)
    first, last = build.load("i32", low), build.load("i32", high)
    none = build.compare("icmp eq", last, "0")
    lost = build.compare("icmp eq", status, str(_GIVEN_UP))
    build.branch(build.binary("or", none, lost).text, done, agreed)
    build.place(agreed)
    build.branch(build.compare("icmp eq", first, last).text, go, broken)
    build.place(go)
    with build.counted("0", "%last") as number:
        _resume(build, memory(number), blocks.unit, blocks.threads, "icmp sgt i32 {}, 0")
    build.jump(again)
    build.place(broken)
    _record_divergence(build, first, [Value("0", "i64")] * 3)
    build.place(done)
    return blocks.text()


# ---------------------------------------------------------------- one block


_PARAMETERS = "ptr %memory, i64 %unit, i64 %threads"
_MEMORY, _UNIT, _THREADS = (
    Value("%memory", "ptr"),
    Value("%unit", "i64"),
    Value("%threads", "i64"),
)


def _phase(names: Names, own: int, *, together: bool, warps: bool, asks: bool) -> list[str]:
    """All threads from barrier to barrier, as far as they go by themselves."""
    build = Builder(names)
    scan = build.label("scan")
    yielded, waiting = build.label("yielded"), build.label("waiting")
    agreed, broken, done = build.label("agreed"), build.label("broken"), build.label("done")
    low, high, ends, yields, meeting, asking = (
        build.variable("i32", name)
        for name in ("low", "high", "ends", "yields", "meeting", "asking")
    )
    stopped, goes_on = build.label("stopped"), build.label("on")
    build.place(scan)
    state = build.value("i32", "load volatile i32, ptr %failure")
    stops = build.compare("icmp eq", state, f"{abi.FailureState.STOPPED:d}")
    build.branch(stops.text, stopped, goes_on)
    build.place(stopped)
    build.end(f"ret i32 {_GIVEN_UP}")
    build.place(goes_on)
    build.store(Value(str(_NONE), "i32"), low)
    for slot in (high, ends, yields, meeting, asking):
        build.store(Value("0", "i32"), slot)
    with build.counted("0", _THREADS) as thread:
        state = build.load("i32", element(build, _MEMORY, _UNIT, STATES, "i32", thread).text)
        waits = build.compare("icmp sgt", state, "0")
        barrier = build.select(waits, state, Value(str(_NONE), "i32"))
        build.store(build.intrinsic("umin", build.load("i32", low), barrier), low)
        build.store(build.intrinsic("smax", build.load("i32", high), state), high)
        tests = (
            (ends, f"icmp eq i32 {{}}, {FELL_OFF}"),
            (yields, f"icmp eq i32 {{}}, {YIELDED}"),
            (meeting, f"icmp sle i32 {{}}, {WARPS}"),
            (asking, f"icmp eq i32 {{}}, {ASKS}"),
        )
        for slot, test in tests:
            one = build.cast("zext", build.value("i1", test.format(state.text)), "i32")
            build.store(build.binary("or", build.load("i32", slot), one), slot)
    if warps:
        fire, decide = build.label("fire"), build.label("decide")
        meet = build.compare("icmp ne", build.load("i32", meeting), "0")
        build.branch(meet.text, fire, decide)
        build.place(fire)
        fired = build.value("i32", f"call i32 @fire({_MEMORY}, {_UNIT}, {_THREADS})")
        on, off = build.label("fired"), build.label("idle")
        build.branch(build.compare("icmp sgt", fired, "0").text, scan, on)
        build.place(on)
        build.branch(build.compare("icmp slt", fired, "0").text, broken, off)
        build.place(off)
        if asks:
            gather, nobody = build.label("gather"), build.label("nobody")
            some = build.compare("icmp ne", build.load("i32", asking), "0")
            build.branch(some.text, gather, nobody)
            build.place(gather)
            build.emit(f"call void @gather({_MEMORY}, {_UNIT}, {_THREADS})")
            build.jump(scan)
            build.place(nobody)
        some = build.compare("icmp ne", build.load("i32", yields), "0")
        build.branch(some.text, yielded, broken)
        build.place(decide)

    some = build.compare("icmp ne", build.load("i32", yields), "0")
    build.branch(some.text, yielded, waiting)
    build.place(yielded)
    _resume(build, _MEMORY, _UNIT, _THREADS, f"icmp eq i32 {{}}, {YIELDED}")
    if together:
        # Others may have to run before what these wait for has happened.
        build.end(f"ret i32 {_BUSY}")
    else:
        build.jump(scan)

    build.place(waiting)
    first, last = build.load("i32", low), build.load("i32", high)
    none = build.compare("icmp eq", last, "0")
    build.branch(none.text, done, agreed)
    build.place(agreed)
    same = build.compare("icmp eq", first, last)
    fell = build.compare("icmp eq", build.load("i32", ends), "0")
    met = build.label("met")
    build.branch(build.binary("and", same, fell).text, met, broken)
    build.place(met)
    outer, go = build.label("outer"), build.label("go")
    build.branch(build.compare("icmp sgt", first, str(own)).text, outer, go)
    build.place(go)
    _resume(build, _MEMORY, _UNIT, _THREADS, "icmp sgt i32 {}, 0")
    build.jump(scan)
    build.place(outer)
    build.end(f"ret {first}")

    build.place(broken)
    _record_lost(build, [Value(f"%{name}", "i64") for name in ("bx", "by", "bz")])
    build.end(f"ret i32 {_GIVEN_UP}")
    build.place(done)
    build.end(f"ret i32 {_DONE}")
    head = f"{_PARAMETERS}, ptr %failure, i64 %bx, i64 %by, i64 %bz"
    return _function(f"define internal i32 @phase({head}) {{", build)


def _fire(names: Names) -> list[str]:
    """Resume the lanes that have met; how many groups, -1 if a lane is outside of its mask."""
    build = Builder(names)
    fired, need, agree = (build.variable("i32", name) for name in ("fired", "need", "agree"))
    build.store(Value("0", "i32"), fired)
    outside = build.label("outside")
    states = (build, _MEMORY, _UNIT, STATES, "i32")
    masks = (build, _MEMORY, _UNIT, MASKS, "i32")
    with build.counted("0", _THREADS) as thread:
        look, over = build.label("look"), build.label("over")
        state = build.load("i32", element(*states, thread).text)
        meets = build.compare("icmp sle", state, str(WARPS))
        meets = build.binary("and", meets, build.compare("icmp sgt", state, str(ASKS)))
        build.branch(meets.text, look, over)
        build.place(look)
        mask = build.load("i32", element(*masks, thread).text)
        base = build.binary("and", thread, str(-WARP))
        lanes = build.intrinsic(
            "smin", build.binary("sub", _THREADS, base), Value(str(WARP), "i64")
        )
        mine = _bit(build, mask, build.binary("and", thread, str(WARP - 1)))
        listed = build.label("listed")
        build.branch(mine.text, listed, outside)
        build.place(listed)
        build.store(Value("0", "i32"), need)
        build.store(Value("1", "i32"), agree)
        with build.counted("0", lanes) as lane:
            wanted, next_ = build.label("wanted"), build.label("next")
            other = build.binary("add", base, lane)
            theirs = build.load("i32", element(*states, other).text)
            live = build.compare("icmp ne", theirs, str(ENDED))
            takes_part = build.binary("and", live, _bit(build, mask, lane))
            build.branch(takes_part.text, wanted, next_)
            build.place(wanted)
            one = build.binary("shl", Value("1", "i32"), build.cast("trunc", lane, "i32"))
            build.store(build.binary("or", build.load("i32", need), one), need)
            same = build.binary(
                "and",
                build.compare("icmp eq", theirs, state),
                build.compare("icmp eq", build.load("i32", element(*masks, other).text), mask),
            )
            both = build.binary("and", build.load("i32", agree), build.cast("zext", same, "i32"))
            build.store(both, agree)
            build.place(next_)
        meet = build.label("meet")
        build.branch(build.compare("icmp ne", build.load("i32", agree), "0").text, meet, over)
        build.place(meet)
        present = build.load("i32", need)
        with build.counted("0", lanes) as lane:
            show, next_ = build.label("show"), build.label("next")
            build.branch(_bit(build, present, lane).text, show, next_)
            build.place(show)
            other = build.binary("add", base, lane)
            brought = build.load("i64", element(build, _MEMORY, _UNIT, BROUGHT, "i64", other).text)
            build.emit(f"store {brought}, {element(build, _MEMORY, _UNIT, SEEN, 'i64', other)}")
            build.emit(f"store {present}, {element(build, _MEMORY, _UNIT, PRESENT, 'i32', other)}")
            build.emit(f"store i32 {FIRED}, {element(*states, other)}")
            build.place(next_)
        with build.counted("0", lanes) as lane:
            resume, next_ = build.label("resume"), build.label("next")
            build.branch(_bit(build, present, lane).text, resume, next_)
            build.place(resume)
            _resume_one(build, _MEMORY, _UNIT, build.binary("add", base, lane))
            build.place(next_)
        build.store(build.binary("add", build.load("i32", fired), "1"), fired)
        build.place(over)
    build.end(f"ret {build.load('i32', fired)}")
    build.place(outside)
    build.end("ret i32 -1")
    return _function(f"define internal i32 @fire({_PARAMETERS}) {{", build)


def _gather(names: Names) -> list[str]:
    """Resume the lanes that ask, of each warp those at the first place; each gets all of them."""
    build = Builder(names)
    present, first = build.variable("i32", "present"), build.variable("i64", "first")
    states = (build, _MEMORY, _UNIT, STATES, "i32")

    def place_of(other: Value) -> Value:
        state = build.load("i32", element(*states, other).text)
        asks = build.compare("icmp eq", state, str(ASKS))
        place = build.load("i64", element(build, _MEMORY, _UNIT, BROUGHT, "i64", other).text)
        return build.select(asks, place, Value(str(_NOWHERE), "i64"))

    warps = build.binary("lshr", build.binary("add", _THREADS, str(WARP - 1)), "5")
    with build.counted("0", warps) as warp:
        base = build.binary("shl", warp, "5")
        rest = build.binary("sub", _THREADS, base)
        lanes = build.intrinsic("smin", rest, Value(str(WARP), "i64"))
        build.store(Value(str(_NOWHERE), "i64"), first)
        with build.counted("0", lanes) as lane:
            place = place_of(build.binary("add", base, lane))
            build.store(build.intrinsic("smin", build.load("i64", first), place), first)
        build.store(Value("0", "i32"), present)
        with build.counted("0", lanes) as lane:
            place = place_of(build.binary("add", base, lane))
            here = build.compare("icmp eq", place, build.load("i64", first).text)
            some = build.compare("icmp ne", place, str(_NOWHERE))
            bit = build.cast("zext", build.binary("and", here, some), "i32")
            bit = build.binary("shl", bit, build.cast("trunc", lane, "i32"))
            build.store(build.binary("or", build.load("i32", present), bit), present)
        told = build.load("i32", present)
        with build.counted("0", lanes) as lane:
            tell, next_ = build.label("tell"), build.label("next")
            build.branch(_bit(build, told, lane).text, tell, next_)
            build.place(tell)
            other = build.binary("add", base, lane)
            build.emit(f"store {told}, {element(build, _MEMORY, _UNIT, PRESENT, 'i32', other)}")
            build.emit(f"store i32 {FIRED}, {element(*states, other)}")
            build.place(next_)
    # All are told before one goes on, so that who asks again is not counted.
    _resume(build, _MEMORY, _UNIT, _THREADS, f"icmp eq i32 {{}}, {FIRED}")
    build.end("ret void")
    return _function(f"define internal void @gather({_PARAMETERS}) {{", build)


def _bit(build: Builder, mask: Value, lane: Value) -> Value:
    """Whether a mask holds a lane, an i64."""
    return build.cast("trunc", build.binary("lshr", mask, build.cast("trunc", lane, "i32")), "i1")


def _resume(build: Builder, memory: Value, unit: Value, threads: Value, test: str) -> None:
    """Resume the threads whose state passes a test."""
    with build.counted("0", threads) as thread:
        state = element(build, memory, unit, STATES, "i32", thread)
        passes = build.value("i1", test.format(build.load("i32", state.text).text))
        resume, over = build.label("resume"), build.label("over")
        build.branch(passes.text, resume, over)
        build.place(resume)
        _resume_one(build, memory, unit, thread)
        build.place(over)


def _resume_one(build: Builder, memory: Value, unit: Value, thread: Value) -> None:
    handle = build.load("ptr", element(build, memory, unit, HANDLES, "ptr", thread).text)
    build.emit(f"call void @llvm.coro.resume({handle})")


def _record_lost(build: Builder, block: list[Value]) -> None:
    """Record where a thread waits that others have left alone, and one that has."""
    numbers = [build.variable("i64", name) for name in ("waiting", "other")]
    states = [build.variable("i32", name) for name in ("awaited", "state")]
    for number, state in zip(numbers, states, strict=True):
        build.store(Value("0", "i64"), number)
        build.store(Value(str(ENDED), "i32"), state)
    with build.counted("0", _THREADS) as thread:
        mine = build.load("i32", element(build, _MEMORY, _UNIT, STATES, "i32", thread).text)
        waits = build.binary(
            "or", build.compare("icmp sgt", mine, "0"), build.compare("icmp sle", mine, str(WARPS))
        )
        first = build.compare("icmp eq", build.load("i32", states[0]), str(ENDED))
        is_first = build.binary("and", waits, first)
        elsewhere = build.compare("icmp ne", mine, build.load("i32", states[0]))
        live = build.compare("icmp ne", mine, str(ENDED))
        unknown = build.compare("icmp eq", build.load("i32", states[1]), str(ENDED))
        is_other = build.binary("and", build.binary("and", elsewhere, live), unknown)
        # One that fell off before the first that waits was met counts as well.
        is_other = build.binary("and", is_other, build.binary("xor", is_first, "true"))
        for test, number, state in zip((is_first, is_other), numbers, states, strict=True):
            build.store(build.select(test, thread, build.load("i64", number)), number)
            build.store(build.select(test, mine, build.load("i32", state)), state)
    waiting, other = (build.load("i64", number) for number in numbers)
    stop = build.cast("sext", build.load("i32", states[1]), "i64")
    _record_divergence(build, build.load("i32", states[0]), block, (waiting, other, stop))


def _record_divergence(
    build: Builder,
    site: Value,
    block: list[Value],
    who: tuple[Value, Value, Value] | None = None,
) -> None:
    """`site` and the last of `who` are states; the first two number the thread that is in one."""
    kind = Value(str(int(abi.FailureKind.DIVERGENCE)), "i32")
    nothing = Value("0", "i64")
    values = {"site": site, "kind": kind, "axis": Value("0", "i32")}
    values |= dict(zip(("index", "length", "stop"), who or (nothing,) * 3, strict=True))
    record(build, "ptr", values, block, [nothing] * 3)


def _function(head: str, build: Builder) -> list[str]:
    return [head, "entry:", *build.entry, "  br label %start", "start:", *build.lines, "}"]


def _padded(build: Builder, size: Value) -> Value:
    return build.binary("and", build.binary("add", size, "63"), "-64")


def element(
    build: Builder, memory: Value, unit: Value, start: int, type_: str, index: Value
) -> Value:
    """The address of an element of one of a block's arrays."""
    at = build.binary("mul", unit, str(start))
    base = build.value("ptr", f"getelementptr i8, {memory}, {at}")
    return build.value("ptr", f"getelementptr {type_}, {base}, {index}")
