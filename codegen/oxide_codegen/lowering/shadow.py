"""The shadow of memory that a sanitised kernel keeps, and the functions that look at it.

Every element of an array that somebody may write has a cell that says who came last:

    cell     writer | reader  reader  reader of another block | the same of atomics | stamp
    slot     thread + 1, epoch, mark, site          four i32; of nobody all are 0

An access looks for those of its cell that change something (or that it would change under) and
takes the place of its kind; of readers, the last two of the own block and the last of another one
are enough to show any later write that it races, wherever barriers alone order threads.

Two accesses of different threads are ordered if

    a barrier lies between them     the epoch of the earlier is over: each barrier of the block
                                    begins one, for all blocks one of the grid; for a thread that
                                    returned in its epoch, none is over
    `sync_warp` does                both lanes have met since: the mark is the time of the warp,
                                    which its lanes agree on where they meet
    a release and an acquire may    the mark is the time of the launch, which every release
                                    advances: somebody of the earlier block has released since,
                                    and the later thread has acquired from that time or later

The last is coarser than the order of the language: it asks for the time, and not for whose value
was read. Whatever is ordered is taken for ordered, so nothing here is a false alarm, but a race
next to a hand-over that has nothing to do with it is overlooked. `interpreter` is exact.

One thread of the host runs all blocks, so none of this needs atomics.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from struct import Struct
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Array,
    Atomic,
    Fence,
    Order,
    Ownership,
    Scope,
    Space,
    WarpFunction,
    WarpOp,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel

SLOT = 16
WRITER, READER, ATOMIC, STAMP = 0, 16, 64, 112
CELL, CELL_WITH_ATOMICS = 64, 128

# What the launch keeps, in bytes from its start.
COUNT, CAPACITY, FINDINGS, SEEN, THREADS, BLOCKS = 0, 8, 16, 24, 32, 40
CLOCK, SIZE, SITES, ROUNDS, SHADOWS = 48, 52, 56, 64, 80
# Of each thread: exit, known, heard, fenced, time of the warp. Of each block: released, known.
THREAD, BLOCK = 32, 8
EXIT, KNOWN, HEARD, FENCED, WARP_TIME = 0, 4, 8, 12, 16
RELEASED, BLOCK_KNOWS = 0, 4

# A finding: kind, site, the other site, the thread, the other thread (both + 1), whether that
# one had returned, cell.
FOUND = Struct("<6iQ")

# Beside the number of a site.
LOADS, NARROW, SITE = 1 << 30, 1 << 29, (1 << 24) - 1


class Kind(IntEnum):
    """What a finding is."""

    RACE = 0
    UNINITIALISED = 1
    SCOPE = 2


@record
class Orders:
    """What besides barriers orders the threads of a kernel; of several `releases` goes first."""

    warps: bool
    releases: bool
    narrow: bool

    @property
    def marks_warps(self) -> bool:
        """Whether the mark of a slot is a time of the warp."""
        return self.warps and not self.releases


def orders(kernel: Kernel) -> Orders:
    """How the accesses of a kernel are ordered."""
    found = list(statements(kernel.body))
    atomics = [s for s in found if isinstance(s, Atomic)]
    return Orders(
        any(isinstance(s, WarpOp) and s.function is WarpFunction.SYNC for s in found),
        any(isinstance(s, Fence) for s in found)
        or any(s.order is not Order.RELAXED for s in atomics),
        any(s.scope is Scope.BLOCK for s in atomics),
    )


def shadowed(kernel: Kernel) -> list[Array]:
    """The arrays that have a shadow, in order: those that two threads share and one may change."""
    return [
        array
        for array in kernel.arrays.values()
        if array.space is not Space.LOCAL and array.ownership is not Ownership.READ_ONLY
    ]


def cell_size(kernel: Kernel, array: Array) -> int:
    """Bytes of a cell."""
    has_atomics = any(
        isinstance(s, Atomic) and s.array == array.name for s in statements(kernel.body)
    )
    return CELL_WITH_ATOMICS if has_atomics else CELL


def runtime(kernel: Kernel) -> str:
    """The functions, as LLVM text, that the accesses of a kernel call."""
    how = orders(kernel)
    flavours = {
        (array.space is Space.SHARED, cell_size(kernel, array) == CELL_WITH_ATOMICS)
        for array in shadowed(kernel)
    }
    parts = [_COMMON, _more(how), _ORDERS if how.releases else ""]
    for own, mixed in sorted(flavours):
        verbs = list(Verb) if mixed else [Verb.READ, Verb.WRITE]
        parts += [_access(verb, own, mixed, how.narrow) for verb in verbs]
    return "\n".join(parts)


# ---------------------------------------------------------------- who is ordered

PARAMETERS = (
    "ptr %context, ptr %cell, i32 %me, i32 %first, i32 %epoch, i32 %base, i32 %mark, i32 %site"
)

_COMMON = f"""
define internal void @shadow.report(ptr %context, ptr %cell, i32 %kind, i32 %site, i32 %before,
    i32 %me, i32 %other, i1 %left) cold noinline {{
  %sites.at = getelementptr i8, ptr %context, i64 {SITES}
  %sites = load i32, ptr %sites.at
  %a = and i32 %site, {SITE}
  %b = and i32 %before, {SITE}
  %kinds = mul i32 %kind, %sites
  %row = add i32 %kinds, %a
  %rows = mul i32 %row, %sites
  %number = add i32 %rows, %b
  %seen.at = getelementptr i8, ptr %context, i64 {SEEN}
  %seen = load ptr, ptr %seen.at
  %mark.at = getelementptr i8, ptr %seen, i32 %number
  %marked = load i8, ptr %mark.at
  %known = icmp ne i8 %marked, 0
  br i1 %known, label %done, label %new
new:
  store i8 1, ptr %mark.at
  %count = load i64, ptr %context
  %capacity.at = getelementptr i8, ptr %context, i64 {CAPACITY}
  %capacity = load i64, ptr %capacity.at
  %full = icmp uge i64 %count, %capacity
  br i1 %full, label %done, label %room
room:
  %more = add i64 %count, 1
  store i64 %more, ptr %context
  %findings.at = getelementptr i8, ptr %context, i64 {FINDINGS}
  %findings = load ptr, ptr %findings.at
  %offset = mul i64 %count, {FOUND.size}
  %at = getelementptr i8, ptr %findings, i64 %offset
  store i32 %kind, ptr %at
  %at.1 = getelementptr i8, ptr %at, i64 4
  store i32 %a, ptr %at.1
  %at.2 = getelementptr i8, ptr %at, i64 8
  store i32 %b, ptr %at.2
  %at.3 = getelementptr i8, ptr %at, i64 12
  store i32 %me, ptr %at.3
  %at.4 = getelementptr i8, ptr %at, i64 16
  store i32 %other, ptr %at.4
  %at.5 = getelementptr i8, ptr %at, i64 20
  %gone = zext i1 %left to i32
  store i32 %gone, ptr %at.5
  %at.6 = getelementptr i8, ptr %at, i64 24
  store ptr %cell, ptr %at.6
  br label %done
done:
  ret void
}}

