"""Every message that the program can give has a test that names its text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "s2s").rglob("*.py"))
TELLERS = {"S2SError", "UsageError", "DivergedError", "warn", "_warn"}
"""What a message is given to first."""

WORDS = 3
"""A test names a message if it has so many of its words in a row."""


def messages(source: str) -> Iterator[tuple[int, list[str]]]:
    """The line of each message of a module, and the fixed parts of its text; not of one that comes from elsewhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in TELLERS:
            parts = _texts(node.args[0])
            if parts:
                yield node.lineno, parts


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _texts(node: ast.AST) -> list[str]:
    """The constant texts in it, but for docstrings: what is said about a test is not what it tests."""
    alone = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Expr)}
    constants = [n for n in ast.walk(node) if isinstance(n, ast.Constant) and id(n) not in alone]
    return [n.value for n in constants if isinstance(n.value, str) and n.value.strip()]


def fragments(parts: list[str]) -> list[str]:
    """All runs of `WORDS` words in the fixed parts, and parts that have fewer."""
    runs = []
    for words in map(str.split, parts):
        runs += [" ".join(words[at : at + WORDS]) for at in range(max(len(words) - WORDS + 1, 1))]
    longest = max(map(len, runs))
    return [run for run in runs if len(run) >= min(longest, 8)]


@pytest.fixture(scope="module")
def tested() -> str:
    """All texts in the tests, patterns without their backslashes."""
    paths = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    return "\n".join(text.replace("\\", "") for path in paths for text in _texts(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_message_is_tested(path: Path, tested: str) -> None:
    untested = [
        (line, parts)
        for line, parts in messages(path.read_text("utf-8"))
        if not any(fragment in tested for fragment in fragments(parts))
    ]
    assert untested == []


def test_a_message_is_found_with_its_fixed_parts() -> None:
    source = 'raise S2SError(f"there are {n} pairs in " + where, hint="Add some.")\nreporter.warn("old")\nwarn(text)'
    assert list(messages(source)) == [(1, ["there are ", " pairs in "]), (2, ["old"])]
    assert fragments(["there are ", " pairs in the file"]) == ["there are", "pairs in the", "in the file"]
    assert sum(len(list(messages(path.read_text("utf-8")))) for path in MODULES) > 100
