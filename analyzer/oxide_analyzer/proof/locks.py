"""Locks: what lies between taking a lock and giving it back is done by one thread after another.

    while atomic.compare_exchange(lock, 0, 0, 1, order="acquire") != 0:
        pass
    …                                                          the critical section
    atomic.store(lock, 0, 0, order="release")

An element L of an array that only atomics touch is a lock with the free value f if every statement
of the kernel that changes the array changes L, and either

* takes: it exchanges L for a constant other than f, or does so where L is f (compare_exchange),
  acquires, and who comes to the critical section has got f from it: behind a loop that goes round
  until it has, or in the branch in which it has; or
* gives back: it stores f, releases, and stands at the end of a critical section, in its own block,
  without another change of L between: so only who holds the lock comes there, and once for
  each time that it was taken.

Only giving back writes f. So between a take that got f and the next store of f nobody gets f,
there is one holder at a time, and of two critical sections one comes first. The take of the next
holder is a read-modify-write, so what it has read is the newest value, the f of the holder before
(or of the start): it acquires what that one has released, and so on along the chain. What L is at
the start does not matter: unless it is f, nobody ever takes it.

Not of this form, and so not proved: locks that are picked by data, that fences order, that count,
or that somebody gives back who may not hold them. It leans on the bounds of the lock, for an atomic
out of bounds gives nothing; who keeps the lock forever makes others wait, and nothing worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    AtomicOp,
    Block,
    Compare,
    CompareOp,
    Const,
    Expr,
    If,
    Order,
    Ownership,
    Read,
    Space,
    Stmt,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.links import Published
from oxide_analyzer.proof.looks import WIDE
from oxide_analyzer.proof.sequence import placed
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis


@record
class _Section:
    """The statements from `start` to before `end` of a block, all under a lock that was taken."""

    block: Block
    start: int
    end: int
    taken: Atomic
    given: Atomic


def locked(analysis: Analysis, one: Access, other: Access) -> Published | None:
    """Why two accesses are ordered, if both lie in critical sections of one lock."""
    for array in analysis.kernel.arrays.values():
        if array.ownership is not Ownership.ATOMIC or array.space is not Space.GLOBAL:
            continue
        sections = _sections(analysis, array.name)
        if sections and _is_in(one, sections) and _is_in(other, sections):
            return Published(frozenset({array.name}))
    return None


def _is_in(access: Access, sections: list[_Section]) -> bool:
    return any(
        frame.block is section.block and section.start <= frame.index < section.end
        for section in sections
        for frame in access.position
    )


def _sections(analysis: Analysis, array: str) -> list[_Section]:
    """The critical sections of the one lock in an array; none if it is used otherwise."""
    changes = [a for a in analysis.effects.whole if a.array == array and a.changes]
    if not changes or any(a.atomic is None for a in changes):
        return []
    index = changes[0].index
    if any(a.index != index or any(p.level > Level.LAUNCH for p in a.index) for a in changes):
        return []
    found = list(_taken(analysis.kernel.body, array))
    free = {_number(s.given.value) for s in found}
    known = {id(s.taken) for s in found} | {id(s.given) for s in found}
    if len(free) != 1 or any(id(a.atomic) not in known for a in changes):
        return []
    return found


def _taken(body: Block, array: str) -> Iterator[_Section]:
    blocks_seen: dict[int, Block] = {}
    for _, position in placed(body):
        block = position[-1].block
        blocks_seen.setdefault(id(block), block)
    for block in blocks_seen.values():
        for place, stmt in enumerate(block):
            match stmt:
                case While():
                    yield from _behind_loop(block, place, stmt, array)
                case Atomic() if stmt.array == array:
                    yield from _in_branch(block, place, stmt)
                case _:
                    pass


def _behind_loop(block: Block, place: int, loop: While, array: str) -> Iterator[_Section]:
    """A loop that goes round until it has got the free value."""
    waited = _compared(loop.condition, CompareOp.NE)
    if waited is None:
        return
    name, free = waited
    match (loop.header, loop.body):
        case ((Atomic() as take,), ()):
            own = take.target is not None and take.target.name == name
        case ((), (Atomic() as take, *copies)):
            before = block[place - 1] if place else None
            is_entered = (
                isinstance(before, Assign)
                and before.target.name == name
                and _number(before.value) not in (None, free)
            )
            own = is_entered and _holds(take, copies, name)
        case _:
            return
    if own and take.array == array:
        yield from _section(block, place + 1, take, free)


def _in_branch(block: Block, place: int, take: Atomic) -> Iterator[_Section]:
    """A branch that is gone by who has got the free value."""
    following = place + 1
    copies: list[Stmt] = []
    while following < len(block) and isinstance(block[following], Assign):
        copies.append(block[following])
        following += 1
    branch = block[following] if following < len(block) else None
    if not isinstance(branch, If):
        return
    tested = _compared(branch.condition, CompareOp.EQ)
    if tested is not None and _holds(take, copies, tested[0]):
        yield from _section(branch.then, 0, take, tested[1])


def _holds(take: Atomic, copies: list[Stmt], name: str) -> bool:
    """Whether a local is what an atomic gave, directly or by the one copy that follows."""
    if take.target is None:
        return False
    if not copies:
        return take.target.name == name
    match copies:
        case [Assign(target=target, value=Read(local=local))]:
            return target.name == name and local.name == take.target.name
        case _:
            return False


def _section(block: Block, start: int, take: Atomic, free: int) -> Iterator[_Section]:
    """From `start` to the store that gives the lock back, which `take` took."""
    new = _number(take.value)
    if new is None or new == free or take.scope not in WIDE:
        return
    if take.order not in (Order.ACQUIRE, Order.ACQ_REL):
        return
    match take.op:
        case AtomicOp.EXCHANGE:
            pass
        case AtomicOp.COMPARE_EXCHANGE if _number(take.compare) == free:
            pass
        case _:
            return
    for end in range(start, len(block)):
        changes = [
            s
            for s in statements((block[end],))
            if isinstance(s, Atomic) and s.array == take.array and s.op is not AtomicOp.LOAD
        ]
        if not changes:
            continue
        given = block[end]
        if (
            isinstance(given, Atomic)
            and given.op is AtomicOp.STORE
            and _number(given.value) == free
            and given.order in (Order.RELEASE, Order.ACQ_REL)
            and given.scope in WIDE
        ):
            yield _Section(block, start, end, take, given)
        return


def _compared(condition: Expr, op: CompareOp) -> tuple[str, int] | None:
    """The local and the number of a comparison."""
    match condition:
        case Compare(op=found, left=Read(local=local), right=Const(value=number)) if found is op:
            return local.name, int(number) % (1 << local.type.bits)
        case Compare(op=found, left=Const(value=number), right=Read(local=local)) if found is op:
            return local.name, int(number) % (1 << local.type.bits)
        case _:
            return None


def _number(expr: Expr | None) -> int | None:
    """An integer, as its bits."""
    if not isinstance(expr, Const) or not expr.type.is_integer:
        return None
    return int(expr.value) % (1 << expr.type.bits)
