from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.data.words import split_words
from s2s.errors import S2SError
from s2s.evaluation.alignment import (
    AlignmentScore,
    GoldLinks,
    WordAlignment,
    alignment_error_rate,
    check_gold,
    format_pharaoh,
    links_from_weights,
    merge_to_words,
    parse_pharaoh,
    read_gold,
    word_of_piece,
)


def gold(sure: set[tuple[int, int]], possible: set[tuple[int, int]]) -> GoldLinks:
    return GoldLinks(frozenset(sure), frozenset(sure | possible))


LINKS = st.frozensets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)
GOLD = st.builds(lambda sure, more: GoldLinks(sure, sure | more), LINKS, LINKS)


def test_a_piece_counts_for_the_word_of_its_first_letter() -> None:
    text = "L'accord signé."
    words = split_words(text, "fr")
    assert [word.text for word in words] == ["L'", "accord", "signé", "."]
    pieces = {
        (0, 1): 0,  # L
        (1, 4): 0,  # 'ac starts in L'
        (2, 8): 1,
        (8, 11): 2,  # the space before a word belongs to its piece
        (8, 9): 2,  # a space alone: the next word
        (9, 9): 2,  # an empty piece: what follows
        (13, 15): 2,  # é. starts in signé
        (14, 15): 3,
        (15, 15): 3,  # after the last word
    }
    assert word_of_piece(list(pieces), words, text) == list(pieces.values())


def test_pieces_of_a_text_without_words_are_the_end_of_sentence() -> None:
    assert word_of_piece([(0, 1), (1, 2)], [], "  ") == [0, 0]
    assert merge_to_words(np.array([[0.25, 0.75], [0.75, 0.25]]), [0], [0], 0, 0).tolist() == [[1.0]]


@given(st.text("ab' .-é\u3000😀", max_size=12), st.lists(st.integers(0, 12), max_size=8))
def test_each_piece_has_a_word_and_words_never_fall(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    words = split_words(text, "fr")
    found = word_of_piece(list(pairwise(edges)), words, text)
    assert found == sorted(found)
    assert all(0 <= word < max(len(words), 1) for word in found)


def test_merging_by_hand() -> None:
    # Source: word 0 of one piece, word 1 of two. Target: word 0 of two pieces, word 1 of one.
    weights = np.array(
        [
            [0.5, 0.25, 0.25, 0.0],
            [0.25, 0.25, 0.0, 0.5],
            [0.0, 0.5, 0.25, 0.25],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
    merged = merge_to_words(weights, [0, 1, 1], [0, 0, 1], 2, 2)
    assert merged.tolist() == [[0.375, 0.375, 0.25], [0.0, 0.75, 0.25], [0.0, 0.0, 1.0]]


def test_words_inside_a_piece_that_started_earlier() -> None:
    # The only source piece and the first target piece hold two words each.
    weights = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
    merged = merge_to_words(weights, [0], [0, 2], 2, 3)
    assert merged.tolist() == [[0.75, 0, 0.25], [0.75, 0, 0.25], [0.5, 0, 0.5], [0, 0, 1]]


def test_a_word_before_all_pieces_gets_the_first_row() -> None:
    merged = merge_to_words(np.array([[0.75, 0.25], [0.5, 0.5]]), [0], [1], 1, 2)
    assert merged.tolist() == [[0.75, 0.25], [0.75, 0.25], [0.5, 0.5]]
    assert merge_to_words(np.array([[0.75, 0.25]]), [0], [], 1, 1).tolist() == [[0.75, 0.25]] * 2


@st.composite
def pieces(draw: st.DrawFn) -> tuple[list[int], int]:
    count = draw(st.integers(0, 6))
    words = draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=8))
    return sorted(words), count


@given(pieces(), pieces(), st.integers(0, 2**32 - 1))
def test_merged_rows_sum_to_one(src: tuple[list[int], int], trg: tuple[list[int], int], seed: int) -> None:
    shape = len(trg[0]) + 1, len(src[0]) + 1
    weights = np.random.default_rng(seed).dirichlet(np.ones(shape[1]), shape[0]).astype(np.float32)
    merged = merge_to_words(weights, src[0], trg[0], src[1], trg[1])
    assert merged.shape == (trg[1] + 1, src[1] + 1)
    assert (merged >= 0).all()
    np.testing.assert_allclose(merged.sum(axis=1), 1, atol=1e-6)


def test_one_piece_a_word_changes_nothing() -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(4), 6)
    np.testing.assert_array_equal(merge_to_words(weights, range(3), range(5), 3, 5), weights)


def test_links_are_the_brightest_cells_outside_the_end() -> None:
    weights = np.array([[0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2], [0.9, 0.1, 0.0]])
    alignment = WordAlignment(("a", "b"), ("x", "y", "z"), weights)
    assert links_from_weights(alignment) == {(1, 0), (0, 2)}


