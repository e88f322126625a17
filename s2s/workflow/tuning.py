"""How wide a run searches and how it weighs length: tuned once on dev, and kept with the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from s2s.config import check_config, merge
from s2s.data.corpus import Pair, Source, read_pairs
from s2s.decoding.search import Beam
from s2s.decoding.translator import Translation
from s2s.errors import S2SError
from s2s.evaluation.metrics import score_translations
from s2s.evaluation.significance import LEVEL, paired_bootstrap
from s2s.workflow.changes import check_hashes
from s2s.workflow.corpora import read_corpora
from s2s.workflow.evaluation import WINDOW
from s2s.workflow.run import RunDirectory
from s2s.workflow.translation import Run

SIZES = (1, 2, 3, 5, 8)
"""Beams that are tried, beside the run's own."""

LENGTH_PENALTIES = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6)
"""Length penalties that are tried with each, beside the run's own; greedy search has nothing to choose from."""


FEWEST = 100
"""Sentences below which no difference is believed."""


@dataclass(frozen=True)
class Trial:
    """What a search scores.

    Attributes:
        beam: its size.
        length_penalty: its power of the length.
        bleu: sacrebleu's BLEU of its translations.
        translations: of each sentence.
    """

    beam: int
    length_penalty: float
    bleu: float
    translations: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """The best search beside the run's own.

    Attributes:
        p_value: how often chance alone makes a difference as large (see `evaluation.significance`), times the searches
            that had the chance (Bonferroni's correction): the best of many is a little better on any sentences.
    """

    best: Trial
    own: Trial
    p_value: float

    @property
    def is_better(self) -> bool:
        """Whether it is more than chance."""
        enough = len(self.best.translations) >= FEWEST
        return enough and self.best.bleu > self.own.bleu and self.p_value < LEVEL


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
    raise S2SError(
        "there is nothing to tune on: the files have no line",
        where=" + ".join(map(str, given)),
        hint="Give sentences and their translations, or neither --src nor --ref for the run's dev set.",
    )


def trials(run: Run, pairs: Sequence[Pair]) -> Iterator[Trial]:
    """The BLEU of each beam with each length penalty, beam by beam.

    A search follows the same hypotheses whatever the penalty, which only ranks those that ended: so one search for
    each beam tells of all penalties, exactly.
    """
    references = [pair.trg for pair in pairs]
    own = run.config.decoding
    for size in sorted({*SIZES, own.beam}):
        beam = run.beam(size)
        translator = replace(run.translator(beam), n_best=size).with_window(WINDOW)
        found = list(translator.translate(pair.src for pair in pairs))
        penalties = sorted({*LENGTH_PENALTIES, own.length_penalty}) if size > 1 else [own.length_penalty]
        for penalty in penalties:
            ranked = replace(beam, length_penalty=penalty)
            translations = tuple(_best(some, ranked).text for some in found)
            [bleu] = score_translations(translations, references, ["BLEU"])
            yield Trial(size, penalty, bleu.value, translations)


def _best(found: Sequence[Translation], beam: Beam) -> Translation:
    return max(found, key=lambda one: beam.score(one.log_prob, one.length))


def choose(run: Run, tried: Sequence[Trial], pairs: Sequence[Pair]) -> Choice:
    """The trial with the highest BLEU, of equal ones the narrowest beam, beside the run's own search."""
    decoding = run.config.decoding
    [own] = [one for one in tried if (one.beam, one.length_penalty) == (decoding.beam, decoding.length_penalty)]
    best = max(tried, key=lambda trial: (trial.bleu, -trial.beam))
    if best.bleu == own.bleu:
        return Choice(own, own, p_value=1.0)
    [[difference]] = paired_bootstrap(own.translations, [best.translations], [pair.trg for pair in pairs], ["BLEU"])
    return Choice(best, own, min(difference.p_value * (len(tried) - 1), 1.0))


def keep(directory: RunDirectory, *, beam: int | None, length_penalty: float | None) -> None:
    """Search with these from now on: they take their place in the run's configuration, whose lock the caller has.

    Args:
        beam: None leaves it as it is, and so with the length penalty.

    Raises:
        UsageError: a value is none that the setting may have.
        S2SError: the configuration cannot be read.
    """
    given = {"beam": beam, "length_penalty": length_penalty}
    changes = {"decoding": {key: value for key, value in given.items() if value is not None}}
    directory.write_config(check_config(merge(directory.read_config().model_dump(mode="json"), changes)))
