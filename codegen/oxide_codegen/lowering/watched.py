"""A kernel of the host in which every access first looks at the shadow of what it touches.

    tile[t] = x        is      call @shadow.write.own(context, cell of tile[t], me, …, site)
                               store x, tile + t

    x = tile[t + 1]    is      call @shadow.read.own(…)
                               x = load tile + t + 1

Nothing is taken for proved: every check is there, nothing is vectorised, and no access is merged
with its neighbours. Local arrays and variables carry a byte for each element that says whether it
was set; of a variable LLVM takes it away again where that is plain. What stands right of `and`
and `or`, or in an arm of a conditional expression, is computed whether it counts or not, so a
variable is not looked at there.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Atomic,
    AtomicOp,
    Barrier,
    Group,
    Load,
    Logic,
    Order,
    Read,
    Register,
    Scope,
    Select,
    Space,
    Store,
    WarpFunction,
    WarpOp,
)
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.launch import WARP
from oxide_codegen.lowering import coroutines, patterns, shadow, thread_loop
from oxide_codegen.lowering.builder import Builder, Value
from oxide_codegen.lowering.context import Context
from oxide_codegen.lowering.coroutines import CoroutineThread
from oxide_codegen.lowering.room import BROUGHT, PRESENT, SEEN, extents
from oxide_codegen.lowering.schedule import element
from oxide_codegen.lowering.shadow import Verb
from oxide_codegen.lowering.thread_loop import LoopThread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Expr, Local
    from oxide_codegen.lowering.environment import Failure, WarpOperands
    from oxide_codegen.lowering.host import Host

# Where the address of the shadow lies in the record of the launch, behind its extents.
CONTEXT = 56
_MEMORY, _UNIT, _NUMBER = Value("%memory", "ptr"), Value("%unit", "i64"), Value("%number", "i64")


def sites(kernel: Kernel) -> list[Load | Store | Atomic | Read]:
    """What findings name by its place in this list."""
    accesses = [s for s in statements(kernel.body) if isinstance(s, Load | Store | Atomic)]
    return [*accesses, *named_reads(kernel)]


def named_reads(kernel: Kernel) -> list[Read]:
    """Where variables of the source are read."""
    return [
        e
        for e in expressions(kernel.body)
        if isinstance(e, Read) and not e.local.name.startswith("%")
    ]


def lower(checked: CheckedKernel, ranges: Ranges, *, has_halves: bool) -> str:
    """The LLVM text of a kernel that watches itself."""
    if patterns.meets(checked.kernel):
        text = coroutines.lower(
            checked,
            ranges,
            "",
            narrows=False,
            has_halves=has_halves,
            threads=WatchedCoroutine,
            contexts=WatchedContext,
        )
    else:
        text = thread_loop.lower_watched(
            checked, ranges, WatchedLoop, WatchedContext, has_halves=has_halves
        )
    return f"{text}\n{shadow.runtime(checked.kernel)}"


class Watch:
    """What one thread knows of itself, and what it tells the shadow.

    An environment has one. Its values are made where a thread begins: `me` and `first`, the
    numbers of the thread and of the first one of its block, both + 1, are i32.
    """

    def __init__(self, kernel: Kernel, build: Builder, host: Host) -> None:
        self.kernel = kernel
        self.build = build
        self.host = host
        self.orders = shadow.orders(kernel)
        self.waits = patterns.waits_for_others(kernel)
        numbered = sites(kernel)
        self.numbers = {
            (s.span if isinstance(s, Read) else s.site): number
            for number, s in reversed(list(enumerate(numbered)))
        }
        self.statements: Mapping[int, Load | Store | Atomic] = {
            s.site: s for s in numbered if not isinstance(s, Read)
        }
        self.arrays = {array.name: k for k, array in enumerate(shadow.shadowed(kernel))}
        self.epoch = build.variable("i32", "epoch")
        self.base = build.variable("i32", "base")
        self.round = build.variable("i32", "round")
        self.context = Value("null", "ptr")
        self.me = self.first = Value("1", "i32")
        self.block = Value("0", "i64")

    def begin(self) -> None:
        """A thread begins."""
        build, places = self.build, self.host.places
        at = build.value("ptr", f"getelementptr i8, ptr %launch, i64 {CONTEXT}")
        self.context = build.load("ptr", at.text)
        self.block = self._number(Register.BLOCK, Register.GRID_DIM)
        within = self._number(Register.THREAD, Register.BLOCK_DIM)
        extent = [places[Register.BLOCK_DIM, axis] for axis in range(3)]
        size = build.binary("mul", build.binary("mul", extent[0], extent[1]), extent[2])
        first = build.binary("add", build.binary("mul", self.block, size), "1")
        self.first = build.cast("trunc", first, "i32")
        self.me = build.cast("trunc", build.binary("add", first, within), "i32")
        build.store(Value("1", "i32"), self.epoch)
        build.store(Value("1", "i32"), self.base)
        build.store(Value("0", "i32"), self.round)

    def access(self, array: Array, site: int, offset: Value) -> None:
        """In front of an access to an element that exists."""
        build, statement = self.build, self.statements[site]
        number = self.arrays.get(array.name)
        if number is None:
            return
        size = shadow.cell_size(self.kernel, array)
        at = self._field(shadow.SHADOWS + 16 * number)
        start = build.load("ptr", at.text)
        own = array.space is Space.SHARED
        if own and self.waits:
            # Several blocks have begun at once: each has its part.
            stride = build.load("i64", self._field(shadow.SHADOWS + 16 * number + 8).text)
            start = build.value(
                "ptr", f"getelementptr i8, {start}, {build.binary('mul', self.block, stride)}"
            )
        cell = build.value(
            "ptr", f"getelementptr i8, {start}, {build.binary('mul', offset, str(size))}"
        )
        verb = _verb(statement)
        function = shadow.function(verb, own, size == shadow.CELL_WITH_ATOMICS)
        build.emit(
            f"call void @{function}({self.context}, {cell}, {self.me}, {self.first}, "
            f"{build.load('i32', self.epoch)}, {build.load('i32', self.base)}, {self._mark()}, "
            f"i32 {self._flagged(statement, verb)})"
        )
        if isinstance(statement, Atomic) and self.orders.releases:
            self._order(statement, verb, cell)

    def undefined(self, key: object) -> None:
        """A variable, or an element of a local array, is read that nothing has set."""
        number = self.numbers[key]  # pyright: ignore[reportArgumentType]
        self.build.emit(
            f"call void @shadow.report({self.context}, ptr null, i32 "
            f"{int(shadow.Kind.UNINITIALISED)}, i32 {number}, i32 {number}, {self.me}, "
            f"{self.me}, i1 false)"
        )

    def fence(self) -> None:
        """The thread fences."""
        self.build.emit(f"call void @shadow.fence({self.context}, {self.me})")

    def leave(self) -> None:
        """The thread returns."""
        epoch = self.build.load("i32", self.epoch)
        self.build.emit(f"call void @shadow.leave({self.context}, {self.me}, {epoch})")

    def arrive(self, group: Group) -> None:
        """In front of a barrier: the last epoch of all blocks ends before the next."""
        if group is Group.GRID:
            build, at = self.build, self._round()
            most = build.intrinsic(
                "umax", build.load("i32", at.text), build.load("i32", self.epoch)
            )
            build.store(most, at.text)

    def meet(self, group: Group) -> None:
        """Behind a barrier."""
        build = self.build
        if group is Group.GRID:
            build.store(build.load("i32", self._round().text), self.epoch)
            turn = build.binary("xor", build.load("i32", self.round), "1")
            build.store(turn, self.round)
        build.store(build.binary("add", build.load("i32", self.epoch), "1"), self.epoch)
        if group is Group.GRID:
            build.store(build.load("i32", self.epoch), self.base)
        if self.orders.releases:
            build.emit(f"call void @shadow.met({self.context}, {self.me})")

    def time(self) -> Value:
        """What a thread brings to `sync_warp`: its time, as i64."""
        build = self.build
        if self.orders.releases:
            now = build.value("i32", f"call i32 @shadow.release({self.context}, {self.me})")
        else:
            now = build.load("i32", self._own_time().text)
        return build.cast("zext", now, "i64")

    def agree(self, latest: Value, present: Value) -> None:
        """Behind `sync_warp`: `latest` (i32) is the last time that somebody brought."""
        build = self.build
        if self.orders.releases:
            build.emit(f"call void @shadow.learn({self.context}, {self.me}, {latest})")
            return
        behind, done = build.label("behind"), build.label("agreed")
        late = build.compare("icmp ule", build.load("i32", self._own_time().text), latest)
        build.branch(late.text, behind, done)
        build.place(behind)
        # The first that goes on says it for all: another may look at who has not gone on yet.
        following = build.binary("add", latest, "1")
        within = build.binary("sub", self.me, self.first)
        warp = build.binary("sub", self.me, build.binary("and", within, str(WARP - 1)))
        with build.counted("0", str(WARP)) as lane:
            narrow = build.cast("trunc", lane, "i32")
            bit = build.cast("trunc", build.binary("lshr", present, narrow), "i1")
            theirs, over = build.label("theirs"), build.label("over")
            build.branch(bit.text, theirs, over)
            build.place(theirs)
            at = self._thread(build.binary("add", warp, narrow), shadow.WARP_TIME)
            most = build.intrinsic("umax", build.load("i32", at.text), following)
            build.store(most, at.text)
            build.place(over)
        build.place(done)

    def _order(self, statement: Atomic, verb: Verb, cell: Value) -> None:
        order = statement.order
        said = (
            verb is not Verb.STORE,
            verb is not Verb.LOAD,
            order in (Order.ACQUIRE, Order.ACQ_REL),
            order in (Order.RELEASE, Order.ACQ_REL),
        )
        words = ", ".join(f"i1 {'true' if one else 'false'}" for one in said)
        self.build.emit(
            f"call void @shadow.atomic.order({self.context}, {cell}, {self.me}, {words})"
        )

    def _flagged(self, statement: Load | Store | Atomic, verb: Verb) -> int:
        flags = shadow.LOADS if verb is Verb.LOAD else 0
        if isinstance(statement, Atomic) and statement.scope is Scope.BLOCK:
            flags |= shadow.NARROW
        return self.numbers[statement.site] | flags

    def _mark(self) -> Value:
        if self.orders.releases:
            return self.build.load("i32", self._field(shadow.CLOCK).text)
        if self.orders.marks_warps:
            return self.build.load("i32", self._own_time().text)
        return Value("0", "i32")

    def _own_time(self) -> Value:
        return self._thread(self.me, shadow.WARP_TIME)

    def _thread(self, thread: Value, field: int) -> Value:
        build = self.build
        at = build.value("ptr", f"call ptr @shadow.thread({self.context}, {thread})")
        return build.value("ptr", f"getelementptr i8, {at}, i64 {field}")

    def _field(self, offset: int) -> Value:
        return self.build.value("ptr", f"getelementptr i8, {self.context}, i64 {offset}")

    def _round(self) -> Value:
        build = self.build
        start = self._field(shadow.ROUNDS)
        return build.value("ptr", f"getelementptr i32, {start}, {build.load('i32', self.round)}")

    def _number(self, register: Register, extent: Register) -> Value:
        build, places = self.build, self.host.places
        x, y, z = (places[register, axis] for axis in range(3))
        width, height = (places[extent, axis] for axis in range(2))
        row = build.binary("add", build.binary("mul", z, height), y)
        return build.binary("add", build.binary("mul", row, width), x)


class WatchedLoop(LoopThread):
    """One iteration, watched."""

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        super().__init__(kernel, build)
        self.watch = Watch(kernel, build, self)

    def fence(self, build: Builder, scope: Scope) -> None:
        """A fence."""
        super().fence(build, scope)
        self.watch.fence()


class WatchedCoroutine(CoroutineThread):
    """One coroutine, watched."""

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        super().__init__(kernel, build)
        self.watch = Watch(kernel, build, self)

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block, or for the grid."""
        self.watch.arrive(statement.group)
        super().barrier(build, statement)
        self.watch.meet(statement.group)

    def warp(self, build: Builder, statement: WarpOp, operands: WarpOperands) -> Value | None:
        """Wait for the lanes; at a `sync_warp`, agree on the time."""
        if statement.function is not WarpFunction.SYNC:
            return super().warp(build, statement, operands)
        brought = element(build, _MEMORY, _UNIT, BROUGHT, "i64", _NUMBER)
        build.emit(f"store {self.watch.time()}, {brought}")
        super().warp(build, statement, operands)
        present = build.load("i32", element(build, _MEMORY, _UNIT, PRESENT, "i32", _NUMBER).text)
        first = build.binary("and", _NUMBER, str(-WARP))
        latest = build.variable("i64", "latest")
        build.store(Value("0", "i64"), latest)
        with build.counted("0", str(WARP)) as lane:
            bit = build.binary("lshr", present, build.cast("trunc", lane, "i32"))
            there, over = build.label("there"), build.label("over")
            build.branch(build.cast("trunc", bit, "i1").text, there, over)
            build.place(there)
            at = element(build, _MEMORY, _UNIT, SEEN, "i64", build.binary("add", first, lane))
            most = build.intrinsic("umax", build.load("i64", latest), build.load("i64", at.text))
            build.store(most, latest)
            build.place(over)
        self.watch.agree(build.cast("trunc", build.load("i64", latest), "i32"), present)
        return None

    def fence(self, build: Builder, scope: Scope) -> None:
        """A fence."""
        super().fence(build, scope)
        self.watch.fence()

    def finish(self, build: Builder) -> None:
        """Return."""
        self.watch.leave()
        super().finish(build)

    def fail(self, build: Builder, failure: Failure) -> None:
        """A check fails: the thread returns."""
        self.watch.leave()
        super().fail(build, failure)


