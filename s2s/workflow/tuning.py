"""How wide a run searches and how it weighs length: tuned once on dev, and kept with the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from s2s.data.corpus import Pair, Source, read_pairs
from s2s.decoding.search import Beam
from s2s.errors import S2SError
from s2s.evaluation.metrics import score_translations
from s2s.workflow.changes import check_hashes
from s2s.workflow.corpora import read_corpora
from s2s.workflow.run import RunDirectory
from s2s.workflow.translation import Run, Translation

SIZES = (1, 2, 3, 5, 8)
"""Beams that are tried."""

LENGTH_PENALTIES = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6)
"""Length penalties that are tried with each; with a beam of 1 there is nothing to choose from."""


@dataclass(frozen=True)
class Trial:
    """What a search scores.

    Attributes:
        beam: its size.
        length_penalty: its power of the length.
        bleu: sacrebleu's BLEU of its translations.
    """

    beam: int
    length_penalty: float
    bleu: float


def tuning_pairs(run: Run, given: Source | None) -> Sequence[Pair]:
    """The pairs to tune on: those given, or the run's own dev set.

    Raises:
        S2SError: they cannot be read, are not those that the run had, or there is none.
    """
    if given is None:
        corpora = read_corpora(run.config.data, run.config.training.seed)
        check_hashes(run.directory.read_manifest().data, corpora.hashes)
        return corpora.dev
    if pairs := read_pairs(given):
        return pairs
    raise S2SError("there is nothing to tune on: the files have no line", where=" + ".join(map(str, given)))


def trials(run: Run, pairs: Sequence[Pair], sizes: Sequence[int] = SIZES) -> Iterator[Trial]:
    """The BLEU of each beam with each length penalty, beam by beam.

    A search follows the same hypotheses whatever the penalty, which only ranks those that ended: so one search for
    each beam tells of all penalties, exactly.
    """
    references = [pair.trg for pair in pairs]
    for size in sizes:
        beam = run.beam(size)
        translator = replace(run.translator(beam), n_best=size)
        found = list(translator.translate(pair.src for pair in pairs))
        for penalty in LENGTH_PENALTIES if size > 1 else (beam.length_penalty,):
            ranked = replace(beam, length_penalty=penalty)
            translations = [_best(some, ranked).text for some in found]
            [bleu] = score_translations(translations, references, ["BLEU"])
            yield Trial(size, penalty, bleu.value)


def _best(found: Sequence[Translation], beam: Beam) -> Translation:
    return max(found, key=lambda one: beam.score(one.log_prob, one.length))


def best_trial(tried: Sequence[Trial]) -> Trial:
    """The one with the highest BLEU; of equal ones, at the two digits that are quoted, the narrowest beam."""
    return max(tried, key=lambda trial: (round(trial.bleu, 2), -trial.beam, -abs(trial.length_penalty - 1.0)))


def keep(directory: RunDirectory, trial: Trial) -> None:
    """Search with these from now on: they take their place in the run's configuration, whose lock the caller has.

    Raises:
        S2SError: the configuration cannot be read.
    """
    config = directory.read_config()
    decoding = config.decoding.model_copy(update={"beam": trial.beam, "length_penalty": trial.length_penalty})
    directory.write_config(config.model_copy(update={"decoding": decoding}))
