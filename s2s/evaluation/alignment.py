"""From attention weights over pieces to words: matrices, links, and the alignment error rate."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from s2s.data.corpus import read_lines
from s2s.data.words import Word
from s2s.errors import S2SError

Link = tuple[int, int]
"""A source word and the target word that it belongs to, both counted from 0."""

# Nine digits: more than any sentence has words, and less than Python refuses to turn into a number.
LINK = re.compile(r"(?P<src>[0-9]{1,9})(?P<kind>[-?])(?P<trg>[0-9]{1,9})")


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """The attention weights of one sentence pair, in words.

    Attributes:
        src_words: the source words, without the end of sentence.
        trg_words: the target words, without the end of sentence.
        weights: (target words + 1, source words + 1); the last row and column are the end of sentence. Each
            row sums to 1.
    """

    src_words: tuple[str, ...]
    trg_words: tuple[str, ...]
    weights: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        assert self.weights.shape == (len(self.trg_words) + 1, len(self.src_words) + 1), self.weights.shape


@dataclass(frozen=True)
class GoldLinks:
    """A sentence pair's links by hand (Och and Ney 2003): `sure` ones, and all `possible` ones with them."""

    sure: frozenset[Link]
    possible: frozenset[Link]

    def __post_init__(self) -> None:
        assert self.sure <= self.possible, self.sure - self.possible


@dataclass(frozen=True)
class AlignmentScore:
    """How predicted links agree with gold links: fractions from 0 to 1, over a whole corpus.

    Attributes:
        aer: the alignment error rate; less is better.
        precision: how many predicted links are possible.
        recall: how many sure links are predicted.
    """

    aer: float
    precision: float
    recall: float


def word_of_piece(spans: Sequence[tuple[int, int]], words: Sequence[Word], text: str) -> list[int]:
    """For each piece, the index of the word that it counts for.

    A piece counts for the word of its first letter: the first character that is no white space, at or after
    the piece's start. So a piece of mere white space counts for the next word, and an empty one (the leading
    bytes of a character that is spelled in bytes) for the word of the character that follows. What comes
    after the last word counts for the last word. Where there is no word at all, the answer is 0 for each
    piece: the place of the end of sentence, which `merge_to_words` understands.

    Args:
        spans: the start and end of each piece in `text`, in the pieces' order.
        words: the words of `text`.
        text: what was cut into pieces.
    """
    ends = [word.end for word in words]
    last = max(len(words) - 1, 0)
    return [min(bisect_right(ends, _first_letter(text, start)), last) for start, _ in spans]


