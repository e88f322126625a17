"""Measurements of training as JSON lines."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2s.training.checkpoint import write_atomically
from s2s.training.trainer import Update, Validation


class MetricsLog:
    """A listener that appends each update and validation to a file.

    Opened for a run that stands at `updates`, it first drops what was logged after that: those updates will be
    done, and logged, again.
    """

    def __init__(self, path: Path, updates: int) -> None:
        kept = [line for line in _whole_lines(path) if _update_of(line) <= updates]
        write_atomically(path, "".join(f"{line}\n" for line in kept).encode())
        self._path = path

    def on_update(self, update: Update) -> None:
        """See `Listener.on_update`."""
        self._append({"event": "update", **asdict(update)})

    def on_validation(self, validation: Validation) -> None:
        """See `Listener.on_validation`."""
        self._append({"event": "validation", **asdict(validation)})

    def _append(self, entry: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")


def read_speed(path: Path) -> float | None:
    """Target tokens a second, from the log of a run.

    The time between updates counts, validations do not, and neither does the first update, in which a machine makes
    itself ready.

    Returns:
        None where there are fewer than two updates.
    """
    tokens, seconds = 0, 0.0
    before: float | None = None
    for entry in map(json.loads, _whole_lines(path)):
        if entry["event"] == "update" and before is not None:
            tokens += entry["tokens"]
            seconds += entry["seconds"] - before
        before = entry["seconds"]
    return tokens / seconds if seconds > 0 else None


def _whole_lines(path: Path) -> list[str]:
    """The finished lines of a file; a killed process may have left half of one at the end."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _update_of(line: str) -> float:
    try:
        return int(json.loads(line)["update"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
