"""All that a run says of itself, in one place."""

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from s2s.config import Config
from s2s.errors import S2SError
from s2s.training.checkpoint import check_whole, read_summary
from s2s.workflow.manifest import Manifest
from s2s.workflow.results import Results
from s2s.workflow.run import FILES, RunDirectory
from s2s.workflow.translation import check_size


class CheckpointState(BaseModel):
    """A checkpoint as it lies on the disk.

    Attributes:
        checksum: of the whole file, as it has it itself.
        weights_sha256: of the weights alone; equal where the weights are, to the bit.
        fault: what is wrong with it; None if it is whole.
    """

    model_config = ConfigDict(frozen=True)

    bytes: int
    checksum: str | None
    weights_sha256: str | None
    updates: int | None
    fault: str | None


class Standing(BaseModel):
    """How far training has come.

    Attributes:
        epoch: the epoch under way, from 1.
        skipped: updates whose gradient was not finite.
        best_score: on dev, in the metric's own direction; None before the first validation.
    """

    model_config = ConfigDict(frozen=True)

    updates: int
    epoch: int
    seconds: float
    skipped: int
    metric: str
    best_score: float | None
    best_update: int | None


class Description(BaseModel):
    """A run, described.

    Attributes:
        bytes: of all its files.
        progress: by the last checkpoint; None where that is damaged.
        results: at the end of training; None before it, and where it has gone on since.
        faults: what is wrong with its files.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    manifest: Manifest
    settings: Config
    bytes: int
    checkpoints: dict[str, CheckpointState]
    progress: Standing | None
    results: Results | None
    faults: tuple[str, ...]


def describe_run(path: Path) -> Description:
    """Describe a run; checkpoints and tokenizers are read to their end and compared with their checksums.

    Raises:
        S2SError: there is no run, or its manifest or configuration is damaged.
    """
    run = RunDirectory(path)
    manifest, config = run.read_manifest(), run.read_config()
    checkpoints = {file.stem: _state(file) for file in (run.last, run.best) if file.exists()}
    faults = [state.fault for state in checkpoints.values() if state.fault]
    if "last" not in checkpoints:
        faults.append(f"{run.last}: there is no such checkpoint")
    whole = [file for file in (run.last, run.best) if not _is_faulty(checkpoints.get(file.stem))]
    faults += _misfits(run, manifest, config, whole)
    try:
        results = run.read_results()
    except S2SError as fault:
        results = None
        faults.append(str(fault))
    progress = _standing(run.last, config.training.metric) if not _is_faulty(checkpoints.get("last")) else None
    if progress and progress.best_update is not None and "best" not in checkpoints:
        faults.append(f"{run.best}: it is missing; update {progress.best_update:,} had the best score")
    if results and progress and results.updates != progress.updates:
        results = None  # of an earlier end, from which training has gone on
    return Description(
        run=str(path),
        manifest=manifest,
        settings=config,
        bytes=sum((path / name).stat().st_size for name in FILES if (path / name).exists()),
        checkpoints=checkpoints,
        progress=progress,
        results=results,
        faults=tuple(faults),
    )


def _misfits(run: RunDirectory, manifest: Manifest, config: Config, checkpoints: Sequence[Path]) -> Iterator[str]:
    """What is wrong with the tokenizers, and which checkpoint is not of the model that the configuration describes."""
    try:
        tokenizers = run.read_tokenizers(manifest, config)
        for checkpoint in checkpoints:
            check_size(checkpoint, config, tokenizers)
    except S2SError as fault:
        yield f"{fault.where}: {fault.message}"


def _is_faulty(state: CheckpointState | None) -> bool:
    return state is None or state.fault is not None


def _state(file: Path) -> CheckpointState:
    size = file.stat().st_size
    try:
        summary = read_summary(file)
        weights = check_whole(file)
    except S2SError as fault:
        told = f"{fault.where}: {fault.message}"
        return CheckpointState(bytes=size, checksum=None, weights_sha256=None, updates=None, fault=told)
    return CheckpointState(
        bytes=size,
        checksum=summary.checksum,
        weights_sha256=weights,
        updates=summary.progress.updates,
        fault=None,
    )


def _standing(last: Path, metric: str) -> Standing:
    progress = read_summary(last).progress
    score = progress.best_score
    validated = score is not None and isfinite(score)
    return Standing(
        updates=progress.updates,
        epoch=progress.epoch + 1,
        seconds=progress.seconds,
        skipped=progress.skipped,
        metric=metric,
        best_score=None if score is None or not isfinite(score) else -score if metric == "loss" else score,
        best_update=progress.best_update if validated else None,
    )
