"""What `[tool.oxide]` of a file's project says, as `oxide-check` would take it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

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
class Settings:
    """The settings that hold for one file, and where its imports are looked up."""

    configuration: Configuration
    selection: Selection
    modules: Modules
    excluded: bool

    def admits(self, finding: Diagnostic) -> bool:
        """Whether the editor shows a finding. Hints are for editors, so they need no asking."""
        if finding.severity is Severity.HINT and self.selection.selected is None:
            return finding.code not in self.selection.ignored
        return self.selection.admits(finding)


def settings_of(path: str, folder: str | None) -> Settings:
    """The settings for a file; `folder` stands in for the folder of an unsaved one.

    Settings that mean nothing are reported in the log, and the defaults hold.
    """
    entry = Path(path) if Path(path).is_absolute() else None
    start = entry.parent if entry is not None else Path(folder or ".")
    try:
        configuration = settings.find(start)
        selection = settings.selection(configuration.select, configuration.ignore)
    except ConfigurationError as error:
        logger.warning("%s", error)
        configuration, selection = Configuration(start.resolve()), Selection()
    excluded = entry is not None and project.Walk(configuration).excludes(entry)
    return Settings(configuration, selection, project.modules(entry, configuration), excluded)