class WatchedContext(Context):
    """A kernel on its way to a host that watches."""

    observes = True

    def __post_init__(self) -> None:
        super().__post_init__()
        environment = self.environment
        assert isinstance(environment, WatchedLoop | WatchedCoroutine)
        self.watch = environment.watch
        self._guarded = 0
        self._set: dict[Local, str] = {}
        self._elements: dict[str, str] = {}

    def zero_locals(self) -> None:
        """A thread begins: nothing is set."""
        self.watch.begin()
        super().zero_locals()
        for flag in self._flags_of_all():
            self.build.store(Value("0", "i8"), flag)
        for array in self.checked.kernel.arrays.values():
            if array.space is Space.LOCAL:
                self.declared(array)

    def assign(self, local: Local, value: Value) -> None:
        """`local = value`."""
        super().assign(local, value)
        if local in self._set:
            self.build.store(Value("1", "i8"), self._set[local])

    def value(self, expr: Expr) -> Value:
        """The value of an expression, of which every variable that counts is looked at."""
        guards = isinstance(expr, Logic | Select)
        self._guarded += guards
        if isinstance(expr, Read) and not self._guarded:
            self._demand_set(expr)
        found = super().value(expr)
        self._guarded -= guards
        return found

    def observe(self, array: Array, site: int, offset: Value) -> None:
        """In front of an access to an element that exists."""
        if array.space is not Space.LOCAL:
            self.watch.access(array, site, offset)
            return
        build = self.build
        flag = build.value("ptr", f"getelementptr i8, ptr {self._bytes(array)}, {offset}")
        if isinstance(self.watch.statements[site], Store):
            build.store(Value("1", "i8"), flag.text)
            return
        self._demand(flag.text, site)

    def declared(self, array: Array) -> None:
        """A local array is undefined from here on."""
        self.build.emit(
            f"call void @llvm.memset.p0.i64(ptr {self._bytes(array)}, i8 0, "
            f"i64 {prod(extents(array))}, i1 false)"
        )

    def _flags_of_all(self) -> list[str]:
        # Those that only what follows makes are unknown here, so all are made now.
        for read in named_reads(self.checked.kernel):
            if read.local not in self._set:
                self._set[read.local] = self.build.variable("i8", "set")
        return list(self._set.values())

    def _bytes(self, array: Array) -> str:
        if array.name not in self._elements:
            size = max(prod(extents(array)), 1)
            self._elements[array.name] = self.build.variable(f"[{size} x i8]", "elements")
        return self._elements[array.name]

    def _demand_set(self, read: Read) -> None:
        if read.local in self._set:
            self._demand(self._set[read.local], read.span)

    def _demand(self, flag: str, key: object) -> None:
        build = self.build
        unset, fine = build.label("unset"), build.label("set")
        known = build.compare("icmp ne", build.load("i8", flag), "0")
        build.branch(known.text, fine, unset)
        build.place(unset)
        self.watch.undefined(key)
        build.place(fine)


def _verb(statement: Load | Store | Atomic) -> Verb:
    match statement:
        case Load():
            return Verb.READ
        case Store():
            return Verb.WRITE
        case Atomic(op=AtomicOp.LOAD):
            return Verb.LOAD
        case Atomic(op=AtomicOp.STORE):
            return Verb.STORE
        case Atomic():
            return Verb.CHANGE
