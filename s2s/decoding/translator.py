"""Text to text: a stream of lines in, the same number of translations out, in order."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import inf
from threading import Event
from typing import Any

import torch
from torch import Tensor

from s2s.data.batches import EncodedPair, group_by_length, pad
from s2s.data.tokenizer import EOS, UNK, Tokenizer, normalise
from s2s.decoding.copying import Look, find_unknown
from s2s.decoding.search import Beam, Hypothesis, search
from s2s.decoding.stepper import StepModel

LONGEST = 1000
"""Source pieces beyond which a line is translated in parts."""

PART = 200
"""Source pieces that such a part has at most, where the text allows it."""


@dataclass(frozen=True)
class Translation:
    """The best hypothesis of a line, or one of the n best.

    Attributes:
        text: a single line; empty for an empty source.
        score: length-normalised log-probability; 0 for an empty source.
        log_prob: the log-probability in nats.
        length: its pieces, end of sentence counted.
        ended: whether it was not cut at the longest length allowed.
    """

    text: str
    score: float
    log_prob: float
    length: int
    ended: bool


Spelled = list[tuple[int, str]]
"""Pieces with what stands in the text for each, as `Tokenizer.spelled` has them."""

NOTHING = Translation(text="", score=-inf, log_prob=-inf, length=0, ended=False)

EMPTY = Translation(text="", score=0.0, log_prob=0.0, length=0, ended=True)


@dataclass(frozen=True)
class Sentence:
    """A line of the source, or a part of one.

    Attributes:
        line: which line.
        pieces: with eos.
        unknown: what stands in the text for each of its unknown pieces.
    """

    line: int
    pieces: tuple[int, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What search found for a sentence: a hypothesis, and which of the source's unknown pieces each of its own is."""

    hypothesis: Hypothesis
    copied: tuple[int, ...]


@dataclass(frozen=True)
class Stoppable:
    """A step model that can be told, from another thread, to make no further step."""

    model: StepModel[Any]
    stopped: Event = field(default_factory=Event)

    def start(self, src: Tensor, src_mask: Tensor) -> Any:
        """See `StepModel.start`."""
        return self.model.start(src, src_mask)

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """See `StepModel.step`.

        Raises:
            CancelledError: it was told so.
        """
        if self.stopped.is_set():
            raise CancelledError
        return self.model.step(tokens, state)


