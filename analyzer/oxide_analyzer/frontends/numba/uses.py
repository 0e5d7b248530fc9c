"""What the parameters of a Numba function are, by what it does with them.

    x[i, j], x[i][j]          an array of two dimensions
    n, m = x.shape            an array of two dimensions
    x.size, len(x), for v in x, an array
    y[idx[i]]                 the elements of idx are integers
    i < n, range(n), a[n]     an integer
    helper(x, 3)              what helper does with it
    a[helper(n)]              an integer, where helper gives `n + 1`
    n < helper(i)             an integer, where helper gives one
    p.dt                      a number of its own, `p.dt`
    anything else             a float

Types of a signature come first (`signatures`); this is what is left to guess. An integer is
expected of a name where an index, an end of a range or a bit operator wants one, and of what it is
compared with; from there it goes back through arithmetic and assignments. A scalar that is taken
for a float costs proofs, one that is taken for an integer is still any number of 64 bits.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.operator_calls import written
from oxide_analyzer.frontends.oxide.meanings import Known, UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope

_SHAPES = {"shape", "size", "ndim", "strides", "dtype", "itemsize", "nbytes", "T", "flat"}
_INTEGER_CALLS = {
    "cuda.grid",
    "cuda.gridsize",
    "len",
    "int",
    "range",
    "round",
    "math.floor",
    "math.ceil",
    "cuda.ffs",
    "popc",
    "clz",
} | {f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64)}
_PASSING = {"min", "max", "abs"}
_BITS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
_REGISTERS = {"thread", "block", "block_dim", "grid_dim", "warp"}
_MOST_ROUNDS = 8
_DEEPEST = 16


@dataclass(slots=True)
class Uses:
    """What is known of the names of one function: `rank` of arrays, names and array elements
    that hold integers, and fields of parameters that are no arrays; `gives` says of the value, or
    of each value, that it returns whether it is an integer."""

    rank: dict[str, int] = field(default_factory=dict[str, int])
    integers: set[str] = field(default_factory=set[str])
    integer_elements: set[str] = field(default_factory=set[str])
    fields: dict[str, set[str]] = field(default_factory=dict[str, "set[str]"])
    gives: tuple[bool, ...] = ()

    def is_array(self, name: str) -> bool:
        """Whether a name is used as an array."""
        return name in self.rank


class Observer:
    """Looks at functions, each once."""

    def __init__(self, resolver: NumbaResolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[int, frozenset[int], int], Uses] = {}

    def uses(
        self,
        node: FunctionNode,
        scope: Scope,
        depth: int = 0,
        wanted: frozenset[int] = frozenset(),
        rank: int = 0,
    ) -> Uses:
        """What a function does with its names, if these of its results are to be integers, or its
        result is an array of so many dimensions."""
        known = self._known.get((id(node), wanted, rank))
        if known is None:
            known = self._known[id(node), wanted, rank] = Uses()
            if depth < _DEEPEST:
                _Look(node, scope, self._resolver, self, known, depth, wanted, rank).run()
        return known


class _Look:
    """One function: constraints are gathered until nothing is new."""

    def __init__(
        self,
        node: FunctionNode,
        scope: Scope,
        resolver: NumbaResolver,
        observer: Observer,
        uses: Uses,
        depth: int,
        wanted: frozenset[int],
        rank: int,
    ) -> None:
        self._node = node
        self._scope = scope
        self._resolver = resolver
        self._observer = observer
        self._uses = uses
        self._depth = depth
        self._wanted = wanted
        self._rank = rank
        # Of which results of a call integers are expected, and what is used as an array.
        self._calls: dict[ast.Call, frozenset[int]] = {}
        self._ranks: dict[ast.Call, int] = {}
        self._forward: set[str] = set()
        self._tuples: dict[str, int] = {}
        self._nodes = [inner for statement in node.body for inner in ast.walk(statement)]
        self._own = {argument.arg for argument, _ in parameters(node)}
        self._nodes += [inner for call in self._nodes for inner in self._as_syntax(call)]

    def run(self) -> None:
        """Gather until nothing is new."""
        before = -1
        for _ in range(_MOST_ROUNDS):
            for node in self._nodes:
                self._look(node)
            size = self._size()
            if size == before:
                break
            before = size
        self._uses.gives = self._given()

    def _as_syntax(self, node: ast.AST) -> list[ast.AST]:
        """What `operator.getitem(a, i)` is: the syntax of an element."""
        if not isinstance(node, ast.Call) or node.keywords:
            return []
        module, _, name = (self._known(node.func) or "").partition(".")
        same = written(name, node.args) if module == "operator" else None
        return [] if same is None else [same, *ast.iter_child_nodes(same)]

    def _size(self) -> int:
        uses = self._uses
        return (
            sum(uses.rank.values())
            + len(uses.rank)
            + len(uses.integers)
            + len(uses.integer_elements)
            + len(self._forward)
            + len(self._tuples)
            + sum(map(len, self._calls.values()))
            + sum(self._ranks.values())
        )

    def _given(self) -> tuple[bool, ...]:
        """Which of the values that are returned are integers wherever they are."""
        found: list[list[bool]] = []
        for node in self._nodes:
            if isinstance(node, ast.Return) and node.value is not None:
                parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                found.append([self._is_integer(p) or _is_whole(p) for p in parts])
        if not found or len(set(map(len, found))) != 1:
            return ()
        return tuple(all(column) for column in zip(*found, strict=True))

    def _look(self, node: ast.AST) -> None:
        match node:
            case ast.Subscript():
                self._subscript(node)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._own:
                if attribute in _SHAPES:
                    self._array(name, 1)
                else:
                    self._uses.fields.setdefault(name, set()).add(attribute)
            case ast.Attribute(value=ast.Subscript() as row, attr=attribute) if (
                attribute in _SHAPES and attribute != "dtype"
            ):
                self._pass_rank(row, 1, False)
            case ast.Call():
                self._call(node)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                if name in self._uses.integers and not isinstance(op, ast.Div):
                    self._want(value)
                if isinstance(op, _BITS):
                    self._uses.integers.add(name)
                    self._want(value)
            case ast.For(target=target, iter=source):
                self._loop(target, source)
            case ast.Return(value=value) if value is not None and self._rank:
                self._pass_rank(value, self._rank, False)
            case ast.Return(value=value) if value is not None and self._wanted:
                parts = value.elts if isinstance(value, ast.Tuple) else [value]
                for number in self._wanted:
                    if number < len(parts):
                        self._want(parts[number])
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                if any(self._is_integer(side) for side in sides):
                    for side in sides:
                        self._want(side)
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _BITS):
                self._want(left)
                self._want(right)
            case ast.BinOp(left=left, op=ast.Mod(), right=right) if self._is_integer(left):
                self._want(right)
            case _:
                pass

    # ------------------------------------------------------------ arrays

    def _array(self, name: str, rank: int) -> None:
        self._uses.rank[name] = max(self._uses.rank.get(name, 0), rank)

    def _subscript(self, node: ast.Subscript) -> None:
        found = _chain(node)
        if found is None:
            return
        base, indices = found
        for index in indices:
            if not isinstance(index, ast.Slice):
                self._want(index)
            else:
                for end in (index.lower, index.upper):
                    if end is not None:
                        self._want(end)
        if isinstance(base, ast.Name):
            # A name of a field says nothing about dimensions.
            numbers = sum(self._axes(i) for i in indices if not _is_text(i))
            if numbers or base.id in self._own:
                self._array(base.id, max(numbers, 1))
        elif (
            isinstance(base, ast.Attribute)
            and base.attr not in _SHAPES
            and isinstance(base.value, ast.Name)
            and base.value.id in self._own
        ):
            # A field of each record: see `element_uses`.
            self._array(base.value.id, len(indices))
        elif isinstance(base, ast.Attribute) and base.attr == "shape":
            axis = indices[0]
            if isinstance(base.value, ast.Name) and isinstance(axis, ast.Constant):
                value = axis.value
                self._array(base.value.id, value + 1 if isinstance(value, int) else 1)

    def _axes(self, index: ast.expr) -> int:
        """Along how many axes an index says something."""
        return self._tuples.get(index.id, 1) if isinstance(index, ast.Name) else 1

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(id=name), ast.Tuple(elts=items):
                self._tuples[name] = len(items)
            case (
                ast.Name(id=name),
                ast.Call(func=function, args=[ast.Constant(value=int() as axes)]),
            ) if axes > 1 and self._known(function) == "cuda.grid":
                self._tuples[name] = axes
            case ast.Name(id=name), _:
                self._name(name, value)
            case ast.Tuple(elts=targets), ast.Attribute(value=ast.Name(id=name), attr="shape"):
                self._array(name, len(targets))
                self._all_integers(targets)
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                for inner, part in zip(targets, values, strict=True):
                    self._assign(inner, part)
            case ast.Tuple(elts=targets), ast.Call(func=function, args=operands) if (
                self._known(function) == "divmod"
            ):
                names = {inner.id for inner in targets if isinstance(inner, ast.Name)}
                if names & self._uses.integers or any(map(self._is_integer, operands)):
                    self._all_integers(targets)
                    for operand in operands:
                        self._want(operand)
            case ast.Tuple(elts=targets), ast.Call() if (called := self._called(value)) is not None:
                for number, inner in enumerate(targets):
                    if called.gives[number : number + 1] == (True,):
                        self._all_integers([inner])
                    elif isinstance(inner, ast.Name) and inner.id in self._uses.integers:
                        self._expect(value, number)
            case ast.Tuple(elts=targets), _ if self._is_integer(value):
                self._all_integers(targets)
            case _:
                pass

    def _all_integers(self, targets: list[ast.expr]) -> None:
        self._forward.update(t.id for t in targets if isinstance(t, ast.Name))

    def _name(self, name: str, value: ast.expr) -> None:
        if self._is_integer(value):
            self._forward.add(name)
        if name in self._uses.integers:
            self._want(value)
        # A view of an array: what the name is, the array is with the axes that are gone.
        rank = self._uses.rank.get(name)
        if rank is not None:
            self._pass_rank(value, rank, name in self._uses.integer_elements)

    def _pass_rank(self, value: ast.expr, rank: int, integers: bool) -> None:
        """An expression is used as an array of so many dimensions."""
        if isinstance(value, ast.Call) and self._called(value) is not None:
            self._ranks[value] = max(self._ranks.get(value, 0), rank)
            return
        base, fixed = value, 0
        if isinstance(value, ast.Subscript):
            found = _chain(value)
            if found is None:
                return
            base, indices = found
            fixed = sum(not isinstance(i, ast.Slice) and not _is_text(i) for i in indices)
        if isinstance(base, ast.Name):
            self._array(base.id, rank + fixed)
            if integers:
                self._uses.integer_elements.add(base.id)

    def _loop(self, target: ast.expr, source: ast.expr) -> None:
        match source:
            case ast.Call(func=function, args=arguments):
                name = self._known(function)
                if name == "range" and isinstance(target, ast.Name):
                    self._forward.add(target.id)
                elif name == "enumerate" and arguments:
                    self._elements(arguments[0])
                    if isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
                        self._forward.add(target.elts[0].id)
                elif name == "zip":
                    for argument in arguments:
                        self._elements(argument)
            case ast.Name() | ast.Subscript():
                integers = isinstance(target, ast.Name) and target.id in self._uses.integers
                self._pass_rank(source, 1, integers)
            case _:
                pass

    def _elements(self, source: ast.expr) -> None:
        """There are elements in an array, or in a row of one."""
        self._pass_rank(source, 1, False)

    # ------------------------------------------------------------ calls

    def _known(self, function: ast.expr) -> str | None:
        match self._resolver.expression(function, self._scope):
            case Known(builtin=row):
                return row.name
            case _:
                return None

    def _call(self, node: ast.Call) -> None:
        meaning = self._resolver.expression(node.func, self._scope)
        match meaning:
            case UserFunction(node=callee, scope=scope):
                self._callee(node, callee, scope)
            case Known(builtin=row):
                name = row.name
                if name == "len" and node.args:
                    self._elements(node.args[0])
                elif name == "range":
                    for argument in node.args:
                        self._want(argument)
                elif ".atomic" in name and len(node.args) > 1:
                    self._atomic(node)
            case _:
                pass

    def _atomic(self, node: ast.Call) -> None:
        target, index = node.args[0], node.args[1]
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        self._pass_rank(target, len(parts), False)
        for part in parts:
            self._want(part)

    def _called(self, node: ast.Call) -> Uses | None:
        """What a function of the program that is called does."""
        match self._resolver.expression(node.func, self._scope):
            case UserFunction(node=callee, scope=scope):
                wanted, rank = self._calls.get(node, frozenset()), self._ranks.get(node, 0)
                return self._observer.uses(callee, scope, self._depth + 1, wanted, rank)
            case _:
                return None

    def _expect(self, node: ast.Call, number: int) -> None:
        """An integer is expected of one of the results of a call."""
        self._calls[node] = self._calls.get(node, frozenset()) | {number}

    def _callee(self, node: ast.Call, callee: FunctionNode, scope: Scope) -> None:
        wanted, rank = self._calls.get(node, frozenset()), self._ranks.get(node, 0)
        inner = self._observer.uses(callee, scope, self._depth + 1, wanted, rank)
        names = [argument.arg for argument, _ in parameters(callee)]
        pairs = list(zip(names, node.args, strict=False))
        pairs += [(k.arg, k.value) for k in node.keywords if k.arg is not None]
        for name, argument in pairs:
            if name in inner.rank:
                self._pass_rank(argument, inner.rank[name], name in inner.integer_elements)
            elif name in inner.integers:
                self._want(argument)

    # ------------------------------------------------------------ integers

    def _want(self, node: ast.expr) -> None:
        """An integer is expected of an expression."""
        for leaf in _leaves(node):
            match leaf:
                case ast.Name(id=name):
                    if name not in self._uses.rank:
                        self._uses.integers.add(name)
                case ast.Subscript():
                    found = _chain(leaf)
                    if found is not None and isinstance(found[0], ast.Name):
                        self._uses.integer_elements.add(found[0].id)
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._own:
                    self._uses.integers.add(f"{name}.{attribute}")
                case ast.Call(func=function, args=[ast.Name(id=name), *_]) if ".atomic" in (
                    self._known(function) or ""
                ):
                    # What was there before is an integer, and so is what is there.
                    self._uses.integer_elements.add(name)
                case ast.Call() if leaf not in self._calls and self._called(leaf) is not None:
                    self._expect(leaf, 0)
                case _:
                    pass

    def _is_integer(self, node: ast.expr) -> bool:
        """Whether an expression is known to be an integer."""
        match node:
            case ast.Name(id=name):
                return name in self._forward or name in self._uses.integers
            case ast.Constant(value=value):
                # `x < 0` says nothing about x.
                del value
                return False
            case ast.BinOp(left=left, op=op, right=right):
                if isinstance(op, ast.Div):
                    return False
                sides = (left, right)
                known = [self._is_integer(side) for side in sides]
                number = [
                    isinstance(side, ast.Constant) and isinstance(side.value, int) for side in sides
                ]
                return any(known) and all(k or n for k, n in zip(known, number, strict=True))
            case ast.UnaryOp(operand=operand):
                return self._is_integer(operand)
            case ast.Attribute(value=value, attr=attribute):
                if attribute in ("size", "ndim"):
                    return True
                return attribute in "xyz" and self._known(value) in _REGISTERS
            case ast.Subscript(value=ast.Attribute(attr="shape")):
                return True
            case ast.Call(func=function, args=arguments):
                name = self._known(function)
                if name in _PASSING:
                    return bool(arguments) and all(
                        self._is_integer(a) or isinstance(a, ast.Constant) for a in arguments
                    )
                if name is not None:
                    return name in _INTEGER_CALLS
                called = self._called(node)
                return called is not None and called.gives == (True,)
            case _:
                return False


def _chain(node: ast.Subscript) -> tuple[ast.expr, list[ast.expr]] | None:
    """`a[i][j, k]` as `a` and `i, j, k`."""
    indices: list[ast.expr] = []
    inside: ast.expr = node
    while isinstance(inside, ast.Subscript):
        index = inside.slice
        indices = [*(index.elts if isinstance(index, ast.Tuple) else [index]), *indices]
        inside = inside.value
    return (inside, indices) if indices else None


def _is_whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _leaves(node: ast.expr) -> Iterator[ast.expr]:
    """The operands of which an integer is made."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if not isinstance(op, ast.Div):
            yield from _leaves(left)
            yield from _leaves(right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert(), operand=operand):
            yield from _leaves(operand)
        case ast.IfExp(body=then, orelse=otherwise):
            yield from _leaves(then)
            yield from _leaves(otherwise)
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from _leaves(element)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _PASSING:
            for argument in arguments:
                yield from _leaves(argument)
        case _:
            yield node