def test_links_of_empty_sentences() -> None:
    assert links_from_weights(WordAlignment((), (), np.ones((1, 1)))) == frozenset()
    assert links_from_weights(WordAlignment((), ("x",), np.ones((2, 1)))) == frozenset()


def test_pharaoh_is_in_the_order_of_numbers() -> None:
    assert format_pharaoh({(10, 1), (2, 3), (2, 0)}) == "2-0 2-3 10-1"
    assert format_pharaoh([]) == ""


@given(LINKS)
def test_written_links_read_back_as_sure(links: frozenset[tuple[int, int]]) -> None:
    assert parse_pharaoh(format_pharaoh(links), "here") == GoldLinks(links, links)


def test_sure_and_possible_links() -> None:
    assert parse_pharaoh("0-0  1?2\t3-3 3?3", "here") == gold({(0, 0), (3, 3)}, {(1, 2)})


@pytest.mark.parametrize("item", ["1", "1-", "1--2", "a-b", "1:2", "-1-2", "٣-٣", "1-2-3", "9" * 5000 + "-0"])
def test_what_is_no_link(item: str) -> None:
    with pytest.raises(S2SError, match=r"^gold\.txt:7: '.*' is no link; .* 0-0 \(sure\) or 1\?2 \(possible\)"):
        parse_pharaoh(f"0-0 {item}", "gold.txt:7")


def test_gold_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_bytes(b"0-0 1?1\r\n\n2-2")
    assert read_gold(path) == [gold({(0, 0)}, {(1, 1)}), gold(set(), set()), gold({(2, 2)}, set())]


def test_gold_file_with_a_fault_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_text("0-0\n0-0 1/1\n")
    with pytest.raises(S2SError, match=r"gold\.txt:2: '1/1' is no link"):
        read_gold(path)


def test_gold_link_outside_its_sentence() -> None:
    alignment = WordAlignment(("a",), ("x", "y"), np.full((3, 2), 0.5))
    check_gold([gold({(0, 0)}, {(0, 1)})], [alignment], Path("gold.txt"))
    with pytest.raises(S2SError, match=r"gold\.txt:2: The link 1-2 lies outside .* 1 source and 2 target words"):
        check_gold([gold({(0, 0)}, set()), gold(set(), {(1, 2)})], [alignment] * 2, Path("gold.txt"))


def test_error_rate_by_hand() -> None:
    # Two pairs: |A| = 3 + 1, |S| = 2 + 1, |A & S| = 1 + 1, |A & P| = 2 + 1.
    answers = [gold({(0, 0), (1, 1)}, {(1, 2)}), gold({(0, 0)}, set())]
    predicted = [frozenset({(0, 0), (1, 2), (3, 3)}), frozenset({(0, 0)})]
    score = alignment_error_rate(predicted, answers)
    assert score == AlignmentScore(aer=pytest.approx(1 - 5 / 7), precision=3 / 4, recall=pytest.approx(2 / 3))


@given(st.lists(st.tuples(GOLD, LINKS), max_size=4))
def test_what_lies_between_sure_and_possible_has_no_error(pairs: list[tuple[GoldLinks, frozenset]]) -> None:
    """Och and Ney (2003), section 6: choosing any possible links beside the sure ones is right."""
    answers = [answer for answer, _ in pairs]
    between = [answer.sure | (links & answer.possible) for answer, links in pairs]
    assert alignment_error_rate(between, answers) == AlignmentScore(aer=0, precision=1, recall=1)


@given(st.lists(st.tuples(LINKS, LINKS), min_size=1, max_size=4))
def test_without_merely_possible_links_it_is_one_minus_f(pairs: list[tuple[frozenset, frozenset]]) -> None:
    predicted, sure = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    score = alignment_error_rate(predicted, [GoldLinks(links, links) for links in sure])
    hits = sum(len(links & answer) for links, answer in pairs)
    total = sum(len(links) + len(answer) for links, answer in pairs)
    assert score.aer == pytest.approx(1 - 2 * hits / total if total else 0)


@given(st.lists(st.tuples(LINKS, GOLD), max_size=4))
def test_all_three_are_fractions(pairs: list[tuple[frozenset, GoldLinks]]) -> None:
    score = alignment_error_rate([links for links, _ in pairs], [answer for _, answer in pairs])
    assert all(0 <= value <= 1 for value in (score.aer, score.precision, score.recall))


def test_unequal_counts_of_pairs() -> None:
    with pytest.raises(S2SError, match="There are 1 aligned sentence pairs but 2 lines of gold links"):
        alignment_error_rate([frozenset()], [gold(set(), set())] * 2)
