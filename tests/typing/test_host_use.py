"""The names of the kernel language mean nothing on the host, and say so."""

import inspect

import pytest

import oxide
from oxide_analyzer.language.builtins import BUILTINS, BuiltinKind, Origin

CALLED = {BuiltinKind.FUNCTION, BuiltinKind.ITERATOR, BuiltinKind.FACT}
CALLS = [row.name for row in BUILTINS.values() if row.origin is Origin.OXIDE and row.kind in CALLED]
VALUES = [
    row.name
    for row in BUILTINS.values()
    if row.origin is Origin.OXIDE and row.kind is BuiltinKind.VALUE
]


def find(name):
    found = oxide
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    function = find(name)
    wanted = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    with pytest.raises(oxide.OutsideKernelError, match=f"`{name}` has a meaning only inside"):
        function(*[1 for _ in wanted])


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    with pytest.raises(oxide.OutsideKernelError, match=f"`{name}` has a meaning only inside"):
        find(name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: oxide.SharedArray(oxide.f32, 4),
        lambda: oxide.LocalArray3D(oxide.f32, (1, 2, 3)),
        lambda: oxide.dynamic_shared(oxide.f32),
        lambda: oxide.Slice()[0],
        lambda: oxide.Slice2D()[0, 1],
        lambda: oxide.Slice3D().shape,
        lambda: oxide.AtomicSlice3D()[0],
        lambda: oxide.Slice().load(0, 4),
        lambda: oxide.DisjointSlice().store(0, (1, 2)),
        lambda: len(oxide.AtomicSlice2D()),
    ],
)
def test_arrays(make):
    with pytest.raises(oxide.OutsideKernelError):
        make()


def test_annotations_are_only_classes():
    assert oxide.SharedArray3D[oxide.i8] is oxide.SharedArray3D
    assert oxide.LocalArray[oxide.f32] is oxide.LocalArray
    assert oxide.Slice3D[oxide.u16]
    assert oxide.u8(300) == 44
    assert oxide.i16(40000) == -25536
    assert repr(oxide.warp) == "oxide.warp"
