"""What every test shares: reproducible randomness, one thread, and a model and a batch small enough to look at."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch, EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.nn.model import Seq2Seq

# The machine that runs the tests may be busy: how long an example takes says nothing about the code. The same code gets
# the same examples in every run, so that a failure is that of a change; `--hypothesis-profile=search` draws new ones.
settings.register_profile("s2s", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("s2s")


@pytest.fixture(autouse=True)
def _same_conditions() -> Iterator[None]:
    """One thread, since the sizes here gain nothing from more; and the same random numbers for each test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(threads)


TINY_VOCAB = 12


@pytest.fixture
def tiny_vocab() -> int:
    """Pieces in the vocabularies of `tiny_model` and `tiny_batch`, the four special ones included."""
    return TINY_VOCAB


@pytest.fixture
def tiny_model() -> Seq2Seq:
    """A freshly initialised model of the default architecture, five wide, without dropout."""
    config = ModelConfig(embed_size=5, hidden_size=5, dropout=0.0)
    return build_model(config, src_vocab=TINY_VOCAB, trg_vocab=TINY_VOCAB)


@pytest.fixture
def tiny_pairs() -> list[EncodedPair]:
    """Five pairs of different lengths, in no order of length; one has an empty source, one an empty target."""
    return [
        EncodedPair(src=(4, 5, 6, EOS), trg=(7, 8)),
        EncodedPair(src=(EOS,), trg=(9, 9, 4)),
        EncodedPair(src=(11, 10, 9, 8, 7, EOS), trg=(4, 5, 6, 7, 8)),
        EncodedPair(src=(5, 5, EOS), trg=()),
        EncodedPair(src=(8, 4, EOS), trg=(10, 11, 4)),
    ]


@pytest.fixture
def tiny_batch(tiny_pairs: list[EncodedPair]) -> Batch:
    """The tiny pairs as one batch."""
    return collate(tiny_pairs)
