"""The decoder: one target token after the other, each step asking the memory of the source."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from s2s.nn.attention import Memory
from s2s.nn.cells import State
from s2s.nn.dropout import Dropout, WordDropout
from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.encoder import Encoded
from s2s.nn.lexical import Lexicon
from s2s.nn.orders import Order
from s2s.nn.readers import Readers
from s2s.nn.rows import select_rows
from s2s.nn.speech import Speech
from s2s.nn.starts import Start

KEPT = 0.75
"""Sources that no row reads leave the memory where at most this share of all is read still."""


@dataclass(frozen=True)
class DecoderState:
    """All that the next step needs; rows are hypotheses, one or several for each source.

    Attributes:
        carried: what the order of attention carries from step to step, tensors of (rows, width).
        memory: the sources, as attention reads them.
        words: their embedded words, (sources, src, embed), as the lexicon reads them; 0 wide where there is none.
        readers: which source each row reads.
    """

    carried: tuple[State, ...]
    memory: Memory
    words: Tensor
    readers: Readers

    def select(self, rows: Tensor) -> "DecoderState":
        """The state of the rows with these indices: the whole of beam bookkeeping."""
        carried = tuple(tuple(tensor.index_select(0, rows) for tensor in state) for state in self.carried)
        readers = self.readers.select(rows)
        read = readers.read()
        if len(read) > KEPT * readers.sources:
            return replace(self, carried=carried, readers=readers)
        memory, words = self.memory.select(read), self.words.index_select(0, read)
        return DecoderState(carried=carried, memory=memory, words=words, readers=readers.among(read))


@dataclass(frozen=True)
class Step:
    """What one decoder step says: logits (rows, vocab), weights (rows, hops, src), and the state after it."""

    logits: Tensor
    weights: Tensor
    state: DecoderState


@dataclass(frozen=True)
class Unrolled:
    """A teacher-forced pass: the speech of the real tokens (tokens, vocab), weights (batch, trg, hops, src)."""

    speech: Speech
    weights: Tensor

    @property
    def logits(self) -> Tensor:
        """All logits of the real tokens, (tokens, vocab); computed here, so under the autocast of whoever asks."""
        return self.speech.logits()


class Decoder(nn.Module):
    """Puts embedding, start state, order of attention, output layer and lexicon together."""

    def __init__(
        self,
        *,
        embedding: Embedding,
        start: Start,
        order: Order,
        output: OutputLayer,
        lexicon: Lexicon,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.begin = start
        self.order = order
        self.output = output
        self.lexicon = lexicon
        self.dropout = Dropout(dropout)
        self.word_dropout = WordDropout(word_dropout)

    def start(self, encoded: Encoded) -> DecoderState:
        """The state before the first target token; one row per source."""
        return DecoderState(
            carried=self.order.start(self.begin(encoded.final)),
            memory=self.order.attention.remember(encoded.states, encoded.final[-1], encoded.mask),
            words=self.lexicon.remember(encoded.embedded),
            readers=Readers.alone(encoded.states.shape[0], encoded.states.device),
        )

    def project_words(self) -> Tensor:
        """The share of each word in the first cell's input, as a step makes it anew: (vocab, projected)."""
        vocab, _ = self.embedding.weight.shape
        return self.order.project(self.embedding(torch.arange(vocab, device=self.embedding.weight.device)))

    def step(self, tokens: Tensor, state: DecoderState, projections: Tensor | None = None) -> Step:
        """Read the tokens before (rows), say what comes next; with the projections of all words, where they are known.

        Args:
            projections: what `project_words` makes.
        """
        embedded = self.word_dropout(self.dropout(self.embedding(tokens)))
        if projections is None:
            projected = self.order.project(embedded)
        else:
            projected = projections.index_select(0, tokens).to(embedded.dtype)
        memory = replace(state.memory, readers=state.readers)
        advance = self.order.bind(memory)(projected, state.carried)
        readout = self.order.say(advance.said, embedded)
        read = state.readers.gather(self.lexicon.read(state.readers.spread(advance.weights), state.words))
        return Step(
            logits=self.lexicon.speak(self.output, self.dropout(readout), read),
            weights=advance.weights,
            state=replace(state, carried=advance.carried),
        )

    def unroll(self, tokens: Tensor, mask: Tensor, state: DecoderState) -> Unrolled:
        """The steps of whole target sentences, whose tokens are known beforehand.

        The same recurrence as `step`; what need not wait for the state (the input side before it, readouts and
        logits after it) is done for all steps at once, and the latter for real tokens only.

        Args:
            tokens: the token before each, (batch, trg).
            mask: (batch, trg), True at real tokens; logits are for these, in the mask's row-major order.
            state: the start state of the same sentences.
        """
        embedded = self.word_dropout(self.dropout(self.embedding(tokens)))
        course = self.order.unroll(embedded, state.carried, state.memory)
        real = mask.flatten().nonzero()[:, 0]

        def of_real(steps: Tensor) -> Tensor:
            return select_rows(steps.flatten(0, 1), real)

        readout = self.order.say(tuple(map(of_real, course.said)), of_real(embedded))
        read = of_real(self.lexicon.read(course.weights, state.words))
        return Unrolled(speech=self.lexicon.speech(self.output, self.dropout(readout), read), weights=course.weights)
