"""How training pairs are spelled in an epoch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_runs import PAIRS, Told, small

from s2s.data.batches import TrainingData
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS, train_tokenizer
from s2s.workflow.spelling import split_some, training_data
from s2s.workflow.tokenizers import Tokenizers, train_tokenizers


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    trained = train_tokenizer([text for pair in PAIRS for text in pair], kind="bpe", size=310).tokenizer
    return Tokenizers(src=trained, trg=trained)


PARALLEL = [Pair(*pair) for pair in PAIRS]


def texts(data: TrainingData, tokenizers: Tokenizers) -> list[tuple[str, str]]:
    assert all(pair.src[-1] == EOS for pair in data.pairs)
    return [(tokenizers.src.decode(pair.src), tokenizers.trg.decode(pair.trg)) for pair in data.pairs]


def test_without_subword_dropout_every_epoch_is_the_same(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    data = training_data(PARALLEL, tokenizers, small({"data": corpus}).training, threads=1)
    assert data(0) is data(7)
    assert texts(data(0), tokenizers) == PAIRS


def test_each_epoch_spells_the_same_texts_in_its_own_way(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    table = {"data": corpus, "training": {"subword_dropout": 0.2, "dropout_after": 1}}
    data = training_data(PARALLEL, tokenizers, small(table).training, threads=1)
    plain, *others = (list(data(epoch).pairs) for epoch in range(4))
    assert plain == list(training_data(PARALLEL, tokenizers, small({"data": corpus}).training, threads=1)(0).pairs)
    assert len({tuple(pairs) for pairs in others} | {tuple(plain)}) == 4
    for epoch in range(4):
        assert texts(data(epoch), tokenizers) == PAIRS
    # As it was, in whatever order the epochs are asked for: training that goes on begins in the middle.
    again = training_data(PARALLEL, tokenizers, small(table).training, threads=1)
    assert [list(again(epoch).pairs) for epoch in (3, 1, 2)] == [others[2], others[0], others[1]]


IN_A_PROCESS = """
import hashlib, json, sys
from pathlib import Path
from s2s.config import TrainingConfig
from s2s.data.corpus import Pair
from s2s.data.tokenizer import Tokenizer
from s2s.workflow.spelling import training_data
from s2s.workflow.tokenizers import Tokenizers

tokenizer = Tokenizer.load(Path(sys.argv[1]))
pairs = [Pair(*pair) for pair in json.load(open(sys.argv[2], encoding="utf-8"))]
data = training_data(pairs, Tokenizers(tokenizer, tokenizer), TrainingConfig(subword_dropout=0.2), threads=2)
print(hashlib.sha256(repr([list(data(epoch).pairs) for epoch in (1, 2)]).encode()).hexdigest())
"""


def test_another_process_spells_the_same(tokenizers: Tokenizers, tmp_path: Path) -> None:
    """Which training that goes on is."""
    (tmp_path / "t.model").write_bytes(tokenizers.src.model)
    (tmp_path / "pairs.json").write_text(json.dumps(PAIRS), encoding="utf-8")
    files = [str(tmp_path / "t.model"), str(tmp_path / "pairs.json")]
    digests = [
        subprocess.run([sys.executable, "-c", IN_A_PROCESS, *files], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


def test_a_share_of_the_pieces_falls_in_two_and_of_the_halves_again() -> None:
    halves = {10: (8, 9), 8: (6, 7)}
    assert [*split_some([10, 5], halves, 0.5, iter([0.9]).__next__)] == [10, 5]
    assert [*split_some([10, 5], halves, 0.5, iter([0.1, 0.9]).__next__)] == [8, 9, 5]
    assert [*split_some([5, 10], halves, 0.5, iter([0.1, 0.1]).__next__)] == [5, 6, 7, 9]


def test_another_seed_spells_otherwise(corpus: dict[str, list[str]], tokenizers: Tokenizers) -> None:
    one, other = (
        training_data(
            PARALLEL,
            tokenizers,
            small({"data": corpus, "training": {"subword_dropout": 0.2, "seed": seed}}).training,
            threads=1,
        )(1)
        for seed in (1, 2)
    )
    assert list(one.pairs) != list(other.pairs)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_threads_change_neither_tokenizers_nor_ids(kind: str, corpus: dict[str, list[str]]) -> None:
    separate = {"tokenizer": {"kind": kind, "size": 310, "joint": False}, "model": {"tie": "target"}}
    config = small({"data": corpus}, separate)
    made = {threads: train_tokenizers(config, PARALLEL, Told(), threads) for threads in (1, 2, 5)}
    assert made[1].digests == made[2].digests == made[5].digests
    of_all = [list(training_data(PARALLEL, made[1], config.training, threads=n)(0).pairs) for n in made]
    assert of_all[0] == of_all[1] == of_all[2]
    assert len(of_all[0]) == len(PARALLEL)
