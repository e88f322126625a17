"""One table as embedding and as output layer."""

import pytest
import torch

from s2s.nn.embedding import Embedding, OutputLayer


def test_an_embedding_has_unit_variance_and_serves_as_output_layer() -> None:
    embedding = Embedding(vocab_size=500, embed_size=64)
    embedded = embedding(torch.arange(500).view(50, 10))
    assert embedded.shape == (50, 10, 64)
    assert float(embedded.detach().std()) == pytest.approx(1.0, rel=0.03)
    output = OutputLayer(weight=embedding.weight)
    readouts = torch.randn(7, 64)
    torch.testing.assert_close(output(readouts), readouts @ embedding.weight.T)
    assert float(output(readouts).detach().std()) == pytest.approx(1.0, rel=0.15)


def test_vectors_take_the_place_of_what_was_drawn_but_for_those_that_are_0() -> None:
    embedding = Embedding(vocab_size=4, embed_size=3)
    drawn = embedding.weight.detach().clone()
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    embedding.begin_with(vectors)
    assert torch.equal(embedding.weight[[0, 2]], vectors[[0, 2]])
    assert torch.equal(embedding.weight[[1, 3]], drawn[[1, 3]])
