"""The file of a checkpoint: no byte of it changes unnoticed, and no number in its header is believed."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from s2s.errors import S2SError
from s2s.training.disk import write_atomically
from s2s.training.tensorfile import read_header, read_tensors, serialise

TENSORS = {"weight": torch.arange(6.0).view(2, 3), "state": torch.tensor([1, 2, 3], dtype=torch.uint8)}
WHOLE = b"".join(serialise(TENSORS, {"progress": "{}"}))
MOST = 10_000
DAMAGED = r"x: the checkpoint is damaged, or not one of ours \(.*\)\n  Put a copy of it back\."


def with_header(header: object, numbers: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def refused(folder: Path, content: bytes) -> str:
    """Why a file of this content is refused."""
    path = folder / "x"
    path.write_bytes(content)
    with pytest.raises(S2SError, match=DAMAGED) as caught:
        read_tensors(path, MOST)
    return caught.value.message


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomically(path, *serialise(TENSORS, {"progress": "{}"}))
    content = read_tensors(path, MOST)
    assert content.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(content.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert content.metadata["progress"] == "{}"
    assert content.metadata["sha256"] == read_header(path).checksum


def test_it_is_a_file_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(WHOLE)
    assert all(torch.equal(load_file(tmp_path / "x")[name], tensor) for name, tensor in TENSORS.items())


def test_a_byte_that_was_changed_is_noticed_wherever_it_stands(tmp_path: Path) -> None:
    for at in range(len(WHOLE)):
        for other in (WHOLE[at] ^ 1, WHOLE[at] ^ 0x80, 0x20 if WHOLE[at] != 0x20 else 0x09):
            assert refused(tmp_path, WHOLE[:at] + bytes([other]) + WHOLE[at + 1 :])


def test_a_file_that_is_too_short_or_too_long_is_noticed_at_any_length(tmp_path: Path) -> None:
    for end in range(len(WHOLE)):
        assert refused(tmp_path, WHOLE[:end])
    assert "by its header it has" in refused(tmp_path, WHOLE[:-1])
    assert "by its header it has" in refused(tmp_path, WHOLE + b"0")


@given(st.binary(max_size=200))
def test_whatever_the_bytes_there_is_one_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert refused(folder, content)
    assert refused(folder, with_header(content))


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it does not begin with the length of a header"),
        (b"<html>not found</html>", "it does not begin with the length of a header"),
        ((2**62).to_bytes(8, "little") + b"{}", "it does not begin with the length of a header"),
        (with_header([]), "its header is no table"),
        (with_header(b"[" * 100_000), "recursion"),
        (with_header({"a": ENTRY}, b"\0" * 4), "it has no checksum"),
        (save(TENSORS, metadata={"progress": "{}"}), "it has no checksum"),
        (with_header({"a": {**ENTRY, "shape": [-1]}}), "a tensor has an impossible shape"),
        (with_header({"a": {**ENTRY, "shape": [True]}}), "a tensor has an impossible shape"),
        (with_header({"a": {**ENTRY, "shape": [2] * 9}}), "a tensor has an impossible shape"),
        (with_header({"a": {**ENTRY, "shape": [10**4000]}}), "a tensor has an impossible shape"),
        (with_header({"a": {**ENTRY, "shape": [2**50]}}, b"\0" * 4), "by its header it has 4,503,599,627,370,"),
        (with_header({"a": {**ENTRY, "dtype": "C64"}}), "a tensor has an unknown format or none"),
        (with_header({"a": {**ENTRY, "dtype": []}}), "a tensor has an unknown format or none"),
        (with_header({"a": {"shape": [1]}}), "a tensor has an unknown format or none"),
        (with_header({"a": {"dtype": "F32"}}), "a tensor has an unknown format or none"),
        (with_header({"a": 1}), "a tensor has an unknown format or none"),
        (with_header({"__metadata__": 1, "sha256": {"dtype": "F32", "shape": 1}}), "a tensor has an unknown format"),
        (with_header(f'{{"__metadata__":1,"a":{{"dtype":"F32","shape":[0],"sha256":"{"0" * 64}"}}}}'.encode()), "int"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refused(tmp_path, content)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Ten thousand times as large as allowed, and all of it a hole in the disk."""
    tensors = {"a": torch.zeros(1)}
    _, header, _ = serialise(tensors, {})
    entries: dict[str, Any] = json.loads(header)
    entries["a"] = {"dtype": "U8", "shape": [10**8], "data_offsets": [0, 10**8]}
    content = with_header(json.dumps(entries, separators=(",", ":")).encode())
    with (tmp_path / "x").open("wb") as stream:
        stream.write(content)
        stream.truncate(len(content) + 10**8)
    tracemalloc.start()
    with pytest.raises(S2SError, match=r"it has 100,000,\d+ bytes, where there should be at most 10,000"):
        read_tensors(tmp_path / "x", MOST)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x")
    with pytest.raises(S2SError, match=r"\(it is no plain file\)"):
        read_header(tmp_path / "x")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"x: there is no such checkpoint"):
        read_header(tmp_path / "x")
