"""Attention in words: one forced pass, the same for a pair alone and among others."""

import re
from pathlib import Path

import numpy as np
import pytest
from small_runs import PAIRS, Finished, Told, small

from s2s.data.corpus import Pair
from s2s.data.words import split_words
from s2s.errors import S2SError
from s2s.workflow.alignment import align
from s2s.workflow.training import train
from s2s.workflow.translation import Run, load_run

SOME = [
    Pair(*PAIRS[0]),
    Pair("", "un homme"),
    Pair("a man", ""),
    Pair("", ""),
    Pair("🙂 a\u2028man 日本語", "l'homme 🙂"),
    *(Pair(*pair) for pair in PAIRS[5:9]),
]


@pytest.fixture(scope="module")
def run(finished: Finished) -> Run:
    return load_run(finished.path, device="cpu", threads=1)


def test_each_pair_has_its_words_and_a_distribution_for_each_target_word(run: Run) -> None:
    found = list(align(run, SOME))
    assert len(found) == len(SOME)
    for pair, alignment in zip(SOME, found, strict=True):
        assert alignment.src_words == tuple(word.text for word in split_words(pair.src, "en"))
        assert alignment.trg_words == tuple(word.text for word in split_words(pair.trg, "fr"))
        assert alignment.weights.shape == (len(alignment.trg_words) + 1, len(alignment.src_words) + 1)
        np.testing.assert_allclose(alignment.weights.sum(axis=1), 1.0, atol=1e-5)
        assert (alignment.weights >= 0).all()
    assert found[4].trg_words == ("l'", "homme", "🙂")


def test_neighbours_and_windows_change_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    together = list(align(run, SOME))
    monkeypatch.setattr("s2s.workflow.alignment.WINDOW", 2)
    monkeypatch.setattr("s2s.workflow.alignment.BATCH_TOKENS", 1)
    for one, other in zip(align(run, SOME), together, strict=True):
        assert (one.src_words, one.trg_words) == (other.src_words, other.trg_words)
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)


def test_a_pair_that_takes_long_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.workflow.alignment.LONGEST", 3)
    monkeypatch.setattr("s2s.workflow.alignment.WINDOW", 1)
    told: list[str] = []
    assert len(list(align(run, [Pair("a", "b"), Pair("a man", "a man sees the sea")], warn=told.append))) == 2
    [message] = told
    assert re.fullmatch(r"pair 2 has a side of \d+ pieces, and aligning it takes long", message)


def test_words_may_be_what_stands_between_spaces(run: Run) -> None:
    [found] = align(run, [Pair("a man's dog.", "l'homme .")], words="space")
    assert found.src_words == ("a", "man's", "dog.")
    assert found.trg_words == ("l'homme", ".")


def test_one_fixed_vector_shows_nothing(corpus: dict[str, list[str]], tmp_path: Path) -> None:
    config = small({"data": corpus, "model": {"attention": "none", "attend": "first"}, "training": {"max_updates": 1}})
    train(config, tmp_path / "run", Told())
    with pytest.raises(S2SError, match=r'run: the model has no attention \(model\.attention = "none"\).*\n  Train one'):
        list(align(load_run(tmp_path / "run"), SOME))
