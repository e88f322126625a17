"""The decoder: how its parts are put together, for one step and for whole sentences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from s2s.nn.attention import DotScore, HoppingAttention
from s2s.nn.cells import LSTMCell
from s2s.nn.decoder import Decoder, DecoderState
from s2s.nn.dropout import Dropout
from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.encoder import Encoded
from s2s.nn.lexical import LexicalReading, Lexicon, NoLexicon, TiedLexicalReading
from s2s.nn.orders import AskFirst, Readout, UpperLayers
from s2s.nn.recurrent import plain
from s2s.nn.starts import Bridge

ROWS, SRC, TRG, WIDTH, EMBED, VOCAB, LAYERS = 3, 5, 4, 6, 2, 9, 2
MASK = torch.arange(SRC)[None] < torch.tensor((5, 1, 3))[:, None]
REAL = torch.arange(TRG)[None] < torch.tensor((2, 4, 1))[:, None]

LEXICONS: dict[str, Callable[[], Lexicon]] = {
    "states": NoLexicon,
    "lexical": lambda: LexicalReading(embed_size=EMBED, vocab_size=VOCAB),
    "lexical, tied": lambda: TiedLexicalReading(embed_size=EMBED),
}

each_lexicon = pytest.mark.parametrize("values", LEXICONS)


def decoder_of(values: str, dropout: float = 0.0) -> Decoder:
    order = AskFirst(
        attention=HoppingAttention(score=DotScore(scale=1.0), hops=2, query_size=WIDTH, state_size=WIDTH),
        cell=LSTMCell(input_size=EMBED, hidden_size=WIDTH),
        context_size=WIDTH,
        upper=UpperLayers(cells=[LSTMCell(input_size=WIDTH, hidden_size=WIDTH)], join=plain, dropout=dropout),
        readout=Readout(said_size=2 * WIDTH + EMBED, readout_size=EMBED),
    )
    embedding = Embedding(vocab_size=VOCAB, embed_size=EMBED)
    return Decoder(
        embedding=embedding,
        start=Bridge(state_size=WIDTH, width=WIDTH, num_layers=LAYERS, state_tensors=2),
        order=order,
        output=OutputLayer(weight=embedding.weight),
        lexicon=LEXICONS[values](),
        dropout=dropout,
        word_dropout=0.0,
    )


def encoded() -> Encoded:
    return Encoded(
        embedded=torch.randn(ROWS, SRC, EMBED),
        states=torch.randn(ROWS, SRC, WIDTH),
        final=tuple(torch.randn(ROWS, WIDTH) for _ in range(LAYERS)),
        mask=MASK,
    )


def tokens_of(*shape: int) -> Tensor:
    return torch.randint(0, VOCAB, shape)


@each_lexicon
def test_it_starts_at_the_source(values: str) -> None:
    """A state for each layer, the memory that attention makes of the source, and the words that the lexicon reads."""
    decoder, source = decoder_of(values), encoded()
    state = decoder.start(source)
    for layer, expected in zip(state.carried, decoder.begin(source.final), strict=True):
        torch.testing.assert_close(layer, expected)
    memory = decoder.order.attention.remember(source.states, source.final[-1], source.mask)
    assert torch.equal(state.memory.keys, memory.keys)
    assert torch.equal(state.memory.values, memory.values)
    assert torch.equal(state.memory.mask, MASK)
    assert torch.equal(state.words, source.embedded[:, :, :0] if values == "states" else source.embedded)


@each_lexicon
def test_logits_are_read_from_the_readout_and_the_lexicon(values: str) -> None:
    """W_o r_i + b_o, and W_l l_i + b_l of the words that the last hop looks at; tied, W_o l_i."""
    decoder = decoder_of(values)
    torch.nn.init.normal_(decoder.output.bias)
    tokens, state = tokens_of(ROWS), decoder.start(encoded())
    step = decoder.step(tokens, state)
    embedded = decoder.embedding(tokens)
    advance = decoder.order.bind(state.memory)(decoder.order.project(embedded), state.carried)
    expected = decoder.order.say(advance.said, embedded) @ decoder.output.weight.T + decoder.output.bias
    if isinstance(lexicon := decoder.lexicon, TiedLexicalReading):
        found = torch.tanh((advance.weights[:, -1, :, None] * state.words).sum(dim=1))
        words = torch.tanh(found @ lexicon.hidden.weight.T) + found
        own = isinstance(lexicon, LexicalReading)
        expected = expected + (lexicon.output(words) if own else words @ decoder.output.weight.T)
    torch.testing.assert_close(step.logits, expected)
    torch.testing.assert_close(step.weights, advance.weights)
    torch.testing.assert_close(step.state.carried, advance.carried)


@each_lexicon
def test_unrolling_is_stepping(values: str) -> None:
    """Logits stand in row-major order for the real tokens alone, weights for all."""
    decoder, tokens = decoder_of(values), tokens_of(ROWS, TRG)
    start = decoder.start(encoded())
    unrolled, state = decoder.unroll(tokens, REAL, start), start
    logits, weights = [], []
    for before in tokens.unbind(1):
        step = decoder.step(before, state)
        state = step.state
        logits.append(step.logits)
        weights.append(step.weights)
    torch.testing.assert_close(unrolled.logits, torch.stack(logits, dim=1)[REAL])
    torch.testing.assert_close(unrolled.weights, torch.stack(weights, dim=1))


@each_lexicon
def test_select_takes_rows_of_everything(values: str) -> None:
    """Rows may be dropped, doubled and turned round, as beam search does."""
    decoder = decoder_of(values)
    state = decoder.step(tokens_of(ROWS), decoder.start(encoded())).state
    rows = torch.tensor([2, 0, 0])
    selected = state.select(rows)
    assert isinstance(selected, DecoderState)
    assert torch.equal(selected.readers.copy(selected.words), state.words[rows])
    assert torch.equal(selected.readers.copy(selected.memory.values), state.memory.values[rows])
    for layer, whole in zip(selected.carried, state.carried, strict=True):
        assert all(torch.equal(tensor, other[rows]) for tensor, other in zip(layer, whole, strict=True))
    tokens = tokens_of(ROWS)
    some, every = decoder.step(tokens[rows], selected), decoder.step(tokens, state)
    torch.testing.assert_close(some.logits, every.logits[rows])
    torch.testing.assert_close(some.weights, every.weights[rows])


@each_lexicon
def test_hypotheses_that_change_places_within_their_sentence_leave_the_memory_where_it_is(values: str) -> None:
    decoder = decoder_of(values)
    start = decoder.start(encoded())
    state = decoder.step(tokens_of(3), start.select(torch.tensor([0, 0, 1]))).state
    swapped = state.select(torch.tensor([1, 0, 2]))
    assert swapped.memory is state.memory
    assert swapped.words is state.words
    for layer, before in zip(swapped.carried, state.carried, strict=True):
        assert all(torch.equal(tensor, other[[1, 0, 2]]) for tensor, other in zip(layer, before, strict=True))


@each_lexicon
def test_sources_that_no_row_reads_leave_the_memory_once_they_are_many(values: str) -> None:
    decoder = decoder_of(values)
    start = decoder.start(encoded())
    few = start.select(torch.tensor([2, 2]))
    for state, sources in ((start, ROWS), (few, 1), (few.select(torch.tensor([1, 0, 1])), 1)):
        assert {len(tensor) for tensor in (state.memory.keys, state.memory.values, state.words)} == {sources}
    assert torch.equal(few.memory.values, start.memory.values[[2]])
    assert torch.equal(few.memory.mask, start.memory.mask[[2]])
    assert not few.select(torch.tensor([], dtype=torch.long)).memory.keys.numel()


def test_a_step_leaves_the_state_that_it_was_given_as_it_was() -> None:
    """Search may go on from it in more than one way."""
    decoder, tokens = decoder_of("lexical"), tokens_of(ROWS)
    state = decoder.start(encoded())
    first = decoder.step(tokens, state)
    decoder.step(tokens_of(ROWS), first.state)
    again = decoder.step(tokens, state)
    assert torch.equal(again.logits, first.logits)
    assert all(map(torch.equal, again.state.carried[0], first.state.carried[0]))


def test_embeddings_and_readouts_are_dropped_in_training() -> None:
    decoder, tokens = decoder_of("states", dropout=0.5), tokens_of(ROWS, TRG)
    start = decoder.start(encoded())

    def logits() -> Tensor:
        return decoder.unroll(tokens, REAL, start).logits

    assert not torch.equal(logits(), logits())
    decoder.eval()
    assert torch.equal(logits(), logits())
    assert sum(isinstance(module, Dropout) for module in decoder.modules()) == 3
