"""Views of buffers and copies between them, on the cpu device and on a made-up GPU."""

import pickle
import random

import numpy as np
import pytest

import oxide
from oxide_codegen.strides import Layout, indexed, rectangles, reshaped, transposed
from runtime import programs
from runtime.on_devices import place

__all__ = ["place"]


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_views_are_those_of_numpy(place):
    data = numbers(4, 6)
    x = oxide.asarray(data)
    views = {
        "x[1]": (x[1], data[1]),
        "x[1:3]": (x[1:3], data[1:3]),
        "x[:, 2:5]": (x[:, 2:5], data[:, 2:5]),
        "x[::2, -1]": (x[::2, -1], data[::2, -1]),
        "x[::-1, ::-2]": (x[::-1, ::-2], data[::-1, ::-2]),
        "x[..., None]": (x[..., None], data[..., None]),
        "x[1, 2, ...]": (x[1, 2, ...], data[1, 2, ...]),
        "x[2:2]": (x[2:2], data[2:2]),
        "x.T": (x.T, data.T),
        "x.T[1:]": (x.T[1:], data.T[1:]),
        "x.reshape": (x.reshape(2, -1, 3), data.reshape(2, -1, 3)),
        "x.ravel": (x[1:3].ravel(), data[1:3].ravel()),
        "x.transpose": (
            x.reshape(2, 2, 6).transpose(1, 2, 0),
            data.reshape(2, 2, 6).transpose(1, 2, 0),
        ),
    }
    for name, (view, expected) in views.items():
        assert (view.shape, view.device, view.dtype) == (expected.shape, place, oxide.f32), name
        assert view.is_contiguous == expected.flags.c_contiguous, name
        if expected.size and not expected.flags.c_contiguous:
            assert view.strides == expected.strides, name
        np.testing.assert_array_equal(view.numpy(), expected, name)
        np.testing.assert_array_equal(view.copy().numpy(), expected, name)
        assert view.copy().is_contiguous
    for attempt in (lambda: x[0, 0], lambda: list(x), lambda: np.asarray(x), lambda: x.array):
        with pytest.raises(oxide.HostAccessError, match=r"buffer\.numpy\(\)"):
            attempt()
    with pytest.raises(IndexError):
        x[4]
    with pytest.raises(TypeError, match="ints and slices"):
        x[[0, 1]]
    with pytest.raises(ValueError, match=r"x\.copy\(\)\.reshape"):
        x.T.reshape(24)
    with pytest.raises(ValueError, match=r"has no shape \(5, 5\)"):
        x.reshape(5, 5)
    with pytest.raises(ValueError, match=r"no order of 2 axes"):
        x.transpose(0, 0)


def test_a_view_is_the_same_memory(place):
    x = oxide.asarray(numbers(4, 6))
    x[1:3, ::2].copy_from(np.full((2, 3), -1, np.float32))
    expected = numbers(4, 6)
    expected[1:3, ::2] = -1
    np.testing.assert_array_equal(x.numpy(), expected)
    x[0].copy_from(x[3])
    x.T[0].copy_from(x[:4, 1])
    expected[0] = expected[3]
    expected[:, 0] = expected[:, 1]
    np.testing.assert_array_equal(x.numpy(), expected)


def test_copies_that_overlap_read_before_they_write(place):
    x = oxide.asarray(numbers(8))
    x[1:].copy_from(x[:-1])
    assert x.numpy().tolist() == [0, 0, 1, 2, 3, 4, 5, 6]
    x[:-1].copy_from(x[1:])
    assert x.numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 6]
    y = oxide.asarray(numbers(3, 3))
    y.copy_from(y.T)
    np.testing.assert_array_equal(y.numpy(), numbers(3, 3).T)


def test_copies_in_all_directions(place):
    data = numbers(3, 4)
    x, y = oxide.asarray(data), oxide.zeros((4, 3), oxide.f32)
    there = oxide.zeros((3, 4), oxide.f32, device="cpu")
    target, strided = np.zeros((3, 4), np.float32), np.zeros((3, 8), np.float32)
    y.T.copy_from(x)
    y.T.copy_to(target)
    np.testing.assert_array_equal(target, data)
    x.copy_to(strided[:, ::2])
    np.testing.assert_array_equal(strided[:, ::2], data)
    assert not strided[:, 1::2].any()
    x.copy_from(strided[:, 1::2])
    assert not x.numpy().any()
    y.T.copy_to(there)
    x.copy_from(there[::-1])
    np.testing.assert_array_equal(x.numpy(), data[::-1])
    there.copy_from(x)
    np.testing.assert_array_equal(there.numpy(), data[::-1])
    for refused, match in (
        (lambda: x.copy_from(y), r"copy_from wants shape \(3, 4\), got \(4, 3\)"),
        (lambda: x.copy_from(oxide.zeros((3, 4), oxide.i32)), "elements of f32, got int32"),
        (lambda: x.copy_to(np.zeros((3, 4))), "copy_to wants elements of f32, got float64"),
        (lambda: x.copy_to([1.0]), "wants an array or a buffer, got list"),
        (lambda: x.copy_to(np.broadcast_to(np.float32(0), (3, 4))), "a writable array"),
    ):
        with pytest.raises((ValueError, TypeError), match=match):
            refused()


def test_views_with_many_gaps_go_by_way_of_the_host(place):
    data = numbers(20, 20, 3)
    x = oxide.asarray(data)
    y = oxide.zeros((20, 20, 3), oxide.f32)
    view, expected = x[::-1, ::-2], data[::-1, ::-2]
    np.testing.assert_array_equal(view.numpy(), expected)
    y[:, ::-2].copy_from(view)
    filled = np.zeros_like(data)
    filled[:, ::-2] = expected
    np.testing.assert_array_equal(y.numpy(), filled)
    view.copy_from(expected + 1)
    data[::-1, ::-2] += 1
    np.testing.assert_array_equal(x.numpy(), data)


