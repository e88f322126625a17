"""Which unknown word of the source an unknown piece of a translation is."""

import torch
from torch import Tensor

from s2s.data.batches import Batch, EncodedPair
from s2s.data.tokenizer import EOS, UNK
from s2s.decoding.copying import find_unknown


def test_it_is_the_unknown_word_that_most_of_the_weight_is_on() -> None:
    """However much is on words that are known."""
    pair = EncodedPair((UNK, 5, 6, UNK, UNK, EOS), (7, UNK, UNK))

    def look(batch: Batch) -> Tensor:
        assert batch.src.tolist() == [[*pair.src]]
        return torch.tensor(
            [
                [
                    [0.9, 0.0, 0.0, 0.1, 0.0, 0.0],
                    [0.1, 0.6, 0.0, 0.0, 0.3, 0.0],
                    [0.0, 0.2, 0.4, 0.1, 0.0, 0.3],
                    [0.9, 0.0, 0.0, 0.1, 0.0, 0.0],
                ]
            ]
        )

    assert find_unknown(look, [pair]) == [(2, 1)]


def test_each_pair_has_its_own_and_those_without_any_are_not_looked_at() -> None:
    """In passes of a few pairs, of different lengths."""
    pairs = [EncodedPair((*[4] * (n % 7), *[UNK] * (n % 4), EOS), tuple(UNK for _ in range(n % 4))) for n in range(70)]
    seen = []

    def look(batch: Batch) -> Tensor:
        seen.append(len(batch.src))
        return torch.arange(batch.src.shape[1]).expand(*batch.trg_in.shape, -1)  # the rightmost, padding before all

    found = find_unknown(look, pairs)
    assert [sorted(places) for places in found] == [list(range(n % 4)) for n in range(70)]
    assert found[2][0] == 1
    assert sum(seen) == sum(n % 4 > 0 for n in range(70))
    assert len(seen) > 1


def test_no_word_is_copied_twice() -> None:
    """The largest weight of all comes first, whichever step it is of."""
    pair = EncodedPair((UNK, UNK, UNK, EOS), (UNK, UNK, 5, UNK))
    weights = [
        [0.5, 0.3, 0.2, 0.0],
        [0.6, 0.4, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [0.2, 0.7, 0.1, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
    assert find_unknown(lambda batch: torch.tensor([weights]), [pair]) == [(2, 0, 1)]


def test_nothing_is_asked_where_nothing_is_unknown() -> None:
    def look(batch: Batch) -> Tensor:
        raise AssertionError(batch)

    assert find_unknown(look, [EncodedPair((4, UNK, EOS), (4,)), EncodedPair((EOS,), ())]) == [(), ()]
    assert find_unknown(look, []) == []
