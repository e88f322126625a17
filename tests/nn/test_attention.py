"""Attention against its equation, written out in NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from s2s.nn.attention import AdditiveAttention, Attention, FixedVector, Memory

ROWS, SRC, QUERY, STATE, SIZE = 3, 5, 4, 6, 7
LENGTHS = (5, 1, 3)
MASK = torch.arange(SRC)[None] < torch.tensor(LENGTHS)[:, None]


def softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


@pytest.fixture
def additive() -> AdditiveAttention:
    attention = AdditiveAttention(query_size=QUERY, state_size=STATE, attention_size=SIZE).double()
    torch.nn.init.normal_(attention.key.bias)
    return attention


def sources() -> tuple[Tensor, Tensor]:
    """States and a final state, as an encoder might have made them."""
    return torch.randn(ROWS, SRC, STATE, dtype=torch.double), torch.randn(ROWS, STATE, dtype=torch.double)


def queries() -> Tensor:
    return torch.randn(ROWS, QUERY, dtype=torch.double)


def test_additive_attention_is_its_equation(additive: AdditiveAttention) -> None:
    """Bahdanau et al. 2015, section A.1.2: e_ij = v . tanh(W q + U h_j + b), over real positions only."""
    (states, final), query = sources(), queries()
    reading = additive.read(query, additive.remember(states, final, MASK))
    parameters = (additive.query.weight, additive.key.weight, additive.key.bias, additive.score)
    w, u, b, v = (parameter.detach().numpy() for parameter in parameters)
    for row, length in enumerate(LENGTHS):
        q, h = query[row].numpy(), states[row, :length].numpy()
        scores = np.array([v @ np.tanh(w @ q + u @ h_j + b) for h_j in h])
        weights = softmax(scores)
        np.testing.assert_allclose(reading.weights[row, 0, :length].detach(), weights, atol=1e-12)
        np.testing.assert_allclose(reading.context[row].detach(), weights @ h, atol=1e-12)
        memory = additive.remember(states, final, MASK)
        np.testing.assert_allclose(
            additive.scores(additive.query(query), memory)[row, :length].detach(), scores, atol=1e-12
        )


def test_weights_sum_to_one_and_are_exactly_zero_on_padding(additive: AdditiveAttention) -> None:
    reading = additive.read(1e3 * queries(), additive.remember(*sources(), MASK))
    assert reading.weights.shape == (ROWS, 1, SRC)
    torch.testing.assert_close(reading.weights.sum(dim=2), torch.ones(ROWS, 1, dtype=torch.double))
    assert torch.count_nonzero(reading.weights[:, 0][~MASK]) == 0


@pytest.mark.parametrize("kind", ["additive", "none"])
def test_padding_adds_nothing(kind: str, additive: AdditiveAttention) -> None:
    attention: Attention = additive if kind == "additive" else FixedVector()
    (states, final), query = sources(), queries()
    reading = attention.read(query, attention.remember(states, final, MASK))
    longer = torch.cat((states.masked_fill(~MASK[:, :, None], 1e6), torch.full((ROWS, 2, STATE), -1e6)), dim=1)
    wider = torch.cat((MASK, torch.zeros(ROWS, 2, dtype=torch.bool)), dim=1)
    padded = attention.read(query, attention.remember(longer, final, wider))
    torch.testing.assert_close(padded.context, reading.context)
    torch.testing.assert_close(padded.weights[:, :, :SRC], reading.weights)
    assert torch.count_nonzero(padded.weights[:, :, SRC:]) == 0


def test_gradients_equal_finite_differences(additive: AdditiveAttention) -> None:
    (states, final), query = sources(), queries().requires_grad_()

    def read(query: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        reading = additive.read(query, additive.remember(states, final, MASK))
        return reading.context, reading.weights

    assert torch.autograd.gradcheck(read, (query, states.requires_grad_()))


def test_a_linear_layer_in_place_of_tanh_would_not_hear_the_query(additive: AdditiveAttention) -> None:
    """v . (W q + U h_j + b) = v . W q + v . (U h_j + b): the first term is the same for all j and cancels.

    So every query reads the same place; with the tanh the same parameters tell queries apart.
    """
    states, final = sources()
    memory = additive.remember(states, final, MASK)
    one, other = queries(), queries()

    def linear_weights(query: Tensor) -> Tensor:
        scores = (additive.query(query)[:, None] + additive.key(states)) @ additive.score
        return torch.softmax(scores.masked_fill(~MASK, float("-inf")), dim=1)

    torch.testing.assert_close(linear_weights(one), linear_weights(other), atol=1e-12, rtol=0)
    difference = (additive.read(one, memory).weights - additive.read(other, memory).weights).abs()
    assert float(difference[0].detach().max()) > 0.01


def test_without_attention_every_query_reads_the_last_state() -> None:
    attention = FixedVector()
    states, final = sources()
    memory = attention.remember(states, final, MASK)
    for query in (queries(), 100 * queries()):
        reading = attention.read(query, memory)
        assert torch.equal(reading.context, final)
        assert reading.weights.shape == (ROWS, 0, SRC)


def test_select_takes_rows_of_everything(additive: AdditiveAttention) -> None:
    memory = additive.remember(*sources(), MASK)
    rows = torch.tensor([2, 0, 0])
    selected = memory.select(rows)
    assert isinstance(selected, Memory)
    for place, row in enumerate(rows.tolist()):
        assert torch.equal(selected.keys[place], memory.keys[row])
        assert torch.equal(selected.values[place], memory.values[row])
        assert torch.equal(selected.mask[place], memory.mask[row])
