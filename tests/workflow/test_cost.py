"""What it costs that nothing is lost."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from small_runs import Told, write_pairs

from s2s.config import Config, check_config, merge, read_config
from s2s.data.builtin import generate
from s2s.training.log import MetricsLog
from s2s.workflow.run import CheckpointSaver
from s2s.workflow.training import train

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[float]]:
    """Seconds of each call of what saves and logs."""
    seconds: dict[str, list[float]] = {}

    def watch(kind: type, name: str) -> None:
        whole: Callable[..., Any] = getattr(kind, name)

        def timed(*arguments: Any) -> None:
            began = time.perf_counter()
            whole(*arguments)
            seconds.setdefault(name, []).append(time.perf_counter() - began)

        monkeypatch.setattr(kind, name, timed)

    watch(CheckpointSaver, "save_last")
    watch(MetricsLog, "on_update")
    return seconds


def test_saving_takes_less_than_a_fiftieth_of_training(tmp_path: Path, spent: dict[str, list[float]]) -> None:
    """With the model and the batches of configs/multi30k.toml, at the interval that is the default."""
    examples = generate(pairs=2000)
    sets = {
        name: write_pairs(tmp_path, name, [(e.src, e.trg) for e in examples[name][:2000]]) for name in ("train", "dev")
    }
    shipped = read_config(ROOT / "configs" / "multi30k.toml")
    here = {"max_minutes": 0, "max_updates": 40, "checkpoint_every": 5, "validate_every": 1000, "device": "cpu"}
    config = check_config(merge(shipped, {"data": {**sets, "test": None}, "training": here}))
    told = Told()
    train(config, tmp_path / "run", told)
    assert len(spent["save_last"]) >= 8
    update = median(u.seconds - v.seconds for v, u in zip(told.updates[5:], told.updates[6:], strict=False))
    every = Config().training.checkpoint_every
    share = (median(spent["save_last"]) / every + median(spent["on_update"])) / update
    assert share < 0.02, f"{share:.2%} of {update:.3f} s an update"
