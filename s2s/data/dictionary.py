"""A dictionary that is counted from sentence pairs alone, before any training."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from s2s.data.batches import TrainingData
from s2s.data.tokenizer import EOS

LINKS = 8_000_000
"""Links between a source and a target piece that are counted, about: a few seconds, and up to 350 MB while it lasts."""

ITERATIONS = 5
LEAST = 1e-6
"""Probability below which a translation is none."""

SPARE = 8
"""Singular values beyond those wanted that are looked for, too: the last ones are the least exact."""

ROUNDS = 2
"""Times that the basis is multiplied with the table, back and forth, which makes it more exact."""

ROUNDING = 1e-6
"""Length of a vector, beside the longest one's, up to which it is nothing but rounding errors of fp32."""

NULL = 0
"""The empty word, from which a target piece may come as well; the id is that of padding, which no sentence has."""


@dataclass(frozen=True)
class Dictionary:
    """Which target pieces a source piece becomes.

    Attributes:
        src: (entries) source pieces.
        trg: (entries) target pieces.
        probability: (entries) t(f | e) of IBM Model 1: that the source piece e, wherever it stands, becomes f.
        said: (target vocabulary) how often each target piece is said.
        pairs: the sentence pairs that were counted.
    """

    src: Tensor
    trg: Tensor
    probability: Tensor
    said: Tensor
    pairs: int

    @property
    def strength(self) -> Tensor:
        """How much more often a target piece is said for a source piece than at all: log t(f | e) / p(f); (entries)."""
        return torch.log(self.probability * self.said.sum() / self.said[self.trg])

    def vectors(self, size: int, *, src_vocab: int, trg_vocab: int) -> tuple[Tensor, Tensor]:
        """Vectors of length 1 for all pieces of both languages, close to each other where they translate each other.

        The best approximation of the table of positive strengths by products of vectors is its singular value
        decomposition, M = U S V'; the rows of U sqrt(S) and V sqrt(S) are what Levy & Goldberg (2014) take as
        embeddings. A random rotation of both, which changes no product, spreads what they say over all units.

        Returns:
            (src_vocab, size) and (trg_vocab, size); zero where nothing is known of a piece, or nothing that so few
            units can say.
        """
        rank = min(size, src_vocab, trg_vocab)
        strength = self.strength
        kept = strength > 0.0
        table = torch.sparse_coo_tensor(
            torch.stack([self.src, self.trg])[:, kept], strength[kept], (src_vocab, trg_vocab), check_invariants=False
        )
        left, values, right = _largest_singular(table, min(rank + SPARE, src_vocab, trg_vocab))
        rotation = torch.linalg.qr(torch.randn(size, size)).Q[:rank]
        roots = values[:rank].clamp(min=0.0).sqrt()
        return (
            _units(left[:, :rank] * roots @ rotation, self.src[kept]),
            _units(right[:, :rank] * roots @ rotation, self.trg[kept]),
        )


def _largest_singular(table: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The largest singular values of a sparse table, and their vectors: (rows, count), (count), (columns, count).

    By a random basis that is multiplied with the table and back (Halko et al. 2011, algorithms 4.3 and 5.1), which
    `torch.svd_lowrank` does at more cost: it makes the basis orthogonal on each way back, too, and decomposes a wide
    matrix in place of a small square one.
    """
    turned = table.mH
    basis = torch.linalg.qr(table @ torch.randn(table.shape[1], count)).Q
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(table @ (turned @ basis)).Q
    tall, square = torch.linalg.qr(turned @ basis)
    left, values, right = torch.linalg.svd(square.mH)
    return basis @ left, values, tall @ right.mH


def _units(vectors: Tensor, known: Tensor) -> Tensor:
    """These vectors at length 1; 0 where nothing is known, or the units say nothing and what is left is rounding."""
    is_known = torch.zeros(len(vectors), dtype=torch.bool).index_fill(0, known, True)
    lengths = vectors.norm(dim=1)
    says: Tensor = is_known & (lengths > ROUNDING * lengths.max())
    return F.normalize(vectors, dim=1) * says[:, None]


def count_dictionary(data: TrainingData, *, trg_vocab: int) -> Dictionary:
    """Count by IBM Model 1 (Brown et al. 1993), which says which source piece each target piece comes from.

    Where there are more than `LINKS` possible links, pairs are taken at equal distances.
    """
    links = _Links.of(data, trg_vocab)
    entry_src, entry_trg = np.divmod(links.entries, trg_vocab)
    probability = np.ones(len(links.entries))
    for _ in range(ITERATIONS):
        # A link's share is its probability by that of all links that explain the same token: the first is the same
        # for all links of an entry, so that it is multiplied once, with the sum of what the second divides by.
        whole = np.bincount(links.said, np.repeat(probability, links.counts))
        times = probability * links.sums((1.0 / whole)[links.said])
        probability = times / np.bincount(entry_src, times)[entry_src]
    kept = (entry_src != NULL) & (probability > LEAST)
    return Dictionary(
        src=torch.from_numpy(entry_src[kept]),
        trg=torch.from_numpy(entry_trg[kept]),
        probability=torch.from_numpy(probability[kept].astype(np.float32)),
        said=torch.from_numpy(np.bincount(entry_trg, times, minlength=trg_vocab).astype(np.float32)),
        pairs=links.pairs,
    )


@dataclass(frozen=True)
class _Links:
    """All links of a target piece with a source piece of its pair, or with the empty word, those of a kind together.

    Attributes:
        entries: the kinds, ascending: source piece * target vocabulary + target piece.
        counts: (entries) how many links there are of each.
        said: (links) the target token that each explains, counted over all pairs; ascending within an entry.
        pairs: how many pairs they are of.
    """

    entries: NDArray[np.int64]
    counts: NDArray[np.int64]
    said: NDArray[np.int64]
    pairs: int

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Over the links of each entry; (links) to (entries)."""
        if not len(values):
            return values
        return np.add.reduceat(values, np.cumsum(self.counts) - self.counts)

    @classmethod
    def of(cls, data: TrainingData, trg_vocab: int) -> "_Links":
        src_lengths, trg_lengths = data.lengths[:, 0].astype(np.int64), data.lengths[:, 1] - 1
        tokens = data.pairs.tokens(max(-(-int((src_lengths * trg_lengths).sum()) // LINKS), 1))
        src_lengths, trg_lengths = tokens.lengths.T
        # In place of the end of sentence, which all sources have, stands the empty word.
        src = np.where(tokens.src == EOS, NULL, tokens.src).astype(np.int64)
        choices = np.repeat(src_lengths, trg_lengths)  # of each target token: it comes from one of so many
        # The first choice is the first piece of the sentence's source, wherever the choices before have ended.
        first = np.repeat(np.cumsum(src_lengths) - src_lengths, trg_lengths) - (np.cumsum(choices) - choices)
        keys = np.repeat(tokens.trg.astype(np.int64), choices)
        keys += src[np.arange(len(keys)) + np.repeat(first, choices)] * trg_vocab
        # Key and token in one number: sorting these is ten times as fast as finding the order of the keys.
        bits = len(tokens.trg).bit_length()
        keys <<= bits
        keys |= np.repeat(np.arange(len(tokens.trg)), choices)
        keys.sort()
        said = keys & ((1 << bits) - 1)
        keys >>= bits
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        return cls(keys[starts], np.diff(starts, append=len(keys)), said, len(src_lengths))
