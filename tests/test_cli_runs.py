"""How `oxide-check` runs: formats, several processes, watching, and files that cannot be read."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from oxide.cli import jobs, main_check
from oxide.cli.checking import Answer, Crash, Task, answer
from oxide.cli.failure import WrongUse
from oxide.cli.inputs import Input
from oxide.cli.watching import Watch, watch
from oxide_analyzer import analysis
from oxide_analyzer.configuration import Configuration, Selection
from oxide_analyzer.report import Report
from test_cli_changes import KERNEL, PROVED, WRONG, folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["folder"]

EXAMPLES = Path(__file__).parent.parent / "examples"


def tree(folder: Path, files: int) -> None:
    for number in range(files):
        text = (WRONG if number % 3 == 0 else PROVED).replace("copy", f"copy_{number}")
        (folder / f"k{number:02}.py").write_text(text)


# ---------------------------------------------------------------- formats


def test_annotations_are_the_default_under_github_actions(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "k.py").write_text(WRONG)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.chdir(folder / "src")
    assert main_check([]) == 1
    first, *_, counts, fixable = capsys.readouterr().out.splitlines()
    assert first.startswith("::error title=OX101 (write-to-read-only-slice),file=src/k.py,line=8,")
    assert counts.startswith("1 kernel: 0 proved, 1 violated")
    assert fixable == "1 fixable with --fix --unsafe-fixes."
    assert main_check(["--format", "concise"]) == 1
    assert capsys.readouterr().out.startswith("k.py:8:9: OX101")
    (folder / "src" / "pyproject.toml").write_text('[tool.oxide]\nformat = "concise"\n')
    assert main_check([]) == 1
    assert capsys.readouterr().out.startswith("k.py:8:9: OX101")


def test_formats_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(WRONG + "\n\n" + KERNEL.replace("copy", "good"))

    def printed(form: str) -> str:
        assert main_check(["--format", form]) == 1
        return capsys.readouterr().out

    (run,) = json.loads(printed("sarif"))["runs"]
    assert [result["ruleId"] for result in run["results"] if result["level"] == "error"] == [
        "OX101"
    ]
    assert {i["location"]["path"] for i in json.loads(printed("gitlab"))} == {"k.py"}
    junit = ElementTree.fromstring(printed("junit"))
    assert (junit.get("tests"), junit.get("failures")) == ("2", "1")


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab", "junit", "concise", "full", "github"])
def test_name_that_is_no_text_does_not_end_a_report(folder: Path, form: str) -> None:
    path = Path(os.fsdecode(b"bad\xff.py"))
    try:
        path.write_text(WRONG)
    except OSError:
        # Some file systems take no such names.
        return
    assert main_check(["--format", form, "--output-file", "report"]) == 1
    assert (folder / "report").read_bytes()


def test_unsafe_blocks_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(PROVED)
    assert main_check(["--unsafe"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "0 unsafe blocks in 0 of 1 kernel."
    assert second.startswith("1 kernel: 1 proved")
    text = PROVED.replace("thread\n", "thread, unsafe\n", 1)
    text = text.replace("out[i] = a[i]", "with unsafe('it fits'):\n            out[i + 1] = a[i]")
    (folder / "k.py").write_text(text)
    for code, options in ((0, []), (1, ["--timeout", "1e-9", "--no-cache"])):
        assert main_check(["--unsafe", *options]) == code
        assert capsys.readouterr().out.startswith(
            "k.py:8: in `copy`: it fits\n1 unsafe block in 1 of 1 kernel.\n1 kernel: "
        )


def test_rules_ignored_in_some_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(WRONG)
    (folder / "t.py").write_text(WRONG)
    (folder / "pyproject.toml").write_text('[tool.oxide.per-file-ignores]\n"t.py" = ["OX1"]\n')
    assert main_check(["--format", "concise"]) == 1
    out = capsys.readouterr().out
    assert [line[:4] for line in out.splitlines() if "OX101" in line] == ["k.py"]


LONG = """\
from oxide import DisjointSlice, f32, kernel, sync_threads, thread


@kernel(block=1024)
def long(a: DisjointSlice[f32], n: int):
    t = thread.x
    for i in range(n):
        for j in range(i, n):
            if t + j < len(a):
                a[t + j] = a[t] + 1.0  # oxide: ignore[OX301] not judged
        sync_threads()
