"""A file of Python to its kernels: `read`."""

from __future__ import annotations

import ast
from itertools import islice, product
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.frontends.oxide.contract import read_contract
from oxide_analyzer.frontends.oxide.functions import body_of, name_span
from oxide_analyzer.frontends.oxide.given import NOTHING_GIVEN, Given
from oxide_analyzer.frontends.oxide.inlining import inline_alone
from oxide_analyzer.frontends.oxide.lowering import Lowering, Memory
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, Known, UserFunction
from oxide_analyzer.frontends.oxide.names import NameTypes
from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.remembered import RecordedLookups, Remembered, Surroundings
from oxide_analyzer.frontends.oxide.resolution import Resolver
from oxide_analyzer.frontends.oxide.scopes import module_scope, parameters
from oxide_analyzer.frontends.oxide.signatures import kernel_parameters
from oxide_analyzer.frontends.oxide.syntax import SYNTAX
from oxide_analyzer.frontends.oxide.values import UNKNOWN
from oxide_analyzer.instances import merged
from oxide_analyzer.ir.kernel import Kernel
from oxide_analyzer.record import record
from oxide_analyzer.rules import (
    ox001_syntax_error,
    ox002_unsupported_construct,
    ox004_unknown_name,
    ox101_write_to_read_only_slice,
    ox106_mixed_atomic_access,
    ox204_grid_sync_without_cooperative,
)
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.ir.kernel import TypeChoice
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

# Findings that leave a kernel readable: the accesses that they stand on are not in its IR, and the
# rest of it is judged as if they were right.
_READABLE = {
    ox101_write_to_read_only_slice.RULE.code,
    ox106_mixed_atomic_access.RULE.code,
    ox204_grid_sync_without_cooperative.RULE.code,
}
# Types only rise, so this many passes are never reached by what people write.
_MOST_PASSES = 100
# So many choices of types are judged; a launch of another one is judged when it comes.
_MOST_INSTANCES = 64


@record
class Unread:
    """A kernel that cannot be read: its diagnostics say why."""

    name: str
    qualname: str
    span: Span
    name_span: Span
    dialect: str = "oxide"


@record
class Reading:
    """What a file holds.

    A kernel of `kernels` may have diagnostics too: a plain access that its declaration forbids
    (OX101, OX106) is reported and left out of its IR, and a `grid_sync` that the contract lacks
    (OX204) is reported and left in, so such a kernel is violated whatever else is proved.
    """

    kernels: tuple[Kernel, ...]
    unread: tuple[Unread, ...]
    diagnostics: tuple[Diagnostic, ...]


def read(
    source: SourceFile, modules: Modules, remembered: Remembered[list[Lowered]] | None = None
) -> Reading:
    """The kernels of a file, and what is wrong with it. Never raises, whatever the text.

    Who reads a file again after each edit keeps what is `remembered` of its functions.
    """
    if "oxide" not in source.text:
        return Reading((), (), ())
    tree = parse(source)
    if isinstance(tree, Diagnostic):
        return Reading((), (), (tree,))
    lookups = RecordedLookups(modules)
    resolver = Resolver(lookups)
    kernels: list[Kernel] = []
    unread: list[Unread] = []
    diagnostics: dict[tuple[Span, str, str], Diagnostic] = {}
    module = module_scope(source, tree)
    try:
        functions = list(functions_of(module.node.body, module, resolver))
    except RecursionError:
        return Reading((), (), (ox001_syntax_error.too_deep(Span(source.path, 1, 1, 1, 1)),))
    around = Surroundings(module) if remembered is not None else None
    called: set[Span] = set()
    # Kernels first: what they call is read where it is called, with what it is given there.
    for function in sorted(functions, key=lambda function: function.role is FunctionRole.DEVICE):
        is_kernel = function.role is FunctionRole.KERNEL
        if not is_kernel and source.span(function.node) in called:
            continue
        key = around.key(function.node) if around is not None and is_kernel else None
        made = None
        if remembered is not None and key is not None:
            made = remembered.find(key, modules)
        if made is None:
            made = instances(function, resolver) if is_kernel else _helper_alone(function, resolver)
            if remembered is not None and key is not None:
                remembered.keep(key, made, lookups)
        # A helper's mistake is the same for every kernel that calls it.
        for finding in merged([(one.findings, one.instance) for one in made]):
            diagnostics.setdefault((finding.span, finding.code, finding.message), finding)
        called.update(node for one in made for node in one.reached)
        if not is_kernel:
            continue
        read_ones = [one.kernel for one in made if one.kernel is not None]
        if len(read_ones) == len(made):
            kernels += read_ones
        else:
            unread.append(_unread(function))
    found = sorted(diagnostics.values(), key=lambda finding: (finding.span, finding.code))
    return Reading(tuple(kernels), tuple(unread), tuple(found))


