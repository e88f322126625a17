"""The lexical reading: source words that attention looks at speak to the output directly."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from s2s.nn.activation import tanh
from s2s.nn.embedding import OutputLayer, take_rows
from s2s.nn.linear import Linear
from s2s.nn.speech import Addend, Speech


class Lexicon(nn.Module, ABC):
    """What the weights over source positions add to the logits, beside the context."""

    @abstractmethod
    def remember(self, embedded: Tensor) -> Tensor:
        """What is read of the embedded source: (batch, src, embed) -> (batch, src, value)."""

    @abstractmethod
    def read(self, weights: Tensor, words: Tensor) -> Tensor:
        """The last hop's mixture of the words at each step.

        Args:
            weights: (rows, steps, hops, src).
            words: (rows, src, value).

        Returns:
            (rows, steps, value).
        """

    def begin_with(self, vectors: Tensor) -> None:
        """Learn what the target pieces look like, (vocab, embed), where words have an output layer of their own."""

    def speak(self, output: OutputLayer, readouts: Tensor, read: Tensor) -> Tensor:
        """Logits (..., vocab) from readouts (..., readout) and what was read (..., value)."""
        return self.speech(output, readouts, read).logits()

    @abstractmethod
    def speech(self, output: OutputLayer, readouts: Tensor, read: Tensor) -> Speech:
        """The same before it is computed."""


class NoLexicon(Lexicon):
    """States alone are read; values are 0 wide."""

    def remember(self, embedded: Tensor) -> Tensor:
        """See `Lexicon.remember`."""
        return embedded[:, :, :0]

    def read(self, weights: Tensor, words: Tensor) -> Tensor:
        """See `Lexicon.read`."""
        return weights.new_zeros(*weights.shape[:2], 0)

    def speech(self, output: OutputLayer, readouts: Tensor, read: Tensor) -> Speech:
        """See `Lexicon.speech`."""
        return Speech((output.addend(readouts),))


class TiedLexicalReading(Lexicon):
    """f_i = tanh(sum_j alpha_ij e_j);  l_i = tanh(W f_i) + f_i;  W_o l_i is added to the logits.

    A key-value memory (Miller et al. 2016) whose keys are states and whose values are the source embeddings e_j, in
    the form of Nguyen & Chiang (2018), whose W_l is the output layer's own W_o here: so one product serves both,
    W_o (r_i + l_i) + b_o. It learns a dictionary, which helps with rare words.
    """

    def __init__(self, *, embed_size: int) -> None:
        super().__init__()
        self.hidden = Linear(embed_size, embed_size, bias=False)

    def remember(self, embedded: Tensor) -> Tensor:
        """See `Lexicon.remember`."""
        return embedded

    def read(self, weights: Tensor, words: Tensor) -> Tensor:
        """See `Lexicon.read`."""
        return weights[:, :, -1] @ words.to(weights.dtype)

    def speech(self, output: OutputLayer, readouts: Tensor, read: Tensor) -> Speech:
        """See `Lexicon.speech`."""
        return Speech((output.addend(readouts + self.words(read)),))

    def words(self, read: Tensor) -> Tensor:
        """l_i from the mixture of the words: (..., value) -> (..., value)."""
        found = tanh(read)
        return tanh(self.hidden(found)) + found


class LexicalReading(TiedLexicalReading):
    """The same with an output layer of its own: W_l l_i + b_l is added to the logits (Nguyen & Chiang 2018)."""

    def __init__(self, *, embed_size: int, vocab_size: int) -> None:
        super().__init__(embed_size=embed_size)
        self.output = Linear(embed_size, vocab_size)

    def begin_with(self, vectors: Tensor) -> None:
        """See `Lexicon.begin_with`."""
        take_rows(self.output.weight, vectors)

    def speech(self, output: OutputLayer, readouts: Tensor, read: Tensor) -> Speech:
        """See `Lexicon.speech`."""
        return Speech((output.addend(readouts), Addend(self.words(read), self.output.weight, self.output.bias)))
