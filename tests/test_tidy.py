"""The invariants of ARCHITECTURE.md, as tests."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

from oxide_analyzer import rules

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "oxide": ROOT / "oxide",
    "oxide_analyzer": ROOT / "analyzer" / "oxide_analyzer",
    "oxide_codegen": ROOT / "codegen" / "oxide_codegen",
    "oxide_lsp": ROOT / "oxide_lsp",
}
MODULES = {
    path.relative_to(ROOT).as_posix(): package
    for package, folder in PACKAGES.items()
    for path in sorted(folder.rglob("*.py"))
}
RULES_FOLDER = PACKAGES["oxide_analyzer"] / "rules"

# Whom each package may import, wherever the import stands.
BELOW = {
    "oxide": {"oxide_codegen", "oxide_analyzer", "oxide_lsp"},
    "oxide_codegen": {"oxide_analyzer"},
    "oxide_analyzer": set[str](),
    "oxide_lsp": {"oxide_analyzer"},
}

# The language server reaches code generation in its worker process alone, which runs this module.
WORKERS = {"oxide_lsp/compiling.py": {"oxide_codegen"}}

HEAVY = {"z3", "llvmlite", "cuda", "numpy", "pygls", "lsprotocol"}

# Modules that are themselves imported late, and what they may therefore import at once.
_LSP = {"pygls", "lsprotocol"}
# Who launches kernels of Numba has NumPy; no other module imports these.
_NUMBA = [
    *(f"codegen/oxide_codegen/numba/{name}.py" for name in ("arguments", "arrays", "dispatch")),
    *(f"codegen/oxide_codegen/numba/{name}.py" for name in ("jit", "memory", "random")),
    *(f"codegen/oxide_codegen/numba/{name}.py" for name in ("gufuncs", "reductions", "ufuncs")),
    "codegen/oxide_codegen/numba/templates.py",
    "oxide/numba/__init__.py",
    "oxide/numba_cuda/__init__.py",
    "oxide/numba_cuda/random.py",
]
LATE = {
    "codegen/oxide_codegen/llvm.py": {"llvmlite"},
    "codegen/oxide_codegen/host_arrays.py": {"numpy"},
    **{path: {"numpy"} for path in _NUMBA},
    "oxide_lsp/convert.py": _LSP,
    "oxide_lsp/server.py": _LSP,
    "oxide_lsp/state.py": _LSP,
    # What the server alone imports, which is itself imported late.
    **{
        module.relative_to(ROOT).as_posix(): _LSP
        for module in (ROOT / "oxide_lsp" / "features").glob("*.py")
    },
    "oxide_lsp/checking.py": _LSP,
    "oxide_lsp/documents.py": _LSP,
    "oxide_lsp/health.py": _LSP,
}

# Commands, which speak to a terminal.
PRINTING = ("oxide/cli/", "oxide_lsp/__main__.py")

LIMIT = 600
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def _imports(nodes: list[ast.stmt] | list[ast.AST]) -> set[str]:
    """The modules that these nodes themselves import, not what stands inside of them."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                found.add(module)
    return found


def _at_import(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that run when a module is imported: not those for type checkers alone."""
    found: list[ast.stmt] = []
    for statement in body:
        match statement:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                found += _at_import(orelse)
            case ast.If(body=inner, orelse=orelse):
                found += _at_import(inner) + _at_import(orelse)
            case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final):
                found += _at_import(
                    [*inner, *(s for h in handlers for s in h.body), *orelse, *final]
                )
            case ast.With(body=inner) | ast.ClassDef(body=inner):
                found += _at_import(inner)
            case _:
                found.append(statement)
    return found


def _top(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_imports_point_one_way() -> None:
    wrong = {}
    for path, package in MODULES.items():
        ours = _top(_imports(list(ast.walk(_tree(path))))) & PACKAGES.keys()
        wrong[path] = ours - BELOW[package] - WORKERS.get(path, set()) - {package}
    assert {path: found for path, found in wrong.items() if found} == {}


def test_heavy_packages_are_imported_late() -> None:
    wrong = {
        path: _top(_imports(list(_at_import(_tree(path).body)))) & HEAVY - LATE.get(path, set())
        for path in MODULES
    }
    assert {path: found for path, found in wrong.items() if found} == {}


def test_late_modules_are_imported_late() -> None:
    """What may import a heavy package at once must not be imported at once by another module."""
    assert LATE.keys() <= MODULES.keys()
    late = {_module_name(path) for path in LATE}
    wrong = {
        path: _imported_names(_at_import(_tree(path).body)) & late
        for path in MODULES
        if path not in LATE
    }
    assert {path: found for path, found in wrong.items() if found} == {}


def _module_name(path: str) -> str:
    for package, folder in PACKAGES.items():
        if (ROOT / path).is_relative_to(folder):
            inner = (ROOT / path).relative_to(folder).with_suffix("").parts
            return ".".join([package, *(part for part in inner if part != "__init__")])
    raise AssertionError(path)


def _imported_names(body: list[ast.stmt]) -> set[str]:
    """Imported modules, and what `from` takes out of packages, which may be a module as well."""
    names = _imports(list(body))
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            names |= {f"{statement.module}.{name.name}" for name in statement.names}
    return names


def test_only_the_analysis_makes_proofs() -> None:
    makers = {
        path
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) == "CheckedKernel"
    }
    assert makers == {"analyzer/oxide_analyzer/analysis.py"}


def test_modules_are_small_and_named_from_the_field() -> None:
    lines = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {path: number for path, number in lines.items() if number > LIMIT} == {}
    vague = [path for path in MODULES if VAGUE & set(Path(path).with_suffix("").parts)]
    assert vague == []


def test_only_commands_print() -> None:
    prints = [
        f"{path}:{node.lineno}"
        for path in MODULES
        if not path.startswith(PRINTING)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert prints == []


def test_every_rule_is_registered_in_order() -> None:
    modules = sorted(path.stem for path in RULES_FOLDER.glob("ox[0-9]*.py"))
    pages = sorted(path.stem for path in RULES_FOLDER.glob("ox[0-9]*.md"))
    registered = [rule.page_name.removesuffix(".md") for rule in rules.RULES]
    assert registered == modules
    assert registered == pages


def test_rule_pages_begin_with_their_names() -> None:
    for rule in rules.RULES:
        assert re.fullmatch(r"OX\d{3}", rule.code)
        assert rule.page().startswith(f"# {rule.code}: {rule.name}\n"), rule
        assert rules.find(rule.code) is rules.find(rule.name) is rule


def test_every_builtin_is_documented_and_there() -> None:
    import oxide
    from oxide_analyzer.language.builtins import BUILTINS, Origin, names_of

    for row in BUILTINS.values():
        assert row.documentation.strip(), row.name
        assert "\n" not in row.documentation, row.name
    missing = [name for name in names_of(Origin.OXIDE) if not hasattr(oxide, name)]
    assert missing == []


def _tracked() -> list[str]:
    """The files of the repository; without git (a source distribution), those of the packages."""
    try:
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return list(MODULES)
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


# Written in two pieces, so that this file does not contain what it looks for.
FORBIDDEN = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "/wo" + "rk/", "/t" + "mp/"]))


def test_nothing_is_left_to_do_and_no_path_of_a_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in _tracked()
        if Path(path).suffix in {".py", ".md", ".toml", ".ts", ".json", ".yaml", ".yml", ".sh"}
        and not path.endswith("package-lock.json")
        for number, line in enumerate(
            (ROOT / path).read_text(encoding="utf-8", errors="replace").splitlines(), 1
        )
        if FORBIDDEN.search(line)
    ]
    assert found == []
