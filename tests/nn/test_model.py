"""The whole model: one step serves search and training, and a sentence does not see its neighbours."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch, EncodedPair, collate
from s2s.errors import UsageError
from s2s.nn.dropout import Dropout
from s2s.nn.model import Seq2Seq

WIDE = ModelConfig(embed_size=5, hidden_size=4, dropout=0.0)

ASKING = [("additive", "first"), ("additive", "between"), ("none", "first")]

ARCHITECTURES = [
    WIDE.model_copy(update={"cell": cell, "attention": attention, "attend": attend, "num_layers": layers})
    for cell, (attention, attend), layers in product(("gru", "lstm"), ASKING, (1, 2))
]

each_architecture = pytest.mark.parametrize(
    "config", ARCHITECTURES, ids=lambda c: f"{c.cell}-{c.attention}-{c.attend}-{c.num_layers}"
)


def model_of(config: ModelConfig, vocab: int, **settings: object) -> Seq2Seq:
    return build_model(config.model_copy(update=settings), src_vocab=vocab, trg_vocab=vocab)


def forward(model: Seq2Seq, batch: Batch) -> tuple[Tensor, Tensor]:
    unrolled = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask)
    return unrolled.logits, unrolled.weights


@each_architecture
def test_unrolling_is_stepping(config: ModelConfig, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Logits stand in row-major order for the real tokens alone, weights for all."""
    model = model_of(config, tiny_vocab).eval()
    logits, weights = forward(model, tiny_batch)
    state = model.start(tiny_batch.src, tiny_batch.src_mask)
    said, read = [], []
    for tokens in tiny_batch.trg_in.unbind(1):
        step = model.step(tokens, state)
        state = step.state
        said.append(step.logits)
        read.append(step.weights)
    torch.testing.assert_close(logits, torch.stack(said, dim=1)[tiny_batch.trg_mask], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights, torch.stack(read, dim=1), atol=1e-6, rtol=1e-5)
    assert logits.shape == (tiny_batch.tokens, tiny_vocab)
    hops = 0 if config.attention == "none" else 1
    assert weights.shape == (*tiny_batch.trg_in.shape, hops, tiny_batch.src.shape[1])


@each_architecture
def test_a_pair_has_the_logits_that_it_has_alone(
    config: ModelConfig, tiny_pairs: list[EncodedPair], tiny_vocab: int
) -> None:
    model = model_of(config, tiny_vocab).eval()
    logits, _ = forward(model, collate(tiny_pairs))
    alone = torch.cat([forward(model, collate([pair]))[0] for pair in tiny_pairs])
    torch.testing.assert_close(logits, alone, atol=1e-6, rtol=1e-5)


