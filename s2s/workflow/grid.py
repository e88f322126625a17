"""What a comparison trains: every combination of the settings that vary, each with every seed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from s2s.build import check_model
from s2s.config import (
    Config,
    Table,
    check_config,
    merge,
    parse_override,
    with_absolute_paths,
    with_builtin_defaults,
)
from s2s.errors import UsageError

SEED = "training.seed"


@dataclass(frozen=True)
class Variation:
    """Settings that vary together, and the values that they take: one `--vary`.

    Attributes:
        keys: `model.cell`, or several that go together.
        choices: for each choice, a value for each key, as it was written.
    """

    keys: tuple[str, ...]
    choices: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Contender:
    """A model of the comparison.

    Attributes:
        name: what it is called in tables and figures, such as `lstm, additive`.
        settings: what is special about it, setting -> value as written.
        choices: which choice of each variation it is.
        configs: seed -> all its settings.
    """

    name: str
    settings: Mapping[str, str]
    choices: tuple[int, ...]
    configs: Mapping[int, Config]

    def directory(self, seed: int) -> str:
        """The name of the run with this seed."""
        return f"{_file_name(self.name)}-seed{seed}"


@dataclass(frozen=True)
class LeftOut:
    """A combination that is not compared, and why."""

    name: str
    settings: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Grid:
    """All models of a comparison, in the order of the variations; the first is what the others are compared with."""

    variations: tuple[Variation, ...]
    seeds: tuple[int, ...]
    contenders: tuple[Contender, ...]
    left_out: tuple[LeftOut, ...]


def parse_variation(text: str) -> Variation:
    """`KEY=VALUE,VALUE`; or, for settings that go together, `KEY+KEY=VALUE+VALUE,VALUE+VALUE`.

    Raises:
        UsageError: it has not this form, or names something twice.
    """
    names, equals, values = text.partition("=")
    keys = tuple(key.strip() for key in names.split("+"))
    written = _split(values, ",")
    choices = tuple(tuple(_split(choice, "+")) if len(keys) > 1 else (choice,) for choice in written)
    if not equals or not all(keys) or not all(value for choice in choices for value in choice):
        raise UsageError(
            f"--vary {text!r} is not of the form KEY=VALUE,VALUE",
            hint="For example --vary model.cell=lstm,gru; settings that go together: "
            "--vary model.attention+model.attend=none+first,additive+between.",
        )
    for choice in choices:
        if len(choice) != len(keys):
            raise UsageError(
                f"--vary {text!r}: {'+'.join(choice)!r} gives {len(choice)} values to {len(keys)} settings",
                hint=f"Each choice needs a value for each of {', '.join(keys)}, with + between them.",
            )
    for kind, given in (("the setting", keys), ("the choice", ["+".join(choice) for choice in choices])):
        if twice := next((item for item in given if list(given).count(item) > 1), None):
            raise UsageError(f"--vary {text!r} names {kind} {twice} twice", hint="Leave one of them out.")
    return Variation(keys, choices)


def parse_seeds(text: str) -> tuple[int, ...]:
    """`1,2,3`.

    Raises:
        UsageError: one is no seed, or stands there twice.
    """
    parts = [part.strip() for part in text.split(",")]
    seeds = tuple(int(part) for part in parts if part.isdecimal())
    if len(seeds) != len(parts) or len(set(seeds)) != len(seeds):
        raise UsageError(f"--seeds {text!r} is no list of different whole numbers", hint="For example --seeds 1,2,3.")
    return seeds


def build_grid(
    table: Table, chosen: Table, variations: Sequence[Variation], seeds: Sequence[int], where: str | None = None
) -> Grid:
    """Every combination, checked; one that makes no model is left out with the reason.

    Args:
        table: what the configuration file says.
        chosen: what `--set` says.
        variations: what varies.
        seeds: none: the seed of the configuration.
        where: the configuration file, for messages.

    Raises:
        UsageError: a setting varies twice or is set, too; a value is none that the setting may have; or no
            combination makes a model.
    """
    _refuse_clashes(chosen, variations, seeds)
    # Here and not for each combination: so nothing differs between two of them but what varies.
    base = with_builtin_defaults(merge(table, chosen))
    contenders: list[Contender] = []
    left_out: list[LeftOut] = []
    faults: dict[str, None] = {}  # a set that keeps its order: the same fault in many combinations is told once
    for choices in product(*(range(len(variation.choices)) for variation in variations)):
        settings = _settings(variations, choices)
        name = _name(variations, choices)
        try:
            configs = _configs(merge(base, *(_override(key, value) for key, value in settings.items())), seeds, where)
        except UsageError as fault:
            faults |= dict.fromkeys(fault.message.split("\n  ")[1:])
            continue
        try:
            check_model(next(iter(configs.values())).model)
        except UsageError as fault:
            left_out.append(LeftOut(name, settings, " ".join(fault.message.split())))
            continue
        contenders.append(Contender(name, settings, choices, configs))
    if faults:
        raise UsageError(
            f"{len(faults)} fault{'s' if len(faults) > 1 else ''} in the configurations:\n  " + "\n  ".join(faults),
            where=where,
            hint="`s2s settings KEY` explains a setting.",
        )
    reasons = "".join(f"\n  {out.name}: {out.reason}" for out in left_out)
    if left_out and len(contenders) == 1 and len(seeds) < 2:
        raise UsageError(
            f"there is nothing to compare {contenders[0].name} with, since the others make no model:{reasons}",
            hint="Settings that go together vary as one: --vary model.attention+model.attend=none+first,dot+last.",
        )
    if not contenders:
        raise UsageError(
            f"none of the {len(left_out)} combinations makes a model:{reasons}",
            hint="Settings that go together vary as one: --vary model.attention+model.attend=none+first,dot+last.",
        )
    _refuse_shared_names(contenders)
    return Grid(tuple(variations), tuple(contenders[0].configs), tuple(contenders), tuple(left_out))


def _refuse_clashes(chosen: Table, variations: Sequence[Variation], seeds: Sequence[int]) -> None:
    keys = [key for variation in variations for key in variation.keys]
    if SEED in keys:
        raise UsageError(f"--vary {SEED} would compare luck", hint="Give --seeds 1,2,3: scores are means over them.")
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise UsageError(f"{twice} varies twice", where="--vary", hint="Give all its values in one --vary.")
    fixed = {f"{section}.{key}" for section, values in chosen.items() for key in values}
    if both := sorted(fixed & ({*keys, SEED} if seeds else set(keys))):
        raise UsageError(f"{', '.join(both)} both varies and is set", where="--set", hint="Leave one of the two out.")
    if len(seeds) < 2 and not any(len(variation.choices) > 1 for variation in variations):
        raise UsageError(
            "there is nothing to compare: no setting varies, and there are not several seeds",
            hint="For example --vary model.cell=lstm,gru, or --seeds 1,2,3.",
        )


def _refuse_shared_names(contenders: Sequence[Contender]) -> None:
    """Values that differ in marks alone would share a directory."""
    known: dict[str, str] = {}
    for contender in contenders:
        name = contender.directory(0).casefold()  # some disks do not tell A from a
        if name in known:
            raise UsageError(
                f"{known[name]!r} and {contender.name!r} would have the same run directory",
                where="--vary",
                hint="Compare them in two comparisons, or rename the files that they name.",
            )
        known[name] = contender.name


def _settings(variations: Sequence[Variation], choices: Sequence[int]) -> dict[str, str]:
    return {
        key: value
        for variation, choice in zip(variations, choices, strict=True)
        for key, value in zip(variation.keys, variation.choices[choice], strict=True)
    }


def _name(variations: Sequence[Variation], choices: Sequence[int]) -> str:
    """The values that tell the combination from the others."""
    varied = [variation for variation in variations if len(variation.choices) > 1] or list(variations)
    meanings: dict[str, set[str]] = {}
    for variation in varied:
        for choice in variation.choices:
            for key, value in zip(variation.keys, choice, strict=True):
                meanings.setdefault(value, set()).add(key)
    own = {key for variation in varied for key in variation.keys}
    settings = _settings(variations, choices)
    parts = [_part(key, value, len(meanings[value]) > 1) for key, value in settings.items() if key in own]
    return ", ".join(parts) or "model"


def _part(key: str, value: str, ambiguous: bool) -> str:
    """A word as it is; with its setting what is no word, or might be the value of another setting."""
    plain = re.sub(r"[\"']", "", value)
    is_word = plain.replace("_", "").isalpha() and plain not in ("true", "false")
    return plain if is_word and not ambiguous else f"{key.split('.')[-1]}={plain}"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.=-]+", "_", name.replace(", ", "-"))


def _override(key: str, value: str) -> Table:
    return with_absolute_paths(parse_override(f"{key}={value}"), Path.cwd())


def _configs(table: Table, seeds: Sequence[int], where: str | None) -> dict[int, Config]:
    """For each seed the configuration; without any, for the one that it has."""
    checked = [check_config(merge(table, {"training": {"seed": seed}}), where) for seed in seeds]
    return {config.training.seed: config for config in checked or [check_config(table, where)]}


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators, but not at one inside quotes or brackets: values may be lists."""
    whole = r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^SEPARATOR])*""".replace("SEPARATOR", separator)
    parts = []
    for match in re.finditer(f"({whole})({re.escape(separator)}|$)", text):
        parts.append(match[1].strip())
        if not match[2]:
            break
    return parts
