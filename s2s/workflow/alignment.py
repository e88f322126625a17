"""What a model attended to, for any pair of a source and a translation: one forced pass, read in words."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from s2s.data.batches import EncodedPair, collate, group_by_length
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS
from s2s.decoding.translator import LONGEST
from s2s.errors import S2SError, UsageError
from s2s.evaluation.alignment import WordAlignment, merge_to_words
from s2s.workflow.sides import split_side
from s2s.workflow.translation import Run

BATCH_TOKENS = 4000
"""Target tokens in a batch of the forced pass."""

WINDOW = 2048
"""Pairs that are sorted by length and aligned together."""


LAST_HOP = 0
"""In place of a hop's number: the last one, which is the one that is read."""


def align(
    run: Run,
    pairs: Sequence[Pair],
    *,
    words: str = "natural",
    hop: int = LAST_HOP,
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[WordAlignment]:
    """The attention weights of each pair in words, in order.

    A blank side has no words: all its weight is at `<end>`.

    Args:
        words: what a word is, a mode of `split_words`.
        hop: which reading of the memory, from 1.
        warn: is told of every pair that is so long that it takes minutes and more.

    Raises:
        S2SError: the model has no attention.
        UsageError: it has no such hop.
    """
    refuse_without_attention(run)
    refuse_what_is_no_hop(run, hop)
    for start in range(0, len(pairs), WINDOW):
        yield from _align_window(run, pairs[start : start + WINDOW], words, hop - 1, start + 1, warn)


def refuse_without_attention(run: Run) -> None:
    """A model with one fixed vector has no weights to show.

    Raises:
        S2SError: saying so.
    """
    if run.model.hops == 0:
        raise S2SError(
            'the model has no attention (model.attention = "none"), so there is no alignment to show',
            where=str(run.directory.path),
            hint="Train one with model.attention=additive.",
        )


def refuse_what_is_no_hop(run: Run, hop: int) -> None:
    """Hops are counted from 1; `LAST_HOP` is whichever is the last.

    Raises:
        UsageError: the model reads less often in a step.
    """
    if not LAST_HOP <= hop <= run.model.hops:
        raise UsageError(
            f"there is no hop {hop}: this model's model.hops is {run.model.hops}",
            where=str(run.directory.path),
            hint="Hops are counted from 1; 0 is the last one.",
        )


def _align_window(
    run: Run, pairs: Sequence[Pair], mode: str, hop: int, first: int, warn: Callable[[str], None]
) -> list[WordAlignment]:
    sides = [
        (
            split_side(pair.src, run.tokenizers.src, run.src_lang, mode),
            split_side(pair.trg, run.tokenizers.trg, run.trg_lang, mode),
        )
        for pair in pairs
    ]
    encoded = [EncodedPair((*src.pieces, EOS), trg.pieces) for src, trg in sides]
    for number, pair in enumerate(encoded, start=first):
        if (longest := max(len(pair.src), len(pair.trg))) > LONGEST:
            warn(f"pair {number} has a side of {longest:,} pieces, and aligning it takes long")
    lengths = [len(pair.trg) + 1 for pair in encoded]
    order = sorted(range(len(encoded)), key=lengths.__getitem__)
    found: dict[int, WordAlignment] = {}
    for indices in group_by_length(order, lengths, BATCH_TOKENS):
        weights = _forced_weights(run, [encoded[i] for i in indices], hop)
        for index, matrix in zip(indices, weights, strict=True):
            src, trg = sides[index]
            merged = merge_to_words(matrix, src.word_of_piece, trg.word_of_piece, len(src.words), len(trg.words))
            found[index] = WordAlignment(src.words, trg.words, merged)
    return [found[index] for index in range(len(pairs))]


def _forced_weights(run: Run, pairs: Sequence[EncodedPair], hop: int) -> Iterator[np.ndarray]:
    """The weights of each pair at a hop, counted as Python does: (trg pieces + 1, src pieces + 1)."""
    batch = collate(pairs).to(run.compute.device)
    with torch.no_grad(), run.compute.autocast():
        weights = run.model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).weights
    chosen = weights[:, :, hop].float().cpu().numpy()
    for row, pair in zip(chosen, pairs, strict=True):
        yield row[: len(pair.trg) + 1, : len(pair.src)]
