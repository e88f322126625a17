"""scripts/peers.py: how other programs are configured, read and made to take turns."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

OPENNMT = (
    "[2026-11-26 06:24:00,100 INFO] Step 10/10000000; acc: 3.9; ppl: 2712.1; xent: 7.9; lr: 0.00010; "
    "sents:    1035; bsz: 1543/1710/104; 812/901 tok/s;     19 sec;"
)
JOEY = (
    "2026-11-26 06:25:04,540 - INFO - joeynmt.training - Epoch   1, Step:       10, Batch Loss:     7.648930, "
    "Batch Acc: 0.048649, Tokens per Sec:      102, Lr: 0.000100"
)

STAND_IN = """
import itertools, sys, time
for step in itertools.count(1):
    time.sleep(0.1)
    print("loading" if step == 1 else f"Step {step}/9; bsz: 5/ 7/ 2;", flush=True)
"""


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("peers")


@pytest.fixture
def task(peers: Any, tmp_path: Path) -> Any:
    return peers.Task(
        folder=tmp_path,
        cell="lstm",
        embed_size=11,
        hidden_size=12,
        decoder_size=13,
        batch_tokens=14,
        dropout=0.15,
        label_smoothing=0.16,
    )


def values(table: object) -> Iterator[object]:
    if isinstance(table, dict):
        for value in table.values():
            yield from values(value)
    elif isinstance(table, list):
        for value in table:
            yield from values(value)
    else:
        yield table


def is_stopped(process: int) -> bool:
    """Whether a signal has stopped it, within a second."""
    for _ in range(100):
        shown = subprocess.run(["ps", "-o", "state=", "-p", str(process)], capture_output=True, text=True, check=True)
        if shown.stdout.strip().startswith("T"):
            return True
        time.sleep(0.01)
    return False


def test_progress_lines_are_read(peers: Any) -> None:
    """As these versions print them: tokens of a mean batch, and tokens a second of the clock on the wall."""
    opennmt, joey = peers.PEERS
    assert opennmt.tokens(opennmt.report.search(OPENNMT), updates=10, seconds=99.0) == 17100
    assert joey.tokens(joey.report.search(JOEY), updates=10, seconds=100.0) == 10200
    assert not opennmt.report.search(JOEY)
    assert not joey.report.search(OPENNMT)


@pytest.mark.parametrize("number", [0, 1])
def test_sizes_are_the_ones_that_were_asked_for(number: int, peers: Any, task: Any) -> None:
    peer = peers.PEERS[number]
    config = json.loads(peer.configure(task, report_every=17))
    hidden = 24 if peer.name == "OpenNMT-py" else 12  # of both directions together, or of each
    assert {11, hidden, 13, 14, 0.15, 0.16, 17} <= {value for value in values(config) if isinstance(value, int | float)}
    assert "lstm" in {str(value).lower() for value in values(config)}
    command = peer.training(Path("place"), Path("file"))
    assert command[0].startswith("place/bin/")
    assert "file" in command


@pytest.mark.skipif(not shutil.which("ps"), reason="the state of a process is asked of ps")
def test_a_round_is_from_one_progress_line_to_the_next_and_between_rounds_it_rests(peers: Any) -> None:
    training = peers.PausedTraining(peers.PEERS[0], [sys.executable, "-c", STAND_IN], 3, {})
    try:
        for _ in range(3):
            assert is_stopped(training.process.pid)
            measured = training.round()
            assert measured["count"] == 21
            assert 0.0 < measured["seconds"] < 5.0
            assert measured["peak_mb"] > 1.0
    finally:
        training.close()
    assert training.process.returncode == -signal.SIGKILL


def test_a_program_that_fails_is_told_with_what_it_said(peers: Any) -> None:
    with pytest.raises(SystemExit, match=r"OpenNMT-py ended with exit code 3:\nno such thing"):
        peers.PausedTraining(peers.PEERS[0], [sys.executable, "-c", "print('no such thing'); exit(3)"], 1, {})


def test_a_translation_takes_as_long_as_the_program_says_itself(peers: Any) -> None:
    opennmt, joey = peers.PEERS
    said = {opennmt: "[INFO] Total translation time (s): 2.5", joey: "INFO - Generation took 2.5000[sec]."}
    for peer, line in said.items():
        translating = peers.Translating(peer, [sys.executable, "-c", f"print({line!r})"], 10, {})
        assert translating.round() == {"count": 10, "seconds": 2.5}
    with pytest.raises(SystemExit, match=r"JoeyNMT did not tell how long it took:\nnothing"):
        peers.Translating(joey, [sys.executable, "-c", "print('nothing')"], 1, {}).round()
    with pytest.raises(SystemExit, match=r"ended with exit code 3:\nno such thing"):
        peers.Translating(joey, [sys.executable, "-c", "print('no such thing'); exit(3)"], 1, {}).round()


def test_what_was_trained_translates_with_the_beam_that_was_asked_for(peers: Any, task: Any) -> None:
    opennmt, joey = peers.PEERS
    (task.folder / "opennmt_step_40.pt").write_bytes(b"")
    command = opennmt.translation(Path("place"), task.folder / "any", task, beam=7)
    assert command[command.index("-beam_size") + 1] == "7"
    assert command[command.index("-model") + 1] == str(task.folder / "opennmt_step_40.pt")
    config = task.folder / "JoeyNMT.yaml"
    config.write_text(joey.configure(task, report_every=1, updates=40), encoding="utf-8")
    searching = json.loads(Path(joey.translation(Path("place"), config, task, beam=7)[-1]).read_text(encoding="utf-8"))
    assert searching["testing"]["beam_size"] == 7
    assert "dev" not in searching["data"]
    assert searching["training"]["validation_freq"] == 40
