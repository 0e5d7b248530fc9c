"""The analysis as an editor needs it: kernels that have not changed are not checked again.

A keystroke changes one kernel of a file, and the verdicts of all others hold. What a verdict
depends on is the kernel's IR, in which helpers, constants and the contract are resolved, and
where its findings stand depends on the text of its functions:

    def k(a):            # one line above k is new        def k(a):
        a[0] = 1         key: IR, text of k, distances         a[0] = 1
    finding on line 12                                    the same finding on line 13

Where `oxide-check` keeps its verdicts, those of files that are opened are kept as well, and found
by the next server. Such a report has no proof; who compiles its kernel has the file proved anew.
"""

from __future__ import annotations

import gc
import importlib
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic, Place
    from oxide_analyzer.frontends import Earlier
    from oxide_analyzer.ir.kernel import Kernel, LaunchSite
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import SourceFile
    from oxide_analyzer.verdict_cache import Cache

Key: TypeAlias = "tuple[Hashable, ...]"

_KEPT_KERNELS = 512
_COLLECT_AFTER = 20_000
_MOST_TREES = 24


class Analyser:
    """Checks files one after the other, and remembers the verdicts on their kernels."""

    def __init__(self) -> None:
        """Nothing is remembered yet."""
        self._folder: Path | None = None
        self._kept: dict[Path, Cache] = {}
        self._seen: set[str] = set()
        self._reports: OrderedDict[Key, KernelReport] = OrderedDict()
        # A kernel that was not read anew is the same one.
        self._same: WeakKeyDictionary[Kernel, KernelReport] = WeakKeyDictionary()
        self._earlier: Earlier | None = None

    def prepare(self) -> None:
        """Import what every check needs."""
        _load("oxide_analyzer.analysis")
        # A check makes thousands of objects, few of them garbage in circles.
        gc.set_threshold(_COLLECT_AFTER)

    def preload(self) -> None:
        """Import what the first hard kernel would wait for."""
        _load("z3")

    def keep_in(self, folder: Path) -> None:
        """Where verdicts of files that are met from here on are kept, if there is such a folder."""
        self._folder = folder if folder.is_dir() else None

    def check(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """The report about a file; `pause` is called before each kernel, and may raise."""
        # What a file comes to when it is opened is kept; what it is between two keystrokes is not.
        is_new = source.path not in self._seen
        self._seen.add(source.path)
        if not is_new or self._folder is None:
            return self._check(source, modules, pause, None)
        from oxide_analyzer import verdict_cache

        kept = self._kept.get(self._folder)
        if kept is None:
            kept = self._kept[self._folder] = verdict_cache.open_folder(self._folder)
        report = self._check(source, modules, pause, kept)
        kept.flush()
        return report

    def prove(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """The report about a file with every proof that a kept one only promises."""
        for key in [key for key, report in self._reports.items() if report.promised]:
            del self._reports[key]
        for kernel in [kernel for kernel, report in self._same.items() if report.promised]:
            del self._same[kernel]
        return self._check(source, modules, pause, None)

    def _check(
        self, source: SourceFile, modules: Modules, pause: Callable[[], None], kept: Cache | None
    ) -> Report:
        from oxide_analyzer import analysis
        from oxide_analyzer.frontends import Earlier

        if self._earlier is None:
            self._earlier = Earlier()

        def check_one(kernel: Kernel) -> KernelReport:
            pause()
            report = self._same.get(kernel)
            if report is None:
                report = self._same[kernel] = judged(kernel)
            return report

        def judged(kernel: Kernel) -> KernelReport:
            key = identity(kernel, source)
            if key is None:
                return analysis.check_kernel_to_show(kernel)
            known = self._reports.get(key)
            if known is None:
                judge = kept.check_kernel_to_show if kept else analysis.check_kernel_to_show
                known = self._reports[key] = judge(kernel)
                if len(self._reports) > _KEPT_KERNELS:
                    self._reports.popitem(last=False)
            self._reports.move_to_end(key)
            return moved(known, kernel)

        forget_old_trees()
        return analysis.check(source, modules, check_one, self._earlier)


def forget_old_trees() -> None:
    """Forget the trees of texts that nobody will read again, before they are many."""
    from oxide_analyzer.frontends.oxide import functions, parsing, scopes, trees

    if parsing.parse.cache_info().currsize >= _MOST_TREES:
        for remembered in (parsing.parse, scopes.module_scope, functions.body_of, trees.nodes):
            remembered.cache_clear()


def _load(module: str) -> None:
    """Import a module; what it makes is no garbage, so nobody looks for garbage in it."""
    gc.disable()
    importlib.import_module(module)
    gc.freeze()
    gc.enable()


def identity(kernel: Kernel, source: SourceFile) -> Key | None:
    """Equal for kernels with one verdict and findings at the same distances; None if unknown.

    The texts of helpers in other files are not at hand, so a kernel with such helpers has none.
    """
    from oxide_analyzer.ir.show import show

    if any(function.path != source.path for function in kernel.functions):
        return None
    top = kernel.span.line
    contract = kernel.contract
    places = [function.span for function in kernel.functions]
    texts = [source.extract(place) for place in (kernel.span, *places)]
    places += [kernel.name_span, *(requirement.span for requirement in contract.requires)]
    places += [constant.span for constant in kernel.constants]
    places += [site.span for site in kernel.launches]
    inside = (contract.insertion, contract.conjunction, contract.naming)
    places += [place for place in inside if place is not None]
    return (
        source.path,
        show(kernel),
        *texts,
        *(_shift(place, -top) for place in places),
        *(requirement.text for requirement in contract.requires),
        *((constant.attributes, constant.owner.route) for constant in kernel.constants),
        (contract.prefix, contract.suffix),
        *(_launch(site) for site in kernel.launches),
    )


def _launch(site: LaunchSite) -> Key:
    """Equal for launches that say the same of a kernel."""
    from oxide_analyzer.ir.show import show_expr

    contract = site.contract
    block = contract.block or ()
    return (
        site.constants,
        site.same,
        contract.cooperative,
        *(show_expr(extent) for extent in block),
        *(f"{show_expr(r.condition)} {r.text}" for r in contract.requires),
    )


def moved(report: KernelReport, kernel: Kernel) -> KernelReport:
    """The report about the same kernel, which now stands elsewhere in its file.

    What the compiler gets keeps its old lines, and so does what is shown beside the kernel's, which
    knows where the kernel began.
    """
    lines = kernel.span.line - report.span.line
    if lines == 0:
        return report
    return replace(
        report,
        span=kernel.span,
        name_span=kernel.name_span,
        kernel=kernel,
        diagnostics=tuple(_move(finding, lines) for finding in report.diagnostics),
        assumed=tuple(_place(place, lines) for place in report.assumed),
        unsafe=tuple(_place(place, lines) for place in report.unsafe),
        launches=tuple(f"{site.span.path}:{site.span.line}" for site in kernel.launches),
    )


def _move(finding: Diagnostic, lines: int) -> Diagnostic:
    witness = finding.witness
    if witness is not None:
        threads = tuple(replace(thread, line=thread.line + lines) for thread in witness.threads)
        witness = replace(witness, threads=threads)
    return replace(
        finding,
        span=_shift(finding.span, lines),
        related=tuple(replace(r, span=_shift(r.span, lines)) for r in finding.related),
        fixes=tuple(
            replace(fix, edits=tuple(replace(e, span=_shift(e.span, lines)) for e in fix.edits))
            for fix in finding.fixes
        ),
        witness=witness,
    )


def _place(place: Place, lines: int) -> Place:
    return replace(place, line=place.line + lines)


def _shift(span: Span, lines: int) -> Span:
    return Span(span.path, span.line + lines, span.column, span.end_line + lines, span.end_column)
