"""From settings to parts: which part a setting makes, and which settings make none."""

import os
from typing import Any

import pytest
import torch
from model_grid import PAIRWISE, Row, config_of, name_of

from s2s.build import build_model, check_model, outline_model, refuse_what_memory_cannot_hold
from s2s.config import ModelConfig
from s2s.errors import UsageError
from s2s.nn.attention import (
    AdditiveScore,
    DotScore,
    FixedVector,
    GeneralScore,
    HoppingAttention,
    NoContext,
    SoftAttention,
)
from s2s.nn.cells import (
    CELLS,
    Cell,
    CIFGCell,
    GRUCell,
    LSTMCell,
    PeepholeCell,
    ResetBeforeGRUCell,
    RNNCell,
)
from s2s.nn.lexical import LexicalReading, NoLexicon, TiedLexicalReading
from s2s.nn.model import Seq2Seq
from s2s.nn.orders import AskBetween, AskFirst, AskLastFed, AskLastUnfed
from s2s.nn.recurrent import plain, residual
from s2s.nn.starts import Bridge, LastState, ZeroState


def model_of(**settings: Any) -> Seq2Seq:
    sizes = {"embed_size": 5, "hidden_size": 4} | settings
    return build_model(ModelConfig.model_validate(sizes), src_vocab=9, trg_vocab=9)


# Parts


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"cell": "rnn"}, RNNCell),
        ({"cell": "lstm"}, LSTMCell),
        ({"cell": "peephole"}, PeepholeCell),
        ({"cell": "cifg"}, CIFGCell),
        ({"cell": "gru"}, GRUCell),
        ({"cell": "gru", "reset": "before"}, ResetBeforeGRUCell),
    ],
    ids=str,
)
def test_encoder_and_decoder_have_the_cell_that_was_asked_for(settings: dict[str, str], kind: type[Cell]) -> None:
    cells = [module for module in model_of(**settings, num_layers=2).modules() if isinstance(module, Cell)]
    # Two directions in two layers, two cells in the decoder's first layer and one in its second.
    assert [type(cell) for cell in cells] == [kind] * 7


@pytest.mark.parametrize(
    ("attention", "score"), [("additive", AdditiveScore), ("dot", DotScore), ("general", GeneralScore)]
)
def test_one_hop_is_plain_attention_and_several_are_not(attention: str, score: type) -> None:
    """With one, the matrices of the hops are not there at all."""
    once, twice = (model_of(attention=attention, hops=hops).decoder.order.attention for hops in (1, 2))
    assert type(once) is SoftAttention
    assert type(twice) is HoppingAttention
    assert (once.hops, twice.hops) == (1, 2)
    assert isinstance(once.score, score)
    assert isinstance(twice.score, score)
    width = 2 * 4
    assert _size(twice) - _size(once) == 2 * width * width


def _size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_a_scaled_dot_product_is_divided_by_the_root_of_its_width() -> None:
    scales = []
    for scaled in (False, True):
        attention = model_of(attention="dot", scaled=scaled).decoder.order.attention
        assert isinstance(attention, SoftAttention)
        assert isinstance(attention.score, DotScore)
        scales.append(attention.score.scale)
    assert scales == [1.0, 8**-0.5]


@pytest.mark.parametrize(("context", "kind"), [("every_step", FixedVector), ("start", NoContext)])
def test_without_attention_the_context_is_fixed_or_none(context: str, kind: type) -> None:
    attention = model_of(attention="none", attend="first", context=context).decoder.order.attention
    assert type(attention) is kind


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"attend": "first"}, AskFirst),
        ({"attend": "between"}, AskBetween),
        ({"attend": "last"}, AskLastFed),
        ({"attend": "last", "input_feeding": False}, AskLastUnfed),
    ],
    ids=str,
)
def test_who_asks(settings: dict[str, Any], kind: type) -> None:
    assert type(model_of(**settings).decoder.order) is kind


@pytest.mark.parametrize(("start", "kind"), [("bridge", Bridge), ("last", LastState), ("zero", ZeroState)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "peephole", "cifg", "gru"])
def test_where_the_decoder_starts(start: str, kind: type, cell: str) -> None:
    """With as many tensors in a state as the cell has."""
    begin = model_of(start=start, cell=cell).decoder.begin
    assert type(begin) is kind
    assert begin.state_tensors == CELLS[cell].state_tensors


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"values": "states"}, NoLexicon),
        ({"values": "lexical", "tie": "none"}, LexicalReading),
        ({"values": "lexical", "tie": "target"}, TiedLexicalReading),
        ({"values": "lexical", "tie": "all"}, TiedLexicalReading),
    ],
    ids=str,
)
def test_what_is_read(settings: dict[str, Any], kind: type) -> None:
    assert type(model_of(**settings).decoder.lexicon) is kind


