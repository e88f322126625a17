"""Settings that follow from the size of the corpus, where nobody chose them."""

from dataclasses import dataclass
from math import inf

from s2s.config import BUDGETS, Config, Table, check_config, with_defaults


@dataclass(frozen=True)
class Tier:
    """What corpora of up to so many training pairs are trained with."""

    pairs: float
    settings: Table


_NARROW = {"decoder_size": 256, "values": "lexical"}

TIERS = (
    Tier(
        6_000,
        {
            "tokenizer": {"size": 4000, "joint": False},
            "model": {
                "embed_size": 128,
                "hidden_size": 128,
                "decoder_size": 128,
                "values": "lexical",
                "tie": "target",
                "dropout": 0.2,
            },
            "training": {"batch_tokens": 500, "learning_rate": 3e-3, "max_epochs": 40, "patience": 12},
        },
    ),
    Tier(
        20_000,
        {
            "tokenizer": {"size": 6000, "joint": False},
            "model": {**_NARROW, "tie": "target", "dropout": 0.2},
            "training": {"batch_tokens": 700, "learning_rate": 3e-3, "max_epochs": 20},
        },
    ),
    Tier(
        60_000,
        {
            "tokenizer": {"size": 6000, "joint": False},
            "model": {**_NARROW, "tie": "target", "dropout": 0.2},
            "training": {"batch_tokens": 700, "max_epochs": 10},
        },
    ),
    Tier(
        inf,
        {
            "tokenizer": {"size": 8000},
            "model": {**_NARROW, "dropout": 0.1},
            "training": {"batch_tokens": 1000, "max_epochs": 5},
        },
    ),
)
"""From the smallest corpora to the largest."""


@dataclass(frozen=True)
class Sized:
    """A configuration that fits its corpus.

    Attributes:
        chosen: the settings that the size chose, `section.key=value`.
    """

    config: Config
    chosen: tuple[str, ...]


def fit(config: Config, pairs: int) -> Sized:
    """The configuration with what nobody set chosen by the number of training pairs."""
    settings = next(tier.settings for tier in TIERS if pairs <= tier.pairs)
    given = config.model_dump(mode="json", exclude_unset=True)
    table = with_defaults(given, settings)
    chosen = tuple(
        f"{section}.{key}={value}"
        for section, keys in table.items()
        for key, value in keys.items()
        if key not in given.get(section, {}) and (value or key not in BUDGETS)
    )
    return Sized(check_config(table), chosen)
