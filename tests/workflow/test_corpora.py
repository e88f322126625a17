"""The pairs that a configuration asks for: what is said of them, left out and held out."""

import gzip
from pathlib import Path

import pytest
from small_runs import Told, small, write_pairs

from s2s.config import DataConfig
from s2s.errors import S2SError, UsageError
from s2s.workflow.corpora import read_corpora
from s2s.workflow.training import train

Files = dict[str, list[str]]


@pytest.mark.parametrize(
    ("names", "langs"),
    [
        (("x.en", "x.fr"), ("en", "fr")),
        (("x.de.gz", "x.pt-BR.gz"), ("de", "pt-BR")),
        (("x.en", "x.txt1"), ("en", "trg")),
        (("source", "target"), ("src", "trg")),
        (("x.tsv",), ("src", "trg")),
    ],
)
def test_languages_are_told_by_the_files_names(names: tuple[str, ...], langs: tuple[str, str], tmp_path: Path) -> None:
    for side, name in enumerate(names):
        lines = [f"{n} a\t{n} b" if len(names) == 1 else f"{n} {'ab'[side]}" for n in range(20)]
        content = "".join(f"{line}\n" for line in lines).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    source = tuple(tmp_path / name for name in names)
    found = read_corpora(DataConfig(train=(source,)), seed=1)
    assert (found.src_lang, found.trg_lang) == langs
    said = read_corpora(DataConfig(train=(source,), src_lang="xx", trg_lang="yy"), seed=1)
    assert (said.src_lang, said.trg_lang) == ("xx", "yy")


@pytest.mark.parametrize("name", ["dev", "test"])
def test_languages_the_other_way_round_are_refused(name: str, tmp_path: Path) -> None:
    pairs = [(f"a {n}", f"b {n}") for n in range(30)]
    train_files, other = (tuple(map(Path, write_pairs(tmp_path, stem, pairs))) for stem in ("train", "other"))
    assert read_corpora(DataConfig(train=(train_files,), **{name: other}), seed=1).src_lang == "en"
    with pytest.raises(
        UsageError,
        match=rf"data\.{name}: \S+other\.fr \+ \S+other\.en have the languages of train the other way round, en and fr "
        r"by their names\n  Give source and target in the same order everywhere\.",
    ):
        read_corpora(DataConfig(train=(train_files,), **{name: other[::-1]}), seed=1)


def test_what_is_left_out_is_counted_and_leaks_are_told(tmp_path: Path) -> None:
    pairs = [(f"a {n}", f"b {n}") for n in range(30)]
    spoilt = [*pairs, ("", "b"), ("a " * 300, "b"), ("a", "b " * 100)]
    train_files = write_pairs(tmp_path, "train", spoilt)
    test_files = write_pairs(tmp_path, "test", [*pairs[:3], ("", "")])
    data = DataConfig(train=(tuple(map(Path, train_files)),), dev=tuple(map(Path, test_files)))
    found = read_corpora(data, seed=1)
    assert (len(found.train), len(found.dev)) == (30, 4)
    assert found.warnings == [
        "left out of train: 1 x blank side",
        "left out of train: 1 x over 200 words",
        "left out of train: 1 x length ratio over 9",
        "3 of the 4 pairs of dev are in train, too: scores on it flatter",
    ]


def test_a_corpus_with_nothing_to_train_on_is_refused(corpus: Files, tmp_path: Path) -> None:
    files = write_pairs(tmp_path, "blank", [("", "")] * 5)
    config = small({"data": {**corpus, "train": files}})
    with pytest.raises(S2SError, match=r"blank.fr: none of the 5 pairs is fit for training\n  `s2s data check"):
        train(config, tmp_path / "run", Told())


@pytest.mark.parametrize("name", ["dev", "test"])
def test_an_empty_set_to_score_is_refused(corpus: Files, tmp_path: Path, name: str) -> None:
    files = write_pairs(tmp_path, "none", [])
    config = small({"data": {**corpus, name: files}})
    with pytest.raises(S2SError, match=rf"none\.en.*: the {name} set has no pair\n  Leave data\.{name} out"):
        train(config, tmp_path / "run", Told())


def test_several_corpora_are_one_after_the_other(corpus: Files, tmp_path: Path) -> None:
    tsv = tmp_path / "more.tsv"
    tsv.write_text("more\tplus\n", encoding="utf-8")
    sources = (tuple(map(Path, corpus["train"])), (tsv,))
    found = read_corpora(DataConfig(train=sources, dev=tuple(map(Path, corpus["dev"]))), seed=1)
    assert found.train[-1] == ("more", "plus")
    assert len(found.train) == 109
    assert "more.tsv" in found.notes[0]
