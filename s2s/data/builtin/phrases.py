"""The same thing said in both languages: tokens, their links, and phrases.

A `Phrase` holds English and French tokens. Each French token carries the English tokens that it expresses, so
gold word alignments come from the construction itself.
"""

from dataclasses import dataclass

from s2s.data.builtin import lexicon
from s2s.data.builtin.lexicon import Idiom


@dataclass(frozen=True, eq=False, slots=True)
class En:
    """An English word; compared by identity, because links lead to this very token."""

    text: str


@dataclass(frozen=True, eq=False, slots=True)
class Fr:
    """A French word before elision and contraction, and the English words that it expresses."""

    text: str
    sure: tuple[En, ...] = ()
    possible: tuple[En, ...] = ()
    before_vowel: str = ""
    article: bool = False


@dataclass(frozen=True)
class Agreement:
    """What French agrees with."""

    person: int = 3
    plural: bool = False
    gender: str = "m"

    @property
    def form(self) -> int:
        """The place in (masculine, feminine, masculine plural, feminine plural)."""
        return 2 * self.plural + (self.gender == "f")

    @property
    def conjugation(self) -> int:
        """The place in (je, il, nous, vous, ils)."""
        if self.person == 3:
            return 4 if self.plural else 1
        return 3 if self.person == 2 else 2 if self.plural else 0


@dataclass(frozen=True)
class Phrase:
    """The same thing in both languages; `agreement` matters for noun phrases."""

    en: tuple[En, ...] = ()
    fr: tuple[Fr, ...] = ()
    agreement: Agreement = Agreement()
    ne: tuple[En, ...] = ()
    """The English word of a negative subject (`no minister`), for which the French verb takes `ne`."""

    def __add__(self, other: "Phrase") -> "Phrase":
        """One after the other; the first is the head."""
        return Phrase(self.en + other.en, self.fr + other.fr, self.agreement, self.ne)


NOTHING = Phrase()


def word(en: str, fr: str) -> Phrase:
    """One English word that is one French word."""
    source = En(en)
    return Phrase((source,), (Fr(fr, (source,)),))


def say(entry: Idiom) -> Phrase:
    """An entry of the lexicon."""
    en = tuple(En(text) for text in entry.en)
    fr = tuple(
        Fr(piece.text, tuple(en[i] for i in piece.sure), tuple(en[i] for i in piece.possible)) for piece in entry.fr
    )
    return Phrase(en, fr)


def idiom(en: str, fr: str) -> Phrase:
    """Fixed words, with the lexicon's marks for links."""
    return say(lexicon.idiom(en, fr))


def mark(en: str, fr: str) -> Phrase:
    """Punctuation."""
    return word(en, fr)
