"""A contract that cannot be read or met."""

from __future__ import annotations

from math import prod

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX404", "bad-requirement", Severity.ERROR)


def no_parameter(name: str, kernel: str, offered: list[str]) -> str:
    """A parameter of the lambda that the kernel does not have."""
    listed = ", ".join(f"`{one}`" for one in offered) or "none"
    return f"`{kernel}` has no parameter `{name}`; its parameters: {listed}"


def unknown(name: str, near: str | None) -> str:
    """A name in the lambda that nothing defines."""
    return f"`{name}` is not defined" + (f"; did you mean `{near}`?" if near else "")


def block(extents: list[int | None], limits: tuple[int, int, int], threads: int) -> str | None:
    """What is wrong with a block, as far as its extents are known; None if nothing."""
    for extent, limit, axis in zip(extents, limits, "xyz", strict=True):
        if extent is not None and not 1 <= extent <= limit:
            return f"`block` has extent {extent} along {axis}; it is 1 to {limit}"
    known = [extent for extent in extents if extent is not None]
    if prod(known) > threads:
        return f"`block` has {prod(known)} threads; at most {threads} fit"
    return None


# A cluster of more blocks needs a permission of the driver, and not every device can run it.
_MOST_IN_CLUSTER = 8


def cluster(extents: tuple[int, int, int]) -> str | None:
    """What is wrong with a cluster; None if nothing."""
    for extent, axis in zip(extents, "xyz", strict=True):
        if extent < 1:
            return f"`cluster` has extent {extent} along {axis}; it is at least 1"
    if prod(extents) > _MOST_IN_CLUSTER:
        return f"`cluster` has {prod(extents)} blocks; at most {_MOST_IN_CLUSTER} are possible"
    return None


def cluster_beyond(axis: int, domain: int | None) -> str:
    """It extends where launches do not."""
    return f"`cluster` extends along {'xyz'[axis]}, beyond `domain={domain}`"


def cluster_and_cooperative() -> str:
    """Both are ways to place blocks."""
    return "`cluster` and `cooperative` exclude each other"


def beyond(
    block: list[int | None], domain: int | None, most: int | float | bool | None
) -> tuple[str, str] | None:
    """The argument that a block contradicts, and how; None if it contradicts none."""
    if domain is not None:
        for axis in range(domain, 3):
            extent = block[axis]
            if extent is not None and extent > 1:
                text = f"`block` has extent {extent} along {'xyz'[axis]}, beyond `domain={domain}`"
                return "domain", f"{text}, whose launches have extent 1 there"
    threads = prod(extent or 1 for extent in block)
    if most is not None and threads > most:
        return "max_threads", f"`block` has {threads} threads, more than `max_threads={most}`"
    return None


def not_in_closure(name: str, kernel: str) -> str:
    """A variable of the function round the kernel, which the launch could not look up."""
    return (
        f"`{name}` is a variable of the function round `{kernel}`, which does not use it; here it "
        f"can only stand alone, as in `block={name}`: compute with it in a variable of its own"
    )


def limit(name: str, value: int | float | bool | None, threads: int) -> str | None:
    """What is wrong with `shared`, `max_threads` or `min_blocks`; None if nothing is known."""
    least = 0 if name == "shared" else 1
    if value is not None and value < least:
        return f"`{name}` is {value}; it is at least {least}"
    if name == "max_threads" and value is not None and value > threads:
        return f"`max_threads` is {value}; at most {threads} fit"
    return None
