"""The cache of compiled code: what it finds, what it must not find, and who may use it at once."""

import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import oxide
from oxide.cli import main
from oxide_codegen import cache, compiled, native, ptx
from oxide_codegen.cache import CodeCache
from runtime import cached_kernels

KEY = "3f" + "0" * 62
OTHER = "3f" + "1" * 62


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache that is turned on, in a folder of its own."""
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("OXIDE_CACHE_SIZE", raising=False)
    return tmp_path / "compiled"


@pytest.fixture
def compilations(monkeypatch):
    """What has been compiled so far."""
    log = []
    real_native, real_ptx = native.emit_native, ptx.compile_ptx

    def emit_native(checked):
        log.append("native")
        return real_native(checked)

    def compile_ptx(checked, sm, *form, **options):
        log.append(sm)
        return real_ptx(checked, sm, *form, **options)

    monkeypatch.setattr(native, "emit_native", emit_native)
    monkeypatch.setattr(ptx, "compile_ptx", compile_ptx)
    return log


def checked(n=4):
    return cached_kernels.scaling(n)._program.specialisation().checked


def entries(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------- what is found


def test_what_was_compiled_is_not_compiled_again(folder, compilations):
    first, again = compiled.ptx(checked(), "sm_80"), compiled.ptx(checked(), "sm_80")
    assert compilations == ["sm_80"]
    assert (first.text, first.llvm, first.entry) == (again.text, again.llvm, again.entry)
    assert (first.shared, first.dynamic_shared) == (again.shared, again.dynamic_shared)
    assert first.layout == again.layout


def test_known_machine_code_computes_the_same(folder, compilations):
    for _ in range(2):
        # A new kernel each time: nothing is known in this process.
        a = np.arange(100, dtype=np.float32)
        with oxide.device("cpu"):
            cached_kernels.scaling(4)[1, 128](a)
        assert (a == 4 * np.arange(100)).all()
    assert compilations == ["native"]


@pytest.mark.parametrize("differs", ["target", "constant", "proof"])
def test_another_target_constant_or_proof_is_another_entry(folder, compilations, differs):
    compiled.ptx(checked(), "sm_80")
    if differs == "target":
        compiled.ptx(checked(), "sm_90")
    elif differs == "constant":
        assert "0f40A00000" in compiled.ptx(checked(5), "sm_80").text
    else:
        from dataclasses import replace

        # The same kernel, of which no bound is proved any more.
        without = compiled.ptx(replace(checked(), proved_bounds=frozenset()), "sm_80")
        assert "branch_weights" in without.llvm
    assert len(compilations) == 2
    assert len(entries(folder)) == 2


def test_another_compiler_finds_nothing(folder, compilations, monkeypatch):
    compiled.ptx(checked(), "sm_80")
    monkeypatch.setattr(compiled, "versions", lambda: "the next one")
    compiled.ptx(checked(), "sm_80")
    assert len(compilations) == 2


def test_a_compiler_that_cannot_be_told_from_others_keeps_nothing(
    folder, compilations, monkeypatch
):
    monkeypatch.setattr(compiled, "versions", lambda: None)
    compiled.ptx(checked(), "sm_80")
    compiled.ptx(checked(), "sm_80")
    assert len(compilations) == 2
    assert not folder.exists()


def test_a_cache_of_size_zero_is_off(folder, compilations, monkeypatch):
    monkeypatch.setenv("OXIDE_CACHE_SIZE", "0")
    compiled.ptx(checked(), "sm_80")
    compiled.native(checked())
    assert compilations == ["sm_80", "native"]
    assert not folder.exists()


def test_a_proof_is_never_kept(folder, compilations):
    """What is not proved in this process is refused, whatever code is on the disk."""
    with oxide.device("cpu"):
        cached_kernels.scaling(4)[1, 128](np.ones(8, np.float32))
        with pytest.raises(oxide.CheckError):
            cached_kernels.racing[1, 128](np.ones(8, np.float32))
    assert compilations == ["native"]


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: b"OXC0" + content[4:],
        *(
            lambda content, at=at: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            for at in (0, 4, 35, 36, 100)
        ),
        lambda content: b"\0" * len(content),
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_written_again(folder, compilations, damage):
    good = compiled.ptx(checked(), "sm_80").text
    (path,) = entries(folder)
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert compiled.ptx(checked(), "sm_80").text == good
    assert compilations == ["sm_80", "sm_80"]
    assert path.read_bytes() == content
    assert compiled.ptx(checked(), "sm_80").text == good
    assert len(compilations) == 2


def test_an_entry_under_another_name_is_a_miss(tmp_path):
    kept = CodeCache(tmp_path, 1 << 20)
    kept.put(KEY, b"code")
    (tmp_path / "3f" / KEY).rename(tmp_path / "3f" / OTHER)
    assert kept.get(OTHER) is None


def test_an_entry_of_another_form_is_a_miss(folder, compilations):
    compiled.ptx(checked(), "sm_80")
    (path,) = entries(folder)
    kept = cache.code_cache()
    assert kept is not None
    for payload in (b"not compressed", compiled._packed(b"too few parts")):
        kept.put(path.name, payload)
        compiled.ptx(checked(), "sm_80")
    assert compilations == ["sm_80"] * 3


def test_a_cache_that_cannot_be_written_stays_empty(tmp_path, compilations, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.delenv("OXIDE_CACHE_SIZE", raising=False)
    compiled.ptx(checked(), "sm_80")
    compiled.ptx(checked(), "sm_80")
    assert compilations == ["sm_80", "sm_80"]


# ---------------------------------------------------------------- size


def test_what_was_used_longest_ago_goes_first(tmp_path):
    kept = CodeCache(tmp_path, 5_000)
    keys = [f"{n:02x}" + "0" * 62 for n in range(10)]
    now = time.time()
    for age, key in enumerate(keys):
        kept.put(key, bytes(964))
        os.utime(tmp_path / key[:2] / key, (now - 5_000 + age, now - 5_000 + age))
    # Using the oldest makes it the youngest.
    assert kept.get(keys[0]) is not None
    kept.sweep()
    assert kept.usage() == cache.Usage(4, 4_000)
    assert [kept.get(key) is not None for key in keys] == [True] + [False] * 6 + [True] * 3


def test_writing_keeps_the_bound(tmp_path):
    kept = CodeCache(tmp_path, 20_000)
    for n in range(200):
        kept.put(f"{n:02x}" + "0" * 62, bytes(964))
    assert kept.usage().size <= 20_000 + 64 * 1_000


def test_what_a_dead_process_left_is_deleted_and_never_read(tmp_path):
    kept = CodeCache(tmp_path, 1 << 20)
    kept.put(KEY, b"code")
    old, young = (tmp_path / "3f" / f"{OTHER}.{n}.0.new" for n in (1, 2))
    for path in (old, young):
        path.write_bytes(b"half of it")
    os.utime(old, (1, 1))
    kept.sweep()
    assert not old.exists()
    assert young.exists()
    assert kept.get(KEY) == b"code"
    assert kept.usage().entries == 1


# ---------------------------------------------------------------- at once


def _write_and_read(folder, seed):
    """Write, read and sweep one small folder; how many reads gave what nobody wrote."""
    kept, wrong = CodeCache(Path(folder), 30_000), 0
    for n in range(150):
        key = f"{(seed + n) % 20:02x}" + "0" * 62
        kept.put(key, key.encode() * 40)
        found = kept.get(f"{n * 7 % 20:02x}" + "0" * 62)
        wrong += found not in (None, (f"{n * 7 % 20:02x}" + "0" * 62).encode() * 40)
        if n % 10 == seed:
            kept.sweep()
        if n % 50 == seed:
            kept.clear()
    return wrong


def test_processes_share_a_folder(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_write_and_read, [str(tmp_path)] * 3, range(3))) == [0, 0, 0]


def test_a_writer_that_is_killed_leaves_whole_entries(tmp_path):
    program = (
        "import sys; from pathlib import Path; from oxide_codegen.cache import CodeCache\n"
        "kept = CodeCache(Path(sys.argv[1]), 1 << 30)\n"
        "print('ready', flush=True)\n"
        f"while True: kept.put({KEY!r}, b'x' * 2_000_000)\n"
    )
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        with writer.stdout:
            writer.stdout.readline()
            time.sleep(0.02)
            writer.kill()
            writer.wait()
        assert CodeCache(tmp_path, 1).get(KEY) in (None, b"x" * 2_000_000)


# ---------------------------------------------------------------- the command


def test_the_command_shows_and_clears(folder, capsys):
    assert main(["cache"]) == 0
    assert "0 entries" in capsys.readouterr().out
    compiled.ptx(checked(), "sm_80")
    assert main(["cache"]) == 0
    shown = capsys.readouterr().out
    assert str(folder) in shown
    assert "1 entry" in shown
    assert "256 MiB" in shown
    assert main(["cache", "clear"]) == 0
    assert "1 entry" in capsys.readouterr().out
    assert entries(folder) == []
    assert main(["cache", "clear"]) == 0


def test_the_command_clears_nothing_else(folder, capsys):
    compiled.ptx(checked(), "sm_80")
    (folder.parent / "verdicts.txt").write_text("kept")
    others = [folder / "file", folder / "3f" / "file", folder / "src" / ("0" * 64)]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("kept")
    assert main(["cache", "clear"]) == 0
    assert (folder.parent / "verdicts.txt").exists()
    assert entries(folder) == sorted(others)


def test_the_command_says_that_the_cache_is_off(folder, monkeypatch, capsys):
    monkeypatch.setenv("OXIDE_CACHE_SIZE", "0")
    assert main(["cache"]) == 0
    assert "off" in capsys.readouterr().out


def test_the_default_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("OXIDE_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.place() == tmp_path / "oxide"


def test_a_user_without_a_home_keeps_nothing(monkeypatch, capsys):
    """As in a container whose user has no name; kernels run all the same."""

    def home_of(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", classmethod(home_of))
    monkeypatch.setattr(cache.Path, "expanduser", home_of)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for folder in ("", "~nobody/here"):
        monkeypatch.setenv("OXIDE_CACHE_DIR", folder)
        assert cache.code_cache() is None
        assert main(["cache"]) == 0
        assert "OXIDE_CACHE_DIR names one" in capsys.readouterr().out