define internal ptr @shadow.thread(ptr %context, i32 %thread) alwaysinline {{
  %threads.at = getelementptr i8, ptr %context, i64 {THREADS}
  %threads = load ptr, ptr %threads.at
  %number = zext i32 %thread to i64
  %offset = mul i64 %number, {THREAD}
  %at = getelementptr i8, ptr %threads, i64 %offset
  ret ptr %at
}}

define internal ptr @shadow.block(ptr %context, i32 %thread) alwaysinline {{
  %size.at = getelementptr i8, ptr %context, i64 {SIZE}
  %size = load i32, ptr %size.at
  %number = sub i32 %thread, 1
  %block = udiv i32 %number, %size
  %wide = zext i32 %block to i64
  %offset = mul i64 %wide, {BLOCK}
  %blocks.at = getelementptr i8, ptr %context, i64 {BLOCKS}
  %blocks = load ptr, ptr %blocks.at
  %at = getelementptr i8, ptr %blocks, i64 %offset
  ret ptr %at
}}

define internal void @shadow.leave(ptr %context, i32 %me, i32 %epoch) {{
  %thread = call ptr @shadow.thread(ptr %context, i32 %me)
  store i32 %epoch, ptr %thread
  ret void
}}

define internal void @shadow.look({PARAMETERS}, i64 %at, i32 %skip, i1 %own) {{
entry:
  %slot = getelementptr i8, ptr %cell, i64 %at
  %other = load i32, ptr %slot
  %nobody = icmp eq i32 %other, 0
  %myself = icmp eq i32 %other, %me
  %idle = or i1 %nobody, %myself
  br i1 %idle, label %done, label %somebody
somebody:
  %site.at = getelementptr i8, ptr %slot, i64 12
  %before = load i32, ptr %site.at
  %skipped = and i32 %before, %skip
  %harmless = icmp ne i32 %skipped, 0
  %size.at = getelementptr i8, ptr %context, i64 {SIZE}
  %size = load i32, ptr %size.at
  %apart = sub i32 %other, %first
  %same = icmp ult i32 %apart, %size
  %foreign = xor i1 %same, true
  %another = and i1 %own, %foreign
  %past = or i1 %harmless, %another
  %epoch.at = getelementptr i8, ptr %slot, i64 4
  %then = load i32, ptr %epoch.at
  br i1 %past, label %done, label %judge
judge:
  %horizon = select i1 %same, i32 %epoch, i32 %base
  %over = icmp ult i32 %then, %horizon
  br i1 %over, label %met, label %more
met:
  %thread = call ptr @shadow.thread(ptr %context, i32 %other)
  %exit = load i32, ptr %thread
  %out = icmp eq i32 %exit, %then
  br i1 %out, label %more, label %done
more:
  %left = phi i1 [ false, %judge ], [ true, %met ]
  %mark.at = getelementptr i8, ptr %slot, i64 8
  %noted = load i32, ptr %mark.at
  %ordered = call i1 @shadow.more(ptr %context, i32 %other, i32 %apart, i1 %same, i32 %noted,
    i32 %me, i32 %first)
  br i1 %ordered, label %done, label %race
race:
  call void @shadow.report(ptr %context, ptr %cell, i32 {int(Kind.RACE)}, i32 %site, i32 %before,
    i32 %me, i32 %other, i1 %left)
  br label %done
done:
  ret void
}}

