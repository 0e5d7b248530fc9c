"""What is said about a value that is no number where a number is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.annotations import StructType
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    EnumMember,
    FunctionRole,
    HostObject,
    Known,
    ModuleMeaning,
    NumberConstant,
    TupleConstant,
    TypeExpression,
    TypeVariable,
    UserClass,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.values import (
    ArrayValue,
    FunctionValue,
    MeaningValue,
    Nothing,
    Number,
    TupleValue,
    Unknown,
)
from oxide_analyzer.language.builtins import PLANNED_NAMES
from oxide_analyzer.rules import (
    ox002_unsupported_construct,
    ox003_type_mismatch,
    ox006_host_object_in_kernel,
)

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.meanings import Meaning
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.rules.rule import Rule

_OX002 = ox002_unsupported_construct.RULE
_OX003 = ox003_type_mismatch.RULE
_OX006 = ox006_host_object_in_kernel.RULE


def not_a_number(value: Value, text: str) -> tuple[Rule, str] | None:
    """Rule and message; `text` is the source of the value. None if there is nothing to say."""
    match value:
        case MeaningValue(meaning=meaning):
            return _meaning(meaning, text)
        case ArrayValue(array=array):
            return _OX003, f"`{text}` is an array of {array.element}, not a number; index it"
        case TupleValue(struct=StructType(name=name)):
            return _OX003, f"`{text}` is a `{name}`, not a number; name one of its fields"
        case TupleValue(items=items):
            return _OX003, f"`{text}` is a tuple of {len(items)}, not a number"
        case FunctionValue():
            return _OX003, f"`{text}` is a function, not a number; call it: `{text}(…)`"
        case Nothing():
            return _OX003, f"`{text}` gives no value"
        case Number() | Unknown():
            return None


def _meaning(meaning: Meaning, text: str) -> tuple[Rule, str] | None:
    host = ox006_host_object_in_kernel
    match meaning:
        case Known(builtin=row):
            return (
                _OX003,
                f"`{text}` is a {row.kind}, not a number; it is used as `{row.signature}`",
            )
        case UserFunction(node=node, role=FunctionRole.DEVICE):
            return _OX003, f"`{text}` is a function, not a number; call it: `{node.name}(…)`"
        case UserFunction(role=role):
            return _OX006, host.function(text, role is FunctionRole.KERNEL)
        case ModuleMeaning(name=name):
            return _OX006, host.module(text, name.lstrip("."))
        case HostObject(what=what) if what.strip("`").removeprefix("oxide.") in PLANNED_NAMES:
            return _OX002, f"kernels have no `{text}` yet"
        case HostObject(what=what):
            return _OX006, host.host_object(text, what)
        case UserClass(node=node, kind=ClassKind.ENUM):
            return _OX003, f"`{text}` is an enum, not a number; use its members: `{node.name}.…`"
        case UserClass(node=node):
            return _OX003, f"`{text}` is a class, not a number; make one: `{node.name}(…)`"
        case TypeExpression():
            return _OX003, f"`{text}` is a type, not a number"
        case TypeVariable():
            return (
                _OX003,
                f"`{text}` is a type variable; what it stands for is the `.dtype` of an array",
            )
        case NumberConstant() | TupleConstant() | EnumMember():
            return None
