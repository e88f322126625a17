"""What a run that goes on may have otherwise, and what it must not."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from s2s.config import Config, TrainingConfig, check_config, merge
from s2s.errors import S2SError, UsageError
from s2s.training.checkpoint import Progress
from s2s.workflow.reporter import Reporter

MAY_CHANGE = frozenset(
    {
        "data.train",
        "data.dev",
        "data.test",
        "training.max_updates",
        "training.max_epochs",
        "training.max_minutes",
        "training.patience",
        "training.validate_every",
        "training.checkpoint_every",
        "training.device",
        "training.threads",
    }
)
"""Settings that a resumed run may have otherwise, data only where they lie; all others are part of what it is."""

CHANGE_NUMBERS = frozenset({"training.device", "training.threads"})
"""Of these, the ones with which the same computation gives other digits."""


def changed_config(config: Config, overrides: Mapping[str, Any], reached: Progress, reporter: Reporter) -> Config:
    """The run's configuration with the settings that may change on resume changed.

    Raises:
        UsageError: naming each that differs, and whether it may; or a new budget that is used up already.
    """
    before = config.model_dump(mode="json")
    changed = check_config(merge(before, dict(overrides)))
    differing = {
        f"{section}.{key}": f"{section}.{key}: {value} (was {before[section][key]})"
        for section, keys in changed.model_dump(mode="json").items()
        for key, value in keys.items()
        if value != before[section][key]
    }
    if not differing.keys() <= MAY_CHANGE:
        lines = [f"{line}: {'allowed' if name in MAY_CHANGE else 'refused'}" for name, line in differing.items()]
        raise UsageError(
            "a run cannot be resumed with these settings:\n  " + "\n  ".join(lines),
            hint=f"These may change: {', '.join(sorted(MAY_CHANGE))}. For the others train a new run, "
            "perhaps with --init-from.",
        )
    _refuse_less(config.training, changed.training, reached)
    for line in differing.values():
        reporter.note(f"{line}: allowed")
    if inexact := sorted(differing.keys() & CHANGE_NUMBERS):
        reporter.warn(f"with another {' and '.join(inexact)} the run goes on, but not to the same bits")
    return changed


def _refuse_less(before: TrainingConfig, now: TrainingConfig, reached: Progress) -> None:
    """Refuse a new budget that the run has used up already.

    Raises:
        UsageError: naming it, and how far the run is.
    """
    standing = {
        "max_updates": reached.updates,
        "max_epochs": reached.epoch,
        "max_minutes": reached.seconds / 60.0,
    }
    for key, done in standing.items():
        budget = getattr(now, key)
        if budget != getattr(before, key) and 0 < budget <= done:
            raise UsageError(
                f"{budget:g} counts from the start of the run, which is at {done:g} already",
                where=f"training.{key}",
                hint="Give more, or leave it out to go on with what the run has left.",
            )


def check_hashes(then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse data that are not those that a run was trained on, wherever they lie now.

    Raises:
        S2SError: naming the first file.
    """
    for file, digest in zip_longest(now.items(), then.values()):
        path, found = file or ("data", None)
        if found != digest:
            raise S2SError(
                "the file is not the one that the run was trained on (its SHA-256 differs)",
                where=path,
                hint="Put the old file back, or train a new run.",
            )
