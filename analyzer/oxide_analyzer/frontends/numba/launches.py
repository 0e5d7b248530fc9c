"""The launches in a file, by the kernels that they launch.

What host code comes to, `flow` says; what each launch says of its kernel, `sites`; here is which
kernel it is of, what all launches of one have in common, and which functions a file makes kernels
by a call: `fast = cuda.jit(f)`.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.flow import Flow, LaunchCall
from oxide_analyzer.frontends.numba.host import Host
from oxide_analyzer.frontends.numba.quantities import HostArray, HostScalar, HostValue
from oxide_analyzer.frontends.numba.signatures import Declared
from oxide_analyzer.frontends.numba.sites import Site, in_common
from oxide_analyzer.frontends.oxide.functions import body_of
from oxide_analyzer.frontends.oxide.meanings import UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.trees import nodes
from oxide_analyzer.ir.nodes import Ownership
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.ir.kernel import Kernel, LaunchSite
    from oxide_analyzer.ir.nodes import Array

_MOST_LAUNCHES = 8


class Launches:
    """The launches of a file, by the function that they launch."""

    def __init__(self, module: Scope, resolver: NumbaResolver, *, has_kernels: bool) -> None:
        """Follow the host code of a file, if there is something to launch."""
        self._found: dict[int, list[LaunchCall]] = {}
        self._resolver = resolver
        self._made = tuple(_made(module, resolver))
        if not has_kernels and not self._made and not _launches(module):
            return
        for launched in Flow(resolver, module).launched:
            function = launched.configured.kernel.function
            self._found.setdefault(id(function.node), []).append(launched)

    @property
    def wrapped(self) -> tuple[UserFunction, ...]:
        """The functions that are made kernels by a call, or by being launched."""
        launched = (found[0].configured.kernel.function for found in self._found.values())
        return (*self._made, *launched)

    def are_of(self, node: FunctionNode) -> bool:
        """Whether a function is launched."""
        return id(node) in self._found

    def types(self, node: FunctionNode) -> Mapping[str, Declared]:
        """What all launches of a kernel say of the types of its parameters."""
        names = [argument.arg for argument, _ in parameters(node)]
        found: dict[str, set[Declared | None]] = {}
        for launched in self._found.get(id(node), []):
            for name in names:
                value = _given(launched, names).get(name)
                found.setdefault(name, set()).add(None if value is None else _type_of(value))
        return {
            name: type
            for name, types in found.items()
            if len(types) == 1 and (type := next(iter(types))) is not None
        }

    def sites(
        self,
        kernel: Kernel,
        function: UserFunction,
        with_same: Callable[[Mapping[str, str]], Kernel],
    ) -> tuple[LaunchSite, ...]:
        """What each launch of a kernel says of it; launches that say the same are one.

        Where one array is given for several parameters, and is written by one of them, it is the
        kernel `with_same` that is launched.
        """
        node, around = function.node, Host(function.scope, self._resolver)
        names = [argument.arg for argument, _ in parameters(node)]
        left_out = {a.arg: d.value for a, d in parameters(node) if isinstance(d, ast.Constant)}
        found: dict[tuple[object, ...], LaunchSite] = {}
        for launched in self._found.get(id(node), []):
            given = _given(launched, names)
            if launched.is_complete:
                whole = {n: v for n, v in left_out.items() if type(v) is int}
                given = {**whole, **given}
            same = _same(kernel, given)
            variant = with_same(same) if same else None
            reader = Site(variant or kernel, launched.scope.source.span(launched.call))
            reader.constants(launched.configured.kernel.around or around)
            site = replace(
                reader.read(launched.configured, given),
                same=tuple(same.items()),
                variant=variant,
                shared=tuple(_shared(kernel, given, same)),
            )
            texts = tuple(sorted(r.text for r in site.contract.requires))
            block = site.contract.block
            shown = block and tuple(show_expr(extent) for extent in block)
            key = texts, shown, site.constants, site.same, site.shared
            found.setdefault(key, site)
        sites = list(found.values())
        if len(sites) > _MOST_LAUNCHES:
            # The others are one more, of which holds what holds of each of them.
            sites[_MOST_LAUNCHES - 1 :] = [in_common(sites[_MOST_LAUNCHES - 1 :])]
        return tuple(sites)


def _launches(module: Scope) -> bool:
    """Whether a file has a call that looks like a launch: `kernel[grid, block](…)`.

    What it launches may be made a kernel by a decorator that nobody can read.
    """
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Subscript)
        and isinstance(node.func.slice, ast.Tuple)
        for node in nodes(module.node)
    )


def _made(module: Scope, resolver: NumbaResolver) -> Iterator[UserFunction]:
    """The functions that a module makes kernels by `cuda.jit(f)`."""
    for node in nodes(module.node):
        match node:
            case ast.Call(func=made, args=[ast.Name() as name]) if resolver.is_jit(made, module):
                keywords = [*node.keywords, *(made.keywords if isinstance(made, ast.Call) else [])]
                found = resolver.expression(name, module)
                if (
                    isinstance(found, UserFunction)
                    and found.scope.is_module
                    and not any(keyword.arg == "device" for keyword in keywords)
                    and not body_of(found.node).returns_value
                ):
                    if resolver.is_cupy(made, module):
                        resolver.of_cupy.add(id(found.node))
                    yield found
            case _:
                pass


def _given(launched: LaunchCall, names: list[str]) -> dict[str, HostValue]:
    """What a launch gives, by the names of the parameters."""
    return {**dict(zip(names, launched.arguments, strict=False)), **dict(launched.keywords)}


def _same(kernel: Kernel, given: Mapping[str, HostValue]) -> dict[str, str]:
    """The parameters that are given the array of an earlier one, if one of those that are given it
    is written."""
    arrays = [array for array in kernel.array_parameters() if array.name in given]
    # The very value that a name holds, not one of the same shape.
    groups: dict[tuple[object, ...], list[Array]] = {}
    for array in arrays:
        value = given[array.name]
        if isinstance(value, HostArray):
            groups.setdefault((id(value), array.element, array.rank), []).append(array)
    return {
        array.name: group[0].name
        for group in groups.values()
        if any(one.ownership is not Ownership.READ_ONLY for one in group)
        for array in group[1:]
    }


def _shared(
    kernel: Kernel, given: Mapping[str, HostValue], same: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The parameters, the first of them written, that may be given parts of one memory."""
    arrays = [a for a in kernel.array_parameters() if isinstance(given.get(a.name), HostArray)]
    for place, array in enumerate(arrays):
        for earlier in arrays[:place]:
            one, other = given[array.name], given[earlier.name]
            if earlier.memory == array.memory or earlier.name in (same.get(array.name), array.name):
                continue
            if same.get(array.name) is not None and same.get(earlier.name) == same[array.name]:
                continue
            if isinstance(one, HostArray) and isinstance(other, HostArray) and one.may_share(other):
                if earlier.ownership is not Ownership.READ_ONLY:
                    yield earlier.name, array.name
                elif array.ownership is not Ownership.READ_ONLY:
                    yield array.name, earlier.name


def _type_of(value: HostValue) -> Declared | None:
    match value:
        case HostArray(shape=shape, element=element) if shape is not None and element is not None:
            return Declared(element, len(shape))
        case HostScalar(type=type):
            return Declared(type)
        case int():
            return Declared(I64)
        case _:
            return None
