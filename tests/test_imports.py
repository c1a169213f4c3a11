"""What is run seldom finds what it imports: tests for a GPU or a browser, scripts, examples."""

import ast
import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


def imported(text: str) -> Iterator[tuple[str, str]]:
    """Each module of ours from which something is imported, anywhere in the text, and its name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "optunas":
            yield from ((str(node.module), alias.name) for alias in node.names)


def is_there(module: str, name: str) -> bool:
    found = importlib.import_module(module)
    if hasattr(found, name):
        return True
    return hasattr(found, "__path__") and find_spec(f"{module}.{name}") is not None


def missing(text: str) -> list[str]:
    return [".".join(pair) for pair in sorted(set(imported(text))) if not is_there(*pair)]


def test_a_name_that_is_gone_is_found() -> None:
    text = "def test():\n    from optunas.storage import open_storage, quick, gone\n"
    text += "from optunas.storage.quick import QuickStorage, slow\nfrom torch import other\n"
    assert missing(text) == ["optunas.storage.gone", "optunas.storage.quick.slow"]


@pytest.mark.parametrize("part", ["tests", "examples", "studies"])
def test_all_that_is_imported_is_there(part: str) -> None:
    pytest.importorskip("grpc", reason="the proxy needs it: pip install 'optunas[grpc]'")
    files = sorted((TOP / part).rglob("*.py"))
    assert files
    found = {str(file.relative_to(TOP)): missing(file.read_text("utf-8")) for file in files}
    assert {name: names for name, names in found.items() if names} == {}
