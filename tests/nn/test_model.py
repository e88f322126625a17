"""The whole model: one step serves search and training, and a sentence does not see its neighbours."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from model_grid import PAIRWISE, Row, config_of, name_of
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch, EncodedPair, collate
from s2s.nn.dropout import Dropout
from s2s.nn.lexical import LexicalReading
from s2s.nn.model import Seq2Seq

WIDE = ModelConfig(embed_size=5, hidden_size=4, dropout=0.0)

each_kind = pytest.mark.parametrize("row", PAIRWISE, ids=name_of)


def model_of(config: ModelConfig, vocab: int, **settings: object) -> Seq2Seq:
    return build_model(config.model_copy(update=settings), src_vocab=vocab, trg_vocab=vocab)


def kind_of(row: Row, vocab: int) -> Seq2Seq:
    return model_of(config_of(row, embed_size=5, hidden_size=4), vocab).eval()


def forward(model: Seq2Seq, batch: Batch) -> tuple[Tensor, Tensor]:
    unrolled = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask)
    return unrolled.logits, unrolled.weights


@each_kind
def test_unrolling_is_stepping(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Logits stand in row-major order for the real tokens alone, weights for all, as often as the source is read."""
    model = kind_of(row, tiny_vocab)
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
    config = config_of(row, embed_size=5, hidden_size=4)
    assert model.hops == (0 if config.attention == "none" else config.hops)
    assert logits.shape == (tiny_batch.tokens, tiny_vocab)
    assert weights.shape == (*tiny_batch.trg_in.shape, model.hops, tiny_batch.src.shape[1])


@each_kind
def test_weights_are_shares_of_the_real_source(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    """At each step and hop they sum to 1, and are exactly 0 on padding."""
    _, weights = forward(kind_of(row, tiny_vocab), tiny_batch)
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(weights.shape[:3]))
    assert torch.count_nonzero(weights.masked_select(~tiny_batch.src_mask[:, None, None])) == 0


@each_kind
def test_a_pair_has_the_logits_that_it_has_alone(row: Row, tiny_pairs: list[EncodedPair], tiny_vocab: int) -> None:
    model = kind_of(row, tiny_vocab)
    logits, weights = forward(model, collate(tiny_pairs))
    alone = [forward(model, collate([pair])) for pair in tiny_pairs]
    torch.testing.assert_close(logits, torch.cat([each for each, _ in alone]), atol=1e-5, rtol=1e-5)
    for together, (_, apart) in zip(weights, alone, strict=True):
        steps, hops, positions = apart.shape[1:]
        torch.testing.assert_close(together[:steps, :hops, :positions], apart[0], atol=1e-5, rtol=1e-5)


