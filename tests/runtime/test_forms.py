"""Which code a launch gets, by its sizes and addresses; with a made-up driver."""

import numpy as np
import pytest

import oxide
from oxide_codegen.errors import OxideError
from oxide_codegen.forms import EVERY, Form
from runtime import fake_cuda, programs

N = 1000
ORDINARY = Form(ordinary=True)


@pytest.fixture(params=["bindings", "library"])
def driver(request, monkeypatch):
    monkeypatch.setenv("OXIDE_CACHE_SIZE", "0")
    driver = fake_cuda.install(monkeypatch, library=request.param == "library")
    # Code that another test has loaded is of its driver.
    monkeypatch.setattr(programs.vecadd._program, "_first", None)
    monkeypatch.setattr(programs.vecadd._program, "_current", None)
    return driver


class Shifted:
    """The memory of a buffer from its second element on."""

    def __init__(self, buffer):
        self._buffer = buffer
        told = buffer.__cuda_array_interface__
        address, read_only = told["data"]
        self.__cuda_array_interface__ = told | {
            "data": (address + 4, read_only),
            "shape": (told["shape"][0] - 1,),
        }

    def __dlpack_device__(self):
        return 2, 0


def buffers(count):
    made = [oxide.asarray(np.arange(count, dtype=np.float32)) for _ in range(2)]
    return [*made, oxide.zeros(count, oxide.f32)]


def made(launchable):
    return set(launchable._program.specialisation().cuda(0)._made)


def test_a_launch_gets_the_code_that_suits_it(driver):
    usual = buffers(N)
    odd = [oxide.asarray(Shifted(one)) for one in buffers(N)]
    launch = programs.vecadd.prepare(grid=4, block=256)
    launch(*usual)
    assert made(programs.vecadd) == {ORDINARY}
    for _ in range(3):
        launch(*odd)
    assert made(programs.vecadd) == {ORDINARY, EVERY}
    np.testing.assert_array_equal(odd[2].numpy(), 2.0 * np.arange(1, N, dtype=np.float32))
    assert launch._entry(tuple(odd))
    assert not launch._entry(tuple(usual))
    for _ in range(2):
        launch(*usual)
    # One entry for launches of both kinds; what is ordinary is so in all its arrays.
    assert launch._entry(tuple(usual))
    assert launch._entry(tuple(odd))
    assert launch._entry((usual[0], usual[1], odd[2]))
    assert not launch._entry((usual[0], usual[1], usual[2], 1))
    np.testing.assert_array_equal(usual[2].numpy(), 2.0 * np.arange(N, dtype=np.float32))
    bound = launch.bind(*odd)
    odd[2].copy_from(np.zeros(N - 1, np.float32))
    bound()
    np.testing.assert_array_equal(odd[2].numpy(), 2.0 * np.arange(1, N, dtype=np.float32))


def test_nothing_is_left_where_it_is_left_out(driver, monkeypatch):
    monkeypatch.setenv("OXIDE_WITHOUT", "indices,alignment")
    programs.vecadd[4, 256](*buffers(N))
    forms = programs.vecadd._program.specialisation().cuda(0)._made
    assert {form for form, kernel in forms.items() if kernel is not None} == {EVERY}


def test_a_name_that_is_none_is_said(driver, monkeypatch):
    monkeypatch.setenv("OXIDE_WITHOUT", "indexes")
    with pytest.raises((ValueError, OxideError), match="did you mean `indices`"):
        programs.vecadd[4, 256](*buffers(N))
