"""A dictionary that is counted from sentence pairs alone, before any training."""

from array import array
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from s2s.data.batches import TrainingData

LINKS = 8_000_000
"""Links between a source and a target piece that are counted, about: a few seconds, and up to 600 MB while it lasts."""

ITERATIONS = 5
LEAST = 1e-6
"""Probability below which a translation is none."""

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
            (src_vocab, size) and (trg_vocab, size); zero where nothing is known of a piece.
        """
        rank = min(size, src_vocab, trg_vocab)
        strength = self.strength
        kept = strength > 0.0
        table = torch.sparse_coo_tensor(
            torch.stack([self.src, self.trg])[:, kept], strength[kept], (src_vocab, trg_vocab), check_invariants=False
        )
        left, values, right = torch.svd_lowrank(table, q=min(rank + 8, src_vocab, trg_vocab), niter=2)
        rotation = torch.linalg.qr(torch.randn(size, size)).Q[:rank]
        roots = values[:rank].clamp(min=0.0).sqrt()
        return (
            _units(left[:, :rank] * roots @ rotation, self.src[kept]),
            _units(right[:, :rank] * roots @ rotation, self.trg[kept]),
        )


def _units(vectors: Tensor, known: Tensor) -> Tensor:
    """These vectors at length 1, and the others 0; some of them are 0 but for rounding."""
    units = torch.zeros_like(vectors)
    units[known] = F.normalize(vectors[known], dim=1)
    return units


def count_dictionary(data: TrainingData, *, trg_vocab: int) -> Dictionary:
    """Count by IBM Model 1 (Brown et al. 1993), which says which source piece each target piece comes from.

    Where there are more than `LINKS` possible links, pairs are taken at equal distances.
    """
    links = _Links.of(data, trg_vocab)
    entry_src, entry_trg = np.divmod(links.entries, trg_vocab)
    probability = np.ones(len(links.entries))
    for _ in range(ITERATIONS):
        shares = probability[links.entry]
        shares /= np.bincount(links.said, shares)[links.said]
        times = np.bincount(links.entry, shares, minlength=len(links.entries))
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
    """All links of a target piece with a source piece of its pair, or with the empty word.

    Attributes:
        entries: the different ones, ascending: source piece * target vocabulary + target piece.
        entry: (links) which of these each link is.
        said: (links) the target token that it explains, counted over all pairs.
        pairs: how many pairs they are of.
    """

    entries: NDArray[np.int64]
    entry: NDArray[np.intp]
    said: NDArray[np.int32]
    pairs: int

    @classmethod
    def of(cls, data: TrainingData, trg_vocab: int) -> "_Links":
        src_lengths, trg_lengths = data.lengths[:, 0].astype(np.int64), data.lengths[:, 1] - 1
        every = max(-(-int((src_lengths * trg_lengths).sum()) // LINKS), 1)
        src_lengths, trg_lengths = src_lengths[::every], trg_lengths[::every]
        src, trg = array("q"), array("q")
        for index in range(0, len(data.pairs), every):
            pair = data.pairs[index]
            src.extend((*pair.src[:-1], NULL))  # in place of the end of sentence, which all sources have
            trg.extend(pair.trg)
        choices = np.repeat(src_lengths, trg_lengths)  # of each target token: it comes from one of so many
        said = np.repeat(np.arange(len(trg), dtype=np.int32), choices)
        # The first choice is the first piece of the sentence's source, wherever the choices before have ended.
        first = np.repeat(np.cumsum(src_lengths) - src_lengths, trg_lengths) - (np.cumsum(choices) - choices)
        keys = np.array(src)[np.arange(len(said)) + first[said]] * trg_vocab + np.array(trg)[said]
        entries, entry = np.unique(keys, return_inverse=True)
        return cls(entries, entry, said, len(src_lengths))
