"""A run directory: all that a training run is, in one folder that can be moved and sent.

manifest.json           what it is: format version, languages, data and their hashes, device, versions
config.toml             every setting, resolved
written.toml            the configuration as the user wrote it, where there was a file
tokenizer.model         or src.model and trg.model
last.safetensors        weights, optimiser, random state, progress: what going on needs
best.safetensors        the weights with the best dev score: what translation uses
metrics.jsonl           an object a line for every update and validation
results.json            the final scores
log.txt                 what was said on the way
"""

import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from s2s.config import Config, check_config, to_toml
from s2s.data.tokenizer import Tokenizer
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.checkpoint import Progress, save_training, save_weights, write_atomically
from s2s.training.optim import build_adam

FORMAT_VERSION = 1
"""Raised when a run directory of this program could no longer be read by the version before."""


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizer of each side; the same one where the vocabulary is joint."""

    src: Tokenizer
    trg: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.src is self.trg

    def models(self) -> tuple[bytes, bytes]:
        """What tells two sets of tokenizers apart."""
        return self.src.model, self.trg.model


@dataclass(frozen=True)
class RunDirectory:
    """The files of a run; see the head of this module."""

    path: Path

    @property
    def last(self) -> Path:
        """The checkpoint from which training goes on."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """The weights that translation uses."""
        return self.path / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """The measurements of training, JSON lines."""
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """What was said during training."""
        return self.path / "log.txt"

    def exists(self) -> bool:
        """Whether there is a whole run here."""
        return (self.path / "manifest.json").is_file()

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run, in one step."""
        write_atomically(self.path / name, text.encode())

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the run, in one step."""
        self.write_text(name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def write_config(self, config: Config) -> None:
        """Keep the configuration, resolved."""
        self.write_text("config.toml", to_toml(config))

    def write_tokenizers(self, tokenizers: Tokenizers) -> None:
        """Keep the tokenizers."""
        if tokenizers.joint:
            write_atomically(self.path / "tokenizer.model", tokenizers.src.model)
            return
        write_atomically(self.path / "src.model", tokenizers.src.model)
        write_atomically(self.path / "trg.model", tokenizers.trg.model)

    def read_manifest(self) -> dict[str, Any]:
        """What the run is.

        Raises:
            S2SError: there is no run here, or one of a later version of the program.
        """
        path = self.path / "manifest.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            version = manifest["format_version"]
        except (FileNotFoundError, NotADirectoryError) as fault:
            raise S2SError(
                "there is no run here (no manifest.json)",
                where=str(self.path),
                hint="A run is the directory that `s2s train --out RUN` makes.",
            ) from fault
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise S2SError(f"the manifest is damaged ({fault})", where=str(path)) from fault
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise S2SError(
                f"the run has format version {version!r}, and this program reads up to {FORMAT_VERSION}",
                where=str(path),
                hint="Update s2s.",
            )
        return dict(manifest)

    def read_results(self) -> dict[str, Any]:
        """What a finished run scored.

        Raises:
            S2SError: it is not finished, or the file is damaged.
        """
        path = self.path / "results.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as fault:
            raise S2SError(f"the run's results are missing or damaged ({fault})", where=str(path)) from fault

    def read_config(self) -> Config:
        """The configuration of the run.

        Raises:
            S2SError: it cannot be read.
        """
        path = self.path / "config.toml"
        try:
            return check_config(tomllib.loads(path.read_text(encoding="utf-8")), where=str(path))
        except (OSError, ValueError) as fault:
            raise S2SError(f"the run's configuration is missing or damaged ({fault})", where=str(path)) from fault

    def read_tokenizers(self) -> Tokenizers:
        """The tokenizers of the run.

        Raises:
            S2SError: one cannot be read.
        """
        joint = self.path / "tokenizer.model"
        if joint.exists():
            tokenizer = Tokenizer.load(joint)
            return Tokenizers(src=tokenizer, trg=tokenizer)
        return Tokenizers(src=Tokenizer.load(self.path / "src.model"), trg=Tokenizer.load(self.path / "trg.model"))


@dataclass(frozen=True)
class CheckpointSaver:
    """Puts a trainer's checkpoints into a run."""

    run: RunDirectory
    model: Seq2Seq
    optimizer: torch.optim.Optimizer
    random_states: Callable[[], Mapping[str, Tensor]]

    def save_last(self, progress: Progress) -> None:
        """Keep all that going on needs."""
        save_training(self.run.last, self.model, self.optimizer, self.random_states(), progress)

    def save_best(self, progress: Progress) -> None:
        """Keep the weights."""
        save_weights(self.run.best, self.model, progress)


def create_run(
    run: RunDirectory,
    *,
    config: Config,
    written: str,
    tokenizers: Tokenizers,
    model: Seq2Seq,
    manifest: Mapping[str, Any],
) -> None:
    """Make a run directory with all that training it needs, before its first update.

    It is made aside and renamed, so that it is there whole or not at all.

    Raises:
        S2SError: it cannot be made.
    """
    aside = RunDirectory(run.path.with_name(f".{run.path.name}.new"))
    try:
        shutil.rmtree(aside.path, ignore_errors=True)
        aside.path.mkdir(parents=True)
        aside.write_config(config)
        if written:
            aside.write_text("written.toml", written)
        aside.write_tokenizers(tokenizers)
        save_training(aside.last, model, build_adam(model), {}, Progress())
        aside.write_json("manifest.json", manifest)
        aside.path.replace(run.path)
    except OSError as fault:
        raise S2SError(
            f"the run directory cannot be made: {fault.strerror}",
            where=str(run.path),
            hint="Choose another --out.",
        ) from fault