"""


def test_kernel_is_stopped_in_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(LONG)
    main_check(["--timeout", "1e-9", "--no-cache", "--format", "concise"])
    out = capsys.readouterr().out
    assert "k.py:5:5: OX901 [unproved-race]" in out
    assert "1 kernel: 0 proved, 0 violated, 1 unproved (1 stopped), 0 assumed." in out
    assert "OX701" not in out
    (folder / "k.py").write_text(PROVED)
    assert main_check(["--timeout", "60"]) == 0
    for seconds in ("0", "-1", "nan", "inf", "x"):
        with pytest.raises(SystemExit) as raised:
            main_check([f"--timeout={seconds}"])
        assert raised.value.code == 2


# ---------------------------------------------------------------- processes


def test_output_is_the_same_for_any_number_of_processes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(folder, 7)
    (folder / "bad.py").write_bytes(b"import oxide\n'\xff'\n")
    outputs = set()
    for number in ("1", "2", "3"):
        assert main_check(["--jobs", number]) == 1
        outputs.add(capsys.readouterr().out)
    assert len(outputs) == 1
    assert "7 kernels: 4 proved, 3 violated" in outputs.pop()


def test_processes_are_started_where_they_pay() -> None:
    assert jobs.processes(1) == jobs.processes(20) == 1
    assert 1 <= jobs.processes(10_000) <= (os.cpu_count() or 1)


def task(path: Path) -> Task:
    return Task(Input(path, str(path), Configuration(path.parent)), Selection())


def fatal(of: Task) -> Answer | None:
    """A check that ends its process on one file."""
    if of.entry.shown.endswith("k03.py"):
        os._exit(3)
    return answer(of)


def test_file_that_ends_its_process_is_a_finding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(folder, 6)
    monkeypatch.setattr(jobs, "answer", fatal)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    answers = list(jobs.answers([task(path) for path in sorted(folder.glob("*.py"))], 2))
    assert [found.crash is not None for found in answers if found] == [
        number == 3 for number in range(6)
    ]
    (crashed,) = (found for found in answers if found and found.crash)
    assert isinstance(crashed.crash, Crash)
    assert "the process that checked this file was ended" in crashed.report.diagnostics[0].message


# ---------------------------------------------------------------- watching


class Watched:
    """A folder that is watched, and what was checked at each look."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch = Watch()
        self.asked: list[str] = []

    def look(self) -> list[str] | None:
        self.asked = []
        tasks = [task(path) for path in sorted(self.folder.glob("*.py"))]
        found = self.watch.update(tasks, self.check)
        return None if found is None else self.asked

    def check(self, tasks: list[Task]) -> Iterator[Answer | None]:
        for each in tasks:
            self.asked.append(Path(each.entry.shown).name)
            yield answer(each)


HELPER = "from oxide import device, f32\n\n\n@device\ndef twice(x: f32) -> f32:\n    return x + x\n"
CALLER = PROVED.replace("\n\n\n", "\nfrom helper import twice\n\n\n", 1).replace(
    "= a[i]", "= twice(a[i])"
)


def touch(path: Path, text: str) -> None:
    path.write_text(text)
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))


def test_only_what_changed_and_what_imports_it_is_checked_again(folder: Path) -> None:
    for name, text in (("alone", PROVED), ("caller", CALLER), ("helper", HELPER)):
        (folder / f"{name}.py").write_text(text)
    watched = Watched(folder)
    assert watched.look() == ["alone.py", "caller.py", "helper.py"]
    assert watched.look() is None
    touch(folder / "alone.py", WRONG)
    assert watched.look() == ["alone.py"]
    touch(folder / "helper.py", HELPER.replace("x + x", "x * x"))
    assert watched.look() == ["caller.py", "helper.py"]
    assert watched.look() is None


def test_import_from_elsewhere_is_watched(folder: Path) -> None:
    (folder / "caller.py").write_text(CALLER)
    (folder / "helper.py").write_text(HELPER)
    watched = Watch()
    only = [task(folder / "caller.py")]
    assert watched.update(only, lambda tasks: map(answer, tasks)) is not None
    assert watched.update(only, lambda tasks: map(answer, tasks)) is None
    touch(folder / "helper.py", HELPER.replace("x + x", "x * x"))
    assert watched.update(only, lambda tasks: map(answer, tasks)) is not None
    assert watched.update(only, lambda tasks: map(answer, tasks)) is None


