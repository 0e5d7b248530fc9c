"""Whether a kernel is well formed: what every reader of the IR may rely on.

Types of operands agree, names are declared and unique in their kind, each site belongs to one
statement, `break` stands in a loop and `leave` in the region that it ends. Definite assignment
is not looked at: reading a local that was never assigned is a finding about the user's kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.kernel import ArrayParameter, DataProperty, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Apply,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    AtomicOp,
    Barrier,
    Binary,
    BinaryOp,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Compare,
    CompareOp,
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    Fence,
    For,
    Forget,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    MatrixOp,
    Not,
    Ownership,
    Param,
    Print,
    Read,
    Reinterpret,
    Return,
    Select,
    Space,
    Special,
    Store,
    Symbol,
    Unary,
    UnaryOp,
    Unsafe,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.operators import SHUFFLES, VOTES
from oxide_analyzer.language.types import BOOL, I64, U32, Kind, Scalar

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Contract, Kernel
    from oxide_analyzer.ir.nodes import Array, Block, Expr, Local, Stmt

_RESULTS = {
    WarpFunction.BALLOT: U32,
    WarpFunction.MATCH_ANY: U32,
    WarpFunction.MATCH_ALL: U32,
}
_BITS = {
    BinaryOp.AND,
    BinaryOp.OR,
    BinaryOp.XOR,
    BinaryOp.SHL,
    BinaryOp.SHR,
    BinaryOp.POW,
}
_INTEGER_ONLY = {UnaryOp.INVERT, UnaryOp.CLZ, UnaryOp.POPC, UnaryOp.BREV}


def verify(kernel: Kernel) -> list[str]:
    """What is wrong with the IR of a kernel; empty if it is well formed."""
    check = _Check(kernel)
    check.kernel_level()
    check.block(kernel.body, loops=0, labels=())
    return check.problems


@dataclass(slots=True)
class _Check:
    kernel: Kernel
    problems: list[str] = field(default_factory=list[str])
    locals: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    sites: set[int] = field(default_factory=set[int])
    labels: set[int] = field(default_factory=set[int])
    divisors: set[int] = field(default_factory=set[int])

    def say(self, message: str) -> None:
        self.problems.append(message)

    def kernel_level(self) -> None:
        kernel = self.kernel
        names = [parameter.name for parameter in kernel.parameters]
        if len(set(names)) != len(names):
            self.say("two parameters have one name")
        for parameter in kernel.parameters:
            if isinstance(parameter, ArrayParameter) and parameter.name not in kernel.arrays:
                self.say(f"array parameter {parameter.name} has no array")
        dynamic = 0
        for name, array in kernel.arrays.items():
            if array.name != name:
                self.say(f"array {array.name} is filed as {name}")
            if (array.space is Space.GLOBAL) != (array.memory in names):
                self.say(f"array {name} in {array.space} space")
            if array.part is not None and not self.is_part(array):
                self.say(f"array {name} is no part of {array.memory}")
            for extent in array.shape:
                self.typed(extent, I64, f"extent of {name}")
            for value in array.contents:
                self.typed(value, array.element, f"element of {name}")
            if (array.space is Space.CONSTANT) != bool(array.contents):
                self.say(f"array {name} in {array.space} space has {len(array.contents)} values")
            if array.space is not Space.GLOBAL and isinstance(array.shape[0], Dim):
                dynamic += 1
                if array.space is not Space.SHARED or array.rank > 1:
                    self.say(f"array {name} in {array.space} space has no fixed shape")
        if dynamic > 1:
            self.say("two arrays share the dynamic shared memory")
        symbols = [constant.symbol for constant in kernel.constants]
        if len(set(symbols)) != len(symbols):
            self.say("two constants have one symbol")
        for extent in kernel.contract.block or ():
            self.typed(extent, I64, "block")
        for requirement in kernel.contract.requires:
            self.typed(requirement.condition, BOOL, "requirement")
        self.contract(kernel.contract)

    def is_part(self, array: Array) -> bool:
        """Whether a part has the leading extents of the first one, and its own behind them."""
        first = self.kernel.arrays.get(array.memory)
        if array.part is None or first is None or first.part is None:
            return False
        own = tuple(e.value for e in array.shape[array.held_rank :] if isinstance(e, Const))
        leading = [
            isinstance(e, Dim) and (e.array, e.axis) == (first.name, axis)
            for axis, e in enumerate(array.shape[: array.held_rank])
        ]
        return (
            all(leading)
            and own == array.part.leaf.shape
            and array.held_rank == first.held_rank
            and array.part.record == first.part.record
        )

    def contract(self, contract: Contract) -> None:
        for limit in (contract.shared, contract.max_threads, contract.min_blocks):
            if limit is not None:
                self.typed(limit, I64, "limit of a launch")
        for fact in contract.data:
            array = self.kernel.arrays.get(fact.array)
            if array is None or array.space is not Space.GLOBAL or not array.element.is_integer:
                self.say(f"{fact.text} is about no slice of integers")
            ends = [end for end in (fact.low, fact.high) if end is not None]
            if len(ends) != (2 if fact.property is DataProperty.WITHIN else 0):
                self.say(f"{fact.text} and its ends")
            for end in ends:
                self.typed(end, I64, f"end of {fact.text}")

    def block(self, block: Block, loops: int, labels: tuple[int, ...]) -> None:
        for statement in block:
            self.statement(statement, loops, labels)

    def statement(self, statement: Stmt, loops: int, labels: tuple[int, ...]) -> None:
        match statement:
            case Assign(target=target, value=value):
                self.typed(value, target.type, f"value of {target.name}")
                self.local(target)
            case Load(target=target, array=array, index=index, site=site):
                element = self.access(array, index)
                if element is not None and element != target.type:
                    self.say(f"load of {element} into {target.name}: {target.type}")
                self.local(target)
                self.site(site)
            case Store(array=array, index=index, value=value, site=site):
                element = self.access(array, index)
                if element is not None:
                    self.typed(value, element, f"store to {array}")
                self.site(site)
            case Atomic():
                self.atomic(statement)
                self.site(statement.site)
            case CheckIndex(array=array, axis=axis, index=index, extent=extent, site=site):
                self.view(array, axis)
                self.typed(index, I64, "index of a view")
                self.typed(extent, I64, "extent of a view")
                self.site(site)
            case CheckView(
                array=array, axis=axis, start=start, stop=stop, extent=extent, site=site
            ):
                self.view(array, axis)
                for end in (start, stop, extent):
                    self.typed(end, I64, "end of a view")
                self.site(site)
            case CheckAligned(array=array, offset=offset, width=width, site=site):
                self.view(array, 0)
                self.typed(offset, I64, "offset")
                if width not in (2, 4, 8, 16):
                    self.say(f"{width} elements at once")
                self.site(site)
            case Assert(condition=condition, site=site):
                self.typed(condition, BOOL, "assertion")
                self.site(site)
            case Print(texts=texts, values=values, site=site):
                for value in values:
                    self.expr(value)
                if len(texts) != len(values) + 1:
                    self.say(f"{len(texts)} texts round {len(values)} values")
                self.site(site)
            case WarpOp():
                self.warp(statement)
                self.site(statement.site)
            case Unsafe(body=body, site=site):
                self.site(site)
                self.block(body, loops, labels)
            case CheckDivisor(divisor=divisor, site=site):
                self.expr(divisor)
                if not divisor.type.is_integer:
                    self.say(f"divisor check of {divisor.type}")
                self.site(site)
                self.divisors.add(site)
            case Declare(array=array):
                found = self.kernel.arrays.get(array)
                if found is None or found.space is not Space.LOCAL:
                    self.say(f"declaration of {array}, which is no local array")
            case Forget(target=target, site=site, of=of):
                self.local(target)
                self.site(site)
                for expr in of or ():
                    self.expr(expr)
            case (
                Barrier(site=site)
                | Return(site=site)
                | Fence(site=site)
                | AsyncCommit(site=site)
                | Breakpoint(site=site)
            ):
                self.site(site)
            case AsyncCopy(body=body, site=site):
                self.site(site)
                self.copy(statement)
                self.block(body, loops, labels)
            case MatrixOp(arrays=arrays, place=place, body=body, site=site):
                self.site(site)
                for array in arrays:
                    self.view(array, 0)
                if place:
                    self.access(arrays[-1], place)
                self.block(body, loops, labels)
            case AsyncWait(pending=pending, site=site):
                self.site(site)
                if pending < 0:
                    self.say(f"{pending} groups are left under way")
            case If(condition=condition, then=then, otherwise=otherwise):
                self.typed(condition, BOOL, "condition")
                self.block(then, loops, labels)
                self.block(otherwise, loops, labels)
            case For(variable=variable, start=start, stop=stop, step=step, body=body):
                for bound in (start, stop, step):
                    self.typed(bound, variable.type, "bound of a loop")
                self.local(variable)
                self.block(body, loops + 1, labels)
            case While(header=header, condition=condition, body=body):
                self.block(header, loops, labels)
                self.typed(condition, BOOL, "condition")
                self.block(body, loops + 1, labels)
            case Break() | Continue():
                if not loops:
                    self.say("break or continue outside of a loop")
            case Inline(label=label, body=body):
                if label in self.labels:
                    self.say(f"label {label} is used twice")
                self.labels.add(label)
                self.block(body, 0, (*labels, label))
            case Leave(label=label):
                if label not in labels:
                    self.say(f"leave of region {label} outside of it")
            case _:
                assert_never(statement)

    def copy(self, copy: AsyncCopy) -> None:
        arrays = [self.kernel.arrays.get(name) for name in (copy.source, copy.target)]
        source, target = arrays
        if source is None or source.ownership is not Ownership.READ_ONLY:
            self.say(f"copy from {copy.source}, which may be written")
        if target is None or target.space is not Space.SHARED:
            self.say(f"copy to {copy.target}, which is not shared")
        self.access(copy.source, copy.origin)
        self.access(copy.target, copy.place)
        body = copy.body
        match body:
            case (For(stop=Const(value=count), body=inner),) if count == copy.count > 1:
                body = inner
            case _ if copy.count > 1:
                self.say("a copy of several elements is a loop over them")
            case _:
                pass
        match body:
            case (
                Load(array=loaded, target=local),
                Store(array=stored, value=Read(local=value)),
            ) if (loaded, stored, local.name) == (copy.source, copy.target, value.name):
                pass
            case _:
                self.say("a copy loads its source and stores what it gave to its target")

    def atomic(self, atomic: Atomic) -> None:
        element = self.access(atomic.array, atomic.index)
        if element is None:
            return
        if (atomic.value is None) != (atomic.op is AtomicOp.LOAD):
            self.say(f"atomic {atomic.op} and its value")
        if (atomic.compare is None) == (atomic.op is AtomicOp.COMPARE_EXCHANGE):
            self.say(f"atomic {atomic.op} and what it compares")
        if (atomic.target is None) != (atomic.op is AtomicOp.STORE):
            self.say(f"atomic {atomic.op} and its target")
        for operand in (atomic.value, atomic.compare):
            if operand is not None:
                self.typed(operand, element, f"atomic on {atomic.array}")
        if atomic.target is not None:
            if element != atomic.target.type:
                self.say(f"atomic of {element} into {atomic.target.name}: {atomic.target.type}")
            self.local(atomic.target)

    def warp(self, operation: WarpOp) -> None:
        function = operation.function
        has_target = operation.target is not None
        has_value = operation.value is not None
        if (function is WarpFunction.SYNC) == has_target or has_target != has_value:
            self.say(f"{function} and its target")
        shuffles = function in SHUFFLES
        if shuffles != (operation.lane is not None):
            self.say(f"{function} and its lane")
        if operation.lane is not None:
            self.typed(operation.lane, I64, f"lane of {function}")
        if operation.mask is not None:
            self.typed(operation.mask, U32, f"mask of {function}")
        if operation.width not in (1, 2, 4, 8, 16, 32):
            self.say(f"{function} of {operation.width} lanes")
        if operation.value is not None and operation.target is not None:
            self.expr(operation.value)
            if function in VOTES:
                self.typed(operation.value, BOOL, f"value of {function}")
            result = _RESULTS.get(function, operation.value.type)
            if operation.target.type != result:
                self.say(f"{function} into {operation.target.name}: {operation.target.type}")
            self.local(operation.target)

    def local(self, local: Local) -> None:
        known = self.locals.setdefault(local.name, local.type)
        if known != local.type:
            self.say(f"local {local.name} is {known} and {local.type}")
        if local.name in self.kernel.arrays:
            self.say(f"{local.name} is an array and a local")

    def site(self, site: int) -> None:
        if site in self.sites:
            self.say(f"site {site} is used twice")
        self.sites.add(site)

    def view(self, array: str, axis: int) -> None:
        found = self.kernel.arrays.get(array)
        if found is None:
            self.say(f"check of {array}, which is no array")
        elif not 0 <= axis < found.rank:
            self.say(f"check of axis {axis} of {array}, which has rank {found.rank}")

    def access(self, array: str, index: tuple[Expr, ...]) -> Scalar | None:
        for one in index:
            self.typed(one, I64, f"index of {array}")
        found = self.kernel.arrays.get(array)
        if found is None:
            self.say(f"access of {array}, which is no array")
            return None
        if len(index) != found.rank:
            self.say(f"{len(index)} indices into {array} of rank {found.rank}")
        return found.element

    def typed(self, expr: Expr, type: Scalar, what: str) -> None:
        self.expr(expr)
        if expr.type != type:
            self.say(f"{what} is {expr.type}, not {type}")

    def expr(self, expr: Expr) -> None:
        match expr:
            case Const(value=value, type=type):
                if type.is_integer and (
                    isinstance(value, bool | float) or not type.min <= value <= type.max
                ):
                    self.say(f"literal {value!r} of type {type}")
                if type.is_float and not isinstance(value, float):
                    self.say(f"literal {value!r} of type {type}")
                if type.kind is Kind.BOOL and not isinstance(value, bool):
                    self.say(f"literal {value!r} of type {type}")
            case Symbol(name=name, type=type):
                known = next((c for c in self.kernel.constants if c.symbol == name), None)
                if known is None or known.type != type:
                    self.say(f"symbol {name}: {type} is not among the constants")
            case Read(local=local):
                self.local(local)
            case Param(name=name, type=type):
                if not any(
                    isinstance(p, ScalarParameter) and p.name == name and p.type == type
                    for p in self.kernel.parameters
                ):
                    self.say(f"{name}: {type} is no scalar parameter")
            case Dim(array=array, axis=axis):
                found = self.kernel.arrays.get(array)
                if found is None or found.space is Space.LOCAL or not 0 <= axis < found.rank:
                    self.say(f"{array}.shape[{axis}] is no extent of a parameter")
            case Special():
                pass
            case Unary(op=op, operand=operand, type=type):
                self.typed(operand, type, f"operand of {op}")
                if type.kind is Kind.BOOL or (op in _INTEGER_ONLY and not type.is_integer):
                    self.say(f"{op} of {type}")
            case Binary(op=op, left=left, right=right, type=type, site=site):
                self.typed(left, type, f"left side of {op}")
                self.typed(right, type, f"right side of {op}")
                self.operator(op, type)
                if site is not None and site not in self.divisors:
                    self.say(f"division at site {site} without its check in front")
            case Compare(op=op, left=left, right=right):
                self.expr(left)
                self.typed(right, left.type, f"right side of {op}")
                if left.type.kind is Kind.BOOL and op not in (CompareOp.EQ, CompareOp.NE):
                    self.say(f"{op} of bool")
            case Logic(left=left, right=right):
                self.typed(left, BOOL, "operand of logic")
                self.typed(right, BOOL, "operand of logic")
            case Not(operand=operand):
                self.typed(operand, BOOL, "operand of not")
            case Select(condition=condition, then=then, otherwise=otherwise, type=type):
                self.typed(condition, BOOL, "condition")
                self.typed(then, type, "value if true")
                self.typed(otherwise, type, "value if false")
            case Convert(operand=operand):
                self.expr(operand)
            case Reinterpret(operand=operand, type=type):
                self.expr(operand)
                if operand.type.bits != type.bits or BOOL in (operand.type, type):
                    self.say(f"bits of {operand.type} as {type}")
            case Math(function=function, operands=operands, type=type):
                for operand in operands:
                    self.typed(operand, type, f"operand of {function}")
                if not type.is_float or len(operands) != function.arity:
                    self.say(f"{function} of {len(operands)} {type}")
            case Apply(operands=operands):
                for operand in operands:
                    self.expr(operand)
            case _:
                assert_never(expr)

    def operator(self, op: BinaryOp, type: Scalar) -> None:
        if type.kind is Kind.BOOL:
            self.say(f"{op} of bool")
        if op in _BITS and not type.is_integer:
            self.say(f"{op} of {type}")
        if op is BinaryOp.DIV and not type.is_float:
            self.say(f"{op} of {type}")
