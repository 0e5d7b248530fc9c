"""A host object, module or function in a kernel."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX006", "host-object-in-kernel", Severity.ERROR)


def function(text: str, is_kernel: bool) -> str:
    """A function that kernels cannot call."""
    if is_kernel:
        return (
            f"`{text}` is a kernel, which only the host launches; make it `@device` to call it here"
        )
    return f"`{text}` is an ordinary function; write `@device` above it to call it from kernels"


def module(text: str, name: str) -> str:
    """A module used as a value."""
    return f"`{text}` is the module `{name}`, which a kernel cannot use"


def host_object(text: str, what: str) -> str:
    """An object that lives on the host."""
    if what.startswith("`math."):
        return f"kernels have no `{text}`; of `math` they have {_of_math(text)}"
    if what.startswith("`oxide."):
        return f"`{text}` is for the host; a kernel cannot use it"
    owner = text.partition(".")[0]
    if what == f"`{text}`":
        what = f"of the host's `{owner}`" if owner != text else "a host object"
    return f"`{text}` is {what}, which a kernel cannot use; pass it as a scalar or slice"


def _of_math(text: str) -> str:
    """Those whose names are nearest, or a few that every kernel knows."""
    from difflib import get_close_matches

    from oxide_analyzer.language.builtins import Origin, names_of

    names = names_of(Origin.MATH)
    close = get_close_matches(text.rpartition(".")[2], names, n=3, cutoff=0.6)
    listed = ", ".join(f"`math.{name}`" for name in close)
    return listed or "most functions of floats: `math.sqrt`, `math.exp`, `math.sin`, …"
