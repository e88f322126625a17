"""Text to pieces and back: sentencepiece with fixed special ids, and where each piece stands in the text."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import inf
from pathlib import Path

import sentencepiece as spm

from s2s.data.words import split_words
from s2s.errors import S2SError

PAD, UNK, BOS, EOS = 0, 1, 2, 3
"""Ids of the special pieces, the same in every tokenizer of ours."""

SPACE = "\u2581"
"""The mark that sentencepiece puts where a space was; in the user's text it counts as a space."""


BOUNDARY = "\x1f"
"""Stands between touching words while a tokenizer learns; a control character, so that no text has it."""


SUBWORDS = ("bpe", "unigram")
"""The kinds of pieces that are learnt, with bytes for what they do not know."""

AT_ONCE = 1000
"""Texts that are encoded together where there are many."""


def normalise(text: str) -> str:
    """The text as every tokenizer sees it, and the one that `decode` gives back.

    Unicode composition (NFC); control characters, line and paragraph separators and U+2581 become spaces; runs of
    white space become one space, none at the ends; halves of surrogate pairs become "?".
    """
    return " ".join(split_normalised(text))


def split_normalised(text: str) -> list[str]:
    """What stands between the spaces of `normalise(text)`."""
    if text.isprintable() and SPACE not in text:  # nearly all text: nothing to replace, so that nobody need look
        return unicodedata.normalize("NFC", text).split()
    whole = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    return "".join(" " if char == SPACE or unicodedata.category(char) == "Cc" else char for char in whole).split()


