"""For which launches a kernel is judged, where it has no contract of its own.

A kernel of Oxide has a contract, which is what it is judged for. One of another dialect is judged
for the launches that its file shows, each for itself. Where there is none it is judged for all;
and if that does not prove it, for those that fit it:

    tile = cuda.shared.array((16, 16), float32)      blocks of (16, 16, 1), which is then a fact
    tile[tx, ty] = …                                 that every launch must keep
    tile[cuda.grid(1)] = …                           … of one block, whose memory it is
    row = cuda.blockIdx.y * 64 + cuda.threadIdx.x    blocks of 64 threads along x
    total[0] += x[0]                                 one thread: nothing asks which it is

    if cuda.atomic.add(done, 0, 1) == …              `done` starts with zeros: see `counters`

The verdict of the kernel is that of the worst of its launches.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.checked import Fact
from oxide_analyzer.counters import starting_with_zeros
from oxide_analyzer.diagnostics import Related, Verdict
from oxide_analyzer.ir.kernel import OWN_DIALECT, Contract, Requirement
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Load,
    Read,
    Register,
    Space,
    Special,
    Store,
)
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.ir.specialise import fold, source_values
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.language.types import I64
from oxide_analyzer.rules import ox402_inferred_launch_fact as ox402
from oxide_analyzer.rules.ox108_aliased_arguments import perhaps
from oxide_analyzer.wording import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide_analyzer.ir.kernel import Kernel, LaunchSite
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.report import KernelReport

WORST = {Verdict.VIOLATED: 0, Verdict.UNPROVED: 1, Verdict.PROVED: 2}
"""The verdicts by how bad they are: that of a kernel is the worst of its launches'."""
# Findings about the order of threads, which counters may see to.
_OF_ORDER = {"OX102", "OX103", "OX105", "OX106", "OX206", "OX901"}
_UNFENCED = "OX206"
_MOST_THREADS = 1024
_DEEPEST = 8


def in_situations(kernel: Kernel, check: Callable[[Kernel], KernelReport]) -> KernelReport:
    """The report on a kernel, from those on it in each of its situations."""
    if kernel.dialect == OWN_DIALECT:
        return check(kernel)
    report = _judged(kernel, check)
    diagnostics = tuple(spoken(d, kernel.dialect) for d in report.diagnostics)
    return replace(report, diagnostics=diagnostics)


def _judged(kernel: Kernel, check: Callable[[Kernel], KernelReport]) -> KernelReport:
    if kernel.launches:
        return _launched(kernel, check)
    report = _counting(kernel, check)
    if report.verdict is Verdict.PROVED or report.stopped:
        return report
    contract = fitting(kernel)
    # What is wrong with other launches is what nobody would launch.
    return report if contract is None else _counting(replace(kernel, contract=contract), check)


def _counting(kernel: Kernel, check: Callable[[Kernel], KernelReport]) -> KernelReport:
    """The report on a kernel, whose counters start with zeros where that makes it right, or where
    other starts are what makes it wrong."""
    report = check(kernel)
    if report.stopped or not any(d.code in _OF_ORDER for d in report.diagnostics):
        return report
    zeros = starting_with_zeros(kernel)
    if not zeros:
        return report
    contract = replace(kernel.contract, data=(*kernel.contract.data, *zeros))
    counting = check(replace(kernel, contract=contract))
    says_more = counting.verdict is Verdict.PROVED or any(
        d.code == _UNFENCED for d in counting.diagnostics
    )
    return counting if says_more or report.verdict is Verdict.VIOLATED else report