def test_kernels_take_what_lies_side_by_side(place):
    x = oxide.asarray(numbers(4, 6))
    out = oxide.zeros(12, oxide.f32)
    programs.vecadd[1, 32](x[1:3].ravel(), x[2:].ravel(), out)
    np.testing.assert_array_equal(out.numpy(), (numbers(4, 6)[1:3] + numbers(4, 6)[2:]).ravel())
    with pytest.raises(oxide.LaunchValueError, match=r"`b` is not C-contiguous .*\.copy\(\)") as e:
        programs.vecadd[1, 32](out, x[:, 0], out[:4])
    assert (e.value.parameter, e.value.expected) == ("b", "C-contiguous")
    column = x[:, 0].copy()
    programs.vecadd[1, 32](column, column, out[:4])
    assert out.numpy()[:4].tolist() == [0, 12, 24, 36]


def test_parts_of_one_buffer_may_be_written_and_read_where_they_do_not_overlap(place):
    x = oxide.asarray(numbers(12))
    launch = programs.vecadd.prepare(grid=1, block=32)
    for _ in range(3):
        launch(x[:4], x[4:8], x[8:])
    assert x.numpy()[8:].tolist() == [4, 6, 8, 10]
    with pytest.raises(oxide.LaunchValueError, match=r"`c` is written and shares memory") as caught:
        launch(x[:4], x[5:9], x[8:])
    assert caught.value.rule == "OX108"
    with pytest.raises(oxide.LaunchValueError, match="shares memory"):
        launch(x[:4], oxide.from_dlpack(x)[5:9], x[8:])


def test_a_view_ends_with_its_buffer(place):
    x = oxide.asarray(numbers(4, 6))
    view = x[1:]
    with x:
        pass
    out = oxide.zeros(18, oxide.f32)
    for use in (
        view.numpy,
        lambda: view[0],
        lambda: [view.T.copy()],
        lambda: out.copy_from(view),
        lambda: view.reshape(18).copy_from(out),
        lambda: programs.scale[1, 32](view.ravel()),
        lambda: np.from_dlpack(view),
        lambda: view.copy_to(np.zeros((3, 6), np.float32)),
    ):
        with pytest.raises(oxide.BufferFreedError, match="was freed"):
            use()
    x.free()


def test_buffers_say_what_they_are(place):
    x = oxide.zeros((4, 6), oxide.f32)
    assert repr(x) == f"<oxide.DeviceBuffer f32 (4, 6) on {place}>"
    assert repr(x[:, 0]) == f"<oxide.DeviceBuffer f32 (4,) on {place}, strides (24,)>"
    assert repr(oxide.managed(2, oxide.i32)).endswith(f"i32 (2,) on {place}, managed>")
    with x:
        pass
    assert repr(x).endswith(", freed>")
    with pytest.raises(TypeError, match=r"send buffer\.numpy\(\)"):
        pickle.dumps(x)


def test_copies_are_on_streams_of_their_device(place):
    x = oxide.zeros(4, oxide.f32)
    data, other = numbers(4), oxide.stream("cpu:1")
    for stream, where in ((other, "cpu:1"), (77 if place == "cpu" else other, "cpu:1|CUDA")):
        for copy in (
            lambda s=stream: x.copy_from(data, s),
            lambda s=stream: x.copy_to(data, s),
            lambda s=stream: x.copy(s),
        ):
            with pytest.raises(oxide.DeviceError, match=rf"one of ({where}|a CUDA device), and"):
                copy()
    with pytest.raises(oxide.LaunchTypeError, match="wants an object with __cuda_stream__"):
        x.copy_from(data, "fast")


@pytest.mark.parametrize("seed", range(4))
def test_layouts_are_those_of_numpy(seed):
    """Random views, shapes and copies, in memory that is there."""
    choose = random.Random(seed)
    for _ in range(100):
        shape = tuple(choose.choice((1, 2, 3, 4, 6)) for _ in range(choose.randint(1, 4)))
        array = numbers(*shape)
        layout = Layout(array.shape, array.strides, 4)
        axes = choose.sample(range(array.ndim), array.ndim)
        array, layout = array.transpose(axes), transposed(layout, axes)
        key = tuple(
            choose.choice((slice(None), slice(1, None), slice(None, None, -2), 0))
            for _ in range(array.ndim)
        )
        layout, _ = indexed(layout, key)
        array = np.asarray(array[key])
        assert layout.shape == array.shape
        assert not array.size or layout.strides == array.strides
        wanted = choose.sample([*array.shape, 1], array.ndim + 1)
        try:
            expected = np.reshape(array, wanted, copy=False)
        except ValueError:
            with pytest.raises(ValueError, match="no view of shape"):
                reshaped(layout, wanted)
        else:
            again = reshaped(layout, wanted)
            lain = np.lib.stride_tricks.as_strided(array, again.shape, again.strides)
            np.testing.assert_array_equal(lain, expected)
        source = np.asarray(numbers(*array.shape) + 100, order="F")
        here, there = array.copy(order="K"), array.copy(order="K")
        here[...] = source
        _copied(there, source)
        np.testing.assert_array_equal(there, here)


def _copied(target, source):
    layouts = [Layout(one.shape, one.strides, 4) for one in (target, source)]
    base, bits = target.view(), source.view()
    start = base.__array_interface__["data"][0], bits.__array_interface__["data"][0]
    from ctypes import memmove

    for part in rectangles(*layouts):
        for row in range(part.rows):
            memmove(
                start[0] + part.target + row * part.target_pitch,
                start[1] + part.source + row * part.source_pitch,
                part.width,
            )
