"""`s2s data`: what is asked for goes to standard output, talk to standard error, faults become our errors."""

import gzip
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from s2s.cli.data import app
from s2s.data import builtin
from s2s.data.download import CORPORA
from s2s.errors import S2SError, UsageError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def fault(*arguments: object) -> S2SError:
    result = run(*arguments)
    assert isinstance(result.exception, S2SError), result.output
    return result.exception


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A training corpus of three pairs, one blank; a dev set shares a pair, a test set does not."""
    texts = {
        "train.en": "a man\n\ntwo dogs\n",
        "train.fr": "un homme\nrien\ndeux chiens\n",
        "dev.en": "a man\na cat\n",
        "dev.fr": "un homme\nun chat\n",
        "test.en": "a bird\n",
        "test.fr": "un oiseau\n",
        "train.tsv": "a man\tun homme\n\trien\ntwo dogs\tdeux chiens\n",
        "dev.tsv": "a man\tun homme\na cat\tun chat\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_check_reports_and_ends_in_a_verdict(files: Path) -> None:
    result = done("check", files / "train.en", files / "train.fr")
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == "3 pairs in UTF-8, lengths in words"
    assert lines[-2:] == [
        "To look at:",
        "- blank sides: 1 (line 2); training skips these pairs; are the files out of step?",
    ]


def test_check_of_a_clean_corpus(files: Path) -> None:
    result = done("check", files / "dev.en", files / "dev.fr")
    assert result.stdout.splitlines()[-1] == "Nothing was found to mend."


def test_check_says_so_where_what_it_found_is_as_it_should_be(files: Path) -> None:
    (files / "dev.en").write_text("a man\na man\n", encoding="utf-8")
    result = done("check", files / "dev.en", files / "dev.fr")
    assert re.search(r"^ +sources with several targets +1 ", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == "Nothing to mend: what was found is as it should be."


def test_against_may_be_repeated_anywhere_in_the_line(files: Path) -> None:
    """typer has no repeated option of two values: ours must work before, between and after the arguments."""
    dev, test = (files / "dev.en", files / "dev.fr"), (files / "test.en", files / "test.fr")
    src, trg = files / "train.en", files / "train.fr"
    lines = [
        ("check", src, trg, "--against", *dev, "--against", *test, "--json"),
        ("check", "--against", *dev, "--json", "--against", *test, src, trg),
        ("check", "--against", *dev, src, "--against", *test, "--json", trg),
    ]
    for line in lines:
        overlaps = json.loads(done(*line).stdout)["overlaps"]
        assert [(overlap["name"], overlap["by_pair"]) for overlap in overlaps] == [
            (f"{dev[0]} {dev[1]}", 1),
            (f"{test[0]} {test[1]}", 0),
        ]


def test_two_columns_are_checked_as_two_files(files: Path) -> None:
    columns = json.loads(done("check", files / "train.tsv", "--against-tsv", files / "dev.tsv", "--json").stdout)
    assert columns["src"].pop("name") == f"{files / 'train.tsv'}, column 1"
    assert columns["overlaps"][0].pop("name") == str(files / "dev.tsv")
    two = (
        "check",
        files / "train.en",
        files / "train.fr",
        "--against",
        files / "dev.en",
        files / "dev.fr",
        "--json",
    )
    expected = json.loads(done(*two).stdout)
    assert {key: columns[key] for key in ("pairs", "findings", "dropped")} == {
        key: expected[key] for key in ("pairs", "findings", "dropped")
    }
    assert columns["overlaps"][0]["by_pair"] == 1


@pytest.mark.parametrize("tail", [[], ["--json"]])
def test_against_with_one_file(files: Path, tail: list[str]) -> None:
    error = fault("check", files / "train.en", files / "train.fr", "--against", files / "dev.en", *tail)
    assert isinstance(error, UsageError)
    assert f"--against takes two files, SRC TRG; {files / 'dev.en'} stands alone" in str(error)


def test_json_is_the_whole_report(files: Path) -> None:
    report = json.loads(done("check", files / "train.en", files / "train.fr", "--json").stdout)
    assert report["pairs"] == 3
    assert report["src"]["lengths"]["longest"] == 2
    assert report["findings"]["blank sides"] == {"count": 1, "lines": [2]}
    assert report["dropped"] == {"blank side": 1}
    assert len(report["verdict"]) == 1


def test_faulty_files_are_errors_of_the_data(files: Path) -> None:
    error = fault("check", files / "train.en", files / "dev.fr")
    assert error.exit_code == 1
    assert "has 3 lines" in str(error)
    assert "no such file" in str(fault("check", files / "train.en", files / "train.de"))
    assert "has 3 lines" in str(
        fault("check", files / "dev.en", files / "dev.fr", "--against", files / "train.en", files / "dev.fr")
    )


def test_a_terminal_gets_ruled_tables(files: Path) -> None:
    """Names with brackets are no markup there, and NO_COLOR is honoured."""
    odd = files / "[red]x.en"
    odd.write_text("a\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    code = "from s2s.cli.data import app; app()"
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "300"}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, "check", str(odd), str(odd)]
    with subprocess.Popen(command, stdout=theirs, cwd=root, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 10000):
                shown += block
        except OSError:  # how Linux tells that the other end has closed
            pass
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0
    assert str(odd) in text
    assert "┃" in text
    assert "\x1b[3" not in text  # no colours


def test_download_prints_the_files_and_shows_the_licence(tmp_path: Path) -> None:
    """Files that are there are kept, so nothing is asked of the network."""
    names = list(CORPORA["multi30k"].hashes)
    for name in names:
        (tmp_path / name).touch()
    result = done("download", "multi30k", "--out", tmp_path)
    assert result.stdout.splitlines() == [str(tmp_path / name) for name in names]
    assert "non-commercial" in result.stderr


def test_download_from_a_mirror_checks_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "train.en.gz").write_bytes(gzip.compress(b"not it\n"))
    error = fault("download", "multi30k", "--out", tmp_path / "out", "--mirror", tmp_path.as_uri())
    assert "other bytes than expected" in str(error)
    assert list((tmp_path / "out").iterdir()) == []


def test_generate_writes_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    contents = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        result = done("generate", "--out", tmp_path / folder, "--pairs", 60, "--seed", seed)
        paths = [Path(line) for line in result.stdout.splitlines()]
        assert paths
        assert all(path.parent == tmp_path / folder for path in paths)
        assert "not comparable with BLEU on real text" in result.stderr
        contents.append({path.name: path.read_bytes() for path in paths})
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize("name", ["train.en", "dev.fr", "test.align"])
def test_generate_refuses_a_corpus_that_is_there_before_it_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def generate(pairs: int, seed: int) -> None:
        pytest.fail(f"{pairs} pairs were made in vain")

    monkeypatch.setattr(builtin, "generate", generate)
    (tmp_path / name).write_text("mine")
    error = fault("generate", "--out", tmp_path)
    assert "exists already" in str(error)
    assert error.where == str(tmp_path / name)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_generate_refuses_a_file_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "this is not a folder" in str(fault("generate", "--out", tmp_path / "file"))


def test_help_needs_neither_torch_nor_the_corpus_code() -> None:
    code = (
        "import sys, s2s.cli.data;"
        "print([name for name in sys.modules if name in ('torch', 'numpy') or name.startswith('s2s.data')])"
    )
    root = Path(__file__).resolve().parents[2]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