def _first_letter(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def merge_to_words(
    weights: npt.NDArray[np.floating],
    src_words_of_pieces: Sequence[int],
    trg_words_of_pieces: Sequence[int],
    src_count: int,
    trg_count: int,
) -> npt.NDArray[np.float64]:
    """Attention weights over pieces as weights over words; rows that sum to 1 still do.

    A row is the mean over the target word's pieces, a column the sum over the source word's pieces. A piece
    may reach into words that start after it (a piece `1992.` holds two words), which leaves these without a
    piece of their own:

    * as a source column, such a word gets 0, since the piece's weight is already in the column of its first
      word, and a row must not count it twice;
    * as a target row, it gets the row of the piece that covers its first letter, which is the last piece that
      counts for an earlier word: there the model looked when it wrote the word. With no earlier piece (the
      pieces do not cover the text) it gets the first row.

    Args:
        weights: (target pieces + 1, source pieces + 1); the last row and column are the end of sentence.
        src_words_of_pieces: for each source piece its word, never falling (see `word_of_piece`); `src_count`
            itself means the end of sentence.
        trg_words_of_pieces: the same for the target, with `trg_count`.
        src_count: how many source words there are.
        trg_count: how many target words there are.

    Returns:
        (trg_count + 1, src_count + 1).
    """
    src_index = np.array([*src_words_of_pieces, src_count])
    trg_index = np.array([*trg_words_of_pieces, trg_count])
    assert weights.shape == (len(trg_index), len(src_index)), weights.shape
    assert (np.diff(src_index) >= 0).all(), src_index
    assert (np.diff(trg_index) >= 0).all(), trg_index

    columns = np.zeros((len(trg_index), src_count + 1))
    np.add.at(columns.T, src_index, weights.T)

    merged = np.empty((trg_count + 1, src_count + 1))
    every_word = np.arange(trg_count + 1)
    starts = np.searchsorted(trg_index, every_word, side="left")
    ends = np.searchsorted(trg_index, every_word, side="right")
    for word, (start, end) in enumerate(zip(starts, ends, strict=True)):
        merged[word] = columns[start:end].mean(axis=0) if start < end else columns[max(start - 1, 0)]
    return merged


def links_from_weights(alignment: WordAlignment) -> frozenset[Link]:
    """For each target word the source word of largest weight (of equal ones the first).

    No link where that is the source's end of sentence, and none from the target's end of sentence.
    """
    best = alignment.weights[:-1].argmax(axis=1)
    end = len(alignment.src_words)
    return frozenset((int(src), trg) for trg, src in enumerate(best) if src != end)


def format_pharaoh(links: Iterable[Link]) -> str:
    """Links as a line of the Pharaoh format, such as `0-0 1-2`: source-target, in order."""
    return " ".join(f"{src}-{trg}" for src, trg in sorted(links))


def parse_pharaoh(line: str, where: str) -> GoldLinks:
    """The links of a line: `0-0` is sure and `1?2` only possible, both as source and target word from 0.

    Args:
        line: links with white space between them; an empty line has none.
        where: the place for a message, `file:line`.

    Raises:
        S2SError: something on the line is no link.
    """
    sure: set[Link] = set()
    possible: set[Link] = set()
    for item in line.split():
        match = LINK.fullmatch(item)
        if match is None:
            raise S2SError(
                f"'{item}' is no link; a link is the numbers of a source and a target word, as in 0-0 (sure) "
                "or 1?2 (possible).",
                where=where,
                hint="The Pharaoh format has one line a sentence pair, and counts words from 0.",
            )
        link = int(match["src"]), int(match["trg"])
        possible.add(link)
        if match["kind"] == "-":
            sure.add(link)
    return GoldLinks(frozenset(sure), frozenset(possible))


def read_gold(path: Path) -> list[GoldLinks]:
    """The gold links of a file in the Pharaoh format, one line a sentence pair.

    Raises:
        S2SError: the file cannot be read, is no UTF-8, or something on a line is no link.
    """
    return [parse_pharaoh(line, f"{path}:{number}") for number, line in enumerate(read_lines(path), start=1)]


def check_gold_lines(pairs: int, gold: Sequence[GoldLinks]) -> None:
    """Check that each of so many sentence pairs has its line of gold links.

    Raises:
        S2SError: there are more of one than of the other.
    """
    if pairs != len(gold):
        raise S2SError(
            f"There are {pairs:,} aligned sentence pairs but {len(gold):,} lines of gold links; "
            "each pair needs its own line.",
            hint="Give the gold file of these sentences; a pair without links has an empty line.",
        )


def check_gold(gold: Sequence[GoldLinks], alignments: Sequence[WordAlignment], path: Path) -> None:
    """Check that each gold link lies inside its sentence pair.

    It does not where a file counts from 1, gives the target first, or belongs to another text.

    Args:
        gold: one a sentence pair, as read from `path`.
        alignments: one a sentence pair.
        path: for the message.

    Raises:
        S2SError: a link names a word that is not there.
    """
    for number, (links, alignment) in enumerate(zip(gold, alignments, strict=False), start=1):
        src_count, trg_count = len(alignment.src_words), len(alignment.trg_words)
        for src, trg in sorted(links.possible):
            if src >= src_count or trg >= trg_count:
                raise S2SError(
                    f"The link {src}-{trg} lies outside its sentence pair, which has {src_count} source and "
                    f"{trg_count} target words, counted from 0.",
                    where=f"{path}:{number}",
                    hint="Check that the file belongs to these sentences, counts words from 0 and gives the "
                    "source first; for text that comes tokenized, split words at spaces.",
                )


def alignment_error_rate(predicted: Sequence[frozenset[Link]], gold: Sequence[GoldLinks]) -> AlignmentScore:
    """The alignment error rate of Och and Ney (2003), with precision and recall, over a corpus.

    With A predicted, S sure and P possible links, counted over all sentence pairs:
    AER = 1 - (|A & S| + |A & P|) / (|A| + |S|), precision = |A & P| / |A|, recall = |A & S| / |S|. Where
    there is nothing to count, nothing is wrong: no predicted link makes the precision 1, no sure link the
    recall 1, and neither the AER 0.

    Raises:
        S2SError: there are more sentence pairs in one than in the other.
    """
    check_gold_lines(len(predicted), gold)
    pairs = list(zip(predicted, gold, strict=True))
    total = sum(len(links) for links in predicted)
    sure = sum(len(answer.sure) for answer in gold)
    hit_sure = sum(len(links & answer.sure) for links, answer in pairs)
    hit_possible = sum(len(links & answer.possible) for links, answer in pairs)
    return AlignmentScore(
        aer=1 - (hit_sure + hit_possible) / (total + sure) if total + sure else 0.0,
        precision=hit_possible / total if total else 1.0,
        recall=hit_sure / sure if sure else 1.0,
    )
