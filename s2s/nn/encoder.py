"""The encoder: a source sentence as a sequence of states."""

from dataclasses import dataclass

from torch import Tensor, nn

from s2s.nn.dropout import Dropout, WordDropout
from s2s.nn.embedding import Embedding
from s2s.nn.recurrent import Stack


@dataclass(frozen=True)
class Encoded:
    """What the encoder made of a batch of sources.

    Attributes:
        embedded: the embeddings of the tokens, as the first layer reads them, (batch, src, embed).
        states: the top layer's h_j, (batch, src, width).
        final: [h_last forward; h_first backward] of each layer, (batch, width) each.
        mask: (batch, src), True at real positions.
    """

    embedded: Tensor
    states: Tensor
    final: tuple[Tensor, ...]
    mask: Tensor


class Encoder(nn.Module):
    """Embeds the source and runs a stack of recurrent layers over it."""

    def __init__(self, *, embedding: Embedding, stack: Stack, dropout: float, word_dropout: float) -> None:
        super().__init__()
        self.embedding = embedding
        self.stack = stack
        self.dropout = Dropout(dropout)
        self.word_dropout = WordDropout(word_dropout)

    def forward(self, src: Tensor, mask: Tensor) -> Encoded:
        """Encode token ids (batch, src); `mask` (batch, src) is True at real tokens, every row has one."""
        embedded = self.word_dropout(self.dropout(self.embedding(src)))
        states, final = self.stack(embedded, mask)
        return Encoded(embedded=embedded, states=self.dropout(states), final=final, mask=mask)
