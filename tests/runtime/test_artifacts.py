"""Artifacts: what is built here runs there, and everything else is refused."""

import json
import linecache
import shutil
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

import oxide
from oxide.cli import main
from oxide_codegen import artifact, ptx, shipped, toolchain
from runtime import fake_cuda

SOURCE = """\
from oxide import DisjointSlice, Slice, f32, injective, kernel, thread, i32, within

N = 4


@kernel(requires=lambda a, b: len(a) >= len(b))
def scale(a: Slice[f32], b: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(b):
        b[i] = a[i] * N


@kernel(block=64)
def small(a: Slice[f32], b: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(b) and i < len(a):
        assert a[i] < 5.0
        b[i] = a[i]


@kernel(requires=lambda to, b: injective(to) and within(to, 0, len(b)))
def scatter(to: Slice[i32], b: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(to):
        b[to[i]] = 1.0
"""


def program(tmp_path, text=SOURCE, name="kernels"):
    """The module that a text is, read from a file of that name."""
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    linecache.checkcache(str(path))
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = ["--sm", "sm_80", "--sm", "sm_90", "--stubs"]


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """What is built of the kernels, in a folder of its own."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "kernels.py").write_text(SOURCE)
    assert main(["build", str(folder / "kernels.py"), *BUILD]) == 0
    return folder


@pytest.fixture
def built(tmp_path, once):
    """An artifact of the kernels."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "kernels.oxide"


@pytest.fixture
def driver(built, monkeypatch):
    """A device that runs PTX by running what it was compiled from; nothing else is compiled."""
    driver = fake_cuda.install(monkeypatch)
    entries, compile_ptx = {}, ptx.compile_ptx
    # The made-up driver has to know the kernels by their entries.
    from oxide_analyzer.analysis import check
    from oxide_analyzer.modules import NoModules
    from oxide_analyzer.source import SourceFile

    for report in check(SourceFile("kernels.py", SOURCE), NoModules()).kernels:
        entries[report.name] = compile_ptx(report.checked, "sm_90").entry

    def refuse(*_, **__):
        raise AssertionError("nothing is proved or compiled")

    monkeypatch.setattr("oxide_analyzer.analysis.check_kernel", refuse)
    monkeypatch.setattr("oxide_codegen.compiled.native", refuse)
    monkeypatch.setattr("oxide_codegen.compiled.ptx", refuse)
    return driver


# ---------------------------------------------------------------- what runs


def test_what_was_built_runs_without_proof_and_compiler(tmp_path, built, driver):
    kernels = program(tmp_path)
    scale = oxide.load(built, kernels.scale)
    assert isinstance(scale, oxide.Kernel)
    assert repr(scale) == "<oxide.Kernel scale>"
    a, b = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
    scale[1, 128](a, b)
    np.testing.assert_array_equal(b, 4 * a)
    b[:] = 0
    scale.prepare(grid=1, block=128).bind(a, b)()
    np.testing.assert_array_equal(b, 4 * a)


def test_a_launch_is_checked_as_ever(tmp_path, built, driver):
    kernels = program(tmp_path)
    a, b = np.zeros(100, np.float32), np.zeros(101, np.float32)
    scale = oxide.load(built, kernels.scale)
    with pytest.raises(oxide.LaunchValueError, match=r"len\(a\) >= len\(b\)") as refused:
        scale[1, 128](a, b)
    assert refused.value.rule == "OX401"
    with pytest.raises(oxide.LaunchTypeError, match="`a` wants"):
        scale[1, 128](a.astype(np.float64), b)
    small = oxide.load(built, kernels.small)
    with pytest.raises(oxide.LaunchValueError, match=r"block=\(64, 1, 1\)"):
        small[1, 128](a, b)
    scatter = oxide.load(built, kernels.scatter)
    with pytest.raises(oxide.LaunchValueError, match="injective"):
        scatter[1, 128](np.zeros(2, np.int32), b)


