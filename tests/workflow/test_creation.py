"""Where a new run may be put, and what is never lost on the way."""

import json
import os
import shutil
from pathlib import Path

import pytest
from small_runs import Finished, Told, small

from s2s.errors import S2SError
from s2s.training.trainer import Update
from s2s.workflow.lock import Lock
from s2s.workflow.training import train

Files = dict[str, list[str]]


@pytest.fixture
def old(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path / "run"))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def one_update(corpus: Files, out: Path, *, overwrite: bool = True) -> None:
    train(small({"data": corpus, "training": {"max_updates": 1}}), out, Told(), overwrite=overwrite)


def test_a_run_is_replaced_where_asked(corpus: Files, old: Path, tmp_path: Path) -> None:
    one_update(corpus, old)
    assert json.loads((old / "results.json").read_text(encoding="utf-8"))["updates"] == 1
    assert not (old / "written.toml").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_where_asked_there_need_be_nothing(corpus: Files, tmp_path: Path) -> None:
    one_update(corpus, tmp_path / "run")
    (tmp_path / "empty").mkdir()
    one_update(corpus, tmp_path / "empty")
    assert all((tmp_path / name / "results.json").exists() for name in ("run", "empty"))


def test_a_run_that_a_link_leads_to_is_replaced_where_it_stands(corpus: Files, old: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("run")
    one_update(corpus, tmp_path / "link")
    assert json.loads((old / "results.json").read_text(encoding="utf-8"))["updates"] == 1
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", "mine", r"run: there is more than a run here: notes\.txt; --overwrite would lose it\n  Move it"),
        ("manifest.json", "{}", r"manifest\.json: the manifest is damaged, or not one of ours"),
        ("manifest.json", '{"format_version": 2}', r"format version 2, and this program reads up to 1\n  Update s2s"),
    ],
)
def test_what_is_more_or_other_than_a_run_is_not_replaced(
    corpus: Files, old: Path, name: str, content: str, message: str
) -> None:
    (old / name).write_text(content, encoding="utf-8")
    before = contents(old)
    with pytest.raises(S2SError, match=message):
        one_update(corpus, old)
    assert contents(old) == before


def test_what_is_no_run_is_not_replaced(corpus: Files, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    nothing_else = r"this is no run \(it has no manifest.json\), and --overwrite replaces nothing"
    for out, message in (
        (tmp_path, nothing_else),
        (tmp_path / "notes.txt", "this is a file, and a run is a directory"),
    ):
        with pytest.raises(S2SError, match=message):
            one_update(corpus, out)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_run_that_is_being_trained_is_not_replaced(corpus: Files, old: Path) -> None:
    before = contents(old)
    with Lock(old), pytest.raises(S2SError, match="another process trains or tunes this run"):
        one_update(corpus, old)
    assert contents(old) == before


def test_the_old_run_stands_until_all_is_ready(corpus: Files, old: Path, tmp_path: Path) -> None:
    before = contents(old)
    config = small({"data": corpus, "tokenizer": {"size": 50}})
    with pytest.raises(S2SError, match="is too small"):
        train(config, old, Told(), overwrite=True)
    assert contents(old) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_it_comes_back_where_the_new_one_cannot_be_put_in_its_place(
    corpus: Files, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(old)
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(S2SError, match=r"the run directory cannot be made: Input/output error\n  Choose another --out"):
        one_update(corpus, old)
    assert contents(old) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_while_a_run_is_trained_nobody_else_trains_it(corpus: Files, tmp_path: Path) -> None:
    class Watch(Told):
        def on_update(self, update: Update) -> None:
            with pytest.raises(S2SError, match="another process trains or tunes"):
                Lock(tmp_path / "run")
            super().on_update(update)

    told = Watch()
    train(small({"data": corpus, "training": {"max_updates": 2}}), tmp_path / "run", told)
    assert len(told.updates) == 2
    assert not (tmp_path / "run" / ".lock").exists()


def test_whoever_comes_second_to_an_empty_place_is_told(corpus: Files, finished: Finished, tmp_path: Path) -> None:
    """Another process has made its run there while this one was getting ready."""

    class Late(Told):
        def note(self, message: str) -> None:
            if message.startswith("tokenizer: "):
                shutil.copytree(finished.path, tmp_path / "run")

    with pytest.raises(S2SError, match="the run directory exists already, and nothing is overwritten"):
        train(small({"data": corpus}), tmp_path / "run", Late())
    assert contents(tmp_path / "run") == contents(finished.path)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_killed_processes_left_is_removed_and_nothing_else(corpus: Files, tmp_path: Path) -> None:
    for name in (".run.12.new", ".run.13.new", ".run.14.old", ".run.15.new", ".other.1.new", ".run.x.new", "run.1.new"):
        (tmp_path / name).mkdir()
    (tmp_path / ".run.12.new" / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / ".run.15.new" / "notes.txt").write_text("mine", encoding="utf-8")
    with Lock(tmp_path / ".run.13.new"):
        one_update(corpus, tmp_path / "run", overwrite=False)
        left = {path.name for path in tmp_path.iterdir()} - {"run"}
    assert left == {".run.13.new", ".run.14.old", ".run.15.new", ".other.1.new", ".run.x.new", "run.1.new"}
    one_update(corpus, tmp_path / "run")
    left = {path.name for path in tmp_path.iterdir()} - {"run"}
    assert left == {".run.15.new", ".other.1.new", ".run.x.new", "run.1.new"}


def test_a_disk_that_is_full_leaves_nothing(corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(S2SError, match="the file cannot be written: No space left on device"):
        one_update(corpus, tmp_path / "run", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_replaced_where_the_corpus_finds_no_room(
    corpus: Files, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token ids go to the disk before the old run gives way."""
    before = contents(old)

    def full(ids: object) -> None:
        raise S2SError("no room")

    monkeypatch.setattr("s2s.workflow.spelling.StoredIds", full)
    with pytest.raises(S2SError, match="no room"):
        one_update(corpus, old)
    assert contents(old) == before