class Tokenizer:
    """A trained sentencepiece model.

    Args:
        model: the bytes of the model, as sentencepiece writes them.
        where: where they come from, for the message.

    Raises:
        S2SError: the bytes are no model, or one whose special pieces are not where ours are.
    """

    def __init__(self, model: bytes, where: str = "tokenizer") -> None:
        self.model = model
        try:
            if not model:  # which sentencepiece takes for "no model yet"
                raise ValueError("no bytes")
            self._processor = spm.SentencePieceProcessor(model_proto=model)
        except (RuntimeError, ValueError, TypeError) as fault:
            raise S2SError(
                "the file is damaged, or not a sentencepiece model",
                where=where,
                hint="Put a copy of it back, or train one with `s2s tokenizer train`.",
            ) from fault
        p = self._processor
        if (p.pad_id(), p.unk_id(), p.bos_id(), p.eos_id()) != (PAD, UNK, BOS, EOS):
            raise S2SError(
                "the sentencepiece model does not have pad, unk, bos, eos at 0, 1, 2, 3",
                where=where,
                hint="Train one with `s2s tokenizer train`.",
            )

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """The tokenizer in a file.

        Raises:
            S2SError: the file cannot be read or is no tokenizer of ours.
        """
        try:
            return cls(path.read_bytes(), where=str(path))
        except OSError as fault:
            raise S2SError(f"the tokenizer cannot be read: {fault.strerror}", where=str(path)) from fault

    @property
    def size(self) -> int:
        """Pieces in the vocabulary, the special ones included."""
        return int(self._processor.get_piece_size())

    def encode(self, text: str) -> list[int]:
        """The ids of a text's pieces, without bos and eos."""
        return list(self._processor.encode(normalise(text)))

    def encode_all(self, texts: Iterable[str]) -> list[list[int]]:
        """`encode` for many texts at once."""
        return list(self._processor.encode([normalise(text) for text in texts], num_threads=1))

    def encode_each(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """`encode` for one text after the other; memory holds few of them."""
        stream = iter(texts)
        while some := list(islice(stream, AT_ONCE)):
            yield from self.encode_all(some)

    def halves(self) -> dict[int, tuple[int, int]]:
        """The two pieces that each piece falls into, but for those that are no two pieces.

        Of several ways the one whose rarer half is the most frequent: where `bpe` merged it.
        """
        p = self._processor
        ids = {str(p.id_to_piece(i)): i for i in range(self.size) if not (p.is_byte(i) or p.is_control(i))}

        def rank(piece: str) -> float:
            return float(p.get_score(ids[piece])) if len(piece) > 1 else inf

        found = {}
        for piece, index in ids.items():
            ways = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
            known = [(left, right) for left, right in ways if left in ids and right in ids]
            if known and not p.is_unknown(index):
                left, right = max(known, key=lambda way: min(map(rank, way)))
                found[index] = ids[left], ids[right]
        return found

    def spelled(self, text: str) -> list[tuple[int, str]]:
        """The pieces of `encode(text)` with what stands in the text for each.

        For an unknown piece that may be several words, or characters: neighbours that are unknown are one piece.
        """
        return list(zip(self.encode(text), self._processor.encode(normalise(text), out_type=str), strict=True))

    def phrase_pieces(self) -> list[bool]:
        """For each piece whether it says something by itself: two characters or more, a letter among them.

        The mark of a space counts. So numbers and dots are none, nor are single characters.
        """
        return [len(piece) > 1 and any(map(str.isalpha, piece)) for piece in self._spelled_out()]

    def _spelled_out(self) -> Iterator[str]:
        """All pieces; empty for those that are no text."""
        p = self._processor
        for index in range(self.size):
            is_text = not (p.is_control(index) or p.is_unknown(index) or p.is_byte(index))
            yield str(p.id_to_piece(index)) if is_text else ""

    def decode(self, ids: Iterable[int], unknown: Sequence[str] = ()) -> str:
        """The text of the pieces, special ones left out; always a single line.

        Args:
            unknown: what stands for each unknown piece, as `spelled` tells it; without it, a sign that it is unknown.
        """
        said = [i for i in ids if i not in (PAD, BOS, EOS)]
        if not unknown:
            return normalise(self._processor.decode(said))
        copies = iter(unknown)  # of a vocabulary without bytes: a piece is its text
        return normalise("".join(next(copies) if i == UNK else str(self._processor.id_to_piece(i)) for i in said))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The pieces as sentencepiece spells them."""
        return [str(self._processor.id_to_piece(i)) for i in ids]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """For each piece of `encode(text)` the part of `normalise(text)` that it covers, as [start, end).

        A piece that begins with a space covers that space. The several byte pieces of one character each cover it.
        """
        spans: list[tuple[int, int]] = []
        at = -1  # sentencepiece puts one space before the text
        pending = 0
        tail = b""
        ids = self.encode(text)
        surfaces = self._processor.encode(normalise(text), out_type=str)
        for index, surface in zip(ids, surfaces, strict=True):
            if not self._processor.is_byte(index):
                spans.append((max(at, 0), at + len(surface)))
                at += len(surface)
                continue
            tail += bytes([int(surface[3:5], 16)])
            pending += 1
            if _is_whole_character(tail):
                spans += [(at, at + 1)] * pending
                at, pending, tail = at + 1, 0, b""
        return spans


def _is_whole_character(utf8: bytes) -> bool:
    try:
        utf8.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Trained:
    """A new tokenizer, and how large a vocabulary was asked for."""

    tokenizer: Tokenizer
    asked: int

    @property
    def sized_down(self) -> bool:
        """Whether the corpus had too few pieces for the size asked for."""
        return self.tokenizer.size < self.asked


def train_tokenizer(lines: Iterable[str], *, kind: str, size: int) -> Trained:
    """Train a sentencepiece model; the vocabulary gets smaller where the corpus cannot fill it.

    `bpe` and `unigram` spell what they do not know in bytes, so that any text comes back, and no piece of theirs
    reaches over the end of a word; `char` and `word` have an unknown piece instead. The same lines give the same model.

    Args:
        lines: sentences of the language, or of both for a joint vocabulary.
        kind: `bpe`, `unigram`, `char` or `word`.
        size: pieces wanted, the special and byte pieces included.

    Raises:
        S2SError: there is no text, or the size is too small for the corpus' characters.
    """
    ready = _with_boundaries if kind in SUBWORDS else normalise
    sentences = [text for text in map(ready, lines) if text]
    if not sentences:
        raise S2SError("the tokenizer has no text to learn from", hint="Every line is blank.")
    try:
        model = _train(sentences, kind, size)
    except RuntimeError as fault:
        model = _train(sentences, kind, _possible_size(str(fault), kind, size))
    return Trained(Tokenizer(model), asked=size)


def _with_boundaries(text: str) -> str:
    """`normalise(text)` with a mark between words that no space parts, such as a number and the full stop after it.

    No piece is learnt across one: a piece that held two words could be aligned with one of them only.
    """
    return " ".join(map(_parted, split_normalised(text)))


@lru_cache(maxsize=100_000)
def _parted(between_spaces: str) -> str:
    """Words without a space with a mark between each two; most of a corpus is a few of them, over and over."""
    return BOUNDARY.join(word.text for word in split_words(between_spaces, lang=""))


def _train(sentences: list[str], kind: str, size: int) -> bytes:
    model = io.BytesIO()
    subwords = kind in SUBWORDS
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        model_type=kind,
        vocab_size=size,
        byte_fallback=subwords,
        pretokenization_delimiter=BOUNDARY if subwords else "",
        character_coverage=1.0,
        normalization_rule_name="identity",
        hard_vocab_limit=subwords,
        max_sentence_length=1_000_000,
        num_threads=1,
        pad_id=PAD,
        unk_id=UNK,
        bos_id=BOS,
        eos_id=EOS,
        minloglevel=2,
    )
    return model.getvalue()


def _possible_size(message: str, kind: str, size: int) -> int:
    """The largest size that the corpus allows, out of what sentencepiece says when it refuses one."""
    if too_high := re.search(r"value <= (\d+)", message):
        return int(too_high.group(1))
    too_low = re.search(r"(\d+) vs (\d+)", message)
    least = f": its characters, bytes and special pieces alone are {too_low.group(2)}" if too_low else ""
    raise S2SError(
        f"a {kind} vocabulary of {size} pieces is too small for this corpus{least}",
        where="tokenizer.size",
        hint="Ask for more pieces, or clean the corpus of rare characters (`s2s data check`).",
    )
