"""What one run of a kernel came to: final arrays, and each way in which it broke a rule.

The first failure is the one to believe. Execution goes on as the language defines (a load out of
bounds gives 0, a store there is skipped, a zero divisor gives 0, an undefined value is 0, a race
takes the order of this run), so what follows may be its consequence. Each failure therefore says
whether it is `clean`: no thread that takes part had, by then, failed itself or read a value that
a failed thread wrote or that a race left to chance. A clean failure happens whatever the other
failing operations would have given; failures[0] is always clean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.diagnostics import AccessKind
    from oxide_analyzer.ir.expressions import Spelling
    from oxide_analyzer.launch import Contents, Extent, Launch, Number
    from oxide_analyzer.source import Span


@record
class Event:
    """One thread at one statement.

    `site` is None at the end of the kernel and where a local is read. `array` and `index` say
    what an access touches, `spelling` how the source says it where that is not `array[index]`.
    `values` holds the thread's named locals at that moment, by the names of the source.
    """

    kind: AccessKind
    site: int | None
    span: Span
    block: Extent
    thread: Extent
    array: str | None
    index: tuple[int, ...]
    values: Mapping[str, Number]
    spelling: Spelling | None = None

    @property
    def element(self) -> str:
        """The element that an access touches, as the source says it."""
        if self.spelling is not None:
            return self.spelling.element(self.index)
        return f"{self.array}[{', '.join(map(str, self.index))}]"


@record
class Race:
    """Two accesses to one element that nothing orders; `first` came first in this run."""

    first: Event
    second: Event
    clean: bool


@record
class OutOfBounds:
    """`event.index[axis]` is not within 0 and `length`.

    Of a `view`, `event.index` holds that one index into it (at place 0), `length` is the view's,
    and `axis` its own. A `row` makes a view: `length` and `axis` are those of the array then.
    """

    event: Event
    axis: int
    length: int
    clean: bool
    view: bool = False
    row: bool = False


@record
class BadView:
    """A view of `event.array` along `axis` for which `0 <= start <= stop <= length` fails."""

    event: Event
    axis: int
    start: int
    stop: int
    length: int
    clean: bool


@record
class Misaligned:
    """`width` elements at once from `event.index[0]`, an offset that is no multiple of it."""

    event: Event
    width: int
    clean: bool


@record
class FailedAssertion:
    """An `assert` whose condition is false."""

    event: Event
    message: str
    clean: bool


@record
class WarpDivergence:
    """`waiting` stands at a warp operation whose mask holds `other`, a lane of its warp which
    waits elsewhere, or has come to the end."""

    waiting: Event
    other: Event
    clean: bool


@record
class OutsideMask:
    """A thread came to a warp operation whose `mask` does not hold its lane."""

    event: Event
    mask: int
    lane: int
    clean: bool


@record
class ZeroDivisor:
    """A divisor, or the step of a range, is zero."""

    event: Event
    clean: bool


@record
class Uninitialised:
    """An array element, or (`event.array` is None) a local, that nothing has written."""

    event: Event
    clean: bool


@record
class Divergence:
    """`waiting` stands at a barrier while `other` waits elsewhere or has come to the end."""

    waiting: Event
    other: Event
    clean: bool


@record
class HarmfulExit:
    """A thread returned before a barrier, and a live thread missed it behind that barrier.

    Either `access` races with `other`, which the thread did before it returned, or (`other` is
    None) it reads what no live thread wrote.
    """

    exit: Event
    barrier: Event
    access: Event
    other: Event | None
    clean: bool


Failure: TypeAlias = (
    Race
    | OutOfBounds
    | BadView
    | Misaligned
    | ZeroDivisor
    | FailedAssertion
    | Uninitialised
    | Divergence
    | WarpDivergence
    | OutsideMask
    | HarmfulExit
)


@record
class Outcome:
    """What a run came to.

    `failures` are in the order in which they happened, one for each kind and statements (races
    within and between blocks, and indices in front of an array and behind it, count apart), the
    first clean one if there is one. `arrays` holds the array parameters at the end. `exhausted`
    says that the budget ended the run, `limited` that the limit of failures did; then nothing is
    known about what was left to run. `lines` is what the kernel printed.
    """

    launch: Launch
    failures: tuple[Failure, ...]
    arrays: Mapping[str, Contents]
    visits: Mapping[int, frozenset[int]]
    steps: int
    exhausted: bool
    limited: bool
    lines: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """The kernel came to its end in every thread and broke no rule."""
        return not self.failures and not self.exhausted

    def executed(self, site: int) -> frozenset[tuple[Extent, Extent]]:
        """The (block, thread) indices of the threads that came to the statement `site`."""
        return frozenset(place(self.launch, thread) for thread in self.visits.get(site, ()))


def place(launch: Launch, thread: int) -> tuple[Extent, Extent]:
    """The (x, y, z) block and thread index of the thread with number `thread` in the launch."""
    width, height, depth = launch.block
    block, within = divmod(thread, width * height * depth)
    return _unravel(block, launch.grid), _unravel(within, launch.block)


def _unravel(number: int, extent: Extent) -> Extent:
    row, x = divmod(number, extent[0])
    z, y = divmod(row, extent[1])
    return x, y, z
