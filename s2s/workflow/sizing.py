"""Settings that follow from the size of the corpus, where nobody chose them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from s2s.config import BUDGETS, Config, Table, check_config, with_defaults


@dataclass(frozen=True)
class Tier:
    """What corpora of up to so many training pairs are trained with.

    Attributes:
        pieces: of each language's vocabulary.
        width: of embeddings, of the encoder's states per direction, and of the decoder's.
        dropout: `model.dropout`.
        training: settings of that section; those left out have their defaults.
    """

    pairs: float
    pieces: int
    width: int
    dropout: float
    training: Mapping[str, Any]

    def settings(self) -> Table:
        """As a configuration has them."""
        widths = dict.fromkeys(("embed_size", "hidden_size", "decoder_size"), self.width)
        return {
            "tokenizer": {"size": self.pieces, "joint": False},
            "model": {**widths, "values": "lexical", "tie": "target", "dropout": self.dropout},
            "training": dict(self.training),
        }


TIERS = (
    Tier(6_000, 4000, 128, 0.2, {"batch_tokens": 500, "learning_rate": 3e-3, "max_epochs": 40, "patience": 12}),
    Tier(20_000, 6000, 256, 0.2, {"dictionary": True, "batch_tokens": 700, "learning_rate": 3e-3, "max_epochs": 20}),
    Tier(60_000, 6000, 256, 0.2, {"dictionary": True, "batch_tokens": 700, "max_epochs": 10}),
    Tier(inf, 8000, 256, 0.1, {"dictionary": True, "batch_tokens": 1000, "max_epochs": 5}),
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
    settings = next(tier.settings() for tier in TIERS if pairs <= tier.pairs)
    given = config.model_dump(mode="json", exclude_unset=True)
    table = with_defaults(given, settings)
    chosen = tuple(
        f"{section}.{key}={value}"
        for section, keys in table.items()
        for key, value in keys.items()
        if key not in given.get(section, {}) and (value or key not in BUDGETS)
    )
    return Sized(check_config(table), chosen)
