"""What the console makes of updates."""

import io
from dataclasses import replace

from rich.console import Console

from s2s.cli.console import TrainingConsole
from s2s.training.trainer import Update

UPDATE = Update(
    update=1,
    epoch=1,
    loss=2.0,
    log_loss=2.0,
    tokens=9,
    learning_rate=0.1,
    gradient_norm=1.0,
    seconds=1.0,
    used=0.1,
    skipped=False,
)


def test_an_update_that_was_skipped_leaves_the_mean_as_it_is() -> None:
    """Its loss is no number, and would make the mean none."""
    text = io.StringIO()
    console = TrainingConsole(Console(file=text))
    console.on_update(UPDATE)
    console.on_update(replace(UPDATE, update=2, loss=float("nan"), log_loss=float("nan"), skipped=True, seconds=2.0))
    console.on_update(replace(UPDATE, update=3, seconds=3.0, used=0.3))
    assert "update 3, 30%: loss 2.000, perplexity 7.39" in text.getvalue()
