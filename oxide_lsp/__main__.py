"""`oxide-lsp`, and `python -m oxide_lsp`: the language server on standard input and output.

This module is imported once more in each worker process, so it imports next to nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

    from oxide_lsp.worker import Worker

_COLLECT_AFTER = 20_000

_USAGE = """\
usage: oxide-lsp [--stdio] [--version]

The language server of Oxide. An editor starts it and talks to it on standard input and output.
"""


def main() -> int:
    """Serve until the editor says exit."""
    arguments = [a for a in sys.argv[1:] if a != "--stdio"]
    if arguments == ["--version"]:
        from importlib.metadata import version

        print(f"oxide-lsp {version('oxide-kernels')}")
        return 0
    if arguments:
        print(_USAGE, end="", file=sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    _never_import_from_here()
    from oxide_lsp.worker import Worker

    # Started first: it imports the analyzer and the solver while this process imports pygls.
    worker = Worker()
    worker.start()
    return serve(worker)


def serve(worker: Worker) -> int:
    """Serve with this worker."""
    import gc
    import logging

    # Editors show standard error as errors; pygls logs every message at the level below.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_news)
    # The protocol's types are hundreds of classes; looking for garbage among them takes a tenth of
    # the time that it takes to start.
    gc.disable()
    try:
        from oxide_lsp.server import make_server
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("pygls", "lsprotocol"):
            raise
        worker.kill()
        install = 'pip install "oxide-kernels[lsp]"'
        print(f"oxide-lsp needs {package}: {install}", file=sys.stderr)
        return 1
    server = make_server(worker)
    gc.freeze()
    # Reading a file makes thousands of objects, few of them garbage in circles.
    gc.set_threshold(_COLLECT_AFTER)
    gc.enable()
    server.start_io()
    worker.kill()
    return 0


def _is_news(record: logging.LogRecord) -> bool:
    """What pygls logs, without what is as it should be: a cancelled or outdated request."""
    if record.exc_info is not None and record.exc_info[0] is not None:
        name = record.exc_info[0].__name__
        return name not in ("JsonRpcContentModified", "JsonRpcRequestCancelled", "CancelledError")
    return "Cancel notification for unknown" not in record.msg


def _never_import_from_here() -> None:
    """Keep the user's files out of `import`: `python -m` puts the working folder first.

    The variable does the same for the worker process.
    """
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    os.environ["PYTHONSAFEPATH"] = "1"


if __name__ == "__main__":
    sys.exit(main())
