"""From tokens to text: elision, contraction, spaces and capitals, and the links between the words that result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from s2s.data.builtin import lexicon
from s2s.data.builtin.phrases import Fr, Phrase


@dataclass(frozen=True)
class Example:
    """A sentence pair with its gold links.

    Links are (source word, target word), 0-based, words as `words.split_words` cuts them; `sure` is a subset
    of `possible`.
    """

    src: str
    trg: str
    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]


_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


def surface(phrase: Phrase) -> Example:
    """The text of both sides, with elision and contraction, and the links between their words."""
    words = [token.text for token in phrase.en]
    for i, text in enumerate(words[:-1]):
        if text == "a" and lexicon.english_an(words[i + 1]):
            words[i] = "an"
    place = {id(token): i for i, token in enumerate(phrase.en)}
    french = _contract(_elide(_drop_articles(phrase.fr)))
    sure = {(place[id(en)], j) for j, token in enumerate(french) for en in token.sure}
    possible = {(place[id(en)], j) for j, token in enumerate(french) for en in token.possible}
    target = _join([token.text for token in french], apart="?")
    return Example(_join(words, apart=""), target, frozenset(sure), frozenset(sure | possible))


def _drop_articles(tokens: Sequence[Fr]) -> list[Fr]:
    """The indefinite `des` and `de` vanish after `de`: `le rapport d'experts`."""
    kept: list[Fr] = []
    for token in tokens:
        if kept and kept[-1].text == "de" and token.text in ("des", "de") and not token.article:
            last = kept[-1]
            kept[-1] = replace(last, sure=last.sure + token.sure, possible=last.possible + token.possible)
        else:
            kept.append(token)
    return kept


def _elide(tokens: Sequence[Fr]) -> list[Fr]:
    elided = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if following and following.text in ("il", "ils") and token.text == "si":
            token = replace(token, text="s'")
        elif following and lexicon.starts_with_vowel(following.text):
            short = token.before_vowel or lexicon.BEFORE_VOWEL.get(token.text)
            token = replace(token, text=short) if short else token
        elided.append(token)
    return elided


def _contract(tokens: Iterable[Fr]) -> list[Fr]:
    """`de le` is `du`, with the links of the two."""
    contracted: list[Fr] = []
    for token in tokens:
        last = contracted[-1] if contracted else None
        text = _CONTRACTED.get((last.text, token.text)) if last and token.article else None
        if last and text:
            contracted[-1] = replace(
                last, text=text, sure=last.sure + token.sure, possible=last.possible + token.possible
            )
        else:
            contracted.append(token)
    return contracted


def _join(words: Sequence[str], *, apart: str) -> str:
    """Words to text; marks stick to the word before them unless they are in `apart`."""
    text = ""
    for token in words:
        glued = not text or text.endswith("'") or (token in ".,?" and token not in apart)
        text += token if glued else " " + token
    return text[0].upper() + text[1:]


def pharaoh(example: Example) -> str:
    """The links of an example on a line: `0-0` is sure, `1?2` possible only."""
    links = sorted(example.possible)
    return " ".join(f"{i}{'-' if (i, j) in example.sure else '?'}{j}" for i, j in links)
