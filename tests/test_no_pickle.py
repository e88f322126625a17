"""No pickle, to read or to write, and nothing else that turns data into code: a run may come from a stranger.

But for what a program and the processes that it started itself tell each other, through a pipe that nobody else has.
"""

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

TO_OWN_PROCESSES = PACKAGE / "training" / "hands.py"


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
    allowed = {"pickle"} if path == TO_OWN_PROCESSES else set()
    assert dangers(path.read_text(encoding="utf-8")) == allowed


def test_what_processes_tell_each_other_comes_out_of_their_pipe() -> None:
    """And from nowhere else."""
    tree = ast.parse(TO_OWN_PROCESSES.read_text(encoding="utf-8"))
    uses = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    assert sorted(use for use in uses if use.startswith("pickle.")) == ["pickle.Pickler", "pickle.loads"]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    [read] = [ast.unparse(call) for call in calls if ast.unparse(call.func) == "pickle.loads"]
    assert read == "pickle.loads(pipe.recv_bytes())"
