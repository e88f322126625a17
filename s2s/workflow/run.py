"""A run directory: all that a training run is, in one folder that can be moved and sent.

manifest.json           what it is: format version, languages, data and their hashes, device, versions
config.toml             every setting, resolved
written.toml            the configuration as the user wrote it, where there was a file
tokenizer.model         or src.model and trg.model
last.safetensors        weights, their average, optimiser, random state, progress: what going on needs
best.safetensors        the weights with the best dev score: what translation uses
metrics.jsonl           an object a line for every update and validation
results.json            the final scores
log.txt                 what was said on the way
.lock                   there while a training goes on

A run may come from a stranger. Nothing in it is executed, nothing outside it is read, and no more of it than a run
can need.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from s2s.config import Config, check_config, merge, to_toml
from s2s.data.tokenizer import Tokenizer
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.average import Average
from s2s.training.checkpoint import Progress, Saved, save_training, save_weights
from s2s.training.disk import write_atomically
from s2s.training.log import MetricsLog
from s2s.workflow.manifest import Manifest, parse_manifest
from s2s.workflow.results import Results, parse_results
from s2s.workflow.tokenizers import Tokenizers

FILES = (
    "manifest.json",
    "config.toml",
    "written.toml",
    "tokenizer.model",
    "src.model",
    "trg.model",
    "last.safetensors",
    "best.safetensors",
    "metrics.jsonl",
    "results.json",
    "log.txt",
    ".lock",
)
"""Every file that a run may have."""

AS_BEFORE = {"margin": 0.0, "repeats": 0, "copy_unknown": False}
"""How a run searches that is older than these settings: as it always did."""

SEAL = "# SHA-256 of the lines above: "
"""What the last line of a run's configuration begins with."""

WHOLE = "A run is used with all the files that training wrote: put back a copy of it."
"""What to do without one of its text files or tokenizers."""

