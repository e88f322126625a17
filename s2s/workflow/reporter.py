"""Who is told how training goes."""

import time
from pathlib import Path
from typing import Protocol

from s2s.training.trainer import Listener, Update, Validation

__all__ = ["LoggedReporter", "Reporter", "Update", "Validation"]


class Reporter(Listener, Protocol):
    """Who is told how it goes."""

    def note(self, message: str) -> None:
        """Something the user wants to know."""

    def warn(self, message: str) -> None:
        """Something the user may want to mend."""


class LoggedReporter:
    """Passes everything on, and keeps what is said in the run's log."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._said: list[str] = []
        self._log: Path | None = None

    def open(self, log: Path) -> None:
        """Write to this file from now on, beginning with what was said so far."""
        self._log = log
        for line in self._said:
            self._write(line)

    def note(self, message: str) -> None:
        """See `Reporter.note`."""
        self._reporter.note(message)
        self.keep(message)

    def warn(self, message: str) -> None:
        """See `Reporter.warn`."""
        self._reporter.warn(message)
        self.keep(f"warning: {message}")

    def on_update(self, update: Update) -> None:
        """See `Listener.on_update`."""
        self._reporter.on_update(update)

    def on_validation(self, validation: Validation) -> None:
        """See `Listener.on_validation`."""
        self._reporter.on_validation(validation)
        scores = ", ".join(f"{name} {value:.3f}" for name, value in validation.scores.items())
        self.keep(f"update {validation.update}: {scores}{' (best)' if validation.is_best else ''}")

    def keep(self, message: str) -> None:
        """Something for the log alone."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}"
        if self._log is None:
            self._said.append(line)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        assert self._log is not None
        with self._log.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
