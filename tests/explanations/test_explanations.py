"""Every value of the model's settings is explained, and the parameters told are those of the real modules."""

from typing import Any, get_args

import pytest
import torch
from torch import nn

from s2s.build import LEXICONS, SCORES, STARTS, Widths, build_model
from s2s.config import ModelConfig
from s2s.errors import UsageError
from s2s.explanations.explanation import Explanation, Sizes
from s2s.explanations.table import EXPLANATIONS, explanation_of, explanations
from s2s.nn.cells import CELLS

SIZES = Sizes(input_size=3, hidden_size=5, vocab_size=11)
WIDTH = 2 * SIZES.hidden_size
WIDTHS = Widths(states=WIDTH, decoder=WIDTH)
NOT_EXPLAINED = {"embed_size", "hidden_size", "decoder_size"}

each_explanation = pytest.mark.parametrize("explanation", EXPLANATIONS, ids=lambda e: e.name)


def config(**settings: Any) -> ModelConfig:
    """A model of these sizes, without what the default adds to a plain one."""
    plain = {"embed_size": SIZES.input_size, "hidden_size": SIZES.hidden_size, "attend": "first", "cell": "gru"}
    return ModelConfig.model_validate({**plain, **settings})


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def model_size(**settings: Any) -> int:
    return size(build_model(config(**settings), src_vocab=SIZES.vocab_size, trg_vocab=SIZES.vocab_size))


def cell_size(name: str, inputs: int = SIZES.input_size, hidden: int = SIZES.hidden_size) -> int:
    return size(CELLS[name](input_size=inputs, hidden_size=hidden))


def order_size(**settings: Any) -> int:
    """The order's own: without its attention and the first cell over E y_{i-1}."""
    model = build_model(config(**settings), src_vocab=SIZES.vocab_size, trg_vocab=SIZES.vocab_size)
    order = model.decoder.order
    return size(order) - size(order.attention) - cell_size("gru", hidden=WIDTH)


def embeddings_size(tie: str) -> int:
    model = build_model(config(tie=tie), src_vocab=SIZES.vocab_size, trg_vocab=SIZES.vocab_size)
    parts = nn.ModuleList([model.encoder.embedding, model.decoder.embedding, model.decoder.output])
    return size(parts)


def encoder_size(**settings: Any) -> int:
    model = build_model(config(**settings), src_vocab=SIZES.vocab_size, trg_vocab=SIZES.vocab_size)
    return size(model.encoder.stack)


REAL = {
    **{f"cell = {name}": lambda name=name: cell_size(name) for name in ("rnn", "lstm", "peephole", "cifg", "gru")},
    "reset = after": lambda: cell_size("gru"),
    "reset = before": lambda: cell_size("gru-reset-before"),
    **{
        f"attention = {name}": lambda name=name: size(SCORES[name](config(), WIDTHS))
        for name in ("additive", "dot", "general")
    },
    "attention = none": lambda: size(
        build_model(
            config(attention="none"), src_vocab=SIZES.vocab_size, trg_vocab=SIZES.vocab_size
        ).decoder.order.attention
    ),
    "scaled = true": lambda: size(SCORES["dot"](config(attention="dot", scaled=True), WIDTHS)),
    "attend = first": lambda: order_size(attend="first"),
    "attend = between": lambda: order_size(attend="between"),
    "attend = last": lambda: order_size(attend="last", input_feeding=False),
    "input_feeding = true": lambda: model_size(attend="last") - model_size(attend="last", input_feeding=False),
    "input_feeding = false": lambda: 0,
    "hops = K": lambda: model_size(hops=3) - model_size(hops=1),
    "values = states": lambda: size(LEXICONS["states"](config(), SIZES.vocab_size)),
    "values = lexical": lambda: size(LEXICONS["lexical"](config(), SIZES.vocab_size)),
    "context = every_step": lambda: order_size(attention="none"),
    "context = start": lambda: order_size(attention="none", context="start"),
    **{
        f"start = {name}": lambda name=name: size(STARTS[name](config(), WIDTHS)) for name in ("bridge", "last", "zero")
    },
    "bidirectional = true": lambda: encoder_size() - encoder_size(bidirectional=False),
    "bidirectional = false": lambda: 0,
    "num_layers = L": lambda: model_size(num_layers=3, start="zero") - model_size(num_layers=2, start="zero"),
    "residual = true": lambda: model_size(num_layers=2, residual=True) - model_size(num_layers=2),
    "dropout = p": lambda: model_size(dropout=0.5) - model_size(dropout=0.0),
    "word_dropout = p": lambda: model_size(word_dropout=0.5) - model_size(),
    **{f"tie = {name}": lambda name=name: embeddings_size(name) for name in ("none", "target", "all")},
}


