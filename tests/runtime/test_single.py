"""What a process has one of is made once, though many threads ask at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from oxide_codegen.single import single


def test_threads_that_ask_at_once_get_the_same():
    made = []

    @single
    def thing():
        made.append(object())
        time.sleep(0.02)
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: thing(), range(8)))
    assert len(made) == 1
    assert {id(one) for one in got} == {id(made[0])}
    thing.forget()
    assert thing() is not made[0]


def test_what_failed_is_tried_again():
    tries = []

    @single
    def thing():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
        return "made"

    with pytest.raises(OSError, match="not now"):
        thing()
    assert thing() == "made"
