"""Read, filter and split a parallel corpus: line n of one side is the translation of line n of the other."""

import difflib
import gzip
import hashlib
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from s2s.errors import S2SError, UsageError

Source = tuple[Path, ...]
"""Where pairs come from: one two-column `.tsv` file, or a source and a target file; each may be a `.gz`."""

STDIN = Path("-")
"""The path that means standard input."""

BOM = b"\xef\xbb\xbf"

FOREIGN = {
    b"\xff\xfe": ("text in UTF-16, not UTF-8", "Convert it: iconv -f utf-16 -t utf-8 OLD > NEW"),
    b"\xfe\xff": ("text in UTF-16, not UTF-8", "Convert it: iconv -f utf-16 -t utf-8 OLD > NEW"),
    b"\x1f\x8b": ("compressed, and its name does not end in .gz", "Give it a name that ends in .gz."),
    b"PK\x03\x04": ("a zip archive, not text", "Unpack it first."),
}
"""First bytes that no text in UTF-8 has, or none that anybody means: what they say, and what to do."""

CHARS_PER_WORD = 8
"""A line with more characters a word than this is taken for a script without spaces, and measured by them."""


class Pair(NamedTuple):
    """A sentence and its translation."""

    src: str
    trg: str


Keep = Callable[[Iterable[Pair]], Sequence[Pair]]
"""What makes a sequence of pairs that come one by one: in memory (`list`) or on the disk."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file in UTF-8, one by one; memory holds the longest line, not the file.

    See `decode_lines` for what a line is. `-` is standard input; a file whose name ends in `.gz` is unpacked.
    It is opened when the first line is asked for.

    Raises:
        S2SError: the file is missing or unreadable, a damaged gzip file, or not UTF-8.
    """
    if path == STDIN:
        yield from decode_lines(sys.stdin.buffer, "standard input")
        return
    with _open(path) as stream:
        yield from decode_lines(stream, str(path))


