"""A kernel as text, for people and for tests.

    kernel scale(n: i32, a: disjoint f32[1])
      requires n <= len(a)
      %1 = load a[i]  @0
      if (n > 0):
        store a[i] = (%1 * f32(2))  @1

A site stands behind `@`; a conversion is written as a call; types of literals show where they
are not i64, f32 or bool.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import (
    Apply,
    Array,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
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
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    DivisorRole,
    Fence,
    For,
    Forget,
    Group,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    MatrixOp,
    Not,
    Order,
    Param,
    Print,
    Read,
    Reinterpret,
    Return,
    Select,
    Special,
    Store,
    Symbol,
    Unary,
    Unsafe,
    WarpOp,
    While,
)
from oxide_analyzer.ir.nodes import Scope as AtomicScope
from oxide_analyzer.language.types import BOOL, F32, I64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel, Parameter
    from oxide_analyzer.ir.nodes import Block, Expr, Stmt

_AXES = "xyz"
_STEP = "  "
_PLAIN = (BOOL, I64, F32)


def show(kernel: Kernel) -> str:
    """The whole kernel: signature, contract, constants, arrays and body."""
    parameters = ", ".join(_parameter(kernel, parameter) for parameter in kernel.parameters)
    lines = [f"kernel {kernel.qualname}({parameters})"]
    contract = kernel.contract
    if contract.block is not None:
        lines.append(f"{_STEP}block {', '.join(show_expr(extent) for extent in contract.block)}")
    if contract.domain is not None:
        lines.append(f"{_STEP}domain {contract.domain}")
    lines += [f"{_STEP}requires {show_expr(one.condition)}" for one in contract.requires]
    lines += [f"{_STEP}requires {fact.text}" for fact in contract.data]
    if contract.fast_math:
        lines.append(f"{_STEP}fast math")
    if contract.cooperative:
        lines.append(f"{_STEP}cooperative")
    for name, limit in (
        ("shared", contract.shared),
        ("max_threads", contract.max_threads),
        ("min_blocks", contract.min_blocks),
    ):
        if limit is not None:
            lines.append(f"{_STEP}{name} {show_expr(limit)}")
    for constant in kernel.constants:
        known = "" if constant.value is None else f" = {constant.value}"
        lines.append(f"{_STEP}constant {constant.symbol}: {constant.type}{known}")
    names = {parameter.name for parameter in kernel.parameters}
    for array in kernel.arrays.values():
        if array.name not in names:
            line = f"{_STEP}{array.space} {array.name}: {array.element}{_shape(array)}"
            if array.part is not None:
                line += f" of {array.memory}"
            if array.contents:
                line += f" = {', '.join(map(show_expr, array.contents))}"
            lines.append(line)
    lines += _block(kernel.body, _STEP)
    return "\n".join(lines) + "\n"


def show_expr(expr: Expr) -> str:
    """One expression."""
    match expr:
        case Const(value=value, type=type):
            text = repr(value) if type in _PLAIN else f"{type} {value!r}"
            return text if type in _PLAIN else f"({text})"
        case Symbol(name=name):
            return f"${name}"
        case Read(local=local):
            return local.name
        case Param(name=name):
            return name
        case Dim(array=array, axis=axis):
            return f"{array}.shape[{axis}]"
        case Special(register=register, axis=axis):
            return f"{register}.{_AXES[axis]}"
        case Unary(op=op, operand=operand) if op.value.isalpha():
            return f"{op}({show_expr(operand)})"
        case Unary(op=op, operand=operand):
            return f"{op}{show_expr(operand)}"
        case Binary(op=BinaryOp.MIN | BinaryOp.MAX as op, left=left, right=right):
            return f"{op}({show_expr(left)}, {show_expr(right)})"
        case Binary(op=op, left=left, right=right, site=site):
            mark = "" if site is None else f"@{site}"
            return f"({show_expr(left)} {op}{mark} {show_expr(right)})"
        case Compare(op=op, left=left, right=right):
            return f"({show_expr(left)} {op} {show_expr(right)})"
        case Logic(op=op, left=left, right=right):
            return f"({show_expr(left)} {op} {show_expr(right)})"
        case Not(operand=operand):
            return f"not {show_expr(operand)}"
        case Select(condition=condition, then=then, otherwise=otherwise):
            return f"({show_expr(then)} if {show_expr(condition)} else {show_expr(otherwise)})"
        case Convert(operand=operand, type=type):
            return f"{type}({show_expr(operand)})"
        case Reinterpret(operand=operand, type=type):
            return f"{type}.bits({show_expr(operand)})"
        case Math(function=function, operands=operands, is_fast=True):
            return f"fast.{function}({', '.join(map(show_expr, operands))})"
        case Math(function=function, operands=operands):
            return f"{function}({', '.join(show_expr(one) for one in operands)})"
        case Apply(function=function, operands=operands):
            return f"{function}({', '.join(map(show_expr, operands))})"
        case _:
            assert_never(expr)


def _parameter(kernel: Kernel, parameter: Parameter) -> str:
    if isinstance(parameter, ScalarParameter):
        return f"{parameter.name}: {parameter.type}"
    array = kernel.arrays[parameter.name]
    return f"{array.name}: {array.ownership} {array.held}[{array.held_rank}]"


def _shape(array: Array) -> str:
    return f"[{', '.join(show_expr(extent) for extent in array.shape)}]"


def _index(index: tuple[Expr, ...]) -> str:
    return f"[{', '.join(show_expr(one) for one in index)}]"


def _block(block: Block, indent: str) -> list[str]:
    if not block:
        return [f"{indent}pass"]
    return [line for statement in block for line in _statement(statement, indent)]


def _statement(statement: Stmt, indent: str) -> Iterator[str]:
    inner = indent + _STEP
    match statement:
        case Assign(target=target, value=value):
            yield f"{indent}{target.name}: {target.type} = {show_expr(value)}"
        case Load(target=target, array=array, index=index, site=site):
            yield f"{indent}{target.name} = load {array}{_index(index)}  @{site}"
        case Store(array=array, index=index, value=value, site=site):
            yield f"{indent}store {array}{_index(index)} = {show_expr(value)}  @{site}"
        case Atomic():
            yield f"{indent}{_atomic(statement)}"
        case CheckDivisor(divisor=divisor, role=role, site=site):
            what = "step" if role is DivisorRole.STEP else "divisor"
            yield f"{indent}check {what} {show_expr(divisor)}  @{site}"
        case CheckIndex(array=array, axis=axis, index=index, extent=extent, site=site):
            bound = f"{show_expr(index)} < {show_expr(extent)}"
            what = "row" if statement.is_row else "index"
            yield f"{indent}check {what} {bound} of {array} axis {axis}  @{site}"
        case CheckView(array=array, axis=axis, start=start, stop=stop, extent=extent, site=site):
            ends = f"{show_expr(start)} <= {show_expr(stop)} <= {show_expr(extent)}"
            yield f"{indent}check view {ends} of {array} axis {axis}  @{site}"
        case CheckAligned(array=array, offset=offset, width=width, site=site):
            yield f"{indent}check aligned {show_expr(offset)} % {width} of {array}  @{site}"
        case Assert(condition=condition, message=message, site=site):
            yield f"{indent}assert {show_expr(condition)}, {message!r}  @{site}"
        case Print(texts=texts, values=values, site=site):
            shown = [show_expr(value) for value in values]
            pairs = zip(shown, map(repr, texts[1:]), strict=True)
            listed = ", ".join([repr(texts[0]), *chain(*pairs)])
            yield f"{indent}print {listed}  @{site}"
        case Forget(target=target, what=what, site=site, told=told, of=of):
            said = repr(what) if told is None else told
            if of is not None:
                said = f"{said} of ({', '.join(map(show_expr, of))})"
            yield f"{indent}{target.name}: {target.type} = unknown {said}  @{site}"
        case Declare(array=array):
            yield f"{indent}declare {array}"
        case Barrier(site=site, group=group):
            yield f"{indent}{'barrier' if group is Group.BLOCK else 'grid barrier'}  @{site}"
        case Breakpoint(site=site):
            yield f"{indent}breakpoint  @{site}"
        case Fence(scope=scope, site=site):
            yield f"{indent}fence {scope}  @{site}"
        case AsyncCopy(source=source, target=target, body=body, site=site):
            yield f"{indent}async copy {source} to {target}:  @{site}"
            yield from _block(body, inner)
        case MatrixOp(function=function, arrays=arrays, body=body, site=site):
            yield f"{indent}matrix {function} {', '.join(arrays)}:  @{site}"
            yield from _block(body, inner)
        case AsyncCommit(site=site):
            yield f"{indent}async commit  @{site}"
        case AsyncWait(pending=pending, site=site):
            yield f"{indent}async wait {pending}  @{site}"
        case WarpOp():
            yield f"{indent}{_warp(statement)}"
        case Unsafe(reason=reason, body=body, site=site):
            yield f"{indent}unsafe {reason!r}:  @{site}"
            yield from _block(body, inner)
        case If(condition=condition, then=then, otherwise=otherwise):
            yield f"{indent}if {show_expr(condition)}:"
            yield from _block(then, inner)
            if otherwise:
                yield f"{indent}else:"
                yield from _block(otherwise, inner)
        case For(variable=variable, start=start, stop=stop, step=step, body=body):
            bounds = f"{show_expr(start)}, {show_expr(stop)}, {show_expr(step)}"
            yield f"{indent}for {variable.name} in range({bounds}):"
            yield from _block(body, inner)
        case While(header=header, condition=condition, body=body):
            if header:
                yield f"{indent}header:"
                yield from _block(header, inner)
            yield f"{indent}while {show_expr(condition)}:"
            yield from _block(body, inner)
        case Break():
            yield f"{indent}break"
        case Continue():
            yield f"{indent}continue"
        case Return(site=site):
            yield f"{indent}return  @{site}"
        case Inline(label=label, name=name, body=body):
            yield f"{indent}inline {name} #{label}:"
            yield from _block(body, inner)
        case Leave(label=label):
            yield f"{indent}leave #{label}"
        case _:
            assert_never(statement)


def _atomic(atomic: Atomic) -> str:
    extra = "" if atomic.scope is AtomicScope.DEVICE else f" scope={atomic.scope}"
    extra += "" if atomic.order is Order.RELAXED else f" order={atomic.order}"
    target = "" if atomic.target is None else f"{atomic.target.name} = "
    operands = [f"{atomic.array}{_index(atomic.index)}"]
    operands += [show_expr(e) for e in (atomic.compare, atomic.value) if e is not None]
    return f"{target}atomic {atomic.op} {', '.join(operands)}{extra}  @{atomic.site}"


def _warp(statement: WarpOp) -> str:
    target = "" if statement.target is None else f"{statement.target.name} = "
    operands = [show_expr(e) for e in (statement.value, statement.lane) if e is not None]
    if statement.mask is not None:
        operands.append(f"mask={show_expr(statement.mask)}")
    if statement.width != 32:
        operands.append(f"width={statement.width}")
    if statement.exclusive:
        operands.append("exclusive")
    listed = f" {', '.join(operands)}" if operands else ""
    return f"{target}warp {statement.function}{listed}  @{statement.site}"
