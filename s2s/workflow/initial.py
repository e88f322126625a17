"""What a new run begins with, where its weights are not just drawn: another run, or a dictionary."""

from dataclasses import dataclass
from pathlib import Path

from s2s.config import Config, Table
from s2s.data.batches import TrainingData
from s2s.data.dictionary import count_dictionary
from s2s.errors import UsageError
from s2s.nn.model import Seq2Seq
from s2s.training.checkpoint import load_weights, read_summary
from s2s.workflow.manifest import Origin
from s2s.workflow.reporter import Reporter
from s2s.workflow.run import RunDirectory
from s2s.workflow.tokenizers import Tokenizers
from s2s.workflow.translation import refuse_without_best

OWN = frozenset({"model.dropout"})
"""Settings of model and tokenizer that change neither weights nor vocabulary, so that a new run may have its own."""


@dataclass(frozen=True)
class Initial:
    """Another run: its best weights and its vocabulary, with a fresh optimiser and schedule."""

    run: RunDirectory
    tokenizers: Tokenizers
    origin: Origin

    def fill(self, model: Seq2Seq, reporter: Reporter) -> None:
        """Copy the weights into a model of the same shape, and say so.

        Raises:
            S2SError: their file is damaged.
        """
        load_weights(self.run.best, model)
        reporter.note(f"beginning with the weights of {self.run.path}, after its update {self.origin.updates:,}")


def initial_settings(path: Path) -> Table:
    """The settings of a run that one beginning with it must share: its sections `tokenizer` and `model`.

    Raises:
        S2SError: there is no run, or it is damaged.
    """
    run = RunDirectory(path)
    run.read_manifest()
    table = run.read_config().model_dump(mode="json")
    return {section: table[section] for section in ("tokenizer", "model")}


def read_initial(path: Path, config: Config) -> Initial:
    """What a run of this configuration begins with.

    Raises:
        UsageError: the two differ in what the weights or the vocabulary hang on.
        S2SError: there is no run, it has no trained weights yet, or it is damaged.
    """
    theirs, ours = initial_settings(path), config.model_dump(mode="json")
    differing = [
        f"{section}.{key}: {ours[section][key]} here, {value} there"
        for section, keys in theirs.items()
        for key, value in keys.items()
        if ours[section][key] != value and f"{section}.{key}" not in OWN
    ]
    if differing:
        raise UsageError(
            "the weights of another run do not fit these settings:\n  " + "\n  ".join(differing),
            where=f"--init-from {path}",
            hint="Leave these settings out, and the new run takes those of the other one.",
        )
    run = RunDirectory(path)
    refuse_without_best(run)
    summary = read_summary(run.best)
    origin = Origin(run=str(path.resolve()), updates=summary.progress.updates, checksum=summary.checksum)
    return Initial(run, run.read_tokenizers(run.read_manifest(), config), origin)


def begin_with_dictionary(model: Seq2Seq, data: TrainingData, reporter: Reporter) -> None:
    """Begin with embeddings that are alike where pieces translate each other, as counted in the training pairs."""
    src, trg = model.encoder.embedding.weight, model.decoder.embedding.weight
    dictionary = count_dictionary(data, trg_vocab=len(trg))
    model.begin_with(*dictionary.vectors(src.shape[1], src_vocab=len(src), trg_vocab=len(trg)))
    found = int((dictionary.strength > 0.0).sum())
    reporter.note(f"dictionary: {found:,} translations, counted in {dictionary.pairs:,} pairs")
