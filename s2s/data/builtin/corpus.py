"""The built-in corpus: sentences of the grammar without repetition, in three splits, and their files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from s2s.data.builtin import lexicon
from s2s.data.builtin.dice import Dice
from s2s.data.builtin.grammar import Clause, Predicate, attribute, noun_phrase, passive, statement, superlative
from s2s.data.builtin.phrases import mark, say, word
from s2s.data.builtin.sentences import draw_sentence
from s2s.data.builtin.surface import Example, pharaoh, surface
from s2s.errors import S2SError

SHORTEST, LONGEST = 3, 30
"""English words of a sentence, its final mark included."""

SPLITS = ("train", "dev", "test")

HELD_OUT_PAIRS = 500
"""Pairs of dev, and of test."""

ATTEMPTS_PER_PAIR = 20
"""How many sentences may be drawn for each that is wanted before the grammar counts as exhausted."""


def _lesson() -> tuple[Example, Example]:
    """The two sentences of the lesson, said by the grammar."""
    nouns = {noun.lemma: noun for nouns in lexicon.NOUNS.values() for noun in nouns}
    compounds = {noun.lemma: noun for noun in lexicon.COMPOUND_NOUNS}
    adjectives = {adjective.en: adjective for adjective in (*lexicon.QUALITIES, *lexicon.CLASSIFIERS)}
    verbs = {frame.verb.base: frame.verb for frame in lexicon.TRANSITIVE_FRAMES}
    area = noun_phrase(lexicon.THE, compounds["European Economic Area"])
    agreement = noun_phrase(lexicon.THE, nouns["agreement"]) + attribute("on", "sur", area)
    when = word("in", "en") + word("August", "août") + word("1992", "1992")
    signed = Predicate(lexicon.BE_PASSIVE, "past", passive(verbs["sign"], when))
    first = statement(Clause(agreement, signed)) + mark(".", ".")
    environment = nouns["environment"]
    known = superlative(adjectives["known"], "least", environment, every=False)
    marine = noun_phrase(lexicon.THE, environment, adjectives=[adjectives["marine"]])
    opening = say(lexicon.PRELUDE_LIST[0])
    second = opening + statement(Clause(marine, Predicate(lexicon.BE_COPULA, "present", known))) + mark(".", ".")
    return surface(first), surface(second)


LESSON_SENTENCES = _lesson()
"""The sentences of the alignment figure; no split holds one of them."""


def _key(text: str) -> str:
    """A text without case, marks and spaces: what makes two sentences the same."""
    return re.sub(r"[\W_]+", "", text.casefold())


def generate(pairs: int = 20_000, seed: int = 1) -> dict[str, list[Example]]:
    """The corpus: `train` with `pairs` examples, `dev` and `test` with 500 each, which do not depend on `pairs`.

    The same seed gives the same corpus on every machine. No sentence, English or French, occurs twice.

    Args:
        pairs: 0 leaves out `train`.

    Raises:
        S2SError: `pairs` is below 0, or more than the grammar yields.
    """
    if pairs < 0:
        raise S2SError(f"A corpus cannot have {pairs} pairs.", where="pairs", hint="Ask for 0 or more.")
    dice = Dice(seed)
    wanted = pairs + 2 * HELD_OUT_PAIRS
    seen = {_key(text) for example in LESSON_SENTENCES for text in (example.src, example.trg)}
    examples: list[Example] = []
    for _ in range(wanted * ATTEMPTS_PER_PAIR):
        phrase = draw_sentence(dice)
        if not SHORTEST <= len(phrase.en) <= LONGEST:
            continue
        example = surface(phrase)
        keys = _key(example.src), _key(example.trg)
        if seen.intersection(keys):
            continue
        seen.update(keys)
        examples.append(example)
        if len(examples) == wanted:
            break
    else:
        raise S2SError(
            f"The grammar yields only {len(examples)} different pairs of the {wanted} that were asked for.",
            where="pairs",
            hint="Ask for fewer.",
        )
    dev, test = examples[:HELD_OUT_PAIRS], examples[HELD_OUT_PAIRS : 2 * HELD_OUT_PAIRS]
    train = examples[2 * HELD_OUT_PAIRS :]
    splits = zip(SPLITS, (train, dev, test), strict=True)
    return {name: examples for name, examples in splits if examples}


def require_new_files(out: Path, splits: Iterable[str] = SPLITS) -> None:
    """Makes sure that writing these splits into the folder `out` would overwrite nothing.

    Raises:
        S2SError: `out` is a file, or holds one of the files.
    """
    if out.exists() and not out.is_dir():
        raise S2SError("The corpus cannot be written: this is not a folder.", where=str(out), hint=_ELSEWHERE)
    for path in (path for split in splits for path in _files(out, split)):
        if path.exists():
            raise S2SError("The file exists already.", where=str(path), hint=_ELSEWHERE)


_ELSEWHERE = "Choose another folder."


def _files(out: Path, split: str) -> tuple[Path, Path, Path]:
    """Where the source, the target and the links of a split are written."""
    return out / f"{split}.en", out / f"{split}.fr", out / f"{split}.align"


def write(splits: Mapping[str, Sequence[Example]], out: Path) -> list[Path]:
    """Writes `train.en`, `train.fr`, `train.align` and so on into the folder `out`, and returns their paths.

    Raises:
        S2SError: one of the files exists, or the folder cannot be written.
    """
    require_new_files(out, splits)
    texts: dict[Path, list[str]] = {}
    for split, examples in splits.items():
        src, trg, align = _files(out, split)
        texts[src] = [example.src for example in examples]
        texts[trg] = [example.trg for example in examples]
        texts[align] = [pharaoh(example) for example in examples]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, lines in texts.items():
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise S2SError(f"The corpus cannot be written: {error.strerror}.", where=str(out)) from error
    return list(texts)
