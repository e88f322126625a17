"""The whole model: source tokens in, logits over target tokens out."""

import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.decoder import Decoder, DecoderState, Step, Unrolled
from s2s.nn.encoder import Encoder


class Seq2Seq(nn.Module):
    """An encoder and a decoder.

    `start` and `step` serve search; `forward` serves training and everything that looks at a given translation.
    """

    def __init__(self, *, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    @property
    def hops(self) -> int:
        """How often each step reads the source by attention; 0 where it has none."""
        return self.decoder.order.attention.hops

    def begin_with(self, src_vectors: Tensor, trg_vectors: Tensor) -> None:
        """Begin with these embeddings, (vocab, embed) of length 1; a piece whose vector is 0 keeps the one drawn.

        Languages that share their embedding share these, too: a piece has the direction between its two.
        """
        if self.encoder.embedding is self.decoder.embedding:
            src_vectors = trg_vectors = F.normalize(src_vectors + trg_vectors, dim=1)
        self.encoder.embedding.begin_with(src_vectors)
        self.decoder.embedding.begin_with(trg_vectors)
        self.decoder.lexicon.begin_with(trg_vectors)

    def start(self, src: Tensor, src_mask: Tensor) -> DecoderState:
        """Encode sources (batch, src), `src_mask` True at real tokens -> a state with one row per source."""
        return self.decoder.start(self.encoder(src, src_mask))

    def step(self, tokens: Tensor, state: DecoderState, projections: Tensor | None = None) -> Step:
        """One decoder step from the tokens before, (rows); see `Decoder.step`."""
        return self.decoder.step(tokens, state, projections)

    def forward(self, src: Tensor, src_mask: Tensor, trg_in: Tensor, trg_mask: Tensor) -> Unrolled:
        """The teacher-forced pass.

        Args:
            src: (batch, src) source tokens, `src_mask` True at the real ones.
            trg_in: (batch, trg) the token before each target token, `trg_mask` True at the real ones.

        Returns:
            The speech, (tokens, vocab) logits, of the real target tokens in row-major order, and the attention weights
            (batch, trg, hops, src) of all of them.
        """
        return self.decoder.unroll(trg_in, trg_mask, self.start(src, src_mask))
