"""Whether one model's translations are better than another's, or only luckier: sacrebleu's paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.significance import PairedTest, Result

from s2s.evaluation.metrics import METRICS

LEVEL = 0.05
"""A difference whose p is below it is called significant."""


@dataclass(frozen=True)
class Difference:
    """How the translations of one model score beside those of another, on the same sentences.

    Attributes:
        name: a key of `METRICS`.
        difference: its corpus score less that of the other, in points.
        p_value: how often chance alone makes a difference as large (Koehn 2004); two-sided.
        signature: sacrebleu's, with the seed and the number of resamples.
    """

    name: str
    difference: float
    p_value: float
    signature: str


def paired_bootstrap(
    first: Sequence[str],
    others: Sequence[Sequence[str]],
    references: Sequence[str],
    names: Sequence[str] = ("BLEU", "chrF2"),
) -> list[list[Difference]]:
    """The differences of several models from a first one, for each of them in the order of `names`.

    The same sentences are drawn for all models and scores: 1,000 resamples, from sacrebleu's own seed. Where two
    corpus scores are equal, p is 1: a difference of 0 is never significant, though sacrebleu's estimate for two
    systems that agree in each resample is 1 / 1001.

    Args:
        first: the translations of the model that the others are compared with.
        others: those of each other model.
        references: one for each sentence.
        names: keys of `METRICS`.
    """
    if not others:
        return []
    systems: list[tuple[str, Sequence[str]]] = [
        (str(number), [line.strip() for line in lines]) for number, lines in enumerate([first, *others])
    ]
    test = PairedTest(systems, {name: METRICS[name]() for name in names}, [list(references)], test_type="bs")
    signatures, results = test()
    scored = {name: [result for result in results[name] if isinstance(result, Result)] for name in names}
    return [
        [_difference(name, scored[name][0], scored[name][number], signatures[name].format()) for name in names]
        for number in range(1, len(systems))
    ]


def _difference(name: str, first: Result, other: Result, signature: str) -> Difference:
    difference = float(other.score) - float(first.score)
    p_value = 1.0 if difference == 0.0 or other.p_value is None else float(other.p_value)
    return Difference(name, difference, p_value, signature)
