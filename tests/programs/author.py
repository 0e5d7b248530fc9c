"""Who writes a random kernel: pieces of code, right about as often as nearly right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .program import Lines, Program, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


class Author:
    """Writes one kernel; what kinds of kernels these are is up to those who inherit.

    `carelessness` is how many of the mistakes that could be made this author makes.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines = Lines()
        self.names = 0
        self.carelessness = random.choice([0.0, 0.0, 0.3, 1.0])

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def pick(self, *texts: str) -> str:
        return self.random.choice(texts)

    def errs(self, chance: float) -> bool:
        """Whether the author makes a mistake that is made that often."""
        return self.random.random() < chance * self.carelessness

    def right(self, text: str, *wrong: str, chance: float = 0.25) -> str:
        """The text, or one that looks like it."""
        return self.random.choice(wrong) if self.errs(chance) else text

    def unless_forgotten(self, text: str, chance: float = 0.2) -> None:
        if not self.errs(chance):
            self.lines.add(text)

    def module(
        self,
        seed: int,
        names: Sequence[str],
        head: Sequence[str],
        options: Sequence[str],
        facts: Sequence[str],
        slots: Sequence[Slot],
    ) -> Program:
        """The whole file, round the body in `lines`; `facts` become the contract's `requires`."""
        out = Lines()
        out.add(f"from oxide import {', '.join(sorted(set(names)))}")
        for line in head:
            out.add(line)
        said = [*options]
        if facts:
            used = ", ".join(s.name for s in slots if any(_says(fact, s.name) for fact in facts))
            said.append(
                f"requires=lambda {used}: {' and '.join(facts)}".replace("lambda :", "lambda:")
            )
        out.add()
        out.add()
        out.add(f"@kernel({', '.join(said)})")
        out.add(f"def k({', '.join(slot.declaration for slot in slots)}):")
        return Program(seed, out.text() + self.lines.text(), tuple(slots), None)


def _says(fact: str, name: str) -> bool:
    """Whether a fact names a parameter."""
    words = "".join(c if c.isalnum() or c == "_" else " " for c in fact).split()
    return name in words
