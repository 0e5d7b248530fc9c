"""What is launched is what was proved: source, live functions, constants, helpers."""

import doctest
import importlib.util
import linecache
import sys
import textwrap

import numpy as np
import pytest

import oxide
from oxide_codegen.program import Program
from runtime import programs, unproved

N = 100


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The values that proofs were asked for; everything runs on the cpu."""
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    for value in vars(programs).values():
        if isinstance(value, oxide.Kernel):
            fresh = Program(value.__wrapped__, value._program.options)
            monkeypatch.setattr(value, "_program", fresh)
            monkeypatch.setattr(value, "_launches", {})
    return unproved.use(monkeypatch)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module of kernels and import it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def module(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text("from oxide import *\nfrom oxide import device\n" + textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[name] = loaded
        made.append(name)
        spec.loader.exec_module(loaded)
        return loaded, path

    yield module
    for name in made:
        sys.modules.pop(name, None)


def ones():
    return np.ones(N, np.float32)


def test_a_launch():
    a, c = np.arange(N, dtype=np.float32), np.zeros(N, np.float32)
    programs.vecadd[1, 128](a, b=a, c=c)
    np.testing.assert_array_equal(c, 2 * a)
    x, y, z = oxide.asarray(a), oxide.asarray(a), oxide.zeros(N, oxide.f32)
    programs.vecadd.prepare(grid=1, block=128).bind(x, y, z)()
    np.testing.assert_array_equal(z.numpy(), 2 * a)


def test_defaults_and_scalars():
    values = np.full(N, -9)
    programs.divide[1, 128](values)
    assert set(values.tolist()) == {-5}
    programs.divide[1, 128](values, d=np.int32(-1))
    assert set(values.tolist()) == {5}


def test_nothing_happens_at_import(write):
    module, _ = write("late", "@kernel\ndef k(a: 'NoSuchType'):\n    import nothing_at_all\n")
    assert repr(module.k) == "<oxide.Kernel k>"
    with pytest.raises(oxide.CheckError, match="OX"):
        module.k[1, 1](ones())


def test_what_is_no_function_waits_too():
    broken = oxide.kernel(print)
    with pytest.raises(oxide.SourceError, match="wants a function"):
        broken[1, 1]()


def test_a_check_error_reads_like_the_checker():
    with pytest.raises(oxide.CheckError) as caught:
        oxide.load(programs.refused)
    text = str(caught.value)
    assert text.startswith("refused: ")
    assert "error[OX002]" in text
    assert "a[thread.index_1d()] = [1.0]" in text
    assert f"{programs.__file__}:" in text


def test_statements_that_were_left_out_refuse_the_kernel():
    with pytest.raises(oxide.CheckError, match="OX101"):
        programs.writes_read_only[1, 1](ones(), ones())


def test_the_contract_is_enforced():
    out = ones()
    programs.first[4, 64](out, 7.0)
    assert out[:4].tolist() == [7.0] * 4
    with pytest.raises(oxide.LaunchValueError) as caught:
        programs.first[101, 64](out, 1.0)
    assert "`len(out) >= grid_dim.x` (100 >= 101 is false)" in str(caught.value)
    assert caught.value.parameter == "out"
    with pytest.raises(oxide.LaunchValueError, match=r"declared with block=\(64, 1, 1\)"):
        programs.first[1, 32](out, 1.0)
    with pytest.raises(oxide.LaunchValueError, match="domain=1"):
        programs.first[(1, 2), 64](out, 1.0)
    programs.first.prepare(grid=2)(out, 3.0)
    assert out[1] == 3.0
    with pytest.raises(oxide.LaunchTypeError, match="`block` is missing"):
        programs.vecadd.prepare(grid=1)
    assert out[2] == 7.0


def test_compact_proofs_bound_sizes(monkeypatch):
    unproved.use(monkeypatch, compact=True)
    with pytest.raises(oxide.LaunchValueError, match="fit 32 bits") as caught:
        programs.divide[1, 1](np.ones(1, np.int64), 2**31)
    assert caught.value.parameter == "d"
    with pytest.raises(oxide.LaunchValueError, match="grid times block along x"):
        programs.divide[2**31 - 1, 2](np.ones(1, np.int64), 2)


def test_no_blocks_is_no_launch():
    out = np.zeros(0, np.float32)
    programs.vecadd[0, 256](out, np.zeros(0, np.float32), np.zeros(0, np.float32))
    with pytest.raises(oxide.LaunchTypeError):
        programs.vecadd[0, 256](out, out)


def test_run_time_checks_name_the_place():
    index = np.arange(N, dtype=np.int32)
    index[70] = -1
    with pytest.raises(IndexError) as caught:
        programs.gather[4, 32](index, ones(), ones())
    error = caught.value
    assert isinstance(error, oxide.KernelIndexError)
    assert (error.array, error.index, error.length, error.axis) == ("a", -1, N, 0)
    assert (error.block, error.thread) == ((2, 0, 0), (6, 0, 0))
    assert "a[index[i]]" in linecache.getline(error.path, error.line)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        programs.divide[1, 32](np.ones(N, np.int64), 0)


def test_plain_calls_and_odd_launches():
    with pytest.raises(oxide.LaunchTypeError, match=r"vecadd\[grid, block\]"):
        programs.vecadd(ones(), ones(), ones())
    for config in (4, (4,), (1, 2, None, 4, 5)):
        with pytest.raises(oxide.LaunchTypeError, match="grid, block"):
            programs.vecadd[config]


def test_internal_frames_are_hidden(monkeypatch):
    def frames():
        with pytest.raises(oxide.LaunchError) as caught:
            programs.vecadd[1, 1](1, 2, 3)
        return len(caught.traceback)

    assert frames() == 2
    monkeypatch.setenv("OXIDE_TRACEBACK", "full")
    assert frames() > 3


# ---------------------------------------------------------------- constants and helpers


def test_a_changed_global_is_a_new_specialisation(asked, monkeypatch):
    a = ones()
    programs.scale[1, 128](a)
    assert a[0] == 2.5
    programs.scale[1, 128](a)
    assert asked == [{"FACTOR": 2, "SHIFT": 0.5}]
    monkeypatch.setattr(programs, "FACTOR", 3)
    a = ones()
    programs.scale[1, 128](a)
    assert a[0] == 3.5
    monkeypatch.setattr(programs, "FACTOR", 2)
    programs.scale[1, 128](a)
    assert len(asked) == 2
    monkeypatch.setattr(programs, "FACTOR", "2")
    with pytest.raises(oxide.SourceError, match="`FACTOR`"):
        programs.scale[1, 128](a)


def test_closures_are_read_from_their_cells(asked):
    for exponent in (2, 3):
        a = np.full(N, 2.0, np.float32)
        programs.power(exponent)[1, 128](a)
        assert a[0] == 2.0**exponent
    assert [list(values.values()) for values in asked] == [[2], [3]]


def test_a_contract_has_a_closure_of_its_own(write, asked):
    module, _ = write(
        "contracts",
        """
        def make(size, least):
            @kernel(block=size, requires=lambda a: len(a) > least)
            def k(a: DisjointSlice[f32]):
                i = thread.index_1d()
                if i < len(a):
                    a[i] = 1.0
            return k
        """,
    )
    for size, least in ((64, 3), (128, N - 1)):
        module.make(size, least)[2, size](ones())
    with pytest.raises(oxide.LaunchValueError, match="len"):
        module.make(64, N)[2, 64](ones())
    assert [sorted(values.values()) for values in asked] == [[3, 64], [99, 128], [64, 100]]


def test_a_replaced_helper_is_not_what_the_source_says(monkeypatch):
    a = ones()
    programs.scale[1, 128](a)
    monkeypatch.setattr(programs, "scaled", lambda v: v)
    with pytest.raises(oxide.SourceError, match="bound to another function"):
        programs.scale[1, 128](a)
    monkeypatch.undo()


def test_a_file_edited_after_its_import_is_not_trusted(write):
    text = "@kernel\ndef k(a: DisjointSlice[f32]):\n    a[0] = {}\n"
    module, path = write("edited", text.format("1.0"))
    k = module.k
    # The text that was taken when the decorator ran counts, not what the file says now.
    path.write_text(path.read_text().replace("1.0", "2.0"))
    linecache.checkcache()
    a = ones()
    k[1, 1](a)
    assert a[0] == 1.0
    # A decorator that runs after the edit sees a source that is not its function's.
    again = oxide.kernel(k.__wrapped__)
    with pytest.raises(oxide.SourceError, match="edited since it was imported"):
        again[1, 1](a)
    path.write_text(path.read_text().replace("a[0]", "\n\n    a[0]").replace("2.0", "1.0"))
    linecache.checkcache()
    moved = oxide.kernel(k.__wrapped__)
    moved[1, 1](a)


def test_assigning_code_is_noticed(write):
    module, _ = write("swapped", "@kernel\ndef k(a: DisjointSlice[f32]):\n    a[0] = 1.0\n")
    a = ones()
    module.k[1, 1](a)

    def other(a):
        a[0] = 2.0

    module.k.__wrapped__.__code__ = other.__code__
    with pytest.raises(oxide.SourceError):
        module.k[1, 1](a)


def test_helpers_of_other_modules(write):
    write("ops", "@device\ndef twice(v: f32) -> f32:\n    return v * 2.0\n")
    module, _ = write(
        "user",
        """
        import ops
        from ops import twice
        @kernel
        def k(a: DisjointSlice[f32]):
            if thread.index_1d() < len(a):
                a[thread.index_1d()] = twice(a[thread.index_1d()]) + ops.twice(1.0)
        """,
    )
    a = ones()
    module.k[1, 128](a)
    assert a[0] == 4.0


def test_the_decorator_says_what_its_source_says(write):
    module, _ = write(
        "dressed",
        """
        options = {"block": 32}
        @kernel(block=64)
        def k(a: DisjointSlice[f32]):
            a[0] = 1.0
        other = kernel(block=32)(k.__wrapped__)
        """,
    )
    with pytest.raises(oxide.SourceError, match="block=32"):
        module.other[1, 32](ones())


# ---------------------------------------------------------------- where there are no files


def cell(name, text, names):
    """Run `text` as a notebook runs a cell: known to linecache, in shared names."""
    text = textwrap.dedent(text)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), names)


def test_cells_see_the_names_of_other_cells():
    names = {"__name__": "__main__"}
    cell("<cell-1>", "import oxide as ox\nfrom oxide import *\nfrom oxide import device", names)
    cell("<cell-2>", "import math\nWIDTH = 3\nT = f32", names)
    cell("<cell-3>", "@device\ndef helper(v: T) -> f32:\n    return v * WIDTH", names)
    cell(
        "<cell-4>",
        """
        @kernel
        def k(a: ox.DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(a):
                a[i] = helper(a[i]) + math.sqrt(f32(4.0))
        """,
        names,
    )
    a = ones()
    names["k"][1, 128](a)
    assert a[0] == 5.0
    names["WIDTH"] = 10
    a = ones()
    names["k"][1, 128](a)
    assert a[0] == 12.0


def test_doctests():
    """
    >>> from oxide import DisjointSlice, f32, kernel, thread
    >>> import numpy as np
    >>> @kernel
    ... def fill(a: DisjointSlice[f32]):
    ...     i = thread.index_1d()
    ...     if i < len(a):
    ...         a[i] = 7.0
    >>> a = np.zeros(3, np.float32)
    >>> fill[1, 32](a)
    >>> a.tolist()
    [7.0, 7.0, 7.0]
    """
    finder = doctest.DocTestFinder()
    (example,) = finder.find(test_doctests, "doctests", globs={"__name__": "__main__"})
    assert doctest.DocTestRunner().run(example).failed == 0


def test_without_source_the_error_says_so():
    names = {}
    exec("from oxide import *\n@kernel\ndef k(a: DisjointSlice[f32]):\n    a[0] = 1.0\n", names)
    with pytest.raises(oxide.SourceError, match="its source is not available"):
        names["k"][1, 1](ones())
