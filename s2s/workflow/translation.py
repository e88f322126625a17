"""A trained run, ready to translate."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from s2s.build import build_beam, build_model, outline_model
from s2s.compute import Compute, build_compute
from s2s.config import Config, check_config, merge
from s2s.data.batches import Batch
from s2s.data.tokenizer import SUBWORDS
from s2s.decoding.search import Beam
from s2s.decoding.stepper import EnsembleStepper, ModelStepper, StepModel, mean_of_probabilities
from s2s.decoding.translator import Translation, Translator
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.checkpoint import check_fits, load_weights, read_summary
from s2s.workflow.lock import is_held
from s2s.workflow.run import RunDirectory
from s2s.workflow.tokenizers import Tokenizers

__all__ = ["Run", "Translation", "load_ensemble", "load_run", "translate"]


@dataclass(frozen=True)
class Run:
    """A run with its model in memory.

    Attributes:
        others: models of other runs that speak with this one's as an ensemble: the mean of their probabilities.
    """

    directory: RunDirectory
    config: Config
    src_lang: str
    trg_lang: str
    tokenizers: Tokenizers
    model: Seq2Seq
    compute: Compute
    others: tuple[Seq2Seq, ...] = ()

    def beam(self, size: int | None = None) -> Beam:
        """The search that the run was configured with; `size` takes the place of its beam.

        Nothing is copied where pieces spell everything, or no model looks at the source.
        """
        beam = build_beam(self.config.decoding, size=size)
        could_copy = self.config.tokenizer.kind not in SUBWORDS and any(model.hops for model in self.models)
        return replace(beam, copy_unknown=beam.copy_unknown and could_copy)

    @property
    def models(self) -> tuple[Seq2Seq, ...]:
        """All that speak."""
        return (self.model, *self.others)

    def stepper(self) -> StepModel[Any]:
        """What search asks: the model, or the ensemble."""
        if not self.others:
            return ModelStepper(self.model)
        return EnsembleStepper([ModelStepper(model) for model in self.models])

    def forced_log_probs(self, batch: Batch) -> Tensor:
        """The log-probability of each real target token of given pairs, (tokens); of an ensemble, the mean's."""
        right = batch.trg_out[batch.trg_mask][:, None]
        members = []
        for model in self.models:
            logits = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).logits.float()
            members.append(logits.gather(1, right)[:, 0] - logits.logsumexp(dim=1))
        return mean_of_probabilities(torch.stack(members))

    def attention(self, batch: Batch) -> Tensor:
        """Where the last hop looks at each step of given translations, (batch, trg, src); of an ensemble, the mean.

        Members without attention have no say; one at least has it.
        """
        batch = batch.to(self.compute.device)
        nowhere = torch.zeros_like(batch.trg_mask)  # where logits are wanted, which cost more than all the rest
        looking = [model for model in self.models if model.hops]
        weights = [m(batch.src, batch.src_mask, batch.trg_in, nowhere).weights[:, :, -1] for m in looking]
        return torch.stack(weights).mean(dim=0)

    def translator(self, beam: Beam, *, n_best: int = 1, warn: Callable[[str], None] = lambda _: None) -> Translator:
        """A translator with this search; the model must be in evaluation mode.

        Who asks for several translations gets them, however far behind the best they are.
        """
        return Translator(
            model=self.stepper(),
            src_tokenizer=self.tokenizers.src,
            trg_tokenizer=self.tokenizers.trg,
            beam=replace(beam, margin=inf) if n_best > 1 else beam,
            device=self.compute.device,
            autocast=self.compute.search_autocast,
            look=self.attention,
            n_best=n_best,
            workers=self.compute.threads if self.compute.device.type == "cpu" else 1,
            warn=warn,
        )


def load_run(path: Path, *, device: str = "auto", threads: int = 0) -> Run:
    """The best model of a run, in evaluation mode.

    Args:
        path: the run directory.
        device: as in `training.device`.
        threads: as in `training.threads`.

    Raises:
        S2SError: there is no run, it has no trained weights yet, or a file of it is damaged.
    """
    directory = RunDirectory(path)
    manifest = directory.read_manifest()
    here = {"training": {"device": device, "threads": threads, "precision": "auto"}}
    config = check_config(merge(directory.read_config().model_dump(mode="json"), here))
    tokenizers = directory.read_tokenizers(manifest, config)
    refuse_without_best(directory)
    check_size(directory.best, config, tokenizers)
    compute = build_compute(config).as_recorded(manifest.device, manifest.precision, manifest.search_precision)
    model = build_model(config.model, src_vocab=tokenizers.src.size, trg_vocab=tokenizers.trg.size)
    load_weights(directory.best, model)
    return Run(
        directory=directory,
        config=config,
        src_lang=manifest.src_lang,
        trg_lang=manifest.trg_lang,
        tokenizers=tokenizers,
        model=model.to(compute.device).eval(),
        compute=compute,
    )


def refuse_without_best(directory: RunDirectory) -> None:
    """Refuse a run that has no weights to translate with.

    Raises:
        S2SError: it never had any, or it lost them.
    """
    if directory.best.exists():
        return
    path = directory.path
    if is_held(path):
        raise S2SError(
            "the run has no trained weights yet: it is being trained now, and its first validation is to come",
            where=str(path),
            hint="Wait for it; `training.validate_every` says when it comes.",
        )
    resume = f"s2s train --resume {shlex.quote(str(path))}"
    if read_summary(directory.last).progress.best_score is None:
        raise S2SError(
            "the run has no trained weights yet: it was stopped before its first validation",
            where=str(path),
            hint=f"Go on with it: {resume}",
        )
    raise S2SError(
        "the run's best weights are missing",
        where=str(directory.best),
        hint=f"Put a copy of the file back, or keep the best ones anew: {resume}",
    )


def check_size(checkpoint: Path, config: Config, tokenizers: Tokenizers) -> None:
    """Before memory is taken for a model: the checkpoint is one of its size.

    Raises:
        S2SError: it is of another model, or damaged.
    """
    outline = outline_model(config.model, src_vocab=tokenizers.src.size, trg_vocab=tokenizers.trg.size)
    check_fits(checkpoint, outline)


def load_ensemble(paths: Sequence[Path], *, device: str = "auto", threads: int = 0) -> Run:
    """The first run, with the models of the others beside its own; settings and search are the first one's.

    Raises:
        S2SError: as for `load_run`; or the runs do not share their vocabularies.
    """
    first, *others = [load_run(path, device=device, threads=threads) for path in paths]
    for other in others:
        if other.tokenizers.digests != first.tokenizers.digests:
            raise S2SError(
                f"the run has other vocabularies than {first.directory.path}, and an ensemble speaks one language",
                where=str(other.directory.path),
                hint="Train its members on the same data with the same [tokenizer], and another training.seed each.",
            )
    return replace(first, others=tuple(other.model for other in others))


def translate(run: Run, lines: Iterable[str]) -> Iterator[Translation]:
    """The best translation of each line, in order, with the run's own search."""
    for best in run.translator(run.beam()).translate(lines):
        yield best[0]
