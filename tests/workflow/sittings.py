"""A training in a process of its own, and ways to kill it there.

Processes are forked from a server that has loaded torch already, so that hundreds of them take minutes.
"""

import hashlib
import json
import multiprocessing
import os
import random
import signal
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from safetensors.torch import load_file
from small_runs import Told

from s2s.build import build_model
from s2s.config import Config, ModelConfig
from s2s.workflow.run import RunDirectory
from s2s.workflow.training import resume, train

torch.set_num_threads(1)
# The first matrix decomposition loads a library; better once here than in every process.
build_model(ModelConfig(embed_size=2, hidden_size=2), src_vocab=5, trg_vocab=5)

WATCHED = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir"})
"""What Python announces before it does it."""


class Blow(Protocol):
    """A way to be killed."""

    def arm(self, folder: Path) -> None:
        """See to it, in the process that trains."""

    def strike(self, process: Any) -> None:
        """See to it, in the process that waits."""


@dataclass(frozen=True)
class Never:
    """Not at all."""

    def arm(self, folder: Path) -> None:
        pass

    def strike(self, process: Any) -> None:
        process.join()


@dataclass(frozen=True)
class AfterSeconds:
    """From outside, wherever it is then."""

    seconds: float

    def arm(self, folder: Path) -> None:
        pass

    def strike(self, process: Any) -> None:
        process.join(self.seconds)
        process.kill()
        process.join()


@dataclass(frozen=True)
class BeforeFileOperation:
    """Right before the n-th time that it opens, renames, removes or makes something in the folder."""

    number: int

    def arm(self, folder: Path) -> None:
        left = self.number

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in WATCHED and str(arguments[0]).startswith(str(folder)):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)

    def strike(self, process: Any) -> None:
        process.join()


@dataclass(frozen=True)
class InTheMiddleOfAFile:
    """When it flushes its n-th file to the disk, of which only a part has come there: as a power cut does it."""

    number: int
    part: float

    def arm(self, folder: Path) -> None:
        fsync = os.fsync
        left = self.number

        def cut(descriptor: int) -> None:
            nonlocal left
            status = os.fstat(descriptor)
            left -= stat.S_ISREG(status.st_mode)
            if left == 0:
                with suppress(OSError):  # the measurements were written before, and are open for reading only
                    os.ftruncate(descriptor, int(status.st_size * self.part))
                os.kill(os.getpid(), signal.SIGKILL)
            fsync(descriptor)

        os.fsync = cut

    def strike(self, process: Any) -> None:
        process.join()


def draw_blow(rng: random.Random) -> Blow:
    """A random one; most of them early in a sitting, so that a run takes many."""
    return rng.choice(
        (
            AfterSeconds(rng.uniform(0.0, 0.6)),
            BeforeFileOperation(rng.randint(1, 60)),
            InTheMiddleOfAFile(rng.randint(1, 12), rng.random()),
        )
    )


def _sit(config: Config, path: Path, blow: Blow) -> None:
    torch.set_num_threads(1)
    blow.arm(path.parent)
    if RunDirectory(path).exists():
        resume(path, Told())
    else:
        train(config, path, Told())


@cache
def _server() -> multiprocessing.context.ForkServerContext:
    """The server, which has loaded all that a training needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "sittings"])
    with pytest.MonkeyPatch.context() as patch:
        # It finds modules of its own where its environment says, and passes over what it does not find.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        ensure_running()
    return context


def sit(config: Config, path: Path, blow: Blow) -> bool:
    """Begin a run or go on with it, in a process of its own, until its end or its death; whether it came to its end."""
    process = _server().Process(target=_sit, args=(config, path, blow))
    process.start()
    blow.strike(process)
    assert process.exitcode in (0, -signal.SIGKILL), f"{blow}: exit code {process.exitcode}"
    return bool(process.exitcode == 0)


@dataclass(frozen=True)
class Traces:
    """All that a run leaves, but for the time it took.

    Attributes:
        weights: SHA-256 of the tensors of the last checkpoint, which has the time it took beside them.
        best: SHA-256 of the file of the best weights.
        metrics: each event with its numbers, in order.
        results: the final scores.
        names: what lies in the run, and beside it.
    """

    weights: str
    best: str
    metrics: list[dict[str, Any]]
    results: dict[str, Any]
    names: list[str]


def traces(path: Path) -> Traces:
    """What a run left."""
    lines = (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    results = json.loads((path / "results.json").read_text(encoding="utf-8"))
    return Traces(
        weights=_digest(path / "last.safetensors"),
        best=hashlib.sha256((path / "best.safetensors").read_bytes()).hexdigest(),
        metrics=[{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines],
        results={key: value for key, value in results.items() if key != "seconds"},
        names=sorted(str(found.relative_to(path.parent)) for found in path.parent.rglob("*")),
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(path).items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