def test_a_failed_check_names_its_line(tmp_path, built, driver):
    small = oxide.load(built, program(tmp_path).small)
    a, b = np.array([1, 2, 7], np.float32), np.zeros(3, np.float32)
    with pytest.raises(oxide.KernelAssertion) as failed:
        small[1, 64](a, b)
    assert failed.value.line == 17
    assert failed.value.thread == (2, 0, 0)


def test_it_is_right_where_the_kernel_was_moved_and_formatted(tmp_path, built, driver):
    moved = SOURCE.replace("a[i] * N", "(  a[ i ] * N )").replace("N = 4", "# So many.\n\nN = 4")
    kernels = program(tmp_path, moved)
    assert oxide.load(built, kernels.scale) is not kernels.scale


def test_it_is_found_without_source(tmp_path, built, driver):
    """Of a program that is shipped as byte code, what is left is compared."""
    (tmp_path / "kernels.py").unlink()
    namespace = {"__name__": "kernels"}
    exec(compile(SOURCE, "<shipped>", "exec"), namespace)
    a, b = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
    with pytest.raises(oxide.SourceError):
        namespace["scale"][1, 128](a, b)
    oxide.load(built, namespace["scale"])[1, 128](a, b)
    np.testing.assert_array_equal(b, 4 * a)
    for old, new, what in (
        ("scale(a: Slice[f32], b:", "scale(x: Slice[f32], b:", "parameters"),
        ("@kernel(requires=lambda a, b: len(a) >= len(b))", "@kernel", "`requires`"),
        ("@kernel(requires=lambda a", "@kernel(domain=2, requires=lambda a", "`domain`"),
    ):
        exec(compile(SOURCE.replace(old, new, 1), "<shipped>", "exec"), namespace)
        with pytest.raises(oxide.ArtifactContractError, match=what):
            oxide.load(built, namespace["scale"])


def test_llvm_and_z3_are_not_imported(tmp_path, built):
    code = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import oxide, kernels
try:
    oxide.load(Path(sys.argv[1]) / "kernels.oxide", kernels.scale, device="cpu")
except oxide.ArtifactTargetError as error:
    print(error)
