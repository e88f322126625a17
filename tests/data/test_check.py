"""The report on a corpus: each finding against a corpus made for it, and counts against naive ones."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.data.check import (
    ADVICE,
    EXAMPLES,
    ODD_CHARACTERS,
    SEVERAL,
    Finding,
    Overlap,
    Report,
    inspect,
    tables,
    verdict,
)
from s2s.data.corpus import Limits, Pair, filter_pairs

NAMES = ("a.en", "a.fr")
CLEAN = [Pair("a man sleeps", "un homme dort"), Pair("two dogs", "deux chiens"), Pair("yes", "oui")]


def checked(*pairs: tuple[str, str]) -> Report:
    return inspect([Pair(*pair) for pair in pairs], NAMES, {})


def found(report: Report) -> dict[str, Finding]:
    return {name: finding for name, finding in report.findings.items() if finding.count}


def test_a_clean_corpus_has_nothing_to_look_at() -> None:
    report = inspect(CLEAN, NAMES, {"dev": [Pair("a cat", "un chat")]})
    assert found(report) == {}
    assert report.dropped == {}
    assert verdict(report) == []


def test_counts_and_lengths_of_each_side() -> None:
    report = checked(("a b c", "x"), ("", "x y"), ("a  b", "é"))
    assert report.pairs == 3
    assert (report.src.name, report.src.words, report.src.chars, report.src.vocabulary) == ("a.en", 5, 9, 3)
    assert (report.trg.name, report.trg.words, report.trg.chars, report.trg.vocabulary) == ("a.fr", 4, 5, 3)
    assert (report.src.lengths.longest, report.src.lengths.longest_line) == (3, 1)
    assert (report.trg.lengths.longest, report.trg.lengths.longest_line) == (2, 2)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_percentiles_are_the_least_lengths_that_cover_their_share(lengths: list[int]) -> None:
    side = inspect([Pair("w " * length, "x") for length in lengths], NAMES, {}).src.lengths
    assert side.mean == pytest.approx(sum(lengths) / len(lengths))
    assert side.median == statistics.median(lengths)
    for percent, value in ((95, side.percentile_95), (99, side.percentile_99)):
        assert sum(length <= value for length in lengths) >= percent / 100 * len(lengths)
        assert sum(length < value for length in lengths) < percent / 100 * len(lengths)


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        (("", "x"), "blank sides"),
        (("a", " \u00a0"), "blank sides"),
        (("same", "same"), "copied pairs"),
        (("a " * 40, "x"), "suspicious length ratios"),
        (("a man sleeps", "un homme dort"), "repeated pairs"),
        (("a man sleeps", "un homme est endormi"), "sources with several targets"),
        (("a\x00b", "x"), "control characters"),
        (("a", "x\x7fy"), "control characters"),
        (("a\u2028b", "x"), "Unicode line separators"),
        (("a\x1cb\x0c", "x\x1e"), "Unicode line separators"),
        (("a", "x\x85y\x0by"), "Unicode line separators"),
        (("a\rb", "x"), "carriage returns inside a line"),
        (("a", "x\ufeff"), "byte order marks inside a line"),
        (("a", "caf\ufffd"), "replacement characters"),
        (("a", "été".encode().decode("latin-1")), "letters encoded twice"),
    ],
)
def test_each_finding_is_told_with_its_line(pair: tuple[str, str], name: str) -> None:
    report = checked(*CLEAN, pair, ("the end", "la fin"))
    assert found(report) == {name: Finding(1, (4,))}
    advice = verdict(report)
    if name == SEVERAL:
        assert advice == []
    else:
        assert advice == [f"{name}: 1 (line 4); {ADVICE[name]}"]


@pytest.mark.parametrize("text", ["Il a été à Noël, où l’âme naît.", "a\tb", "ÂGE Ãrea", "a\u00a0b\u202fc", "x\u200dy"])
def test_ordinary_text_is_not_odd(text: str) -> None:
    assert not [name for name, pattern in ODD_CHARACTERS.items() if pattern.search(text)]


def test_repeats_are_counted_beyond_the_first_and_sources_once() -> None:
    report = checked(("a", "x"), ("a", "x"), ("a", "y"), ("a", "z"), ("a", "x"), ("", ""), ("", ""))
    assert report.findings["repeated pairs"] == Finding(2, (2, 5))
    assert report.findings["sources with several targets"] == Finding(1, (3,))
    assert report.findings["blank sides"] == Finding(2, (6, 7))


def test_only_the_first_lines_are_told() -> None:
    report = checked(*[("", "x")] * 9)
    assert report.findings["blank sides"] == Finding(9, tuple(range(1, EXAMPLES + 1)))
    assert verdict(report)[0].startswith("blank sides: 9 (line 1, 2, 3, 4, 5, ...); training skips")


def test_overlap_counts_pairs_of_the_other_corpus() -> None:
    pairs = [Pair("a", "x"), Pair("b", "y"), Pair("", "")]
    dev = [Pair("a", "x"), Pair("a", "x"), Pair("a", "y"), Pair("c", "y"), Pair("d", "z"), Pair("", "")]
    report = inspect(pairs, NAMES, {"dev": dev, "test": [Pair("e", "w")]})
    assert report.overlaps == (Overlap("dev", 6, by_src=3, by_trg=4, by_pair=2), Overlap("test", 1, 0, 0, 0))
    assert verdict(report)[-1] == (
        "overlap: 3 of 6 sources and 4 targets of dev are in this corpus; scores on it would flatter"
    )


def test_an_empty_corpus_says_so() -> None:
    report = inspect([], NAMES, {})
    assert verdict(report) == ["there are no pairs in it"]
    assert report.src.lengths.longest == report.src.words == 0


TEXT = st.sampled_from(["", "a", "b", "a b", "same", "x\x00", "c " * 30, "d " * 250])


@given(pairs=st.lists(st.builds(Pair, TEXT, TEXT), max_size=25))
def test_counts_agree_with_the_definitions(pairs: list[Pair]) -> None:
    report = inspect(pairs, NAMES, {"itself": pairs})
    findings = {name: finding.count for name, finding in report.findings.items()}
    full = [pair for pair in pairs if pair.src.strip() and pair.trg.strip()]
    assert findings["blank sides"] == len(pairs) - len(full)
    assert findings["repeated pairs"] == len(full) - len(set(full))
    targets = {src: {pair.trg for pair in full if pair.src == src} for src, _ in full}
    assert findings["sources with several targets"] == sum(len(known) > 1 for known in targets.values())
    assert report.dropped == filter_pairs(pairs, Limits()).dropped
    assert report.overlaps[0].by_pair == len(full)


def test_other_limits_find_other_ratios() -> None:
    pairs = [Pair("a b c d e f g", "x")]
    assert inspect(pairs, NAMES, {}).findings["suspicious length ratios"].count == 0
    strict = inspect(pairs, NAMES, {}, Limits(max_ratio=2))
    assert strict.findings["suspicious length ratios"].lines == (1,)
    assert strict.dropped == {"length ratio over 2": 1}


def test_tables_show_every_number_of_the_report() -> None:
    report = inspect([*CLEAN, Pair("", "x")], NAMES, {"dev": CLEAN[:2]})
    parts = tables(report)
    assert all(len(row) == len(part.header) for part in parts for row in part.rows)
    cells = {row[0]: row[1:] for part in parts for row in part.rows}
    assert parts[0].title.startswith("4 pairs")
    assert parts[0].header == ("", "a.en", "a.fr")
    assert cells["words"] == ("6", "7")
    assert cells["longest"] == ("3 (line 1)", "3 (line 1)")
    assert cells["blank sides"] == ("1", "line 4")
    assert cells["blank side"] == ("1",)
    assert cells["dev"] == ("2", "2", "2", "2")
    assert set(report.findings) <= set(cells)
