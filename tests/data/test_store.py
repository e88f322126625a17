"""Corpora on the disk: they give back what was put in, leave nothing behind, and take little memory."""

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.data.batches import EncodedPair
from s2s.data.corpus import Pair
from s2s.data.store import StoredEncodedPairs, StoredIds, StoredPairs
from s2s.errors import S2SError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=6).map(tuple)


@given(st.lists(st.builds(Pair, TEXT, TEXT), max_size=8), st.integers(-9, 9), st.integers(-9, 9))
def test_pairs_are_those_of_a_list(pairs: list[Pair], start: int, stop: int) -> None:
    """One by one, from the end, in slices; also where nothing was written at all."""
    stored = StoredPairs(iter(pairs))
    assert len(stored) == len(pairs)
    assert list(stored) == pairs
    assert stored[start:stop] == pairs[start:stop]
    assert stored[::-2] == pairs[::-2]
    if pairs:
        assert stored[-1] == pairs[-1]
    with pytest.raises(IndexError):
        stored[len(pairs)]


@given(st.lists(st.tuples(IDS, IDS), max_size=8))
def test_ids_come_back(pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    stored = StoredEncodedPairs(StoredIds(src for src, _ in pairs), StoredIds(trg for _, trg in pairs))
    assert list(stored) == [EncodedPair(*pair) for pair in pairs]


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing of it can be left."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    stored = StoredPairs([Pair("a", "b")])
    assert list(tmp_path.iterdir()) == []
    assert stored[0] == Pair("a", "b")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def full(dir: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    message = rf"{tmp_path}: the corpus cannot be kept here while it is trained on: No space left on device"
    with pytest.raises(S2SError, match=message) as caught:
        StoredPairs([Pair("a", "b")])
    assert "name another folder: TMPDIR=" in str(caught.value)


def test_memory_holds_no_text() -> None:
    """A few bytes for each pair, however long it is."""
    count = 20_000
    tracemalloc.start()
    try:
        stored = StoredPairs(Pair("a source " * 20, "a target " * 20) for _ in range(count))
        held, _ = tracemalloc.get_traced_memory()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(stored) == count
    assert held < 20 * count
    assert peak < 60 * count