define internal void @shadow.reach({PARAMETERS}, i64 %at) {{
entry:
  %slot = getelementptr i8, ptr %cell, i64 %at
  %other = load i32, ptr %slot
  %nobody = icmp eq i32 %other, 0
  br i1 %nobody, label %done, label %somebody
somebody:
  %size.at = getelementptr i8, ptr %context, i64 {SIZE}
  %size = load i32, ptr %size.at
  %apart = sub i32 %other, %first
  %same = icmp ult i32 %apart, %size
  %site.at = getelementptr i8, ptr %slot, i64 12
  %before = load i32, ptr %site.at
  %either = or i32 %before, %site
  %narrow.bit = and i32 %either, {NARROW}
  %wide = icmp eq i32 %narrow.bit, 0
  %both = and i32 %before, %site
  %loads.bit = and i32 %both, {LOADS}
  %loads = icmp ne i32 %loads.bit, 0
  %epoch.at = getelementptr i8, ptr %slot, i64 4
  %then = load i32, ptr %epoch.at
  %over = icmp ult i32 %then, %base
  %fine.1 = or i1 %same, %wide
  %fine.2 = or i1 %loads, %over
  %fine = or i1 %fine.1, %fine.2
  br i1 %fine, label %done, label %race
race:
  call void @shadow.report(ptr %context, ptr %cell, i32 {int(Kind.SCOPE)}, i32 %site, i32 %before,
    i32 %me, i32 %other, i1 false)
  br label %done
done:
  ret void
}}

define internal void @shadow.put(ptr %cell, i64 %at, i32 %me, i32 %epoch, i32 %mark, i32 %site)
    alwaysinline {{
  %slot = getelementptr i8, ptr %cell, i64 %at
  %a = insertelement <4 x i32> poison, i32 %me, i32 0
  %b = insertelement <4 x i32> %a, i32 %epoch, i32 1
  %c = insertelement <4 x i32> %b, i32 %mark, i32 2
  %d = insertelement <4 x i32> %c, i32 %site, i32 3
  store <4 x i32> %d, ptr %slot, align 16
  ret void
}}

