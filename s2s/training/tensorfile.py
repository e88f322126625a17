"""A safetensors file that carries the checksum of all its bytes, and is looked at before it is believed.

The checksum stands in the file itself, where it cannot be parted from what it is of: the header has room for it,
filled with zeros while it is computed. So a checkpoint is still one file, which is replaced in one step.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from s2s.errors import S2SError

ROOM = "0" * 64
CHECKSUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')

LONGEST_HEADER = 16 << 20
"""Bytes. Thousands of tensors need less than a hundredth of it."""

ADVICE: Mapping[str, str] = {
    "last.safetensors": "Put a copy of it back. Without it the run cannot go on; with best.safetensors it translates, "
    "and s2s train --init-from RUN begins a new run with its weights.",
    "best.safetensors": "Put a copy of it back; or delete it and go on with s2s train --resume RUN, which keeps the "
    "best weights from then on.",
}
OTHERWISE = "Put a copy of it back."
"""What to do without each of a run's two checkpoints, and without another file."""

NAMES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
}
"""Number formats by their names in the file."""


@dataclass(frozen=True)
class Shape:
    """What a tensor is, without its numbers."""

    dtype: torch.dtype
    sizes: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """What its numbers take up."""
        return prod(self.sizes) * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """What a file says of itself; nothing of its size was allocated for it.

    Attributes:
        shapes: its tensors by name.
        metadata: whatever was written beside them.
        size: bytes of the whole file.
        checksum: of the whole file, as the file has it; in hexadecimal.
    """

    shapes: Mapping[str, Shape]
    metadata: Mapping[str, str]
    size: int
    checksum: str


@dataclass(frozen=True)
class Content:
    """Tensors by name, and whatever was written beside them."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def serialise(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[bytes, bytes, memoryview]:
    """The parts of a file with these contents: length of the header, header, numbers; always the same bytes."""
    content = save(dict(tensors))
    end = 8 + int.from_bytes(content[:8], "little")
    # safetensors shuffles the metadata, so they are put in here.
    entries = {"__metadata__": {**metadata, "sha256": ROOM}, **json.loads(content[8:end])}
    blank = json.dumps(entries, separators=(",", ":")).encode()
    blank += b" " * (-len(blank) % 8)
    length, numbers = len(blank).to_bytes(8, "little"), memoryview(content)[end:]
    checksum = _checksum(length, blank, numbers)
    return length, CHECKSUM.sub(f'"sha256":"{checksum}"'.encode(), blank, count=1), numbers


def read_header(path: Path) -> Header:
    """What a file says of itself, checked against its own size.

    Raises:
        S2SError: the file is missing, damaged, or none of ours.
    """
    with _opened(path) as stream:
        return _read_start(stream).header


def read_tensors(path: Path, most: int) -> Content:
    """All that is in a file.

    Args:
        most: bytes that the file may have at most; no more are read.

    Raises:
        S2SError: the file is missing, damaged, larger than that, or none of ours.
    """
    with _opened(path) as stream:
        start = _read_start(stream)
        if start.header.size > most:
            raise ValueError(f"it has {start.header.size:,} bytes, where there should be at most {most:,}")
        numbers = stream.read(most)
        blank = CHECKSUM.sub(f'"sha256":"{ROOM}"'.encode(), start.raw, count=1)
        if _checksum(start.length, blank, memoryview(numbers)) != start.header.checksum:
            raise ValueError("its bytes do not match their checksum: some were changed")
        return Content(load(start.length + start.raw + numbers), start.header.metadata)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file to be read; whatever turns out to be wrong with it becomes an `S2SError`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # or opening a pipe would wait for ever
            raise ValueError("it is no plain file")
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as fault:
        raise S2SError("there is no such checkpoint", where=str(path), hint=ADVICE.get(path.name, OTHERWISE)) from fault
    except (OSError, SafetensorError, TypeError, ValueError, RecursionError) as fault:
        raise damaged(path, fault) from fault


def damaged(path: Path, fault: Exception) -> S2SError:
    """What is said of a file that is not what it should be."""
    return S2SError(
        f"the checkpoint is damaged, or not one of ours ({fault})",
        where=str(path),
        hint=ADVICE.get(path.name, OTHERWISE),
    )


@dataclass(frozen=True)
class _Start:
    """The first bytes of a file: the length of its header, and the header as it stands and as it is meant."""

    length: bytes
    raw: bytes
    header: Header


def _read_start(stream: BinaryIO) -> _Start:
    size = os.fstat(stream.fileno()).st_size
    length = stream.read(8)
    end = 8 + int.from_bytes(length, "little")
    if len(length) < 8 or end > min(size, 8 + LONGEST_HEADER):
        raise ValueError("it does not begin with the length of a header")
    raw = stream.read(end - 8)
    entries = json.loads(raw)
    if not isinstance(entries, dict):
        raise ValueError("its header is no table")
    metadata = entries.pop("__metadata__", {})
    shapes = {name: _shape(entry) for name, entry in entries.items()}
    needed = end + sum(shape.bytes for shape in shapes.values())
    if needed != size:
        raise ValueError(f"by its header it has {needed:,} bytes, and there are {size:,}")
    found = CHECKSUM.search(raw)
    if found is None:
        raise ValueError("it has no checksum")
    return _Start(length, raw, Header(shapes, dict(metadata), size, found.group(1).decode()))


def _shape(entry: Mapping[str, Any]) -> Shape:
    try:
        dtype, sizes = NAMES[entry["dtype"]], tuple(entry["shape"])
    except (LookupError, TypeError) as fault:
        raise ValueError("a tensor has an unknown format or none") from fault
    if len(sizes) > 8 or not all(type(size) is int and 0 <= size < 2**63 for size in sizes):
        raise ValueError("a tensor has an impossible shape")
    return Shape(dtype, sizes)


def _checksum(length: bytes, header: bytes, numbers: memoryview) -> str:
    digest = hashlib.sha256(length)
    digest.update(header)
    digest.update(numbers)
    return digest.hexdigest()
