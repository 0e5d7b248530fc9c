"""What hovers say of kernels, accesses, variables and memories, as Markdown.

    read `tile[thread.x + stride]`: shared memory, f32

    where `stride >= 1`, `thread.x < stride`

    * in bounds, `0 <= thread.x + stride < 256`: proved (affine)
    * a barrier (lines 9 and 14) lies between it and the write (line 8)

Other lines are links where a file has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir.expressions import Ownership, Space
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.source import Span
from oxide_analyzer.wording import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.diagnostics import ObligationCounts
    from oxide_analyzer.insights.records import (
        AccessInsight,
        MemoryInsight,
        Note,
        Occurrence,
        VariableInsight,
    )
    from oxide_lsp.compiling import Compiled
    from oxide_lsp.convert import Converter
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.known import Known

TITLES = {
    Verdict.PROVED: "proved safe",
    Verdict.VIOLATED: "violated",
    Verdict.UNPROVED: "unproved",
}

LEVELS = {
    Level.LAUNCH: "the same in the whole launch",
    Level.GRID: "the same in the whole grid",
    Level.BLOCK: "the same in a block",
    Level.WARP: "the same in a warp",
    Level.THREAD: "may differ from thread to thread",
}

_SPACES = {
    Space.GLOBAL: "global memory",
    Space.SHARED: "shared memory of the block",
    Space.LOCAL: "memory of this thread",
    Space.CONSTANT: "a table of constants",
}

_OWNERSHIPS = {
    Ownership.READ_ONLY: ", read-only for the launch",
    Ownership.DISJOINT: ", each element of one thread",
    Ownership.ATOMIC: ", changed through atomics only",
    Ownership.SCRATCH: "",
}

# By whether the kernel is Oxide's own, and whether launches were seen.
_FACTS = {
    (True, False): "Checked at every launch:",
    (True, True): "Checked at every launch:",
    (False, False): "What launches must fulfil:",
    (False, True): "What is known of them:",
}

_AGAIN = "*being checked again*"

# Ends of ranges that are near a power of two are written as one.
_LARGE = 1 << 20
_NEAR = 1 << 10


# ---------------------------------------------------------------- kernels


def kernel(known: Known, compiled: Compiled | None, converter: Converter) -> str:
    """Verdict, what was counted, the facts that a launch must fulfil, and resources."""
    answer = known.answer
    if answer is None:
        return f"**{known.name}**: being checked"
    title = _title(answer)
    if known.is_current:
        head = f"**{known.name}**: {title}"
    else:
        head = f"**{known.name}**: being checked again, {title} before"
    lines = [head, "", _counts(answer)]
    if answer.launches:
        lines += ["", f"Judged for {_launches(answer, converter)}"]
    if answer.facts:
        lines += ["", _FACTS[answer.dialect == OWN_DIALECT, bool(answer.launches)], ""]
        lines += [f"* `{in_words(fact, answer.dialect)}`" for fact in answer.facts]
    if answer.assumed:
        lines += ["", "Assumed:", ""]
        lines += [f"* {assumption}" for assumption in answer.assumed]
    lines += _resources(known, compiled)
    return "\n".join(lines)


def _title(answer: KernelAnswer) -> str:
    if answer.verdict is not Verdict.PROVED or answer.dialect == OWN_DIALECT:
        return TITLES[answer.verdict]
    if answer.launches:
        return "proved safe as it is launched"
    return "proved safe if its launches are as below" if answer.facts else "proved safe"


def _launches(answer: KernelAnswer, converter: Converter) -> str:
    """The launches that were seen, as `line 46`, or with their file."""
    found: list[str] = []
    for launch in answer.launches:
        path, _, line = launch.rpartition(":")
        number = int(line)
        if path == answer.span.path:
            found.append(f"line {_link(converter, Span(path, number, 1, number, 1))}")
        else:
            found.append(f"`{launch}`")
    return f"the launch{'es' if len(found) > 1 else ''} at {', '.join(found)}"


def _counts(answer: KernelAnswer) -> str:
    counts: ObligationCounts = answer.obligations
    proved = sum(counts.proved.values())
    tiers = ", ".join(f"{tier} {count}" for tier, count in counts.proved.items() if count)
    parts = [f"{proved} proved ({tiers})" if tiers else f"{proved} proved"]
    for count, word in (
        (counts.violated, "violated"),
        (counts.unproved, "unproved"),
        (counts.lifted, "lifted by `unsafe`"),
    ):
        if count:
            parts.append(f"{count} {word}")
    return f"Obligations: {', '.join(parts)}, in {answer.milliseconds:.1f} ms"


def _resources(known: Known, compiled: Compiled | None) -> list[str]:
    """Shared memory and barriers as the source says them; of the machine, what is compiled."""
    found: list[str] = []
    insights = known.insights
    if insights is not None:
        shared = [m for m in insights.memories if m.space is Space.SHARED]
        if shared:
            sizes = ", ".join(f"`{m.name}` {size(m.bytes)}" for m in shared)
            found.append(f"shared memory: {sizes}")
        if insights.barriers:
            count = len(insights.barriers)
            found.append(f"{count} barrier{'s' if count > 1 else ''}")
    if compiled is not None:
        found += compiled.header if compiled.problem is None else (f"PTX: {compiled.problem}",)
    elif known.answer is not None and known.answer.compiles:
        found.append("registers and occupancy: being compiled")
    return ["", "Resources:", "", *(f"* {line}" for line in found)] if found else []


# ---------------------------------------------------------------- accesses


def access(
    found: AccessInsight, known: Known, memory: MemoryInsight | None, converter: Converter
) -> str:
    """What an access touches and when, what protects it, what it costs."""
    of_what = f": {_SPACES[memory.space]}, {memory.element}" if memory is not None else ""
    lines: list[str] = []
    for touch in found.touches:
        if lines:
            lines.append("")
        lines.append(f"**{touch.kind}** `{touch.element}`{of_what}")
        if touch.where:
            lines += ["", f"where {', '.join(f'`{condition}`' for condition in touch.where)}"]
    lines.append("")
    lines += [f"* {_note(note, known, converter)}" for note in found.notes]
    if found.is_checked and is_run_with_checks(known):
        lines.append("* checked at run time")
    lines += [f"* {line}" for line in found.speed]
    if not known.is_current:
        lines += ["", _AGAIN]
    return "\n".join(lines)


def is_run_with_checks(known: Known) -> bool:
    """Whether a check takes the place of a proof: Numba makes none."""
    answer = known.answer
    return answer is not None and answer.compiles and answer.dialect == OWN_DIALECT


def _note(note: Note, known: Known, converter: Converter) -> str:
    text = note.text
    for group in note.places:
        text = text.replace("{}", _lines(group, known, converter), 1)
    return text


def _lines(places: Iterable[Span], known: Known, converter: Converter) -> str:
    """`line 9`, `lines 9 and 14`, with links."""
    links: dict[str, None] = {}
    for place in places:
        now = known.place(place)
        if now is not None:
            links[_link(converter, now)] = None
    if not links:
        return "a line that was edited"
    *first, last = links
    if not first:
        return f"line {last}"
    return f"lines {', '.join(first)} and {last}"


def _link(converter: Converter, place: Span) -> str:
    location = converter.location(place)
    number = location.range.start.line + 1
    if not location.uri.startswith("file:"):
        return str(number)
    return f"[{number}]({location.uri}#L{number})"


# ---------------------------------------------------------------- variables and memories


def variable(found: VariableInsight, here: Occurrence | None, known: Known) -> str:
    """Type, the numbers that it holds, for whom it is one."""
    lines = [f"**{found.name}**: `{found.type}`, {LEVELS[found.level]}"]
    anywhere = numbers(found.low, found.high)
    at_this_place = numbers(here.low, here.high) if here is not None else ""
    if at_this_place and at_this_place != anywhere:
        lines += ["", f"here {at_this_place}" + (f"; {anywhere} at all" if anywhere else "")]
    elif anywhere:
        lines += ["", anywhere]
    if not known.is_current:
        lines += ["", _AGAIN]
    return "\n".join(lines)


def memory(found: MemoryInsight, known: Known) -> str:
    """Where an array lies, and how large it is."""
    shape = ", ".join(found.shape)
    kind = f"**{found.name}**: `{found.element}[{shape}]`, {_SPACES[found.space]}"
    own = known.answer is not None and known.answer.dialect == OWN_DIALECT
    lines = [kind + (_OWNERSHIPS[found.ownership] if own else "")]
    if found.bytes is not None:
        lines += ["", size(found.bytes)]
    if not known.is_current:
        lines += ["", _AGAIN]
    return "\n".join(lines)


def size(count: int | None) -> str:
    """So many bytes, or that the launch says how many."""
    if count is None:
        return "as large as the launch says"
    return f"{count:,} byte{'s' if count != 1 else ''}"


def numbers(low: int | None, high: int | None) -> str:
    """A range in words; empty if nothing is known."""
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"at most {number(high)}" if low is None else f"at least {number(low)}"
    return f"always {number(low)}" if low == high else f"{number(low)} … {number(high)}"


def number(value: int | None) -> str:
    """A number, or how far it is from a power of two."""
    if value is None:
        return "?"
    magnitude = abs(value)
    if magnitude < _LARGE:
        return str(value)
    for bits in (magnitude.bit_length(), magnitude.bit_length() - 1):
        more = magnitude - (1 << bits)
        if abs(more) <= _NEAR:
            sign = "-" if value < 0 else ""
            rest = f" {'-' if (more < 0) is (value > 0) else '+'} {abs(more)}" if more else ""
            return f"{sign}2**{bits}{rest}"
    return str(value)


def excerpt(lines: Sequence[str], most: int) -> list[str]:
    """A block of PTX, with the first lines alone if there are many."""
    shown = list(lines[:most])
    if len(lines) > most:
        shown.append(f"// {len(lines) - most} more lines")
    return ["```ptx", *shown, "```"]
