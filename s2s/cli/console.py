"""What people see on standard error: messages, progress, scores."""

import math
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from s2s.workflow.evaluation import Evaluation
    from s2s.workflow.reporter import Update, Validation

PLAIN_SECONDS = 15.0
"""Seconds between progress lines where standard error is no terminal."""

SMOOTHING = 0.98
"""Share of the old value in the running means of loss and speed."""


class StandardError(Console):
    """Standard error; colours only on a terminal and without NO_COLOR, lines never broken in a file.

    Args:
        reader_left: called once where nobody reads any more; after it nothing more is written.
    """

    def __init__(self, reader_left: Callable[[], None]) -> None:
        super().__init__(stderr=True, highlight=False)
        self.soft_wrap = not self.is_terminal
        self._reader_left = reader_left

    def on_broken_pipe(self) -> None:
        """See `Console.on_broken_pipe`, which would end the program."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        self._reader_left()


class TrainingConsole:
    """A reporter and listener: a progress bar on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[state]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("training", total=1.0, epoch=1, state="")
        self._loss: float | None = None
        self._log_loss = 0.0
        self._began: tuple[float, float] | None = None
        self._tokens = 0
        self._told = 0.0

    def note(self, message: str) -> None:
        """See `Reporter.note`."""
        self._console.print(escape(message))

    def warn(self, message: str) -> None:
        """See `Reporter.warn`."""
        self._console.print(f"[yellow]warning:[/yellow] {escape(message)}")

    def on_update(self, update: "Update") -> None:
        """See `Listener.on_update`."""
        if update.skipped:  # its loss is no number, and would make the mean none
            return
        keep = SMOOTHING if self._loss is not None else 0.0
        self._loss = keep * (self._loss or 0.0) + (1.0 - keep) * update.loss
        self._log_loss = keep * self._log_loss + (1.0 - keep) * update.log_loss
        if self._began is None:
            self._began = (update.seconds, update.used)
        else:
            self._tokens += update.tokens
        if self._console.is_terminal:
            self._bar.start()
            self._bar.update(self._task, completed=update.used, epoch=update.epoch, state=self._state(update))
        elif self._tokens and time.monotonic() - self._told > PLAIN_SECONDS:
            self._told = time.monotonic()
            self.note(f"epoch {update.epoch}, update {update.update:,}, {update.used:.0%}: {self._state(update)}")

    def on_validation(self, validation: "Validation") -> None:
        """See `Listener.on_validation`."""
        scores = validation.scores
        self.note(
            f"update {validation.update:,}: dev loss {scores['loss']:.3f}, perplexity {scores['perplexity']:.2f}, "
            f"greedy BLEU {scores['bleu']:.2f}, chrF {scores['chrf']:.2f}" + (" (best)" if validation.is_best else "")
        )

    def close(self) -> None:
        """Take the progress bar away."""
        self._bar.stop()

    def _state(self, update: "Update") -> str:
        assert self._began is not None
        began, used = self._began
        seconds = max(update.seconds - began, 1e-9)
        left = (1.0 - update.used) * seconds / (update.used - used) if update.used > used else math.nan
        return (
            f"loss {self._loss:.3f}, perplexity {math.exp(min(self._log_loss, 50.0)):.2f}, "
            f"{self._tokens / seconds:,.0f} target tokens/s, {clock(left)} left"
        )


def clock(seconds: float) -> str:
    """`1:05` or `2:01:05`; `?` for what is no number."""
    if math.isnan(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def score_table(name: str, evaluation: "Evaluation") -> Table:
    """Scores with their signatures, as a table."""
    table = Table(title=f"{name}: {evaluation.sentences:,} sentences, {evaluation.search}", title_justify="left")
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("signature", overflow="fold")
    for score in evaluation.scores:
        table.add_row(score.name, f"{score.value:.2f}", score.signature)
    table.add_row("perplexity", f"{evaluation.perplexity:.2f}", "per target piece, end of sentence counted")
    return table


def score_lines(name: str, evaluation: "Evaluation") -> list[str]:
    """Scores with their signatures, as plain lines."""
    lines = [f"{name} {s.name} {s.value:.2f} {s.signature}" for s in evaluation.scores]
    return [*lines, f"{name} perplexity {evaluation.perplexity:.2f} ({evaluation.search})"]
