"""The values that `insights` gives: strings, numbers and places, nothing of the IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

# What is kept of these values names its enumerations, which are looked up here (`encoding`).
from oxide_analyzer.facts.polys import Level  # noqa: TC001
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.ir.expressions import Ownership, Space
    from oxide_analyzer.source import Span


@record
class Note:
    """A sentence, in which each `{}` stands for the other places of one group."""

    text: str
    places: tuple[tuple[Span, ...], ...] = ()


@record
class Touch:
    """One way in which a statement touches memory: `read a[block.x]`, and under which conditions.

    A statement of a helper that is called twice does so in two ways.
    """

    kind: str
    element: str
    where: tuple[str, ...]


@record
class AccessInsight:
    """A place of the source that touches an array, what protects it, and what it costs a warp.

    `is_checked` says that its bounds, or what else may be, are not proved and so are checked at
    run time.
    """

    span: Span
    array: str
    touches: tuple[Touch, ...]
    notes: tuple[Note, ...]
    speed: tuple[str, ...]
    is_checked: bool


@record
class Occurrence:
    """Where a variable stands, and which numbers it can hold there; ends of None are unknown."""

    span: Span
    low: int | None
    high: int | None


@record
class VariableInsight:
    """A scalar of the source: its type, the numbers that it ever holds, for whom it is one."""

    name: str
    type: str
    low: int | None
    high: int | None
    level: Level
    is_parameter: bool
    occurrences: tuple[Occurrence, ...]


@record
class MemoryInsight:
    """An array: `name` is the source's. `bytes` is None where the launch says how large it is."""

    name: str
    space: Space
    ownership: Ownership
    element: str
    shape: tuple[str, ...]
    bytes: int | None
    span: Span


@record
class Branch:
    """The condition of a branch or the head of a loop, and the group that takes it alike."""

    span: Span
    level: Level


@record
class Insights:
    """What there is to show of one kernel.

    `branches` are those that threads of a block may take differently; `stretches` lie behind
    them: statements to which not all threads of a warp, or of a block, come. All places are those
    of a file in which the kernel begins in `first_line`.
    """

    first_line: int

    accesses: tuple[AccessInsight, ...]
    variables: tuple[VariableInsight, ...]
    memories: tuple[MemoryInsight, ...]
    branches: tuple[Branch, ...]
    stretches: tuple[Branch, ...]
    barriers: tuple[Span, ...]
