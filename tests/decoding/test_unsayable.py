"""What may not be said next, beside the rule in plain words."""

from collections.abc import Sequence

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from s2s.data.batches import pad
from s2s.data.tokenizer import BOS, EOS, PAD, UNK
from s2s.decoding.unsayable import LONGEST_PHRASE, Unsayable

SMALL = st.lists(st.integers(4, 6), max_size=30)
VOCAB = 20
NUMBER = 19
"""A piece that makes no phrase."""

IS_PHRASE = torch.tensor([piece != NUMBER for piece in range(VOCAB)])


def times_said(said: Sequence[int], phrase: int) -> int:
    """How many times in a row the last pieces stand at the end."""
    times = 1
    while said[len(said) - (times + 1) * phrase : len(said) - times * phrase] == said[-phrase:] and said:
        times += 1
    return times


def ends_in_a_loop(said: Sequence[int], repeats: int, allowed: int = 1) -> bool:
    """Whether its end is a phrase said once too often in a row."""
    return any(
        times_said(said, phrase) > max(repeats + (phrase == 1), allowed)
        for phrase in range(1, min(LONGEST_PHRASE, len(said)) + 1)
    )


def never(sources: Sequence[Sequence[int]], said: Sequence[Sequence[int]], repeats: int) -> list[set[int]]:
    """For each row what its source and its pieces so far forbid."""
    rules = Unsayable.after(*pad(sources), copy_unknown=False, repeats=repeats, is_phrase=IS_PHRASE)
    pieces = rules.pieces(torch.arange(len(sources)), torch.tensor(said, dtype=torch.long).view(len(sources), -1))
    return [set(row) - {PAD, BOS, UNK} for row in pieces.tolist()]


@given(said=SMALL, repeats=st.integers(1, 3))
@example(said=[4, 5, 4, 5, 4], repeats=2)
@example(said=[4, 4, 4], repeats=2)
def test_a_piece_that_would_close_a_loop_may_not_be_said(said: list[int], repeats: int) -> None:
    [found] = never([(9, EOS)], [said], repeats)
    assert found == {piece for piece in range(4, 7) if ends_in_a_loop([*said, piece], repeats)}


def test_a_phrase_may_come_twice_and_a_single_piece_three_times() -> None:
    phrase = list(range(4, 4 + LONGEST_PHRASE))
    assert never([(9, EOS)], [[*phrase, *phrase, *phrase[:-1]]], 2) == [{phrase[-1]}]
    assert never([(9, EOS)], [[*phrase, *phrase[:-1]]], 2) == [set()]
    assert never([(9, EOS)], [[5, 4, 4, 4]], 2) == [{4}]
    assert never([(9, EOS)], [[5, 4, 4]], 2) == [set()]
    longer = [*phrase, 17]
    assert never([(9, EOS)], [[*longer, *longer, *longer[:-1]]], 2) == [set()]


@given(source=SMALL, said=SMALL, repeats=st.integers(1, 3))
@example(source=[5, 5, 5, 5, 5, 6], said=[4, 4, 4, 4, 4], repeats=2)
@example(source=[5, 6, 5, 6, 5, 6, 5, 6], said=[4, 4, 4, 4], repeats=2)
def test_it_may_as_often_as_the_source_says_something(source: list[int], said: list[int], repeats: int) -> None:
    """Each row by its own source, padding left aside."""
    beginnings = [source[:end] for end in range(1, len(source) + 1)]
    allowed = max((times_said(b, n) for b in beginnings for n in range(1, min(LONGEST_PHRASE, len(b)) + 1)), default=1)
    found, _ = never([(*source, EOS), (*[9, 8] * 20, 7, 6, 5, EOS)], [said, said], repeats)
    assert found == {piece for piece in range(4, 7) if ends_in_a_loop([*said, piece], repeats, allowed)}


def test_a_source_that_repeats_itself_is_a_limit_of_its_own() -> None:
    sources = [(5, EOS), (9, 9, 9, 9, EOS), (9, 8, 9, 8, 9, 8, 9, 8, 9, 8, EOS)]
    assert never(sources, [[4] * 3] * 3, 2) == [{4}, set(), set()]
    assert never(sources, [[4] * 4] * 3, 2) == [{4}, {4}, set()]
    assert never(sources, [[4] * 5] * 3, 2) == [{4}, {4}, {4}]


def test_numbers_and_unknown_words_are_no_phrase() -> None:
    assert never([(9, EOS)], [[NUMBER] * 9], 2) == [set()]
    assert never([(9, EOS)], [[5, NUMBER, 5, NUMBER, 5]], 2) == [{NUMBER}]
    assert never([(9, EOS)], [[5, UNK, 5, UNK, 5]], 2) == [set()]
    assert never([(9, EOS)], [[UNK, 5, UNK, 5, UNK]], 2) == [set()]


def test_without_a_limit_everything_may_be_repeated() -> None:
    assert never([(9, EOS)], [[4] * 30], 0) == [set()]


def test_unknown_pieces_are_said_as_often_as_the_source_has_them() -> None:
    sources = [(4, UNK, UNK, EOS), (UNK, EOS), (4, 5, 6, EOS)]
    said = torch.tensor([[UNK, 4], [UNK, 4], [4, 4]])
    rules = Unsayable.after(*pad(sources), copy_unknown=True, repeats=0, is_phrase=IS_PHRASE)
    assert [UNK in row for row in rules.pieces(torch.arange(3), said).tolist()] == [False, True, True]
    assert [UNK in row for row in rules.pieces(torch.tensor([0, 0, 1]), said[[0, 2, 2]]).tolist()] == [False] * 3
    without = Unsayable.after(*pad(sources), copy_unknown=False, repeats=0, is_phrase=IS_PHRASE)
    assert all({PAD, BOS, UNK} == set(row) for row in without.pieces(torch.arange(3), said).tolist())
