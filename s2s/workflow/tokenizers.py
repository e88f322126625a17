"""The tokenizers of a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from s2s.config import Config
from s2s.data.corpus import Pair
from s2s.data.threads import side_by_side
from s2s.data.tokenizer import SUBWORDS, Tokenizer, train_tokenizer
from s2s.workflow.reporter import Reporter

LEARNT_FROM = 500_000
"""Pairs from which a subword tokenizer learns at most: more change it little, and fill the memory."""


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizer of each side; the same one where the vocabulary is joint."""

    src: Tokenizer
    trg: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.src is self.trg

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the model of each side."""
        return {side: hashlib.sha256(t.model).hexdigest() for side, t in (("src", self.src), ("trg", self.trg))}


def train_tokenizers(config: Config, train: Sequence[Pair], reporter: Reporter, threads: int) -> Tokenizers:
    """A tokenizer for each side, or one for both, learnt from the training pairs.

    Args:
        config: the settings.
        train: the pairs.
        reporter: is told of the vocabulary.
        threads: how many tokenizers may learn at the same time.

    Raises:
        S2SError: the vocabulary is too small for them.
    """
    settings = config.tokenizer
    sides = list(zip(*_learnt_from(train, settings.kind, reporter), strict=True))
    texts = [sides[0] + sides[1]] if settings.joint else sides
    learn = partial(train_tokenizer, kind=settings.kind, size=settings.size)
    tokenizers = []
    for trained in side_by_side(learn, texts, threads=threads):
        if trained.sized_down and settings.kind != "char":  # nobody expects more characters than there are
            reporter.warn(
                f"the corpus has fewer than the {trained.asked:,} pieces that tokenizer.size asks for: "
                f"the vocabulary has {trained.tokenizer.size:,}"
            )
        tokenizers.append(trained.tokenizer)
    sizes = " and ".join(f"{tokenizer.size:,}" for tokenizer in tokenizers)
    reporter.note(f"tokenizer: {'joint ' if settings.joint else ''}{settings.kind}, {sizes} pieces")
    return Tokenizers(src=tokenizers[0], trg=tokenizers[-1])


def _learnt_from(train: Sequence[Pair], kind: str, reporter: Reporter) -> Sequence[Pair]:
    """What a tokenizer learns from; of characters and words none may be missed, subwords can spell any in bytes."""
    if kind not in SUBWORDS or len(train) <= LEARNT_FROM:
        return train
    reporter.note(f"the tokenizer learns from {LEARNT_FROM:,} of the pairs, evenly taken")
    return [train[number * len(train) // LEARNT_FROM] for number in range(LEARNT_FROM)]
