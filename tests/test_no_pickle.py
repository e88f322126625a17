"""No pickle, to read or to write, and nothing else that turns data into code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "s2s"
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
CALLS = {
    *("torch.load", "torch.save", "torch.jit.load", "torch.package", "torch.hub", "torch.serialization"),
    *("np.load", "np.save", "np.savez", "numpy.load", "numpy.save"),
    *("eval", "exec", "compile", "__import__"),
}


def dangers(source: str) -> set[str]:
    """What a module's source imports or calls of these, under whatever name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names if alias.name.split(".")[0] in MODULES}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module} & MODULES
                found |= {f"{module}.{alias.name}" for alias in names} & CALLS
            case ast.Attribute() | ast.Name():
                name = ast.unparse(node)
                found |= {danger for danger in CALLS if name == danger or name.startswith(f"{danger}.")}
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", {"pickle"}),
        ("from pickle import loads", {"pickle"}),
        ("import torch\ntorch.load(path, weights_only=True)", {"torch.load"}),
        ("from torch import load as read", {"torch.load"}),
        ("read = np.load", {"np.load"}),
        ("def late():\n    import yaml", {"yaml"}),
        ("eval(text)", {"eval"}),
        ("model.eval()\nre.compile(text)\nsafetensors.torch.load(content)", set()),
    ],
)
def test_each_way_is_seen(source: str, found: set[str]) -> None:
    assert dangers(source) == found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_none(path: Path) -> None:
    assert not dangers(path.read_text(encoding="utf-8"))