def _launched(kernel: Kernel, check: Callable[[Kernel], KernelReport]) -> KernelReport:
    reports: list[tuple[LaunchSite, KernelReport]] = []
    for site in kernel.launches:
        contract, launched = site.contract, _with_constants(site.variant or kernel, site)
        supposed: list[Requirement] = []
        if contract.block is None:
            contract = replace(contract, block=fitting_block(launched))
            if contract.block is None:
                supposed = _narrow(launched)
                contract = replace(contract, requires=(*contract.requires, *supposed))
            else:
                supposed = _is_block(launched, contract.block)
        found = _counting(replace(launched, contract=contract, launches=kernel.launches), check)
        if any(d.code == "OX403" for d in found.diagnostics):
            # What was read of the host cannot be: then it says nothing.
            found = check(replace(kernel, contract=Contract(cooperative=True)))
        found = _apart(launched, site, _supposing(found, supposed))
        reports.append((site, found))
        if found.verdict is Verdict.VIOLATED:
            # No other launch is worse.
            break
    site, worst = min(reports, key=lambda one: WORST[one[1].verdict])
    if worst.verdict is Verdict.PROVED:
        worst = _of_all([report for _, report in reports])
    names = tuple(f"{one.span.path}:{one.span.line}" for one in kernel.launches)
    diagnostics = worst.diagnostics
    if worst.verdict is not Verdict.PROVED:
        one = "".join(f", `{name}` being `{other}`" for name, other in site.same)
        related = Related(site.span, f"it is launched here{one}")
        diagnostics = tuple(replace(d, related=(*d.related, related)) for d in worst.diagnostics)
    return replace(
        worst,
        kernel=kernel,
        launches=names,
        diagnostics=diagnostics,
        checked=worst.checked if len(kernel.launches) == 1 else None,
        milliseconds=sum(report.milliseconds for _, report in reports),
    )


def _is_block(kernel: Kernel, block: tuple[Expr, Expr, Expr]) -> list[Requirement]:
    span = kernel.name_span
    found: list[Requirement] = []
    for axis, extent in enumerate(block):
        condition = Compare(CompareOp.EQ, Special(Register.BLOCK_DIM, axis, span), extent, span)
        text = f"{Register.BLOCK_DIM}.{'xyz'[axis]} == {show_expr(extent)}"
        found.append(Requirement(condition, text, span))
    return found


def _supposing(report: KernelReport, supposed: Sequence[Requirement]) -> KernelReport:
    """A report on a launch of which the host code does not say all that it was judged for."""
    if not supposed:
        return report
    texts = {requirement.text for requirement in supposed}
    facts = [fact for fact in report.facts if fact.text not in texts]
    facts += [Fact(r.condition, r.text, False, r.span) for r in supposed]
    return _stating(replace(report, facts=tuple(facts)))


def _stating(report: KernelReport) -> KernelReport:
    """A report that says for which launches it holds, where those are not what host code shows."""
    if report.verdict is Verdict.VIOLATED:
        return report
    texts = [fact.text for fact in report.facts if not fact.declared]
    found = ox402.RULE.diagnostic(report.name_span, ox402.precondition(texts), kernel=report.name)
    others = [d for d in report.diagnostics if d.code != ox402.RULE.code]
    diagnostics = sorted([*others, found], key=lambda d: (d.span, d.code))
    return replace(report, diagnostics=tuple(diagnostics))


def _of_all(reports: Sequence[KernelReport]) -> KernelReport:
    """The report on a kernel of which each launch is proved: it rests on what each rests on."""
    first = reports[0]
    more = [f for report in reports[1:] for f in report.facts if not f.declared]
    facts = {fact.text: fact for fact in (*reversed(more), *reversed(first.facts))}
    found = replace(first, facts=tuple(facts.values())[::-1])
    says = any(d.code == ox402.RULE.code for report in reports for d in report.diagnostics)
    return _stating(found) if says else found


def _apart(kernel: Kernel, site: LaunchSite, report: KernelReport) -> KernelReport:
    """A kernel is proved for arrays that lie apart."""
    if report.verdict is not Verdict.PROVED or not site.shared:
        return report
    written, beside = site.shared[0]
    found = perhaps(site.span, kernel.name, written, beside)
    return replace(
        report,
        verdict=Verdict.UNPROVED,
        diagnostics=(*report.diagnostics, found),
        checked=None,
    )


def _with_constants(kernel: Kernel, site: LaunchSite) -> Kernel:
    """The kernel with the constants of its closure as they are where it is launched."""
    known = dict(site.constants)
    constants = tuple(replace(c, value=known.get(c.symbol, c.value)) for c in kernel.constants)
    return replace(kernel, constants=constants) if known else kernel


