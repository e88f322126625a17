"""Settings that follow from the size of the corpus, where nobody chose them."""

from dataclasses import dataclass
from math import inf

from s2s.config import Config, Table, check_config, merge


@dataclass(frozen=True)
class Tier:
    """What corpora of up to so many training pairs are trained with; docs/recipe.md has the runs behind it."""

    pairs: float
    settings: Table


_NARROW = {"decoder_size": 256, "values": "lexical"}

TIERS = (
    Tier(
        6_000,
        {
            "tokenizer": {"size": 2000},
            "model": {"embed_size": 128, "hidden_size": 128, "decoder_size": 128, "values": "lexical", "dropout": 0.3},
            "training": {"batch_tokens": 500, "learning_rate": 3e-3, "max_epochs": 40, "validate_every": 300},
        },
    ),
    Tier(
        20_000,
        {
            "model": {**_NARROW, "dropout": 0.3},
            "training": {"batch_tokens": 700, "learning_rate": 3e-3, "max_epochs": 20},
        },
    ),
    Tier(
        60_000,
        {
            "model": {**_NARROW, "dropout": 0.2},
            "training": {"batch_tokens": 700, "learning_rate": 3e-3, "max_epochs": 10},
        },
    ),
    Tier(
        inf,
        {
            "tokenizer": {"size": 8000},
            "model": {**_NARROW, "dropout": 0.1},
            "training": {"batch_tokens": 1000, "max_epochs": 5, "validate_every": 2000},
        },
    ),
)
"""From the smallest corpora to the largest."""


@dataclass(frozen=True)
class Sized:
    """A configuration that fits its corpus.

    Attributes:
        chosen: the settings that the size chose, `section.key: value`.
    """

    config: Config
    chosen: tuple[str, ...]


def fit(config: Config, pairs: int) -> Sized:
    """The configuration with what nobody set chosen by the number of training pairs.

    Raises:
        UsageError: what was set makes no sense together with what the size chooses.
    """
    settings = next(tier.settings for tier in TIERS if pairs <= tier.pairs)
    given = config.model_dump(mode="json", exclude_unset=True)
    chosen = {
        section: {key: value for key, value in keys.items() if key not in given.get(section, {})}
        for section, keys in settings.items()
    }
    told = tuple(f"{section}.{key}={value}" for section, keys in chosen.items() for key, value in keys.items())
    return Sized(check_config(merge(chosen, given)), told)
