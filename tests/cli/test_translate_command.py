"""`s2s translate`: as many lines out as in, and nothing else on standard output."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

S2S = Callable[..., Any]

ODD: tuple[bytes, ...] = (
    b"",
    b"   ",
    b"a man sees it .",
    "🙂👩‍👩‍👧 日本語".encode(),
    "one\u2028line\u2029and\x85one".encode(),
    b"nul\0nul",
    b"carriage\rreturn",
    b"windows line\r",
    b"\x1b[31mred\x1b[0m \x07",
    b"tab\ttab",
    b"\xef\xbb\xbf",
    "▁ <s> </s> <unk> ⁇".encode(),
    b"-",
    b"x" * 400,
)


def lines(text: str) -> list[str]:
    assert text.endswith("\n") or not text
    return text.split("\n")[:-1]


def test_a_thousand_odd_lines_come_back_as_a_thousand(s2s: S2S, run: Path) -> None:
    source = [ODD[n % len(ODD)] for n in range(999)]
    source.insert(500, b" ".join([b"word"] * 5000))
    done = s2s("translate", run, "--beam", 1, stdin=b"\n".join(source) + b"\n")
    assert done.code == 0
    found = lines(done.out)
    assert len(found) == 1000
    blank = [n for n, line in enumerate(source) if not line.strip()]
    assert [n for n in blank if found[n]] == []
    assert "\r" not in done.out
    assert len(done.out.splitlines()) == 1000
    [warning] = lines(done.err)
    assert warning.startswith("warning: line 501 has ")


def test_the_last_line_needs_no_end(s2s: S2S, run: Path) -> None:
    assert len(lines(s2s("translate", run, stdin=b"a man\nthe dog").out)) == 2
    assert s2s("translate", run, stdin=b"").out == ""
    assert s2s("translate", run, stdin=b"\n").out == "\n"


def test_sentences_files_and_standard_input_give_the_same(s2s: S2S, run: Path, tmp_path: Path) -> None:
    text = "a man sees it .\nthe dog likes two fish .\n"
    plain, packed = tmp_path / "in.txt", tmp_path / "in.txt.gz"
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    expected = s2s("translate", run, *text.splitlines())
    assert (expected.code, expected.err, len(lines(expected.out))) == (0, "", 2)
    for way in (["--input", plain], ["--input", packed], ["--input", "-"], []):
        assert s2s("translate", run, *way, stdin=text.encode()) == expected


def test_output_goes_to_a_file_that_is_whole_or_not_there(s2s: S2S, run: Path, tmp_path: Path) -> None:
    expected = s2s("translate", run, "a man", "").out
    file = tmp_path / "out.txt"
    done = s2s("translate", run, "--output", file, "a man", "")
    assert (done.code, done.out) == (0, "")
    assert file.read_text(encoding="utf-8") == expected
    failed = s2s("translate", run, "--output", file, stdin=b"a man\n\xff\n")
    assert failed.code == 1
    assert file.read_text(encoding="utf-8") == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_a_translation_does_not_take_the_place_of_its_source(s2s: S2S, run: Path, tmp_path: Path) -> None:
    source, other = tmp_path / "source.txt", tmp_path / "link.txt"
    source.write_text("a man\n")
    other.symlink_to(source)
    for output in (source, other):
        done = s2s("translate", run, "--input", source, "--output", output)
        assert done.code == 2
        assert "--output: the translation would take the place of its source" in done.err
    assert source.read_text() == "a man\n"


@pytest.mark.parametrize("option", [["--scores"], ["--n-best", "3"], ["--n-best", "3", "--beam", "1"]])
def test_scores_come_as_number_score_and_text(s2s: S2S, run: Path, option: list[str]) -> None:
    done = s2s("translate", run, *option, stdin=b"a man sees it .\n\nthe dog\tlikes it .\n")
    rows = [line.split("\t") for line in lines(done.out)]
    count = 3 if "--n-best" in option else 1
    assert [row[0] for row in rows] == ["1"] * count + ["2"] + ["3"] * count
    assert rows[count] == ["2", "0.0000", ""]
    if option == ["--scores"]:  # then the search is the run's own
        best = s2s("translate", run, stdin=b"a man sees it .\n\nthe dog\tlikes it .\n")
        assert [rows[0][2], rows[count + 1][2]] == lines(best.out)[::2]
    for _, score, text in rows:
        assert float(score) <= 0.0
        assert "\t" not in text
    scores = [float(score) for number, score, _ in rows if number == "1"]
    assert scores == sorted(scores, reverse=True)


def test_a_wider_beam_may_be_asked_for(s2s: S2S, run: Path) -> None:
    greedy = s2s("translate", run, "--scores", "--beam", 1, "a man sees it .").out.split("\t")
    wide = s2s("translate", run, "--scores", "--beam", 30, "a man sees it .").out.split("\t")
    assert float(wide[1]) >= float(greedy[1])


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "message"),
    [
        (["nowhere"], b"", 1, "error: nowhere: there is no run here"),
        (["RUN", "--input", "nowhere.en"], b"", 1, "error: nowhere.en: There is no such file"),
        (["RUN"], b"fine\n\xe9\n", 1, "error: standard input:2: Byte 1 of this line (0xE9) is not UTF-8"),
        (["RUN", "--output", "no/such/folder"], b"", 1, "error: no/such/folder: the output cannot be written"),
        (["RUN", "--device", "warp"], b"", 2, "error: device: 'warp' is no device"),
        (["RUN", "--beam", "0"], b"", 2, "--beam"),
        (["RUN", "--beam", "1001"], b"", 2, "--beam"),
        (
            ["RUN", "it", "caf\udce9s"],
            b"",
            2,
            "error: character 4 of the sentence 'caf\ufffds' is not UTF-8\n  Set the",
        ),
        (["RUN", "--n-best", "x"], b"", 2, "--n-best"),
        (["RUN", "--bean", "3"], b"", 2, "--bean"),
        ([], b"", 2, "Missing argument"),
    ],
)
def test_faults_go_to_standard_error(
    s2s: S2S, run: Path, arguments: list[str], stdin: bytes, code: int, message: str
) -> None:
    done = s2s("translate", *(run if argument == "RUN" else argument for argument in arguments), stdin=stdin)
    assert done.code == code
    assert message in done.err
    assert done.out in ("", "\n") or code == 1


def test_a_missing_file_is_told_before_the_model_is_read(s2s: S2S) -> None:
    assert "nowhere.en: There is no such file" in s2s("translate", "norun", "--input", "nowhere.en").err


def test_a_reader_that_has_gone_is_no_fault(run: Path) -> None:
    """`s2s translate RUN | head -1`, with more text than a pipe holds."""
    program = subprocess.Popen(
        [sys.executable, "-m", "s2s", "translate", str(run), "--beam", "1", "--threads", "1", *["it it it it"] * 3000],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.stderr.read() == b""
    program.wait()


def test_two_translations_into_one_file_do_not_mix(run: Path, s2s: S2S, tmp_path: Path) -> None:
    """Each writes aside for itself, and the last to end is in the file, whole."""
    first = subprocess.Popen(
        [sys.executable, "-m", "s2s", "translate", str(run), "--output", "out", "--threads", "1", "--beam", "1"],
        stdin=subprocess.PIPE,
    )
    while not list(tmp_path.iterdir()):
        assert first.poll() is None
        time.sleep(0.05)
    assert s2s("translate", run, "--output", "out", stdin=b"it\n" * 3).code == 0
    assert (tmp_path / "out").read_text(encoding="utf-8").count("\n") == 3
    first.communicate(b"it\n" * 5, timeout=30)
    assert first.returncode == 0
    assert (tmp_path / "out").read_text(encoding="utf-8").count("\n") == 5


def test_a_file_that_is_written_anew_stays_as_private_as_it_was(s2s: S2S, run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("secret", encoding="utf-8")
    (tmp_path / "out").chmod(0o600)
    assert s2s("translate", run, "it", "--output", "out").code == 0
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_translation_that_is_ended_leaves_nothing_half_written(run: Path, tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "s2s", "translate", str(run), "--output", "out.fr", "--threads", "1"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not list(tmp_path.iterdir()):
        assert program.poll() is None
        time.sleep(0.05)
    assert [path.name for path in tmp_path.iterdir()] == [f".out.fr.{program.pid}.part"]
    program.terminate()
    assert program.communicate(timeout=30) == (None, b"")
    assert program.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_is_asked_and_answered_line_by_line(run: Path) -> None:
    """The answer to a line comes before the next one is typed."""
    pty = pytest.importorskip("pty")
    terminal, program_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "s2s", "translate", str(run), "--threads", "1"],
        stdin=program_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        os.close(program_end)
        assert program.stdout is not None
        assert program.stderr is not None
        guard = threading.Timer(60, program.kill)
        guard.start()
        answers = []
        for line in (b"a man\n", b"\n"):
            os.write(terminal, line)
            answers.append(program.stdout.readline())
        os.write(terminal, b"\x04")
        rest, talk = program.stdout.read(), program.stderr.read()
        guard.cancel()
    os.close(terminal)
    assert answers[1] == b"\n"
    assert answers[0].endswith(b"\n")
    assert (program.returncode, rest) == (0, b"")
    assert talk == b"One sentence a line; Ctrl-D ends.\n> > > \n"


def test_a_pipe_as_input_loses_no_line(s2s: S2S, run: Path) -> None:
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb") as stream:
            stream.write(b"".join(b"it is %d\n" % number for number in range(300)))

    feeding = threading.Thread(target=feed)
    feeding.start()
    done = s2s("translate", run, "--beam", 1, "--input", f"/dev/fd/{reader}")
    feeding.join()
    os.close(reader)
    assert done.out.count("\n") == 300


def test_a_pipe_as_output_is_written_to(s2s: S2S, run: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[str] = []
    reading = threading.Thread(target=lambda: read.append(fifo.read_text(encoding="utf-8")))
    reading.start()
    done = s2s("translate", run, "--output", fifo, "a man", "a dog")
    reading.join(timeout=30)
    assert done.code == 0
    assert read[0].count("\n") == 2
    assert fifo.is_fifo()


def test_a_folder_as_output_is_told(s2s: S2S, run: Path, tmp_path: Path) -> None:
    done = s2s("translate", run, "--output", tmp_path, "a man")
    assert done.code == 1
    assert f"error: {tmp_path}: the output cannot be written: Is a directory" in done.err


def test_sentences_and_input_exclude_each_other(s2s: S2S, run: Path, tmp_path: Path) -> None:
    done = s2s("translate", run, "--input", tmp_path / "x", "a man")
    assert done.code == 2
    assert "sentences and --input both say what to translate" in done.err


def test_a_file_name_among_the_sentences_is_a_sentence_and_a_warning(s2s: S2S, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_text("a man\n", encoding="utf-8")
    done = s2s("translate", run, file, "a man")
    assert done.code == 0
    assert len(lines(done.out)) == 2
    assert done.err == (
        f"warning: {str(file)!r} is translated as a sentence; to translate what the file holds: --input {file}\n"
    )
