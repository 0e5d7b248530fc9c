"""Which launches have several elements per thread, as far as a made-up driver can tell."""

import numpy as np
import pytest

import oxide
from oxide import DisjointSlice, Slice, f32, kernel, thread
from oxide_codegen.forms import Form
from runtime import fake_cuda

# Of a device with four multiprocessors, a launch is large from here on.
LARGE = 64


@pytest.fixture(params=["bindings", "library"])
def driver(request, monkeypatch):
    monkeypatch.setenv("OXIDE_CACHE_SIZE", "0")
    return fake_cuda.install(monkeypatch, library=request.param == "library")


@pytest.fixture
def vecadd():
    @kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
    def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
        i = thread.index_1d()
        if i < len(c):
            c[i] = a[i] + b[i]

    return vecadd


def coarse(driver):
    return [entry for entry in driver.log if entry[0] == "coarse"]


def test_large_launches_have(driver, vecadd):
    count = (LARGE + 1) * 16 - 3
    a, b, c = (oxide.asarray(np.arange(count, dtype=np.float32)) for _ in range(3))
    vecadd[LARGE - 1, 16](a, b, c)
    assert not coarse(driver)
    for grid in (LARGE, LARGE + 1):
        launch = vecadd.prepare(grid=grid, block=16)
        bound = launch.bind(a, b, c)
        for run in (launch, launch, launch, lambda *_, bound=bound: bound()):
            driver.log.clear()
            run(a, b, c)
            assert coarse(driver) == [("coarse", 4)]
    np.testing.assert_array_equal(c.numpy(), 2.0 * np.arange(count, dtype=np.float32))
    host = np.zeros(count, dtype=np.float32)
    driver.log.clear()
    vecadd[LARGE + 1, 16](np.ones_like(host), host.copy(), host)
    assert coarse(driver) == [("coarse", 4)]
    np.testing.assert_array_equal(host, 1.0)


def test_it_can_be_turned_off(driver, vecadd, monkeypatch):
    monkeypatch.setenv("OXIDE_WITHOUT", "coarsening")
    a, b, c = (oxide.zeros(LARGE * 16, f32) for _ in range(3))
    vecadd[LARGE, 16](a, b, c)
    assert [entry for entry in driver.log if entry[0] == "launch"]
    assert not coarse(driver)


def test_what_is_known_is_not_compiled_again(driver, vecadd, monkeypatch, tmp_path):
    """A kernel, and that there is none, are both kept."""
    from oxide_codegen import compiled, ptx

    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("OXIDE_CACHE_SIZE", "16")

    @kernel
    def alone(out: DisjointSlice[f32]):
        i = thread.index_1d()
        if 2 * i < len(out):
            out[2 * i] = 1.0

    for program, lanes in ((vecadd, 4), (alone, None)):
        checked = program._program.specialisation().checked
        made = compiled.ptx(checked, "sm_90", Form(coarse=True))
        with monkeypatch.context() as patch:
            patch.setattr(ptx, "plan", None)
            patch.setattr(ptx, "compile_ptx", None)
            known = compiled.ptx(checked, "sm_90", Form(coarse=True))
        assert known == made
        assert (known and known.lanes) == lanes
