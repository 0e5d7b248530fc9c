"""What `with` and `try` say: a device, a buffer to be freed, or that something is meant to fail."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.host import api
from oxide_analyzer.host.state import Use
from oxide_analyzer.host.values import UNKNOWN, Kind, Path, Thing, Value
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.host.expressions import Expressions

_FAILING = ("raises", "suppress", "warns", "assertRaises", "assertRaisesRegex", "assertWarns")
# Who catches one of these expects what Oxide refuses; who catches everything may not.
_CAUGHT = ("Error", "KernelAssertion")
_UNRELATED = frozenset(
    (
        "ImportError",
        "ModuleNotFoundError",
        "OSError",
        "IOError",
        "FileNotFoundError",
        "PermissionError",
        "KeyError",
        "AttributeError",
        "MissingExtraError",
        "TimeoutError",
    )
)


@record
class Context:
    """What a `with` binds and means."""

    value: Value
    device: str | None = None
    expects: bool = False


def entered(node: ast.expr, given: Value, here: Expressions) -> Context:
    """The context of an expression behind `with`, which gives `given`."""
    match given:
        case Thing(kind=Kind.BUFFER):
            return Context(given)
        case Thing(kind=Kind.FOREIGN_STREAM):
            return Context(given)
        case _:
            pass
    if not isinstance(node, ast.Call):
        return Context(UNKNOWN)
    match here.value(node.func), node.args:
        case Path(dotted="oxide.device"), [name]:
            return Context(UNKNOWN, api.device_of(here.value(name)) or "")
        case Path(dotted="oxide.unsafe"), _:
            return Context(UNKNOWN)
        case _:
            pass
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = node.func.id if isinstance(node.func, ast.Name) else name
    return Context(UNKNOWN, expects=name in _FAILING)


def left(context: Context, node: ast.With | ast.AsyncWith, here: Expressions) -> None:
    """The end of a `with`."""
    if isinstance(context.value, Thing) and context.value.kind is Kind.BUFFER:
        span = here.span(node.items[0].context_expr)
        use = Use(span, "freed at the end of this `with`")
        here.state.freed.setdefault(context.value.number, use)
    else:
        # Who is left may wait for something.
        here.anything_happens()


def is_expected(handlers: list[ast.ExceptHandler]) -> bool:
    """Whether what stands in front of these handlers is written for an error of Oxide."""
    for handler in handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds:
            name = kind.attr if isinstance(kind, ast.Attribute) else ""
            name = kind.id if isinstance(kind, ast.Name) else name
            if name.endswith(_CAUGHT) and name not in _UNRELATED:
                return True
    return False
