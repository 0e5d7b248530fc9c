"""A file with Numba or CuPy kernels to these kernels: `read`.

No kernel is left out: what cannot be read becomes a value that nobody knows, with an assumption
that the report counts. There are no findings here; the provers make them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import Diagnostic
from oxide_analyzer.frontends.numba.changes import is_steady
from oxide_analyzer.frontends.numba.given import ArrayForm
from oxide_analyzer.frontends.numba.launches import Launches
from oxide_analyzer.frontends.numba.lowering import NumbaLowering
from oxide_analyzer.frontends.numba.parameters import kernel_parameters, launched_parameters
from oxide_analyzer.frontends.numba.promotion import common, common_in_c
from oxide_analyzer.frontends.numba.resolution import NumbaResolver
from oxide_analyzer.frontends.numba.ssa import Bodies
from oxide_analyzer.frontends.numba.syntax import SYNTAX
from oxide_analyzer.frontends.numba.uses import Observer
from oxide_analyzer.frontends.oxide.functions import name_span
from oxide_analyzer.frontends.oxide.lowering import Memory
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.names import NameTypes
from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.reading import Reading, Unread, functions_of
from oxide_analyzer.frontends.oxide.remembered import RecordedLookups, Remembered, Surroundings
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.ir.kernel import Contract, Kernel
from oxide_analyzer.ir.nodes import Atomic, Load, Ownership, Space, Store
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.rules import ox001_syntax_error
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.frontends.numba.given import Launched
    from oxide_analyzer.frontends.numba.signatures import Declared
    from oxide_analyzer.ir.nodes import Array, Block
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

Lowered: TypeAlias = "tuple[Kernel, frozenset[Span]]"
"""A kernel, and where the functions stand that it is made of."""

_MOST_PASSES = 100


def read(
    source: SourceFile, modules: Modules, remembered: Remembered[Lowered] | None = None
) -> Reading:
    """The Numba and CuPy kernels of a file. Never raises, whatever the text.

    Who reads a file again after each edit keeps what is `remembered` of its functions.
    """
    tree = parse(source)
    if isinstance(tree, Diagnostic):
        return Reading((), (), (tree,))
    lookups = RecordedLookups(modules)
    resolver = NumbaResolver(lookups)
    resolver.root = module = module_scope(source, tree)
    try:
        functions = list(functions_of(module.node.body, module, resolver))
    except RecursionError:
        return Reading((), (), (ox001_syntax_error.too_deep(Span(source.path, 1, 1, 1, 1)),))
    observer = Observer(resolver)
    has_kernels = any(function.role is FunctionRole.KERNEL for function in functions)
    launches = Launches(module, resolver, has_kernels=has_kernels)
    functions = _with_wrapped(functions, launches)
    kernels: list[Kernel] = []
    unread: list[Unread] = []
    around = Surroundings(module) if remembered is not None else None
    changed = resolver.changed(module) if remembered is not None else ""
    called: set[Span] = set()

    def lowered(
        function: UserFunction, types: Mapping[str, Declared], same: Mapping[str, str]
    ) -> Lowered:
        said = repr((sorted(types.items()), sorted(same.items()), changed))
        key = around.key(function.node, said) if around is not None else None
        if remembered is None or key is None:
            return _lower(function, resolver, observer, types=types, same=same)
        found = remembered.find(key, modules)
        if found is None:
            found = _lower(function, resolver, observer, types=types, same=same)
            remembered.keep(key, found, lookups)
        return found

    for function in functions:
        if function.role is not FunctionRole.KERNEL:
            continue
        try:
            types = launches.types(function.node)
            kernel, reached = lowered(function, types, {})
            sites = launches.sites(
                kernel,
                function,
                lambda same: lowered(function, types, same)[0],  # noqa: B023
            )
        except RecursionError:
            unread.append(_unread(function))
            continue
        called |= reached - {source.span(function.node)}
        kernels.append(replace(kernel, launches=sites))
    # What kernels call is judged where it is called.
    nodes = {function.scope.qualify(function.node.name): function.node for function in functions}
    kept = tuple(
        kernel
        for kernel in kernels
        if source.span(nodes[kernel.qualname]) not in called
        or launches.are_of(nodes[kernel.qualname])
    )
    return Reading(kept, tuple(unread), ())


def _with_wrapped(functions: list[UserFunction], launches: Launches) -> list[UserFunction]:
    """The functions, with those that `cuda.jit(f)` makes kernels of, in the order of the source."""
    known = {id(f.node) for f in functions if f.role is FunctionRole.KERNEL}
    wrapped = {id(f.node): f for f in launches.wrapped if id(f.node) not in known}
    kept = [f for f in functions if id(f.node) not in wrapped]
    found = [UserFunction(f.node, f.scope, FunctionRole.KERNEL) for f in wrapped.values()]
    return sorted([*kept, *found], key=lambda f: f.node.lineno)


def read_launched(function: UserFunction, modules: Modules, launched: Launched) -> Kernel:
    """A kernel as a launch has it. What it does that its IR does not say is in `assumptions`, or is
    a `Forget`: such a kernel cannot run. Raises `RecursionError` where it nests too deeply."""
    resolver = NumbaResolver(modules)
    return _lower(function, resolver, Observer(resolver), launched)[0]


def _lower(
    function: UserFunction,
    resolver: NumbaResolver,
    observer: Observer,
    launched: Launched | None = None,
    types: Mapping[str, Declared] | None = None,
    same: Mapping[str, str] | None = None,
) -> Lowered:
    """Pass over a kernel until the types of its names are settled.

    Names that turn out to hold things of several types are taken apart, and that begins again.
    """
    join = common_in_c if id(function.node) in resolver.of_cupy else common
    memory, bodies = Memory(NameTypes(join)), Bodies()
    forms = {} if launched is None else launched.forms
    alone = {n for n, form in forms.items() if isinstance(form, ArrayForm) and form.alone}
    if alone:
        bodies.read_elements(function.node, frozenset(alone))
    passes = 0
    while True:
        lowering = NumbaLowering(function, resolver, memory, SYNTAX, launched, bodies)
        kernel = _kernel(lowering, observer, types or {}, same or {})
        passes += 1
        is_last = passes == _MOST_PASSES
        if memory.names.settled() or is_last:
            if bodies.take_apart(lowering.several()) and not is_last:
                memory = Memory(NameTypes(join))
                continue
            return kernel, frozenset(record.span for record in lowering.functions.values())


def _kernel(
    lowering: NumbaLowering,
    observer: Observer,
    types: Mapping[str, Declared],
    same: Mapping[str, str],
) -> Kernel:
    """One pass over a kernel, with the types of names as far as they are known."""
    node, scope, source = lowering.root.node, lowering.root.scope, lowering.source
    if lowering.launched is not None:
        declared = launched_parameters(lowering, lowering.launched)
    else:
        declared = kernel_parameters(lowering, observer.uses(node, scope), types, same)
    body = lowering.frame.body
    lowering.execute(body.statements, tail=True)
    block = tuple(lowering.block)
    return Kernel(
        name=node.name,
        qualname=scope.qualify(node.name),
        path=source.path,
        span=source.span(node),
        name_span=name_span(node, source),
        parameters=declared,
        arrays=_owned(lowering.arrays, block),
        contract=Contract(cooperative=True),
        body=block,
        functions=tuple(lowering.functions.values()),
        constants=tuple(
            # One that has a symbol of its own is that of another place with the same name.
            replace(c, steady=c.attributes == (c.symbol,) and is_steady(scope, c.symbol))
            for c in lowering.constants.values()
        ),
        documentation=body.documentation,
        dialect="numba",
        assumptions=tuple(sorted(lowering.assumptions.values(), key=lambda a: a.span)),
        text=source.text_of(node),
        counts_from_behind=lowering.counts_from_behind,
    )


def _owned(arrays: dict[str, Array], block: Block) -> dict[str, Array]:
    """The arrays, with what the body does to them: parameters have no types that would say it.

    The parts of records lie in one memory, which is written if one of them is.
    """
    plain: set[str] = set()
    written: set[str] = set()
    atomic: set[str] = set()
    for statement in statements(block):
        match statement:
            case Load(array=array):
                plain.add(arrays[array].memory)
            case Store(array=array):
                plain.add(arrays[array].memory)
                written.add(arrays[array].memory)
            case Atomic(array=array):
                atomic.add(arrays[array].memory)
            case _:
                pass
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        ownership, memory = array.ownership, array.memory
        if array.space is Space.GLOBAL:
            ownership = Ownership.READ_ONLY
            if memory in written or (memory in atomic and memory in plain):
                ownership = Ownership.DISJOINT
            elif memory in atomic:
                ownership = Ownership.ATOMIC
        found[name] = replace(array, ownership=ownership)
    return found


def _unread(function: UserFunction) -> Unread:
    node, source = function.node, function.scope.source
    return Unread(
        node.name,
        function.scope.qualify(node.name),
        source.span(node),
        name_span(node, source),
        "numba",
    )
