"""Numbers and types from outside of a kernel: symbols, parameters that functions bring, choices.

TILE = 16              TILE        $TILE = 16, which adapts like a literal
def make(n): …         n           $n, known when the kernel is launched
n: Const[int]          n           $n, an argument of the launch
lambda x: x * f        f           a parameter `fn.f` of the kernel
x: Slice[T]            T           f32 in one reading, f64 in the next
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.meanings import LAMBDA, NumberKind
from oxide_analyzer.frontends.oxide.values import Give, Number, literal_fits
from oxide_analyzer.ir.kernel import Constant, ScalarParameter, TypeChoice
from oxide_analyzer.ir.nodes import Param, Symbol
from oxide_analyzer.language.types import BOOL, F32, F64, I64, U64, Scalar

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.meanings import NumberConstant
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.source import Located


def constant(
    lowering: Lowering,
    meaning: NumberConstant,
    path: tuple[str, ...],
    node: Located,
    declared: Scalar | None = None,
) -> Value:
    """A number from outside the kernel: a symbol of the IR that adapts like a literal, unless it
    is `declared` of a type."""
    value = meaning.value
    kind = meaning.kind
    if kind is NumberKind.INT:
        type = U64 if isinstance(value, int) and value > I64.max else I64
        if isinstance(value, int) and not type.min <= value <= type.max:
            return lowering.mismatch(
                node, f"`{'.'.join(path)}` is {value}, which no integer type holds"
            )
    else:
        type = F64 if kind is NumberKind.FLOAT else BOOL
    if declared is not None and type is not declared:
        if type is BOOL or (value is not None and not literal_fits(value, declared)):
            return lowering.mismatch(node, f"`{'.'.join(path)}` is {value}, which is no {declared}")
        type = declared
    is_given = bool(lowering.frame.record.argument) and not lowering.frame.record.route
    # A lambda takes all numbers as they are at the launch; what the source of a `def` says once is
    # a constant.
    is_lambda = lowering.frame.function.node.name == LAMBDA
    is_open = len(path) == 1 and (value is None or is_lambda)
    if is_given and (not meaning.scope.is_module or is_open):
        return _capture(lowering, path, node)
    # Globals are one per file; a closure is one per place of the `def`.
    where: object = lowering.frame.source.path
    if not meaning.scope.is_module:
        where = lowering.frame.function.scope
    key = where, path
    known = lowering.constants.get(key)
    if known is None:
        symbol = ".".join(path)
        count = 0
        while symbol in lowering.symbols:
            count += 1
            symbol = f"{'.'.join(path)}@{count}"
        lowering.symbols.add(symbol)
        known = Constant(symbol, path, lowering.frame.record, type, value, lowering.span(node))
        lowering.constants[key] = known
    expr = Symbol(known.symbol, type, lowering.span(node))
    if type is BOOL or declared is not None:
        return Number(expr, type, Give.FIXED, value, True)
    default = type
    if type is F64 and (value is None or literal_fits(value, F32)):
        default = F32
    return Number(expr, default, Give.LITERAL, value, True)


def _capture(lowering: Lowering, path: tuple[str, ...], node: Located) -> Value:
    """A number in a cell of a function that the launch was given: a parameter of the kernel."""
    argument = lowering.frame.record.argument
    text = ".".join(path)
    held = lowering.given.functions[argument].captured.get(text)
    if held is None:
        return lowering.mismatch(node, f"`{text}` is captured by `{argument}` and is no number")
    name, span = f"{argument}.{text}", lowering.span(node)
    lowering.captured.setdefault(name, ScalarParameter(name, held.type, span))
    give = Give.LITERAL if held.adapts else Give.FIXED
    default = F32 if held.adapts and held.type is F64 else held.type
    return Number(Param(name, held.type, span), default, give)


def argument(lowering: Lowering, name: str, type: Scalar | NumberKind, node: Located) -> Value:
    """A number that the launch knows when it compiles: a symbol, `name` is where it is."""
    own = {NumberKind.INT: I64, NumberKind.FLOAT: F64, NumberKind.BOOL: BOOL}
    scalar = type if isinstance(type, Scalar) else own[type]
    span = lowering.span(node)
    path = tuple(name.split("."))
    record = lowering.frame.record
    lowering.symbols.add(name)
    lowering.constants["argument", name] = Constant(
        name, path, record, scalar, None, span, ("argument",)
    )
    default, give = scalar, Give.FIXED
    if type in (NumberKind.INT, NumberKind.FLOAT):
        default, give = (F32 if scalar is F64 else scalar), Give.LITERAL
    found = Number(Symbol(name, scalar, span), default, give, None, True)
    lowering.arguments[name] = found
    return found


def choose(lowering: Lowering, name: str, options: tuple[Scalar, ...]) -> Scalar:
    """The type that `name` is in this reading."""
    chosen = lowering.given.types.get(name, options[0])
    lowering.choices[name] = TypeChoice(name, chosen, options, (), ())
    return chosen
