"""Checkpoints: one file holds weights, their average, optimiser, random state and progress.

One file, since a file can be put in its place in one step: whatever happens meanwhile, the checkpoint before is whole.
Nothing is pickled: reading runs no code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import inf, isnan
from pathlib import Path

import torch
from torch import Tensor, nn

from s2s.errors import S2SError
from s2s.training.disk import write_atomically
from s2s.training.tensorfile import Header, Shape, damaged, read_header, read_tensors, serialise

MOST_COPIES = 8
"""A checkpoint holds the weights, and tensors of their size beside them: Adam keeps two, an average is one. No more
than this in all."""

MOST_BESIDE = 64 << 20
"""Bytes of all else in a checkpoint: the header, and a random state of 5 kB for each CPU thread."""


@dataclass(frozen=True)
class Progress:
    """Where a training run stands; with weights, optimiser and random state, all that going on needs.

    Attributes:
        updates: updates done.
        epoch: the epoch under way, from 0.
        batch: batches of that epoch already used.
        seconds: wall-clock of training so far, over all its sittings.
        best_score: the best dev score so far, higher is better; None before the first validation.
        best_loss: the dev loss beside it, which decides between equal scores; None where nobody knows.
        best_update: the update that had it.
        stale: validations since.
        validated_at: the update of the last validation.
        skipped: updates whose gradient was not finite, so that they changed nothing.
        skipped_in_row: of these, the ones since the last that did change something.
    """

    updates: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_loss: float | None = None
    best_update: int = 0
    stale: int = 0
    validated_at: int = -1
    skipped: int = 0
    skipped_in_row: int = 0

    def validated(self, score: float, loss: float | None) -> "Progress":
        """The progress after a validation with this score and dev loss.

        Of equal scores the one with less loss is better: at first BLEU is 0 for a while, and the model learns.
        """
        score = -inf if isnan(score) else score
        loss = None if loss is None or isnan(loss) else loss
        if self.best_score is None or (score, -_known(loss)) > (self.best_score, -_known(self.best_loss)):
            return replace(
                self, best_score=score, best_loss=loss, best_update=self.updates, stale=0, validated_at=self.updates
            )
        return replace(self, stale=self.stale + 1, validated_at=self.updates)

    def without_best(self) -> "Progress":
        """The progress of a run whose best weights are lost: the next validation has the best ones."""
        return replace(self, best_score=None, best_loss=None, best_update=0, stale=0, validated_at=-1)


def _known(loss: float | None) -> float:
    """A loss to compare with: one that nobody knows beats none."""
    return inf if loss is None else loss


def save_weights(path: Path, model: nn.Module, progress: Progress) -> None:
    """Write the model's weights alone, for translation; without the time they took, so that equal ones are one file."""
    write_atomically(path, *serialise(_weights(model), _metadata(replace(progress, seconds=0.0))))


@dataclass(frozen=True)
class Saved:
    """What a training checkpoint holds beside weights and optimiser.

    Attributes:
        random: random states by name.
        average: the average of the weights by the names of the parameters; empty where there is none.
    """

    progress: Progress
    random: Mapping[str, Tensor] = field(default_factory=dict)
    average: Mapping[str, Tensor] = field(default_factory=dict)


def save_training(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, saved: Saved) -> None:
    """Write all that a run needs to go on exactly where it is."""
    tensors = (
        _weights(model)
        | _optimizer_tensors(model, optimizer)
        | {f"random.{name}": state for name, state in saved.random.items()}
        | {f"average.{name}": average.cpu().contiguous() for name, average in saved.average.items()}
    )
    write_atomically(path, *serialise(tensors, _metadata(saved.progress)))


@dataclass(frozen=True)
class Summary:
    """What a checkpoint says of itself.

    Attributes:
        progress: where training stood.
        parameters: numbers in the weights.
        checksum: of the whole file; the file has it, too.
        bytes: the size of the file.
    """

    progress: Progress
    parameters: int
    checksum: str
    bytes: int


