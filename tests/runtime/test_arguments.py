"""Arguments of launches: what is taken, what is refused, and in which words."""

import numpy as np
import pytest

import oxide
from oxide_analyzer.ir.kernel import ArrayParameter, Contract, Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import Array, Dim, Ownership, Space
from oxide_analyzer.language.types import F32, SCALARS
from oxide_analyzer.launch import MAX_LENGTH, extent_of
from oxide_analyzer.source import Span
from oxide_codegen.arguments import Signature, scalar

HERE = Span("k.py", 1, 1, 1, 2)


def kernel_of(**parameters) -> Kernel:
    """A kernel that does nothing; parameters are scalar types, or (type, ownership, rank)."""
    signature, arrays = [], {}
    for name, kind in parameters.items():
        if isinstance(kind, str):
            signature.append(ScalarParameter(name, SCALARS[kind], HERE))
            continue
        element, ownership, rank = kind
        shape = tuple(Dim(name, axis, HERE) for axis in range(rank))
        signature.append(ArrayParameter(name, HERE))
        arrays[name] = Array(name, SCALARS[element], shape, Space.GLOBAL, ownership, HERE)
    return Kernel("k", "k", "k.py", HERE, HERE, tuple(signature), arrays, Contract(), (), ())


def function(a, out, n=3):
    pass


VECTORS = Signature(
    kernel_of(a=("f32", Ownership.READ_ONLY, 1), out=("f32", Ownership.DISJOINT, 1), n="i32"),
    function,
)


def checked(*args, **kwargs):
    return VECTORS.check(VECTORS.bind(args, kwargs))


def refusal(*args, **kwargs) -> oxide.LaunchError:
    with pytest.raises(oxide.LaunchError) as caught:
        checked(*args, **kwargs)
    assert str(caught.value).startswith("k: ")
    return caught.value


@pytest.fixture
def a():
    return np.arange(8, dtype=np.float32)


@pytest.fixture
def out():
    return np.zeros(8, dtype=np.float32)


def test_arguments_are_bound_as_python_binds_them(a, out):
    assert checked(a, out).scalars == {"n": 3}
    assert checked(out=out, a=a, n=5).scalars == {"n": 5}
    cells = checked(a, out, -1).cells(VECTORS.kernel)
    assert cells == [a.ctypes.data, 8, out.ctypes.data, 8, -1]


def test_a_wrong_number_of_arguments(a, out):
    assert refusal(a).parameter == "out"
    assert refusal(a, out, 1, 2).parameter is None
    assert refusal(a, out, m=1).parameter == "m"
    assert isinstance(refusal(a), TypeError)


def test_element_types_are_never_converted(a, out):
    error = refusal(a.astype(np.float64), out)
    assert str(error) == "k: `a` wants elements of f32 (float32), got float64"
    assert (error.parameter, error.expected, error.actual) == ("a", "f32", "f64")
    assert "float16" in str(refusal(a.astype(np.float16), out))
    assert "complex64" in str(refusal(a.astype(np.complex64), out))
    assert "got object" in str(refusal(a.astype(object), out))
    assert "got [('x', '<f4')]" in str(refusal(np.zeros(3, [("x", "f4")]), out))


def test_what_is_no_array(out):
    for value in ([1.0], 3, None, "x", memoryview(b"1234")):
        error = refusal(value, out)
        assert isinstance(error, TypeError)
        assert error.expected == "a 1-D array of f32"
        assert error.actual == type(value).__name__


def test_rank(a, out):
    error = refusal(a.reshape(2, 4), out)
    assert str(error) == "k: `a` wants 1 dimension, got 2 (shape (2, 4))"
    assert refusal(a[0:1].reshape(()), out).actual == 0


def test_layout(a, out):
    assert "C-contiguous" in str(refusal(a[::2], out))
    assert "C-contiguous" in str(refusal(a[::-1], out))
    transposed = Signature(kernel_of(m=("f32", Ownership.READ_ONLY, 2)), lambda m: None)
    with pytest.raises(oxide.LaunchValueError, match="C-contiguous"):
        transposed.check((a.reshape(2, 4).T,))
    assert transposed.check((a.reshape(2, 4),)).views["m"].shape == (2, 4)
    # One row or one column is contiguous whatever its strides say.
    assert transposed.check((np.zeros((8, 4), np.float32)[:1],)).views["m"].shape == (1, 4)


def test_byte_order_and_alignment(a, out):
    assert "foreign byte order" in str(refusal(a.astype(">f4"), out))
    odd = np.zeros(33, np.uint8)[1:].view(np.float32)
    assert "multiple of its 4-byte elements" in str(refusal(odd, out))


def test_read_only_arrays(a, out):
    for array in (a, out):
        array.flags.writeable = False
    error = refusal(a, out)
    assert isinstance(error, ValueError)
    assert error.parameter == "out"
    assert checked(a, np.zeros(8, np.float32)).views["a"].read_only


