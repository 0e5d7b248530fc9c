"""Completion where Python's own server cannot know the words: it leaves all others alone.

    out[i] = x  # oxide: ignore[OX1            numbers and names of rules
    @kernel(block=256, req                     what a contract may say, and has not said yet
    atomic.add(out, i, 1, scope="              scopes
    atomic.load(flag, 0, order="               orders, without those that a load cannot have

Looks at the text alone, for what is being typed rarely parses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.source import SourceFile
    from oxide_lsp.server import OxideServer

_TRIGGERS = ["[", "(", '"', "'"]

_IN_IGNORE = re.compile(r"#\s*oxide:\s*ignore\[[^\]]*?([\w-]*)$")
_IN_STRING = re.compile(r"""(?:\b(scope|order)\s*=\s*|\bfence\(\s*)["'](\w*)$""")
_ATOMIC = re.compile(r"\batomic\.(\w+)\s*\(")
_DECORATOR = re.compile(r"@(?:[^\W\d]\w*\.)?kernel\s*\(")
_KEYWORD = re.compile(r"(?:[(,]|^)\s*(\w*)$")
_SAID = re.compile(r"\b(\w+)\s*=(?!=)")

# A contract is short; what stands further up belongs to something else.
_MOST_LINES = 12


def register(ls: OxideServer) -> None:
    """Offer completion."""
    options = types.CompletionOptions(trigger_characters=_TRIGGERS)
    ls.feature(types.TEXT_DOCUMENT_COMPLETION, options)(complete)


def complete(ls: OxideServer, params: types.CompletionParams) -> list[types.CompletionItem]:
    """What may stand at the position."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.preferences.completion or not document.mentions_kernels:
        return []
    source = document.source
    line, column = ls.converter.place(source, params.position)
    before = source.line(line)[: column - 1]
    found = _rules(before) or _scopes_and_orders(before) or _keywords(source, line, before)
    if found is None:
        return []
    typed, items = found
    place = ls.converter.range(source, Span(source.path, line, column - len(typed), line, column))
    for item in items:
        item.text_edit = types.TextEdit(range=place, new_text=item.insert_text or item.label)
        item.insert_text = None
    return items


def _rules(before: str) -> tuple[str, list[types.CompletionItem]] | None:
    from oxide_analyzer.rules import RULES

    found = _IN_IGNORE.search(before)
    if found is None:
        return None
    typed = found[1]
    by_name = bool(typed) and not typed.lower().startswith("ox")
    items = [
        types.CompletionItem(
            label=rule.name if by_name else rule.code,
            detail=rule.code if by_name else rule.name,
            kind=types.CompletionItemKind.Constant,
            filter_text=rule.name if by_name else f"{rule.code} {rule.name}",
            sort_text=rule.code,
        )
        for rule in RULES
    ]
    return typed, items


def _scopes_and_orders(before: str) -> tuple[str, list[types.CompletionItem]] | None:
    from oxide_analyzer.frontends.oxide.atomics import orders_of
    from oxide_analyzer.ir.nodes import Scope

    found = _IN_STRING.search(before)
    if found is None:
        return None
    what, typed = found[1], found[2]
    if what == "order":
        calls = _ATOMIC.findall(before)
        words = [order.value for order in orders_of(calls[-1] if calls else "")]
    else:
        words = [scope.value for scope in Scope]
    return typed, [
        types.CompletionItem(label=word, kind=types.CompletionItemKind.EnumMember, sort_text=str(n))
        for n, word in enumerate(words)
    ]


def _keywords(
    source: SourceFile, line: int, before: str
) -> tuple[str, list[types.CompletionItem]] | None:
    from oxide_analyzer.frontends.oxide.contract import KEYWORDS

    inside = _inside_decorator(source, line, before)
    found = _KEYWORD.search(before)
    if inside is None or found is None:
        return None
    said = set(_SAID.findall(inside))
    return found[1], [
        types.CompletionItem(
            label=f"{name}=",
            detail=KEYWORDS[name],
            kind=types.CompletionItemKind.Property,
            sort_text=f"{number:02}",
        )
        for number, name in enumerate(KEYWORDS)
        if name not in said
    ]


def _inside_decorator(source: SourceFile, line: int, before: str) -> str | None:
    """What the decorator says up to here, if the place is directly in its parentheses."""
    text = before
    for number in range(line - 1, max(line - _MOST_LINES, 0) - 1, -1):
        opening = _DECORATOR.search(text)
        if opening is not None:
            inside = text[opening.end() :]
            return inside if list(_open_brackets(inside)) == [] else None
        if number == 0:
            break
        text = f"{source.line(number)}\n{text}"
    return None


def _open_brackets(text: str) -> Iterator[str]:
    """Brackets that are not closed, and `)` where the parentheses of the decorator end."""
    depth: list[str] = []
    for character in text:
        if character in "([{":
            depth.append(character)
        elif character in ")]}":
            if not depth:
                yield character
                return
            depth.pop()
    yield from depth
