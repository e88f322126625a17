"""Readers: the rows of a search, several of which read one source."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Readers:
    """Which source each row reads. What belongs to a source is kept once, however many hypotheses it has.

    Attributes:
        sources: how many there are.
        source: (rows) the one that each reads.
        most: rows of the source that has most.
        place: (rows) where each stands in a table of (sources, most), row by row.
    """

    sources: int
    source: Tensor
    most: int
    place: Tensor

    @classmethod
    def of(cls, source: Tensor, sources: int) -> "Readers":
        """Rows that read these of so many sources."""
        ranked, order = source.sort(stable=True)
        slot = torch.empty_like(source)
        slot[order] = torch.arange(len(source), device=source.device) - torch.searchsorted(ranked, ranked)
        most = int(slot.max()) + 1 if len(slot) else 1
        return cls(sources, source, most, place=source * most + slot)

    @classmethod
    def alone(cls, sources: int, device: torch.device) -> "Readers":
        """Each source with one row."""
        source = torch.arange(sources, device=device)
        return cls(sources, source, most=1, place=source)

    def select(self, rows: Tensor) -> "Readers":
        """The rows with these indices; itself where they read what was read before."""
        source = self.source[rows]
        return self if torch.equal(source, self.source) else Readers.of(source, self.sources)

    def read(self) -> Tensor:
        """The sources that some row reads, each once."""
        return self.source[self._slot == 0]

    def among(self, sources: Tensor) -> "Readers":
        """The same rows where only these sources, all of which are read, are left."""
        number = torch.empty(self.sources, dtype=torch.long, device=sources.device)
        number[sources] = torch.arange(len(sources), device=sources.device)
        source = number[self.source]
        return Readers(len(sources), source, self.most, place=source * self.most + self._slot)

    def copy(self, tensor: Tensor) -> Tensor:
        """What each row reads: (sources, ...) -> (rows, ...).

        A tensor indexed by a tensor is copied element by element on a CPU; `index_select` takes a sixth of the time.
        """
        return tensor.index_select(0, self.source)

    def spread(self, rows: Tensor) -> Tensor:
        """A tensor of the rows, source by source, 0 where one has fewer than others: -> (sources, most, ...)."""
        table = rows.new_zeros(self.sources * self.most, *rows.shape[1:])
        return table.index_copy_(0, self.place, rows).view(self.sources, self.most, *rows.shape[1:])

    def gather(self, table: Tensor) -> Tensor:
        """Row by row again: (sources, most, ...) -> (rows, ...)."""
        return table.flatten(0, 1).index_select(0, self.place)

    @property
    def _slot(self) -> Tensor:
        """(rows) the place of each among those that read the same, from 0."""
        return self.place - self.source * self.most