print([name for name in ("llvmlite", "z3", "numpy", "oxide_analyzer.analysis",
                         "oxide_codegen.lowering.statements") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "it has code for sm_80, sm_90, and none for the cpu" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_equal_kernels_make_equal_files(once):
    first = (once / "kernels.oxide").read_bytes()
    assert main(["build", str(once / "kernels.py"), *BUILD]) == 0
    assert (once / "kernels.oxide").read_bytes() == first


# ---------------------------------------------------------------- what is inside


def test_it_has_each_form_assembled(built):
    from oxide_codegen.forms import Form

    scale = artifact.read(built).kernels["scale"]
    assert list(scale.code) == ["sm_80", "sm_90"]
    for sm, forms in scale.code.items():
        assert set(forms) == {Form(o, c) for o in (False, True) for c in (False, True)}
        for form, code in forms.items():
            assert f".target {sm}" in code.text
            assert (code.lanes > 1) == form.coarse
            assert code.cubin.startswith(b"\x7fELF") == (toolchain.ptxas() is not None)


@pytest.mark.skipif(toolchain.ptxas() is None, reason="ptxas is not installed")
def test_a_device_gets_what_was_assembled_for_it(tmp_path, built, driver, monkeypatch):
    from oxide_codegen import cuda

    a, b = np.ones(10, np.float32), np.zeros(10, np.float32)
    loaded = ["cubin", "ptx"]
    for capability, is_old, wanted in (
        ((9, 0), False, loaded[:1]),
        ((8, 6), False, loaded[:1]),
        ((12, 0), False, loaded[1:]),
        ((9, 0), True, loaded),
    ):
        monkeypatch.setattr(cuda.cuda(0), "capability", capability)
        driver.is_old = is_old
        driver.loaded.clear()
        kernel = program(tmp_path).scale
        warned = pytest.warns(RuntimeWarning, match="its cubin for sm_90 cannot be loaded")
        with warned if is_old else nullcontext():
            oxide.load(built, kernel)[1, 128](a, b)
        assert driver.loaded == wanted
        assert (b == 4).all()


def test_an_assembler_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "ptxas", lambda: None)
    (tmp_path / "kernels.py").write_text(SOURCE)
    assert main(["build", f"{tmp_path / 'kernels.py'}:small", "--sm", "sm_90"]) == 0
    code = artifact.read(tmp_path / "kernels.oxide").kernels["small"].code["sm_90"]
    assert {form.cubin for form in code.values()} == {b""}


# ---------------------------------------------------------------- without the source


def test_all_kernels_of_a_file_without_their_source(tmp_path, built, driver):
    (tmp_path / "kernels.py").unlink()
    kernels = oxide.load(built)
    assert isinstance(kernels, oxide.Module)
    assert list(kernels) == ["scale", "small", "scatter"]
    assert {"scale", "small"} < set(dir(kernels))
    a, b = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
    kernels.scale[1, 128](a, b=b)
    np.testing.assert_array_equal(b, 4 * a)
    kernels["small"].prepare(grid=1).bind(a[:3], b[:3])()
    with pytest.raises(oxide.LaunchValueError, match=r"len\(a\) >= len\(b\)"):
        kernels.scale[1, 128](a[1:], b)
    with pytest.raises(oxide.LaunchTypeError, match=r"it takes \(a, b\)"):
        kernels.scale[1, 128](a)
    with pytest.raises(AttributeError, match="has no kernel `other`; there are `scale`"):
        kernels.other
    with pytest.raises(oxide.SourceError, match="was loaded from"):
        kernels.scale.report
    with pytest.raises(oxide.SourceError, match="has no source here"):
        oxide.load(built, kernels.scale)


def test_the_module_beside_it_loads_it_at_first_use(tmp_path, built, driver, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "kernels_oxide", raising=False)
    import kernels_oxide

    assert "oxide" in vars(kernels_oxide)
    assert "scale" not in vars(kernels_oxide)
    a, b = np.ones(4, np.float32), np.zeros(4, np.float32)
    kernels_oxide.scale[1, 32](a, b)
    assert (b == 4).all()
    with pytest.raises(AttributeError, match="no kernel `other`"):
        kernels_oxide.other


def test_a_module_is_compiled_as_a_whole(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(oxide.Kernel, "compile", lambda kernel, *_: compiled.append(kernel))
    module = program(tmp_path)
    assert oxide.load(module) is module
    assert compiled == [module.scale, module.small, module.scatter]


# ---------------------------------------------------------------- what is refused


def refused(kind, built, kernel, match, device=None):
    with pytest.raises(kind, match=match) as caught:
        oxide.load(built, kernel, device)
    assert type(caught.value) is kind
    assert caught.value.path == str(built)
    return caught.value


def test_every_kind_of_damage_is_found(tmp_path, built):
    kernel, content = program(tmp_path).scale, built.read_bytes()
    damaged = tmp_path / "damaged.oxide"
    step = max(1, len(content) // 150)
    for at in range(0, len(content), step):
        changed = content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        damaged.write_bytes(changed)
        try:
            found = artifact.read(damaged)
        except oxide.ArtifactDamagedError:
            continue
        # Some bytes of an archive, such as a time, say nothing.
        assert found.kernels.keys() == artifact.read(built).kernels.keys()
        for name, one in artifact.read(built).kernels.items():
            assert found.kernels[name].code == one.code
            assert found.kernels[name].hash == one.hash
    for end in (0, 1, 100, len(content) // 2, len(content) - 1):
        damaged.write_bytes(content[:end])
        refused(oxide.ArtifactDamagedError, damaged, kernel, "not a whole artifact|not what was")


def rewritten(built, path, change):
    """The artifact with its members changed, as somebody would who only knows of zip archives."""
    with zipfile.ZipFile(built) as archive:
        comment = archive.comment
        members = {name: archive.read(name) for name in archive.namelist()}
    comment = change(members) or comment
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = comment
    return path


def test_a_member_that_is_missing_or_another_is_damage(tmp_path, built):
    kernel = program(tmp_path).scale
    other = tmp_path / "other.oxide"
    for change, match in (
        (lambda m: m.pop("0.sm_80.ptx") and None, "`0.sm_80.ptx` is missing"),
        (lambda m: m.update({"0.sm_80.ptx": b"bad"}), "`0.sm_80.ptx` is not what was written"),
        (lambda m: m.update({"0.ir.json": b"[]"}), "`0.ir.json` is not what was written"),
        (lambda m: m.update({"manifest.json": b"{}"}), "`manifest.json` is not what was written"),
        (lambda m: m.pop("manifest.json") and None, "`manifest.json` is missing"),
    ):
        refused(oxide.ArtifactDamagedError, rewritten(built, other, change), kernel, match)


def signed(change):
    """A change of the manifest with the checksum of what comes of it."""

    def changed(members):
        text = json.dumps(change(json.loads(members["manifest.json"]))).encode()
        members["manifest.json"] = text
        return sha256(text).hexdigest().encode()

    return changed


def test_a_manifest_of_another_shape_is_damage(tmp_path, built):
    """Whoever wrote it: what it lacks is said, and nothing else is raised."""
    for change, match in (
        (lambda _: [], "list indices must be integers"),
        (lambda _: None, "not subscriptable"),
        (lambda m: {**m, "members": []}, "has no attribute 'items'"),
        (lambda m: {**m, "kernels": [{}]}, "KeyError: 'qualname'"),
        (lambda m: {**m, "kernels": [{**m["kernels"][0], "terms": "x"}]}, "KeyError: 'x'"),
    ):
        other = rewritten(built, tmp_path / "other.oxide", signed(change))
        with pytest.raises(oxide.ArtifactDamagedError, match=f"is not one of Oxide: .*{match}"):
            artifact.read(other)


def test_a_member_packed_otherwise_is_damage(tmp_path, built):
    """As bzip2 or LZMA, whose libraries say so in words of their own."""
    content = bytearray(built.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 10
    for method in (9, 12, 14, 99):
        content[at] = method
        other = tmp_path / "other.oxide"
        other.write_bytes(content)
        with pytest.raises(oxide.ArtifactDamagedError):
            artifact.read(other)


def test_another_version_is_refused(tmp_path, built, monkeypatch):
    kernel = program(tmp_path).scale
    monkeypatch.setattr(artifact, "version", lambda: "9.9")
    error = refused(oxide.ArtifactVersionError, built, kernel, "built by Oxide .*this is Oxide 9.9")
    assert error.expected == "9.9"
    monkeypatch.undo()

    def older(members):
        text = members["manifest.json"].replace(b'"format": 2', b'"format": 0')
        members["manifest.json"] = text
        return sha256(text).hexdigest().encode()

    other = rewritten(built, tmp_path / "other.oxide", older)
    refused(oxide.ArtifactVersionError, other, kernel, "format 0")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("len(a) >= len(b)", "len(a) >= len(b) + 1", "`requires`"),
        ("@kernel(requires=lambda a", "@kernel(block=64, requires=lambda a", "`block`"),
        ("a: Slice[f32], b: DisjointSlice[f32]", "a: Slice[f32], b: DisjointSlice[f64]", "`b`"),
        ("scale(a: Slice[f32], b", "scale(a: DisjointSlice[f32], b", "`a`"),
        ("def scale(a: Slice[f32], b: D", "def scale(a: Slice[f32], k: f32, b: D", "`k`"),
    ],
)
def test_another_contract_is_refused(tmp_path, built, old, new, match):
    changed = SOURCE.replace(old, new, 1).replace("import Dis", "import f64, Dis")
    assert changed != SOURCE
    refused(oxide.ArtifactContractError, built, program(tmp_path, changed).scale, match)


def test_another_kernel_is_refused(tmp_path, built):
    renamed = SOURCE.replace("def scale", "def other")
    error = refused(
        oxide.ArtifactContractError, built, program(tmp_path, renamed).other, "no kernel `other`"
    )
    assert error.expected == ("scale", "small", "scatter")


@pytest.mark.parametrize(
    ("old", "new"),
    [("N = 4", "N = 5"), ("a[i] * N", "a[i] + N"), ("if i < len(b):", "if i + 1 < len(b):")],
)
def test_another_source_is_refused(tmp_path, built, old, new):
    changed = program(tmp_path, SOURCE.replace(old, new, 1))
    refused(oxide.ArtifactSourceError, built, changed.scale, "not what was built")


def test_a_constant_that_changes_later_is_refused_at_launch(tmp_path, built, driver):
    kernels = program(tmp_path)
    scale = oxide.load(built, kernels.scale)
    a, b = np.ones(10, np.float32), np.zeros(10, np.float32)
    scale[1, 128](a, b)
    kernels.N = 5
    with pytest.raises(oxide.ArtifactSourceError):
        scale[1, 128](a, b)
    kernels.N = 4
    scale[1, 128](a, b)


def test_another_device_is_refused(tmp_path, built, driver, monkeypatch):
    kernel = program(tmp_path).scale
    error = refused(oxide.ArtifactTargetError, built, kernel, "none for the cpu", "cpu")
    assert (error.expected, error.actual) == (("sm_80", "sm_90"), "cpu")
    from oxide_codegen import cuda

    monkeypatch.setattr(cuda.cuda(0), "capability", (7, 5))
    error = refused(oxide.ArtifactTargetError, built, kernel, "none for cuda:0, an sm_75")
    assert error.actual == "sm_75"


@pytest.mark.parametrize(
    ("capability", "best"),
    [((7, 5), None), ((8, 0), "sm_80"), ((8, 9), "sm_80"), ((9, 0), "sm_90a"), ((10, 0), "sm_80")],
)
def test_a_device_gets_the_newest_that_it_can_run(capability, best):
    code = {"sm_80": None, "sm_90a": None, "sm_120": None}
    assert shipped._best(code, *capability) == best


def test_a_file_that_is_not_there_is_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        oxide.load(tmp_path / "none.oxide", program(tmp_path).scale)


# ---------------------------------------------------------------- building


def test_what_is_not_proved_is_not_built(tmp_path, capsys):
    path = tmp_path / "racing.py"
    path.write_text(SOURCE + "\n\n@kernel\ndef race(a: DisjointSlice[f32]):\n    a[0] += 1.0\n")
    assert main(["build", str(path)]) == 1
    assert "`race` does not compile: it is violated" in capsys.readouterr().err
    assert not (tmp_path / "racing.oxide").exists()
    assert main(["build", f"{path}:scale", "-o", str(tmp_path / "one.oxide")]) == 0
    assert artifact.read(tmp_path / "one.oxide").kernels.keys() == {"scale"}


@pytest.mark.parametrize(
    "open_kernel",
    [
        "def k(a: DisjointSlice[f32], n: Const[int]):",
        "def k(a: DisjointSlice[f32], n: i32 = M):",
    ],
)
def test_what_only_a_launch_completes_is_not_built(tmp_path, capsys, open_kernel):
    path = tmp_path / "open.py"
    body = "    i = thread.index_1d()\n    if i < len(a):\n        a[i] = a[i] * n * M\n"
    path.write_text(
        "from oxide import Const, DisjointSlice, f32, i32, kernel, thread\nM = int('3')\n\n\n"
        f"@kernel\n{open_kernel}\n{body}"
    )
    assert main(["build", str(path)]) != 0
    assert "`k`" in capsys.readouterr().err


def test_an_unknown_architecture_is_wrong_use(tmp_path, capsys):
    path = tmp_path / "kernels.py"
    path.write_text(SOURCE)
    assert main(["build", str(path), "--sm", "sm_12345"]) == 2
    assert "`sm_12345` is not a target" in capsys.readouterr().err
