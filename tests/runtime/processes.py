"""Several processes of one program, started as torchrun does it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def free_port():
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(program, count, *arguments, timeout=60):
    """The exit codes of all processes, and of each the lines of JSON that it has printed."""
    ours = [str(ROOT / folder) for folder in (".", "analyzer", "codegen")]
    folders = [*ours, *filter(None, [os.environ.get("PYTHONPATH")])]
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "PYTHONPATH": os.pathsep.join(folders),
    }
    running = [
        subprocess.Popen(
            [sys.executable, str(program), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]
    try:
        texts = [one.communicate(timeout=timeout)[0] for one in running]
    finally:
        for one in running:
            one.kill()
    lines = [[json.loads(line) for line in text.splitlines()] for text in texts]
    return [one.returncode for one in running], lines
