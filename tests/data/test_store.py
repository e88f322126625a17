"""Corpora on the disk: they give back what was put in, leave nothing behind, and take little memory."""

import errno
import io
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.config import DataConfig, TrainingConfig
from s2s.data.batches import EncodedPair
from s2s.data.corpus import Pair
from s2s.data.store import StoredEncodedPairs, StoredIds, StoredPairs
from s2s.data.tokenizer import train_tokenizer
from s2s.errors import S2SError
from s2s.workflow.corpora import read_corpora
from s2s.workflow.spelling import training_data
from s2s.workflow.tokenizers import Tokenizers

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=6).map(tuple)


@given(st.lists(st.builds(Pair, TEXT, TEXT), max_size=8), st.integers(-9, 9), st.integers(-9, 9))
def test_pairs_are_those_of_a_list(pairs: list[Pair], start: int, stop: int) -> None:
    """One by one, from the end, in slices; also where nothing was written at all."""
    stored = StoredPairs(iter(pairs))
    assert len(stored) == len(pairs)
    assert list(stored) == [stored[index] for index in range(len(pairs))] == pairs
    assert stored[start:stop] == pairs[start:stop]
    assert stored[::-2] == pairs[::-2]
    if pairs:
        assert stored[-1] == pairs[-1]
    with pytest.raises(IndexError):
        stored[len(pairs)]


@given(st.lists(st.tuples(IDS, IDS), max_size=8))
def test_ids_come_back(pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    stored = StoredEncodedPairs(StoredIds(src for src, _ in pairs), StoredIds(trg for _, trg in pairs))
    assert list(stored) == [stored[index] for index in range(len(pairs))] == [EncodedPair(*pair) for pair in pairs]


@given(st.lists(st.tuples(IDS, IDS), max_size=8), st.integers(1, 9))
def test_what_is_told_in_arrays_is_what_the_pairs_have(
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]], step: int
) -> None:
    """The targets' lengths count an end of sentence that is not stored."""
    stored = StoredEncodedPairs(StoredIds(src for src, _ in pairs), StoredIds(trg for _, trg in pairs))
    assert stored.lengths.tolist() == [[len(src), len(trg) + 1] for src, trg in pairs]
    tokens = stored.tokens(step)
    assert tokens.lengths.tolist() == [[len(src), len(trg)] for src, trg in pairs[::step]]
    assert tokens.src.tolist() == [piece for src, _ in pairs[::step] for piece in src]
    assert tokens.trg.tolist() == [piece for _, trg in pairs[::step] for piece in trg]


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing of it can be left."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    stored = StoredPairs([Pair("a", "b")])
    assert list(tmp_path.iterdir()) == []
    assert stored[0] == Pair("a", "b")


class FullDisk(io.BytesIO):
    """A file that takes the first bytes, and no more."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def no_map(*arguments: object, **named: object) -> None:
    raise OSError(errno.ENODEV, "No such device")


@pytest.mark.parametrize(
    ("broken", "replacement", "reason"),
    [
        ("tempfile.TemporaryFile", lambda dir: FullDisk(), "No space left on device"),
        ("mmap.mmap", no_map, "No such device"),
    ],
)
def test_what_the_disk_refuses_is_told(
    broken: str, replacement: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a part is written already, too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(broken, replacement)
    message = f"{tmp_path}: the corpus cannot be kept on the disk while it is trained on: {reason}"
    with pytest.raises(S2SError, match=re.escape(message)) as caught:
        StoredPairs([Pair("a", "b")])
    assert "Name a folder that has room for it: TMPDIR=FOLDER" in str(caught.value)


def test_a_folder_that_is_asked_for_and_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not passed over for another one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(S2SError, match=r"none: the corpus cannot be kept on the disk.*No such file or directory"):
        StoredPairs([Pair("a", "b")])


def test_a_corpus_goes_through_the_disk_from_file_to_ids(tmp_path: Path) -> None:
    """Read, filtered, held out and encoded, it is never in memory as a whole."""
    files = [tmp_path / "train.en", tmp_path / "train.fr"]
    peaks = []
    trained = train_tokenizer(["the line of word .en .fr 0123456789"], kind="bpe", size=290).tokenizer
    for count in (1500, 3000):
        for path in files:
            path.write_text("".join(f"{n} the line of {path.suffix} {' word' * 12}\n" for n in range(count)))
        tracemalloc.start()
        corpora = read_corpora(DataConfig(train=(tuple(files),), dev_size=100), seed=1)
        data = training_data(corpora.train, Tokenizers(trained, trained), TrainingConfig(), threads=1)(0)
        planned = data.plan(0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sorted(index for batch in planned for index in batch) == list(range(count - 100))
    assert peaks[1] - peaks[0] < 150 * 1500  # the ids of a pair would take over 1,000 bytes, its text 180