def test_nothing_to_watch_is_said_once() -> None:
    watched = Watch()
    assert watched.update([], lambda tasks: map(answer, tasks)) == []
    assert watched.update([], lambda tasks: map(answer, tasks)) is None


def test_files_that_appear_and_go(folder: Path) -> None:
    (folder / "alone.py").write_text(PROVED)
    (folder / "caller.py").write_text(CALLER)
    watched = Watched(folder)
    assert watched.look() == ["alone.py", "caller.py"]
    (folder / "helper.py").write_text(HELPER)
    assert watched.look() == ["caller.py", "helper.py"]
    (folder / "helper.py").unlink()
    assert watched.look() == ["caller.py"]
    (folder / "alone.py").unlink()
    # Whatever went may be what its import would have found.
    assert watched.look() == ["caller.py"]
    assert watched.look() is None


def test_watch_shows_again_until_interrupted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "k.py"
    path.write_text(PROVED)
    shown: list[int] = []
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert seconds >= 0.1
        if looks == 2:
            touch(path, WRONG)
        if looks == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(
            lambda: [task(path)],
            lambda tasks: map(answer, tasks),
            lambda found: shown.append(
                sum(len(each.report.diagnostics) for _, each in found if each is not None)
            ),
            sleep,
        )
    assert len(shown) == 2
    assert shown[1] > shown[0]
    captured = capsys.readouterr()
    assert captured.err.count("Waiting for changes") == 2
    assert "\x1b" not in captured.out


