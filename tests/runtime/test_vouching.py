"""`unsafe` on the host: which checks of a launch it lifts, and which it does not."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import oxide
from oxide import DisjointSlice, Slice, f32, i32, injective, kernel, thread, within


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")


@kernel(requires=lambda index, out: injective(index) and within(index, 0, len(out)))
def scatter(index: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(index):
        out[index[i]] = 1.0


@kernel(requires=lambda a, out: len(a) == len(out))
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        out[i] = a[i]


TWICE = np.array([1, 1, 2], np.int32)
SHORT = np.ones(3, np.float32)


def test_elements_are_not_looked_at():
    out = np.zeros(4, np.float32)
    with pytest.raises(oxide.LaunchValueError, match="is broken"):
        scatter[1, 32](TWICE, out)
    with oxide.unsafe("who comes last does not matter here"):
        scatter[1, 32](TWICE, out)
    assert out.tolist() == [0, 1, 1, 0]
    with pytest.raises(oxide.LaunchValueError, match="is broken"):
        scatter[1, 32](TWICE, out)


def test_a_bound_launch_asks_at_each_call():
    out = np.zeros(4, np.float32)
    with oxide.unsafe("as above"):
        bound = scatter.prepare(grid=1, block=32).bind(TWICE, out)
        bound()
    with pytest.raises(oxide.LaunchValueError, match="is broken"):
        bound()


def test_facts_of_the_contract_are_asked_unless_it_is_unchecked():
    out = np.zeros(5, np.float32)
    with oxide.unsafe("the kernel asks by itself"):
        with pytest.raises(oxide.LaunchValueError, match=r"len\(a\) == len\(out\)"):
            copy[1, 32](SHORT, out)
        launch = copy.launch_unchecked(grid=1, block=32)
        launch(SHORT, out)
        bound = launch.bind(SHORT, out)
    assert out.tolist() == [1, 1, 1, 0, 0]
    for again in (lambda: launch(SHORT, out), bound, lambda: launch.bind(SHORT, out)):
        with pytest.raises(
            oxide.LaunchTypeError, match=r"only inside `with oxide\.unsafe"
        ) as caught:
            again()
        assert (caught.value.kernel, caught.value.rule) == ("copy", "OX702")


def test_an_unchecked_launch_wants_a_reason():
    with pytest.raises(oxide.LaunchTypeError, match="only inside"):
        copy.launch_unchecked(grid=1, block=32)
    for reason in ("", " ", None):
        with pytest.raises(TypeError, match="OX702"):
            oxide.unsafe(reason)


def test_types_places_and_limits_are_checked_all_the_same():
    out = np.zeros(3, np.float32)
    with oxide.unsafe("nothing of this is lifted"):
        launch = copy.launch_unchecked(grid=1, block=32)
        with pytest.raises(oxide.LaunchTypeError):
            launch(SHORT.astype(np.float64), out)
        with pytest.raises(oxide.LaunchValueError, match="OX108"):
            launch(out, out)
        with pytest.raises(oxide.LaunchValueError, match="OX405"):
            copy.launch_unchecked(grid=1, block=2048)


def test_other_threads_are_not_vouched_for():
    found = []

    def run():
        try:
            scatter[1, 32](TWICE, np.zeros(4, np.float32))
        except oxide.LaunchValueError as error:
            found.append(error.rule)

    with oxide.unsafe("this thread alone"):
        other = threading.Thread(target=run)
        other.start()
        other.join()
    assert found == ["OX401"]