define internal void @shadow.join({PARAMETERS}, i64 %at) {{
entry:
  %one = getelementptr i8, ptr %cell, i64 %at
  %two = getelementptr i8, ptr %one, i64 {SLOT}
  %far = getelementptr i8, ptr %one, i64 {2 * SLOT}
  %other = load i32, ptr %one
  %nobody = icmp eq i32 %other, 0
  %myself = icmp eq i32 %other, %me
  %simple = or i1 %nobody, %myself
  br i1 %simple, label %put, label %move
move:
  %was = load <4 x i32>, ptr %one, align 16
  %size.at = getelementptr i8, ptr %context, i64 {SIZE}
  %size = load i32, ptr %size.at
  %apart = sub i32 %other, %first
  %same = icmp ult i32 %apart, %size
  br i1 %same, label %second, label %distant
second:
  store <4 x i32> %was, ptr %two, align 16
  br label %put
distant:
  store <4 x i32> %was, ptr %far, align 16
  store <4 x i32> zeroinitializer, ptr %two, align 16
  br label %put
put:
  call void @shadow.put(ptr %cell, i64 %at, i32 %me, i32 %epoch, i32 %mark, i32 %site)
  ret void
}}
"""

_MORE = (
    "define internal i1 @shadow.more(ptr %context, i32 %other, i32 %apart, i1 %same, i32 %noted,"
    " i32 %me, i32 %first) {"
)


def _more(how: Orders) -> str:
    """Whether something else than a barrier lies between two accesses."""
    if how.releases:
        return f"""
{_MORE}
  %there = call ptr @shadow.block(ptr %context, i32 %other)
  %released = load i32, ptr %there
  %since = icmp ugt i32 %released, %noted
  %here = call ptr @shadow.thread(ptr %context, i32 %me)
  %known.at = getelementptr i8, ptr %here, i64 {KNOWN}
  %known = load i32, ptr %known.at
  %learned = icmp ugt i32 %known, %noted
  %both = and i1 %since, %learned
  ret i1 %both
}}
"""
    if how.warps:
        return f"""
{_MORE}
  %within = sub i32 %me, %first
  %warp = lshr i32 %within, 5
  %their = lshr i32 %apart, 5
  %alike = icmp eq i32 %warp, %their
  %one = and i1 %same, %alike
  %there = call ptr @shadow.thread(ptr %context, i32 %other)
  %there.at = getelementptr i8, ptr %there, i64 {WARP_TIME}
  %their.time = load i32, ptr %there.at
  %here = call ptr @shadow.thread(ptr %context, i32 %me)
  %here.at = getelementptr i8, ptr %here, i64 {WARP_TIME}
  %time = load i32, ptr %here.at
  %a = icmp ugt i32 %their.time, %noted
  %b = icmp ugt i32 %time, %noted
  %ab = and i1 %a, %b
  %all = and i1 %one, %ab
  ret i1 %all
}}
"""
    return f"{_MORE}\n  ret i1 false\n}}\n"


_ORDERS = f"""
define internal i32 @shadow.tick(ptr %context) alwaysinline {{
  %at = getelementptr i8, ptr %context, i64 {CLOCK}
  %now = load i32, ptr %at
  %next = add i32 %now, 1
  store i32 %next, ptr %at
  ret i32 %next
}}

define internal void @shadow.raise(ptr %at, i32 %time) alwaysinline {{
  %was = load i32, ptr %at
  %is = call i32 @llvm.umax.i32(i32 %was, i32 %time)
  store i32 %is, ptr %at
  ret void
}}

define internal void @shadow.learn(ptr %context, i32 %me, i32 %time) {{
  %thread = call ptr @shadow.thread(ptr %context, i32 %me)
  %known = getelementptr i8, ptr %thread, i64 {KNOWN}
  call void @shadow.raise(ptr %known, i32 %time)
  %block = call ptr @shadow.block(ptr %context, i32 %me)
  %told = getelementptr i8, ptr %block, i64 {BLOCK_KNOWS}
  call void @shadow.raise(ptr %told, i32 %time)
  ret void
}}

define internal i32 @shadow.release(ptr %context, i32 %me) {{
  %now = call i32 @shadow.tick(ptr %context)
  %block = call ptr @shadow.block(ptr %context, i32 %me)
  call void @shadow.raise(ptr %block, i32 %now)
  ret i32 %now
}}

define internal void @shadow.fence(ptr %context, i32 %me) {{
  %now = call i32 @shadow.tick(ptr %context)
  %thread = call ptr @shadow.thread(ptr %context, i32 %me)
  %fenced = getelementptr i8, ptr %thread, i64 {FENCED}
  store i32 %now, ptr %fenced
  %heard.at = getelementptr i8, ptr %thread, i64 {HEARD}
  %heard = load i32, ptr %heard.at
  call void @shadow.learn(ptr %context, i32 %me, i32 %heard)
  ret void
}}

define internal void @shadow.met(ptr %context, i32 %me) {{
  %block = call ptr @shadow.block(ptr %context, i32 %me)
  %told = getelementptr i8, ptr %block, i64 {BLOCK_KNOWS}
  %time = load i32, ptr %told
  %thread = call ptr @shadow.thread(ptr %context, i32 %me)
  %known = getelementptr i8, ptr %thread, i64 {KNOWN}
  call void @shadow.raise(ptr %known, i32 %time)
  ret void
}}

