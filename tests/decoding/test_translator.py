"""Lines in, as many lines out: shown with a model that says its source again, so each line must come back."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf
from threading import Barrier

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2s.data.batches import Batch
from s2s.data.tokenizer import EOS, Tokenizer, normalise, train_tokenizer
from s2s.decoding.search import Beam
from s2s.decoding.translator import EMPTY, LONGEST, PART, Translator, split_long

LINES = (
    "The agreement on the European Economic Area was signed in August 1992 .",
    "a man and a woman are walking, and a dog is sleeping",
    "un homme et une femme marchent, et un chien dort",
)

ODD = (
    "",
    " \t ",
    "a man",
    "\0",
    "a\0man",
    "\u2028",
    "a\u2028man\u2029and\x85a dog\r",
    "🙂👩‍👩‍👧 日本語",
    "\ufeff",
    "\u2581",
    "a" * 300,
)


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(LINES, kind="bpe", size=330).tokenizer


@dataclass(frozen=True)
class CopyState:
    """Sources (rows, src) that end in eos, and how many pieces were said."""

    src: Tensor
    said: int

    def select(self, rows: Tensor) -> "CopyState":
        return CopyState(self.src[rows], self.said)


@dataclass(frozen=True)
class Copy:
    """Says the source again, with a share of `right`; the rest goes to all pieces alike."""

    vocab: int
    right: float = 0.9

    def start(self, src: Tensor, src_mask: Tensor) -> CopyState:
        return CopyState(src, 0)

    def step(self, tokens: Tensor, state: CopyState) -> tuple[Tensor, CopyState]:
        shares = torch.full((len(tokens), self.vocab), (1.0 - self.right) / self.vocab)
        at = min(state.said, state.src.shape[1] - 1)
        shares.scatter_add_(1, state.src[:, at, None], torch.full((len(tokens), 1), self.right))
        return shares.log(), CopyState(state.src, state.said + 1)


def plain(size: int) -> Beam:
    return Beam(size=size, length_penalty=1.0, max_length=2.0, margin=inf, repeats=0, copy_unknown=False)


def straight_ahead(batch: Batch) -> Tensor:
    """The n-th step looks at the n-th source piece."""
    weights = torch.eye(max(batch.trg_in.shape[1], batch.src.shape[1]))
    return weights[: batch.trg_in.shape[1], : batch.src.shape[1]].expand(len(batch.src), -1, -1)


def copier(*, beam: int = 1, n_best: int = 1, right: float = 0.9) -> Translator:
    return Translator(
        model=Copy(tokenizer().size, right),
        src_tokenizer=tokenizer(),
        trg_tokenizer=tokenizer(),
        beam=plain(beam),
        device=torch.device("cpu"),
        autocast=nullcontext,
        look=straight_ahead,
        n_best=n_best,
    )


def texts(translator: Translator, lines: Sequence[str]) -> list[str]:
    return [best[0].text for best in translator.translate(lines)]


def test_each_line_comes_back_in_its_place() -> None:
    lines = [*LINES, *ODD, *reversed(LINES)]
    assert texts(copier(), lines) == [normalise(line) for line in lines]


@settings(max_examples=30)
@given(
    lines=st.lists(st.sampled_from(ODD) | st.text(max_size=30), max_size=12),
    window=st.integers(1, 5),
    batch_tokens=st.integers(1, 60),
    workers=st.integers(1, 3),
)
def test_window_batch_and_workers_change_nothing(
    lines: list[str], window: int, batch_tokens: int, workers: int
) -> None:
    small = replace(copier(beam=2), window=window, batch_tokens=batch_tokens, workers=workers)
    found = list(small.translate(lines))
    assert [best[0].text for best in found] == [normalise(line) for line in lines]
    assert found == list(copier(beam=2).translate(lines))


@dataclass(frozen=True)
class Meeting(Copy):
    """Waits at each first step until all workers are there: one alone never gets past it."""

    door: Barrier = field(default_factory=lambda: Barrier(2, timeout=60))
    threads: list[int] = field(default_factory=list)

    def start(self, src: Tensor, src_mask: Tensor) -> CopyState:
        self.door.wait()
        self.threads.append(torch.get_num_threads())
        return super().start(src, src_mask)


def test_workers_search_at_the_same_time_with_one_thread_each() -> None:
    model = Meeting(tokenizer().size)
    translator = replace(copier(), model=model, batch_tokens=1, workers=2)
    assert texts(translator, LINES * 2) == list(LINES * 2)
    assert model.threads == [1] * 6


@dataclass(frozen=True)
class Faulty(Copy):
    """Breaks on one sentence, while the others never come to their end."""

    def step(self, tokens: Tensor, state: CopyState) -> tuple[Tensor, CopyState]:
        if state.src.shape[1] == len(tokenizer().encode(LINES[0])) + 1:
            raise RuntimeError("broken")
        log_probs = torch.full((len(tokens), self.vocab), -1e9)
        log_probs[:, 9] = 0.0
        return log_probs, state


@dataclass(frozen=True)
class Noted(Copy):
    """And notes the shape of each batch."""

    shapes: list[tuple[int, int]] = field(default_factory=list)

    def start(self, src: Tensor, src_mask: Tensor) -> CopyState:
        rows, pieces = src.shape
        self.shapes.append((rows, pieces))
        return super().start(src, src_mask)


def test_a_batch_that_is_not_full_has_the_shortest_sentences() -> None:
    """It has few rows at each step, and so it shall have few steps."""
    model = Noted(tokenizer().size)
    lines = ["a", *4 * ["a man"]]
    short, long = (len(tokenizer().encode(line)) + 1 for line in lines[:2])
    assert texts(replace(copier(), model=model, batch_tokens=2 * long), lines) == lines
    assert model.shapes == [(2, long), (2, long), (1, short)]


def test_a_fault_in_one_batch_does_not_wait_for_the_others() -> None:
    endless = replace(plain(1), max_length=1e9)
    translator = replace(copier(), model=Faulty(tokenizer().size), beam=endless, batch_tokens=1, workers=2)
    with pytest.raises(RuntimeError, match="broken"):
        list(translator.translate([LINES[0], "a man"]))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 8, 9])
def test_windows_end_where_they_should(count: int) -> None:
    lines = [f"a man {number}" for number in range(count)]
    assert texts(copier().with_window(4), lines) == lines


def test_a_window_is_answered_before_the_next_is_read() -> None:
    read = []

    def stream() -> Iterator[str]:
        for number in range(9):
            read.append(number)
            yield f"a man {number}"

    answers = copier().with_window(3).translate(stream())
    next(answers)
    assert read == [0, 1, 2]


def test_a_blank_line_has_one_empty_translation() -> None:
    assert list(copier(beam=4, n_best=4).translate(["", "\u2028 "])) == [[EMPTY], [EMPTY]]
    assert (EMPTY.text, EMPTY.score, EMPTY.ended) == ("", 0.0, True)


def test_the_best_come_in_order_and_the_first_is_the_only_one() -> None:
    lines = ["a man", "", *LINES]
    several = list(copier(beam=5, n_best=3).translate(lines))
    assert [len(best) for best in several] == [3, 1, 3, 3, 3]
    for best in several:
        assert [t.score for t in best] == sorted((t.score for t in best), reverse=True)
    assert [best[:1] for best in several] == list(copier(beam=5).translate(lines))


def test_scores_are_of_the_words_said() -> None:
    [[best]] = list(copier().translate(["a man"]))
    pieces = len(tokenizer().encode("a man")) + 1
    likely = torch.tensor(0.9 + 0.1 / tokenizer().size).log().item()
    assert best.log_prob == pytest.approx(pieces * likely, abs=1e-4)
    assert best.score == pytest.approx(likely, abs=1e-4)
    assert best.ended


def test_a_long_line_is_translated_in_parts_with_a_warning() -> None:
    words = [f"man{number}" for number in range(5000)]
    told: list[str] = []
    translator = replace(copier(), window=2, warn=told.append)
    lines = ["a man", "a dog", " ".join(words), ""]
    found = list(translator.translate(lines))
    assert [best[0].text for best in found] == lines
    pieces = len(tokenizer().encode(lines[2]))
    parts = len(split_long(lines[2], tokenizer()))
    assert told == [f"line 3 has {pieces} pieces and is translated in {parts} parts"]
    [long] = found[2]
    assert long.log_prob == pytest.approx(
        (pieces + parts) * torch.tensor(0.9 + 0.1 / tokenizer().size).log().item(), rel=1e-3
    )
    assert long.ended


def test_a_long_line_has_as_many_translations_as_asked_for() -> None:
    [best] = list(copier(beam=2, n_best=2).translate(["a man and a dog " * 400]))
    assert len(best) == 2
    assert best[0].score > best[1].score


def test_only_a_line_over_the_limit_is_cut() -> None:
    told: list[str] = []
    [piece] = tokenizer().encode("a")
    assert tokenizer().encode("a " * 3) == [piece] * 3
    list(replace(copier(), warn=told.append).translate(["a " * LONGEST]))
    assert told == []
    list(replace(copier(), warn=told.append).translate(["a " * (LONGEST + 1)]))
    assert len(told) == 1


@pytest.mark.parametrize(
    "text",
    ["a man . " * 500, "a man and a woman " * 300, "x" * 3000, "日本語" * 700, "a man . " * 90 + "y" * 900],
    ids=["sentences", "words", "one word", "no spaces", "mixed"],
)
def test_parts_are_short_and_lose_nothing(text: str) -> None:
    text = normalise(text)
    parts = split_long(text, tokenizer())
    assert max(map(len, parts)) <= PART
    assert [piece for part in parts for piece, _ in part] == tokenizer().encode(text)


def test_parts_end_with_a_sentence_where_there_is_one() -> None:
    text = normalise("a man and a woman are walking . " * 200)
    decoded = [tokenizer().decode(piece for piece, _ in part) for part in split_long(text, tokenizer())]
    assert all(part.endswith(".") for part in decoded)
    assert len(decoded) < 200


def test_what_was_cut_says_so() -> None:
    """A model that never ends is stopped."""

    class Endless(Copy):
        def step(self, tokens: Tensor, state: CopyState) -> tuple[Tensor, CopyState]:
            log_probs, after = super().step(tokens, CopyState(state.src[:, :1], 0))
            log_probs[:, EOS] = float("-inf")
            return log_probs, CopyState(state.src, after.said)

    [[cut]] = list(replace(copier(), model=Endless(tokenizer().size)).translate(["man"]))
    pieces = len(tokenizer().encode("man"))
    assert not cut.ended
    assert len(tokenizer().encode(cut.text)) <= 2 * (pieces + 1) + 10


# Unknown words


def word_copier(*, n_best: int = 1) -> Translator:
    words = train_tokenizer(LINES, kind="word", size=1000).tokenizer
    beam = replace(plain(max(n_best, 2)), copy_unknown=True)
    return replace(copier(n_best=n_best), model=Copy(words.size), src_tokenizer=words, trg_tokenizer=words, beam=beam)


UNKNOWN = ["Zoltan and a Qwxz", "Brumpf", "a man", "", "日本 , man Ωmega and an ∀y, , 3.14 ."]


def test_unknown_words_come_back_as_they_stand_in_the_source() -> None:
    assert texts(word_copier(), UNKNOWN * 9) == UNKNOWN * 9
    assert texts(replace(word_copier(), workers=2, batch_tokens=1), UNKNOWN) == UNKNOWN
    known_alone = replace(word_copier(), beam=plain(2))
    assert all(word not in text for word in ("Zoltan", "Brumpf", "⁇") for text in texts(known_alone, UNKNOWN))


def test_in_a_long_line_each_part_has_its_own_unknown_words() -> None:
    """Also where neighbours are unknown, which are one piece in a sentence and two at the border of two parts."""
    for phrase in ("a name{} and", "a foo{0} bar{0} and", "a man and foo{0}. Bar{0} and a man."):
        line = " ".join(phrase.format(number) for number in range(500))
        translator = replace(word_copier(), warn=lambda message: None)
        assert len(translator.src_tokenizer.encode(line)) > LONGEST
        assert texts(translator, ["Zoltan", line, "Brumpf"]) == ["Zoltan", line, "Brumpf"]


def test_each_of_the_n_best_has_its_own_copies() -> None:
    """The second best leaves something out, or says something else."""
    [best] = list(word_copier(n_best=2).translate(["Zoltan and a Qwxz"]))
    assert best[0].text == "Zoltan and a Qwxz"
    assert best[1].text != best[0].text
    assert "⁇" not in best[1].text
