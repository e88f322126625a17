"""What is watched is what happens in the ordinary pass."""

import copy
import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch, EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.nn.cells import CELLS, Moment
from s2s.nn.gate_watch import Place, Track, cells_of, watch_encoder, watch_pass
from s2s.nn.model import Seq2Seq

VOCAB = 12
CELL_SETTINGS = [{"cell": cell} for cell in ("rnn", "lstm", "peephole", "cifg", "gru")] + [
    {"cell": "gru", "reset": "before"}
]
ORDER_SETTINGS = [
    {"attend": "first"},
    {"attend": "between"},
    {"attend": "last"},
    {"attend": "last", "input_feeding": False},
]
SIGMOIDS = {"i", "f", "o", "r", "z"}


def model_of(**settings: object) -> Seq2Seq:
    config = ModelConfig.model_validate(
        {"embed_size": 5, "hidden_size": 6, "num_layers": 2, "dropout": 0.3, **settings}
    )
    return build_model(config, src_vocab=VOCAB, trg_vocab=VOCAB).double().eval()


@pytest.fixture
def batch() -> Batch:
    """Two pairs, as long as each other."""
    return collate([EncodedPair((4, 5, 6, 7, EOS), (8, 9, 10)), EncodedPair((11, 5, 5, 4, EOS), (7, 4, 8))])


def watch(model: Seq2Seq, batch: Batch) -> dict[Place, Track]:
    return watch_pass(model, batch.src, batch.src_mask, batch.trg_in, batch.trg_mask)


def outer(moments: tuple[Moment, ...]) -> Tensor:
    """(batch, time, hidden)."""
    return torch.stack([moment.state[0] for moment in moments], dim=1)


@pytest.mark.parametrize("cell", CELL_SETTINGS, ids=lambda s: "-".join(s.values()))
@pytest.mark.parametrize("bidirectional", [True, False])
def test_watched_states_of_the_encoder_are_those_of_the_ordinary_pass(
    batch: Batch, cell: dict[str, object], bidirectional: bool
) -> None:
    model = model_of(**cell, bidirectional=bidirectional)
    tracks = watch_encoder(model, batch.src, batch.src_mask)
    inputs = model.encoder.embedding(batch.src)
    for number, layer in enumerate(model.encoder.stack.layers, start=1):
        inputs, _ = layer(inputs, batch.src_mask)
        found = [outer(track.moments) for place, track in tracks.items() if place.layer == number]
        torch.testing.assert_close(torch.cat(found, dim=2), inputs)
    torch.testing.assert_close(inputs, model.encoder(batch.src, batch.src_mask).states)


@pytest.mark.parametrize("cell", [{"cell": "peephole"}, {"cell": "cifg"}, {"cell": "gru", "reset": "before"}])
def test_where_torch_has_no_kernel_they_are_the_same_to_the_bit(batch: Batch, cell: dict[str, object]) -> None:
    model = model_of(**cell, num_layers=1)
    tracks = watch_encoder(model, batch.src, batch.src_mask)
    assert torch.equal(
        torch.cat([outer(track.moments) for track in tracks.values()], dim=2),
        model.encoder(batch.src, batch.src_mask).states,
    )


@pytest.mark.parametrize("order", ORDER_SETTINGS, ids=str)
@pytest.mark.parametrize("cell", CELL_SETTINGS, ids=lambda s: "-".join(s.values()))
def test_watched_states_of_the_decoder_are_those_of_its_steps(
    batch: Batch, cell: dict[str, object], order: dict[str, object]
) -> None:
    model = model_of(**cell, **order)
    tracks = watch(model, batch)
    last_of_layer = {place.layer: track for place, track in tracks.items() if place.part == "decoder"}
    state = model.start(batch.src, batch.src_mask)
    for index, tokens in enumerate(batch.trg_in.unbind(1)):
        state = model.step(tokens, state).state
        for layer, track in last_of_layer.items():
            for seen, carried in zip(track.moments[index].state, state.carried[layer - 1], strict=True):
                torch.testing.assert_close(seen, carried)


