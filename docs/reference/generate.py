"""Write the reference pages: `python docs/reference/generate.py`.

`language.md` is the table of names that kernels may use (`oxide_analyzer.language.builtins`), by
sections; `host.md` is what the package `oxide` offers to the program round them, with signatures
and docstrings. A test holds both to their sources.

Where `oxide` declares a class for type checkers (`oxide/buffers.py`), a program may use what is
declared; what else the class has is for the runtime itself, and it is made by functions.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

import oxide
from oxide_analyzer.language.builtins import BUILTINS, Builtin, BuiltinKind, Effect, Origin

HERE = Path(__file__).resolve().parent
_HEAD = "<!-- Made by docs/reference/generate.py: change its sources, and run it again. -->\n"
_TITLES = {
    BuiltinKind.DECORATOR: "Decorators",
    BuiltinKind.SCALAR: "Scalar types",
    BuiltinKind.SLICE: "Arrays of a launch",
    BuiltinKind.SCRATCH: "Arrays in a kernel",
    BuiltinKind.MARKER: "Parameters that are constants",
    BuiltinKind.VALUE: "Where a thread is, and constants",
    BuiltinKind.NAMESPACE: "Namespaces",
    BuiltinKind.ITERATOR: "Loops",
    BuiltinKind.REGION: "Regions",
    BuiltinKind.FACT: "Facts of a contract",
    BuiltinKind.FUNCTION: "Functions",
}
_FROM = {
    Origin.OXIDE: "of `oxide`",
    Origin.MATH: "of `math`",
    Origin.PYTHON: "of Python",
}


def language() -> str:
    """The page of the language."""
    lines = [
        _HEAD,
        "# Names of the kernel language",
        "",
        "Every name that a kernel may use, and nothing else: a class, a module or a function that "
        "is not here is refused with a message that names the alternative.",
        "What the constructs mean stands in [the language](../language.md).",
    ]
    for kind, title in _TITLES.items():
        rows = [row for row in BUILTINS.values() if row.kind is kind]
        for origin in Origin:
            own = [row for row in rows if row.origin is origin]
            if own:
                # Where only one module has them, it goes without saying.
                one = len({row.origin for row in rows}) == 1
                lines += ["", f"## {title if one else f'{title} {_FROM[origin]}'}", ""]
                lines += _table(own)
    return "\n".join(lines) + "\n"


def host() -> str:
    """The page of the host."""
    offered = {
        name: getattr(oxide, name)
        for name in oxide.__all__
        if name not in BUILTINS or name in ("device", "kernel", "struct", "unsafe")
    }
    lines = [
        _HEAD,
        "# What `oxide` offers on the host",
        "",
        "How it is used stands in [on the host](../host.md); the names that kernels use are in "
        "[the other reference](language.md).",
    ]
    errors = {n: v for n, v in offered.items() if _is_error(v)}
    classes = {n: v for n, v in offered.items() if inspect.isclass(v) and n not in errors}
    rest = {n: v for n, v in offered.items() if n not in errors and n not in classes}
    for title, names in (("Functions", rest), ("Classes", classes), ("Exceptions", errors)):
        lines += ["", f"## {title}"]
        for name, value in sorted(names.items()):
            signature = "" if name in _declared() else _signature(value)
            lines += ["", f"### `{name}{signature}`", "", *_documentation(value)]
            if title == "Exceptions":
                bases = ", ".join(f"`{base.__name__}`" for base in value.__bases__)
                lines += ["", f"Is also: {bases}."]
            if title == "Classes":
                lines += _members(value)
    return "\n".join(lines) + "\n"


PAGES = {"language.md": language, "host.md": host}


def main() -> None:
    """Write them."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8", newline="\n")


def _table(rows: list[Builtin]) -> list[str]:
    has_effect = any(row.effect is not Effect.NONE for row in rows)
    head = ["name", "what it is", *(["what else it does"] if has_effect else [])]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        effect = "" if row.effect is Effect.NONE else row.effect.value
        cells = [f"`{row.signature}`", row.documentation, *([effect] if has_effect else [])]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines


def _is_error(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)


def _signature(value: object) -> str:
    if _is_error(value):
        return ""
    try:
        signature = inspect.signature(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return ""
    shown: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.name != "self":
            # The types of the source are many lines long at times; names and defaults say enough.
            shown.append(str(parameter.replace(annotation=inspect.Parameter.empty)))
    kinds = [p.kind for p in signature.parameters.values() if p.name != "self"]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        shown.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    return f"({', '.join(shown)})"


def _documentation(value: object) -> list[str]:
    return (inspect.getdoc(value) or "").splitlines()


@cache
def _declared() -> dict[str, frozenset[str]]:
    """The classes that are declared for type checkers, with the names of their members."""
    tree = ast.parse((Path(oxide.__file__).parent / "buffers.py").read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {
        one.name: frozenset(node.name for node in one.body if isinstance(node, ast.FunctionDef))
        for one in classes
    }


def _members(owner: type) -> list[str]:
    lines: list[str] = []
    declared = _declared().get(owner.__name__)
    for name, value in sorted(vars(owner).items()):
        if declared is not None and name not in declared:
            continue
        if name.startswith("_") or not (callable(value) or isinstance(value, property)):
            continue
        if not inspect.getdoc(value):
            continue
        signature = "" if isinstance(value, property) else _signature(value)
        first = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
        lines.append(f"* `.{name}{signature}`: {first}")
    return ["", *lines] if lines else []


if __name__ == "__main__":
    main()