def functions_of(body: list[ast.stmt], scope: Scope, resolver: Resolver) -> Iterator[UserFunction]:
    """Every function with a role in kernels, at any depth, in the order of the source."""
    around = scope
    for node in body:
        scope = around.at(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                role = resolver.role(node, scope) if node.decorator_list else FunctionRole.PLAIN
                if role is not FunctionRole.PLAIN:
                    yield UserFunction(node, scope, role)
                yield from functions_of(node.body, scope.inner(node), resolver)
            case ast.ClassDef():
                yield from functions_of(node.body, scope.inner(node), resolver)
            case ast.If() | ast.For() | ast.While() | ast.AsyncFor():
                yield from functions_of(node.body, scope, resolver)
                yield from functions_of(node.orelse, scope, resolver)
            case ast.With() | ast.AsyncWith():
                yield from functions_of(node.body, scope, resolver)
            case ast.Try():
                yield from functions_of(node.body, scope, resolver)
                for handler in node.handlers:
                    yield from functions_of(handler.body, scope, resolver)
                yield from functions_of(node.orelse, scope, resolver)
                yield from functions_of(node.finalbody, scope, resolver)
            case ast.Match(cases=cases):
                for case in cases:
                    yield from functions_of(case.body, scope, resolver)
            case _:
                pass


@record
class Lowered:
    """The IR of a kernel, if it can be read, what is wrong with it, and which helpers it calls."""

    kernel: Kernel | None
    findings: list[Diagnostic]
    reached: set[Span]
    choices: tuple[TypeChoice, ...] = ()

    @property
    def instance(self) -> str:
        """Which types it was read for."""
        return ", ".join(f"{choice.name} = {choice.type}" for choice in self.choices)


def instances(function: UserFunction, resolver: Resolver) -> list[Lowered]:
    """A kernel read for each choice of the types that only a launch decides."""
    first = _lower(function, resolver, _kernel)
    made = [first]
    options = [[(choice.name, type) for type in choice.options] for choice in first.choices]
    for types in islice(product(*options), 1, _MOST_INSTANCES):
        made.append(_lower(function, resolver, _kernel, Given(dict(types), {})))
    return made


def read_given(
    source: SourceFile, modules: Modules, qualname: str, line: int, given: Given
) -> Reading:
    """One kernel of a file, by the line of its `def`, as a launch says what is open in it."""
    tree = parse(source)
    if isinstance(tree, Diagnostic):
        return Reading((), (), (tree,))
    resolver = Resolver(modules)
    module = module_scope(source, tree)
    for function in functions_of(module.node.body, module, resolver):
        scope, node = function.scope, function.node
        if node.lineno == line and scope.qualify(node.name) == qualname:
            found = _lower(function, resolver, _kernel, given)
            if found.kernel is None:
                return Reading((), (_unread(function),), tuple(found.findings))
            return Reading((found.kernel,), (), tuple(found.findings))
    return Reading((), (), ())


def _lower(
    function: UserFunction,
    resolver: Resolver,
    step: Callable[[Lowering], Kernel | None],
    given: Given = NOTHING_GIVEN,
) -> Lowered:
    """Pass over a kernel until the types of its names are settled."""
    memory = Memory(NameTypes())
    lowering = Lowering(function, resolver, memory, SYNTAX, given)
    passes = 1
    try:
        kernel = step(lowering)
        while not memory.names.settled() and passes < _MOST_PASSES:
            lowering = Lowering(function, resolver, memory, SYNTAX, given)
            kernel = step(lowering)
            passes += 1
    except RecursionError:
        # Bounds on nesting come first, save for what only the host could evaluate.
        reached = {function.span for function in lowering.functions.values()}
        lowering = Lowering(function, resolver, memory, SYNTAX, given)
        message = ox002_unsupported_construct.too_deep(function.node.name)
        lowering.report(ox002_unsupported_construct.RULE, function.node, message)
        return Lowered(None, lowering.diagnostics, reached)
    if passes == _MOST_PASSES:
        message = ox002_unsupported_construct.unsettled(function.node.name)
        lowering.report(ox002_unsupported_construct.RULE, function.node, message)
    findings = [*lowering.diagnostics, *memory.names.conflicts()]
    if not findings and lowering.unexplained is not None:
        message = ox004_unknown_name.without_value(_name_at(lowering))
        lowering.report(ox004_unknown_name.RULE, lowering.unexplained, message)
        findings = lowering.diagnostics
    refused = any(
        finding.code not in _READABLE and finding.severity is Severity.ERROR for finding in findings
    )
    reached = {function.span for function in lowering.functions.values()}
    choices = tuple(lowering.choices.values())
    return Lowered(None if refused else kernel, findings, reached, choices)


def _helper_alone(function: UserFunction, resolver: Resolver) -> list[Lowered]:
    return [_lower(function, resolver, _helper)]


def _helper(lowering: Lowering) -> None:
    """One pass over a helper that no kernel of the file calls."""
    inline_alone(lowering)


def _kernel(lowering: Lowering) -> Kernel:
    """One pass over a kernel, with the types of names as far as they are known."""
    node, scope, source = lowering.root.node, lowering.root.scope, lowering.source
    decorator = _decorators(lowering)
    declared = kernel_parameters(lowering)
    contract = read_contract(lowering, decorator, declared)
    lowering.is_cooperative, lowering.decorator = contract.cooperative, decorator
    if node.returns is not None:
        _refuse_result(lowering, node.returns)
    body = body_of(node)
    lowering.execute(body.statements, tail=True)
    return Kernel(
        name=node.name,
        qualname=scope.qualify(node.name),
        path=source.path,
        span=source.span(node),
        name_span=name_span(node, source),
        parameters=(*declared, *lowering.captured.values()),
        arrays=lowering.arrays,
        contract=contract,
        body=tuple(lowering.block),
        functions=tuple(lowering.functions.values()),
        constants=tuple(lowering.constants.values()),
        structs=tuple(lowering.structs),
        callables=tuple(lowering.callables),
        choices=tuple(lowering.choices.values()),
        documentation=body.documentation,
        text=source.text_of(node),
    )


def _decorators(lowering: Lowering) -> ast.expr:
    """The `@kernel` among the decorators; others are refused, `staticmethod` in a class is not."""
    node, scope = lowering.root.node, lowering.root.scope
    kernel = node.decorator_list[0]
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        match lowering.resolver.expression(target, scope):
            case Known(builtin=row) if row.name == "kernel":
                kernel = decorator
            case _ if scope.is_class and ast.unparse(target) == "staticmethod":
                pass
            case _:
                text = ast.unparse(target)
                lowering.refuse(decorator, f"`@{text}` on a kernel; it has `@kernel` alone")
    first = next(iter(parameters(node)), None)
    if scope.is_class and first is not None and first[0].arg in ("self", "cls"):
        lowering.refuse(
            first[0],
            f"`{node.name}` is a method; a kernel has no `{first[0].arg}`, move it outside",
        )
        lowering.frame.statics[first[0].arg] = UNKNOWN
    return kernel


def _refuse_result(lowering: Lowering, annotation: ast.expr) -> None:
    if not (isinstance(annotation, ast.Constant) and annotation.value in (None, "None")):
        lowering.refuse(annotation, "a kernel returns nothing; its result type is `None`")


def _name_at(lowering: Lowering) -> str:
    node = lowering.unexplained
    return node.id if isinstance(node, ast.Name) else "return"


def _unread(function: UserFunction) -> Unread:
    node, source = function.node, function.scope.source
    return Unread(
        node.name, function.scope.qualify(node.name), source.span(node), name_span(node, source)
    )
