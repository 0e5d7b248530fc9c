"""One launch, as the contract that it keeps: quantities of a kernel beside what the host says.

    n = len(x)
    blocks = (n + 255) // 256
    add[blocks, 256](x, y, n)         block = (256, 1, 1), grid_dim.x == (n + 255) // 256,
                                      len(x) == n, grid_dim.y == 1, …

A quantity of the launch that the host knows by name alone gives that name its meaning, a length or
a number that is passed; what is computed from such names is then a condition. What is left without
a meaning says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    Configured,
    HostArray,
    HostValue,
    Sizes,
    as_size,
    ceiling,
    whole,
)
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
from oxide_analyzer.sizes import Size, Symbol, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span

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
_CEILING = "ceil"


class Site:
    """One launch: quantities of the kernel beside what the host says of them."""

    def __init__(self, kernel: Kernel, span: Span) -> None:
        self._kernel = kernel
        self._span = span
        self._pairs: list[tuple[Expr, Size]] = []
        self._meanings: dict[str, Expr] = {}
        self._derived: dict[str, Expr] = {}
        # What lengths are that are computed of numbers without a meaning: `rows * cols`.
        self._held: dict[Whole, Expr] = {}
        self._tasked: Size | None = None
        self._constants: list[tuple[str, int]] = []

    def read(self, configured: Configured, given: Mapping[str, HostValue]) -> LaunchSite:
        """The contract that the launch keeps."""
        block = None
        match configured:
            case Configured(configuration=threads, tasks=tasks) if tasks is not None:
                block = self._tasks(tasks, threads)
            case Configured(configuration=Sizes(items=[grid, threads, *rest])):
                self._dynamic(rest[1] if len(rest) > 1 else 0)
                self._extents(Register.GRID_DIM, grid)
                block = self._block(threads)
                if block is None:
                    self._extents(Register.BLOCK_DIM, threads)
            case _:
                pass
        self._arguments(given)
        return LaunchSite(
            self._span,
            Contract(
                block=block,
                requires=tuple(self._conditions()),
                cooperative=True,
            ),
            tuple(self._constants),
        )

    # ------------------------------------------------------------ quantities

    def constants(self, host: Host) -> None:
        """What the code round a kernel says of constants that it does not write out."""
        for constant in self._kernel.constants:
            if constant.value is None and len(constant.attributes) == 1 and constant.type == I64:
                value = as_size(host.constant(constant.attributes[0]))
                if isinstance(value, int):
                    self._constants.append((constant.symbol, value))
                elif isinstance(value, Symbol | Whole):
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

    def _dynamic(self, size: HostValue) -> None:
        """The bytes of dynamic shared memory: none, where the launch does not say how many. CuPy
        has another place for them."""
        for array in self._kernel.arrays.values():
            count = whole("//", size, array.element.size)
            is_said = array.is_dynamic and self._kernel.counts_from_behind
            if is_said and isinstance(count, int | Symbol | Whole):
                self._pair(Dim(array.name, 0, self._span), count)

    def _tasks(self, tasks: Size, threads: HostValue) -> tuple[Expr, Expr, Expr] | None:
        """`kernel.forall(n)`: as many blocks as n threads need, of an extent that the driver
        chooses where the launch does not say it."""
        span, one = self._span, Const(1, I64, self._span)
        for axis in (1, 2):
            self._pair(Special(Register.GRID_DIM, axis, span), 1)
        if isinstance(threads, int) and 1 <= threads <= _MOST_THREADS:
            blocks = ceiling(tasks, threads)
            if isinstance(blocks, int | Symbol | Whole):
                self._pair(Special(Register.GRID_DIM, 0, span), blocks)
            return Const(threads, I64, span), one, one
        for axis in (1, 2):
            self._pair(Special(Register.BLOCK_DIM, axis, span), 1)
        self._tasked = tasks
        return None

    def _arguments(self, given: Mapping[str, HostValue]) -> None:
        for parameter in self._kernel.parameters:
            value = given.get(parameter.name)
            match parameter, value:
                case ArrayParameter(name=name), HostArray():
                    rank = self._kernel.arrays[name].rank
                    if (extents := value.extents(rank)) is None:
                        continue
                    self._meanings.setdefault(value.count, self._product(name, rank))
                    for axis, extent in enumerate(extents):
                        self._pair(Dim(name, axis, self._span), extent)
                case ScalarParameter(name=name, type=type), _ if type.is_integer:
                    size = NOT_KNOWN if value is None else as_size(value)
                    if isinstance(size, int | Symbol | Whole):
                        param: Expr = Param(name, type, self._span)
                        if type != I64:
                            param = Convert(param, I64, self._span)
                        self._pair(param, size)
                case _:
                    pass

    def _product(self, array: str, rank: int) -> Expr:
        """The number of elements of an array."""
        one: Expr = Dim(array, 0, self._span)
        for axis in range(1, rank):
            one = Binary(BinaryOp.MUL, one, Dim(array, axis, self._span), I64, self._span)
        return one

    def _pair(self, quantity: Expr, size: Size) -> None:
        self._pairs.append((quantity, size))
        # Lengths and numbers that are passed are what names mean; extents of the grid come last.
        if isinstance(size, Symbol) and not isinstance(quantity, Special):
            self._meanings.setdefault(size.name, quantity)
        if isinstance(size, Whole) and not isinstance(quantity, Special):
            self._held.setdefault(size, quantity)
        match size:
            case Whole(op="+" | "-" as op, left=Symbol(name=name), right=int() as less):
                # A length of `rounds + 1` says what `rounds` is, where nothing else does.
                back = BinaryOp.SUB if op == "+" else BinaryOp.ADD
                by = Const(less, I64, self._span)
                meaning = Binary(back, quantity, by, I64, self._span)
                self._derived.setdefault(name, meaning)
            case _:
                pass

    # ------------------------------------------------------------ conditions

    def _conditions(self) -> Iterator[Requirement]:
        said: set[str] = set()
        for name, meaning in self._derived.items():
            self._meanings.setdefault(name, meaning)
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
        for symbol in dict.fromkeys(s for _, size in self._pairs for s in _bounded(size)):
            yield from self._between(symbol)
        tasks = None if self._tasked is None else self._expr(self._tasked)
        if tasks is not None:
            yield from self._enough(tasks)

    def _between(self, symbol: Symbol) -> Iterator[Requirement]:
        """What a number lies between, if the launch says which of its quantities it is."""
        quantity = self._meanings.get(symbol.name)
        least, above = (None if e is None else self._expr(e) for e in (symbol.least, symbol.above))
        for op, end in ((CompareOp.GE, least), (CompareOp.LT, above)):
            if quantity is not None and end is not None:
                condition = Compare(op, quantity, end, self._span)
                yield Requirement(condition, show_expr(condition), self._span)

    def _enough(self, tasks: Expr) -> Iterator[Requirement]:
        """The threads are at least `tasks`, and without the last block they are fewer."""
        span = self._span
        blocks, threads = (Special(r, 0, span) for r in (Register.GRID_DIM, Register.BLOCK_DIM))
        less = Binary(BinaryOp.SUB, threads, Const(1, I64, span), I64, span)
        above = Binary(BinaryOp.ADD, tasks, less, I64, span)
        needed = Binary(BinaryOp.FLOORDIV, above, threads, I64, span)
        every = Binary(BinaryOp.MUL, blocks, threads, I64, span)
        for condition in (
            Compare(CompareOp.EQ, blocks, needed, span),
            Compare(CompareOp.GE, every, tasks, span),
        ):
            yield Requirement(condition, show_expr(condition), span)

    def _extent_that_is(self, size: Size) -> Expr | None:
        """The extent of the block that a launch gives as this number."""
        return next(
            (
                quantity
                for quantity, own in self._pairs
                if isinstance(quantity, Special)
                and quantity.register is Register.BLOCK_DIM
                and own == size
                and not isinstance(size, int)
            ),
            None,
        )

    def _expr(self, size: Size) -> Expr | None:
        match size:
            case int():
                return Const(size, I64, self._span) if I64.min <= size <= I64.max else None
            case Symbol(name=name):
                return self._meanings.get(name)
            case Whole(op=op, left=left, right=right):
                one, other = self._expr(left), self._expr(right)
                if one is None or other is None:
                    return self._held.get(size)
                if op in (_CEILING, "//", "%"):
                    # An extent of a block is a divisor that is not zero.
                    other = self._extent_that_is(right) or other
                if op == _CEILING:
                    less = Binary(BinaryOp.SUB, other, Const(1, I64, self._span), I64, self._span)
                    one = Binary(BinaryOp.ADD, one, less, I64, self._span)
                    op = "//"
                is_positive = isinstance(other, Const) and other.value > 0
                if op in ("//", "%") and not (is_positive or isinstance(other, Special)):
                    return None
                if op not in _OPERATORS:
                    return None
                return Binary(_OPERATORS[op], one, other, I64, self._span)


def in_common(sites: Sequence[LaunchSite]) -> LaunchSite:
    """What holds of every one of several launches."""
    first = sites[0]
    blocks = {tuple(map(show_expr, s.contract.block or ())) for s in sites}
    block = first.contract.block if len(blocks) == 1 else None
    requires = tuple(
        requirement
        for requirement in first.contract.requires
        if all(
            any(requirement.text == other.text for other in site.contract.requires)
            for site in sites
        )
    )
    constants = tuple(c for c in first.constants if all(c in site.constants for site in sites))
    variants = {site.same for site in sites}
    shared = dict.fromkeys(pair for site in sites for pair in site.shared)
    if len(variants) > 1:
        # Some are given one array twice.
        shared.update({(one, other): None for site in sites for other, one in site.same})
    return LaunchSite(
        first.span,
        Contract(block=block, requires=requires, cooperative=True),
        constants,
        first.same if len(variants) == 1 else (),
        first.variant if len(variants) == 1 else None,
        tuple(shared),
    )


def _bounded(size: Size) -> Iterator[Symbol]:
    """The numbers in a quantity of which more is known than their names."""
    match size:
        case Symbol() if size.least is not None or size.above is not None:
            yield size
        case Whole(left=left, right=right):
            yield from _bounded(left)
            yield from _bounded(right)
        case _:
            pass
