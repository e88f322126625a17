"""Attention against its equations, written out in NumPy."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from s2s.nn.attention import (
    AdditiveScore,
    Attention,
    DotScore,
    FixedVector,
    GeneralScore,
    HoppingAttention,
    Memory,
    NoContext,
    Score,
    SoftAttention,
)
from s2s.nn.readers import Readers

Array = NDArray[np.float64]

ROWS, SRC, WIDTH, SIZE = 3, 5, 4, 7
LENGTHS = (5, 1, 3)
MASK = torch.arange(SRC)[None] < torch.tensor(LENGTHS)[:, None]


@dataclass(frozen=True)
class Kind:
    """A score: how it is made for queries and states of these widths, and e_ij for a query and one state."""

    make: Callable[[int, int], Score]
    equation: Callable[[dict[str, Array], Array, Array], float]


def additive_equation(weights: dict[str, Array], q: Array, h: Array) -> float:
    """Bahdanau et al. 2015, section A.1.2."""
    w, u, b = weights["query.weight"], weights["key.weight"], weights["key.bias"]
    return float(weights["score"] @ np.tanh(w @ q + u @ h + b))


KINDS = {
    "additive": Kind(
        lambda query, state: AdditiveScore(query_size=query, state_size=state, key_size=SIZE), additive_equation
    ),
    "dot": Kind(lambda query, state: DotScore(scale=1.0), lambda weights, q, h: float(q @ h)),
    "scaled": Kind(
        lambda query, state: DotScore(scale=state**-0.5), lambda weights, q, h: float(q @ h / len(h) ** 0.5)
    ),
    "general": Kind(
        lambda query, state: GeneralScore(query_size=query, state_size=state),
        lambda weights, q, h: float(q @ (weights["key.weight"] @ h)),
    ),
}

each_kind = pytest.mark.parametrize("kind", KINDS)


def drawn(module: nn.Module) -> nn.Module:
    """In float64, and with biases that are not zero: they could be misplaced unseen."""
    for name, parameter in module.double().named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return module


def score_of(kind: str, query: int = WIDTH, state: int = WIDTH) -> Score:
    score = drawn(KINDS[kind].make(query, state))
    assert isinstance(score, Score)
    return score


def hopping(kind: str, hops: int, query: int = WIDTH, state: int = WIDTH) -> HoppingAttention:
    score = score_of(kind, query, state)
    attention = HoppingAttention(score=score, hops=hops, query_size=query, state_size=state).double()
    nn.init.normal_(attention.keep.weight)
    return attention


ATTENTIONS: dict[str, Callable[[], Attention]] = {
    **{kind: lambda kind=kind: SoftAttention(score=score_of(kind)) for kind in KINDS},
    **{f"{kind} in 3 hops": lambda kind=kind: hopping(kind, 3) for kind in KINDS},
    "fixed": FixedVector,
    "none": NoContext,
}

each_attention = pytest.mark.parametrize("name", ATTENTIONS)


def sources(width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """States and a final state, as an encoder might have made them."""
    return torch.randn(ROWS, SRC, width, dtype=torch.double), torch.randn(ROWS, width, dtype=torch.double)


def queries(width: int = WIDTH) -> Tensor:
    return torch.randn(ROWS, width, dtype=torch.double)


def arrays_of(module: nn.Module) -> dict[str, Array]:
    return {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}


def softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum())


def score_equation(kind: str, weights: dict[str, Array], q: Array, states: Array) -> Array:
    return np.array([KINDS[kind].equation(weights, q, h) for h in states])


@each_kind
def test_scores_are_their_equation_up_to_a_constant(kind: str) -> None:
    """Which cancels in the softmax; queries and states need not be equally wide, but for the dot product."""
    query_width = 3 if kind in ("additive", "general") else WIDTH
    score = score_of(kind, query_width, WIDTH)
    (states, _), query = sources(), queries(query_width)
    found = score.bind(Memory(keys=score.keys(states), values=states, mask=MASK))(query).detach().numpy()
    for row in range(ROWS):
        expected = score_equation(kind, arrays_of(score), query[row].numpy(), states[row].numpy())
        np.testing.assert_allclose(found[row] - found[row, 0], expected - expected[0], atol=1e-12)


@each_kind
def test_one_read_is_its_equation(kind: str) -> None:
    """alpha_i = softmax_j(e_ij) over real positions only; c_i = sum_j alpha_ij h_j."""
    score = score_of(kind)
    attention = SoftAttention(score=score)
    (states, final), query = sources(), queries()
    reading = attention.bind(attention.remember(states, final, MASK))(query)
    for row, length in enumerate(LENGTHS):
        h = states[row, :length].numpy()
        weights = softmax(score_equation(kind, arrays_of(score), query[row].numpy(), h))
        np.testing.assert_allclose(reading.weights[row, 0, :length].detach(), weights, atol=1e-12)
        np.testing.assert_allclose(reading.context[row].detach(), weights @ h, atol=1e-12)


@each_kind
@pytest.mark.parametrize("hops", [2, 3])
def test_several_hops_are_their_equations(kind: str, hops: int) -> None:
    """Sukhbaatar et al. 2015: u^{k+1} = H u^k + R o^k, the scores shared; the context is the last o."""
    attention = hopping(kind, hops)
    (states, final), query = sources(), queries()
    reading = attention.bind(attention.remember(states, final, MASK))(query)
    assert reading.weights.shape == (ROWS, hops, SRC)
    keep, add = attention.keep.weight.detach().numpy(), attention.add.weight.detach().numpy()
    for row, length in enumerate(LENGTHS):
        u, h = query[row].numpy(), states[row, :length].numpy()
        for hop in range(hops):
            p = softmax(score_equation(kind, arrays_of(attention.score), u, h))
            o = p @ h
            u = keep @ u + add @ o
            np.testing.assert_allclose(reading.weights[row, hop, :length].detach(), p, atol=1e-12)
        np.testing.assert_allclose(reading.context[row].detach(), o, atol=1e-12)


@each_kind
def test_one_hop_is_plain_attention(kind: str) -> None:
    """To the last bit, gradients included: H and R have no part in it."""
    once = hopping(kind, 1)
    plain = SoftAttention(score=once.score)
    states, final, query = *sources(), queries().requires_grad_()
    states.requires_grad_()
    inputs = (states, query, *once.score.parameters())
    found = []
    for attention in (once, plain):
        reading = attention.bind(attention.remember(states, final, MASK))(query)
        loss = reading.context.square().sum() + reading.weights.pow(3).sum()
        found.append((reading.context, reading.weights, *torch.autograd.grad(loss, inputs)))
    assert all(map(torch.equal, *found))


def test_a_fresh_hop_keeps_its_question() -> None:
    """H starts as the identity: what was asked is asked again, with what was found added."""
    attention = HoppingAttention(score=DotScore(scale=1.0), hops=2, query_size=WIDTH, state_size=WIDTH).double()
    nn.init.zeros_(attention.add.weight)
    reading = attention.bind(attention.remember(*sources(), MASK))(queries())
    assert torch.equal(reading.weights[:, 0], reading.weights[:, 1])


def test_general_with_the_identity_is_dot() -> None:
    """To the last bit, gradients included."""
    general = score_of("general")
    nn.init.eye_(general.get_parameter("key.weight"))
    states, final, query = *sources(), queries().requires_grad_()
    states.requires_grad_()
    found = []
    for score in (general, DotScore(scale=1.0)):
        attention = SoftAttention(score=score)
        reading = attention.bind(attention.remember(states, final, MASK))(query)
        loss = reading.context.square().sum() + reading.weights.pow(3).sum()
        found.append((reading.context, reading.weights, *torch.autograd.grad(loss, (states, query))))
    assert all(map(torch.equal, *found))


def test_scaling_a_dot_product_is_scaling_its_query() -> None:
    (states, final), query = sources(), queries()
    readings = []
    for scale, asked in ((0.5, query), (1.0, 0.5 * query)):
        attention = SoftAttention(score=DotScore(scale=scale))
        readings.append(attention.bind(attention.remember(states, final, MASK))(asked))
    torch.testing.assert_close(readings[0].weights, readings[1].weights)
    torch.testing.assert_close(readings[0].context, readings[1].context)


@each_attention
def test_weights_sum_to_one_and_are_exactly_zero_on_padding(name: str) -> None:
    attention = ATTENTIONS[name]()
    read = attention.bind(attention.remember(*sources(), MASK))
    for size in (1.0, 1e3):
        weights = read(size * queries()).weights
        assert weights.shape == (ROWS, attention.hops, SRC)
        torch.testing.assert_close(weights.sum(dim=2), torch.ones(ROWS, attention.hops, dtype=torch.double))
        assert torch.count_nonzero(weights.masked_select(~MASK[:, None])) == 0


@each_attention
def test_padding_adds_nothing(name: str) -> None:
    attention = ATTENTIONS[name]()
    (states, final), query = sources(), queries()
    reading = attention.bind(attention.remember(states, final, MASK))(query)
    longer = torch.cat((states.masked_fill(~MASK[:, :, None], 1e6), torch.full((ROWS, 2, WIDTH), -1e6)), dim=1)
    wider = torch.cat((MASK, torch.zeros(ROWS, 2, dtype=torch.bool)), dim=1)
    padded = attention.bind(attention.remember(longer, final, wider))(query)
    torch.testing.assert_close(padded.context, reading.context)
    torch.testing.assert_close(padded.weights[:, :, :SRC], reading.weights)
    assert torch.count_nonzero(padded.weights[:, :, SRC:]) == 0


@each_attention
def test_a_row_reads_what_it_reads_alone(name: str) -> None:
    attention = ATTENTIONS[name]()
    (states, final), query = sources(), queries()
    together = attention.bind(attention.remember(states, final, MASK))(query)
    for row, length in enumerate(LENGTHS):
        real = MASK[row : row + 1, :length]
        memory = attention.remember(states[row : row + 1, :length], final[row : row + 1], real)
        alone = attention.bind(memory)(query[row : row + 1])
        torch.testing.assert_close(together.context[row], alone.context[0])
        torch.testing.assert_close(together.weights[row, :, :length], alone.weights[0])


class Reads(nn.Module):
    """Two reads of one memory, the second asking with what the first found, for `functional_call`."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, query: Tensor, states: Tensor, final: Tensor) -> tuple[Tensor, ...]:
        read = self.attention.bind(self.attention.remember(states, final, MASK))
        first = read(query)
        second = read(torch.tanh(query * first.context.sum(dim=1, keepdim=True)))
        return tuple(t for t in (first.context, second.context, first.weights, second.weights) if t.requires_grad)


