"""The dictionary against Model 1 written out pair by pair, and what its vectors say."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2s.data import dictionary as module
from s2s.data.batches import TrainingData
from s2s.data.dictionary import ITERATIONS, Dictionary, count_dictionary
from s2s.data.store import StoredEncodedPairs, StoredIds
from s2s.data.tokenizer import EOS

VOCAB = 9
PIECES = st.integers(EOS + 1, VOCAB - 1)


def data(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> TrainingData:
    encoded = StoredEncodedPairs(StoredIds((*src, EOS) for src, _ in pairs), StoredIds(trg for _, trg in pairs))
    return TrainingData(encoded, batch_tokens=100, seed=1)


def by_hand(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> dict[tuple[int | None, int], float]:
    """t(f | e) as Brown et al. (1993) estimate it, the empty word None; uniform at first."""
    probability: dict[tuple[int | None, int], float] = defaultdict(lambda: 1.0)
    for _ in range(ITERATIONS):
        times: dict[tuple[int | None, int], float] = defaultdict(float)
        for src, trg in pairs:
            for said in trg:
                whole = sum(probability[piece, said] for piece in (*src, None))
                for piece in (*src, None):
                    times[piece, said] += probability[piece, said] / whole
        totals: dict[int | None, float] = defaultdict(float)
        for (piece, _), count in times.items():
            totals[piece] += count
        probability = defaultdict(float, {entry: count / totals[entry[0]] for entry, count in times.items()})
    return probability


@given(st.lists(st.tuples(st.lists(PIECES, max_size=4), st.lists(PIECES, max_size=4)), min_size=1, max_size=6))
def test_it_is_model_1(pairs: list[tuple[list[int], list[int]]]) -> None:
    found = count_dictionary(data(pairs), trg_vocab=VOCAB)
    entries = zip(found.src.tolist(), found.trg.tolist(), found.probability.tolist(), strict=True)
    right = {entry: p for entry, p in by_hand(pairs).items() if entry[0] is not None and p > 2e-6}
    assert {(e, f): p for e, f, p in entries if p > 2e-6} == pytest.approx(right, rel=1e-5)
    assert found.said.tolist() == pytest.approx([sum(trg.count(f) for _, trg in pairs) for f in range(VOCAB)])


def test_it_finds_the_translations_of_a_textbook() -> None:
    """das Haus, das Buch, ein Buch (Koehn 2010, section 4.2), in both orders."""
    das, ein, haus, buch = 4, 5, 6, 7
    the, a, house, book = 8, 9, 10, 11
    found = count_dictionary(
        data([((das, haus), (the, house)), ((buch, das), (the, book)), ((ein, buch), (a, book))]), trg_vocab=12
    )
    for src, trg in ((das, the), (ein, a), (haus, house), (buch, book)):
        of_it = found.src == src
        assert found.trg[of_it][found.probability[of_it].argmax()] == trg


def test_of_a_large_corpus_pairs_are_taken_at_equal_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [((4,), (5,))] * 5 + [((6,), (7,))] * 5  # two links each: the piece, and the empty word
    monkeypatch.setattr(module, "LINKS", 10)
    found = count_dictionary(data(pairs), trg_vocab=VOCAB)
    assert found.pairs == 5
    assert found.said.sum() == 5
    assert 2 <= found.said[5] <= 3
    monkeypatch.setattr(module, "LINKS", 20)
    assert count_dictionary(data(pairs), trg_vocab=VOCAB).pairs == 10


@example(size=2, seed=1)  # what is left of one piece's vector beside the two largest singular values is rounding
@settings(max_examples=20)
@given(size=st.sampled_from([2, 8, 40]), seed=st.integers(0, 100))
def test_vectors_have_length_1_or_0_where_nothing_is_known(size: int, seed: int) -> None:
    torch.manual_seed(seed)
    found = count_dictionary(data([((4, 5), (6, 7)), ((4,), (6,)), ((8,), (4,))]), trg_vocab=VOCAB)
    src, trg = found.vectors(size, src_vocab=12, trg_vocab=VOCAB)
    assert (src.shape, trg.shape) == ((12, size), (VOCAB, size))
    for vectors, known in ((src, found.src), (trg, found.trg)):
        lengths = vectors.norm(dim=1)
        assert all(length == pytest.approx(1.0, abs=1e-4) or length == 0.0 for length in lengths.tolist())
        unknown = torch.ones(len(vectors), dtype=torch.bool).index_fill(0, known, False)
        assert not vectors[unknown].any()


def test_either_vocabulary_may_be_the_larger() -> None:
    found = count_dictionary(data([((4, 5), (6, 7)), ((4,), (6,)), ((8,), (4,))]), trg_vocab=40)
    src, trg = found.vectors(8, src_vocab=VOCAB, trg_vocab=40)
    assert (src.shape, trg.shape) == ((VOCAB, 8), (40, 8))
    assert (src[4] @ trg.T).argmax() == 6
    assert (src[8] @ trg.T).argmax() == 4


def test_pieces_that_translate_each_other_are_close() -> None:
    """A language whose pieces are those of the other one, renamed: each is closest to its own translation."""
    torch.manual_seed(1)
    pieces = torch.arange(30)
    renamed = torch.randperm(30)
    found = Dictionary(pieces, renamed, probability=torch.full((30,), 0.7), said=torch.ones(30), pairs=30)
    src, trg = found.vectors(30, src_vocab=30, trg_vocab=30)
    assert torch.equal((src @ trg.T).argmax(dim=1), renamed)
    narrow_src, narrow_trg = found.vectors(20, src_vocab=30, trg_vocab=30)
    close = (narrow_src @ narrow_trg.T)[pieces, renamed].mean()
    assert close > 0.9


def test_products_are_as_close_to_the_strengths_as_any_of_their_rank() -> None:
    """What is lost by taking few units is what the smallest singular values are worth (Eckart & Young 1936)."""
    torch.manual_seed(2)
    strengths = torch.rand(12, 9) + 0.1
    said = torch.ones(9)
    found = Dictionary(
        torch.arange(12).repeat_interleave(9), torch.arange(9).repeat(12), strengths.exp().flatten() / 9, said, 12
    )
    assert torch.allclose(found.strength.view(12, 9), strengths, atol=1e-5)
    src, trg = found.vectors(9, src_vocab=12, trg_vocab=9)
    left, values, right = torch.linalg.svd(strengths, full_matrices=False)
    rows, columns = left * values.sqrt(), right.T * values.sqrt()
    lengths = rows.norm(dim=1)[:, None] * columns.norm(dim=1)
    assert torch.allclose((src @ trg.T) * lengths, strengths, atol=1e-3)


def test_singular_values_and_vectors_are_those_of_the_whole_decomposition() -> None:
    """Up to the vectors' signs; of values of which each is four fifths of the one before."""
    torch.manual_seed(3)
    rows, columns = (torch.linalg.qr(torch.randn(size, 30)).Q for size in (50, 40))
    table = (rows * 0.8 ** torch.arange(30)) @ columns.T
    left, values, right = module._largest_singular(table.to_sparse(), 18)
    assert (left.shape, right.shape) == ((50, 18), (40, 18))
    assert torch.allclose(values[:10], 0.8 ** torch.arange(10), rtol=1e-3)
    for found, true in ((left, rows), (right, columns)):
        assert torch.allclose((found[:, :10] * true[:, :10]).sum(dim=0).abs(), torch.ones(10), atol=1e-3)
        assert torch.allclose(found.T @ found, torch.eye(18), atol=1e-4)


def test_where_nothing_is_ever_said_there_is_nothing_to_know() -> None:
    found = count_dictionary(data([((4, 5), ()), ((), ())]), trg_vocab=VOCAB)
    assert len(found.src) == 0
    src, trg = found.vectors(4, src_vocab=VOCAB, trg_vocab=VOCAB)
    assert not src.any()
    assert not trg.any()
