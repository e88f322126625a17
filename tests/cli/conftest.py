"""The program called as from a shell, a small corpus on disk, and runs that it trained there."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from small_settings import overrides

from s2s.cli.app import main

SUBJECTS = {"a man": "un homme", "a woman": "une femme", "the dog": "le chien", "the child": "l'enfant"}
VERBS = {"sees": "voit", "hears": "entend", "likes": "aime", "draws": "dessine"}
OBJECTS = {"a red house": "une maison rouge", "an apple": "une pomme", "two fish": "deux poissons", "it": "cela"}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


S2S = Callable[..., Done]
"""`s2s("translate", run, stdin=b"...")`: the arguments as on the command line."""


def call(arguments: tuple[object, ...], stdin: bytes = b"") -> Done:
    """The whole program in this process: arguments in, exit code and both outputs back."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
    debug = os.environ.pop("S2S_DEBUG", None)
    assert debug is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["s2s", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setattr("s2s.compute.available_cores", lambda: 1)  # as many as these sizes can use
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    texts = []
    for stream in streams:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))  # type: ignore[attr-defined]
    return Done(code, *texts)


@pytest.fixture
def s2s() -> S2S:
    return lambda *arguments, stdin=b"": call(arguments, stdin)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train (56 pairs), dev and test (4 each) in .en, .fr and .tsv."""
    folder = tmp_path_factory.mktemp("corpus")
    pairs = [
        (f"{subject} {verb} {thing} .", f"{SUBJECTS[subject]} {VERBS[verb]} {OBJECTS[thing]} .")
        for subject, verb, thing in product(SUBJECTS, VERBS, OBJECTS)
    ]
    mixed = [pairs[n * 37 % len(pairs)] for n in range(len(pairs))]
    for name, part in (("train", mixed[8:]), ("dev", mixed[:4]), ("test", mixed[4:8])):
        (folder / f"{name}.en").write_text("".join(f"{src}\n" for src, _ in part), encoding="utf-8")
        (folder / f"{name}.fr").write_text("".join(f"{trg}\n" for _, trg in part), encoding="utf-8")
        (folder / f"{name}.tsv").write_text("".join(f"{src}\t{trg}\n" for src, trg in part), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def pairs_of(corpus: Path) -> Callable[[str], list[str]]:
    """`pairs_of("--dev")`: the option with its two files."""
    return lambda option: [option, str(corpus / f"{option[2:]}.en"), str(corpus / f"{option[2:]}.fr")]


@pytest.fixture(scope="session")
def training(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A run with attention, and what training it wrote."""
    run = tmp_path_factory.mktemp("runs") / "attending"
    files = [
        f for name in ("train", "dev", "test") for f in (f"--{name}", corpus / f"{name}.en", corpus / f"{name}.fr")
    ]
    return run, call(("train", *files, "--out", run, *overrides()))


@pytest.fixture(scope="session")
def run(training: tuple[Path, Done]) -> Path:
    """The trained run; not to be changed by a test."""
    path, done = training
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="session")
def fixed_vector_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without attention."""
    path = tmp_path_factory.mktemp("runs") / "fixed"
    settings = overrides("model.attention=none", "model.attend=first", "training.max_updates=1")
    done = call(("train", "--train-tsv", corpus / "train.tsv", "--out", path, *settings))
    assert done.code == 0, done.err
    return path


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands run in an empty folder and without the caller's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("S2S_DEBUG", raising=False)
    yield
    os.environ.pop("S2S_DEBUG", None)
