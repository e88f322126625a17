"""The metrics file: one line an event, none lost and none twice."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from s2s.errors import S2SError
from s2s.training.checkpoint import Progress
from s2s.training.log import MetricsLog, read_speed
from s2s.training.trainer import Update, Validation


def update(number: int) -> Update:
    return Update(
        update=number,
        epoch=1,
        loss=2.0 / number,
        log_loss=1.0,
        tokens=9,
        learning_rate=0.1,
        gradient_norm=1.5,
        seconds=0.25,
        used=number / 10,
        skipped=False,
    )


def validation(number: int) -> Validation:
    return Validation(update=number, epoch=1, scores={"loss": 1.25, "bleu": 9.0}, is_best=True, seconds=0.5)


def written(path: Path) -> list[tuple[str, int]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(line["event"], line["update"]) for line in lines]


def at(updates: int) -> Progress:
    """A run that stands here, and has done the validation that is due here."""
    return Progress(updates=updates, validated_at=updates - updates % 2)


def fill(log: MetricsLog, first: int, last: int) -> None:
    for number in range(first, last + 1):
        log.on_update(update(number))
        if number % 2 == 0:
            log.on_validation(validation(number))


def test_each_event_is_a_line_with_all_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, at(0))
    assert path.read_bytes() == b""
    fill(log, 1, 2)
    first, _, third = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "event": "update",
        "update": 1,
        "epoch": 1,
        "loss": 2.0,
        "log_loss": 1.0,
        "tokens": 9,
        "learning_rate": 0.1,
        "gradient_norm": 1.5,
        "seconds": 0.25,
        "used": 0.1,
        "skipped": False,
    }
    assert third["event"] == "validation"
    assert third["scores"] == {"loss": 1.25, "bleu": 9.0}


def test_going_on_drops_what_will_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    fill(MetricsLog(path, at(0)), 1, 6)
    whole = path.read_bytes()
    log = MetricsLog(path, at(4))
    assert written(path)[-2:] == [("update", 4), ("validation", 4)]
    fill(log, 5, 6)
    assert path.read_bytes() == whole


def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    """At every byte where a process may have died, what is there afterwards is a prefix of whole lines."""
    path = tmp_path / "metrics.jsonl"
    fill(MetricsLog(path, at(0)), 1, 2)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        MetricsLog(path, at(99))
        assert path.read_bytes() == whole[:start]


def test_a_validation_that_will_be_repeated_is_dropped(tmp_path: Path) -> None:
    """The checkpoint that stands was written after update 4 and before the validation there."""
    path = tmp_path / "metrics.jsonl"
    fill(MetricsLog(path, at(0)), 1, 4)
    MetricsLog(path, Progress(updates=4, validated_at=2))
    assert written(path)[-2:] == [("update", 3), ("update", 4)]


def test_lines_that_are_not_ours_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    ours = b'{"event": "update", "update": 1}\n'
    others = [
        b"[1]",
        b"null",
        b"word",
        b"",
        b"{}",
        b'{"update": 1}',
        b'{"event": "update", "update": null}',
        b'{"event": "update", "update": 1e999}',
        b'{"event": "update", "update": "\xff"}',
        b'{"event": "other", "update": 1}',
        b"[" * 100_000,
    ]
    path.write_bytes(b"\n".join(others) + b"\n" + ours)
    MetricsLog(path, at(1))
    assert path.read_bytes() == ours


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    """Strict JSON has neither NaN nor infinity."""
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, at(0))
    log.on_update(replace(update(1), loss=float("nan"), gradient_norm=float("inf"), skipped=True))
    log.on_validation(replace(validation(1), scores={"loss": float("nan"), "bleu": 1.0}))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    first, second = (json.loads(line, parse_constant=refuse) for line in path.read_text(encoding="utf-8").splitlines())
    assert (first["loss"], first["gradient_norm"], first["log_loss"], first["skipped"]) == (None, None, 1.0, True)
    assert second["scores"] == {"loss": None, "bleu": 1.0}


def test_it_is_on_the_disk_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl", at(0))
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))
    log.sync()
    assert flushed == [(tmp_path / "metrics.jsonl").stat().st_ino]


def test_the_log_of_a_new_run_replaces_an_old_one_and_goes_on_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    fill(MetricsLog(path, at(0)), 1, 2)
    fill(MetricsLog(path, at(0)), 1, 1)
    assert written(path) == [("update", 1)]
    fill(MetricsLog(path, at(1)), 2, 2)
    assert written(path) == [("update", 1), ("update", 2), ("validation", 2)]


def test_speed_is_tokens_by_the_time_between_updates(tmp_path: Path) -> None:
    """The first update warms the machine up, and a validation is not training."""
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, at(0))
    assert read_speed(path) is None
    log.on_update(replace(update(1), tokens=1000, seconds=9.0))
    assert read_speed(path) is None
    log.on_update(replace(update(2), tokens=30, seconds=9.5))
    log.on_validation(replace(validation(2), seconds=60.0))
    log.on_update(replace(update(3), tokens=70, seconds=61.5))
    assert read_speed(path) == pytest.approx(100 / 2.0)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"event": "update"}', '{"event": "update", "seconds": "x"}'])
def test_the_speed_of_a_damaged_log_is_a_fault_of_the_file(tmp_path: Path, line: str) -> None:
    path = tmp_path / "metrics.jsonl"
    fill(MetricsLog(path, at(0)), 1, 2)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(S2SError, match="measurements of the run are damaged"):
        read_speed(path)
