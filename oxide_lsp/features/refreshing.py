"""Asking the editor to draw lenses, hints and highlighting anew when there is more to draw.

Editors ask for them after each edit by themselves, and are answered with what is known; when the
verdict, or the compiler's answer, says something else, they are asked to ask again. Where nothing
has changed nobody is asked, so nothing flickers.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from oxide_lsp.features.navigation import findings_about

if TYPE_CHECKING:
    from lsprotocol import types

    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document


def answered(ls: OxideServer, document: Document) -> None:
    """A file has new verdicts."""
    ls.listings.resume()
    drawn = _drawn(document)
    if ls.drawn.get(document.uri) == drawn:
        return
    ls.drawn[document.uri] = drawn
    workspace = ls.client_capabilities.workspace
    if workspace is None:
        return
    if ls.preferences.lenses and _can(workspace.code_lens):
        ls.workspace_code_lens_refresh(None)
    if ls.preferences.hints and _can(workspace.inlay_hint):
        ls.workspace_inlay_hint_refresh(None)
    if ls.preferences.highlighting and _can(workspace.semantic_tokens):
        ls.workspace_semantic_tokens_refresh(None)


def compiled(ls: OxideServer) -> None:
    """The registers of a kernel are known."""
    workspace = ls.client_capabilities.workspace
    if workspace is not None and ls.preferences.lenses and _can(workspace.code_lens):
        ls.workspace_code_lens_refresh(None)


def configured(ls: OxideServer) -> None:
    """The user wants to see something else."""
    for document in ls.documents.values():
        ls.drawn.pop(document.uri, None)
        if document.settled.is_set():
            answered(ls, document)


def _drawn(document: Document) -> str:
    """Equal where lenses, hints and highlighting are."""
    drawn = blake2b(digest_size=12)
    for known in document.kernels():
        count = len(findings_about(document, known))
        answer = known.answer
        said = (known.name_span, answer.verdict if answer else None, count)
        drawn.update(repr(said).encode())
        if answer is not None:
            drawn.update(repr(answer.facts).encode())
            drawn.update(answer.insights or b"")
    return drawn.hexdigest()


def _can(
    capability: (
        types.CodeLensWorkspaceClientCapabilities
        | types.InlayHintWorkspaceClientCapabilities
        | types.SemanticTokensWorkspaceClientCapabilities
        | None
    ),
) -> bool:
    return capability is not None and bool(capability.refresh_support)
