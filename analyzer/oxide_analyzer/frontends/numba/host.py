"""Values of host code, as far as one reading says them: sizes, tuples, shapes of arrays.

    n = 1 << 20                          1048576
    blocks = (n + 255) // 256            (n + 255) // 256, in terms of what n is
    x = np.zeros((rows, cols))           an array of the shape (rows, cols)
    d = cuda.to_device(x)                an array of that shape
    def run(image): …                    image: an array, or a number, of its own

A name that its function assigns once is what it is assigned. Of a name that is assigned more often,
or by a loop, nothing is known, as of any call that is not listed here. A quantity that is known by
nothing else is a `Symbol` with a name of its own: two places that see the same one see one value.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide.constants import fold
from oxide_analyzer.frontends.oxide.meanings import Known, NumberConstant, UserFunction
from oxide_analyzer.frontends.oxide.scopes import Assigned, Parameter, parameters
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import Scope

_DEEPEST = 24
_FACTORIES = {"zeros", "empty", "ones", "full", "device_array", "pinned_array", "mapped_array"}
_COPIES = {
    "to_device",
    "asarray",
    "array",
    "zeros_like",
    "empty_like",
    "ones_like",
    "full_like",
    "device_array_like",
    "ascontiguousarray",
    "copy",
    "astype",
    "as_cuda_array",
    "asnumpy",
    "get",
}
_RANDOM = {"rand", "randn"}
_SIZED = {"random", "random_sample", "uniform", "normal", "standard_normal", "randint"}


@record
class Symbol:
    """A whole number that is known by its name alone."""

    name: str


@record
class Whole:
    """`op` of whole numbers: an operator of Python's, `ceil` (a division, rounded up), min, max."""

    op: str
    left: Size
    right: Size


@record
class Sizes:
    """A tuple."""

    items: tuple[HostValue, ...]


@record
class HostArray:
    """An array: its shape, or, where only its name is known, symbols for it."""

    name: str
    shape: tuple[Size, ...] | None

    def extent(self, axis: int) -> Size:
        """One extent of the shape."""
        if self.shape is not None and axis < len(self.shape):
            return self.shape[axis]
        return Symbol(f"{self.name}.shape[{axis}]")


class NotKnown:
    """Anything else."""


NOT_KNOWN = NotKnown()
Size: TypeAlias = int | Symbol | Whole
HostValue: TypeAlias = Size | Sizes | HostArray | NotKnown

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}