def read_summary(path: Path) -> Summary:
    """What a checkpoint says of itself, from its header alone.

    Raises:
        S2SError: the file is missing, damaged, or not one of ours.
    """
    header = read_header(path)
    weights = [shape for name, shape in header.shapes.items() if name.startswith("model.")]
    parameters = sum(shape.bytes // shape.dtype.itemsize for shape in weights)
    return Summary(_progress(header.metadata, path), parameters, header.checksum, header.size)


def check_whole(path: Path) -> str:
    """Read a checkpoint to its end, and compare it with its checksum.

    Returns:
        The SHA-256 of the weights alone, by which two runs can be compared: of the name, format and shape of each
        tensor, by name, and of its numbers, little-endian.

    Raises:
        S2SError: the file is missing, damaged, or not one of ours.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(read_tensors(path, most=read_header(path).size).tensors.items()):
        if name.startswith("model."):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def check_fits(path: Path, model: nn.Module) -> None:
    """Refuse the checkpoint of another model, from its header alone.

    Args:
        model: may be on torch's meta device; so a model of any size is refused before memory is taken for it.

    Raises:
        S2SError: the file is missing, damaged, or of another model.
    """
    _refuse_unfitting(read_header(path), model, path)


def load_weights(path: Path, model: nn.Module) -> Progress:
    """Read weights into a model of the same shape; from either kind of checkpoint.

    Raises:
        S2SError: the file is missing, damaged, or of another model.
    """
    content = _read(path, model)
    _copy_weights(content.tensors, model, path)
    return content.progress


def load_training(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Saved:
    """Read all that `save_training` wrote; model and optimiser are changed in place.

    Raises:
        S2SError: the file is missing, damaged, or of another model.
    """
    content = _read(path, model)
    tensors, progress = content.tensors, content.progress
    _copy_weights(tensors, model, path)
    if progress.updates > progress.skipped:
        _copy_moments(tensors, model, optimizer, path)
    random = {name.removeprefix("random."): value for name, value in tensors.items() if name.startswith("random.")}
    return Saved(progress=progress, random=random, average=_average(tensors, model, path))


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


def _average(tensors: Mapping[str, Tensor], model: nn.Module, path: Path) -> dict[str, Tensor]:
    """The average of the weights; empty where the checkpoint has none."""
    if not any(name.startswith("average.") for name in tensors):
        return {}
    return {name: _matching(tensors, f"average.{name}", like, path) for name, like in model.named_parameters()}


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


@dataclass(frozen=True)
class _Content:
    tensors: Mapping[str, Tensor]
    progress: Progress


def _read(path: Path, model: nn.Module) -> _Content:
    """All of a checkpoint of this model; what cannot be one is refused from its header."""
    _refuse_unfitting(read_header(path), model, path)
    content = read_tensors(path, most=_most_bytes(model))
    return _Content(content.tensors, _progress(content.metadata, path))


def _refuse_unfitting(header: Header, model: nn.Module, path: Path) -> None:
    for name, parameter in model.named_parameters():
        _refuse_other_shape(header.shapes.get(f"model.{name}"), f"model.{name}", parameter, path)
    known = {f"model.{name}" for name, _ in model.named_parameters()}
    if surplus := sorted(name for name in header.shapes if name.startswith("model.") and name not in known):
        raise S2SError(
            f"the checkpoint is of another model: this one has no {surplus[0]}",
            where=str(path),
            hint="config.toml and the weights do not belong together, or an older program wrote them.",
        )
    if header.size > (most := _most_bytes(model)):
        raise S2SError(
            f"the checkpoint has {header.size:,} bytes, and one of this model has at most {most:,}",
            where=str(path),
            hint="It is damaged, or not one of ours.",
        )


def _most_bytes(model: nn.Module) -> int:
    return MOST_COPIES * sum(parameter.nbytes for parameter in model.parameters()) + MOST_BESIDE


def _progress(metadata: Mapping[str, str], path: Path) -> Progress:
    """The progress in a checkpoint's metadata.

    Raises:
        S2SError: there is none, or it makes no sense.
    """
    try:
        progress = Progress(**json.loads(metadata["progress"]))
        for part in fields(Progress):
            _refuse_nonsense(part.name, getattr(progress, part.name))
    except (LookupError, TypeError, ValueError, RecursionError) as fault:
        raise damaged(path, fault) from fault
    return progress


def _refuse_nonsense(name: str, value: object) -> None:
    """Raise ValueError for a value that no progress has; scores are any number or none, the rest are counts."""
    if name in ("best_score", "best_loss"):
        fits = value is None or (isinstance(value, float | int) and not isnan(value))
    else:
        kind = float | int if name == "seconds" else int
        fits = isinstance(value, kind) and -1 <= value < 2**63
    if not fits or isinstance(value, bool):
        raise ValueError(f"its progress has {value!r} for {name}")


def _matching(tensors: Mapping[str, Tensor], name: str, parameter: Tensor, path: Path) -> Tensor:
    found = tensors.get(name)
    shape = None if found is None else Shape(found.dtype, tuple(found.shape))
    _refuse_other_shape(shape, name, parameter, path)
    assert found is not None
    return found


def _refuse_other_shape(found: Shape | None, name: str, parameter: Tensor, path: Path) -> None:
    if found != Shape(parameter.dtype, tuple(parameter.shape)):
        there = "nothing" if found is None else f"a tensor of shape {found.sizes}"
        if found is not None and found.dtype != parameter.dtype:
            there += f" in {found.dtype}"
        raise S2SError(
            f"the checkpoint is of another model: {name} should have shape {tuple(parameter.shape)}, "
            f"and there is {there}",
            where=str(path),
        )
