"""Random kernels as source text, for differential tests and for trying to fool the prover.

    python -m tests.programs.generate --seed 0 --count 3
    python -m tests.programs.generate --seed 0 --count 100 --mode wild --run

`deterministic` programs are free of races by construction, and come with a launch after which
every device has to hold the same arrays; those of the other kinds may do anything. One seed is
one program.
"""

from __future__ import annotations

import argparse
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter import run

from .calls import Calls
from .deterministic import Deterministic
from .forms import Forms
from .handover import Handover
from .hidden import moved, moved_launches
from .lanes import Lanes
from .launches import launches
from .tangled import Tangled
from .waits import Waits
from .wild import Wild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch

    from .program import Program


def deterministic(seed: int, *, floats: bool = True, inexact: bool = False) -> Program:
    """The race-free program of `seed`.

    Without `floats` it has integers only; `inexact` admits `math.exp`, whose last bits differ
    between devices.
    """
    return Deterministic(Random(seed), floats=floats, inexact=inexact).program(seed)


def tangled(seed: int) -> Program:
    """A kernel whose control is tangled; see `tangled.py`."""
    return Tangled(Random(seed)).program(seed)


def wild(seed: int) -> Program:
    """The program of `seed` that may do anything; it has no launch of its own."""
    return Wild(Random(seed)).program(seed)


def lanes(seed: int) -> Program:
    """A kernel of warps; see `lanes.py`."""
    return Lanes(Random(seed)).program(seed)


def handover(seed: int) -> Program:
    """A kernel whose threads talk; see `handover.py`."""
    return Handover(Random(seed)).program(seed)


def forms(seed: int) -> Program:
    """A kernel of shapes; see `forms.py`."""
    return Forms(Random(seed)).program(seed)


def calls(seed: int) -> Program:
    """A kernel whose helpers wait; see `calls.py`."""
    return Calls(Random(seed)).program(seed)


def waits(seed: int) -> Program:
    """A kernel that waits in rounds; see `waits.py`."""
    return Waits(Random(seed)).program(seed)


KINDS: dict[str, Callable[[int], Program]] = {
    "wild": wild,
    "tangled": tangled,
    "lanes": lanes,
    "handover": handover,
    "forms": forms,
    "calls": calls,
    "waits": waits,
}


_PLAIN = tuple(KINDS.values())


def hidden(seed: int) -> Program:
    """One of all these kinds, whose scalars are far away; see `hidden.py`."""
    return moved(_PLAIN[seed // (len(_PLAIN) + 1) % len(_PLAIN)](seed))


def mixed(seed: int) -> Program:
    """One of all these kinds, by turns."""
    kinds = (*_PLAIN, hidden)
    return kinds[seed % len(kinds)](seed)


KINDS["hidden"] = hidden
KINDS["mixed"] = mixed


def launches_of(program: Program, kernel: Kernel, tries: int) -> Iterator[Launch]:
    """Those of `tries` random launches that the contract of its kernel admits."""
    random = Random(program.seed)
    if program.nearby is None:
        yield from launches(random, kernel, (), tries)
    else:
        yield from moved_launches(random, kernel, program.nearby.kernel(), tries)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print random kernels, or run them.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--mode", choices=["deterministic", *KINDS], default="deterministic")
    parser.add_argument("--no-floats", action="store_true")
    parser.add_argument("--run", action="store_true", help="run each in the interpreter")
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.count):
        if options.mode == "deterministic":
            program = deterministic(seed, floats=not options.no_floats)
        else:
            program = KINDS[options.mode](seed)
        if not options.run:
            print(f"# seed {seed}\n{program.source}\n# launch: {program.launch}\n")
            continue
        kernel = program.kernel()
        chosen = [program.launch] if program.launch else launches_of(program, kernel, 20)
        for launch in chosen:
            outcome = run(kernel, launch)
            end = "exhausted" if outcome.exhausted else "succeeded"
            kinds = {type(failure).__name__ for failure in outcome.failures}
            ends[", ".join(sorted(kinds)) or end] += 1
    for end, count in ends.most_common():
        print(f"{count:7} {end}")


if __name__ == "__main__":
    main()