@dataclass(slots=True)
class Host:
    """The host code of one scope."""

    scope: Scope
    resolver: NumbaResolver
    _known: dict[tuple[int, str], HostValue] = field(
        default_factory=dict[tuple[int, str], "HostValue"]
    )

    def value(self, node: ast.expr, depth: int = 0) -> HostValue:
        """What an expression gives."""
        if depth > _DEEPEST:
            return NOT_KNOWN
        match node:
            case ast.Constant(value=bool()):
                return NOT_KNOWN
            case ast.Constant(value=int() as number):
                return number
            case ast.Name(id=name):
                return self._name(name, depth)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return Sizes(tuple(self.value(element, depth + 1) for element in elements))
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, left, right, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _whole("-", 0, self.value(operand, depth + 1))
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Subscript(value=value, slice=index):
                return self._item(self.value(value, depth + 1), self.value(index, depth + 1))
            case ast.Call():
                return self._call(node, depth)
            case _:
                return NOT_KNOWN

    # ------------------------------------------------------------ names

    def _name(self, name: str, depth: int) -> HostValue:
        inside: Scope | None = self.scope
        while inside is not None:
            bindings = inside.bindings.get(name)
            if bindings is not None:
                break
            inside = inside.parent
        if inside is None:
            return NOT_KNOWN
        key = id(inside), name
        if key not in self._known:
            self._known[key] = NOT_KNOWN
            self._known[key] = self._bound(name, inside, depth)
        return self._known[key]

    def _bound(self, name: str, scope: Scope, depth: int) -> HostValue:
        bindings = scope.bindings[name]
        place = f"{name}@{scope.qualname or 'module'}"
        match bindings:
            case [Parameter()]:
                return HostArray(place, None)
            case [Assigned(value=ast.expr() as value)]:
                found = Host(scope, self.resolver, self._known).value(value, depth + 1)
                if not isinstance(found, NotKnown):
                    return found
                # Whatever it is, it is one thing wherever this name is seen.
                return HostArray(place, None)
            case [Assigned(value=None)] if self._unpacked(name, scope) is not None:
                return self._unpacked(name, scope) or NOT_KNOWN
            case _:
                pass
        match self.resolver.name(name, scope):
            case NumberConstant(value=int() as number) if not isinstance(number, bool):
                return number
            case _:
                return NOT_KNOWN

    def _unpacked(self, name: str, scope: Scope) -> HostValue | None:
        """A name in `rows, cols = a.shape`, if it is assigned there alone."""
        for node in ast.walk(scope.node):
            if not isinstance(node, ast.Assign) or len(node.targets) != 1:
                continue
            target = node.targets[0]
            if not isinstance(target, ast.Tuple):
                continue
            for place, inner in enumerate(target.elts):
                if isinstance(inner, ast.Name) and inner.id == name:
                    whole = Host(scope, self.resolver, self._known).value(node.value, 1)
                    if isinstance(whole, HostArray):
                        return NOT_KNOWN
                    return self._item(whole, place)
        return None

    # ------------------------------------------------------------ parts

    def _attribute(self, node: ast.Attribute, depth: int) -> HostValue:
        base = self.value(node.value, depth + 1)
        match base, node.attr:
            case HostArray(shape=None) as array, "shape":
                return HostArray(f"{array.name}.shape", None)
            case HostArray(shape=shape), "shape" if shape is not None:
                return Sizes(shape)
            case HostArray(shape=(only,)), "size":
                return only
            case HostArray(shape=None) as array, "size":
                return Symbol(f"{array.name}.size")
            case HostArray() as array, "T" if array.shape is not None:
                return HostArray(f"{array.name}.T", tuple(reversed(array.shape)))
            case _:
                return NOT_KNOWN

    def _item(self, base: HostValue, index: HostValue) -> HostValue:
        match base, index:
            case Sizes(items=items), int() as place if -len(items) <= place < len(items):
                return items[place]
            case HostArray(shape=None) as array, int() as place if place >= 0:
                if array.name.endswith(".shape"):
                    return Symbol(f"{array.name}[{place}]")
                return NOT_KNOWN
            case _:
                return NOT_KNOWN

    # ------------------------------------------------------------ arithmetic and calls

    def _binary(self, op: ast.operator, left: ast.expr, right: ast.expr, depth: int) -> HostValue:
        one = self.value(left, depth + 1)
        rounded = _rounds_up(op, left, right)
        if rounded is not None and isinstance(one, Whole):
            return _ceiling(one.left, one.right)
        other = self.value(right, depth + 1)
        if isinstance(one, int) and isinstance(other, int):
            folded = fold(op, one, other)
            return folded if isinstance(folded, int) else NOT_KNOWN
        name = _OPERATORS.get(type(op))
        return NOT_KNOWN if name is None else _whole(name, one, other)

    def _call(self, node: ast.Call, depth: int) -> HostValue:
        name = _called(node.func)
        arguments = node.args
        known = self.resolver.expression(node.func, self.scope)
        if isinstance(known, UserFunction):
            return self._inlined(node, known, depth)
        if isinstance(known, Known):
            name = known.builtin.name.removeprefix("math.")
        if name in ("int", "ceil", "math.ceil", "i32", "i64", "round") and len(arguments) == 1:
            return self._rounded(arguments[0], name, depth)
        if name in ("min", "max") and len(arguments) == 2:
            return _whole(name, *(self.value(a, depth + 1) for a in arguments))
        if name == "len" and len(arguments) == 1:
            array = self.value(arguments[0], depth + 1)
            return array.extent(0) if isinstance(array, HostArray) else NOT_KNOWN
        if name in ("tuple", "list") and len(arguments) == 1:
            return self.value(arguments[0], depth + 1)
        return self._array(node, name, depth)

    def _inlined(self, node: ast.Call, function: UserFunction, depth: int) -> HostValue:
        """A call of a function of the source that ends in its only `return`."""
        returns = [s for s in ast.walk(function.node) if isinstance(s, ast.Return)]
        last = function.node.body[-1]
        if len(returns) != 1 or not isinstance(last, ast.Return) or last.value is None:
            return NOT_KNOWN
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            return NOT_KNOWN
        scope = function.scope.inner(function.node)
        known: dict[tuple[int, str], HostValue] = {}
        for (argument, _), given in zip(parameters(function.node), node.args, strict=False):
            known[id(scope), argument.arg] = self.value(given, depth + 1)
        if len(known) < len(parameters(function.node)):
            return NOT_KNOWN
        return Host(scope, self.resolver, known).value(last.value, depth + 1)

    def _rounded(self, node: ast.expr, name: str, depth: int) -> HostValue:
        """`ceil(a / b)`; `int(…)` of a whole number."""
        match node:
            case ast.BinOp(left=left, op=ast.Div(), right=right) if "ceil" in name:
                return _ceiling(self.value(left, depth + 1), self.value(right, depth + 1))
            case ast.BinOp(left=left, op=ast.Div(), right=right) if name == "int":
                return _whole("//", self.value(left, depth + 1), self.value(right, depth + 1))
            case _:
                return self.value(node, depth + 1)

    def _array(self, node: ast.Call, name: str, depth: int) -> HostValue:
        arguments = list(node.args)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in _FACTORIES:
            shape = arguments[0] if arguments else given.get("shape")
            return NOT_KNOWN if shape is None else self._of_shape(node, shape, depth)
        if name == "arange" and len(arguments) == 1:
            return self._of_shape(node, arguments[0], depth)
        if name in _RANDOM:
            return self._of_sizes(node, [self.value(a, depth + 1) for a in arguments])
        if name in _SIZED:
            size = given.get("size")
            if size is None and name in ("random", "random_sample") and arguments:
                size = arguments[0]
            return NOT_KNOWN if size is None else self._of_shape(node, size, depth)
        if name in _COPIES:
            source = arguments[0] if arguments else None
            is_method = isinstance(node.func, ast.Attribute) and name in ("copy", "astype", "get")
            if is_method and isinstance(node.func, ast.Attribute):
                source = node.func.value
            found = NOT_KNOWN if source is None else self.value(source, depth + 1)
            if isinstance(found, HostArray):
                return found
            if isinstance(found, Sizes) and all(
                isinstance(item, int | Symbol | Whole) for item in found.items
            ):
                return HostArray(self._place(node), (len(found.items),))
        return NOT_KNOWN

    def _of_shape(self, node: ast.expr, shape: ast.expr, depth: int) -> HostValue:
        value = self.value(shape, depth + 1)
        if isinstance(value, HostArray) and value.name.endswith(".shape"):
            # The shape of another array: as long as that one along every axis.
            return HostArray(value.name.removesuffix(".shape"), None)
        items = value.items if isinstance(value, Sizes) else (value,)
        return self._of_sizes(node, list(items))

    def _of_sizes(self, node: ast.expr, items: list[HostValue]) -> HostValue:
        place = self._place(node)
        sizes = tuple(
            item if isinstance(item, int | Symbol | Whole) else Symbol(f"{place}[{axis}]")
            for axis, item in enumerate(_as_sizes(items))
        )
        return HostArray(place, sizes)

    def _place(self, node: ast.expr) -> str:
        return f"{node.lineno}:{node.col_offset}"


