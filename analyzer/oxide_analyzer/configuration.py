"""`[tool.oxide]` of pyproject.toml, and which findings are asked for.

    [tool.oxide]
    src = ["src"]                   # where imports are looked up first
    select = ["OX6"]                # show these too: the hints on speed are off by default
    ignore = ["inferred-launch-fact"]
    exclude = ["third_party/"]      # replaces the default list
    extend-exclude = ["*.gen.py"]   # adds to it
    strict = true                   # what is not proved fails a run, too

    [tool.oxide.per-file-ignores]
    "tests/" = ["OX7"]              # patterns as in `exclude`

A key that is not known is an error: a setting that is silently not read is worse than none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.record import record
from oxide_analyzer.rules import RULES, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic

DEFAULT_EXCLUDE = (
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "build",
    "dist",
    "__pycache__",
    ".tox",
)

FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")


class ConfigurationError(Exception):
    """A setting or option that means nothing; the text is one sentence for the user."""


@record
class Selection:
    """Which rules are shown, by number; hints only if they are selected by name or number."""

    selected: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()

    def admits(self, diagnostic: Diagnostic) -> bool:
        """Whether this finding is asked for."""
        if diagnostic.code in self.ignored:
            return False
        if self.selected is None:
            return diagnostic.severity is not Severity.HINT
        return diagnostic.code in self.selected


@record
class Configuration:
    """The settings of a project; `root` is the folder that relative ones start from."""

    root: Path
    src: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    strict: bool = False
    show_suppressed: bool = False
    unsafe_fixes: bool = False
    format: str | None = None
    baseline: str | None = None
    timeout: float | None = None
    cache_dir: str | None = None

    def excluded(self) -> tuple[str, ...]:
        """All patterns of what is not checked."""
        return self.exclude + self.extend_exclude

    def ignored_in(self, path: Path) -> tuple[str, ...]:
        """The rules that `per-file-ignores` names for a file."""
        if not self.per_file_ignores:
            return ()
        from oxide_analyzer import gitignore

        path = path.resolve()
        if not path.is_relative_to(self.root):
            return ()
        parts = path.relative_to(self.root).parts
        return tuple(
            rule
            for pattern, rules in self.per_file_ignores
            if any(
                gitignore.ignored(gitignore.parse(pattern), "/".join(parts[:n]), n < len(parts))
                for n in range(1, len(parts) + 1)
            )
            for rule in rules
        )


def _strings(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return None
    return tuple(value)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < math.inf else None


def _format(value: object) -> str | None:
    return value if isinstance(value, str) and value in FORMATS else None


def _table(value: object) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if not isinstance(value, dict):
        return None
    rows = [(str(pattern), _strings(rules)) for pattern, rules in value.items()]
    found = tuple((pattern, rules) for pattern, rules in rows if rules is not None)
    return found if len(found) == len(rows) else None


_LIST = "a list of strings"
KEYS: dict[str, tuple[Callable[[object], object], str]] = {
    "src": (_strings, _LIST),
    "select": (_strings, _LIST),
    "ignore": (_strings, _LIST),
    "per-file-ignores": (_table, "a table from patterns to lists of strings"),
    "exclude": (_strings, _LIST),
    "extend-exclude": (_strings, _LIST),
    "force-exclude": (_truth, "true or false"),
    "strict": (_truth, "true or false"),
    "show-suppressed": (_truth, "true or false"),
    "unsafe-fixes": (_truth, "true or false"),
    "format": (_format, f"one of {', '.join(FORMATS)}"),
    "baseline": (_string, "a string"),
    "timeout": (_seconds, "a number of seconds"),
    "cache-dir": (_string, "a string"),
}
"""How each key is read, and what its value must be."""


def find(start: Path) -> Configuration:
    """The settings that hold in the folder `start`: of the nearest pyproject.toml with any.

    Without one, the defaults, from `start`. Raises `ConfigurationError`.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            configuration = read(file)
            if configuration is not None:
                return configuration
    return Configuration(start)


def read(file: Path) -> Configuration | None:
    """The settings in a pyproject.toml, None if it has no `[tool.oxide]`."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error
    # Reading TOML costs more than looking whether there is anything for us in it.
    if "oxide" not in text:
        return None
    import tomllib

    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    table = tool.get("oxide") if isinstance(tool, dict) else None
    return None if table is None else parse(table, file)


def parse(table: object, file: Path) -> Configuration:
    """The settings in a table that stands in `file`."""
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: `tool.oxide` is not a table")
    settings: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigurationError(
                f"{file}: unknown key `{key}` in [tool.oxide]{_did_you_mean(str(key), KEYS)}"
            )
        read_value, wanted = KEYS[key]
        setting = read_value(value)
        if setting is None:
            raise ConfigurationError(f"{file}: `{key}` in [tool.oxide] is not {wanted}")
        settings[key.replace("-", "_")] = setting
    configuration = Configuration(file.parent, **settings)
    try:
        selection(configuration.select, configuration.ignore)
        for _, ignored in configuration.per_file_ignores:
            selection((), ignored)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return configuration


def selection(select: Iterable[str], ignore: Iterable[str]) -> Selection:
    """The findings that lists of rules ask for; numbers may be cut short (`OX1`), `ALL` is all.

    Selecting turns hints on and, if anything but hints is named, everything else off.
    """
    selected = _codes(select)
    hints = {rule.code for rule in RULES if rule.severity is Severity.HINT}
    if selected and selected <= hints:
        selected |= {rule.code for rule in RULES if rule.severity is not Severity.HINT}
    return Selection(frozenset(selected) if selected else None, frozenset(_codes(ignore)))


def _codes(selectors: Iterable[str]) -> set[str]:
    codes: set[str] = set()
    for selector in selectors:
        wanted = selector.strip()
        fitting = {
            rule.code
            for rule in RULES
            if wanted.upper() == "ALL"
            or wanted.lower() == rule.name
            or (wanted[:2].upper() == "OX" and rule.code.startswith(wanted.upper()))
        }
        if not fitting:
            close = nearest(wanted)
            hint = f"; did you mean `{close}`?" if close else ""
            raise ConfigurationError(f"unknown rule `{selector}`{hint}")
        codes |= fitting
    return codes


def _did_you_mean(word: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word.replace("_", "-"), known, n=1, cutoff=0.4)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(known)}"
