"""Training pairs as token ids, spelled anew in each epoch where subword dropout is on."""

import random
from collections.abc import Callable, Sequence

from s2s.config import TrainingConfig
from s2s.data.batches import EncodedPair, TrainingData
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS
from s2s.workflow.tokenizers import Tokenizers


def training_data(
    pairs: Sequence[Pair], tokenizers: Tokenizers, settings: TrainingConfig
) -> Callable[[int], TrainingData]:
    """What the data are in an epoch, counted from 0: a pure function of pairs, settings and the epoch's number."""
    sources, targets = [pair.src for pair in pairs], [pair.trg for pair in pairs]

    def wrapped(src: Sequence[Sequence[int]], trg: Sequence[Sequence[int]]) -> TrainingData:
        encoded = [EncodedPair((*ids, EOS), tuple(others)) for ids, others in zip(src, trg, strict=True)]
        return TrainingData(pairs=encoded, batch_tokens=settings.batch_tokens, seed=settings.seed)

    usual = wrapped(tokenizers.src.encode_all(sources), tokenizers.trg.encode_all(targets))

    def spelled(epoch: int) -> TrainingData:
        if not settings.subword_dropout or epoch < settings.dropout_after:
            return usual
        draw = random.Random(f"{settings.seed} {epoch} spelling")
        share = settings.subword_dropout
        return wrapped(
            tokenizers.src.sample_all(sources, dropout=share, seed=draw.getrandbits(31)),
            tokenizers.trg.sample_all(targets, dropout=share, seed=draw.getrandbits(31)),
        )

    return spelled
