"""Checkpoints: one safetensors file holds weights, optimiser, random state and progress.

One file, since a file can be put in its place in one step: it is written aside, flushed to the disk and renamed, so
that whatever happens meanwhile the checkpoint before is whole. Nothing is pickled: reading runs no code.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from math import inf, isnan, prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from s2s.errors import S2SError


@dataclass(frozen=True)
class Progress:
    """Where a training run stands; with weights, optimiser and random state, all that going on needs.

    Attributes:
        updates: updates done.
        epoch: the epoch under way, from 0.
        batch: batches of that epoch already used.
        seconds: wall-clock of training so far, over all its sittings.
        best_score: the best dev score so far, higher is better; None before the first validation.
        best_update: the update that had it.
        stale: validations since.
        validated_at: the update of the last validation.
    """

    updates: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_update: int = 0
    stale: int = 0
    validated_at: int = -1

    def validated(self, score: float) -> "Progress":
        """The progress after a validation with this score."""
        score = -inf if isnan(score) else score
        if self.best_score is None or score > self.best_score:
            return replace(self, best_score=score, best_update=self.updates, stale=0, validated_at=self.updates)
        return replace(self, stale=self.stale + 1, validated_at=self.updates)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: at every moment it is whole, the old one or the new.

    Raises:
        S2SError: it cannot be written; the old one is untouched.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with aside.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
    except OSError as fault:
        raise S2SError(
            f"the file cannot be written: {fault.strerror or fault}",
            where=str(path),
            hint="What stood there before is untouched.",
        ) from fault


def save_weights(path: Path, model: nn.Module, progress: Progress) -> None:
    """Write the model's weights alone, for translation."""
    write_atomically(path, save(_weights(model), metadata=_metadata(progress)))


def save_training(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    random: Mapping[str, Tensor],
    progress: Progress,
) -> None:
    """Write all that a run needs to go on exactly where it is; `random` are random states by name."""
    states = {f"random.{name}": state for name, state in random.items()}
    tensors = _weights(model) | _optimizer_tensors(model, optimizer) | states
    write_atomically(path, save(tensors, metadata=_metadata(progress)))


def load_weights(path: Path, model: nn.Module) -> Progress:
    """Read weights into a model of the same shape; from either kind of checkpoint.

    Raises:
        S2SError: the file is missing, damaged, or of another model.
    """
    tensors, progress = _read(path)
    _copy_weights(tensors, model, path)
    return progress


def count_weights(path: Path) -> int:
    """The numbers that training may change; a weight that is tied counts once. Reads no weight.

    Raises:
        S2SError: the file is missing or damaged.
    """
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        return sum(prod(file.get_slice(name).get_shape()) for name in names)


@dataclass(frozen=True)
class Saved:
    """What a training checkpoint held beside weights and optimiser."""

    progress: Progress
    random: Mapping[str, Tensor]


def load_training(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Saved:
    """Read all that `save_training` wrote; model and optimiser are changed in place.

    Raises:
        S2SError: the file is missing, damaged, or of another model.
    """
    tensors, progress = _read(path)
    _copy_weights(tensors, model, path)
    if progress.updates:
        _copy_moments(tensors, model, optimizer, path)
    random = {name.removeprefix("random."): value for name, value in tensors.items() if name.startswith("random.")}
    return Saved(progress=progress, random=random)


def _copy_weights(tensors: Mapping[str, Tensor], model: nn.Module, path: Path) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(_matching(tensors, f"model.{name}", parameter, path))


def _copy_moments(
    tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer, path: Path
) -> None:
    state = {}
    for index, (name, parameter) in enumerate(model.named_parameters()):
        prefix = f"optimizer.{name}."
        shapes = {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}
        # clone: what was read is a view of the file, and Adam works in place.
        state[index] = {key: _matching(tensors, prefix + key, like, path).clone() for key, like in shapes.items()}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _weights(model: nn.Module) -> dict[str, Tensor]:
    # named_parameters yields a tied weight once, which is how often it is to be written.
    return {f"model.{name}": tensor.detach().cpu().contiguous() for name, tensor in model.named_parameters()}


def _optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"optimizer.{name}.{key}": value.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _metadata(progress: Progress) -> dict[str, str]:
    return {"progress": json.dumps(asdict(progress))}


def _read(path: Path) -> tuple[dict[str, Tensor], Progress]:
    with _opened(path) as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, Progress(**json.loads(metadata["progress"]))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A checkpoint to read from; what goes wrong with it meanwhile is told as a fault of the file."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError as fault:
        raise S2SError("there is no such checkpoint", where=str(path)) from fault
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as fault:
        raise S2SError(
            f"the checkpoint is damaged, or not one of ours ({fault})",
            where=str(path),
            hint="A run directory keeps two: last.safetensors and best.safetensors.",
        ) from fault


def _matching(tensors: Mapping[str, Tensor], name: str, parameter: Tensor, path: Path) -> Tensor:
    found = tensors.get(name)
    if found is None or found.shape != parameter.shape:
        shape = "nothing" if found is None else f"a tensor of shape {tuple(found.shape)}"
        raise S2SError(
            f"the checkpoint is of another model: {name} should have shape {tuple(parameter.shape)}, "
            f"and there is {shape}",
            where=str(path),
        )
    return found
