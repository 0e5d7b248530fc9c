"""Syntax that kernels do not have; each message names the alternative."""

from __future__ import annotations

import ast

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX002", "unsupported-construct", Severity.ERROR)

_EXPRESSIONS: dict[type[ast.expr], str] = {
    ast.List: "kernels have no lists; use a `LocalArray` or a tuple",
    ast.ListComp: "kernels have no comprehensions; write a loop over a `LocalArray`",
    ast.SetComp: "kernels have no comprehensions; write a loop over a `LocalArray`",
    ast.DictComp: "kernels have no comprehensions; write a loop over a `LocalArray`",
    ast.GeneratorExp: "kernels have no generators; write a loop",
    ast.Dict: "kernels have no dicts; use arrays indexed by integers",
    ast.Set: "kernels have no sets; use an array of flags",
    ast.NamedExpr: "kernels have no `:=`; assign in a statement of its own",
    ast.JoinedStr: "kernels have no strings, save in `print`",
    ast.FormattedValue: "kernels have no strings, save in `print`",
    ast.Await: "kernels have no `await`; `sync_threads()` waits for the block",
    ast.Yield: "kernels have no `yield`; store into a slice",
    ast.YieldFrom: "kernels have no `yield`; store into a slice",
    ast.Starred: "kernels have no starred expressions; write each item",
    ast.Slice: "`i:j` stands in the index of an array",
}

_STATEMENTS: dict[str, str] = {
    "FunctionDef": "kernels have no nested functions; write a `@device` function outside",
    "AsyncFunctionDef": "kernels have no nested functions; write a `@device` function outside",
    "ClassDef": "kernels have no classes; pass scalars and slices",
    "Delete": "kernels have no `del`; a local ends with its thread",
    "AsyncWith": "kernels have no `with`",
    "AsyncFor": "kernels have no `async for`; loop over `range(…)`",
    "Raise": "kernels have no exceptions; store an error code into a slice",
    "Try": "kernels have no exceptions; test with `if` before",
    "TryStar": "kernels have no exceptions; test with `if` before",
    "Import": "kernels have no imports; import at the top of the file",
    "ImportFrom": "kernels have no imports; import at the top of the file",
    "Global": "kernels have no `global`; pass a slice of one element and store into it",
    "Nonlocal": "kernels have no `nonlocal`; pass a slice of one element and store into it",
    "TypeAlias": "kernels have no `type` statements; write it at the top of the file",
}

_OPERATORS: dict[type[ast.operator] | type[ast.cmpop], str] = {
    ast.MatMult: "kernels have no `@`; write the loops of the product",
    ast.Is: "kernels have no `is`; compare with `==`",
    ast.IsNot: "kernels have no `is not`; compare with `!=`",
    ast.In: "kernels have no `in`; compare in a loop, or with `<=` and `<`",
    ast.NotIn: "kernels have no `not in`; compare in a loop, or with `<` and `>=`",
}

_PYTHON_FUNCTIONS = {
    "float": "`float` does not say its precision; write `f32(x)` or `f64(x)`",
    "complex": "kernels have no complex numbers; compute with real and imaginary parts",
    "sum": "kernels have no `sum`; write a loop over the indices",
    "any": "kernels have no `any`; write a loop over the indices",
    "all": "kernels have no `all`; write a loop over the indices",
    "enumerate": "kernels loop over indices: `for k in range(len(a))`",
    "zip": "kernels loop over indices: `for k in range(len(a))`",
    "reversed": "kernels loop over indices: `for k in range(len(a) - 1, -1, -1)`",
    "map": "kernels loop over indices: `for k in range(len(a))`",
    "filter": "kernels loop over indices: `for k in range(len(a))`",
    "list": "kernels have no lists; use a `LocalArray` or a tuple",
    "dict": "kernels have no dicts; use arrays indexed by integers",
    "set": "kernels have no sets; use an array of flags",
    "tuple": "kernels write a tuple as `(x, y)`",
    "str": "kernels have no strings",
}


def expression(node: ast.expr) -> str:
    """What is said about an expression that kernels do not have."""
    return _EXPRESSIONS.get(type(node), f"kernels have no {type(node).__name__} expressions")


def constant(value: object) -> str:
    """What is said about a literal that kernels do not have."""
    match value:
        case str() | bytes():
            return "kernels have no strings"
        case complex():
            return "kernels have no complex numbers; compute with real and imaginary parts"
        case None:
            return "kernels have no `None`; use a number that stands for it"
        case _:
            return "kernels have no `...`"


def statement(node: ast.stmt) -> str:
    """What is said about a statement that kernels do not have."""
    name = type(node).__name__
    return _STATEMENTS.get(name, f"kernels have no {name} statements")


def with_item() -> str:
    """A `with` over something else than `unsafe`."""
    return 'kernels have no `with`, save `with unsafe("why it holds"):`'


def operator(node: ast.operator | ast.cmpop) -> str:
    """What is said about an operator that kernels do not have."""
    return _OPERATORS.get(type(node), f"kernels have no {type(node).__name__} operator")


def python_function(what: str) -> str | None:
    """The alternative to a built-in function of Python; `what` is "Python's `sum`"."""
    prefix = "Python's `"
    if not what.startswith(prefix):
        return None
    name = what.removeprefix(prefix).rstrip("`")
    return _PYTHON_FUNCTIONS.get(name, f"kernels have no `{name}`")


def loop_over(text: str) -> str:
    """A loop over something else than indices."""
    if text in ("enumerate", "zip", "reversed"):
        return _PYTHON_FUNCTIONS[text]
    return f"kernels loop over `range(…)` and `grid_stride(…)`, not over `{text}(…)`"


def keyword(name: str, known: tuple[str, ...]) -> str:
    """A keyword that `@kernel` does not have."""
    listed = ", ".join(f"`{one}=`" for one in known)
    return f"`@kernel` has no `{name}=`; it has {listed}"


def without_call(text: str) -> str:
    """A function that stands alone as a statement."""
    return f"`{text}` is not called; write `{text}(…)`"


def unsettled(kernel: str) -> str:
    """A kernel whose names take their types from each other without end."""
    return f"the names of `{kernel}` depend on each other too deeply; annotate some: `x: f32 = …`"


def too_deep(kernel: str) -> str:
    """A kernel with an expression, its own or of a constant, that nests without measure."""
    return f"an expression of `{kernel}`, or of a constant that it uses, is nested too deeply"