def test_overlap_is_by_address_range():
    memory = np.zeros(20, np.float32)
    assert refusal(memory[:10], memory[9:]).parameter == "out"
    assert refusal(memory[9:], memory[:10]).parameter == "out"
    assert refusal(memory, memory[3:4]).parameter == "out"
    assert checked(memory[:10], memory[10:])
    assert checked(memory[:0], memory)
    both = kernel_of(a=("f32", Ownership.READ_ONLY, 1), b=("f32", Ownership.READ_ONLY, 1))
    assert Signature(both, lambda a, b: None).check((memory, memory))


def test_host_and_device_arrays_are_not_mixed(a, out):
    error = refusal(oxide.asarray(a, device="cpu"), out)
    assert "oxide.asarray" in str(error)
    assert error.parameter == "out"


class ForeignGpuArray:
    """What CuPy and PyTorch look like from outside."""

    def __init__(self, **changes):
        self.__cuda_array_interface__ = {
            "shape": (8,),
            "typestr": "<f4",
            "data": (0x7F0000000000, False),
            "version": 3,
            "strides": None,
            "stream": 1,
        } | changes

    def __dlpack_device__(self):
        return 2, 1


def test_the_cuda_array_interface(a):
    mutable = ForeignGpuArray(data=(0x7F0000001000, False))
    arguments = checked(ForeignGpuArray(), mutable)
    assert str(arguments.device) == "cuda:1"
    assert not arguments.host
    assert arguments.views["a"].stream == 1
    assert "NumPy" in str(refusal(a, mutable))
    assert refusal(ForeignGpuArray(typestr="<f8"), mutable).actual == "f64"
    assert refusal(ForeignGpuArray(), ForeignGpuArray(data=(4096, True))).parameter == "out"
    assert "C-contiguous" in str(refusal(ForeignGpuArray(strides=(8,)), mutable))
    assert "mask" in str(refusal(ForeignGpuArray(mask=object()), mutable))
    assert checked(ForeignGpuArray(strides=(4,)), mutable)


class Exporter:
    """An array that speaks DLPack alone, new or old."""

    def __init__(self, array, versioned=True):
        self._array = array
        self._versioned = versioned

    def __dlpack__(self, **options):
        if not self._versioned and "max_version" in options:
            raise TypeError("unexpected keyword argument 'max_version'")
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


@pytest.mark.parametrize("versioned", [True, False])
def test_dlpack(a, out, versioned):
    arguments = checked(Exporter(a, versioned), Exporter(out, versioned))
    assert arguments.views["a"].address == a.ctypes.data
    assert arguments.host
    assert "C-contiguous" in str(refusal(Exporter(a[::2], versioned), Exporter(out, versioned)))
    assert refusal(Exporter(a.astype(np.int32), versioned), Exporter(out)).actual == "i32"


def test_dlpack_keeps_read_only(a, out):
    out.flags.writeable = False
    assert refusal(a, Exporter(out)).parameter == "out"


class Elsewhere:
    def __dlpack__(self, **_):
        raise AssertionError("not reached")

    def __dlpack_device__(self):
        return 8, 0  # Metal


def test_dlpack_of_another_device(out):
    assert "neither cpu nor CUDA" in str(refusal(Elsewhere(), out))


# ---------------------------------------------------------------- scalars


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("i32", 7, 7),
        ("i32", np.int64(-7), -7),
        ("u64", 2**64 - 1, 2**64 - 1),
        ("i64", np.uint8(200), 200),
        ("f32", 1, 1.0),
        ("f32", 0.1, float(np.float32(0.1))),
        ("f32", np.float32(0.1), float(np.float32(0.1))),
        ("f32", float("inf"), float("inf")),
        ("f64", np.float32(0.5), 0.5),
        ("f64", 0.1, 0.1),
        ("bool", True, True),
        ("bool", np.True_, True),
    ],
)
def test_scalars_that_fit(name, value, expected):
    result = scalar("k", "n", SCALARS[name], value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("i32", 2**31, ValueError),
        ("i32", -(2**31) - 1, ValueError),
        ("u32", -1, ValueError),
        ("u64", 2**64, ValueError),
        ("i64", np.uint64(2**63), ValueError),
        ("i32", 1.0, TypeError),
        ("i32", np.float32(1), TypeError),
        ("i32", True, TypeError),
        ("i32", "1", TypeError),
        ("i32", None, TypeError),
        ("i32", np.array(1), TypeError),
        ("f32", np.float64(0.5), TypeError),
        ("f32", 1e300, ValueError),
        ("f64", 10**400, ValueError),
        ("f32", True, TypeError),
        ("f32", 1j, TypeError),
        ("bool", 1, TypeError),
        ("bool", 0.0, TypeError),
    ],
)
def test_scalars_that_do_not_fit(name, value, error):
    with pytest.raises(error, match="k: `n`") as caught:
        scalar("k", "n", SCALARS[name], value)
    assert isinstance(caught.value, oxide.LaunchError)
    assert caught.value.parameter == "n"


def test_lengths_have_a_limit():
    huge = ForeignGpuArray(shape=(2**47,))
    assert "at most" in str(refusal(huge, ForeignGpuArray(data=(64, False))))
    assert F32.size == 4


def test_axes_together_have_a_limit_even_where_one_is_empty():
    assert extent_of((2**24, 0, 2**24)) == 2**48 > MAX_LENGTH
    assert extent_of(()) == extent_of((0,)) == 1