def fitting(kernel: Kernel) -> Contract | None:
    """What the launches of a kernel have in common that its file does not show, as far as the
    kernel says it: a block for its shared arrays, one block where it does not ask which it is in,
    one thread where it does not ask that either."""
    read = {expr.register for expr in expressions(kernel.body) if isinstance(expr, Special)}
    span = kernel.name_span
    one = Const(1, I64, span)
    block = fitting_block(kernel)
    if not read & {Register.THREAD, Register.LANE}:
        block = one, one, one
    requires: list[Requirement] = []
    single, blocks = _single(kernel), _read_along(kernel, Register.BLOCK)
    for axis in sorted({0} | _read_along(kernel, Register.THREAD)):
        if axis in single or axis not in blocks:
            requires.append(_is_one(kernel, Register.GRID_DIM, axis))
    if block is None:
        requires += _narrow(kernel)
    if block is None and not requires:
        return None
    return Contract(block=block, requires=tuple(requires), cooperative=True, is_inferred=True)


def fitting_block(kernel: Kernel) -> tuple[Expr, Expr, Expr] | None:
    """The block of which each thread writes one element of the shared arrays, or that is as wide as
    blocks are apart; None if nothing says so."""
    values = _once(kernel)
    extents: dict[int, int] = {}
    by_all = {id(statement) for statement in kernel.body}
    for statement in statements(kernel.body):
        if not isinstance(statement, Store):
            continue
        array = kernel.arrays[statement.array]
        if array.space is not Space.SHARED:
            continue
        sizes = [_number(kernel, extent) for extent in array.shape]
        if len(sizes) > 1 and sizes[-1] is not None and sizes[-1] - 1 == sizes[-2]:
            # A column more, so that columns lie in different banks.
            sizes[-1] -= 1
        for index, size in zip(statement.index, sizes, strict=True):
            for axis, offset in _axes(kernel, index, values):
                if size is None:
                    continue
                # What lies in front of the block's elements lies behind them as well.
                inner = [size - 2 * offset]
                if id(statement) in by_all:
                    inner.append(size - offset)
                fit = [extent for extent in inner if extent > 0]
                if fit:
                    extents[axis] = min(extents.get(axis, fit[0]), *fit)
            scaled = _scaled(kernel, index, values) if id(statement) in by_all else None
            if scaled is not None and size is not None and size > scaled[2]:
                axis, factor, offset = scaled
                fit = [(size - 1 - offset) // factor + 1]
                extents[axis] = min(extents.get(axis, fit[0]), *fit)
    extents = extents or _strides(kernel, values)
    product = 1
    for extent in extents.values():
        product *= extent
    if not extents or not 1 <= product <= _MOST_THREADS:
        return None
    x, y, z = (Const(extents.get(axis, 1), I64, kernel.name_span) for axis in range(3))
    return x, y, z


def _read_along(kernel: Kernel, register: Register) -> set[int]:
    """The axes along which a kernel reads a register."""
    specials = (e for e in expressions(kernel.body) if isinstance(e, Special))
    return {e.axis for e in specials if e.register is register}


def _narrow(kernel: Kernel) -> list[Requirement]:
    """That blocks have one thread along an axis y or z of which threads do not ask."""
    if any(_read_along(kernel, register) for register in (Register.LANE, Register.WARP)):
        return []
    # Of an axis that is not read at all that is taken for granted anyhow.
    axes = (_read_along(kernel, Register.BLOCK) - _read_along(kernel, Register.THREAD)) & {1, 2}
    return [_is_one(kernel, Register.BLOCK_DIM, axis) for axis in sorted(axes)]


def _is_one(kernel: Kernel, register: Register, axis: int) -> Requirement:
    span = kernel.name_span
    condition = Compare(CompareOp.EQ, Special(register, axis, span), Const(1, I64, span), span)
    return Requirement(condition, f"{register}.{'xyz'[axis]} == 1", span)


def _single(kernel: Kernel) -> set[int]:
    """The axes whose index in the grid is one into shared memory: each block has its own, so
    there is one."""
    values = _once(kernel)
    found: set[int] = set()
    for statement in statements(kernel.body):
        if isinstance(statement, Load | Store):
            array = kernel.arrays[statement.array]
            if array.space is Space.SHARED:
                indices = (_meaning(index, values) for index in statement.index)
                found.update(axis for e in indices if (axis := _along_grid(e)) is not None)
    return found


def _meaning(index: Expr, values: dict[str, Expr], depth: int = 0) -> Expr:
    """What an index is, where that is a local that is assigned once."""
    if isinstance(index, Read) and index.local.name in values and depth < _DEEPEST:
        return _meaning(values[index.local.name], values, depth + 1)
    return index


def _along_grid(expr: Expr) -> int | None:
    """The axis along which an expression is the thread's index in the grid."""
    if not isinstance(expr, Binary) or expr.op is not BinaryOp.ADD:
        return None
    for inner, outer in ((expr.left, expr.right), (expr.right, expr.left)):
        if isinstance(inner, Special) and isinstance(outer, Binary) and outer.op is BinaryOp.MUL:
            factors = {outer.left, outer.right}
            registers = {e.register for e in factors if isinstance(e, Special)}
            if inner.register is Register.THREAD and registers == {
                Register.BLOCK,
                Register.BLOCK_DIM,
            }:
                return inner.axis
    return None


def _strides(kernel: Kernel, values: dict[str, Expr]) -> dict[int, int]:
    """How many threads a block has where each begins that far behind the one before it:
    `cuda.blockIdx.y * 64 + cuda.threadIdx.x`."""
    found: dict[int, set[int]] = {}
    for expr in expressions(kernel.body):
        if not isinstance(expr, Binary) or expr.op is not BinaryOp.ADD:
            continue
        for one, other in ((expr.left, expr.right), (expr.right, expr.left)):
            thread, block = _meaning(one, values), _meaning(other, values)
            if not isinstance(thread, Special) or thread.register is not Register.THREAD:
                continue
            if isinstance(block, Binary) and block.op is BinaryOp.MUL:
                parts = [_meaning(part, values) for part in (block.left, block.right)]
                width = [n for part in parts if (n := _number(kernel, part)) is not None]
                if any(isinstance(p, Special) and p.register is Register.BLOCK for p in parts):
                    found.setdefault(thread.axis, set()).update(width)
    return {axis: widths.pop() for axis, widths in found.items() if len(widths) == 1}


def _once(kernel: Kernel) -> dict[str, Expr]:
    """What the locals are that are assigned once."""
    found: dict[str, Expr] = {}
    again: set[str] = set()
    for statement in statements(kernel.body):
        if isinstance(statement, Assign):
            name = statement.target.name
            if name in found:
                again.add(name)
            found[name] = statement.value
    return {name: value for name, value in found.items() if name not in again}


def _scaled(kernel: Kernel, index: Expr, values: dict[str, Expr]) -> tuple[int, int, int] | None:
    """The axis, 2 and 1 of an index `2 * t + 1`."""
    match _meaning(index, values):
        case Binary(op=BinaryOp.ADD, left=left, right=right) if (
            offset := _number(kernel, right)
        ) is not None:
            found = _scaled(kernel, left, values)
            return None if found is None else (found[0], found[1], found[2] + offset)
        case Binary(op=BinaryOp.MUL, left=left, right=right):
            for one, other in ((left, right), (right, left)):
                factor, thread = _number(kernel, one), _meaning(other, values)
                is_thread = isinstance(thread, Special) and thread.register is Register.THREAD
                if factor is not None and factor > 0 and is_thread:
                    assert isinstance(thread, Special)
                    return thread.axis, factor, 0
            return None
        case _:
            return None


def _axes(
    kernel: Kernel, index: Expr, values: dict[str, Expr], depth: int = 0
) -> Iterator[tuple[int, int]]:
    """The axis whose thread index an index is, with what is added to it."""
    match index:
        case Special(register=Register.THREAD, axis=axis):
            yield axis, 0
        case Binary() if (along := _along_grid(index)) is not None:
            yield along, 0
        case Read(local=local) if local.name in values and depth < _DEEPEST:
            yield from _axes(kernel, values[local.name], values, depth + 1)
        case Binary(op=BinaryOp.ADD, left=left, right=right) if (
            added := _number(kernel, right)
        ) is not None:
            for axis, offset in _axes(kernel, left, values, depth):
                yield axis, offset + added
        case _:
            return


def _number(kernel: Kernel, extent: Expr) -> int | None:
    """An extent that the source says."""
    found = fold(extent, source_values(kernel))
    return int(found.value) if isinstance(found, Const) else None
