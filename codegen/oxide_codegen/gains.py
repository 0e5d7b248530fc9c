"""What the proof of a kernel gains, and what it does not, one line for each optimisation.

    checks: 3 of 3 sites proved, nothing is checked at run time
    indices: 32 bits, for launches with fewer than 2**30 elements in each array
    read-only: `a` and `b` are read past the coherent cache (2 of 2 loads)

What is said was done is read off the compiled text where the text shows it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from oxide_analyzer.ir.kernel import ArrayParameter
from oxide_analyzer.ir.nodes import Dim, Ownership, Param, Register, Space, Special
from oxide_codegen.abi import failure_sites
from oxide_codegen.forms import ALIGNMENT, SIZES
from oxide_codegen.lowering.multiples import equal_extents, multiples
from oxide_codegen.lowering.optimisations import Optimisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_codegen.forms import Form
    from oxide_codegen.ptx import Ptx

_LOADS = re.compile(r"\bld\.global(\.nc)?\b")
_WIDE = re.compile(r"\b(?:ld|st)\.[a-z.]*\.v([248])\.")
_HINT = re.compile(r"llvm\.loop\.unroll\.(full|count)(?:\", i32 (\d+))?")
_LOOP = re.compile(r"distinct !\{!\d+, (!\d+)\}")
_MOST_LINES = 4


def gains(
    checked: CheckedKernel, form: Form, compiled: Ptx, without: frozenset[Optimisation]
) -> Iterator[str]:
    """One line for each optimisation, in the order in which they are listed."""
    speakers = {
        Optimisation.CHECKS: lambda: _checks(checked, without),
        Optimisation.INDICES: lambda: _indices(form),
        Optimisation.READ_ONLY: lambda: _read_only(checked.kernel, compiled.text),
        Optimisation.ALIASES: lambda: _aliases(checked.kernel),
        Optimisation.ALIGNMENT: lambda: _alignment(checked, form, compiled.text),
        Optimisation.UNROLLING: lambda: _unrolling(compiled.llvm),
        Optimisation.COARSENING: lambda: _coarsening(checked),
    }
    for optimisation in Optimisation:
        left_out = optimisation in without and optimisation is not Optimisation.CHECKS
        yield f"{optimisation}: {'left out' if left_out else speakers[optimisation]()}"


def _checks(checked: CheckedKernel, without: frozenset[Optimisation]) -> str:
    sites = failure_sites(checked.kernel)
    if not sites:
        return "there is nothing to check"
    proved = checked.proved_bounds | checked.proved_divisors
    proved |= checked.proved_alignments | checked.proved_assertions
    count = len(sites.keys() & proved)
    if Optimisation.CHECKS in without:
        return f"left out: all {len(sites)} sites are checked at run time, {count} of them proved"
    if count == len(sites):
        return f"{count} of {count} sites proved, nothing is checked at run time"
    lines = sorted({site.span.line for number, site in sites.items() if number not in proved})
    return (
        f"{count} of {len(sites)} sites proved; checked at run time: {_lines(lines)}"
        " (where threads wait for each other, either all are or none)"
    )


def _lines(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_MOST_LINES]))
    more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _indices(form: Form) -> str:
    if not form.ordinary:
        return "64 bits, as this is the code for launches of every size"
    exponent = SIZES.bit_length() - 1
    return (
        f"32 bits, for launches with fewer than 2**{exponent} elements in each array, threads "
        "along each axis, and integer scalars as small"
    )


def _read_only(kernel: Kernel, ptx: str) -> str:
    names = [
        name
        for name, array in kernel.arrays.items()
        if array.space is Space.GLOBAL and array.ownership is Ownership.READ_ONLY
    ]
    kinds = Counter(bool(found) for found in _LOADS.findall(ptx))
    if not names:
        return "the launch may write every array that the kernel reads"
    loads = f"{kinds[True]} of {kinds.total()} loads"
    return f"{_names(names)} {_are(names)} read past the coherent cache ({loads})"


def _aliases(kernel: Kernel) -> str:
    names = [p.name for p in kernel.parameters if isinstance(p, ArrayParameter)]
    written = [n for n in names if kernel.arrays[n].ownership is not Ownership.READ_ONLY]
    if len(names) < 2 or not written:
        return "no array that could be another one is written"
    return (
        f"{_names(written)} {_are(written)} apart from all other arrays: a launch where "
        "they overlap is refused"
    )


def _alignment(checked: CheckedKernel, form: Form, ptx: str) -> str:
    said: list[str] = []
    if form.ordinary:
        said.append(f"arrays start at multiples of {ALIGNMENT} bytes")
    conditions = [fact.condition for fact in checked.facts]
    said += [f"`{_size(size)} % {divisor} == 0`" for size, divisor in multiples(conditions)]
    equal = equal_extents(conditions)
    same = len(equal) - len({(one.array, one.axis) for one in equal.values()})
    if same:
        said.append(f"{same} extents equal others" if same > 1 else "1 extent equals another")
    wide = Counter(_WIDE.findall(ptx))
    accesses = ", ".join(f"{count} of {width} at once" for width, count in sorted(wide.items()))
    return f"{' and '.join(said) or 'nothing is known'}; wide accesses: {accesses or 'none'}"


def _size(size: Expr) -> str:
    match size:
        case Dim(array=array, axis=axis):
            return f"{array}.shape[{axis}]"
        case Param(name=name):
            return name
        case Special(register=Register.BLOCK_DIM | Register.GRID_DIM as register, axis=axis):
            return f"{register}.{'xyz'[axis]}"
        case _:
            return "a size"


def _unrolling(llvm: str) -> str:
    hints = {
        line.split(" = ")[0]: found
        for line in llvm.splitlines()
        if (found := _HINT.search(line)) is not None
    }
    whole, times = 0, list[str]()
    for node in _LOOP.findall(llvm):
        found = hints.get(node)
        if found is None:
            continue
        if found[1] == "full":
            whole += 1
        else:
            times.append(f"{found[2]} times")
    said = [f"{whole} loop{'s' if whole > 1 else ''} whole"] if whole else []
    said += [f"{count} {how}" for how, count in Counter(times).items()]
    return ", ".join(said) or "no loop is asked for"


def _coarsening(checked: CheckedKernel) -> str:
    from oxide_codegen.ptx import plan

    return str(plan(checked))


def _names(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _are(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
