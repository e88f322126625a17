"""Attention watched: the numbers shown are those of the equations, and watching changes nothing."""

from itertools import product

import pytest
import torch
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch
from s2s.nn.attention import AdditiveScore, Attention, DotScore, GeneralScore, HoppingAttention, Score, SoftAttention
from s2s.nn.watching import Question, watch_attention

ROWS, SRC, QUERY, STATE, KEY = 3, 5, 6, 6, 7
MASK = torch.arange(SRC)[None] < torch.tensor((5, 1, 3))[:, None]

ARCHITECTURES = [
    ModelConfig(embed_size=5, hidden_size=4, dropout=0.0, attention=attention, attend=attend, hops=hops)
    for attention, attend, hops in product(("additive", "dot"), ("first", "between", "last"), (1, 3))
] + [
    ModelConfig(embed_size=5, hidden_size=4, dropout=0.0, attend="last", input_feeding=False),
    ModelConfig(embed_size=5, hidden_size=4, dropout=0.0, attend="last", values="lexical", num_layers=2, cell="lstm"),
    ModelConfig(embed_size=5, hidden_size=4, dropout=0.0, attention="none", attend="first"),
    ModelConfig(embed_size=5, hidden_size=4, dropout=0.0, attention="none", attend="first", context="start"),
]
each_architecture = pytest.mark.parametrize(
    "config", ARCHITECTURES, ids=lambda c: f"{c.attention}-{c.attend}-{c.hops}-{c.context}"
)


def additive() -> Score:
    score = AdditiveScore(query_size=QUERY, state_size=STATE, key_size=KEY)
    torch.nn.init.normal_(score.key.bias)
    return score


SCORES = {
    "additive": additive,
    "dot": lambda: DotScore(scale=1.0),
    "scaled": lambda: DotScore(scale=STATE**-0.5),
    "general": lambda: GeneralScore(query_size=QUERY, state_size=STATE),
}


def equation(name: str, score: Score, query: Tensor, state: Tensor) -> Tensor:
    """e_ij of one query and one state, from MODELS' table of scores."""
    match score:
        case AdditiveScore():
            w, u, b, v = score.query.weight, score.key.weight, score.key.bias, score.score
            return v @ torch.tanh(w @ query + u @ state + b)
        case GeneralScore():
            return query @ (score.key.weight @ state)
    return query @ state * (STATE**-0.5 if name == "scaled" else 1.0)


@pytest.mark.parametrize("hops", [1, 3])
@pytest.mark.parametrize("name", SCORES)
def test_what_is_seen_of_a_hop_is_its_equations(name: str, hops: int) -> None:
    score = SCORES[name]()
    attention: Attention = (
        SoftAttention(score=score)
        if hops == 1
        else HoppingAttention(score=score, hops=hops, query_size=QUERY, state_size=STATE)
    )
    attention = attention.double()
    states, query = torch.randn(ROWS, SRC, STATE).double(), torch.randn(ROWS, QUERY).double()
    memory = attention.remember(states, states[:, 0], MASK)
    look = attention.watch(memory)(query)
    assert len(look.hops) == hops
    for hop in look.hops:
        torch.testing.assert_close(hop.query, query)
        expected = torch.stack(
            [torch.stack([equation(name, score, query[r], states[r, j]) for j in range(SRC)]) for r in range(ROWS)]
        )
        torch.testing.assert_close(hop.scores, expected)
        torch.testing.assert_close(hop.weights, torch.softmax(expected.masked_fill(~MASK, -torch.inf), dim=1))
        torch.testing.assert_close(hop.context, (hop.weights[:, :, None] * states).sum(dim=1))
        if isinstance(attention, HoppingAttention):
            query = query @ attention.keep.weight.t() + hop.context @ attention.add.weight.t()
    torch.testing.assert_close(look.reading.context, look.hops[-1].context)
    torch.testing.assert_close(look.reading.weights, torch.stack([hop.weights for hop in look.hops], dim=1))


@each_architecture
def test_watching_changes_nothing(config: ModelConfig, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = build_model(config, src_vocab=tiny_vocab, trg_vocab=tiny_vocab).eval()
    attention = model.decoder.order.attention
    questions: list[Question] = []
    watched = watch_attention(model, questions.append)
    arguments = (tiny_batch.src, tiny_batch.src_mask, tiny_batch.trg_in, tiny_batch.trg_mask)
    seen, unseen = watched(*arguments), model(*arguments)
    torch.testing.assert_close(seen.logits, unseen.logits)
    torch.testing.assert_close(seen.weights, unseen.weights)
    assert model.decoder.order.attention is attention
    assert watched.hops == model.hops
    assert {id(p) for p in watched.parameters()} == {id(p) for p in model.parameters()}


@each_architecture
def test_each_step_asks_once_and_in_order(config: ModelConfig, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = build_model(config, src_vocab=tiny_vocab, trg_vocab=tiny_vocab).eval()
    questions: list[Question] = []
    watched = watch_attention(model, questions.append)
    weights = watched(tiny_batch.src, tiny_batch.src_mask, tiny_batch.trg_in, tiny_batch.trg_mask).weights
    assert len(questions) == tiny_batch.trg_in.shape[1]
    for step, question in enumerate(questions):
        assert torch.equal(question.look.reading.weights, weights[:, step])
        assert len(question.look.hops) == model.hops


@each_architecture
def test_the_state_that_asks_is_the_one_that_the_order_names(
    config: ModelConfig, tiny_batch: Batch, tiny_vocab: int
) -> None:
    model = build_model(config, src_vocab=tiny_vocab, trg_vocab=tiny_vocab).eval()
    questions: list[Question] = []
    watched = watch_attention(model, questions.append)
    order = watched.decoder.order
    state = watched.start(tiny_batch.src, tiny_batch.src_mask)
    for tokens in tiny_batch.trg_in.unbind(1):
        before, state = state, watched.step(tokens, state).state
        states = {"s_{i-1}": order.top(before.carried), "s_i": order.top(state.carried)}
        equal = {name for name, top in states.items() if torch.equal(top, questions[-1].query)}
        assert equal == {order.asks} & set(states)
