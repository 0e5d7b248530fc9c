"""The functions of Python's `operator` module, which are its syntax by other names.

operator.add(x, y)            x + y
combine(operator.mul, x, y)   what `combine` does with its first parameter is x * y
operator.getitem(a, i)        a[i]
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.values import NOTHING, UNKNOWN
from oxide_analyzer.language.numba import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.language.row import Builtin

_BINARY: Mapping[str, type[ast.operator]] = {
    "add": ast.Add,
    "sub": ast.Sub,
    "mul": ast.Mult,
    "truediv": ast.Div,
    "floordiv": ast.FloorDiv,
    "mod": ast.Mod,
    "pow": ast.Pow,
    "and_": ast.BitAnd,
    "or_": ast.BitOr,
    "xor": ast.BitXor,
    "lshift": ast.LShift,
    "rshift": ast.RShift,
}
_COMPARED: Mapping[str, type[ast.cmpop]] = {
    "lt": ast.Lt,
    "le": ast.LtE,
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "ge": ast.GtE,
    "gt": ast.Gt,
}
_UNARY: Mapping[str, type[ast.unaryop]] = {
    "neg": ast.USub,
    "pos": ast.UAdd,
    "invert": ast.Invert,
    "inv": ast.Invert,
    "not_": ast.Not,
}


def call(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """A call of one of them."""
    same = None if node.keywords else written(row.short_name, node.args)
    if isinstance(same, ast.expr):
        return lowering.evaluate(ast.copy_location(same, node))
    if isinstance(same, ast.stmt):
        lowering.execute([ast.copy_location(same, node)])
        return NOTHING
    lowering.assume(node, f"what `{lowering.text(node.func)}` does")
    return UNKNOWN


def written(name: str, given: list[ast.expr]) -> ast.expr | ast.stmt | None:
    """The syntax that a call is; None if it is none."""
    # Numbers are not changed in place: `iadd` gives what `add` gives.
    plain = name if name in _BINARY else name.removeprefix("i")
    plain = plain if plain in _BINARY else f"{plain}_"
    match given:
        case [ast.Starred()] | [ast.Starred(), _] | [_, ast.Starred()]:
            return None
        case [left, right] if plain in _BINARY:
            return ast.BinOp(left, _BINARY[plain](), right)
        case [left, right] if name in _COMPARED:
            return ast.Compare(left, [_COMPARED[name]()], [right])
        case [array, index] if name == "getitem":
            return ast.Subscript(array, index, ast.Load())
        case [array, index, value] if name == "setitem":
            target = ast.copy_location(ast.Subscript(array, index, ast.Store()), array)
            return ast.Assign([target], value)
        case [operand] if name in _UNARY:
            return ast.UnaryOp(_UNARY[name](), operand)
        case [operand] if name == "truth":
            return ast.UnaryOp(
                ast.Not(), ast.copy_location(ast.UnaryOp(ast.Not(), operand), operand)
            )
        case [operand] if name == "abs":
            made = ast.Call(ast.copy_location(ast.Name("abs", ast.Load()), operand), given, [])
            return ast.copy_location(made, operand)
        case _:
            return None


CALLS: Mapping[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    name: call for name in ROWS if name.startswith("operator.")
}
