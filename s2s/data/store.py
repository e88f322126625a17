"""Sentence pairs on the disk, as text and as token ids, so that a corpus of any size takes little memory."""

import mmap
import os
import tempfile
from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from s2s.data.batches import EncodedPair, EncodedPairs, Tokens
from s2s.data.corpus import Pair
from s2s.errors import S2SError

T = TypeVar("T")

ROOMY = Path("/var/tmp")
"""Where temporary files belong that may be large; /tmp often is memory itself."""

ID_BYTES = array("i").itemsize
"""Bytes of a token id in a file: 4 wherever Python runs."""


class Records:
    """Byte strings in a temporary file, which under Unix has no name: nothing is left, however the process ends.

    The file is mapped: what was read lately is in memory, and given back where others need it.

    Raises:
        S2SError: it cannot be written.
    """

    def __init__(self, records: Iterable[bytes]) -> None:
        self._ends = array("q", [0])
        folder = os.environ.get("TMPDIR") or (str(ROOMY) if os.access(ROOMY, os.W_OK) else None)
        try:
            with tempfile.TemporaryFile(dir=folder) as stream:
                end = 0
                for record in records:
                    end += stream.write(record)
                    self._ends.append(end)
                stream.flush()
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if self._ends[-1] else b""
        except OSError as fault:
            raise S2SError(
                f"the corpus cannot be kept on the disk while it is trained on: {fault.strerror or fault}",
                where=folder,
                hint="Name a folder that has room for it: TMPDIR=FOLDER s2s train ...",
            ) from fault

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[bytes]:
        """All of them, several times faster than by their numbers."""
        return (self._bytes[start:end] for start, end in pairwise(self._ends))

    def read(self, index: int) -> bytes:
        """The record of this number, from 0."""
        return self._bytes[self._ends[index] : self._ends[index + 1]]

    @property
    def bounds(self) -> NDArray[np.int64]:
        """(records + 1) where in `content` each begins, and where the last one ends."""
        return np.frombuffer(self._ends, np.int64)

    @property
    def content(self) -> bytes | mmap.mmap:
        """All of them, one after the other."""
        return self._bytes


class Stored(Sequence[T]):
    """A sequence whose items are made when they are asked for."""

    @abstractmethod
    def item(self, index: int) -> T:
        """The item of this number, from 0."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        numbers = range(len(self))[index]
        return self.item(numbers) if isinstance(numbers, int) else [self.item(number) for number in numbers]


class StoredPairs(Stored[Pair]):
    """Sentence pairs, each side a record."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._texts = Records(text.encode("utf-8") for pair in pairs for text in pair)

    def __len__(self) -> int:
        return len(self._texts) // 2

    def __iter__(self) -> Iterator[Pair]:
        sides = (text.decode("utf-8") for text in self._texts)
        return map(Pair, sides, sides)

    def item(self, index: int) -> Pair:
        """See `Stored.item`."""
        return Pair(*(self._texts.read(2 * index + side).decode("utf-8") for side in (0, 1)))


class StoredIds(Stored[tuple[int, ...]]):
    """Sequences of token ids, 32 bits each."""

    def __init__(self, sequences: Iterable[Iterable[int]]) -> None:
        self._ids = Records(array("i", sequence).tobytes() for sequence in sequences)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return map(_ids, self._ids)

    def item(self, index: int) -> tuple[int, ...]:
        """See `Stored.item`."""
        return _ids(self._ids.read(index))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences) how many ids each has."""
        return np.diff(self._ids.bounds) // ID_BYTES

    def joined(self, step: int) -> NDArray[np.int32]:
        """(ids) those of each `step`-th sequence, from the first one on, one after the other."""
        lengths = self.lengths[::step]
        starts = self._ids.bounds[:-1:step] // ID_BYTES
        # Of each id: where its sequence begins in the file, less where it begins in what is returned.
        moved = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        ids: NDArray[np.int32] = np.frombuffer(self._ids.content, np.int32)[np.arange(len(moved)) + moved]
        return ids


def _ids(record: bytes) -> tuple[int, ...]:
    return tuple(array("i", record))


class StoredEncodedPairs(Stored[EncodedPair], EncodedPairs):
    """Pairs of token ids: the sources, which end in eos, and the targets, which have neither bos nor eos."""

    def __init__(self, src: StoredIds, trg: StoredIds) -> None:
        assert len(src) == len(trg)
        self._src, self._trg = src, trg

    def __len__(self) -> int:
        return len(self._src)

    def __iter__(self) -> Iterator[EncodedPair]:
        return map(EncodedPair, self._src, self._trg)

    def item(self, index: int) -> EncodedPair:
        """See `Stored.item`."""
        return EncodedPair(self._src[index], self._trg[index])

    @property
    def lengths(self) -> NDArray[np.int32]:
        """See `EncodedPairs.lengths`."""
        return np.stack([self._src.lengths, self._trg.lengths + 1], axis=1).astype(np.int32)

    def tokens(self, step: int) -> Tokens:
        """See `EncodedPairs.tokens`."""
        lengths = np.stack([self._src.lengths[::step], self._trg.lengths[::step]], axis=1)
        return Tokens(self._src.joined(step), self._trg.joined(step), lengths)
