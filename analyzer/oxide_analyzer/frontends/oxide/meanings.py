"""What a name of the source can mean."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.language.records import Record
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import SourceFile


LAMBDA = "<lambda>"
"""Python's name of a function without one."""


class NumberKind(Enum):
    """Python's types of numbers."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"


class FunctionRole(Enum):
    """What the decorators make of a function."""

    KERNEL = "kernel"
    DEVICE = "device"
    PLAIN = "plain"


@record
class Known:
    """A name of the language: `f32`, `thread.x`, `math.sqrt`, `min`."""

    builtin: Builtin


@record
class ModuleMeaning:
    """A module; `source` is None if its text is not at hand."""

    name: str
    source: SourceFile | None


@distinct
class UserFunction:
    """A function of the user's; `scope` is where its `def` stands."""

    node: FunctionNode
    scope: Scope
    role: FunctionRole


class ClassKind(Enum):
    """What the decorators and bases make of a class."""

    STRUCT = "struct"  # @struct
    POLICY = "frozen dataclass"  # @dataclass(frozen=True)
    ENUM = "enum"


@distinct
class UserClass:
    """A class of the user's that kernels know; `scope` is where it stands."""

    node: ast.ClassDef
    scope: Scope
    kind: ClassKind


@distinct
class TypeVariable:
    """`T = TypeVar("T", f32, f64)`: `options` are its constraints, read in `scope`."""

    name: str
    options: tuple[ast.expr, ...]
    scope: Scope


@record
class EnumMember:
    """`Op.ADD`: the integer that `value` gives, and the member that the host knows."""

    owner: UserClass
    name: str
    value: int


@record
class NumberConstant:
    """A number from outside the kernel.

    `value` is None where only the live program knows it. `scope` and `name` say which variable
    it is, whatever alias led to it.
    """

    kind: NumberKind
    value: int | float | bool | None
    scope: Scope
    name: str


@record
class TupleConstant:
    """A tuple of numbers, or of such tuples, from outside the kernel.

    `element` is the type that the annotation gives to the numbers.
    """

    items: tuple[NumberConstant | TupleConstant, ...]
    element: Scalar | None = None


@record
class TypeExpression:
    """`Vector = Slice[f32]`: an alias of a type, to be read in `scope`."""

    node: ast.expr
    scope: Scope


@record
class HostObject:
    """Anything else that Python knows and kernels do not; `what` ends "… is".

    Of one that is a type of elements, such as a structured dtype, `element` is that.
    """

    what: str
    element: Record | None = None


Meaning: TypeAlias = (
    Known
    | ModuleMeaning
    | UserFunction
    | UserClass
    | EnumMember
    | TypeVariable
    | NumberConstant
    | TupleConstant
    | TypeExpression
    | HostObject
)
