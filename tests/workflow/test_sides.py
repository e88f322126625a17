"""Pieces find their words, whether a tokenizer cut them or a model said them."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from s2s.data.tokenizer import Tokenizer, train_tokenizer
from s2s.workflow.sides import join_side, split_side

LINES = ["l'homme voit le chien noir .", "la dame n'entend pas l'enfant 🙂", "aujourd'hui il pleut , dit-elle"]


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(LINES, kind="bpe", size=310).tokenizer


@given(st.lists(st.sampled_from([*" ".join(LINES).split(), "日本", "é", "🙂!", "x"]), max_size=6).map(" ".join))
def test_pieces_that_were_said_count_for_the_same_words_as_pieces_that_were_cut(text: str) -> None:
    cut = split_side(text, tokenizer(), "fr", "natural")
    assert join_side(cut.pieces, tokenizer(), "fr") == cut


@given(st.lists(st.integers(4, 309), max_size=12))
def test_any_pieces_have_words_that_never_fall(pieces: list[int]) -> None:
    side = join_side(pieces, tokenizer(), "fr")
    assert side.pieces == tuple(pieces)
    assert list(side.word_of_piece) == sorted(side.word_of_piece)
    assert all(0 <= word < max(len(side.words), 1) for word in side.word_of_piece)