def _as_sizes(items: list[HostValue]) -> list[HostValue]:
    """A parameter that is used as a size is a number."""
    return [as_size(item) for item in items]


def as_size(value: HostValue) -> HostValue:
    """A value that is used as a number: of a name that nothing says more about, a symbol."""
    if isinstance(value, HostArray) and value.shape is None:
        return Symbol(value.name)
    return value


def _whole(op: str, left: HostValue, right: HostValue) -> HostValue:
    one, other = as_size(left), as_size(right)
    if isinstance(one, int | Symbol | Whole) and isinstance(other, int | Symbol | Whole):
        return Whole(op, one, other)
    return NOT_KNOWN


def _ceiling(one: HostValue, other: HostValue) -> HostValue:
    if isinstance(one, int) and isinstance(other, int) and other > 0:
        return -(-one // other)
    return _whole("ceil", one, other)


def _rounds_up(op: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr | None:
    """`a // b + (a % b > 0)`: a division that is rounded up."""
    match op, left, right:
        case (
            ast.Add(),
            ast.BinOp(op=ast.FloorDiv()),
            ast.Compare(
                left=ast.BinOp(left=a, op=ast.Mod(), right=b),
                ops=[ast.Gt() | ast.NotEq()],
                comparators=[ast.Constant(value=0)],
            ),
        ):
            same = ast.dump(left.left) == ast.dump(a) and ast.dump(left.right) == ast.dump(b)
            return left if same else None
        case _:
            return None


def _called(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""
