"""What a run says of itself."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from small_runs import Finished

import s2s
from s2s.errors import S2SError
from s2s.workflow.manifest import FORMAT_VERSION, parse_manifest, program_revision


def damaged(text: bytes) -> str:
    with pytest.raises(S2SError, match=r"m: the manifest is damaged, or not one of ours \(.+\)") as caught:
        parse_manifest(text, "m")
    return caught.value.message


def test_it_records_what_the_run_was_made_of_and_with(finished: Finished, corpus: dict[str, list[str]]) -> None:
    manifest = finished.outcome.run.read_manifest()
    assert manifest.format_version == FORMAT_VERSION
    assert manifest.command == ("s2s", "x")
    assert (manifest.device, manifest.threads) == ("cpu", 1)
    assert manifest.precision == manifest.search_precision == "fp32"
    assert manifest.vocabulary == {"src": 310, "trg": 310}
    digest = hashlib.sha256((finished.path / "tokenizer.model").read_bytes()).hexdigest()
    assert manifest.tokenizers == {"src": digest, "trg": digest}
    assert manifest.parameters > 310 * 16
    assert manifest.revision == program_revision()
    assert manifest.init_from is None
    assert set(manifest.data) == {path for paths in corpus.values() for path in paths}
    assert set(manifest.versions) == {"s2s", "python", "torch", "sentencepiece", "sacrebleu", "safetensors"}


def test_a_later_program_of_the_same_format_may_say_more(finished: Finished) -> None:
    table = finished.outcome.run.read_manifest().model_dump(mode="json")
    text = json.dumps({**table, "more": [1]}).encode()
    assert parse_manifest(text, "m") == finished.outcome.run.read_manifest()


def test_each_entry_is_needed_and_named(finished: Finished) -> None:
    table = finished.outcome.run.read_manifest().model_dump(mode="json")
    del table["search_precision"]
    assert parse_manifest(json.dumps(table).encode(), "m").formats == "fp32"  # of a run from before there was one
    for name in table:
        assert name in damaged(json.dumps({key: value for key, value in table.items() if key != name}).encode())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"format_version": 0}, "see format_version"),
        ({"format_version": "1.5"}, "see format_version"),
        ({"threads": 0}, "see threads"),
        ({"precision": "fp8", "pairs": 3}, "see pairs, precision"),
    ],
)
def test_nonsense_is_named(finished: Finished, change: dict[str, object], named: str) -> None:
    table = finished.outcome.run.read_manifest().model_dump(mode="json")
    assert named in damaged(json.dumps({**table, **change}).encode())


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a": 1}'])
def test_what_is_no_manifest(text: bytes) -> None:
    assert damaged(text)


def test_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(S2SError, match=r"the run has format version 2, and this program reads up to 1\n  Update s2s"):
        parse_manifest(b'{"format_version": 2}', "m")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_revision_is_that_of_the_checkout_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s2s").mkdir()
    (tmp_path / "s2s" / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(s2s, "__file__", str(tmp_path / "s2s" / "__init__.py"))
    assert program_revision() is None
    git(tmp_path, "init")
    assert program_revision() is None, "a repository without a commit"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "x")
    git(tmp_path, "tag", "-a", "v1", "-m", "x")
    assert program_revision() == git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "s2s" / "__init__.py").write_text("changed", encoding="utf-8")
    assert program_revision() == git(tmp_path, "rev-parse", "HEAD") + "-dirty"
    monkeypatch.setenv("PATH", "")
    assert program_revision() is None, "no git"
