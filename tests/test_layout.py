"""The architecture as a test: which part of s2s may import which, and what no command imports at start."""

import ast
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "s2s"

# A part is a module or folder directly under s2s/. It imports from s2s what its row names and itself alone.
# `s2s` stands for s2s/__init__.py, which holds the version.
LAYERS: dict[str, set[str]] = {
    "s2s": set(),
    "errors": set(),
    "config": {"errors"},
    "explanations": {"errors"},
    "data": {"errors", "config"},
    "nn": set(),
    "training": {"errors", "data", "nn"},
    "decoding": {"errors", "data", "nn"},
    "evaluation": {"errors", "data"},
    "plots": {"errors"},
    "compute": {"errors", "config"},
    "build": {"s2s", "errors", "config", "compute", "data", "nn", "training", "decoding", "evaluation", "plots"},
    "workflow": {
        "s2s",
        "errors",
        "config",
        "data",
        "nn",
        "training",
        "decoding",
        "evaluation",
        "plots",
        "compute",
        "build",
    },
    "cli": {"s2s", "errors", "config", "explanations", "data", "evaluation", "plots", "workflow"},
    "__main__": {"cli"},
}

SLOW_TO_IMPORT = {"torch", "sentencepiece", "matplotlib", "sacrebleu"}


def part_of(path: Path) -> str:
    """The part that a file of the package belongs to."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "s2s" if name == "__init__" else name


def imported_modules(tree: ast.Module, package: str) -> Iterator[str]:
    """The full dotted name of all that a module of `package` imports, wherever in the file it does so."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*parents, *([module] if module else [])])
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[name, *_]):
                assert isinstance(name, ast.Constant), "an import of a computed name cannot be checked"
                yield str(name.value)


def imported_parts(source: str, package: str) -> set[str]:
    """The parts of s2s that a module's source imports; a name that is no part is one of `s2s/__init__.py`."""
    parts = set()
    for name in imported_modules(ast.parse(source), package):
        root, *inner = name.split(".")
        if root == "s2s":
            parts.add(inner[0] if inner and inner[0] in LAYERS else "s2s")
    return parts


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import torch", set()),
        ("import s2s", {"s2s"}),
        ("import s2s.nn.cells as cells, s2s.errors", {"nn", "errors"}),
        ("from s2s import __version__, config", {"s2s", "config"}),
        ("from s2s.data.words import split_words", {"data"}),
        ("from . import search", {"decoding"}),
        ("from .search import beam", {"decoding"}),
        ("from ..training import loss", {"training"}),
        ("from .. import build", {"build"}),
        ("def late():\n    from s2s.plots import figure", {"plots"}),
        ("if TYPE_CHECKING:\n    import s2s.cli.app", {"cli"}),
        ("importlib.import_module('s2s.workflow')", {"workflow"}),
    ],
)
def test_every_kind_of_import_is_seen(source: str, parts: set[str]) -> None:
    assert imported_parts(source, "s2s.decoding") == parts


def test_every_part_has_a_row_and_every_row_a_part() -> None:
    files = PACKAGE.rglob("*.py")
    assert {part_of(path) for path in files} == set(LAYERS)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_its_row_allows(path: Path) -> None:
    part = part_of(path)
    package = ".".join(path.parent.relative_to(ROOT).parts)
    refused = imported_parts(path.read_text(encoding="utf-8"), package) - LAYERS[part] - {part}
    assert not refused, f"{part} may not import {sorted(refused)}"


def test_the_layers_have_an_order() -> None:
    """Each row names rows above it alone, so there is no circle; training and decoding stay apart."""
    above: set[str] = set()
    for part, allowed in LAYERS.items():
        assert allowed <= above, f"{part} is allowed {sorted(allowed - above)}, which stand below it"
        above.add(part)
    assert "decoding" not in LAYERS["training"]
    assert "training" not in LAYERS["decoding"]
    assert [part for part, allowed in LAYERS.items() if "cli" in allowed] == ["__main__"]


def test_the_table_in_contributing_is_this_one() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    written = {}
    for part, cell in re.findall(r"^\| `s2s/(\w+?)(?:\.py|/)?` \|.*\| ([^|]*) \|$", text, flags=re.MULTILINE):
        written["s2s" if part == "__init__" else part] = set(re.findall(r"`(\w+)`", cell))
    assert written == LAYERS


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import s2s.cli.app"], ["-m", "s2s", "--help"], ["-m", "s2s", "--version"]],
    ids=" ".join,
)
def test_a_command_starts_without_the_slow_libraries(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "s2s.cli.app" in imported
    assert not imported & SLOW_TO_IMPORT


def test_help_answers_at_once() -> None:
    """Half a second on an idle machine; the bound leaves room for a busy one."""

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "s2s", "--help"], cwd=ROOT, capture_output=True, check=True, timeout=60)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 2
