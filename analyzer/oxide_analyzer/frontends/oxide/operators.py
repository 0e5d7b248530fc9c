"""Operators: arithmetic, comparison, logic and the ternary.

What stands left guards what stands right: where the right side needs statements (a load, a
division), they go into the branch of an `If`, and the result into a temporary.

    i < n and a[i] > 0       if i < n:
                                 %1 = load a[i]
                        is       %2 = %1 > 0
                             else:
                                 %2 = False
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants, powers
from oxide_analyzer.frontends.oxide.meanings import EnumMember
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Give,
    Number,
    TupleValue,
    is_plain,
    literal,
)
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    CheckDivisor,
    Compare,
    CompareOp,
    Const,
    DivisorRole,
    If,
    Logic,
    LogicOp,
    Not,
    Read,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.types import BOOL, I64, Kind
from oxide_analyzer.rules.ox002_unsupported_construct import constant as constant_of
from oxide_analyzer.rules.ox002_unsupported_construct import operator as unsupported
from oxide_analyzer.rules.ox003_type_mismatch import no_common_type

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr, Stmt
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span

BINARY: dict[type[ast.operator], BinaryOp] = {
    ast.Add: BinaryOp.ADD,
    ast.Sub: BinaryOp.SUB,
    ast.Mult: BinaryOp.MUL,
    ast.Div: BinaryOp.DIV,
    ast.FloorDiv: BinaryOp.FLOORDIV,
    ast.Mod: BinaryOp.MOD,
    ast.BitAnd: BinaryOp.AND,
    ast.BitOr: BinaryOp.OR,
    ast.BitXor: BinaryOp.XOR,
    ast.LShift: BinaryOp.SHL,
    ast.RShift: BinaryOp.SHR,
    ast.Pow: BinaryOp.POW,
}
COMPARE: dict[type[ast.cmpop], CompareOp] = {
    ast.Eq: CompareOp.EQ,
    ast.NotEq: CompareOp.NE,
    ast.Lt: CompareOp.LT,
    ast.LtE: CompareOp.LE,
    ast.Gt: CompareOp.GT,
    ast.GtE: CompareOp.GE,
}
_BITS = {BinaryOp.AND, BinaryOp.OR, BinaryOp.XOR, BinaryOp.SHL, BinaryOp.SHR}
_DIVIDING = {BinaryOp.FLOORDIV, BinaryOp.MOD}
_SHIFTS = {BinaryOp.SHL, BinaryOp.SHR}


def constant(lowering: Lowering, node: ast.Constant) -> Value:
    """A literal."""
    value = node.value
    if not isinstance(value, bool | int | float):
        return lowering.refuse(node, constant_of(value))
    number = literal(value, lowering.span(node))
    if number is None:
        return lowering.mismatch(node, f"literal {lowering.text(node)} fits no integer type")
    return number


def binary(lowering: Lowering, node: ast.BinOp) -> Value:
    """`left op right`; a chain of operators is walked along its left side, not recursed into."""
    chain = [node]
    while isinstance(chain[-1].left, ast.BinOp):
        chain.append(chain[-1].left)
    value = lowering.evaluate(chain[-1].left)
    left = value if isinstance(value, Number) else operand(lowering, value, chain[-1].left)
    for link in reversed(chain):
        value = lowering.evaluate(link.right)
        right = value if isinstance(value, Number) else operand(lowering, value, link.right)
        if type(link.op) not in BINARY:
            left = None
            lowering.refuse(link, unsupported(link.op))
        elif left is not None and right is not None:
            left = arithmetic(lowering, link.op, left, right, link, link.right)
        else:
            left = None
    return UNKNOWN if left is None else left


def operand(lowering: Lowering, value: Value, node: ast.expr) -> Number | None:
    """The value as an operand of arithmetic."""
    match value:
        case ArrayValue(array=array):
            text = lowering.text(node)
            lowering.mismatch(
                node,
                f"`{text}` is an array of {array.element}; arithmetic is by element: `{text}[i]`",
            )
            return None
        case TupleValue():
            lowering.refuse(node, "kernels have no arithmetic of tuples; take their items")
            return None
        case _:
            return lowering.number(value, node)


def arithmetic(
    lowering: Lowering,
    operator: ast.operator,
    left: Number,
    right: Number,
    node: ast.expr | ast.stmt,
    right_node: ast.expr,
) -> Number | None:
    """One operator applied to two numbers."""
    op = BINARY[type(operator)]
    taken = lowering.operands(op, left, right, node)
    if isinstance(taken, Number):
        return taken
    left, right = taken
    if op is BinaryOp.POW:
        shorter = powers.short_power(lowering, left, right, node, right_node)
        if shorter is not None:
            return shorter if isinstance(shorter, Number) else None
    if op in _SHIFTS and isinstance(right.value, int) and right.value < 0:
        lowering.mismatch(right_node, f"`{op}` by {right.value}, a negative amount")
        return None
    if left.type.kind is Kind.BOOL or right.type.kind is Kind.BOOL:
        _refuse_bool(lowering, op, left, right, node)
        return None
    if op is BinaryOp.DIV and not left.type.is_float and not right.type.is_float:
        lowering.mismatch(
            node,
            f"`/` between {left.type} and {right.type}; write `//`, or a cast such as `f32(…) / …`",
        )
        return None
    met = lowering.meet(left, right)
    if met is None:
        lowering.mismatch(node, no_common_type(op, left.type, right.type))
        return None
    common, give = met
    if op in _BITS and not common.is_integer:
        lowering.mismatch(node, f"`{op}` is for integers, the operands are {common}")
        return None
    if give is Give.LITERAL:
        return _literal(lowering, operator, op, left, right, node)
    one = lowering.convert(left, common, _side(node, right_node), f"the left side of `{op}`")
    other = lowering.convert(right, common, right_node, f"the right side of `{op}`")
    if one is None or other is None:
        return None
    span = lowering.span(node)
    expr = Binary(op, one, other, common, span, _divisor(lowering, op, other, common, span))
    return lowering.flat(Number(expr, common, give, depth=max(left.depth, right.depth) + 1))


def unary(lowering: Lowering, node: ast.UnaryOp) -> Value:
    """`-x`, `+x`, `~x`, `not x`."""
    if isinstance(node.op, ast.Not):
        value = lowering.decision(node.operand)
        expr = lowering.truth(value, node.operand)
        if expr is None or not isinstance(value, Number | TupleValue):
            return UNKNOWN
        depth = value.depth if isinstance(value, Number) else 0
        return lowering.flat(Number(Not(expr, lowering.span(node)), BOOL, depth=depth + 1))
    value = lowering.evaluate(node.operand)
    if isinstance(value, TupleValue):
        made = lowering.signed(value, node)
        if made is not None:
            return made
    number = value if isinstance(value, Number) else operand(lowering, value, node.operand)
    if number is None:
        return UNKNOWN
    sign = "~" if isinstance(node.op, ast.Invert) else "-"
    own = lowering.under_sign(number, node)
    if own is not None:
        return own
    if number.type.kind is Kind.BOOL:
        hint = "write `not`" if sign == "~" else "write `i64(…)` round it"
        return lowering.mismatch(node, f"`{sign}` of a bool; {hint}")
    if isinstance(node.op, ast.UAdd):
        return number
    if sign == "~" and not number.type.is_integer:
        return lowering.mismatch(node, f"`~` is for integers, the operand is {number.type}")
    span = lowering.span(node)
    if number.give is Give.LITERAL and number.choice is None:
        value = number.value
        if value is not None:
            value = -1 - value if sign == "~" and isinstance(value, int) else -value
        if isinstance(number.expr, Const) and value is not None:
            made = literal(value, span)
            return made or lowering.mismatch(node, f"literal {value} fits no integer type")
        expr = Unary(UnaryOp(sign), number.expr, number.expr.type, span)
        return Number(expr, number.type, Give.LITERAL, value, number.constant, number.depth + 1)
    expr = Unary(UnaryOp(sign), number.expr, number.expr.type, span)
    give = Give.WEAK if number.give is Give.LITERAL else number.give
    return lowering.flat(Number(expr, number.type, give, depth=number.depth + 1))


def compare(lowering: Lowering, node: ast.Compare) -> Value:
    """`a < b <= c`: each side is evaluated once, the right ones only if the left ones held."""
    left_node = node.left
    left = _compared(lowering, left_node)
    result: Expr | None = None
    failed = left is None
    depth = 0
    steps = list(zip(node.ops, node.comparators, strict=True))
    for k, (written, right_node) in enumerate(steps):
        op = COMPARE.get(type(written))
        if isinstance(written, ast.Is | ast.IsNot) and _is_member(lowering, left_node, right_node):
            op = CompareOp.EQ if isinstance(written, ast.Is) else CompareOp.NE
        if op is None:
            return lowering.refuse(node, unsupported(written))
        with lowering.collect() as inner:
            right = _compared(lowering, right_node)
            made = None
            if isinstance(left, TupleValue) or isinstance(right, TupleValue):
                made = lowering.equality(op, left, right, node)
            else:
                if right is not None and k + 1 < len(steps) and not is_plain(right):
                    right = lowering.hold(right, lowering.span(right_node))
                if left is not None and right is not None:
                    made = comparison(lowering, op, left, right, left_node, right_node)
                    depth = max(depth, left.depth, right.depth) + 1
        failed = failed or made is None
        if result is None or made is None:
            for statement in inner:
                lowering.emit(statement)
            result = made if k == 0 else result
        else:
            result = guarded(lowering, LogicOp.AND, result, inner, made, lowering.span(node))
            flat = lowering.flat(Number(result, BOOL, depth=depth))
            result, depth = flat.expr, flat.depth
        left, left_node = right, right_node
    if failed or result is None:
        return UNKNOWN
    return lowering.flat(Number(result, BOOL, depth=depth))


def comparison(
    lowering: Lowering,
    op: CompareOp,
    left: Number,
    right: Number,
    left_node: ast.expr,
    right_node: ast.expr,
) -> Compare | None:
    """One comparison of two numbers."""
    met = lowering.meet(left, right)
    if met is None:
        lowering.mismatch(right_node, no_common_type(op, left.type, right.type))
        return None
    common, _ = met
    if common.kind is Kind.BOOL and op not in (CompareOp.EQ, CompareOp.NE):
        lowering.mismatch(
            right_node, f"`{op}` between bools; write `and`, `or`, `not`, `==` or `!=`"
        )
        return None
    one = lowering.convert(left, common, left_node, f"the left side of `{op}`")
    other = lowering.convert(right, common, right_node, f"the right side of `{op}`")
    if one is None or other is None:
        return None
    start, end = lowering.span(left_node), lowering.span(right_node)
    span = start.__class__(start.path, start.line, start.column, end.end_line, end.end_column)
    return Compare(op, one, other, span)


def logic(lowering: Lowering, node: ast.BoolOp) -> Value:
    """`a and b`, `a or b`: bool, with the right side evaluated only if it decides."""
    op = LogicOp.AND if isinstance(node.op, ast.And) else LogicOp.OR
    value = lowering.decision(node.values[0])
    result = lowering.truth(value, node.values[0])
    depth = value.depth if isinstance(value, Number) else 0
    failed = result is None
    for right_node in node.values[1:]:
        with lowering.collect() as inner:
            value = lowering.decision(right_node)
            right = lowering.truth(value, right_node)
        if result is None or right is None:
            failed = True
            continue
        result = guarded(lowering, op, result, inner, right, lowering.span(node))
        depth = max(depth, value.depth if isinstance(value, Number) else 0) + 1
        flat = lowering.flat(Number(result, BOOL, depth=depth))
        result, depth = flat.expr, flat.depth
    return UNKNOWN if failed or result is None else Number(result, BOOL, depth=depth)


def divisor_check(lowering: Lowering, divisor: Expr, role: DivisorRole, span: Span) -> int | None:
    """Demand that an integer is not zero; a literal that is not needs no check."""
    if lowering.is_compile_time or (isinstance(divisor, Const) and divisor.value != 0):
        return None
    site = lowering.site()
    lowering.emit(CheckDivisor(divisor, role, site, span))
    return site


def _divisor(
    lowering: Lowering, op: BinaryOp, divisor: Expr, common: Scalar, span: Span
) -> int | None:
    if op not in _DIVIDING or not common.is_integer:
        return None
    return divisor_check(lowering, divisor, DivisorRole.DIVISOR, span)


def _literal(
    lowering: Lowering,
    operator: ast.operator,
    op: BinaryOp,
    left: Number,
    right: Number,
    node: ast.expr | ast.stmt,
) -> Number | None:
    """Literals with literals: computed exactly; with constants from outside, at i64 or f64."""
    span = lowering.span(node)
    known = None
    if left.value is not None and right.value is not None:
        is_literal = isinstance(right.expr, Const) and isinstance(left.value, int)
        if op in _DIVIDING and right.value == 0 and is_literal:
            lowering.mismatch(node, f"`{op}` by zero")
            return None
        known = constants.fold(operator, left.value, right.value)
    if isinstance(left.expr, Const) and isinstance(right.expr, Const):
        if known is None:
            lowering.mismatch(node, "the value fits no type")
            return None
        made = literal(known, span)
        if made is None:
            lowering.mismatch(node, f"the value {known} fits no integer type")
        return made
    common = left.expr.type if left.expr.type == right.expr.type else None
    one, other = left.expr, right.expr
    if common is None:
        met = lowering.meet(Number(one, one.type), Number(other, other.type))
        common = I64 if met is None else met[0]
        first = lowering.convert(left, common, _any(node), "it")
        second = lowering.convert(right, common, _any(node), "it")
        if first is None or second is None:
            return None
        one, other = first, second
    site = None
    if op in _DIVIDING and common.is_integer:
        site = divisor_check(lowering, other, DivisorRole.DIVISOR, span)
    expr = Binary(op, one, other, common, span, site)
    default = common if common.is_integer else left.type if left.type.is_float else right.type
    constant = left.constant and right.constant
    give = Give.LITERAL if constant else Give.WEAK
    if give is Give.WEAK:
        default = common
    depth = max(left.depth, right.depth) + 1
    return lowering.flat(Number(expr, default, give, known, constant, depth))


def guarded(
    lowering: Lowering, op: LogicOp, left: Expr, inner: list[Stmt], right: Expr, span: Span
) -> Expr:
    """`left op right`, with the statements of the right side run only if it decides."""
    if not inner:
        return Logic(op, left, right, span)
    local = lowering.temporary(BOOL)
    decides = (*inner, Assign(local, right, span))
    decided = (Assign(local, Const(op is LogicOp.OR, BOOL, span), span),)
    if op is LogicOp.AND:
        lowering.emit(If(left, decides, decided, left.span))
    else:
        lowering.emit(If(left, decided, decides, left.span))
    return Read(local, span)


def _compared(lowering: Lowering, node: ast.expr) -> Number | TupleValue | None:
    value = lowering.evaluate(node)
    if isinstance(value, Number) or (
        isinstance(value, TupleValue) and lowering.has_equality(value)
    ):
        return value
    return lowering.number(value, node)


def _is_member(lowering: Lowering, *nodes: ast.expr) -> bool:
    """Whether one of them names a member of an enum, of which there is one object each."""
    scope = lowering.frame.function.scope
    return any(isinstance(lowering.resolver.expression(n, scope), EnumMember) for n in nodes)


def _refuse_bool(
    lowering: Lowering, op: BinaryOp, left: Number, right: Number, node: ast.expr | ast.stmt
) -> None:
    if op in (BinaryOp.AND, BinaryOp.OR) and left.type == right.type:
        word = "and" if op is BinaryOp.AND else "or"
        lowering.mismatch(node, f"`{op}` is for integers; between bools write `{word}`")
    elif op is BinaryOp.XOR and left.type == right.type:
        lowering.mismatch(node, "`^` is for integers; between bools write `!=`")
    elif left.type == right.type:
        lowering.mismatch(node, f"`{op}` between bools; convert them: `i32(…) {op} i32(…)`")
    else:
        lowering.mismatch(node, no_common_type(op, left.type, right.type))


def _side(node: ast.expr | ast.stmt, right: ast.expr) -> ast.expr:
    """Where the left operand stands."""
    if isinstance(node, ast.BinOp):
        return node.left
    if isinstance(node, ast.AugAssign):
        return node.target
    return right


def _any(node: ast.expr | ast.stmt) -> ast.expr:
    return node if isinstance(node, ast.expr) else _side(node, ast.Constant(0))
