"""Documents that lie in no file: compiled kernels, and the pages of rules.

    oxide-ptx:/block_sum.sm_90.ptx?…     compiled code, see `features.ptx`
    oxide-rule:/OX104.md                 the page of a rule

They are offered by `workspace/textDocumentContent` to editors that know it, and instructions
explain themselves there by ordinary hovers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_lsp.features import ptx

if TYPE_CHECKING:
    from oxide_lsp.server import OxideServer

RULE_SCHEME = "oxide-rule"


def register(ls: OxideServer) -> None:
    """Be able to answer; editors that ask are found out by `initialized`."""
    ls.feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)(content)


def initialized(ls: OxideServer) -> None:
    """Tell an editor that can ask for such documents which ones there are."""
    capabilities = ls.client_capabilities
    workspace, text_document = capabilities.workspace, capabilities.text_document
    offered = workspace.text_document_content if workspace is not None else None
    if offered is None or not offered.dynamic_registration:
        return
    registrations = [
        types.Registration(
            id="oxide-documents",
            method=types.WORKSPACE_TEXT_DOCUMENT_CONTENT,
            register_options=types.TextDocumentContentRegistrationOptions(
                schemes=[ptx.SCHEME, RULE_SCHEME]
            ),
        )
    ]
    hover = text_document.hover if text_document is not None else None
    if hover is not None and hover.dynamic_registration:
        selector = [types.TextDocumentFilterScheme(scheme=ptx.SCHEME)]
        registrations.append(
            types.Registration(
                id="oxide-instructions",
                method=types.TEXT_DOCUMENT_HOVER,
                register_options=types.HoverRegistrationOptions(document_selector=selector),
            )
        )
    ls.client_register_capability(types.RegistrationParams(registrations=registrations))


async def content(
    ls: OxideServer, params: types.TextDocumentContentParams
) -> types.TextDocumentContentResult:
    """The text of one of these documents."""
    if params.uri.startswith(f"{RULE_SCHEME}:"):
        return types.TextDocumentContentResult(text=_page(params.uri))
    return types.TextDocumentContentResult(text=await ptx.content(ls, params.uri))


def _page(uri: str) -> str:
    from oxide_analyzer import rules

    name = uri.rpartition("/")[2].removesuffix(".md")
    rule = rules.find(name)
    return f"There is no rule `{name}`.\n" if rule is None else rule.page()
