"""BLEU by the length of the source: what Figure 2 of Bahdanau et al. (2015) shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from s2s.evaluation.metrics import score_translations

WIDTH = 5
"""Lengths of a bucket, in words: 1 to 5, 6 to 10 and so on, as far as there are enough sentences."""

FEWEST = 30
"""Sentences that a bucket needs: a BLEU of fewer says little."""


@dataclass(frozen=True)
class Bucket:
    """The sentences whose sources are of about one length.

    Attributes:
        shortest, longest: the lengths that belong to it, in words.
        mean: the mean length of its sentences.
        sentences: which ones, as positions in the corpus.
    """

    shortest: int
    longest: int
    mean: float
    sentences: tuple[int, ...]

    @property
    def name(self) -> str:
        """`6–10`."""
        return f"{self.shortest}–{self.longest}" if self.longest > self.shortest else f"{self.shortest}"


def bucket_by_length(lengths: Sequence[int], *, width: int = WIDTH, fewest: int = FEWEST) -> list[Bucket]:
    """Each sentence in one bucket, from short to long.

    A bucket with too few sentences takes in the next longer one; at the end of the corpus the next shorter one
    takes it in. The first begins with the shortest sentence there is, the last ends with the longest.

    Args:
        lengths: the words of each source.
        width: the lengths of a bucket.
        fewest: sentences that a bucket needs, unless the corpus has fewer.
    """
    by_step: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_step.setdefault(max(length - 1, 0) // width, []).append(index)
    groups: list[tuple[int, list[int]]] = []  # the last step of each, and its sentences
    waiting: list[int] = []
    for step in sorted(by_step):
        waiting += by_step[step]
        if len(waiting) >= fewest:
            groups.append((step, waiting))
            waiting = []
    if waiting:
        before = groups.pop()[1] if groups else []
        groups.append((max(by_step), before + waiting))
    return _buckets(lengths, [((step + 1) * width, sorted(sentences)) for step, sentences in groups])


def _buckets(lengths: Sequence[int], groups: Sequence[tuple[int, list[int]]]) -> list[Bucket]:
    buckets: list[Bucket] = []
    for longest, sentences in groups:
        held = [lengths[index] for index in sentences]
        buckets.append(
            Bucket(
                shortest=buckets[-1].longest + 1 if buckets else min(held),
                longest=longest if len(buckets) < len(groups) - 1 else max(held),
                mean=sum(held) / len(held),
                sentences=tuple(sentences),
            )
        )
    return buckets


def bleu_by_length(buckets: Sequence[Bucket], translations: Sequence[str], references: Sequence[str]) -> list[float]:
    """The corpus BLEU of each bucket's sentences."""
    return [
        score_translations(
            [translations[index] for index in bucket.sentences],
            [references[index] for index in bucket.sentences],
            ("BLEU",),
        )[0].value
        for bucket in buckets
    ]