def decode_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a binary stream in UTF-8, without their ends, as soon as each is complete.

    Only "\\n" and "\\r\\n" end a line, and no other control character or Unicode separator: lines are those
    that `wc -l` counts, and a last one without an end. A byte order mark at the start is dropped.

    Args:
        stream: the bytes.
        name: what messages call the stream.

    Raises:
        S2SError: bytes that are not UTF-8 (with `name:line`), or a stream that breaks off.
    """
    for number, raw in enumerate(_raw_lines(stream, name), start=1):
        if number == 1:
            raw = _without_mark(raw, name)
            if not raw:  # a mark and nothing else: an empty file
                return
        if raw.endswith(b"\n"):
            raw = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise S2SError(
                f"Byte {error.start + 1} of this line (0x{raw[error.start]:02X}) is not UTF-8.",
                where=f"{name}:{number}",
                hint="Convert the text, for example: iconv -f latin1 -t utf-8 OLD > NEW",
            ) from None


def read_pairs(source: Source) -> list[Pair]:
    """Every pair of a corpus: see `iterate_pairs`."""
    return list(iterate_pairs(source))


def iterate_pairs(source: Source) -> Iterator[Pair]:
    """Every pair of a corpus in its order, also those with blank sides: pair n is line n + 1.

    Raises:
        S2SError: a file cannot be read (see `read_lines`), the two files have unequal numbers of lines, or a
            line of a two-column file has not exactly one tab.
        UsageError: neither one nor two files, or standard input for both sides.
    """
    if len(source) == 1:
        yield from _read_columns(source[0])
        return
    if len(source) != 2:
        raise UsageError(
            f"A corpus is a source and a target file, or one two-column .tsv file, not {len(source)} files.",
            hint="Name two files, or one.",
        )
    src_path, trg_path = source
    if src_path == trg_path == STDIN:
        raise UsageError("Only one side of a corpus can come from standard input.", hint="Name a file for the other.")
    src, trg = read_lines(src_path), read_lines(trg_path)
    for number, (src_line, trg_line) in enumerate(zip_longest(src, trg)):
        if src_line is None or trg_line is None:
            longer = number + 1 + sum(1 for _ in (src if trg_line is None else trg))
            lines = (number, longer) if src_line is None else (longer, number)
            raise S2SError(
                f"{src_path} has {lines[0]:,} lines and {trg_path} has {lines[1]:,}; both need as many.",
                hint="Line n of one is the translation of line n of the other: look for a lost or split line.",
            )
        yield Pair(src_line, trg_line)


@dataclass(frozen=True)
class Limits:
    """What a pair may look like to be trained on. Lengths are in white-space words unless they say otherwise.

    Attributes:
        max_words: the longest side.
        max_chars: the longest side in characters, for scripts that put no spaces between words.
        max_ratio: how many times longer one side may be than the other.
        short_words: a shorter side counts as this in the ratio, so that "Yes." may be said in many words.
    """

    max_words: int = 200
    max_chars: int = 2000
    max_ratio: float = 9.0
    short_words: int = 3


@dataclass(frozen=True)
class Filtered:
    """The pairs that are fit for training, in their order, and how many were dropped for which reason."""

    pairs: Sequence[Pair]
    dropped: dict[str, int]


def filter_pairs(pairs: Iterable[Pair], limits: Limits, keep: Keep = list) -> Filtered:
    """Leave out pairs that would slow or mislead training. Not for translation, where each line counts.

    A pair is counted under the first reason that holds, so kept and dropped pairs add up to all.
    """
    dropped: Counter[str] = Counter()

    def fit() -> Iterator[Pair]:
        for pair in pairs:
            reason = fault(pair, limits)
            if reason is None:
                yield pair
            else:
                dropped[reason] += 1

    return Filtered(keep(fit()), dict(dropped))


def fault(pair: Pair, limits: Limits) -> str | None:
    """Why a pair is not fit for training, in words to show; None if it is."""
    words = len(pair.src.split()), len(pair.trg.split())
    if 0 in words:
        return "blank side"
    if max(words) > limits.max_words:
        return f"over {limits.max_words} words"
    if max(len(pair.src), len(pair.trg)) > limits.max_chars:
        return f"over {limits.max_chars} characters"
    if _ratio(pair, words, limits.short_words) > limits.max_ratio:
        return f"length ratio over {limits.max_ratio:g}"
    return None


def length_ratio(pair: Pair, short_words: int = Limits.short_words) -> float:
    """How many times longer the longer side is, in words; a side under `short_words` counts as that many.

    A side without spaces is measured by its characters: `CHARS_PER_WORD` of them are a word.
    """
    return _ratio(pair, (len(pair.src.split()), len(pair.trg.split())), short_words)


def _ratio(pair: Pair, words: tuple[int, int], short_words: int) -> float:
    """`length_ratio` of sides whose words are counted already."""
    src = max(words[0], len(pair.src) // CHARS_PER_WORD, short_words)
    trg = max(words[1], len(pair.trg) // CHARS_PER_WORD, short_words)
    return max(src, trg) / min(src, trg)


def hold_out(pairs: Sequence[Pair], count: int, seed: int, keep: Keep = list) -> tuple[Sequence[Pair], list[Pair]]:
    """Split off a part for validation: (train, dev), each in the order of `pairs`.

    No sentence of dev, on either side, is in train (pairs that share one are left out of both), and no source
    sentence is in dev twice. The same arguments give the same answer on every machine.

    Args:
        pairs: the corpus.
        count: the size of dev.
        seed: which part.
        keep: what becomes of the train part.

    Raises:
        S2SError: there are too few different sentences for `count`, or none are left to train on.
    """
    assert count >= 0, count
    rng = random.Random(seed)
    # random() alone is promised to stay the same in every version of Python; shuffle() and sample() are not.
    keys = np.fromiter((rng.random() for _ in range(len(pairs))), dtype=np.float64)
    chosen: list[int] = []
    sources: set[str] = set()
    for index in map(int, np.argsort(keys, kind="stable")):
        if len(chosen) == count:
            break
        if pairs[index].src not in sources:
            chosen.append(index)
            sources.add(pairs[index].src)
    dev = [pairs[index] for index in sorted(chosen)]
    targets = {pair.trg for pair in dev}
    train = keep(pair for pair in pairs if pair.src not in sources and pair.trg not in targets)
    if len(dev) < count or (count and not train):
        raise S2SError(
            f"{count:,} of {len(pairs):,} pairs ({len({pair.src for pair in pairs}):,} different sources)"
            " cannot be held out for validation with some left to train on.",
            hint="Name a corpus for validation, hold out fewer, or train on more text.",
        )
    return train, dev


def file_hash(path: Path) -> str:
    """The sha256 of a file's bytes as they are on disk, in hexadecimal.

    Raises:
        S2SError: the file is missing or unreadable.
    """
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _read_columns(path: Path) -> Iterator[Pair]:
    """The pairs of a file with two columns."""
    for number, line in enumerate(read_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            raise S2SError(
                f"Expected two columns, so exactly one tab; this line has {len(columns) - 1}.",
                where=f"{path}:{number}",
                hint="Each line is: source, tab, target. A corpus in two files is named by both: SRC TRG.",
            )
        yield Pair(*columns)


def _open(path: Path) -> BinaryIO:
    try:
        if path.suffix == ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        return open(path, "rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _raw_lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Lines with their ends; faults of the device or of the compression become ours."""
    try:
        yield from stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise S2SError(
            f"This is not a whole gzip file ({error}).",
            where=name,
            hint="Fetch or compress it again; `gzip -t` checks it.",
        ) from None
    except OSError as error:
        raise S2SError(f"The file cannot be read: {error.strerror or error}.", where=name) from None


def _without_mark(raw: bytes, name: str) -> bytes:
    """The first line without its byte order mark; refuses what is no text in UTF-8 from the start."""
    for start, (what, hint) in FOREIGN.items():
        if raw.startswith(start):
            raise S2SError(f"This is {what}.", where=name, hint=hint)
    return raw.removeprefix(BOM)


def _unreadable(path: Path, error: OSError) -> S2SError:
    """Why a file cannot be opened, with the name that may have been meant."""
    if isinstance(error, FileNotFoundError):
        near = _nearest(path)
        hint = (
            f"Did you mean {near}?"
            if near
            else "Check the path: on the command line it counts from the folder you are in, in a configuration from "
            "the file's own."
        )
        return S2SError("There is no such file.", where=str(path), hint=hint)
    if isinstance(error, IsADirectoryError):
        return S2SError("This is a folder; a text file was expected.", where=str(path), hint="Name a file in it.")
    return S2SError(
        f"The file cannot be read: {error.strerror or error}.", where=str(path), hint="Check its permissions."
    )


def _nearest(path: Path) -> Path | None:
    """The file beside a missing one whose name is most like it."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return path.with_name(close[0]) if close else None
