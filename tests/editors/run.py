"""Oxide in real editors: VS Code, Neovim and Emacs, headless. Takes pictures for the documentation.

    python tests/editors/run.py                    everything, pictures into docs/images
    python tests/editors/run.py --only neovim emacs
    python tests/editors/run.py --pictures build --only workbench

unit        how the extension finds its server, in Node alone
package     the extension's package: nothing in it that does not belong there
host        the extension by VS Code's own API, in a real extension host
workbench   the extension by hand, in a browser: what is seen, clicked and typed
neovim      docs/editors/oxide.lua
emacs       docs/editors/oxide.el

The interpreter that runs this is the one whose Oxide is tested. `tools.py` says what else is
needed; editors that are not installed fail.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from tools import Missing, Tools, tools

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "vscode-extension"
RACE = ROOT / "tests/kernels/unsafe/block_sum_no_barrier.py"
_NOTES = re.compile(r"^# launch: .*\n| *# (?:error|also): .*$", re.MULTILINE)
_MOST_PICTURE = 200_000

# What the package of the extension consists of.
_PACKAGED = {
    "package.json",
    "readme.md",
    "changelog.md",
    "LICENSE.txt",
    "icon.png",
    "language.json",
    "ptx.tmLanguage.json",
    "nvsass.tmLanguage.json",
    "dist/extension.js",
    "dist/welcome.md",
}


class Failed(Exception):
    """A test has failed, in a sentence."""


def unit(found: Tools, pictures: Path) -> None:
    """How the extension finds its server."""
    found.run("npm", "test", "--silent", cwd=EXTENSION)


def package(found: Tools, pictures: Path) -> None:
    """Build the extension's package and look into it."""
    made = subprocess.run(
        ["npm", "run", "--silent", "package"],
        cwd=EXTENSION,
        env=found.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    said = [line for line in (made.stdout + made.stderr).splitlines() if "npm warn" not in line]
    if warnings := [line for line in said if "WARN" in line.upper()]:
        raise Failed("\n".join(warnings))
    with zipfile.ZipFile(EXTENSION / "oxide-kernels.vsix") as archive:
        names = {name.removeprefix("extension/") for name in archive.namelist()}
    names = {name for name in names if not name.startswith("dist/images/")}
    names -= {"extension.vsixmanifest", "[Content_Types].xml"}
    if names != _PACKAGED:
        raise Failed(f"the package differs in {sorted(names ^ _PACKAGED)}")


def host(found: Tools, pictures: Path) -> None:
    """The extension by VS Code's own API."""
    found.run("node", "test/host.mjs", cwd=EXTENSION)


def workbench(found: Tools, pictures: Path) -> None:
    """The extension by hand."""
    found.run("node", "test/workbench.mjs", str(pictures), cwd=EXTENSION)
    large = [p.name for p in pictures.glob("vscode-*.png") if p.stat().st_size > _MOST_PICTURE]
    if large:
        raise Failed(f"pictures that are too large: {', '.join(large)}")


def neovim(found: Tools, pictures: Path) -> None:
    """The set-up of docs/editors/oxide.lua."""
    script = str(ROOT / "tests/editors/neovim.lua")
    _with_kernel(found, "nvim", "--headless", "-u", "NONE", "--noplugin", "-S", script)


def emacs(found: Tools, pictures: Path) -> None:
    """The set-up of docs/editors/oxide.el."""
    _with_kernel(found, "emacs", "--batch", "-l", str(ROOT / "tests/editors/eglot.el"))


def _with_kernel(found: Tools, program: str, *arguments: str) -> None:
    """Run an editor on a kernel with a race, in a folder of its own."""
    if shutil.which(program) is None:
        raise Missing(f"{program} is not installed")
    with tempfile.TemporaryDirectory(prefix="oxide-editor-") as folder:
        kernel = Path(folder) / "block_sum.py"
        # What the kernels of the tests say about themselves is for tests.
        kernel.write_text(_NOTES.sub("", RACE.read_text(encoding="utf-8")), encoding="utf-8")
        (Path(folder) / "pyproject.toml").touch()
        found.run(program, *arguments, cwd=Path(folder), KERNEL=str(kernel))


STEPS: dict[str, Callable[[Tools, Path], None]] = {
    step.__name__: step for step in (unit, package, host, workbench, neovim, emacs)
}
_OF_NODE = {"unit", "package", "host", "workbench"}


def main() -> int:
    """Run the steps; 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--tools", type=Path, default=cache / "oxide-editors", metavar="FOLDER")
    parser.add_argument("--python", default=sys.executable, help="the interpreter with Oxide")
    options = parser.parse_args()
    found = Tools({**os.environ, "OXIDE_PYTHON": options.python})
    if _OF_NODE & set(options.only):
        found = tools(options.tools, options.python)
        if not (EXTENSION / "node_modules").is_dir():
            found.run("npm", "ci", "--silent", cwd=EXTENSION)
    results: list[tuple[str, str, float]] = []
    for name in options.only:
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        start = time.monotonic()
        try:
            STEPS[name](found, options.pictures.absolute())
            result = "passed"
        except (Failed, Missing, subprocess.CalledProcessError) as error:
            result = f"FAILED: {error}"
        results.append((name, result, time.monotonic() - start))
    for name, result, seconds in results:
        sys.stdout.write(f"{name:<10} {seconds:6.1f} s   {result}\n")
    return int(any(result != "passed" for _, result, _ in results))


if __name__ == "__main__":
    sys.exit(main())
