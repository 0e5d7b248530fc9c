"""Records behave as the frozen dataclasses with slots that they stand for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace

import pytest

from oxide_analyzer.record import distinct, record


@record
class Point:
    x: float
    y: float = 0.0
    names: list[str] = field(default_factory=list)

    @property
    def norm(self) -> float:
        return self.x * self.x + self.y * self.y


@record
class Label:
    text: str


@record
class Nothing:
    """No fields."""


@distinct
class Node:
    value: int
    next: Node | None = None


def test_constructor_takes_places_names_and_defaults():
    assert (Point(1.0).y, Point(1.0, 2.0).y, Point(y=3.0, x=1.0).y) == (0.0, 2.0, 3.0)
    assert Point(3.0, 4.0).norm == 25.0
    with pytest.raises(TypeError, match="required positional argument: 'x'"):
        Point()  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1.0, z=2.0)  # pyright: ignore[reportCallIssue]


def test_each_gets_its_own_default_value():
    one, other = Point(1.0), Point(1.0)
    one.names.append("a")
    assert other.names == []


def test_records_of_one_class_are_equal_by_value():
    assert Point(1.0) == Point(1.0, 0.0, [])
    assert Point(1.0) != Point(1.0, 2.0)
    assert Label("a") == Label("a") != Label("b")
    assert Label("a") != "a"
    assert Nothing() == Nothing() != Label("a")
    assert {Label("a"): 1}[Label("a")] == 1
    assert hash(Nothing()) == hash(Nothing())
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1.0))


def test_distinct_records_are_equal_to_themselves_only():
    one = Node(1)
    assert one == one
    assert one != Node(1)
    assert len({one, Node(1), one}) == 2


@pytest.mark.parametrize("made", [Point(1.0), Label("a"), Node(1)])
def test_nothing_can_be_assigned(made: object):
    name = fields(made)[0].name  # pyright: ignore[reportArgumentType]
    for change in (lambda: setattr(made, name, 2), lambda: delattr(made, name)):
        with pytest.raises(FrozenInstanceError, match=f"its `{name}` does not change"):
            change()
    with pytest.raises(FrozenInstanceError):
        made.other = 1  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(made, "__dict__")


def test_what_takes_dataclasses_takes_records():
    assert replace(Point(1.0), y=2.0) == Point(1.0, 2.0)
    assert [each.name for each in fields(Point)] == ["x", "y", "names"]
    match Point(1.0, 2.0):
        case Point(x, y=y):
            assert (x, y) == (1.0, 2.0)
    assert repr(Node(1, Node(2))) == "Node(value=1, next=Node(value=2, next=None))"
    assert Point.__doc__ == "Point"


def test_pickles_and_copies():
    for made in (Point(1.0, 2.0, ["a"]), Label("a"), Nothing()):
        assert pickle.loads(pickle.dumps(made)) == made
        assert copy.deepcopy(made) == copy.copy(made) == made
    shared = Node(1)
    first, second = pickle.loads(pickle.dumps((Node(2, shared), shared)))
    assert first.next is second
