"""How the analyzer is, for whoever looks: `oxide/status`, and a message where it went wrong.

    {"health": "ok" | "warning" | "error", "busy": true, "message": ""}

A process of the analyzer's that ends by itself is started again. That is said once as a message;
a status says it each time, until a check ends well. One that ends again and again is left alone:
then the server has the findings of the frontend only, and says so, until it is asked to try again.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from oxide_lsp.server import OxideServer
    from oxide_lsp.worker import WorkerDied

logger = logging.getLogger(__name__)

STATUS = "oxide/status"
RESTART = "oxide.restartAnalyzer"

# So many ends within so many seconds are enough.
_MOST_DEATHS = 6
_WINDOW = 180.0

# Work that is shorter is not worth saying.
_LONG = 0.3


class Health:
    """What is said of the analyzer's process."""

    def __init__(self, ls: OxideServer) -> None:
        """It is well, and idle."""
        self._ls = ls
        self._deaths: list[float] = []
        self._has_told = False
        self._message = ""
        self._wrong_setting = ""
        self._said: dict[str, object] = {"health": "ok", "busy": False, "message": ""}
        self._timer: asyncio.TimerHandle | None = None
        self.has_given_up = False
        self.is_over = False

    def busy(self, now: bool) -> None:
        """The analyzer has something to do, or no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if now:
            self._timer = asyncio.get_running_loop().call_later(_LONG, self._say, True)
        else:
            self._say(False)

    def died(self, path: str, death: WorkerDied) -> None:
        """The process ended while it checked this file."""
        now = monotonic()
        self._deaths = [*(t for t in self._deaths if now - t < _WINDOW), now]
        self._message = f"the analyzer's process ended while it checked {path}"
        logger.error("%s: %s", self._message, death)
        if len(self._deaths) >= _MOST_DEATHS:
            self.has_given_up = True
            self._message = f"the analyzer's process has ended {len(self._deaths)} times"
            self._show(
                types.MessageType.Error,
                f"Oxide: {self._message}, and is not started again. "
                "Only what needs no proof is shown until it is restarted.",
            )
        elif not self._has_told:
            self._has_told = True
            self._show(
                types.MessageType.Warning,
                f"Oxide: {self._message}, and was started again. The log says more.",
            )
        self._say(self._said["busy"] is True)

    def misconfigured(self, problem: str) -> None:
        """Settings mean nothing, and the defaults hold."""
        self._wrong_setting = problem
        self._say(self._said["busy"] is True)

    def configured(self) -> None:
        """Settings are read again."""
        self._wrong_setting = ""

    def recovered(self) -> None:
        """A check has ended well."""
        if self._message and not self.has_given_up:
            self._message = ""

    def try_again(self) -> None:
        """Whatever was, start anew."""
        self._deaths.clear()
        self.has_given_up = False
        self._message = ""
        self._say(False)

    def _say(self, busy: bool) -> None:
        message = self._message or self._wrong_setting
        health = "error" if self.has_given_up else "warning" if message else "ok"
        said: dict[str, object] = {"health": health, "busy": busy, "message": message}
        if said != self._said and not self.is_over:
            self._said = said
            self._ls.protocol.notify(STATUS, said)

    def _show(self, kind: types.MessageType, text: str) -> None:
        self._ls.window_show_message(types.ShowMessageParams(type=kind, message=text))
