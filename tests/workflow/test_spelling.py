"""How training pairs are spelled in an epoch."""

import pytest
from small_runs import PAIRS, small

from s2s.data.batches import TrainingData
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS, train_tokenizer
from s2s.workflow.spelling import training_data
from s2s.workflow.tokenizers import Tokenizers


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    trained = train_tokenizer([text for pair in PAIRS for text in pair], kind="bpe", size=310).tokenizer
    return Tokenizers(src=trained, trg=trained)


PARALLEL = [Pair(*pair) for pair in PAIRS]


def texts(data: TrainingData, tokenizers: Tokenizers) -> list[tuple[str, str]]:
    assert all(pair.src[-1] == EOS for pair in data.pairs)
    return [(tokenizers.src.decode(pair.src), tokenizers.trg.decode(pair.trg)) for pair in data.pairs]


def test_without_subword_dropout_every_epoch_is_the_same(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    data = training_data(PARALLEL, tokenizers, small({"data": corpus}).training)
    assert data(0) is data(7)
    assert texts(data(0), tokenizers) == PAIRS


def test_each_epoch_spells_the_same_texts_in_its_own_way(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    table = {"data": corpus, "training": {"subword_dropout": 0.2, "dropout_after": 1}}
    data = training_data(PARALLEL, tokenizers, small(table).training)
    plain, *others = (data(epoch).pairs for epoch in range(4))
    assert plain == training_data(PARALLEL, tokenizers, small({"data": corpus}).training)(0).pairs
    assert len({tuple(pairs) for pairs in others} | {tuple(plain)}) == 4
    for epoch in range(4):
        assert texts(data(epoch), tokenizers) == PAIRS
    # As it was, in whatever order the epochs are asked for: training that goes on begins in the middle.
    again = training_data(PARALLEL, tokenizers, small(table).training)
    assert [again(epoch).pairs for epoch in (3, 1, 2)] == [others[2], others[0], others[1]]


def test_another_seed_spells_otherwise(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    one, other = (
        training_data(
            PARALLEL,
            tokenizers,
            small({"data": corpus, "training": {"subword_dropout": 0.2, "seed": seed}}).training,
        )(1)
        for seed in (1, 2)
    )
    assert one.pairs != other.pairs
