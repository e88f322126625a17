"""Measurements of training as JSON lines."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from s2s.errors import S2SError
from s2s.training.checkpoint import Progress
from s2s.training.disk import append, sync, write_atomically
from s2s.training.trainer import Update, Validation


class MetricsLog:
    """A listener that appends each update and validation to a file.

    Opened for a run that stands at `progress`, it first drops what was logged after that: those updates and
    validations will be done, and logged, again.

    Attributes:
        missing: updates that were done before and are not in the file, which somebody else changed.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        kept = [line for line in _whole_lines(path) if _is_done(line, progress)]
        write_atomically(path, b"".join(line + b"\n" for line in kept))
        self._path = path
        self.missing = progress.updates - sum(json.loads(line)["event"] == "update" for line in kept)

    def on_update(self, update: Update) -> None:
        """See `Listener.on_update`."""
        self._append("update", asdict(update))

    def on_validation(self, validation: Validation) -> None:
        """See `Listener.on_validation`."""
        self._append("validation", asdict(validation))

    def sync(self) -> None:
        """Have on the disk what was logged; before a checkpoint that says that it was done."""
        sync(self._path)

    def _append(self, event: str, entry: Mapping[str, Any]) -> None:
        append(self._path, json.dumps({"event": event, **_finite(entry)}, allow_nan=False) + "\n")


def _finite(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with null for what is no number: JSON has none for infinity, and other programs refuse it."""
    return {
        key: _finite(value) if isinstance(value, Mapping) else None if _is_no_number(value) else value
        for key, value in entry.items()
    }


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)


def read_speed(path: Path) -> float | None:
    """Target tokens a second, from the log of a run.

    The time between updates counts, validations do not, and neither does the first update, in which a machine makes
    itself ready.

    Returns:
        None where there are fewer than two updates.

    Raises:
        S2SError: a line is none of such a log.
    """
    tokens, seconds = 0, 0.0
    before: float | None = None
    try:
        for entry in map(json.loads, _whole_lines(path)):
            if entry["event"] == "update" and before is not None:
                tokens += entry["tokens"]
                seconds += entry["seconds"] - before
            before = entry["seconds"]
    except (ValueError, LookupError, TypeError, RecursionError) as fault:
        raise S2SError(f"the measurements of the run are damaged ({fault})", where=str(path)) from fault
    return tokens / seconds if seconds > 0 else None


def _whole_lines(path: Path) -> list[bytes]:
    """The finished lines of a file; a killed process may have left half of one at the end."""
    if not path.exists():
        return []
    return path.read_bytes().split(b"\n")[:-1]


def _is_done(line: bytes, progress: Progress) -> bool:
    """Whether what a line tells of had happened when the progress was saved; False for what is no line of ours."""
    try:
        entry = json.loads(line)
        return int(entry["update"]) <= {"update": progress.updates, "validation": progress.validated_at}[entry["event"]]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return False
