"""Reports on whole files that are known already: nothing of such a file is read again.

A report is made of the text of a file, and of the modules that were looked up for it: those that
it imports, and those that these import, as far as something led there. All of that is kept beside
the report, as digests. Who comes again looks the same modules up, which costs no more than to read
them, and where each is what it was, or is still not there, so is the report.

    scale.py      from sizes import BLOCK         asked for by scale.py:   sizes, found
                  import fast                                              fast, not found
    sizes.py      from .defaults import BLOCK     asked for by sizes.py:   .defaults, found

Another word in `defaults.py` makes the report on `scale.py` anew, and so does a new `fast.py`.

What was looked up for a file depends on nothing but these texts, so who finds all of them as they
were would have looked up the same. That holds of a report as it was made from the text on disk:
what fixes made of it is not kept, nor what was stopped.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from oxide_analyzer import encoding, verdict_cache
from oxide_analyzer.report import Report
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.modules import RecordedModules
    from oxide_analyzer.verdict_cache import Cache


def known(cache: Cache, path: str, content: bytes, modules: RecordedModules) -> Report | None:
    """The report on a file of this content, if it and all that was looked up for it is as it was.

    Of `modules` nothing was asked yet; after this they have been asked what the report is made of.
    """
    text = cache.get(_key(path, content))
    if text is None:
        return None
    with suppress(ValueError, TypeError):
        asked, answers, report = encoding.load(text)
        for importer, names in asked:
            here = SourceFile(importer, "")
            for name in names:
                modules.find(name, here)
        if answers == _answers(modules) and isinstance(report, Report):
            return report
    return None


def keep(cache: Cache, path: str, content: bytes, modules: RecordedModules, report: Report) -> None:
    """Remember a report, with all that was asked of `modules` for it."""
    if any(kernel.stopped for kernel in report.kernels):
        return
    names: dict[str, list[str]] = {}
    for importer, name in sorted(modules.asked):
        names.setdefault(importer, []).append(name)
    asked = tuple((importer, tuple(by_it)) for importer, by_it in names.items())
    with suppress(TypeError):
        cache.put(_key(path, content), encoding.dump((asked, _answers(modules), report)))


def _answers(modules: RecordedModules) -> str:
    """What was found by all that was asked, whatever the order."""
    return _digest(*(_said(found) for _, found in sorted(modules.asked.items(), key=_question)))


def _question(asked: tuple[tuple[str, str], SourceFile | None]) -> tuple[str, str]:
    return asked[0]


def _said(found: SourceFile | None) -> str:
    return "" if found is None else f"{found.path}\0{_digest_of_text(found.text)}"


def _key(path: str, content: bytes) -> str:
    return verdict_cache.file_key(path, blake2b(content, digest_size=16).hexdigest())


@lru_cache(maxsize=4096)
def _digest_of_text(text: str) -> str:
    return _digest(text)


def _digest(*parts: str) -> str:
    found = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "little"))
        found.update(encoded)
    return found.hexdigest()