@pytest.mark.parametrize("name", [name for name in ATTENTIONS if name != "none"])
def test_gradients_equal_finite_differences(name: str) -> None:
    """By query, states and every parameter; a context of no width has no gradient."""
    module = Reads(ATTENTIONS[name]())
    parameters = dict(module.named_parameters())

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, weights = tensors[:3], dict(zip(parameters, tensors[3:], strict=True))
        found: tuple[Tensor, ...] = torch.func.functional_call(module, weights, inputs)
        return found

    inputs = [tensor.requires_grad_() for tensor in (queries(), *sources())]
    assert torch.autograd.gradcheck(run, (*inputs, *parameters.values()), fast_mode=True)


def test_a_linear_layer_in_place_of_tanh_would_not_hear_the_query() -> None:
    """v . (W q + U h_j + b) = v . W q + v . (U h_j + b): the first term is the same for all j and cancels.

    So every query reads the same place; with the tanh the same parameters tell queries apart.
    """
    score = score_of("additive")
    assert isinstance(score, AdditiveScore)
    attention = SoftAttention(score=score)
    states, final = sources()
    read = attention.bind(attention.remember(states, final, MASK))
    one, other = queries(), queries()

    def linear_weights(query: Tensor) -> Tensor:
        scores = (score.query(query)[:, None] + score.key(states)) @ score.score
        return torch.softmax(scores.masked_fill(~MASK, float("-inf")), dim=1)

    torch.testing.assert_close(linear_weights(one), linear_weights(other), atol=1e-12, rtol=0)
    difference = (read(one).weights - read(other).weights).abs()
    assert float(difference[0].detach().max()) > 0.01


