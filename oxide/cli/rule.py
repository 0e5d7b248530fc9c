"""`oxide rule OX104`: the page of a rule, or the list of all."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from oxide.cli.failure import WrongUse
from oxide_analyzer import rules


def run(arguments: list[str], program: str) -> int:
    """Print the page of the rule named by number or name; without one, list the rules."""
    parser = ArgumentParser(program, description="Explain a rule.")
    parser.add_argument("rule", nargs="?", help="a number or name: OX104, shared-memory-race")
    wanted: str | None = parser.parse_args(arguments).rule
    if wanted is None:
        sys.stdout.writelines(f"{rule.code}  {rule.name}\n" for rule in rules.RULES)
        return 0
    rule = rules.find(wanted)
    if rule is None:
        close = rules.nearest(wanted)
        hint = f"; did you mean `{close}`?" if close else "; `oxide rule` lists them"
        raise WrongUse(f"there is no rule `{wanted}`{hint}")
    sys.stdout.write(rule.page())
    return 0
