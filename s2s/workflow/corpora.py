"""The sentence pairs that a configuration asks for: read, checked, filtered, held out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s.config import BUILTIN, DataConfig
from s2s.data import builtin
from s2s.data.corpus import Limits, Pair, Source, file_hash, filter_pairs, hold_out, iterate_pairs, read_pairs
from s2s.data.store import StoredPairs
from s2s.errors import S2SError, UsageError

GRAMMAR_SEED = 1
"""The built-in corpus is the one that `s2s data generate` writes by default."""

BUILTIN_WARNING = (
    "scores on the built-in corpus are not comparable with real text: its sentences come from a small grammar"
)


@dataclass(frozen=True)
class Corpora:
    """The pairs of a training run.

    Attributes:
        train: filtered.
        dev: every line, blank ones too.
        test: the same; empty where there is none.
        notes: what was read, left out and held out, a line each.
        warnings: what the user may want to mend.
        hashes: SHA-256 of each file that was read.
    """

    train: Sequence[Pair]
    dev: list[Pair]
    test: list[Pair]
    src_lang: str
    trg_lang: str
    notes: Sequence[str]
    warnings: Sequence[str]
    hashes: Mapping[str, str]


def read_corpora(data: DataConfig, seed: int) -> Corpora:
    """Read all that the configuration names.

    Raises:
        UsageError: it names no training data.
        S2SError: a file is at fault, or no pair is fit for training.
    """
    if data.corpus == BUILTIN:
        return _builtin(data)
    if not data.train:
        raise UsageError(
            "the configuration names no training data",
            where="data.train",
            hint="Use --train SRC TRG, set data.train, or data.corpus=builtin for the generated corpus.",
        )
    for name, source in (("dev", data.dev), ("test", data.test)):
        _refuse_swapped(name, source, data.train[0])
    dev = read_pairs(data.dev) if data.dev else []
    test = read_pairs(data.test) if data.test else []
    raw = (pair for source in data.train for pair in iterate_pairs(source))
    filtered = filter_pairs(raw, Limits(max_words=data.max_words, max_ratio=data.max_ratio), StoredPairs)
    train = filtered.pairs
    count = len(train) + sum(filtered.dropped.values())
    notes = [f"train: {count:,} pairs from {_names(data.train)}"]
    warnings = [f"left out of train: {count:,} x {reason}" for reason, count in filtered.dropped.items()]
    if not train:
        raise S2SError(
            f"none of the {count:,} pairs is fit for training",
            where=_names(data.train),
            hint="`s2s data check SRC TRG` tells what is wrong with a corpus.",
        )
    if not data.dev:
        train, dev = hold_out(train, max(min(data.dev_size, len(train) // 10), 1), seed, StoredPairs)
        notes.append(f"dev: {len(dev):,} pairs held out of train (seed {seed})")
    else:
        notes.append(f"dev: {len(dev):,} pairs from {_names([data.dev])}")
    if data.test:
        notes.append(f"test: {len(test):,} pairs from {_names([data.test])}")
    for name, source, pairs in (("dev", data.dev, dev), ("test", data.test, test)):
        if source and not pairs:
            raise S2SError(f"the {name} set has no pair", where=_names([source]), hint=f"Leave data.{name} out.")
    warnings += _leaks(train, {"dev": dev if data.dev else [], "test": test})
    sources = [*data.train, *(source for source in (data.dev, data.test) if source)]
    return Corpora(
        train=train,
        dev=dev,
        test=test,
        src_lang=data.src_lang or _language(data.train[0], 0),
        trg_lang=data.trg_lang or _language(data.train[0], 1),
        notes=notes,
        warnings=warnings,
        hashes={str(path): file_hash(path) for source in sources for path in source},
    )


def _builtin(data: DataConfig) -> Corpora:
    splits = builtin.generate(pairs=data.pairs, seed=GRAMMAR_SEED)
    pairs = {name: [Pair(example.src, example.trg) for example in split] for name, split in splits.items()}
    return Corpora(
        train=pairs["train"],
        dev=pairs["dev"],
        test=pairs["test"],
        src_lang="en",
        trg_lang="fr",
        notes=[
            f"the built-in English-French corpus: {len(pairs['train']):,} train, {len(pairs['dev']):,} dev and "
            f"{len(pairs['test']):,} test pairs from a grammar (seed {GRAMMAR_SEED})"
        ],
        warnings=[],
        hashes={},
    )


def _leaks(train: Iterable[Pair], held: Mapping[str, Sequence[Pair]]) -> list[str]:
    """A warning for each set to be scored that has pairs of the training data."""
    wanted = {pair for pairs in held.values() for pair in pairs}
    known = {pair for pair in train if pair in wanted} if wanted else set()
    shared = {name: sum(pair in known for pair in pairs) for name, pairs in held.items()}
    return [
        f"{count:,} of the {len(held[name]):,} pairs of {name} are in train, too: scores on it flatter"
        for name, count in shared.items()
        if count
    ]


def _refuse_swapped(name: str, source: Source | None, train: Source) -> None:
    """Refuse files whose names have the languages of the training data the other way round.

    Raises:
        UsageError: naming both.
    """
    if source is None or len(source) != 2 or len(train) != 2:
        return
    ours, theirs = ([_language(files, side) for side in (0, 1)] for files in (source, train))
    if ours == theirs[::-1] != theirs:
        raise UsageError(
            f"{_names([source])} have the languages of train the other way round, {' and '.join(theirs)} by their "
            "names",
            where=f"data.{name}",
            hint="Give source and target in the same order everywhere.",
        )


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(" + ".join(str(path) for path in source) for source in sources)


def _language(source: Source, side: int) -> str:
    """The ending of a file's name (`train.en`, `train.en.gz`), if it looks like a language code."""
    if len(source) == 2:
        name = Path(source[side].name.removesuffix(".gz"))
        if name.suffix[1:].replace("-", "").replace("_", "").isalpha() and len(name.suffix) <= 8:
            return name.suffix[1:]
    return ("src", "trg")[side]