@pytest.mark.parametrize("is_residual", [True, False])
def test_encoder_and_decoder_are_residual_alike(is_residual: bool) -> None:
    model = model_of(num_layers=2, residual=is_residual)
    expected = residual if is_residual else plain
    assert model.encoder.stack.join is expected
    assert model.decoder.order.upper.join is expected


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_decoder_is_as_wide_as_the_encoder(bidirectional: bool) -> None:
    """Whose `hidden_size` is that of one direction."""
    model = model_of(bidirectional=bidirectional)
    src = torch.tensor([[4, 5, 3]])
    state = model.start(src, torch.ones_like(src).bool())
    width = 8 if bidirectional else 4
    assert state.carried[0][0].shape == (1, width)
    assert state.memory.values.shape == (1, 3, width)


@pytest.mark.parametrize("row", PAIRWISE, ids=name_of)
def test_an_outline_has_the_names_and_shapes_of_the_model_and_no_numbers(row: Row) -> None:
    config = config_of(row, embed_size=5, hidden_size=4)
    outline = outline_model(config, src_vocab=9, trg_vocab=9)
    model = build_model(config, src_vocab=9, trg_vocab=9)
    assert _shapes(outline) == _shapes(model)
    assert {tensor.device.type for tensor in outline.parameters()} == {"meta"}


def _shapes(model: Seq2Seq) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in model.named_parameters()}


# Refusals


NO_MODEL = [
    (
        {"attention": "none", "attend": "between"},
        'without attention nobody asks, and the fixed vector is read as in "first": set attend = "first"',
    ),
    (
        {"attention": "none", "attend": "last"},
        'without attention nobody asks, and the fixed vector is read as in "first": set attend = "first"',
    ),
    (
        {"attention": "none", "attend": "first", "hops": 2},
        "without attention there is nothing to read in several hops",
    ),
    (
        {"attention": "none", "attend": "first", "values": "lexical"},
        'without attention no source word is looked at, so none can be read: set values = "states"',
    ),
    (
        {"context": "start"},
        'context = "start" leaves the decoder nothing but its start state: it belongs to attention = "none"',
    ),
    (
        {"attention": "none", "attend": "first", "context": "start", "start": "zero"},
        'with context = "start" and start = "zero" the decoder would know nothing of the source',
    ),
    ({"attention": "additive", "scaled": True}, 'scaled is a form of the score attention = "dot"'),
    ({"attention": "general", "scaled": True}, 'scaled is a form of the score attention = "dot"'),
    *(
        ({"cell": cell, "reset": "before"}, f"a {cell} cell has no reset gate to be applied before the product")
        for cell in ("rnn", "lstm", "peephole", "cifg")
    ),
    *(
        (
            {"attend": attend, "input_feeding": False},
            'input feeding can be left out with attend = "last" only: the other orders read the context anyway',
        )
        for attend in ("first", "between")
    ),
    ({"residual": True}, "one layer has none below it to be added: set num_layers"),
    (
        {"attention": "dot", "decoder_size": 256},
        "decoder_size = 256 is not the width of the encoder's states, 512: a dot product needs them equal, "
        '"general" or "additive" does not',
    ),
    (
        {"start": "last", "bidirectional": False, "decoder_size": 512},
        "decoder_size = 512 is not the width of the encoder's states, 256: "
        'start = "last" hands them on as they are, start = "bridge" does not',
    ),
]


@pytest.mark.parametrize(("settings", "reason"), NO_MODEL, ids=str)
def test_settings_that_make_no_model_are_refused_with_the_reason(settings: dict[str, Any], reason: str) -> None:
    """And with that one alone; before anything is built."""
    config = ModelConfig.model_validate(settings)
    for refuse in (check_model, lambda config: build_model(config, src_vocab=9, trg_vocab=9)):
        with pytest.raises(UsageError, match=r"the settings of \[model\] make no model:\n  ") as caught:
            refuse(config)
        assert caught.value.where == "model"
        assert caught.value.message.splitlines()[1:] == [f"  {reason}"]
        assert "`s2s settings model` explains them" in str(caught.value)


def test_all_reasons_are_told_at_once() -> None:
    settings = {"attention": "none", "hops": 3, "values": "lexical", "reset": "before", "cell": "rnn", "residual": True}
    with pytest.raises(UsageError) as caught:
        check_model(ModelConfig.model_validate(settings))
    reasons = str(caught.value)
    for part in ("nobody asks", "several hops", "no source word", "no reset gate", "one layer has none below it"):
        assert part in reasons


def test_the_defaults_make_a_model() -> None:
    check_model(ModelConfig())


def test_a_model_that_memory_cannot_hold_is_refused_before_it_is_made() -> None:
    """Adam's two moments, gradients and weights: sixteen bytes for each parameter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with torch.device("meta"):
        fitting, huge = (torch.nn.Linear(n, 1, bias=False) for n in (memory // 16, memory // 16 + 1))
    refuse_what_memory_cannot_hold(fitting)
    with pytest.raises(
        UsageError, match=r"model: the model has [\d,]+ parameters, whose training needs [\d,]+ GB at lea"
    ):
        refuse_what_memory_cannot_hold(huge)
