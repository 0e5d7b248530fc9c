"""`cuda.reduce`, `vectorize` and `guvectorize` through `oxide.numba`, on the cpu device."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide.numba
from oxide.numba import cuda, float32, float64, guvectorize, int32, vectorize, void
from oxide_codegen.numba.gufuncs import layout_of
from runtime import fake_cuda

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATOR = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def on_the_cpu() -> Iterator[None]:
    # What Oxide writes round the functions of a program is proved.
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# ---------------------------------------------------------------- reductions

total = cuda.reduce(lambda a, b: a + b)


@cuda.reduce
def largest(a: Any, b: Any) -> Any:
    """The larger one."""
    return a if a > b else b


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1000, 70_000])
def test_all_elements_come_together(n: int) -> None:
    x = GENERATOR.integers(-1000, 1000, n)
    assert total(x) == x.sum()
    assert total(x, init=7) == x.sum() + 7
    assert total(x, size=n // 2) == x[: n // 2].sum()
    assert largest(cuda.to_device(x.astype(np.float32)), init=-5000) == x.max()


def test_results_stay_on_the_device_and_have_the_type_of_the_array() -> None:
    x = GENERATOR.random(500).astype(np.float32)
    place = cuda.device_array(3, np.float32)
    assert total(cuda.to_device(x), res=place) is None
    assert place[0] == total(x)
    assert type(total(x)) is np.float32
    assert total(x[:0], init=4) == 4
    assert total(x.astype(np.complex64) * 1j).imag == pytest.approx(x.sum(), rel=1e-5)
    assert cuda.Reduce(lambda a, b: a * b)(np.full(10, 2.0), init=1) == 1024
    assert largest.__doc__ == "The larger one."
    with pytest.raises(TypeError, match="1D"):
        total(x.reshape(2, -1))


def test_what_is_summed_on_a_gpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cuda.install(monkeypatch)
    with oxide.device("cuda"):
        assert total(np.arange(1000)) == 499_500
        assert (added(cuda.to_device(np.ones(5)), 2.5).copy_to_host() == 3.5).all()


# ---------------------------------------------------------------- element by element


@vectorize(
    [int32(int32, int32), "float32(float32, float32)", float64(float64, float64)], target="cuda"
)
def added(a: Any, b: Any) -> Any:
    return a + b


@vectorize(["f8(f8)", "f4(f4)"])
def rooted(x: Any) -> Any:
    return math.sqrt(x)


SHAPES = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((2, 1, 3), (1, 5, 3)),
    ((2, 3), (1, 1)),
]


@pytest.mark.parametrize(("one", "other"), SHAPES)
@pytest.mark.parametrize("on_device", [False, True])
def test_shapes_meet_as_in_numpy(one: Any, other: Any, on_device: bool) -> None:
    x = GENERATOR.random(one).astype(np.float32)
    y = GENERATOR.random(other).astype(np.float32)
    found = added(cuda.to_device(x), cuda.to_device(y)) if on_device else added(x, y)
    made = found.copy_to_host() if on_device else found
    assert isinstance(made, np.ndarray)
    assert made.dtype == np.float32
    assert (made == x + y).all()


def test_the_first_signature_is_taken_that_holds_the_arguments() -> None:
    x = np.arange(6, dtype=np.float32)
    assert added(x.astype(np.int16), np.int8(3)).dtype == np.int32
    assert added(x, 2.5).dtype == np.float64
    assert added(x, np.float16(2.5)).dtype == np.float32
    assert rooted(np.arange(5)).dtype == np.float64
    assert added(1.25, 2.5) == 3.75
    assert added((1.0, 2.0), [3.0, 4.0]).tolist() == [4, 6]
    assert added.types == ["ii->i", "ff->f", "dd->d"]
    with pytest.raises(TypeError, match=r"no signature of added takes \(complex128, float64\)"):
        added(1j, 2.0)
    with pytest.raises(TypeError, match="takes 2 arguments, got 1"):
        added(x)


def test_results_go_where_they_are_wanted() -> None:
    x = GENERATOR.random((4, 6)).astype(np.float32)
    wide, askew = np.zeros((4, 6)), np.zeros((6, 4), np.float32)
    assert added(x, x, out=wide) is wide
    added(x, x, askew.T)
    assert (wide == x + x).all()
    assert (x + x == askew.T).all()
    device = cuda.to_device(x)
    assert added(device, device[::-1], out=device) is device
    assert (device.copy_to_host() == x + x[::-1]).all()
    assert added(x[:0], 1).shape == (0, 6)
    with pytest.raises(ValueError, match="the result has shape"):
        added(x, x, out=np.zeros(3))


def test_a_function_of_two_reduces() -> None:
    x = np.arange(1025, dtype=np.int32)
    assert added.reduce(x) == x.sum()
    assert added.reduce(cuda.to_device(x)).dtype == np.int32
    with pytest.raises(TypeError, match="empty"):
        added.reduce(x[:0])
    with pytest.raises(TypeError, match="function of two"):
        rooted.reduce(x)


def test_other_targets_and_no_types_are_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match="target='roc'"):
        vectorize(["f8(f8)"], target="roc")
    with pytest.raises(NotImplementedError, match="say the types"):
        vectorize(math.sqrt)
    with pytest.raises(TypeError, match="no keyword 'fast'"):
        cuda.vectorize(["f8(f8)"], fast=True)
    with pytest.raises(TypeError, match="does not say what it returns"):
        vectorize([(float32,)])(math.sqrt)


# ---------------------------------------------------------------- small arrays


@guvectorize([void(float32[:], float32[:], float32[:])], "(n),(n)->()", target="cuda")
def dotted(x: Any, y: Any, out: Any) -> None:
    s = float32(0)
    for k in range(x.shape[0]):
        s += x[k] * y[k]
    out[0] = s


@guvectorize(["void(f8[:,:], f8[:,:], f8[:,:])"], "(m, n), (n, p) -> (m, p)", target="cuda")
def multiplied(a: Any, b: Any, c: Any) -> None:
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = 0.0
            for k in range(b.shape[0]):
                s += a[i, k] * b[k, j]
            c[i, j] = s


@cuda.guvectorize(["void(f8[:], f8, f8[:])"], "(n),()->(n)")
def shifted(x: Any, by: Any, out: Any) -> None:
    for k in range(out.shape[0]):
        out[k] = x[k] + by


def test_small_arrays_are_found_in_larger_ones() -> None:
    x = GENERATOR.integers(0, 9, (3, 4)).astype(np.float32)
    assert dotted(x, x).tolist() == (x * x).sum(1).tolist()
    assert dotted(x, x[0]).tolist() == (x * x[0]).sum(1).tolist()
    assert dotted(x[0], x[1]) == x[0] @ x[1]
    a, b = GENERATOR.random((5, 2, 4)), GENERATOR.random((4, 3))
    np.testing.assert_allclose(multiplied(a, b), a @ b)
    device = cuda.to_device(np.ones((2, 3)))
    made = shifted(device, np.arange(2.0))
    assert made.copy_to_host().tolist() == [[1, 1, 1], [2, 2, 2]]
    place = np.zeros((2, 3))
    assert shifted(np.ones(3), np.arange(2), place) is place
    assert place.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_an_index_out_of_bounds_is_an_error_of_the_function() -> None:
    @guvectorize(["void(f8[:], f8[:])"], "(n)->(n)", target="cuda")
    def pushed(x: Any, out: Any) -> None:
        for k in range(x.shape[0]):
            out[k + 1] = x[k]

    with (
        pytest.warns(oxide.numba.UnprovedKernelWarning, match="does not fulfil"),
        pytest.raises(IndexError, match="pushed: index 3 is out of bounds"),
    ):
        pushed(np.ones(3))


def test_layouts_and_arguments_that_do_not_fit() -> None:
    assert layout_of("(m,n),()->(n),(m)") == ([("m", "n"), ()], [("n",), ("m",)])
    with pytest.raises(NameError, match="undefined output symbols: p"):
        layout_of("(n)->(p)")
    with pytest.raises(ValueError, match="a layout is written"):
        layout_of("n->n")
    with pytest.raises(ValueError, match="axis n has sizes 3 and 4"):
        dotted(np.ones(3, np.float32), np.ones(4, np.float32))
    with pytest.raises(ValueError, match="has 1 axes, its layout 2"):
        multiplied(np.ones(3), np.ones((3, 3)))
    with pytest.raises(TypeError, match="has 2 arguments, a signature 1"):
        guvectorize(["void(f8[:])"], "(n)->(n)")(math.sqrt)
