"""The explanation of one value of one setting, and the count of its parameters."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

LETTERS = {
    "E": "width of an input x_t: of the embeddings, for a first layer",
    "H": "width of a cell's state: of the encoder's, in each direction",
    "D": "width of h_j, where both directions are read: 2H; and of the decoder's states, unless decoder_size is set",
    "R": "width of the readout: E (only tie = none has H)",
    "V": "pieces in the vocabulary",
}
"""What the letters in shapes and formulas mean."""


@dataclass(frozen=True)
class Sizes:
    """The widths for which parameters are counted; both directions are read, and the output is tied."""

    input_size: int
    hidden_size: int
    vocab_size: int

    def letters(self) -> dict[str, int]:
        """The number that each of `LETTERS` stands for."""
        return {
            "E": self.input_size,
            "H": self.hidden_size,
            "D": 2 * self.hidden_size,
            "R": self.input_size,
            "V": self.vocab_size,
        }


@dataclass(frozen=True)
class Part:
    """A symbol of the equations, and what it does in a sentence."""

    symbol: str
    meaning: str


@dataclass(frozen=True)
class Weight:
    """A parameter tensor: its name in the equations, its shape in `LETTERS` (`4H × E`), and what it is."""

    name: str
    shape: str
    meaning: str


@dataclass(frozen=True)
class Paper:
    """Where it comes from."""

    authors: str
    year: int
    title: str
    venue: str


@dataclass(frozen=True)
class Explanation:
    """What a student is told of `setting = value`.

    Attributes:
        short: what characterises it, in a line.
        weights: the parameters that it has, or that choosing it adds.
        counted: what these parameters are the parameters of.
        differs: how it differs from its nearest relative.
    """

    setting: str
    value: str
    title: str
    short: str
    equations: tuple[str, ...]
    parts: tuple[Part, ...]
    weights: tuple[Weight, ...]
    counted: str
    differs: str
    papers: tuple[Paper, ...]

    @property
    def name(self) -> str:
        """The setting as it is written: `cell = lstm`."""
        return f"{self.setting} = {self.value}"

    @property
    def formula(self) -> str:
        """How many parameters it has, such as `4EH + 4H² + 4H`."""
        return _written(self._count())

    @property
    def letters(self) -> list[str]:
        """The letters of its formula."""
        return [letter for letter in LETTERS if any(letter in term for term in self._count())]

    def parameters(self, sizes: Sizes) -> int:
        """How many parameters it has at these sizes."""
        return _value(self._count(), sizes.letters())

    def _count(self) -> Counter[str]:
        return _total(_product(weight.shape) for weight in self.weights)


def _product(shape: str) -> Counter[str]:
    """`3H × (E + 2D)` as a sum of terms, each a sorted product of letters: {"EH": 3, "DH": 6}."""
    product = Counter({"": 1})
    for factor in shape.split(" × "):
        terms = _terms(factor)
        product = _total(
            Counter({"".join(sorted(left + right)): times * more})
            for left, times in product.items()
            for right, more in terms.items()
        )
    return product


def _terms(factor: str) -> Counter[str]:
    terms: Counter[str] = Counter()
    for term in factor.strip("()").split(" + "):
        match = re.fullmatch(r"(\d*)([A-Z]?)", term)
        assert match is not None, f"{term!r} is no dimension"
        terms[match[2]] += int(match[1] or 1)
    return terms


def _total(counts: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _value(count: Mapping[str, int], letters: Mapping[str, int]) -> int:
    value = 0
    for term, times in count.items():
        for letter in term:
            times *= letters[letter]
        value += times
    return value


def _written(count: Mapping[str, int]) -> str:
    terms = sorted(count.items(), key=lambda item: (-len(item[0]), item[0]))
    return " + ".join(_term(letters, times) for letters, times in terms) or "0"


def _term(letters: str, times: int) -> str:
    powers = Counter(letters)
    product = "".join(letter + (SUPERSCRIPTS[power] if power > 1 else "") for letter, power in powers.items())
    return f"{times if times > 1 or not product else ''}{product}"
