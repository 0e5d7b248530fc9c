"""`breakpoint()`: where threads stop, what the prompt shows, and how they go on."""

import bdb
import io

import numpy as np
import pytest

import oxide
from runtime.debugged import stops


@pytest.fixture
def session(monkeypatch, capsys):
    """Launch two blocks of eight threads; what the prompt says to each line of a script."""

    def run(*lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        a, out = np.arange(16, dtype=np.float32), np.zeros(16, np.float32)
        with oxide.device("interpreter"):
            stops[2, 8](5, a, out)
        np.testing.assert_array_equal(out, 2 * np.concatenate([a[7::-1], a[:7:-1]]))
        return capsys.readouterr().out.split("(oxide) ")

    return run


def where(shown):
    """The words of the line at which a thread stands, and who it is."""
    first, second = shown.splitlines()[-2:]
    return second.removeprefix("-> "), first.partition(", ")[2]


def test_every_thread_that_comes_there_stops(session):
    shown = session("c", "c", "c", "c")
    assert [where(one)[1] for one in shown[:4]] == [
        f"block ({block}, 0, 0), thread ({thread}, 0, 0)" for block in (0, 1) for thread in (3, 7)
    ]
    assert where(shown[0])[0] == "breakpoint()"


def test_what_can_be_seen(session):
    shown = session(
        "p t, n, v if t > 9 else 'none'",
        "tile[3], tile[4], len(a), a[4:6]",
        "mine[1, 0], mine[0, 0], mine",
        "thread.x + block_dim.x",
        "tile[8]",
        "nothing",
        "locals",
        "arrays",
        "l",
        *"cccc",
    )
    assert shown[1] == "(3, 5, 'none')\n"
    assert shown[2] == "(3.0, undefined, 16, [4.0, 5.0])\n"
    assert shown[3] == "(3, undefined, [undefined, undefined, 3, undefined])\n"
    assert shown[4] == "11\n"
    assert shown[5] == "*** IndexError: `tile` has shape (8,)\n"
    assert shown[6].startswith("*** NameError")
    assert shown[7].splitlines() == ["n = 5", "t = 3"]
    names = [line.partition(" =")[0] for line in shown[8].splitlines()]
    assert names == [
        "tile (shared, shape (8,))",
        "mine (local, shape (2, 2))",
        "a (global, shape (16,))",
        "out (global, shape (16,))",
    ]
    assert any("-> " in line and line.endswith("breakpoint()") for line in shown[9].splitlines())


def test_step_goes_into_helpers_and_next_over_them(session):
    shown = session("n", "n", "s", "s", "s", "s", "c", "n", "n", "n", *"ccc")
    lines = [where(one)[0] for one in shown[1:7]]
    assert lines == [
        "sync_threads()",
        "v = twice(tile[7 - t])",
        "y = x + x",
        "return y  # noqa: RET504",
        "v = twice(tile[7 - t])",
        "out[thread.index_1d()] = v",
    ]
    # Thread 7 came to its breakpoint while thread 3 was stepped over the barrier.
    assert where(shown[7])[1] == "block (1, 0, 0), thread (3, 0, 0)"
    assert where(shown[10])[0] == "out[thread.index_1d()] = v"


def test_on_to_another_thread(session):
    assert where(session("t", "c", "c", "c")[1])[1].endswith("thread (7, 0, 0)")
    shown = session("thread 9", "thread 7 1", "c")
    assert shown[1] == "*** the launch has no thread 9 of block 0\n"
    assert where(shown[2])[1] == "block (1, 0, 0), thread (7, 0, 0)"


def test_lines_can_be_added_and_taken_away(session):
    shown = session("b", *"cccc")
    line = int(shown[1].rpartition(":")[2])
    shown = session(f"b {line + 1}", "c", f"cl {line + 1}", "cl 1", "b x", *"cccc")
    assert where(shown[2])[0] == "sync_threads()"
    assert [one.startswith("*** ") for one in shown[3:6]] == [False, True, True]


def test_a_step_behind_the_end_goes_on_to_the_next_breakpoint(session):
    shown = session("n", "n", "n", "n", *"ccc")
    assert where(shown[4]) == ("breakpoint()", "block (1, 0, 0), thread (3, 0, 0)")


@pytest.mark.parametrize("lines", [["q"], []])
def test_quit_or_the_end_of_input_ends_the_launch(session, lines):
    with pytest.raises(bdb.BdbQuit):
        session(*lines)


def test_the_environment_turns_it_off(session, monkeypatch):
    monkeypatch.setenv("PYTHONBREAKPOINT", "0")
    assert session() == [""]


def test_compiled_devices_do_not_stop_and_say_so(monkeypatch):
    a, out = np.arange(16, dtype=np.float32), np.zeros(16, np.float32)
    with (
        oxide.device("cpu"),
        pytest.warns(RuntimeWarning, match=r"`breakpoint\(\)` on line \d+ does nothing on the cpu"),
    ):
        stops[2, 8](5, a, out)
    assert out[0] == 14
