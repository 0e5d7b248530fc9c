"""What the launches in a file say of its kernels.

    n = len(x)
    blocks = (n + 255) // 256
    add[blocks, 256](x, y, n)         block = (256, 1, 1), grid_dim.x == (n + 255) // 256,
                                      len(x) == n, grid_dim.y == 1, …

A quantity of the launch that the host knows by name alone gives that name its meaning, a length or
a number that is passed; what is computed from such names is then a condition. What is left without
a meaning says nothing.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.host import (
    Host,
    HostArray,
    HostValue,
    Size,
    Sizes,
    Symbol,
    Whole,
    as_size,
)
from oxide_analyzer.frontends.oxide.meanings import UserFunction
from oxide_analyzer.ir.kernel import (
    ArrayParameter,
    Contract,
    LaunchSite,
    Requirement,
    ScalarParameter,
)
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Param,
    Register,
    Special,
)
from oxide_analyzer.ir.nodes import Symbol as Given
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span

_MOST_LAUNCHES = 8
_MOST_THREADS = 1024
_OPERATORS = {
    "+": BinaryOp.ADD,
    "-": BinaryOp.SUB,
    "*": BinaryOp.MUL,
    "//": BinaryOp.FLOORDIV,
    "%": BinaryOp.MOD,
    "min": BinaryOp.MIN,
    "max": BinaryOp.MAX,
}


class Launches:
    """The launches of a file, by the function that they launch."""

    def __init__(self, module: Scope, resolver: NumbaResolver) -> None:
        self._found: dict[int, list[tuple[Scope, ast.expr, ast.Call]]] = {}
        self._resolver = resolver
        for scope, call in _calls(module.node.body, module):
            configured = self._configured(call.func, scope)
            if configured is None:
                continue
            function = self._kernel(configured.value, scope)
            if function is not None:
                entry = scope, configured.slice, call
                self._found.setdefault(id(function), []).append(entry)

    def are_of(self, node: FunctionNode) -> bool:
        """Whether a function is launched."""
        return id(node) in self._found

    def sites(self, kernel: Kernel, function: UserFunction) -> tuple[LaunchSite, ...]:
        """What each launch of a kernel says of it; launches that say the same are one."""
        node, around = function.node, Host(function.scope, self._resolver)
        found: dict[tuple[object, ...], LaunchSite] = {}
        for scope, configuration, call in self._found.get(id(node), [])[:_MOST_LAUNCHES]:
            host = Host(scope, self._resolver)
            reader = _Site(kernel, scope.source.span(call))
            reader.constants(around)
            site = reader.read(host, configuration, call)
            texts = tuple(sorted(r.text for r in site.contract.requires))
            block = site.contract.block
            key = (texts, block and tuple(show_expr(extent) for extent in block))
            found.setdefault(key, site)
        return tuple(found.values())

    def _configured(self, node: ast.expr, scope: Scope) -> ast.Subscript | None:
        """`kernel[grid, block]`, or the name that it was given."""
        if isinstance(node, ast.Subscript):
            return node
        if isinstance(node, ast.Name):
            bindings = scope.bindings.get(node.id, [])
            value = getattr(bindings[0], "value", None) if len(bindings) == 1 else None
            return value if isinstance(value, ast.Subscript) else None
        return None

    def _kernel(self, node: ast.expr, scope: Scope) -> FunctionNode | None:
        match self._resolver.expression(node, scope):
            case UserFunction(node=function):
                return function
            case _:
                return None


class _Site:
    """One launch: quantities of the kernel beside what the host says of them."""

    def __init__(self, kernel: Kernel, span: Span) -> None:
        self._kernel = kernel
        self._span = span
        self._pairs: list[tuple[Expr, Size]] = []
        self._meanings: dict[str, Expr] = {}

    def read(self, host: Host, configuration: ast.expr, call: ast.Call) -> LaunchSite:
        """The contract that the launch keeps."""
        parts = configuration.elts if isinstance(configuration, ast.Tuple) else []
        block = None
        if len(parts) >= 2:
            self._extents(Register.GRID_DIM, host.value(parts[0]))
            threads = host.value(parts[1])
            block = self._block(threads)
            if block is None:
                self._extents(Register.BLOCK_DIM, threads)
        if not any(isinstance(argument, ast.Starred) for argument in call.args):
            self._arguments(host, call)
        return LaunchSite(
            self._span,
            Contract(
                block=block,
                requires=tuple(self._conditions()),
                cooperative=True,
            ),
        )

    # ------------------------------------------------------------ quantities

    def constants(self, host: Host) -> None:
        """What the code round a kernel says of constants that it does not write out."""
        for constant in self._kernel.constants:
            if constant.value is None and len(constant.attributes) == 1 and constant.type == I64:
                value = as_size(host.value(ast.Name(constant.attributes[0], ast.Load())))
                if isinstance(value, int | Symbol | Whole):
                    self._pair(Given(constant.symbol, I64, self._span), value)

    def _block(self, value: HostValue) -> tuple[Expr, Expr, Expr] | None:
        items = value.items if isinstance(value, Sizes) else (value,)
        extents = [item for item in items if isinstance(item, int)]
        if len(extents) < len(items) or not 1 <= len(extents) <= 3:
            return None
        x, y, z = (Const(e, I64, self._span) for e in [*extents, 1, 1][:3])
        size = int(x.value * y.value * z.value)
        return (x, y, z) if 1 <= size <= _MOST_THREADS else None

    def _extents(self, register: Register, value: HostValue) -> None:
        items = value.items if isinstance(value, Sizes) else (as_size(value),)
        if not all(isinstance(as_size(item), int | Symbol | Whole) for item in items):
            # Of a tuple that is not known, not even its length is.
            return
        if len(items) == 1 and isinstance(items[0], Symbol):
            # A name that may hold a tuple.
            self._pair(Special(register, 0, self._span), items[0])
            return
        for axis, item in enumerate([*items, 1, 1][:3]):
            size = as_size(item)
            if isinstance(size, int | Symbol | Whole):
                self._pair(Special(register, axis, self._span), size)

    def _arguments(self, host: Host, call: ast.Call) -> None:
        fields = [p for p in self._kernel.parameters if "." in p.name]
        if fields or call.keywords:
            return
        for parameter, argument in zip(self._kernel.parameters, call.args, strict=False):
            value = host.value(argument)
            match parameter, value:
                case ArrayParameter(name=name), HostArray():
                    rank = self._kernel.arrays[name].rank
                    if value.shape is not None and len(value.shape) != rank:
                        continue
                    if rank == 1:
                        size = f"{value.name}.size"
                        self._meanings.setdefault(size, Dim(name, 0, self._span))
                    for axis in range(rank):
                        self._pair(Dim(name, axis, self._span), value.extent(axis))
                case ScalarParameter(name=name, type=type), _ if type.is_integer:
                    size = as_size(value)
                    if isinstance(size, int | Symbol | Whole):
                        param: Expr = Param(name, type, self._span)
                        if type != I64:
                            param = Convert(param, I64, self._span)
                        self._pair(param, size)
                case _:
                    pass

    def _pair(self, quantity: Expr, size: Size) -> None:
        self._pairs.append((quantity, size))
        # Lengths and numbers that are passed are what names mean; extents of the grid come last.
        if isinstance(size, Symbol) and not isinstance(quantity, Special):
            self._meanings.setdefault(size.name, quantity)

    # ------------------------------------------------------------ conditions

    def _conditions(self) -> Iterator[Requirement]:
        said: set[str] = set()
        for quantity, size in self._pairs:
            if isinstance(size, Symbol) and isinstance(quantity, Special):
                self._meanings.setdefault(size.name, quantity)
        for quantity, size in self._pairs:
            other = self._expr(size)
            if other is None:
                continue
            text = f"{show_expr(quantity)} == {show_expr(other)}"
            left, right = text.split(" == ", 1)
            if left == right or text in said:
                continue
            said.add(text)
            condition = Compare(CompareOp.EQ, quantity, other, self._span)
            yield Requirement(condition, text, self._span)

    def _expr(self, size: Size) -> Expr | None:
        match size:
            case int():
                return Const(size, I64, self._span) if I64.min <= size <= I64.max else None
            case Symbol(name=name):
                return self._meanings.get(name)
            case Whole(op=op, left=left, right=right):
                one, other = self._expr(left), self._expr(right)
                if one is None or other is None:
                    return None
                if op == "ceil":
                    less = Binary(BinaryOp.SUB, other, Const(1, I64, self._span), I64, self._span)
                    one = Binary(BinaryOp.ADD, one, less, I64, self._span)
                    op = "//"
                if op in ("//", "%") and not (isinstance(other, Const) and other.value > 0):
                    return None
                return Binary(_OPERATORS[op], one, other, I64, self._span)


def _calls(body: list[ast.stmt], scope: Scope) -> Iterator[tuple[Scope, ast.Call]]:
    """Every call of a file, with the scope in which it stands."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _calls(statement.body, scope.inner(statement))
            continue
        inner: list[ast.stmt] = []
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt):
                inner.append(child)
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                inner.extend(child.body)
            else:
                for node in ast.walk(child):
                    if isinstance(node, ast.Call):
                        yield scope, node
        yield from _calls(inner, scope)
