"""Scores of translations: sacrebleu's, each with the signature that makes it quotable."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from s2s.errors import S2SError, UsageError

METRICS: Mapping[str, Callable[[], Metric]] = MappingProxyType({"BLEU": BLEU, "chrF2": CHRF, "TER": TER})
"""Each score's name, and what makes its metric with sacrebleu's own defaults; a new score is a new row."""


@dataclass(frozen=True)
class Score:
    """A number with its recipe.

    Attributes:
        name: a key of `METRICS`.
        value: the corpus score on sacrebleu's scale, from 0 to 100; less TER is better, and over 100 occurs.
        signature: sacrebleu's signature in full, with its version.
    """

    name: str
    value: float
    signature: str


def score_translations(
    hypotheses: Sequence[str],
    references: Sequence[str],
    names: Sequence[str] = ("BLEU", "chrF2", "TER"),
) -> list[Score]:
    """Corpus scores of translations against one reference each, in the order of `names`.

    A blank hypothesis is an empty translation: it stays in the corpus, so its whole reference is missed.

    Args:
        hypotheses: one detokenized translation a sentence.
        references: as many, in the same order.
        names: keys of `METRICS`.

    Raises:
        S2SError: the counts differ, or there is no sentence.
        UsageError: a name is none of `METRICS`.
    """
    for name in names:
        _check_name(name)
    if len(hypotheses) != len(references):
        raise S2SError(
            f"There are {len(hypotheses):,} translations but {len(references):,} references; "
            "each translation needs the one reference on its line.",
            hint="Give two files with as many lines, in the same order.",
        )
    if not references:
        raise S2SError(
            "There is nothing to score: 0 translations and 0 references.",
            hint="Give at least one line in each file.",
        )
    hypotheses = [line.strip() for line in hypotheses]
    return [_score(name, hypotheses, list(references)) for name in names]


def _score(name: str, hypotheses: list[str], references: list[str]) -> Score:
    metric = METRICS[name]()
    value = metric.corpus_score(hypotheses, [references]).score
    # Only now: the signature says how many references there were.
    return Score(name, float(value), metric.get_signature().format())


def _check_name(name: str) -> None:
    if name in METRICS:
        return
    by_lower = {known.lower(): known for known in METRICS}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    raise UsageError(
        f"There is no score '{name}'; the scores are {', '.join(METRICS)}.",
        hint=f"Did you mean '{by_lower[near[0]]}'?" if near else None,
    )
