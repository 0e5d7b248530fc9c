"""What has to be shown about a kernel, as questions to the provers.

An obligation holds if each of its queries is contradictory: a query says, in conditions over one
or two threads, how the obligation would fail. Two threads of one group share the variables of
the launch, of the group, and of the iterations that they are in together. Names of the others get
`$1` and `$2`.

    race of `tile[t] = …` with `… = tile[t + s]` in one interval
        t$1 < s,  t$2 < s,  t$1 == t$2 + s,  thread$1 != thread$2

There is one race obligation for each pair of statements and each way to meet (in one block, or
between blocks), one bound for each index of each access, and so on; the same question asked by
several statements is one query. Where many accesses have one form (`groups`), one question about
all of them is asked first, and if that settles them, one obligation stands for all their pairs.

The order of leaning is that of first violation: until threads fail to meet, they have met, so the
intervals of races are right; until there is a race, what several threads load is one value, so
the branches that it decides are taken alike. Neither rests on itself.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.convergence import meetings
from oxide_analyzer.proof.data_facts import distinguished
from oxide_analyzer.proof.exits import exits
from oxide_analyzer.proof.memory import memory_obligations
from oxide_analyzer.proof.races import races
from oxide_analyzer.proof.scans import ranked

if TYPE_CHECKING:
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.groups import IsSettled
    from oxide_analyzer.proof.subjects import Obligation


def obligations(analysis: Analysis, is_settled: IsSettled | None = None) -> tuple[Obligation, ...]:
    """Everything that has to be shown, in the order of the source where it matters.

    `is_settled` says of a query whether it is contradictory. It is asked where one question may
    stand for many; what it settles is one obligation then.
    """
    is_settled = is_settled or partial(refutes, analysis.terms)
    found: list[Obligation] = []
    found.extend(races(analysis, is_settled))
    found.extend(exits(analysis, is_settled))
    found.extend(meetings(analysis))
    found.extend(memory_obligations(analysis, is_settled))
    return tuple(distinguished(analysis, ranked(analysis, o)) for o in found)