def test_without_attention_every_query_reads_the_last_state() -> None:
    attention = FixedVector()
    states, final = sources()
    read = attention.bind(attention.remember(states, final, MASK))
    for query in (queries(), 100 * queries()):
        reading = read(query)
        assert torch.equal(reading.context, final)
        assert reading.weights.shape == (ROWS, 0, SRC)


def test_without_context_there_is_nothing_to_read() -> None:
    attention = NoContext()
    reading = attention.bind(attention.remember(*sources(), MASK))(queries())
    assert reading.context.shape == (ROWS, 0)
    assert reading.weights.shape == (ROWS, 0, SRC)


@each_attention
def test_select_takes_rows_of_everything(name: str) -> None:
    """And the rows that are left read what they read before."""
    attention = ATTENTIONS[name]()
    memory, query = attention.remember(*sources(), MASK), queries()
    rows = torch.tensor([2, 0, 0])
    selected = memory.select(rows)
    assert isinstance(selected, Memory)
    for place, row in enumerate(rows.tolist()):
        assert torch.equal(selected.keys[place], memory.keys[row])
        assert torch.equal(selected.values[place], memory.values[row])
        assert torch.equal(selected.mask[place], memory.mask[row])
    some, every = attention.bind(selected)(query[rows]), attention.bind(memory)(query)
    torch.testing.assert_close(some.context, every.context[rows])
    torch.testing.assert_close(some.weights, every.weights[rows])


@each_attention
def test_rows_that_share_a_source_read_it_as_if_each_had_its_own(name: str) -> None:
    attention = ATTENTIONS[name]()
    memory = attention.remember(*sources(), MASK)
    rows = torch.tensor([2, 0, 0, 2, 0])
    query = torch.cat((queries(), queries()))[: len(rows)]
    shared = attention.bind(replace(memory, readers=Readers.of(rows, ROWS)))(query)
    own = attention.bind(memory.select(rows))(query)
    torch.testing.assert_close(shared.context, own.context)
    torch.testing.assert_close(shared.weights, own.weights)


@each_attention
def test_under_bf16_autocast_a_memory_and_what_is_read_of_it_keep_their_format(name: str) -> None:
    """Weights still sum to 1 within the precision of single floats."""
    attention = ATTENTIONS[name]().float()
    states, final = (tensor.float() for tensor in sources())
    query = queries().float()
    expected = attention.bind(attention.remember(states, final, MASK))(query)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory = attention.remember(states, final, MASK)
        reading = attention.bind(memory)(query)
    assert {t.dtype for t in (memory.keys, memory.values, reading.context, reading.weights)} == {torch.float32}
    torch.testing.assert_close(reading.weights, expected.weights, atol=0.1, rtol=0)
    torch.testing.assert_close(reading.weights.sum(dim=2), torch.ones(ROWS, attention.hops))