@each_kind
def test_what_stands_in_padding_changes_nothing(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Logits are the same to the last bit, and so are the gradients: padding is taught nothing and teaches nothing."""
    model = kind_of(row, tiny_vocab)
    littered = replace(
        tiny_batch,
        src=tiny_batch.src.masked_fill(~tiny_batch.src_mask, 9),
        trg_in=tiny_batch.trg_in.masked_fill(~tiny_batch.trg_mask, 9),
    )
    logits, other = (forward(model, batch)[0] for batch in (tiny_batch, littered))
    assert torch.equal(logits, other)
    gradients, others = (torch.autograd.grad(each.square().sum(), list(model.parameters())) for each in (logits, other))
    torch.testing.assert_close(gradients, others)


@each_kind
def test_a_selected_state_goes_on_as_the_rows_that_it_was_made_of(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Rows may be dropped, doubled and turned round, as beam search does."""
    model = kind_of(row, tiny_vocab)
    state = model.step(tiny_batch.trg_in[:, 0], model.start(tiny_batch.src, tiny_batch.src_mask)).state
    rows = torch.tensor([4, 0, 0, 2])
    tokens = tiny_batch.trg_in[:, 1]
    whole, some = model.step(tokens, state), model.step(tokens[rows], state.select(rows))
    torch.testing.assert_close(some.logits, whole.logits[rows])
    torch.testing.assert_close(some.weights, whole.weights[rows])
    for layer, layer_of_whole in zip(some.state.carried, whole.state.carried, strict=True):
        for tensor, tensor_of_whole in zip(layer, layer_of_whole, strict=True):
            torch.testing.assert_close(tensor, tensor_of_whole[rows])


@each_kind
def test_every_parameter_takes_part(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = kind_of(row, tiny_vocab)
    logits, _ = forward(model, tiny_batch)
    # What stands before a context of no width is of no width, too.
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.numel()}
    gradients = torch.autograd.grad(torch.log_softmax(logits, dim=1)[:, 5].sum(), list(named.values()))
    assert not [name for name, gradient in zip(named, gradients, strict=True) if not gradient.any()]


@each_kind
def test_logits_under_bf16_autocast_are_near_the_full_ones(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = kind_of(row, tiny_vocab)
    expected, weights = forward(model, tiny_batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow, narrow_weights = forward(model, tiny_batch)
    torch.testing.assert_close(narrow.float(), expected, atol=0.15, rtol=0)
    torch.testing.assert_close(narrow_weights, weights, atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("settings", "knows"),
    [
        ({"attend": "first"}, False),
        ({"attend": "between"}, True),
        ({"attend": "last"}, True),
        ({"attend": "last", "input_feeding": False}, True),
    ],
    ids=str,
)
def test_whose_weights_know_the_token_that_is_read(
    settings: dict[str, object], knows: bool, tiny_batch: Batch, tiny_vocab: int
) -> None:
    """`first` asks before the step reads its token, the others after."""
    model = model_of(WIDE, tiny_vocab, **settings).eval()
    other = tiny_batch.trg_in.clone()
    other[:, 1] = other[:, 1].roll(1)
    one, changed = (
        forward(model, replace(tiny_batch, trg_in=trg_in))[1][:, 1] for trg_in in (tiny_batch.trg_in, other)
    )
    assert torch.equal(one, changed) is not knows


@pytest.mark.parametrize("fed", [True, False])
def test_what_was_read_reaches_the_next_state_where_it_is_fed(fed: bool, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Without input feeding the decoder's states do not depend on the source but through the first one."""
    model = model_of(WIDE, tiny_vocab, attend="last", input_feeding=fed, start="zero").eval()
    states = []
    for src in (tiny_batch.src, tiny_batch.src.flip(0)):
        state = model.start(src, torch.ones_like(tiny_batch.src_mask))
        for tokens in tiny_batch.trg_in[:, :2].unbind(1):
            state = model.step(tokens, state).state
        states.append(state.carried[0][0])
    assert torch.equal(*states) is not fed


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


def test_words_are_dropped_on_both_sides(tiny_batch: Batch, tiny_vocab: int) -> None:
    """In training alone: of the source, which its states tell, and of what was said before."""
    model = model_of(WIDE, tiny_vocab, word_dropout=0.5).train()
    source = (tiny_batch.src, tiny_batch.src_mask)
    torch.manual_seed(1)
    assert not torch.equal(model.encoder(*source).states, model.encoder(*source).states)
    start = model.start(*source)
    one, other = (model.decoder.unroll(tiny_batch.trg_in, tiny_batch.trg_mask, start).logits for _ in range(2))
    assert not torch.equal(one, other)
    one, other = (model.step(tiny_batch.trg_in[:, 0], start).logits for _ in range(2))
    assert not torch.equal(one, other)
    model.eval()
    assert torch.equal(forward(model, tiny_batch)[0], forward(model, tiny_batch)[0])


# What it begins with


@pytest.mark.parametrize("tie", ["none", "target"])
def test_each_language_begins_with_its_own_vectors(tie: str, tiny_vocab: int) -> None:
    model = model_of(WIDE, tiny_vocab, tie=tie, values="lexical")
    src, trg = (F.normalize(torch.randn(tiny_vocab, 5), dim=1) for _ in range(2))
    model.begin_with(src, trg)
    assert torch.equal(model.encoder.embedding.weight, src)
    assert torch.equal(model.decoder.embedding.weight, trg)
    lexicon = model.decoder.lexicon
    speaks = lexicon.output.weight if isinstance(lexicon, LexicalReading) else model.decoder.output.weight
    assert torch.equal(speaks, trg)


def test_languages_that_share_an_embedding_begin_between_their_vectors(tiny_vocab: int) -> None:
    """A piece of one of them alone has that one's."""
    model = model_of(WIDE, tiny_vocab, tie="all")
    src, trg = (torch.zeros(tiny_vocab, 5) for _ in range(2))
    src[4], trg[5] = F.normalize(torch.randn(2, 5), dim=1)
    src[6, 0] = trg[6, 1] = 1.0
    drawn = model.encoder.embedding.weight.detach().clone()
    model.begin_with(src, trg)
    begun = model.decoder.output.weight
    assert begun is model.encoder.embedding.weight
    torch.testing.assert_close(begun[4], src[4])
    torch.testing.assert_close(begun[5], trg[5])
    torch.testing.assert_close(begun[6], torch.tensor([0.5, 0.5, 0.0, 0.0, 0.0]).sqrt())
    assert torch.equal(begun[7:], drawn[7:])