def test_watch_outlives_what_is_wrong_for_a_moment(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "k.py"
    path.write_text(PROVED)
    shown: list[int] = []
    looks = 0

    def tasks() -> list[Task]:
        # An editor that writes a new file and renames it: between the two there is none.
        if looks in (1, 2):
            raise WrongUse("there is no file or folder `k.py`")
        return [task(path)]

    def sleep(seconds: float) -> None:
        nonlocal looks
        del seconds
        looks += 1
        if looks == 3:
            touch(path, WRONG)
        if looks == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(
            tasks, lambda asked: map(answer, asked), lambda found: shown.append(len(found)), sleep
        )
    assert len(shown) == 2
    assert capsys.readouterr().err.count("there is no file or folder `k.py`") == 1
    looks = 1
    with pytest.raises(WrongUse):
        watch(tasks, lambda asked: map(answer, asked), lambda found: None, sleep)


def test_other_settings_are_a_change(folder: Path) -> None:
    (folder / "k.py").write_text(WRONG)
    watched = Watch()
    first = task(folder / "k.py")
    assert watched.update([first], lambda tasks: map(answer, tasks)) is not None
    assert watched.update([first], lambda tasks: map(answer, tasks)) is None
    other = replace(first, chosen=Selection(ignored=frozenset({"OX101"})))
    found = watched.update([other], lambda tasks: map(answer, tasks))
    assert found is not None
    assert found[0][0] is other


# ---------------------------------------------------------------- files that cannot be read


def test_file_without_permission_is_a_finding_and_others_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(folder, 2)
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "k00.py":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert main_check(["--format", "concise"]) == 1
    out = capsys.readouterr().out
    assert "k00.py:1:1: OX001 [syntax-error] the file cannot be read: Permission denied" in out
    assert "\n1 kernel: 1 proved" in out


def test_links_that_lead_nowhere_or_round(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.py").write_text(PROVED)
    (folder / "broken.py").symlink_to("nowhere.py")
    (folder / "self.py").symlink_to("self.py")
    (folder / "loop").symlink_to(".", target_is_directory=True)
    (folder / "folder.py").mkdir()
    assert main_check([]) == 0
    assert capsys.readouterr().out.startswith("1 kernel: 1 proved")
    assert main_check(["broken.py"]) == 2
    assert main_check(["self.py"]) == 2


def test_folders_nested_deeper_than_calls(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nested = [folder]
    for _ in range(sys.getrecursionlimit() + 100):
        inner = nested[-1] / "a"
        try:
            inner.mkdir()
        except OSError:
            # As deep as this system lets folders be.
            break
        nested.append(inner)
    kernel = nested[-2] / "k.py"
    kernel.write_text(PROVED)
    try:
        assert main_check(["--no-cache"]) == 0
        assert capsys.readouterr().out.startswith("1 kernel: 1 proved")
    finally:
        # Who removes this folder recursively would fail.
        kernel.unlink()
        for inner in reversed(nested[1:]):
            inner.rmdir()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_pipes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe.py")
    (folder / "k.py").write_text(PROVED)
    # Nobody writes to it: neither a walk nor its name waits for that.
    assert main_check([]) == main_check(["pipe.py"]) == 0
    capsys.readouterr()
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(WRONG.encode())
    name = f"/dev/fd/{reader}"
    if Path(name).exists():
        assert main_check([name, "--format", "concise"]) == 1
        assert capsys.readouterr().out.startswith(f"{name}:8:9: OX101")
    os.close(reader)


def test_device_is_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/zero").exists():
        assert main_check(["/dev/zero", "--format", "concise"]) == 1
        assert "the file cannot be read: not a regular file" in capsys.readouterr().out


def test_file_that_would_take_all_memory_is_not_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "k.py").write_bytes(b"import oxide\nx = [" + b"1, " * 1_400_000 + b"]\n")
    assert main_check(["--format", "concise"]) == 1
    assert "the file cannot be read: it has 4.2 MB, the limit is 4 MB" in capsys.readouterr().out
    (folder / "k.py").write_bytes(b"x = [" + b"1, " * 1_400_000 + b"]\n")
    assert main_check([]) == 0


@pytest.mark.parametrize("name", ["a\0b.py", "x" * 5000])
def test_impossible_names_are_wrong_use(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main_check([name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_standard_input_of_any_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (b"", b"\0", b"oxide\0", b"\xff\xfeo\0x\0i\0d\0e\0", bytes(range(256)) * 2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content + b" oxide")))
        assert main_check(["-", "--format", "concise"]) in (0, 1)
    assert Report.__name__ not in capsys.readouterr().err


# ---------------------------------------------------------------- known verdicts


def test_known_verdicts_are_used_and_said_alike(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OXIDE_CACHE_DIR", raising=False)
    tree(folder, 3)
    idle = PROVED.replace("= a[i]\n", "= a[i]  # oxide: ignore[OX301] both are tested\n")
    (folder / "idle.py").write_text(idle)
    assert main_check(["--no-cache"]) == 1
    cold = capsys.readouterr().out
    assert "OX701" in cold
    assert not (folder / ".oxide_cache").exists()
    assert main_check([]) == 1
    assert capsys.readouterr().out == cold
    assert "*" in (folder / ".oxide_cache" / ".gitignore").read_text().splitlines()

    def check_kernel(kernel: object) -> None:
        raise AssertionError(f"{kernel} was judged again")

    monkeypatch.setattr(analysis, "check_kernel", check_kernel)
    assert main_check([]) == 1
    assert capsys.readouterr().out == cold
    assert main_check(["--timeout", "60"]) == 1
    assert capsys.readouterr().out == cold


def test_known_verdicts_are_where_the_settings_say(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OXIDE_CACHE_DIR", raising=False)
    (folder / "src").mkdir()
    (folder / "src" / "k.py").write_text(PROVED)
    (folder / "pyproject.toml").write_text('[tool.oxide]\ncache-dir = "known"\n')
    monkeypatch.chdir(folder / "src")
    main_check(["k.py"])
    assert (folder / "known").is_dir()
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(folder / "elsewhere"))
    main_check(["k.py"])
    assert (folder / "elsewhere").is_dir()
    assert sorted(path.name for path in (folder / "src").iterdir()) == ["k.py"]


def test_no_folder_is_made_where_none_can_be_or_need_be(folder: Path) -> None:
    # Where no folder can be made there is none, and verdicts are found all the same.
    (folder / "k.py").write_text(PROVED)
    (folder / ".oxide_cache").write_text("")
    assert main_check(["k.py"]) == 0
    (folder / "empty.py").write_text("import oxide\n")
    (folder / ".oxide_cache").unlink()
    assert main_check(["empty.py"]) == 0
    assert not (folder / ".oxide_cache").exists()


def test_imports_from_the_folder_itself(folder: Path) -> None:
    (folder / "k.py").write_text(PROVED.replace("\n\n\n", "\nfrom . import k\n\n\n", 1))
    assert main_check(["k.py"]) == 0
    (folder / "k.py").write_text(PROVED.replace("\n\n\n", "\nfrom .. import k, x\n\n\n", 1))
    assert main_check(["k.py"]) == 0
