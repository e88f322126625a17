"""Encoded sentences to batches; the order of the batches is a pure function of seed and epoch."""

import random
from abc import abstractmethod
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from s2s.data.tokenizer import BOS, EOS, PAD

POOL = 64
"""Batches' worth of shuffled sentences that are sorted by length together: little padding, much variety."""


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of a sentence pair; the source ends in eos, the target has neither bos nor eos."""

    src: tuple[int, ...]
    trg: tuple[int, ...]


@dataclass(frozen=True)
class Tokens:
    """The tokens of several pairs one after the other, as arrays: no object for a pair or a token.

    Attributes:
        src: (source tokens) each sentence's with its eos.
        trg: (target tokens) without bos and eos.
        lengths: (pairs, 2) how many of `src` and of `trg` are those of each pair.
    """

    src: NDArray[np.int32]
    trg: NDArray[np.int32]
    lengths: NDArray[np.int64]


class EncodedPairs(Sequence[EncodedPair]):
    """Encoded pairs that tell of themselves in arrays, since an object for each of ten million takes minutes."""

    @property
    @abstractmethod
    def lengths(self) -> NDArray[np.int32]:
        """Source and target tokens of each pair, the end of sentence counted: (pairs, 2)."""

    @abstractmethod
    def tokens(self, step: int) -> Tokens:
        """The tokens of each `step`-th pair, from the first one on."""


@dataclass(frozen=True)
class Batch:
    """Sentence pairs as tensors. Masks are True at real tokens; padding stands at the end of a row.

    Attributes:
        src: (batch, src) source tokens, ending in eos.
        trg_in: (batch, trg) bos and the target tokens: what is known before each step.
        trg_out: (batch, trg) the target tokens and eos: what each step is to say.
    """

    src: Tensor
    src_mask: Tensor
    trg_in: Tensor
    trg_out: Tensor
    trg_mask: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        fields = (self.src, self.src_mask, self.trg_in, self.trg_out, self.trg_mask)
        return Batch(*(field.to(device, non_blocking=True) for field in fields))

    def rows(self, which: range) -> "Batch":
        """Some of its rows, cut to the longest of them."""
        chosen = slice(which.start, which.stop, which.step)
        src = int(self.src_mask[chosen].sum(dim=1).max())
        trg = int(self.trg_mask[chosen].sum(dim=1).max())
        return Batch(
            src=self.src[chosen, :src],
            src_mask=self.src_mask[chosen, :src],
            trg_in=self.trg_in[chosen, :trg],
            trg_out=self.trg_out[chosen, :trg],
            trg_mask=self.trg_mask[chosen, :trg],
        )

    @property
    def tokens(self) -> int:
        """Real target tokens, the end of sentence counted."""
        return int(self.trg_mask.sum())


def pad(sequences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids as (batch, longest), padded at the end, and the mask of the real ones."""
    longest = max(map(len, sequences))
    tokens = torch.tensor([[*ids, *[PAD] * (longest - len(ids))] for ids in sequences], dtype=torch.long)
    lengths = torch.tensor([len(ids) for ids in sequences])
    return tokens, torch.arange(longest)[None] < lengths[:, None]


def collate(pairs: Sequence[EncodedPair]) -> Batch:
    """Pairs as one batch, in their order."""
    src, src_mask = pad([pair.src for pair in pairs])
    trg_in, trg_mask = pad([(BOS, *pair.trg) for pair in pairs])
    trg_out, _ = pad([(*pair.trg, EOS) for pair in pairs])
    return Batch(src=src, src_mask=src_mask, trg_in=trg_in, trg_out=trg_out, trg_mask=trg_mask)


def group_by_length(
    order: Sequence[int], lengths: Sequence[int] | Mapping[int, int], batch_tokens: int
) -> list[list[int]]:
    """Cut a sequence of indices into batches of at most `batch_tokens` tokens, padding included.

    A sentence longer than that is a batch of its own.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if not batches or longest * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return batches


def plan(*, seed: int, epoch: int, lengths: ArrayLike, batch_tokens: int) -> list[Sequence[int]]:
    """The batches of an epoch, as indices of sentence pairs: each pair once.

    Pairs are shuffled, sorted by length within pools, cut into batches, and the batches shuffled. The same
    arguments give the same plan on every machine.

    Args:
        lengths: (source, target) tokens of each pair, the end of sentence counted.
        batch_tokens: most target tokens in a batch, padding included.
    """
    rng = random.Random(f"{seed} {epoch}")
    src, trg = np.asarray(lengths, dtype=np.int32).reshape(-1, 2).T
    order = _permutation(len(trg), rng)
    mean = max(int(trg.sum()) / max(len(trg), 1), 1.0)
    pool = max(int(POOL * batch_tokens / mean), 1)
    batches: list[Sequence[int]] = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        similar = part[np.lexsort((src[part], trg[part]))].tolist()
        of_part = dict(zip(similar, trg[similar].tolist(), strict=True))
        # Arrays, since the numbers of ten million pairs, an object each, would fill the memory of a laptop.
        batches += (array("q", batch) for batch in group_by_length(similar, of_part, batch_tokens))
    return [batches[index] for index in _permutation(len(batches), rng)]


def _permutation(count: int, rng: random.Random) -> NDArray[np.intp]:
    """The numbers below `count`, shuffled with `rng.random()`, whose sequence Python promises to keep the same."""
    keys = np.fromiter((rng.random() for _ in range(count)), dtype=np.float64, count=count)
    return np.argsort(keys, kind="stable")


@dataclass(frozen=True)
class TrainingData:
    """Encoded pairs and how to batch them."""

    pairs: EncodedPairs
    batch_tokens: int
    seed: int

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """Source and target tokens of each pair, the end of sentence counted: (pairs, 2)."""
        return self.pairs.lengths

    def plan(self, epoch: int) -> list[Sequence[int]]:
        """The epoch's batches as indices of pairs."""
        return plan(seed=self.seed, epoch=epoch, lengths=self.lengths, batch_tokens=self.batch_tokens)

    def batches(self, planned: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """The batches of a plan, or of what is left of one."""
        for indices in planned:
            yield collate([self.pairs[index] for index in indices])
