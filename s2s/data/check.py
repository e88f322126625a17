"""What is in a parallel corpus, and what in it deserves a look before it is trained on."""

import re
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s2s.data.corpus import Limits, Pair, filter_pairs, length_ratio

EXAMPLES = 5
"""How many line numbers a finding tells."""

BLANK, COPIED, RATIO = "blank sides", "copied pairs", "suspicious length ratios"
DUPLICATES, SEVERAL = "repeated pairs", "sources with several targets"

ODD_CHARACTERS = {
    "control characters": re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]"),
    "Unicode line separators": re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"),
    "carriage returns inside a line": re.compile(r"\r"),
    "byte order marks inside a line": re.compile(r"\ufeff"),
    "replacement characters": re.compile(r"\ufffd"),
    "letters encoded twice": re.compile(r"[ÃÂ][\x80-\xbf]"),
}
"""Characters that a sentence has by accident."""

ADVICE = {
    BLANK: "training skips these pairs; are the files out of step?",
    COPIED: "source and target are the same text: untranslated?",
    RATIO: "one side is much longer: are the files out of step there?",
    DUPLICATES: "they weigh more in training than the rest",
    "control characters": "remove them, or find out what made them",
    "Unicode line separators": "other programs may split lines there and lose step",
    "carriage returns inside a line": "other programs may split lines there and lose step",
    "byte order marks inside a line": "were files joined? remove U+FEFF",
    "replacement characters": "letters were lost in an earlier conversion (U+FFFD)",
    "letters encoded twice": "UTF-8 was read as Latin-1 on the way: é became Ã©",
}
"""What a finding means or asks for. `SEVERAL` is not among them: languages are like that."""


@dataclass(frozen=True)
class Lengths:
    """How long the sentences of a side are, in white-space words; blank ones count as 0.

    `percentile_95` is the least length that at least 95 sentences of 100 do not exceed.
    """

    mean: float
    median: float
    percentile_95: int
    percentile_99: int
    longest: int
    longest_line: int


@dataclass(frozen=True)
class Side:
    """One side of a corpus; `vocabulary` is its number of different white-space words."""

    name: str
    words: int
    chars: int
    vocabulary: int
    lengths: Lengths


@dataclass(frozen=True)
class Finding:
    """How many pairs (or sources) something holds of, and the first lines where it does, counted from 1."""

    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Overlap:
    """How many pairs of another corpus have their source, their target, or both in one pair of this corpus.

    Blank sides do not count.
    """

    name: str
    pairs: int
    by_src: int
    by_trg: int
    by_pair: int


