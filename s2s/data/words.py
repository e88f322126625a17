"""What a word is: one definition for figures, alignment links, error rates and the built-in corpus."""

import re
import unicodedata
from dataclasses import dataclass

JOINERS = "-'’\u2010\u2011"
"""Marks that belong to a word when they stand inside it; the last two are the typographic hyphens."""

ELISION = re.compile(r"(?:[cdjlmnst]|(?:jus|lors|puis|quoi)?qu)['’](?=.)", re.IGNORECASE)
"""A French form that lost its vowel: l', d', qu', jusqu' ... (but not the inside of aujourd'hui)."""

ALPHANUMERIC = re.compile(r"[^\W_]*")
"""A run of letters and digits, those that `str.isalnum` takes for such."""

MODES = ("natural", "space")


@dataclass(frozen=True)
class Word:
    """A word and where it stands: `text == line[start:end]`."""

    text: str
    start: int
    end: int


def split_words(line: str, lang: str, mode: str = "natural") -> list[Word]:
    """The words of a line, from left to right; they cover everything but white space.

    `natural`: a run of letters and digits with the hyphens and apostrophes inside it is a word, except that
    in French an elided form ends at its apostrophe (`L'` | `accord`); each other mark is a word of its own.
    `space`: split at white space only, for text that comes tokenized.

    Args:
        line: any text.
        lang: the language's code; `fr` and its regional forms (`fr-CA`) split elisions.
        mode: one of `MODES`.
    """
    assert mode in MODES, mode
    if mode == "space":
        return [Word(match.group(), match.start(), match.end()) for match in re.finditer(r"\S+", line)]
    french = re.split("[-_]", lang.lower())[0] == "fr"
    words: list[Word] = []
    start = 0
    while start < len(line):
        if line[start].isspace():
            start += 1
            continue
        end = _word_end(line, start)
        for cut in _elisions(line[start:end]) if french else []:
            words.append(Word(line[start : start + cut], start, start + cut))
            start += cut
        words.append(Word(line[start:end], start, end))
        start = end
    return words


def _is_letter(char: str) -> bool:
    """Letters, digits, and the marks that combine with them (accents, vowel signs)."""
    return char.isalnum() or unicodedata.category(char).startswith("M")


def _word_end(line: str, start: int) -> int:
    """Where the word that starts at `start` ends."""
    end = start + 1
    if not _is_letter(line[start]):
        return end
    while end < len(line):
        if _is_letter(line[end]):
            run = ALPHANUMERIC.match(line, end)
            end = max(run.end() if run else 0, end + 1)
        elif line[end] in JOINERS and end + 1 < len(line) and _is_letter(line[end + 1]):
            end += 2
        else:
            break
    return end


def _elisions(word: str) -> list[int]:
    """Lengths of the elided forms that a French word starts with."""
    lengths = []
    while match := ELISION.match(word):
        lengths.append(match.end())
        word = word[match.end() :]
    return lengths
