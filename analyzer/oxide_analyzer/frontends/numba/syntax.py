"""Which function gives each kind of syntax its meaning in Numba code; the rest is as in Oxide."""

from __future__ import annotations

import ast

from oxide_analyzer.frontends.numba import arrays, calls, live, operators, statements
from oxide_analyzer.frontends.oxide.lowering import Syntax
from oxide_analyzer.frontends.oxide.syntax import SYNTAX as OXIDE

_OPAQUE = (
    ast.Lambda,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.JoinedStr,
    ast.Await,
    ast.Yield,
    ast.YieldFrom,
    ast.Starred,
)

SYNTAX = Syntax(
    expressions={
        **OXIDE.expressions,
        **dict.fromkeys(_OPAQUE, operators.opaque),
        ast.Attribute: arrays.attribute,
        ast.BinOp: operators.binary,
        ast.BoolOp: operators.one_of,
        ast.Call: calls.call,
        ast.Compare: operators.compare,
        ast.Constant: operators.constant,
        ast.Name: live.name,
        ast.NamedExpr: operators.named,
        ast.Subscript: arrays.subscript,
    },
    statements={
        **OXIDE.statements,
        ast.Assert: statements.nothing,
        ast.AugAssign: statements.augmented,
        ast.ClassDef: statements.definition,
        ast.Delete: statements.nothing,
        ast.For: statements.for_loop,
        ast.FunctionDef: statements.definition,
        ast.Global: statements.nothing,
        ast.If: statements.branch,
        ast.Import: statements.nothing,
        ast.ImportFrom: statements.nothing,
        ast.Nonlocal: statements.nothing,
        ast.Raise: statements.stop,
        ast.Try: statements.attempt,
        ast.While: statements.while_loop,
        ast.With: statements.context,
    },
    store=arrays.store,
    store_attribute=arrays.store_attribute,
)