@dataclass(frozen=True)
class Report:
    """The answer of `inspect`.

    Attributes:
        pairs: lines of each side, blank ones included.
        src: the source side.
        trg: the target side.
        findings: by name, in the order in which to tell them; also those that nothing was found for.
        dropped: what training leaves out with the limits given, by reason.
        overlaps: one for each of the other corpora.
    """

    pairs: int
    src: Side
    trg: Side
    findings: dict[str, Finding]
    dropped: dict[str, int]
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True)
class Table:
    """A part of a report to be shown: cells are text, the first column names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def inspect(
    pairs: Sequence[Pair],
    names: tuple[str, str],
    others: Mapping[str, Sequence[Pair]],
    limits: Limits | None = None,
) -> Report:
    """Count what is in a corpus and what is odd in it.

    Args:
        pairs: all lines of the corpus, blank ones included.
        names: what to call its two sides.
        others: further corpora by name (dev, test), of which none should be in this one.
        limits: what training would keep; the defaults if None.
    """
    limits = limits or Limits()
    return Report(
        pairs=len(pairs),
        src=_side(names[0], [pair.src for pair in pairs]),
        trg=_side(names[1], [pair.trg for pair in pairs]),
        findings=_findings(pairs, limits),
        dropped=filter_pairs(pairs, limits).dropped,
        overlaps=tuple(_overlap(name, pairs, other) for name, other in others.items()),
    )


def verdict(report: Report) -> list[str]:
    """What to look at, a sentence each; an empty list where nothing is odd."""
    found = [
        f"{name}: {finding.count:,} ({_places(finding)}); {ADVICE[name]}"
        for name, finding in report.findings.items()
        if finding.count and name in ADVICE
    ]
    shared = [
        f"overlap: {overlap.by_src:,} of {overlap.pairs:,} sources and {overlap.by_trg:,} targets of"
        f" {overlap.name} are in this corpus; scores on it would flatter"
        for overlap in report.overlaps
        if overlap.by_src or overlap.by_trg
    ]
    return (["there are no pairs in it"] if report.pairs == 0 else []) + found + shared


def tables(report: Report) -> list[Table]:
    """The report as tables for a reader."""
    sides = (report.src, report.trg)
    rows = [
        ("words", *(f"{side.words:,}" for side in sides)),
        ("different words", *(f"{side.vocabulary:,}" for side in sides)),
        ("characters", *(f"{side.chars:,}" for side in sides)),
        ("mean length", *(f"{side.lengths.mean:.1f}" for side in sides)),
        ("median length", *(f"{side.lengths.median:g}" for side in sides)),
        ("95 % are at most", *(f"{side.lengths.percentile_95:,}" for side in sides)),
        ("99 % are at most", *(f"{side.lengths.percentile_99:,}" for side in sides)),
        ("longest", *(f"{side.lengths.longest:,} (line {side.lengths.longest_line})" for side in sides)),
    ]
    found = [(name, f"{finding.count:,}", _places(finding)) for name, finding in report.findings.items()]
    parts = [
        Table(
            f"{report.pairs:,} pairs in UTF-8, lengths in words",
            ("", *(side.name for side in sides)),
            tuple(rows),
        ),
        Table("Findings", ("", "count", "first at"), tuple(found)),
    ]
    if report.dropped:
        dropped = tuple((reason, f"{count:,}") for reason, count in report.dropped.items())
        parts.append(Table("Left out of training", ("reason", "pairs"), dropped))
    if report.overlaps:
        shared = tuple(
            (
                overlap.name,
                *(f"{n:,}" for n in (overlap.pairs, overlap.by_src, overlap.by_trg, overlap.by_pair)),
            )
            for overlap in report.overlaps
        )
        header = ("other corpus", "pairs", "source is here", "target is here", "pair is here")
        parts.append(Table("Overlap", header, shared))
    return parts


def _side(name: str, lines: Sequence[str]) -> Side:
    vocabulary: set[str] = set()
    lengths = []
    for line in lines:
        words = line.split()
        lengths.append(len(words))
        vocabulary.update(words)
    return Side(name, sum(lengths), sum(map(len, lines)), len(vocabulary), _lengths(lengths))


def _lengths(lengths: list[int]) -> Lengths:
    if not lengths:
        return Lengths(0.0, 0.0, 0, 0, 0, 0)
    ordered = sorted(lengths)

    def percentile(percent: int) -> int:
        return ordered[-(-percent * len(ordered) // 100) - 1]

    return Lengths(
        mean=statistics.fmean(ordered),
        median=statistics.median(ordered),
        percentile_95=percentile(95),
        percentile_99=percentile(99),
        longest=ordered[-1],
        longest_line=lengths.index(ordered[-1]) + 1,
    )


def _findings(pairs: Sequence[Pair], limits: Limits) -> dict[str, Finding]:
    lines: dict[str, list[int]] = {BLANK: [], COPIED: [], RATIO: [], DUPLICATES: [], SEVERAL: []}
    lines.update({name: [] for name in ODD_CHARACTERS})
    targets: defaultdict[str, set[str]] = defaultdict(set)
    for number, pair in enumerate(pairs, start=1):
        for name, pattern in ODD_CHARACTERS.items():
            if pattern.search(pair.src) or pattern.search(pair.trg):
                lines[name].append(number)
        if not (pair.src.strip() and pair.trg.strip()):
            lines[BLANK].append(number)
            continue
        if pair.src == pair.trg:
            lines[COPIED].append(number)
        if length_ratio(pair, limits.short_words) > limits.max_ratio:
            lines[RATIO].append(number)
        known = targets[pair.src]
        if pair.trg in known:
            lines[DUPLICATES].append(number)
        elif len(known) == 1:  # told once a source, where the second target appears
            lines[SEVERAL].append(number)
        known.add(pair.trg)
    return {name: Finding(len(numbers), tuple(numbers[:EXAMPLES])) for name, numbers in lines.items()}


def _overlap(name: str, pairs: Sequence[Pair], other: Sequence[Pair]) -> Overlap:
    src, trg, both = {pair.src for pair in pairs}, {pair.trg for pair in pairs}, set(pairs)
    return Overlap(
        name=name,
        pairs=len(other),
        by_src=sum(pair.src in src for pair in other if pair.src.strip()),
        by_trg=sum(pair.trg in trg for pair in other if pair.trg.strip()),
        by_pair=sum(pair in both for pair in other if pair.src.strip() and pair.trg.strip()),
    )


def _places(finding: Finding) -> str:
    if not finding.lines:
        return ""
    more = ", ..." if finding.count > len(finding.lines) else ""
    return f"line {', '.join(map(str, finding.lines))}{more}"
