"""Readers: rows that share sources, and tables of them."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from s2s.nn.readers import Readers

SOURCES = 4
lists = st.lists(st.integers(0, SOURCES - 1), max_size=9)


def readers_of(sources: list[int]) -> Readers:
    return Readers.of(torch.tensor(sources, dtype=torch.long), SOURCES)


def numbered(*shape: int) -> Tensor:
    size = torch.Size(shape)
    return torch.arange(1.0, size.numel() + 1).view(size)


@given(lists)
def test_a_table_has_each_row_beside_those_of_its_source_and_zeros(sources: list[int]) -> None:
    """And row by row again it is what it was."""
    readers, rows = readers_of(sources), numbered(len(sources), 2)
    table = readers.spread(rows)
    assert table.shape == (SOURCES, max(map(sources.count, sources), default=1), 2)
    for source, places in enumerate(table):
        found = [place.tolist() for place in places if place.any()]
        assert found == [row.tolist() for row, read in zip(rows, sources, strict=True) if read == source]
    assert torch.equal(readers.gather(table), rows)


@given(lists)
def test_each_row_reads_its_source(sources: list[int]) -> None:
    tensor = numbered(SOURCES, 3)
    assert torch.equal(readers_of(sources).copy(tensor), tensor[torch.tensor(sources, dtype=torch.long)])


@given(lists, st.data())
def test_rows_that_are_selected_read_what_they_read(sources: list[int], data: st.DataObject) -> None:
    """Also where nothing but what is read is left."""
    readers, tensor = readers_of(sources), numbered(SOURCES, 3)
    rows = torch.tensor(data.draw(st.lists(st.sampled_from(range(len(sources))))) if sources else [], dtype=torch.long)
    selected = readers.select(rows)
    read = selected.read()
    assert sorted(read.tolist()) == sorted({sources[row] for row in rows.tolist()})
    expected = readers.copy(tensor)[rows]
    assert torch.equal(selected.copy(tensor), expected)
    assert torch.equal(selected.among(read).copy(tensor[read]), expected)
    assert torch.equal(selected.among(read).gather(selected.among(read).spread(expected)), expected)


def test_rows_that_read_what_was_read_before_are_read_as_before() -> None:
    readers = readers_of([0, 0, 2])
    assert readers.select(torch.tensor([1, 0, 2])) is readers
    assert readers.select(torch.tensor([1, 2, 2])) is not readers


def test_at_first_each_source_has_a_row() -> None:
    alone, tensor = Readers.alone(SOURCES, torch.device("cpu")), numbered(SOURCES, 3)
    assert torch.equal(alone.copy(tensor), tensor)
    assert torch.equal(alone.spread(tensor), tensor[:, None])
