"""One side of a sentence pair: its words, its pieces, and which piece counts for which word."""

from collections.abc import Sequence
from dataclasses import dataclass

from s2s.data.tokenizer import Tokenizer, normalise
from s2s.data.words import split_words
from s2s.evaluation.alignment import word_of_piece

HALF_READ = "\ufffd"
"""What a character looks like while some of its bytes are missing."""


@dataclass(frozen=True)
class Side:
    """A sentence as words and pieces, and the word that each piece counts for."""

    words: tuple[str, ...]
    pieces: tuple[int, ...]
    word_of_piece: tuple[int, ...]


def split_side(text: str, tokenizer: Tokenizer, lang: str, mode: str) -> Side:
    """A text that the tokenizer cuts into pieces; `mode` is what a word is, one of those of `split_words`."""
    line = normalise(text)
    words = split_words(line, lang, mode)
    return Side(
        words=tuple(word.text for word in words),
        pieces=tuple(tokenizer.encode(line)),
        word_of_piece=tuple(word_of_piece(tokenizer.spans(line), words, line)),
    )


def join_side(pieces: Sequence[int], tokenizer: Tokenizer, lang: str, copies: Sequence[str] = ()) -> Side:
    """Pieces that a model said, which may be others than the tokenizer would cut the same text into.

    Args:
        copies: what stands for each unknown piece.
    """
    text = tokenizer.decode(pieces, copies)
    words = split_words(text, lang)
    # A piece starts where the text of the pieces before it ends.
    before = [tokenizer.decode(pieces[:count], copies).rstrip(HALF_READ) for count in range(len(pieces))]
    spans = [(min(len(said), len(text)), len(text)) for said in before]
    return Side(
        words=tuple(word.text for word in words),
        pieces=tuple(pieces),
        word_of_piece=tuple(word_of_piece(spans, words, text)),
    )