define internal void @shadow.atomic.order(ptr %context, ptr %cell, i32 %me, i1 %reads, i1 %writes,
    i1 %acquires, i1 %releases) {{
entry:
  %stamp.at = getelementptr i8, ptr %cell, i64 {STAMP}
  %stamp = load i32, ptr %stamp.at
  %thread = call ptr @shadow.thread(ptr %context, i32 %me)
  br i1 %reads, label %hear, label %heard
hear:
  br i1 %acquires, label %acquire, label %keep
acquire:
  call void @shadow.learn(ptr %context, i32 %me, i32 %stamp)
  br label %heard
keep:
  %heard.at = getelementptr i8, ptr %thread, i64 {HEARD}
  call void @shadow.raise(ptr %heard.at, i32 %stamp)
  br label %heard
heard:
  br i1 %writes, label %write, label %done
write:
  br i1 %releases, label %release, label %relaxed
release:
  %now = call i32 @shadow.release(ptr %context, i32 %me)
  br label %written
relaxed:
  %fenced.at = getelementptr i8, ptr %thread, i64 {FENCED}
  %fenced = load i32, ptr %fenced.at
  %block = call ptr @shadow.block(ptr %context, i32 %me)
  call void @shadow.raise(ptr %block, i32 %fenced)
  br label %written
written:
  %own = phi i32 [ %now, %release ], [ %fenced, %relaxed ]
  %kept = select i1 %reads, i32 %stamp, i32 0
  %carried = call i32 @llvm.umax.i32(i32 %kept, i32 %own)
  store i32 %carried, ptr %stamp.at
  br label %done
done:
  ret void
}}
"""


# ---------------------------------------------------------------- accesses


class Verb(StrEnum):
    """What an access does."""

    READ = "read"
    WRITE = "write"
    CHANGE = "change"  # a read-modify-write
    STORE = "store"
    LOAD = "load"


def function(verb: Verb, own: bool, mixed: bool) -> str:
    """The function of an access; of arrays of a block (`own`), and of those with atomics."""
    return f"shadow.{verb}.{'own' if own else 'all'}{'.mixed' if mixed else ''}"


def _access(verb: Verb, own: bool, mixed: bool, narrow: bool) -> str:
    body = ""
    if own and verb in (Verb.READ, Verb.CHANGE, Verb.LOAD):
        body = _initialised(mixed)
    body += _look(WRITER, own)
    if verb not in (Verb.READ, Verb.LOAD):
        body += _look_at_three(READER, own)
    if mixed and verb in (Verb.READ, Verb.WRITE):
        body += _look_at_three(ATOMIC, own, LOADS if verb is Verb.READ else 0)
    if narrow and not own and verb in (Verb.CHANGE, Verb.STORE, Verb.LOAD):
        body += "".join(_call("reach", f"i64 {at}") for at in (ATOMIC, ATOMIC + 2 * SLOT))
    match verb:
        case Verb.READ:
            body += _call("join", f"i64 {READER}")
        case Verb.WRITE:
            body += (
                f"  call void @shadow.put(ptr %cell, i64 {WRITER}, i32 %me, i32 %epoch, "
                "i32 %mark, i32 %site)\n"
            )
        case Verb.CHANGE | Verb.STORE | Verb.LOAD:
            body += _call("join", f"i64 {ATOMIC}")
    name = function(verb, own, mixed)
    return f"\ndefine internal void @{name}({PARAMETERS}) {{\nentry:\n{body}  ret void\n}}\n"


def _call(name: str, more: str) -> str:
    return f"  call void @shadow.{name}({PARAMETERS}, {more})\n"


def _look(at: int, own: bool, skip: int = 0) -> str:
    return _call("look", f"i64 {at}, i32 {skip}, i1 {'true' if own else 'false'}")


def _look_at_three(at: int, own: bool, skip: int = 0) -> str:
    places = (at, at + SLOT) if own else (at, at + SLOT, at + 2 * SLOT)
    return "".join(_look(place, own, skip) for place in places)


def _initialised(mixed: bool) -> str:
    """Whether somebody of this block has written the element."""
    text = f"""  %size.at = getelementptr i8, ptr %context, i64 {SIZE}
  %size = load i32, ptr %size.at
"""
    written = "false"
    for at in (WRITER, ATOMIC, ATOMIC + SLOT) if mixed else (WRITER,):
        text += f"""  %w{at}.at = getelementptr i8, ptr %cell, i64 {at}
  %w{at} = load i32, ptr %w{at}.at
  %w{at}.apart = sub i32 %w{at}, %first
  %w{at}.here = icmp ult i32 %w{at}.apart, %size
  %w{at}.written = or i1 {written}, %w{at}.here
"""
        written = f"%w{at}.written"
    return (
        text
        + f"""  br i1 {written}, label %defined, label %undefined
undefined:
  call void @shadow.report(ptr %context, ptr %cell, i32 {int(Kind.UNINITIALISED)}, i32 %site,
    i32 %site, i32 %me, i32 %me, i1 false)
  br label %defined
defined:
"""
    )
