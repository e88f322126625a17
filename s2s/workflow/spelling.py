"""Training pairs as token ids, spelled anew in each epoch where subword dropout is on."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from s2s.config import TrainingConfig
from s2s.data.batches import TrainingData
from s2s.data.corpus import Pair
from s2s.data.store import StoredEncodedPairs, StoredIds
from s2s.data.threads import side_by_side
from s2s.data.tokenizer import EOS
from s2s.workflow.tokenizers import Tokenizers

Halves = Mapping[int, tuple[int, int]]
"""The two pieces that a piece falls into."""


def training_data(
    pairs: Sequence[Pair], tokenizers: Tokenizers, settings: TrainingConfig, threads: int
) -> Callable[[int], TrainingData]:
    """What the data are in an epoch, counted from 0: a pure function of pairs, settings and the epoch's number.

    Args:
        threads: how many encode at the same time, one for each side at most.
    """
    sides = (
        (_ended(ids) for ids in tokenizers.src.encode_each(pair.src for pair in pairs)),
        tokenizers.trg.encode_each(pair.trg for pair in pairs),
    )
    src, trg = side_by_side(StoredIds, sides, threads=threads)

    def data(src: StoredIds, trg: StoredIds) -> TrainingData:
        return TrainingData(StoredEncodedPairs(src, trg), settings.batch_tokens, settings.seed)

    usual = data(src, trg)
    if not settings.subword_dropout:
        return lambda epoch: usual
    src_halves, trg_halves = tokenizers.src.halves(), tokenizers.trg.halves()

    def spelled(epoch: int) -> TrainingData:
        if epoch < settings.dropout_after:
            return usual
        draw = random.Random(f"{settings.seed} {epoch} spelling").random
        share = settings.subword_dropout
        return data(
            StoredIds(split_some(ids, src_halves, share, draw) for ids in src),
            StoredIds(split_some(ids, trg_halves, share, draw) for ids in trg),
        )

    return spelled


def _ended(ids: list[int]) -> list[int]:
    """The same with the end of sentence."""
    ids.append(EOS)
    return ids


def split_some(ids: Sequence[int], halves: Halves, share: float, draw: Callable[[], float]) -> Iterator[int]:
    """The same text in smaller pieces: a share of the pieces falls in two, and of these halves the same share again.

    The idea of BPE-dropout (Provilkov et al. 2020), which leaves out merges from below: what is usually read as one
    piece comes in parts now and then, so that the model learns what the parts mean.

    Args:
        draw: numbers from 0 to 1, one for each piece that could be split.
    """
    left = list(reversed(ids))
    while left:
        piece = left.pop()
        if piece in halves and draw() < share:
            left += reversed(halves[piece])
        else:
            yield piece