@each_architecture
def test_what_stands_in_padding_changes_nothing(config: ModelConfig, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = model_of(config, tiny_vocab).eval()
    littered = replace(
        tiny_batch,
        src=tiny_batch.src.masked_fill(~tiny_batch.src_mask, 9),
        trg_in=tiny_batch.trg_in.masked_fill(~tiny_batch.trg_mask, 9),
    )
    assert torch.equal(forward(model, tiny_batch)[0], forward(model, littered)[0])


@each_architecture
def test_a_selected_state_goes_on_as_the_rows_that_it_was_made_of(
    config: ModelConfig, tiny_batch: Batch, tiny_vocab: int
) -> None:
    """Rows may be dropped, doubled and turned round, as beam search does."""
    model = model_of(config, tiny_vocab).eval()
    state = model.step(tiny_batch.trg_in[:, 0], model.start(tiny_batch.src, tiny_batch.src_mask)).state
    rows = torch.tensor([4, 0, 0, 2])
    tokens = tiny_batch.trg_in[:, 1]
    whole, some = model.step(tokens, state), model.step(tokens[rows], state.select(rows))
    torch.testing.assert_close(some.logits, whole.logits[rows])
    torch.testing.assert_close(some.weights, whole.weights[rows])
    for layer, layer_of_whole in zip(some.state.layers, whole.state.layers, strict=True):
        for tensor, tensor_of_whole in zip(layer, layer_of_whole, strict=True):
            torch.testing.assert_close(tensor, tensor_of_whole[rows])


@each_architecture
def test_every_parameter_takes_part(config: ModelConfig, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = model_of(config, tiny_vocab)
    logits, _ = forward(model, tiny_batch)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(torch.log_softmax(logits, dim=1)[:, 5].sum(), parameters)
    assert not [name for name, gradient in zip(names, gradients, strict=True) if not gradient.any()]


def test_the_context_of_a_later_step_is_asked_by_its_own_state(tiny_batch: Batch, tiny_vocab: int) -> None:
    """`first` asks before it reads the token, `between` after: only the latter's weights know the present token."""
    other = replace(tiny_batch, trg_in=tiny_batch.trg_in.roll(1, dims=0))
    moved = {}
    for attend in ("first", "between"):
        model = model_of(WIDE, tiny_vocab, attend=attend).eval()
        first = [forward(model, batch)[1][:, 1] for batch in (tiny_batch, other)]
        moved[attend] = not torch.equal(first[0], first[1])
    assert moved == {"first": False, "between": True}


def test_tying_shares_embeddings_and_output_layer(tiny_vocab: int) -> None:
    """With embeddings as wide as the states each tie saves exactly one table."""
    models = {tie: model_of(WIDE, tiny_vocab, tie=tie, hidden_size=5) for tie in ("none", "target", "all")}
    shared = {}
    for tie, model in models.items():
        source, target = model.encoder.embedding.weight, model.decoder.embedding.weight
        shared[tie] = (source is target, target is model.decoder.output.weight)
    assert shared == {"none": (False, False), "target": (False, True), "all": (True, True)}
    sizes = {tie: sum(p.numel() for p in model.parameters()) for tie, model in models.items()}
    table = tiny_vocab * 5
    assert sizes["none"] - sizes["target"] == table
    assert sizes["target"] - sizes["all"] == table


@pytest.mark.parametrize("tie", ["none", "target", "all"])
def test_tied_or_not_the_readout_need_not_be_as_wide_as_the_states(
    tie: str, tiny_batch: Batch, tiny_vocab: int
) -> None:
    logits, _ = forward(model_of(WIDE, tiny_vocab, tie=tie, hidden_size=7), tiny_batch)
    assert logits.shape == (tiny_batch.tokens, tiny_vocab)


def test_vocabularies_may_differ_unless_they_are_shared(tiny_batch: Batch, tiny_vocab: int) -> None:
    model = build_model(WIDE.model_copy(update={"tie": "target"}), src_vocab=tiny_vocab, trg_vocab=tiny_vocab + 9)
    assert forward(model, tiny_batch)[0].shape == (tiny_batch.tokens, tiny_vocab + 9)


def test_nobody_asks_between_without_attention(tiny_vocab: int) -> None:
    with pytest.raises(UsageError, match="without attention nobody asks") as caught:
        model_of(WIDE, tiny_vocab, attention="none", attend="between")
    assert "attend=first" in str(caught.value)
    assert caught.value.where == "model.attend = 'between'"


def test_dropout_works_in_training_alone(tiny_batch: Batch, tiny_vocab: int) -> None:
    model = model_of(WIDE, tiny_vocab, dropout=0.5, num_layers=2)
    training = [forward(model.train(), tiny_batch)[0] for _ in range(2)]
    assert not torch.equal(training[0], training[1])
    resting = [forward(model.eval(), tiny_batch)[0] for _ in range(2)]
    assert torch.equal(resting[0], resting[1])
    for module in model.modules():
        if isinstance(module, Dropout):
            module.dropped = 0
    assert torch.equal(forward(model.train(), tiny_batch)[0], resting[0])


def test_initial_logits_are_of_moderate_size(tiny_batch: Batch, tiny_vocab: int) -> None:
    """A fresh model knows nothing: its loss is near that of the uniform distribution."""
    for tie in ("none", "target", "all"):
        logits, _ = forward(model_of(WIDE, tiny_vocab, tie=tie, embed_size=64, hidden_size=64), tiny_batch)
        loss = torch.nn.functional.cross_entropy(logits, tiny_batch.trg_out[tiny_batch.trg_mask])
        assert float(loss.detach()) == pytest.approx(torch.tensor(float(tiny_vocab)).log().item(), abs=0.7)
