"""Launches on the cpu: who runs their blocks, that Ctrl-C is seen, and what is left behind it."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from oxide_codegen import crew

SPINNING = Path(__file__).parent / "spinning.py"


def test_ctrl_c_is_seen_whatever_the_kernel_does():
    done = subprocess.run(
        [sys.executable, str(SPINNING)], capture_output=True, text=True, timeout=60, check=True
    )
    late = {}
    for name, seconds, right in map(str.split, done.stdout.splitlines()):
        assert right == "True", name
        late[name] = min(float(seconds), late.get(name, 1.0))
    assert list(late) == ["many_blocks", "with_barriers", "waiting", "one_block"]
    assert max(late.values()) < 0.2, late


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("blocks", [1, 5, 100])
def test_every_block_runs_once(blocks, threads):
    for way in crew.Way:
        seen = []
        crew.run(
            way,
            lambda first, last, seen=seen: seen.extend(range(first, last)),
            blocks,
            threads,
            lambda: None,
        )
        assert sorted(seen) == list(range(blocks))


def test_an_error_stops_the_others_and_is_raised():
    stopped = []

    def stretch(first, last):
        if first == 0:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crew.run(crew.Way.WATCHED, stretch, 1000, 2, lambda: stopped.append(True))
    assert stopped


@pytest.mark.parametrize("way", [crew.Way.WATCHED, crew.Way.TOGETHER])
def test_a_signal_while_the_work_is_handed_out_ends_it(way, monkeypatch):
    begun, stopped, submit = [], [], crew._crew().submit

    def handed_out(work):
        done = submit(work)
        if way is crew.Way.WATCHED:
            raise KeyboardInterrupt
        return done

    def stretch(first, last):
        begun.append(first)
        time.sleep(0.02)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    monkeypatch.setattr(crew._crew(), "submit", handed_out)
    with pytest.raises(KeyboardInterrupt):
        crew.run(way, stretch, 1000, 2, lambda: stopped.append(True))
    assert stopped
    time.sleep(0.1)
    count = len(begun)
    time.sleep(0.1)
    assert len(begun) == count < 20


def test_threads_that_nobody_waits_for_leave_the_crew():
    go_on, entered = threading.Event(), threading.Event()

    def stuck(first, last):
        entered.set()
        go_on.wait(30)

    def interrupted(first, last):
        entered.wait(30)
        raise KeyboardInterrupt

    before = crew._crew()
    with pytest.raises(KeyboardInterrupt):
        crew.run(
            crew.Way.WATCHED,
            lambda a, b: (interrupted if a else stuck)(a, b),
            2,
            2,
            lambda: None,
        )
    assert crew._crew() is not before
    seen = []
    crew.run(crew.Way.WATCHED, lambda a, b: seen.append((a, b)), 1, 1, lambda: None)
    assert seen == [(0, 1)]
    go_on.set()


def test_what_is_short_runs_here_and_what_is_long_is_watched():
    paces, way = crew.Paces(), crew.Way
    assert paces.choose("small", 100, 4) is way.WATCHED
    paces.learn(way.WATCHED, 1e-6, 100)
    assert paces.choose("small", 100, 4) is way.ALONE
    assert paces.choose("small", 10**8, 4) is way.WATCHED
    assert paces.choose("large", 100, 4) is way.WATCHED
    # In between the faster one of both is found out.
    paces.learn(way.WATCHED, 4e-3, 100)
    assert paces.choose("large", 100, 4) is way.ALONE
    paces.learn(way.ALONE, 5e-3, 100)
    assert paces.choose("large", 100, 4) is way.TOGETHER
    paces.learn(way.TOGETHER, 2e-3, 100)
    assert paces.choose("large", 100, 4) is way.TOGETHER
    paces.learn(way.TOGETHER, 9e-3, 100)
    assert paces.choose("large", 100, 4) is way.ALONE
    assert paces.choose("large", 100, 1) is way.ALONE
