"""What is wrong with the host code of a file: `findings`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.resolution import Resolver
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.host.flow import Flow
from oxide_analyzer.host.run import MOST_STATEMENTS, Run, Spent, names_changed_from_afar
from oxide_analyzer.rules import ox502_operation_never_run as ox502

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile

_IMPORTS = re.compile(
    r"^\s*(from\s+oxide(\.operations|\.buffers)?\s+import\b|import\s.*\boxide\b)", re.MULTILINE
)


def findings(
    source: SourceFile,
    modules: Modules,
    kernels: Sequence[Kernel],
    reports: Sequence[KernelReport],
) -> tuple[Diagnostic, ...]:
    """What is wrong with the host code of a file, whose kernels were judged already."""
    if not _has_host_code(source):
        return ()
    tree = parse(source)
    if not isinstance(tree, ast.Module):
        return ()
    module = module_scope(source, tree)
    run = Run(
        source,
        Resolver(modules),
        _stated(kernels, reports),
        names_changed_from_afar(source, tree),
    )
    if _matters(run, module.node.body):
        _follow(run, lambda flow: flow.module(module))
    try:
        functions = list(_functions(run, module.node.body, module))
    except RecursionError:
        functions = []
    for node, scope in functions:
        if not _is_kernel(node) and run.may_matter(node):
            _follow(run, lambda flow, node=node, scope=scope: flow.function(node, scope))
    return run.all_found()


def _follow(run: Run, look: Callable[[Flow], None]) -> None:
    """Follow one piece of code, and say which operations it never runs."""
    run.left, run.quiet = MOST_STATEMENTS, 0
    run.calls.clear()
    run.built.clear()
    try:
        look(Flow(run))
    except (Spent, RecursionError):
        return
    run.quiet = 0
    for span, thing in run.built.items():
        if span not in run.used:
            run.report(ox502.never_run(thing.made))


def _has_host_code(source: SourceFile) -> bool:
    """Whether a file imports what makes buffers, operations or kernels, or copies on streams."""
    text = source.text
    if "numba" in text and "copy_to_host" in text and "stream" in text:
        return True
    return _IMPORTS.search(text) is not None


def _matters(run: Run, body: list[ast.stmt]) -> bool:
    """Whether code outside of functions may do something that is followed here."""
    return any(
        run.may_matter(node)
        for node in body
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def _is_kernel(node: FunctionNode) -> bool:
    """Whether a function is decorated, by what kernels and their helpers are decorated with."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else ""
        name = target.id if isinstance(target, ast.Name) else name
        if name in ("kernel", "device", "jit", "rawkernel", "struct"):
            return True
    return False


def _stated(
    kernels: Sequence[Kernel], reports: Sequence[KernelReport]
) -> dict[tuple[str, int], tuple[Kernel, tuple[Fact, ...]]]:
    """The kernels of Oxide, each that reads in one way only, with the facts of its launches."""
    by_name = {report.name_span: report for report in reports}
    found: dict[tuple[str, int], tuple[Kernel, tuple[Fact, ...]]] = {}
    several: set[tuple[str, int]] = set()
    for kernel in kernels:
        key = kernel.path, kernel.span.line
        if kernel.dialect != "oxide":
            continue
        if key in found:
            several.add(key)
        report = by_name.get(kernel.name_span)
        if report is None:
            continue
        facts = report.facts
        is_open = kernel.callables or any(c.value is None for c in kernel.constants)
        if is_open or report.verdict is Verdict.VIOLATED:
            # What else its launches have to fulfil, only they say, or it has none.
            facts = tuple(fact for fact in facts if fact.declared)
        found[key] = kernel, facts
    return {key: one for key, one in found.items() if key not in several}


def _functions(
    run: Run, body: list[ast.stmt], scope: Scope
) -> Iterator[tuple[FunctionNode, Scope]]:
    """Every function below, with its own scope."""
    for node in body:
        place = scope.at(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner = run.inner(place, node)
                yield node, inner
                yield from _functions(run, node.body, inner)
            case ast.ClassDef():
                yield from _functions(run, node.body, run.inner(place, node))
            case _:
                for name in ("body", "orelse", "finalbody"):
                    yield from _functions(run, getattr(node, name, []), scope)
                for handler in getattr(node, "handlers", []):
                    yield from _functions(run, handler.body, scope)
