"""What a picture of one sentence pair is made from."""

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Panel:
    """The attention weights of one sentence pair, with the words that name the rows and columns.

    Attributes:
        src_words: the columns from left to right, with the end of sentence where it is to be shown.
        trg_words: the rows from top to bottom, the same.
        weights: (target words, source words), from 0 (black) to 1 (white).
    """

    src_words: tuple[str, ...]
    trg_words: tuple[str, ...]
    weights: npt.NDArray[np.floating]

    def __post_init__(self) -> None:
        assert self.weights.shape == (len(self.trg_words), len(self.src_words)), self.weights.shape


def printable(word: str) -> str:
    """The word with U+FFFD for each character that an XML file or a terminal must not meet.

    These are controls (a terminal would obey them), line and paragraph separators, lone surrogates and
    Unicode's noncharacters (no XML file may hold them).
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_harmful(char) else char for char in word)


def _is_harmful(char: str) -> bool:
    code = ord(char)
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return noncharacter or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
