"""A small corpus, small settings, and a reporter that remembers: for tests that train."""

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from s2s.config import Config, check_config, merge
from s2s.training.trainer import Update, Validation
from s2s.workflow.comparison import Planned, Trained
from s2s.workflow.grid import Grid, build_grid, parse_variation
from s2s.workflow.training import Outcome

SUBJECTS = {"a man": "un homme", "a woman": "une femme", "the dog": "le chien", "the child": "l'enfant"}
VERBS = {"sees": "voit", "hears": "entend", "likes": "aime", "draws": "dessine"}
OBJECTS = {
    "a red house": "une maison rouge",
    "the small car": "la petite voiture",
    "an apple": "une pomme",
    "the black bird": "l'oiseau noir",
    "two fish": "deux poissons",
    "its shadow": "son ombre",
    "the sea": "la mer",
    "a book": "un livre",
}
PAIRS = [
    (f"{subject} {verb} {thing} .", f"{SUBJECTS[subject]} {VERBS[verb]} {OBJECTS[thing]} .")
    for subject, verb, thing in product(SUBJECTS, VERBS, OBJECTS)
]


@dataclass
class Told:
    """A reporter that remembers."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def on_update(self, update: Update) -> None:
        self.updates.append(update)

    def on_validation(self, validation: Validation) -> None:
        self.validations.append(validation)


@dataclass(frozen=True)
class Finished:
    """A training that came to its end."""

    config: Config
    outcome: Outcome
    told: Told

    @property
    def path(self) -> Path:
        return self.outcome.run.path


def write_pairs(folder: Path, name: str, pairs: list[tuple[str, str]]) -> list[str]:
    paths = [folder / f"{name}.en", folder / f"{name}.fr"]
    for side, path in enumerate(paths):
        path.write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")
    return list(map(str, paths))


def small(*tables: dict[str, Any]) -> Config:
    """A configuration whose training takes a second."""
    base: dict[str, Any] = {
        "tokenizer": {"size": 310},
        "model": {"embed_size": 16, "hidden_size": 16},
        "training": {
            "batch_tokens": 200,
            "max_updates": 6,
            "threads": 1,
            "precision": "fp32",
            "device": "cpu",
            "metric": "loss",
        },
        "decoding": {"max_length": 0.1, "beam": 2},
    }
    return check_config(merge(base, *tables))


VARY = "model.attention+model.attend=none+first,additive+first,none+last"
"""Two models, and a combination that makes none."""


@dataclass
class Watched(Told):
    """A reporter that remembers, also which run of a comparison began."""

    begun: list[Planned] = field(default_factory=list)

    def begin(self, planned: Planned) -> None:
        self.begun.append(planned)


@dataclass(frozen=True)
class Compared:
    """A comparison whose runs are all done."""

    trained: Trained
    told: Watched


def small_grid(corpus: dict[str, list[str]], *vary: str, seeds: tuple[int, ...] = (1, 2), **sections: Any) -> Grid:
    """A grid whose runs take a second each."""
    table = small({"data": corpus, "training": {"max_updates": 3}}).model_dump(mode="json")
    return build_grid(merge(table, sections), {}, [parse_variation(text) for text in vary or (VARY,)], seeds)
