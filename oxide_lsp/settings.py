"""The settings that hold for a file: those of its project, and what its user wants in the editor.

`[tool.oxide]` of the nearest pyproject.toml holds as for `oxide-check`. What the editor says is for
the server what an option is for the command: it wins. Editors that can be asked are asked for each
folder of the workspace, so folders may differ.

    {"enable": true, "select": ["OX1", "OX3"], "ignore": [], "ptxTarget": "sm_90"}
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from oxide_analyzer import configuration as settings
from oxide_analyzer import project
from oxide_analyzer.configuration import Configuration, ConfigurationError, Selection
from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.modules import Modules

logger = logging.getLogger(__name__)


@record
class Wishes:
    """What a user wants in the editor, for all folders or for one; None where nothing was said."""

    enable: bool = True
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None

    @staticmethod
    def of(said: dict[str, object]) -> Wishes:
        """What the editor's settings say; what is missing or has another type says nothing."""
        return Wishes(
            said.get("enable") is not False, _words(said, "select"), _words(said, "ignore")
        )


def _words(said: dict[str, object], name: str) -> tuple[str, ...] | None:
    value = said.get(name)
    if not isinstance(value, list):
        return None
    return tuple(word for word in cast("list[object]", value) if isinstance(word, str))


@record
class Settings:
    """The settings that hold for one file, and where its imports are looked up.

    `problem` says what means nothing among them; the defaults hold then.
    """

    configuration: Configuration
    selection: Selection
    modules: Modules
    excluded: bool
    problem: str | None = None

    def admits(self, finding: Diagnostic) -> bool:
        """Whether the editor shows a finding. Hints are for editors, so they need no asking."""
        if finding.severity is Severity.HINT and self.selection.selected is None:
            return finding.code not in self.selection.ignored
        return self.selection.admits(finding)


def settings_of(path: str, folder: str | None, wishes: Wishes | None = None) -> Settings:
    """The settings for a file; `folder` stands in for the folder of an unsaved one."""
    wishes = wishes or Wishes()
    entry = Path(path) if Path(path).is_absolute() else None
    start = entry.parent if entry is not None else Path(folder or ".")
    problem = None
    try:
        configuration = settings.find(start)
        selection = _selection(configuration, entry, wishes)
    except ConfigurationError as error:
        problem = str(error)
        logger.warning("%s", problem)
        configuration, selection = Configuration(start.resolve()), Selection()
    excluded = not wishes.enable
    if entry is not None and not excluded:
        excluded = project.Walk(configuration).excludes(entry)
    modules = project.modules(entry, configuration)
    return Settings(configuration, selection, modules, excluded, problem)


def _selection(configuration: Configuration, entry: Path | None, wishes: Wishes) -> Selection:
    ignored = configuration.ignore if wishes.ignore is None else wishes.ignore
    if entry is not None:
        ignored += configuration.ignored_in(entry)
    selected = configuration.select if wishes.select is None else wishes.select
    return settings.selection(selected, ignored)