def test_a_second_cell_goes_on_from_the_first(batch: Batch) -> None:
    """With attend = "between", s_i = cell2(c_i, s'_i): made by hand from what was seen of the first cell."""
    model = model_of(cell="gru", attend="between", num_layers=1)
    tracks = watch(model, batch)
    first, second = (tracks[Place("decoder", 1, which)].moments for which in ("first", "second"))
    order = model.decoder.order
    read = order.attention.bind(model.start(batch.src, batch.src_mask).memory)
    for asking, after in zip(first, second, strict=True):
        context = read(asking.state[0]).context
        torch.testing.assert_close(order.second.step(order.second.project(context), asking.state)[0], after.state[0])


def test_every_cell_has_a_place_and_every_place_a_name() -> None:
    def places(**settings: object) -> list[tuple[str, int, str]]:
        return [(place.part, place.layer, place.which) for place in cells_of(model_of(**settings))]

    assert places(attend="between") == [
        *itertools.product(["encoder"], [1, 2], ["forward", "backward"]),
        ("decoder", 1, "first"),
        ("decoder", 1, "second"),
        ("decoder", 2, ""),
    ]
    one_way = [("encoder", 1, "forward"), ("encoder", 2, "forward"), ("decoder", 1, ""), ("decoder", 2, "")]
    assert places(attend="first", bidirectional=False) == one_way
    assert places(attend="last", bidirectional=False) == one_way


def test_no_cell_is_left_out(batch: Batch) -> None:
    for cell, order in itertools.product(CELL_SETTINGS, ORDER_SETTINGS):
        model = model_of(**cell, **order)
        assert set(cells_of(model).values()) == {m for m in model.modules() if isinstance(m, tuple(CELLS.values()))}
        tracks = watch(model, batch)
        assert list(tracks) == list(cells_of(model))
        lengths = {"encoder": 5, "decoder": 4}
        assert all(len(track.moments) == lengths[place.part] for place, track in tracks.items())


@pytest.mark.parametrize("cell", CELL_SETTINGS, ids=lambda s: "-".join(s.values()))
def test_gates_are_shares_and_what_they_let_in_is_between_minus_one_and_one(
    batch: Batch, cell: dict[str, object]
) -> None:
    for track in watch(model_of(**cell), batch).values():
        for moment in track.moments:
            for name, gate in zip(track.gate_names, moment.gates, strict=True):
                assert gate.shape == moment.state[0].shape
                assert (gate > (0 if name in SIGMOIDS else -1)).all()
                assert (gate < 1).all()


def test_backward_moments_stand_in_the_order_of_the_sentence(batch: Batch) -> None:
    """The last token is the first that a backward cell reads: whatever stands before it changes nothing there."""
    model = model_of(cell="lstm")
    place = Place("encoder", 1, "backward")
    moments = watch(model, batch)[place].moments
    other = replace(batch, src=torch.cat((batch.src[:, :1].flip(0), batch.src[:, 1:]), dim=1))
    changed = watch(model, other)[place].moments
    same = [torch.equal(one.state[1], two.state[1]) for one, two in zip(moments, changed, strict=True)]
    assert same == [False, True, True, True, True]


def test_watching_leaves_the_model_as_it_was(batch: Batch) -> None:
    model = model_of()
    before = copy.deepcopy(model)
    modules = [id(module) for module in model.modules()]
    watch(model, batch)
    assert [id(module) for module in model.modules()] == modules
    for ours, kept in zip(model.state_dict().values(), before.state_dict().values(), strict=True):
        assert torch.equal(ours, kept)
    arguments = (batch.src, batch.src_mask, batch.trg_in, batch.trg_mask)
    assert torch.equal(model(*arguments).logits, before(*arguments).logits)


def test_padding_is_our_own_mistake() -> None:
    padded = collate([EncodedPair((4, EOS), (8,)), EncodedPair((11, 5, EOS), (7, 4))])
    with pytest.raises(AssertionError, match="padding"):
        watch(model_of(), padded)