LONGEST_TEXT = 16 << 20
LARGEST_TOKENIZER = 256 << 20
"""Bytes that are read of a file of a run at most; a million pieces, the most that a vocabulary has, take 30 MB."""


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
        """Keep the configuration, resolved, with a checksum: a changed number would still be a configuration."""
        text = to_toml(config)
        self.write_text("config.toml", f"{text}{SEAL}{_digest(text)}\n")

    def write_manifest(self, manifest: Manifest) -> None:
        """Say what the run is; after this it counts as one."""
        self.write_json("manifest.json", manifest.model_dump(mode="json"))

    def write_tokenizers(self, tokenizers: Tokenizers) -> None:
        """Keep the tokenizers."""
        if tokenizers.joint:
            write_atomically(self.path / "tokenizer.model", tokenizers.src.model)
            return
        write_atomically(self.path / "src.model", tokenizers.src.model)
        write_atomically(self.path / "trg.model", tokenizers.trg.model)

    def read_manifest(self) -> Manifest:
        """What the run is; the first to be asked of any, since it looks at the directory as a whole, too.

        Raises:
            S2SError: there is no run here, it is damaged, of a later version of the program, or reaches out of its
                directory.
        """
        if not self.exists():
            raise S2SError(
                "there is no run here (no manifest.json)",
                where=str(self.path),
                hint="A run is the directory that `s2s train --out RUN` makes.",
            )
        self._refuse_what_is_no_plain_file()
        return parse_manifest(self._read("manifest.json", LONGEST_TEXT), str(self.path / "manifest.json"))

    def read_config(self) -> Config:
        """The configuration of the run.

        Raises:
            S2SError: it cannot be read.
        """
        path = self.path / "config.toml"
        try:
            text = self._read("config.toml", LONGEST_TEXT).decode()
            _refuse_broken_seal(text, str(path))
            config = check_config(merge({"decoding": AS_BEFORE}, tomllib.loads(text)), where=str(path))
        except (ValueError, RecursionError) as fault:
            raise S2SError(f"the run's configuration is damaged ({fault})", where=str(path), hint=WHOLE) from fault
        if not text.endswith("\n") or "max_length" not in config.decoding.model_fields_set:
            raise S2SError(
                "the run's configuration is cut short: decoding.max_length, which every one ends with, is not there",
                where=str(path),
                hint="Put the whole file back: what it lost would be taken for the defaults.",
            )
        return config

    def read_tokenizers(self, manifest: Manifest, config: Config) -> Tokenizers:
        """The tokenizers of the run: one if `tokenizer.joint` says so.

        Raises:
            S2SError: one cannot be read, or is not the one that the manifest is of.
        """
        names = ("tokenizer.model",) if config.tokenizer.joint else ("src.model", "trg.model")
        loaded = [Tokenizer(self._read(name, LARGEST_TOKENIZER), where=str(self.path / name)) for name in names]
        tokenizers = Tokenizers(src=loaded[0], trg=loaded[-1])
        for side, name in (("src", names[0]), ("trg", names[-1])):
            if tokenizers.digests[side] != manifest.tokenizers.get(side):
                raise S2SError(
                    "the tokenizer is damaged, or of another run: its bytes do not match their checksum",
                    where=str(self.path / name),
                    hint="The run's manifest.json has the checksum; without its own tokenizer a model says nothing.",
                )
        return tokenizers

    def read_results(self) -> Results | None:
        """The final scores; None before the end of training.

        Raises:
            S2SError: they cannot be read.
        """
        path = self.path / "results.json"
        return parse_results(self._read(path.name, LONGEST_TEXT), str(path)) if path.exists() else None

    def _read(self, name: str, most: int) -> bytes:
        path = self.path / name
        try:
            with path.open("rb") as stream:
                content = stream.read(most + 1)
        except OSError as fault:
            raise S2SError(f"the file cannot be read: {fault.strerror}", where=str(path), hint=WHOLE) from fault
        if len(content) > most:
            raise S2SError(
                f"the file is no part of a run: it is larger than {most:,} bytes", where=str(path), hint=WHOLE
            )
        return content

    def _refuse_what_is_no_plain_file(self) -> None:
        """A link could lead to any file of the reader's, and a pipe has no end."""
        inside = self.path.resolve()
        for path in (self.path / name for name in FILES):
            try:
                leads_out = path.is_symlink() and not path.resolve().is_relative_to(inside)
                is_plain = path.is_file() or not path.exists()
            except (OSError, RuntimeError) as fault:  # RuntimeError: links in a circle
                raise S2SError(f"the file cannot be read: {fault}", where=str(path), hint=WHOLE) from fault
            if leads_out or not is_plain:
                what = "a link out of the run" if leads_out else "no plain file"
                raise S2SError(
                    f"this is {what}; a run reads nothing outside its own directory",
                    where=str(path),
                    hint="Put the file itself there.",
                )


def _refuse_broken_seal(text: str, where: str) -> None:
    lines, seal, digest = text.rpartition(SEAL)
    if seal and digest.strip() != _digest(lines):
        raise S2SError(
            "the run's configuration is not as training wrote it: its lines do not match their checksum",
            where=where,
            hint="Put back a copy of the file. What may change in a run changes with s2s train --resume RUN --set.",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class CheckpointSaver:
    """Puts a trainer's checkpoints into a run."""

    run: RunDirectory
    model: Seq2Seq
    optimizer: torch.optim.Optimizer
    random_states: Callable[[], Mapping[str, Tensor]]
    average: Average
    metrics: MetricsLog

    def save_last(self, progress: Progress) -> None:
        """Keep all that going on needs; the measurements first, which nobody will make again."""
        self.metrics.sync()
        saved = Saved(progress, self.random_states(), self.average.tensors())
        save_training(self.run.last, self.model, self.optimizer, saved)

    def save_best(self, progress: Progress) -> None:
        """Keep the weights."""
        save_weights(self.run.best, self.model, progress)
