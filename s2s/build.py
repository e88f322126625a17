"""The one place where a section of the configuration becomes a part of the program."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from s2s.compute import Compute
from s2s.config import DecodingConfig, ModelConfig, TrainingConfig
from s2s.decoding.search import Beam
from s2s.errors import UsageError
from s2s.nn.attention import (
    AdditiveScore,
    Attention,
    DotScore,
    FixedVector,
    GeneralScore,
    HoppingAttention,
    NoContext,
    Score,
    SoftAttention,
)
from s2s.nn.cells import CELLS, Cell
from s2s.nn.decoder import Decoder
from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.encoder import Encoder
from s2s.nn.lexical import LexicalReading, Lexicon, NoLexicon, TiedLexicalReading
from s2s.nn.model import Seq2Seq
from s2s.nn.orders import AskBetween, AskFirst, AskLastFed, AskLastUnfed, Order, Readout, UpperLayers
from s2s.nn.recurrent import Join, Layer, Stack, plain, residual
from s2s.nn.starts import Bridge, LastState, Start, ZeroState
from s2s.training.average import Average, NoAverage, PolynomialAverage
from s2s.training.optim import Budget, Schedule
from s2s.training.parallel import Replicas


def build_model(config: ModelConfig, *, src_vocab: int, trg_vocab: int) -> Seq2Seq:
    """The model that a configuration describes, freshly initialised from torch's random state.

    Args:
        src_vocab: pieces in the source vocabulary; the same as `trg_vocab` where `tie` is `all`.

    Raises:
        UsageError: the settings do not fit together.
    """
    check_model(config)
    trg_embedding = Embedding(vocab_size=trg_vocab, embed_size=config.embed_size)
    src_embedding = (
        trg_embedding if config.tie == "all" else Embedding(vocab_size=src_vocab, embed_size=config.embed_size)
    )
    output_weight = (
        nn.Parameter(torch.randn(trg_vocab, _readout_size(config)) / _readout_size(config) ** 0.5)
        if config.tie == "none"
        else trg_embedding.weight
    )
    return Seq2Seq(
        encoder=Encoder(
            embedding=src_embedding,
            stack=_encoder_stack(config),
            dropout=config.dropout,
            word_dropout=config.word_dropout,
        ),
        decoder=Decoder(
            embedding=trg_embedding,
            start=STARTS[config.start](config, _widths(config)),
            order=ORDERS[config.attend](config, _widths(config)),
            output=OutputLayer(weight=output_weight),
            lexicon=LEXICONS[config.values](config, trg_vocab),
            dropout=config.dropout,
            word_dropout=config.word_dropout,
        ),
    )


def check_model(config: ModelConfig) -> None:
    """Refuse settings that make no model.

    Raises:
        UsageError: with every reason.
    """
    fixed, widths = config.attention == "none", _widths(config)
    unequal = f"decoder_size = {widths.decoder} is not the width of the encoder's states, {widths.states}: "
    faults = [
        reason
        for broken, reason in (
            (
                fixed and config.attend != "first",
                'without attention nobody asks, and the fixed vector is read as in "first": set attend = "first"',
            ),
            (fixed and config.hops > 1, "without attention there is nothing to read in several hops"),
            (
                fixed and config.values != "states",
                'without attention no source word is looked at, so none can be read: set values = "states"',
            ),
            (
                config.context == "start" and not fixed,
                'context = "start" leaves the decoder nothing but its start state: it belongs to attention = "none"',
            ),
            (
                fixed and config.context == "start" and config.start == "zero",
                'with context = "start" and start = "zero" the decoder would know nothing of the source',
            ),
            (config.scaled and config.attention != "dot", 'scaled is a form of the score attention = "dot"'),
            (
                config.reset != "after" and config.cell != "gru",
                f"a {config.cell} cell has no reset gate to be applied {config.reset} the product",
            ),
            (
                not config.input_feeding and config.attend != "last",
                'input feeding can be left out with attend = "last" only: the other orders read the context anyway',
            ),
            (
                config.attention == "dot" and widths.decoder != widths.states,
                unequal + 'a dot product needs them equal, "general" or "additive" does not',
            ),
            (
                config.start == "last" and widths.decoder != widths.states,
                unequal + 'start = "last" hands them on as they are, start = "bridge" does not',
            ),
            (config.residual and config.num_layers == 1, "one layer has none below it to be added: set num_layers"),
        )
        if broken
    ]
    if faults:
        raise UsageError(
            "the settings of [model] make no model:\n  " + "\n  ".join(faults),
            where="model",
            hint="`s2s settings model` explains them.",
        )


@dataclass(frozen=True)
class Widths:
    """How wide the encoder's states are, of all directions together, and the decoder's."""

    states: int
    decoder: int


def _widths(config: ModelConfig) -> Widths:
    return Widths(states=config.encoder_width, decoder=config.decoder_width)


def _readout_size(config: ModelConfig) -> int:
    return config.hidden_size if config.tie == "none" else config.embed_size


def _cell(config: ModelConfig, input_size: int, hidden_size: int) -> Cell:
    kind = "gru-reset-before" if config.reset == "before" else config.cell
    return CELLS[kind](input_size=input_size, hidden_size=hidden_size)


def _join(config: ModelConfig) -> Join:
    return residual if config.residual else plain


def _encoder_stack(config: ModelConfig) -> Stack:
    sizes = [config.embed_size] + [_widths(config).states] * (config.num_layers - 1)
    layers = [
        Layer(
            forward_cell=_cell(config, size, config.hidden_size),
            backward_cell=_cell(config, size, config.hidden_size) if config.bidirectional else None,
        )
        for size in sizes
    ]
    return Stack(layers=layers, join=_join(config), dropout=config.dropout)


def _upper_layers(config: ModelConfig, widths: Widths) -> UpperLayers:
    cells = [_cell(config, widths.decoder, widths.decoder) for _ in range(config.num_layers - 1)]
    return UpperLayers(cells=cells, join=_join(config), dropout=config.dropout)


def _attention(config: ModelConfig, widths: Widths) -> Attention:
    if config.attention == "none":
        return FixedVector() if config.context == "every_step" else NoContext()
    score = SCORES[config.attention](config, widths)
    if config.hops == 1:
        return SoftAttention(score=score)
    return HoppingAttention(score=score, hops=config.hops, query_size=widths.decoder, state_size=widths.states)


def _context_size(config: ModelConfig, widths: Widths) -> int:
    return 0 if config.context == "start" else widths.states


def _readout(config: ModelConfig, said_size: int) -> Readout:
    return Readout(said_size=said_size, readout_size=_readout_size(config))


def _ask_first(config: ModelConfig, widths: Widths) -> Order:
    context_size = _context_size(config, widths)
    return AskFirst(
        attention=_attention(config, widths),
        cell=_cell(config, config.embed_size, widths.decoder),
        context_size=context_size,
        upper=_upper_layers(config, widths),
        readout=_readout(config, widths.decoder + context_size + config.embed_size),
    )


def _ask_between(config: ModelConfig, widths: Widths) -> Order:
    return AskBetween(
        attention=_attention(config, widths),
        first=_cell(config, config.embed_size, widths.decoder),
        second=_cell(config, widths.states, widths.decoder),
        upper=_upper_layers(config, widths),
        readout=_readout(config, widths.decoder + widths.states + config.embed_size),
    )


def _ask_last(config: ModelConfig, widths: Widths) -> Order:
    attention, cell = _attention(config, widths), _cell(config, config.embed_size, widths.decoder)
    upper, readout = _upper_layers(config, widths), _readout(config, widths.decoder + widths.states)
    if not config.input_feeding:
        return AskLastUnfed(attention=attention, cell=cell, upper=upper, readout=readout)
    return AskLastFed(attention=attention, cell=cell, feed_size=_readout_size(config), upper=upper, readout=readout)


SCORES: dict[str, Callable[[ModelConfig, Widths], Score]] = {
    "additive": lambda config, widths: AdditiveScore(
        query_size=widths.decoder, state_size=widths.states, key_size=widths.decoder
    ),
    "dot": lambda config, widths: DotScore(scale=widths.decoder**-0.5 if config.scaled else 1.0),
    "general": lambda config, widths: GeneralScore(query_size=widths.decoder, state_size=widths.states),
}
ORDERS: dict[str, Callable[[ModelConfig, Widths], Order]] = {
    "first": _ask_first,
    "between": _ask_between,
    "last": _ask_last,
}
STARTS: dict[str, Callable[[ModelConfig, Widths], Start]] = {
    "bridge": lambda config, widths: Bridge(
        state_size=widths.states,
        width=widths.decoder,
        num_layers=config.num_layers,
        state_tensors=CELLS[config.cell].state_tensors,
    ),
    "last": lambda config, widths: LastState(state_tensors=CELLS[config.cell].state_tensors),
    "zero": lambda config, widths: ZeroState(width=widths.decoder, state_tensors=CELLS[config.cell].state_tensors),
}
LEXICONS: dict[str, Callable[[ModelConfig, int], Lexicon]] = {
    "states": lambda config, vocab: NoLexicon(),
    "lexical": lambda config, vocab: (
        LexicalReading(embed_size=config.embed_size, vocab_size=vocab)
        if config.tie == "none"
        else TiedLexicalReading(embed_size=config.embed_size)
    ),
}


def outline_model(config: ModelConfig, *, src_vocab: int, trg_vocab: int) -> Seq2Seq:
    """The model of `build_model` without its numbers: names and shapes, for which no memory is taken.

    Raises:
        UsageError: the settings do not fit together, or the model is larger than any can be.
    """
    try:
        with torch.device("meta"), _Unfilled():
            return build_model(config, src_vocab=src_vocab, trg_vocab=trg_vocab)
    except (RuntimeError, TypeError, OverflowError) as fault:  # torch's, for sizes that do not fit into 64 bits
        raise UsageError(
            "no model can be as large as this",
            where=f"model.hidden_size = {config.hidden_size}, model.embed_size = {config.embed_size}",
            hint="Models of this kind are a few hundred to a thousand wide.",
        ) from fault


def refuse_what_memory_cannot_hold(outline: Seq2Seq) -> None:
    """Refuse to train a model that the machine has not the memory for, before it is taken.

    Raises:
        UsageError: weights, gradients and Adam's two moments need more than there is.
    """
    parameters = sum(parameter.numel() for parameter in outline.parameters())
    needed, there = 4 * 4 * parameters, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise UsageError(
            f"the model has {parameters:,} parameters, whose training needs {needed / 2**30:,.0f} GB at least, and "
            f"this machine has {there / 2**30:,.0f}",
            where="model",
            hint="Lower model.hidden_size, model.embed_size or tokenizer.size.",
        )


class _Unfilled(TorchFunctionMode):
    """Leaves out what only changes numbers, where there are none.

    Torch would do it, but loads its compiler first, which takes seconds.
    """

    KEEP_SHAPE = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.mul, torch.Tensor.div})

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func in self.KEEP_SHAPE:
            return args[0]
        return (torch.empty if func is torch.randn else func)(*args, **(kwargs or {}))


def build_schedule(config: TrainingConfig) -> Schedule:
    """The learning rate over the budget."""
    return Schedule(peak=config.learning_rate, warmup=config.warmup, falls=config.decay == "linear")


def build_average(config: TrainingConfig, model: Seq2Seq) -> Average:
    """What is validated and kept: the weights as they are, or their average."""
    return PolynomialAverage(model, share=config.average) if config.average else NoAverage()


def build_budget(config: TrainingConfig) -> Budget:
    """When training ends."""
    return Budget(updates=config.max_updates, epochs=config.max_epochs, seconds=60.0 * config.max_minutes)


def build_beam(config: DecodingConfig, *, size: int | None = None) -> Beam:
    """The search; `size` takes the place of the configured beam."""
    return Beam(
        size=size or config.beam,
        length_penalty=config.length_penalty,
        max_length=config.max_length,
        margin=config.margin or inf,
        repeats=config.repeats,
        copy_unknown=config.copy_unknown,
    )


def build_replicas(config: TrainingConfig, compute: Compute, model: Seq2Seq) -> Replicas:
    """The workers of an update: one for each CPU thread, or one for a CUDA device."""
    return Replicas(
        model,
        count=compute.threads if compute.device.type == "cpu" else 1,
        seed=config.seed,
        label_smoothing=config.label_smoothing,
        autocast=compute.autocast,
        apart=os.name == "posix",
    )
