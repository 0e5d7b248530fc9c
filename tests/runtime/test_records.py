"""Structs and enums as arguments of launches, on the cpu device."""

import numpy as np
import pytest

import oxide
from runtime.records import Job, Line, Mode, evaluate


@pytest.fixture(autouse=True)
def on_cpu():
    with oxide.device("cpu"):
        yield


def launched(job, mode):
    a, out = np.arange(8, dtype=np.float32), np.full(8, -1, np.float32)
    evaluate[1, 32](job, mode, a, out)
    return out


def test_structs_are_taken_apart():
    a = np.arange(8, dtype=np.float32)
    out = launched(Job(2, Line(3.0, 1.0)), Mode.ADD)
    assert out.tolist() == [-1, -1, *(3 * a[2:] + 1)]
    # The line of slope 1 is the steeper one, with the default that the class has.
    assert launched(Job(0, Line(0.25)), Mode.ADD).tolist() == (a + 0.5).tolist()


def test_cases_and_guards():
    a = np.arange(8, dtype=np.float32)
    assert launched(Job(0, Line(3.0)), Mode.SCALE).tolist() == (3 * a).tolist()
    assert launched(Job(0, Line(2.0)), Mode.SCALE).tolist() == [0] * 8
    assert launched(Job(0, Line(2.0)), Mode.CLEAR).tolist() == [0] * 8


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (3, "`job` wants a Job, got int"),
        (Line(1.0), "`job` wants a Job, got Line"),
        (Job(1, 2), "`job.line` wants a Line, got int"),
        (Job(1.5, Line(1.0)), "`job.first` wants an integer (i32), got float"),
        (Job(2**40, Line(1.0)), "`job.first` is 1099511627776, out of the range of i32"),
    ],
)
def test_refused(job, message):
    with pytest.raises(oxide.LaunchError, match=message.replace("(", r"\(").replace(")", r"\)")):
        launched(job, Mode.ADD)


def test_a_launch_that_is_bound_keeps_its_struct():
    a, out = np.ones(4, np.float32), np.zeros(4, np.float32)
    bound = evaluate.prepare(grid=1, block=32).bind(Job(0, Line(4.0)), Mode.SCALE, a, out)
    bound()
    assert out.tolist() == [4.0] * 4
