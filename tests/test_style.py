"""Rules of style that ruff has no check for (CONTRIBUTING.md, "Style")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "s2s").rglob("*.py"))
MAX_LINES = 60

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@each_module
def test_functions_are_short(path: Path) -> None:
    """From `def` to the last line, docstring included."""
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions(path)}
    assert not {name: length for name, length in lengths.items() if length > MAX_LINES}


@each_module
def test_functions_name_their_arguments(path: Path) -> None:
    """No `**kwargs`: the first line says what a function takes, and a typo in a call is an error."""
    assert not [function.name for function in functions(path) if function.args.kwarg]


def test_files_are_named_for_what_they_hold() -> None:
    shapeless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [
        path
        for path in MODULES
        if shapeless & {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