@dataclass(frozen=True)
class Translator:
    """Translates lines with a model and a search.

    Attributes:
        model: what search asks.
        beam: how to search.
        n_best: translations for each line, at most `beam.size`.
        window: lines that are read, sorted by length and translated together.
        batch_tokens: source pieces in a batch of greedy search, padding included, at most, and half as many with a
            beam; memory is bounded by window and batches.
        workers: batches that are searched at a time, each by one thread; what one thread alone computes is quicker
            than what several meet over at every small step.
        look: where the model looks in given translations; asked where they have unknown pieces, which they have only if
            `beam.copy_unknown` says so.
        warn: is told of every line that is translated in parts.
    """

    model: StepModel[Any]
    src_tokenizer: Tokenizer
    trg_tokenizer: Tokenizer
    beam: Beam
    device: torch.device
    autocast: Callable[[], AbstractContextManager[object]]
    look: Look
    n_best: int = 1
    window: int = 2048
    batch_tokens: int = 4800
    workers: int = 1
    warn: Callable[[str], None] = lambda message: None

    @cached_property
    def _is_phrase(self) -> Tensor:
        return torch.tensor(self.trg_tokenizer.phrase_pieces(), device=self.device)

    def translate(self, lines: Iterable[str]) -> Iterator[list[Translation]]:
        """For each line its best translations, the best first; for a blank line one empty translation."""
        stream = iter(lines)
        first = 1
        while window := list(islice(stream, self.window)):
            yield from self._translate_window(window, first)
            first += len(window)

    def with_window(self, window: int) -> "Translator":
        """The same, reading so many lines before it answers."""
        return replace(self, window=window)

    def _translate_window(self, lines: Sequence[str], first: int) -> list[list[Translation]]:
        sentences = [part for at, line in enumerate(lines) for part in self._parts(line, at, first)]
        # The longest first: what is left over, a batch of few sentences, is one of few steps.
        order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i].pieces))
        lengths = [len(sentence.pieces) for sentence in sentences]
        # A beam has several rows for each sentence, whose products gain nothing from more; and small enough that every
        # worker has some of them.
        largest = self.batch_tokens // min(self.beam.size, 2)
        batch_tokens = max(min(largest, sum(lengths) // self.workers), 1)
        batches = group_by_length(order, lengths, batch_tokens)
        searched = self._search_all([[sentences[index].pieces for index in batch] for batch in batches])
        found: dict[int, list[Found]] = {}
        for batch, best in zip(batches, searched, strict=True):
            found |= dict(zip(batch, best, strict=True))
        translations: list[list[list[Translation]]] = [[] for _ in lines]
        for index, sentence in enumerate(sentences):
            # Nothing is left where the model says no numbers.
            said = [self._decode(one, sentence) for one in found[index]]
            translations[sentence.line].append(said or [NOTHING])
        return [_join(parts) for parts in translations]

    def _search_all(self, batches: Sequence[Sequence[tuple[int, ...]]]) -> list[list[list[Found]]]:
        if min(self.workers, len(batches)) <= 1:
            return [self._search(self.model, batch) for batch in batches]
        model = Stoppable(self.model)
        pool = ThreadPoolExecutor(self.workers, initializer=torch.set_num_threads, initargs=(1,))
        try:
            # The longest sentences, which take longest, go first: no worker is left alone with them.
            return list(pool.map(lambda batch: self._search(model, batch), batches))
        finally:  # after Ctrl-C or a fault the others stop at their next step
            model.stopped.set()
            pool.shutdown(cancel_futures=True)

    def _search(self, model: StepModel[Any], sources: Sequence[tuple[int, ...]]) -> list[list[Found]]:
        """The `n_best` of each source."""
        src, mask = pad(sources)
        with torch.no_grad(), self.autocast():
            hypotheses = search(model, src.to(self.device), mask.to(self.device), self.beam, self._is_phrase)
            best = [some[: self.n_best] for some in hypotheses]
            said = [EncodedPair(src, one.tokens) for src, some in zip(sources, best, strict=True) for one in some]
            copied = iter(find_unknown(self.look, said))
        return [[Found(one, next(copied)) for one in some] for some in best]

    def _decode(self, found: Found, sentence: Sentence) -> Translation:
        hypothesis = found.hypothesis
        return Translation(
            text=self.trg_tokenizer.decode(hypothesis.tokens, [sentence.unknown[at] for at in found.copied]),
            score=hypothesis.score,
            log_prob=hypothesis.log_prob,
            length=len(hypothesis.tokens) + hypothesis.ended,
            ended=hypothesis.ended,
        )

    def _parts(self, line: str, at: int, first: int) -> list[Sentence]:
        """The line as one sentence, or as several if it is too long; none if it is blank."""
        pieces = self.src_tokenizer.encode(line)
        if not pieces:
            return []
        if len(pieces) <= LONGEST:
            spelled = self.src_tokenizer.spelled(line) if UNK in pieces else [(piece, "") for piece in pieces]
            return [_sentence(at, spelled)]
        parts = split_long(normalise(line), self.src_tokenizer)
        self.warn(f"line {first + at} has {len(pieces)} pieces and is translated in {len(parts)} parts")
        return [_sentence(at, part) for part in parts]


def _sentence(line: int, spelled: Spelled) -> Sentence:
    unknown = tuple(text for piece, text in spelled if piece == UNK)
    return Sentence(line, (*(piece for piece, _ in spelled), EOS), unknown)


def split_long(text: str, tokenizer: Tokenizer) -> list[Spelled]:
    """Cut a long text into parts of at most `PART` pieces: between sentences, else between words, else anywhere.

    A part may have other pieces than the same words have in the whole text, where neighbours are unknown.
    """
    parts: list[Spelled] = []
    for sentence in re.split(r"(?<=[.!?…。！？;:]) ", text):
        for pieces in _fitting(sentence, tokenizer):
            if parts and len(parts[-1]) + len(pieces) <= PART:
                parts[-1] = parts[-1] + pieces
            else:
                parts.append(pieces)
    return parts


def _fitting(sentence: str, tokenizer: Tokenizer) -> Iterator[Spelled]:
    """The pieces of a sentence, in chunks of at most `PART`, cut before a word where that is possible."""
    pieces = tokenizer.spelled(sentence)
    if len(pieces) <= PART:
        yield pieces
        return
    for word in map(tokenizer.spelled, sentence.split(" ")):
        yield from (word[start : start + PART] for start in range(0, len(word), PART))


def _join(parts: list[list[Translation]]) -> list[Translation]:
    """A line's translations out of those of its parts: the n-th best of each, one after the other."""
    if not parts:
        return [EMPTY]
    if len(parts) == 1:
        return parts[0]
    return [
        Translation(
            text=" ".join(t.text for t in column if t.text),
            score=sum(t.score for t in column) / len(column),
            log_prob=sum(t.log_prob for t in column),
            length=sum(t.length for t in column),
            ended=all(t.ended for t in column),
        )
        for column in zip(*parts, strict=False)
    ]
