"""Findings in files that are not open, when somebody asks for them.

`workspace/diagnostic` for editors that pull, as partial results where they are wanted; the command
`oxide.check` for all: it checks what `oxide-check` would check in the folders of the workspace,
with progress that can be cancelled, and editors that do not ask by themselves are sent the
findings. What was sent about a file is taken back when it is opened, and then shown as for others.

    oxide.check [URI of a folder]    ─►   {"files": 40, "kernels": 96, "findings": 3}

Files are checked one by one when the worker has nothing better to do, so typing goes first. What
has been found is remembered with the text that it was found in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from lsprotocol import types

from oxide_analyzer import project
from oxide_analyzer.configuration import Configuration, ConfigurationError, find
from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile
from oxide_lsp.convert import path_of, result_id, uri_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_lsp.jobs import Answer
    from oxide_lsp.server import OxideServer

logger = logging.getLogger(__name__)

CHECK = "oxide.check"

_MOST_KEPT = 2_000


@record
class Found:
    """What was found in a file that is not open, when it had this size and time."""

    stamp: tuple[int, int]
    items: list[types.Diagnostic]
    kernels: int


class Elsewhere:
    """What is known of files that are not open."""

    def __init__(self) -> None:
        """Nothing."""
        self.found: dict[str, Found] = {}
        self.published: set[str] = set()


def register(ls: OxideServer) -> None:
    """Offer the command; the request is announced with the transport, in `diagnostics`."""

    async def check(*folders: object) -> dict[str, int]:
        folder = next((uri for uri in folders if isinstance(uri, str)), None)
        return await check_workspace(ls, folder)

    ls.command(CHECK)(check)


def opened(ls: OxideServer, uri: str) -> None:
    """A file was opened: an editor that pulls would show what it was sent a second time."""
    if ls.pulls and uri in ls.elsewhere.published:
        ls.elsewhere.published.discard(uri)
        params = types.PublishDiagnosticsParams(uri=uri, diagnostics=[])
        ls.text_document_publish_diagnostics(params)


async def pull(
    ls: OxideServer, params: types.WorkspaceDiagnosticParams
) -> types.WorkspaceDiagnosticReport:
    """The findings of all files of the workspace that are not open."""
    before = {entry.uri: entry.value for entry in params.previous_result_ids}
    token, reports = params.partial_result_token, list[types.WorkspaceDocumentDiagnosticReport]()
    seen: set[str] = set()
    for path in await _files(ls, None):
        uri = uri_of(str(path))
        seen.add(uri)
        found = await _found(ls, path)
        if found is None or (not found.items and uri not in before):
            continue
        report = _report(uri, found.items, before.get(uri))
        if token is None:
            reports.append(report)
        else:
            partial = types.WorkspaceDiagnosticReportPartialResult(items=[report])
            ls.progress(types.ProgressParams(token=token, value=partial))
    # What is open is pulled for itself; what is gone has no findings any more.
    gone = [uri for uri in before if uri not in seen and ls.documents.get(uri) is None]
    reports += [_report(uri, [], before[uri]) for uri in gone]
    return types.WorkspaceDiagnosticReport(items=reports)


async def check_workspace(ls: OxideServer, folder: str | None) -> dict[str, int]:
    """Check every file, with progress; findings are sent to editors that do not pull."""
    token = str(uuid4())
    progress = await _begin(ls, token)
    counts = {"files": 0, "kernels": 0, "findings": 0}
    stale = set(ls.elsewhere.published)
    try:
        files = await _files(ls, folder)
        for number, path in enumerate(files):
            if progress:
                _report_progress(ls, token, number, len(files), path.name)
                if ls.work_done_progress.tokens[token].cancelled():
                    stale.clear()
                    break
            found = await _found(ls, path)
            uri = uri_of(str(path))
            if found is None:
                continue
            counts["files"] += 1
            counts["kernels"] += found.kernels
            counts["findings"] += len(found.items)
            stale.discard(uri)
            _send(ls, uri, found.items)
    finally:
        if progress:
            ls.work_done_progress.end(token, types.WorkDoneProgressEnd(message=_said(counts)))
    if folder is None:
        for uri in stale:
            _send(ls, uri, [])
    if ls.pulls and ls.refreshes:
        ls.workspace_diagnostic_refresh(None)
    return counts


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items())


async def _begin(ls: OxideServer, token: str) -> bool:
    """Show that work has begun, in editors that show it."""
    window = ls.client_capabilities.window
    if window is None or not window.work_done_progress:
        return False
    await ls.work_done_progress.create_async(token)
    begin = types.WorkDoneProgressBegin(title="Oxide", cancellable=True, percentage=0)
    ls.work_done_progress.begin(token, begin)
    return True


def _report_progress(ls: OxideServer, token: str, number: int, total: int, name: str) -> None:
    ls.work_done_progress.report(
        token,
        types.WorkDoneProgressReport(message=name, percentage=100 * number // max(total, 1)),
    )


def _send(ls: OxideServer, uri: str, items: list[types.Diagnostic]) -> None:
    if ls.pulls_workspace or ls.documents.get(uri) is not None:
        return
    if not items and uri not in ls.elsewhere.published:
        return
    (ls.elsewhere.published.add if items else ls.elsewhere.published.discard)(uri)
    params = types.PublishDiagnosticsParams(uri=uri, diagnostics=items)
    ls.text_document_publish_diagnostics(params)


def _report(
    uri: str, items: list[types.Diagnostic], before: str | None
) -> types.WorkspaceDocumentDiagnosticReport:
    identity = result_id(items)
    if identity == before:
        return types.WorkspaceUnchangedDocumentDiagnosticReport(uri=uri, result_id=identity)
    return types.WorkspaceFullDocumentDiagnosticReport(uri=uri, items=items, result_id=identity)


# ---------------------------------------------------------------- files


async def _files(ls: OxideServer, folder: str | None) -> list[Path]:
    """What `oxide-check` would check in the folders of the workspace."""
    folders = [folder] if folder is not None else list(ls.workspace.folders)
    if not folders and ls.workspace.root_uri is not None:
        folders = [ls.workspace.root_uri]
    paths = [Path(path_of(uri)) for uri in folders]
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: list(dict.fromkeys(_walked(paths))))


def _walked(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            configuration = find(folder)
        except ConfigurationError as error:
            logger.warning("%s", error)
            configuration = Configuration(folder)
        for path in project.Walk(configuration).files(folder):
            # Notebooks have findings in their cells, which only an open one has.
            if not project.is_notebook(path.name):
                yield path


async def _found(ls: OxideServer, path: Path) -> Found | None:
    """What is found in a file that is not open; None for others, and for those without kernels."""
    uri = uri_of(str(path))
    if ls.documents.get(uri) is not None:
        return None
    with contextlib.suppress(OSError):
        state = path.stat()
        stamp = state.st_mtime_ns, state.st_size
        known = ls.elsewhere.found.get(uri)
        if known is not None and known.stamp == stamp:
            return known
        source = project.read(path)
        if not isinstance(source, SourceFile) or state.st_size > project.LARGEST:
            return None
        settings = ls.settings_of(str(path))
        if settings.excluded:
            return None
        answer: Answer = await ls.checking.check(source, settings)
        items = [
            ls.converter.diagnostic(source, finding)
            for finding in answer.diagnostics
            if settings.admits(finding)
        ]
        if len(ls.elsewhere.found) >= _MOST_KEPT:
            ls.elsewhere.found.clear()
        found = ls.elsewhere.found[uri] = Found(stamp, items, len(answer.kernels))
        return found
    return None
