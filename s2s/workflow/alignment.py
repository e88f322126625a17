"""What a model attended to, for any pair of a source and a translation: one forced pass, read in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from s2s.data.batches import EncodedPair, collate, group_by_length
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS, Tokenizer, normalise
from s2s.data.words import Word, split_words
from s2s.errors import S2SError
from s2s.evaluation.alignment import WordAlignment, merge_to_words, word_of_piece
from s2s.workflow.translation import Run

BATCH_TOKENS = 4000
"""Target tokens in a batch of the forced pass."""

WINDOW = 2048
"""Pairs that are sorted by length and aligned together."""


@dataclass(frozen=True)
class _Side:
    """A sentence as words and pieces, and the word that each piece counts for."""

    words: tuple[str, ...]
    pieces: tuple[int, ...]
    word_of_piece: tuple[int, ...]


def align(run: Run, pairs: Sequence[Pair], *, words: str = "natural") -> Iterator[WordAlignment]:
    """The attention weights of each pair in words, in order; of several hops the last one's.

    A blank side has no words: all its weight is at `<end>`.

    Args:
        words: what a word is, a mode of `split_words`.

    Raises:
        S2SError: the model has no attention.
    """
    refuse_without_attention(run)
    for start in range(0, len(pairs), WINDOW):
        yield from _align_window(run, pairs[start : start + WINDOW], words)


def refuse_without_attention(run: Run) -> None:
    """A model with one fixed vector has no weights to show.

    Raises:
        S2SError: saying so.
    """
    if run.config.model.attention == "none":
        raise S2SError(
            'the model has no attention (model.attention = "none"), so there is no alignment to show',
            where=str(run.directory.path),
            hint="Train one with model.attention=additive.",
        )


def _align_window(run: Run, pairs: Sequence[Pair], mode: str) -> list[WordAlignment]:
    sides = [
        (
            _side(pair.src, run.tokenizers.src, run.src_lang, mode),
            _side(pair.trg, run.tokenizers.trg, run.trg_lang, mode),
        )
        for pair in pairs
    ]
    encoded = [EncodedPair((*src.pieces, EOS), trg.pieces) for src, trg in sides]
    lengths = [len(pair.trg) + 1 for pair in encoded]
    order = sorted(range(len(encoded)), key=lengths.__getitem__)
    found: dict[int, WordAlignment] = {}
    for indices in group_by_length(order, lengths, BATCH_TOKENS):
        weights = _forced_weights(run, [encoded[i] for i in indices])
        for index, matrix in zip(indices, weights, strict=True):
            src, trg = sides[index]
            merged = merge_to_words(matrix, src.word_of_piece, trg.word_of_piece, len(src.words), len(trg.words))
            found[index] = WordAlignment(src.words, trg.words, merged)
    return [found[index] for index in range(len(pairs))]


def _side(text: str, tokenizer: Tokenizer, lang: str, mode: str) -> _Side:
    line = normalise(text)
    words: list[Word] = split_words(line, lang, mode)
    return _Side(
        words=tuple(word.text for word in words),
        pieces=tuple(tokenizer.encode(line)),
        word_of_piece=tuple(word_of_piece(tokenizer.spans(line), words, line)),
    )


def _forced_weights(run: Run, pairs: Sequence[EncodedPair]) -> Iterator[np.ndarray]:
    """The last hop's weights of each pair: (trg pieces + 1, src pieces + 1)."""
    batch = collate(pairs).to(run.compute.device)
    with torch.inference_mode(), run.compute.autocast():
        weights = run.model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).weights
    last_hop = weights[:, :, -1].float().cpu().numpy()
    for row, pair in zip(last_hop, pairs, strict=True):
        yield row[: len(pair.trg) + 1, : len(pair.src)]