def test_every_value_of_every_setting_is_explained() -> None:
    for setting, field in ModelConfig.model_fields.items():
        if setting in NOT_EXPLAINED:
            continue
        values = [e.value for e in EXPLANATIONS if e.setting == setting]
        choices = get_args(field.annotation)
        if choices and all(isinstance(choice, str) for choice in choices):
            assert set(values) == set(choices), setting
        assert values, setting
        assert len(values) == len(set(values))
    assert {e.setting for e in EXPLANATIONS} == set(ModelConfig.model_fields) - NOT_EXPLAINED


@each_explanation
def test_it_has_as_many_parameters_as_it_says(explanation: Explanation) -> None:
    with torch.device("meta"):
        real = REAL[explanation.name]()
    assert explanation.parameters(SIZES) == real


@pytest.mark.parametrize("name", ["rnn", "lstm", "peephole", "cifg", "gru"])
def test_a_cell_has_the_tensors_that_it_names(name: str) -> None:
    """Not only their sum: `4H × E` is the shape of a parameter."""
    letters = {"": 1, **SIZES.letters()}

    def dimension(factor: str) -> int:
        letter = factor.lstrip("0123456789")
        return int(factor.removesuffix(letter) or 1) * letters[letter]

    told = [tuple(map(dimension, weight.shape.split(" × "))) for weight in explanation_of("cell", name).weights]
    cell = CELLS[name](input_size=SIZES.input_size, hidden_size=SIZES.hidden_size)
    assert sorted(told) == sorted(tuple(parameter.shape) for parameter in cell.parameters())


@each_explanation
def test_it_says_something_of_everything(explanation: Explanation) -> None:
    assert explanation.title
    assert explanation.short
    assert explanation.equations
    assert explanation.parts
    assert explanation.differs.endswith(".")
    assert all(part.symbol and part.meaning for part in explanation.parts)
    assert all(1900 < paper.year < 2030 for paper in explanation.papers)


def test_formulas_are_written_as_people_write_them() -> None:
    assert explanation_of("cell", "lstm").formula == "4EH + 4H² + 4H"
    assert explanation_of("attend", "first").formula == "3D² + 2DR + ER + R"
    assert explanation_of("start", "zero").formula == "0"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("lstm", ["cell = lstm"]),
        ("model.cell=lstm", ["cell = lstm"]),
        ("attend", ["attend = first", "attend = between", "attend = last"]),
        ("last", ["attend = last", "start = last"]),
        ("start=last", ["start = last"]),
        ("start", ["context = start", "start = bridge", "start = last", "start = zero"]),
        ("hops", ["hops = K"]),
        ("hops=3", ["hops = K"]),
        ("dropout = 0.2", ["dropout = p"]),
    ],
)
def test_a_name_is_a_value_a_setting_or_both(name: str, found: list[str]) -> None:
    assert [explanation.name for explanation in explanations(name)] == found


def test_without_a_name_there_is_all() -> None:
    assert explanations() == list(EXPLANATIONS)


def test_a_setting_as_the_configuration_writes_it() -> None:
    assert explanation_of("start", "last").name == "start = last"
    assert explanation_of("hops", "2").name == "hops = K"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gruu", "Did you mean gru?"), ("start=lst", "Did you mean start=last?"), ("qqqqqq", "lists every name")],
)
def test_a_name_that_nothing_has(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"(?s)NAME: there is nothing to explain that is called '{name}'.*{hint}"):
        explanations(name)
