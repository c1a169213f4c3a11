"""Takes functions and classes out of the package, with all that they need, as one text.

What is delivered shall run without optunas, and do the very same: so it is not written anew but
taken from the source, as far as it is needed.
"""

from __future__ import annotations

import ast
import inspect
import symtable
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

OURS = "optunas"

Import = tuple[str, str, str]
"""`from` where (empty: a plain import), what, and as what."""


class Extract:
    """Definitions, each after those that it needs, and the imports of all of them."""

    def __init__(self) -> None:
        self.imports: set[Import] = set()
        self.definitions: list[str] = []
        self._taken: set[tuple[str, str]] = set()

    def take(self, objects: Iterable[Any]) -> None:
        """Classes and functions of the package, from the top level of their modules."""
        for one in objects:
            self._take(sys.modules[one.__module__], one.__name__)

    def _take(self, module: ModuleType, name: str) -> None:
        node = _names(module)[name]
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, name)
        elif (module.__name__, name) not in self._taken:
            self._taken.add((module.__name__, name))
            for needed in _needed(node, module):
                self._take(module, needed)
            self.definitions.append(_text(node, module))

    def _import(self, node: ast.Import | ast.ImportFrom, name: str) -> None:
        alias = next(a for a in node.names if name in (a.asname, a.name, a.name.split(".")[0]))
        where = getattr(node, "module", None) or ""
        if where.partition(".")[0] == OURS:
            self._take(import_module(where), alias.name)
        else:
            self.imports.add((where, alias.name, alias.asname or ""))


def imported(imports: Iterable[Import]) -> list[str]:
    """The blocks of lines that import all of this: the future, Python's own, others."""
    blocks: list[list[Import]] = [[], [], []]
    for one in imports:
        top = (one[0] or one[1]).partition(".")[0]
        kind = 0 if top == "__future__" else 1 if top in sys.stdlib_module_names else 2
        blocks[kind].append(one)
    return ["\n".join(_lines(block)) for block in blocks if block]


def _lines(imports: Iterable[Import]) -> list[str]:
    plain = sorted(f"import {_as(what, name)}" for where, what, name in imports if not where)
    by_module: dict[str, list[str]] = {}
    for where, what, name in sorted(imports):
        if where:
            by_module.setdefault(where, []).append(_as(what, name))
    return plain + [f"from {where} import {', '.join(names)}" for where, names in by_module.items()]


def _as(what: str, name: str) -> str:
    return f"{what} as {name}" if name and name != what else what


@cache
def _names(module: ModuleType) -> dict[str, ast.stmt]:
    """What each name on the top level of a module is made by."""
    names: dict[str, ast.stmt] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = node
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {a.asname or a.name.split(".")[0]: node for a in aliases}
    return names


def _needed(node: ast.stmt, module: ModuleType) -> list[str]:
    """The module's names that a definition uses, in the order of their definition."""
    used = _globals(symtable.symtable(_text(node, module), module.__name__, "exec"))
    return [name for name, at in _names(module).items() if name in used and at is not node]


def _globals(table: symtable.SymbolTable) -> set[str]:
    """The names that are looked up on the top level: not those of parameters and variables."""
    outermost = table.get_type() == "module"
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (outermost or symbol.is_global())
    }
    return found.union(*map(_globals, table.get_children()))


def _text(node: ast.stmt, module: ModuleType) -> str:
    lines = inspect.getsource(module).splitlines()
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    return "\n".join(lines[first - 1 : node.end_lineno])
