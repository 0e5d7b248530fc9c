"""Frozen dataclasses with slots, made five times as fast as `dataclass` makes them.

`oxide-check` makes some 150 classes of values before it reads a line. For each of them
`dataclass` compiles seven methods, which took 0.4 ms a class and half of a short run. Here only
`__init__` is compiled; the other methods are closures over the names of the fields:

    @record                          @dataclass(frozen=True, slots=True)
    class Edit:                      class Edit:
        span: Span             is        span: Span
        text: str = ""                   text: str = ""

The classes are dataclasses still: `fields`, `replace`, `match`, pickles and type checkers take
them as such. A class with `__post_init__`, or with fields that its constructor does not take,
stays with `dataclass`.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A frozen record, equal to another of its class whose fields are equal."""
    made = _make(cls)
    names = [each.name for each in fields(made)]
    # Of one field its bare value does: only records of one class are compared.
    key = attrgetter(*names) if names else _nothing

    def __eq__(self: object, other: object) -> bool:
        return key(self) == key(other) if type(self) is type(other) else NotImplemented

    def __hash__(self: object) -> int:
        return hash(key(self))

    made.__eq__ = __eq__
    made.__hash__ = __hash__
    return made


class Hashed:
    """A base for records that are looked up often: their hash is computed once.

    Conditions contain conditions; without this, each look-up would walk the whole tree.
    """

    __slots__ = ("_hash",)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def hashed_record(cls: type[T]) -> type[T]:
    """A `record` below `Hashed`, which keeps its hash."""
    made: Any = record(cls)
    slow_hash = made.__hash__
    slow_equal = made.__eq__
    keep = Hashed._hash.__set__  # type: ignore[attr-defined]

    def __hash__(self: Any) -> int:  # noqa: ANN401
        try:
            return self._hash
        except AttributeError:
            found = slow_hash(self)
            keep(self, found)
            return found

    def __eq__(self: object, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return __hash__(self) == __hash__(other) and slow_equal(self, other)

    made.__hash__ = __hash__
    made.__eq__ = __eq__
    return made


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def distinct(cls: type[T]) -> type[T]:
    """A frozen record that is equal to itself only."""
    return _make(cls)


def _make(cls: type) -> Any:  # noqa: ANN401
    """The class with slots, a constructor, and what a frozen record refuses."""
    if not cls.__doc__:
        # `dataclass` would write the signature here, which takes longer than all the rest.
        cls.__doc__ = cls.__name__
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    values = _values(made)

    def __reduce__(self: object) -> tuple[type, tuple[Any, ...]]:
        return made, values(self)

    made.__init__ = _constructor(made)
    made.__repr__ = _repr
    made.__setattr__ = _refuse
    made.__delattr__ = _refuse
    made.__reduce__ = __reduce__
    return made


def _constructor(cls: Any) -> Callable[..., None]:  # noqa: ANN401
    """Its `__init__`, which fills the slots past `__setattr__`.

    def __init__(self, span, text=default_text):
        set_span(self, span)
        set_text(self, text)
    """
    parameters, body = ["self"], ["pass"]
    names: dict[str, Any] = {"MISSING": MISSING}
    for each in fields(cls):
        name = value = each.name
        names[f"set_{name}"] = getattr(cls, name).__set__
        if each.default is not MISSING:
            names[f"default_{name}"] = each.default
            parameters.append(f"{name}=default_{name}")
        elif each.default_factory is not MISSING:
            names[f"make_{name}"] = each.default_factory
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        else:
            parameters.append(name)
        body.append(f"set_{name}(self, {value})")
    exec(f"def __init__({', '.join(parameters)}): {'; '.join(body)}", names)
    return names["__init__"]


def _values(cls: Any) -> Callable[[object], tuple[Any, ...]]:  # noqa: ANN401
    """What takes the values of all fields of an instance."""
    names = [each.name for each in fields(cls)]
    if len(names) > 1:
        return attrgetter(*names)
    # Of one name `attrgetter` gives the bare value, and of none it does not exist.
    return lambda self: tuple(getattr(self, name) for name in names)


def _nothing(_: object) -> None:
    """The value of a record without fields."""


def _repr(self: Any) -> str:  # noqa: ANN401
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise FrozenInstanceError(f"`{type(self).__name__}` is frozen: its `{name}` does not change")
