"""Tokenizers: any text comes back, and each piece is found in it."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import sentencepiece as spm
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2s.data.tokenizer import (
    BOS,
    BOUNDARY,
    EOS,
    PAD,
    SPACE,
    UNK,
    Tokenizer,
    _with_boundaries,
    normalise,
    train_tokenizer,
)
from s2s.data.words import split_words
from s2s.errors import S2SError

LINES = (
    "The agreement on the European Economic Area was signed in August 1992 .",
    "L'accord sur la zone économique européenne a été signé en août 1992 .",
    "a man and a woman are walking, and a dog is sleeping",
    "un homme et une femme marchent, et un chien dort",
    "they were signing the agreements in the areas of the economy",
)
SUBWORDS = ("bpe", "unigram")
KINDS = (*SUBWORDS, "char", "word")
SIZES = {"bpe": 360, "unigram": 330, "char": 100, "word": 100}

ODD = (
    "",
    " \t ",
    "the 🙂👩‍👩‍👧 area",
    "nul\0nul",
    "line\u2028separator\u2029and\x85next\r\n",
    "mark \u2581 and\u2581mark",
    "lone \ud800 surrogate",
    "<s> </s> <pad> <unk> <0x41> ⁇",
    "e\u0301 é 日本語 ﷽ \ufeff \U0010ffff \uffff",
    "the " * 300,
)

texts = st.text(max_size=60) | st.lists(st.sampled_from([*" ".join(LINES).split(), *ODD])).map(" ".join)


@cache
def tokenizer(kind: str) -> Tokenizer:
    return train_tokenizer(LINES, kind=kind, size=SIZES[kind]).tokenizer


def with_odd_texts(test: object) -> object:
    for text in ODD:
        test = example(text)(test)  # type: ignore[arg-type]
    return test


@with_odd_texts
@given(st.text())
def test_normal_text_is_one_line_of_words_and_stays_as_it_is(text: str) -> None:
    normal = normalise(text)
    assert normalise(normal) == normal
    assert " ".join(normal.split()) == normal
    assert len(normal.splitlines()) <= 1
    assert SPACE not in normal
    normal.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("e\u0301", "é"),
        ("  a \t b\u00a0\u3000c  ", "a b c"),
        ("a\u2028b\u2029c\x00d\x1be\x85f", "a b c d e f"),
        ("a\u2581b", "a b"),
        ("\ud800", "?"),
        ("ﬁ Ａ ½", "ﬁ Ａ ½"),
    ],
)
def test_normalisation_is_composition_and_white_space(text: str, normal: str) -> None:
    assert normalise(text) == normal


@pytest.mark.parametrize("kind", SUBWORDS)
@settings(max_examples=150)
@with_odd_texts
@given(texts)
def test_any_text_comes_back(kind: str, text: str) -> None:
    assert tokenizer(kind).decode(tokenizer(kind).encode(text)) == normalise(text)


# Halves


@pytest.mark.parametrize("kind", SUBWORDS)
def test_halves_spell_their_piece(kind: str) -> None:
    chosen = tokenizer(kind)
    halves = chosen.halves()
    assert len(halves) > 20
    for piece, (left, right) in halves.items():
        whole, *parts = chosen.pieces([piece, left, right])
        assert whole == "".join(parts)
    assert not halves.keys() & {PAD, UNK, BOS, EOS}


def test_of_bpe_every_piece_of_several_characters_falls_in_two() -> None:
    """It was merged from two."""
    chosen = tokenizer("bpe")
    halves = chosen.halves()
    for index, piece in enumerate(chosen.pieces(range(chosen.size))):
        is_merged = len(piece) > 1 and not re.fullmatch(r"<.*>", piece)
        assert (index in halves) == is_merged, piece


@pytest.mark.parametrize("kind", ["char", "word"])
@given(st.lists(st.sampled_from(" ".join(LINES).split())))
def test_known_characters_and_words_come_back(kind: str, words: list[str]) -> None:
    text = " ".join(words)
    assert tokenizer(kind).decode(tokenizer(kind).encode(text)) == text


@pytest.mark.parametrize(("kind", "text"), [("char", "a日a"), ("word", "the zoo")])
def test_the_unknown_has_a_piece_of_its_own(kind: str, text: str) -> None:
    assert UNK in tokenizer(kind).encode(text)


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(max_size=30) | st.lists(st.sampled_from(["a", "man", "Zoë", "日本", "x" * 5])).map(" ".join))
def test_with_what_stands_for_the_unknown_every_text_comes_back(kind: str, text: str) -> None:
    chosen = tokenizer(kind)
    assert [piece for piece, _ in chosen.spelled(text)] == chosen.encode(text)
    assert chosen.decode(chosen.encode(text), unknown_in(chosen, text)) == normalise(text)


def unknown_in(chosen: Tokenizer, text: str) -> list[str]:
    return [there for piece, there in chosen.spelled(text) if piece == UNK]


def test_the_unknown_is_told_as_it_stands_in_the_text() -> None:
    assert unknown_in(tokenizer("char"), "a日本a語") == ["日本", "語"]
    assert [word.strip(SPACE) for word in unknown_in(tokenizer("word"), "Zoë and the dog")] == ["Zoë"]
    assert unknown_in(tokenizer("bpe"), "Zoë 日本") == []


@pytest.mark.parametrize("text", ["你<s>好", "你 </s> 好", "<pad>", "你 <unk> <unk>", "<0x41>好", "▁你"])
def test_a_copy_that_reads_like_a_special_piece_is_text(text: str) -> None:
    chinese = train_tokenizer(["你 好"], kind="char", size=100).tokenizer
    assert chinese.decode(chinese.encode(text), unknown_in(chinese, text)) == normalise(text)


def test_pieces_with_a_letter_and_another_character_make_a_phrase() -> None:
    words = train_tokenizer(["a 1 10,000 ... 3rd 是 你好 d'"], kind="word", size=100).tokenizer
    made = [piece for piece, makes in zip(words.pieces(range(words.size)), words.phrase_pieces(), strict=True) if makes]
    assert sorted(piece.strip(SPACE) for piece in made) == sorted(["a", "3rd", "是", "你好", "d'"])
    assert not any(tokenizer("char").phrase_pieces())
    assert not any(tokenizer("bpe").phrase_pieces()[: 4 + 256])  # special pieces and bytes


def test_a_character_or_a_word_is_a_piece() -> None:
    chars, words = tokenizer("char"), tokenizer("word")
    assert chars.pieces(chars.encode("a man")) == [SPACE, "a", SPACE, "m", "a", "n"]
    assert words.pieces(words.encode("a man")) == [f"{SPACE}a", f"{SPACE}man"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100)
@with_odd_texts
@given(texts)
def test_spans_tile_the_text_and_show_each_piece(kind: str, text: str) -> None:
    chosen = tokenizer(kind)
    normal = normalise(text)
    ids, spans = chosen.encode(text), chosen.spans(text)
    assert len(spans) == len(ids)
    at = 0
    for (start, end), same in tiles(spans):
        assert start == at
        at = end
        assert end >= start
        if same > 1:  # the bytes of one character
            assert end == start + 1
    assert at == len(normal)
    for index, piece, (start, end) in zip(ids, chosen.pieces(ids), spans, strict=True):
        if index != UNK and not piece.startswith("<0x"):
            surface = piece.replace(SPACE, " ")
            assert normal[start:end] == (surface[1:] if start == 0 and surface.startswith(" ") else surface)


def tiles(spans: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Each different span in its order, with how many pieces in a row have it."""
    runs: list[tuple[tuple[int, int], int]] = []
    for span in spans:
        if runs and runs[-1][0] == span:
            runs[-1] = (span, runs[-1][1] + 1)
        else:
            runs.append((span, 1))
    yield from runs


def test_the_bytes_of_a_character_together_cover_it() -> None:
    chosen = tokenizer("bpe")
    text = "a 🙂 man"
    pieces = chosen.pieces(chosen.encode(text))
    spans = [span for piece, span in zip(pieces, chosen.spans(text), strict=True) if piece.startswith("<0x")]
    assert spans == [(2, 3)] * 4


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150)
@given(st.data())
def test_whatever_is_decoded_is_one_line(kind: str, data: st.DataObject) -> None:
    chosen = tokenizer(kind)
    ids = st.lists(st.integers(0, chosen.size - 1) | st.integers(0, min(260, chosen.size) - 1), max_size=20)
    text = chosen.decode(data.draw(ids))
    assert len(text.splitlines()) <= 1
    assert text == normalise(text)


def test_a_line_feed_spelt_in_bytes_is_a_space() -> None:
    chosen = tokenizer("bpe")
    ids = {piece: index for index, piece in enumerate(chosen.pieces(range(chosen.size)))}
    said = [ids[f"{SPACE}a"], ids["<0x0A>"], ids["<0x0D>"], ids[f"{SPACE}a"]]
    assert chosen.decode(said) == "a a"


@pytest.mark.parametrize("kind", KINDS)
def test_special_pieces_stand_first_and_are_never_made_of_text(kind: str) -> None:
    chosen = tokenizer(kind)
    assert chosen.pieces([PAD, UNK, BOS, EOS]) == ["<pad>", "<unk>", "<s>", "</s>"]
    assert not {PAD, BOS, EOS} & set(chosen.encode("<pad> <s> </s> the area"))
    assert chosen.decode([BOS, *chosen.encode("the agreement"), EOS, PAD, PAD]) == "the agreement"


@given(st.text(max_size=30) | texts)
def test_what_is_replaced_is_what_the_definition_says(text: str) -> None:
    """Also where a look at the whole text says that there is nothing to replace."""
    whole = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    spaced = "".join(" " if char == SPACE or unicodedata.category(char) == "Cc" else char for char in whole)
    assert normalise(text) == " ".join(spaced.split())


@given(texts)
def test_marks_stand_between_touching_words_alone(text: str) -> None:
    text = normalise(text)
    marked = _with_boundaries(text)
    assert marked.replace(BOUNDARY, "") == text
    words = split_words(text, lang="")
    touching = [after.start for before, after in pairwise(words) if before.end == after.start]
    places = [match.start() - count for count, match in enumerate(re.finditer(BOUNDARY, marked))]
    assert places == touching


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_are_as_one_by_one(kind: str) -> None:
    chosen = tokenizer(kind)
    assert chosen.encode_all(ODD) == [chosen.encode(text) for text in ODD]


def test_many_more_are_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.data.tokenizer.AT_ONCE", 3)
    chosen = tokenizer("bpe")
    assert list(chosen.encode_each(iter(ODD))) == [chosen.encode(text) for text in ODD]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_lines_give_the_same_bytes(kind: str) -> None:
    again = train_tokenizer(iter(LINES), kind=kind, size=SIZES[kind])
    assert again.tokenizer.model == tokenizer(kind).model


@pytest.mark.parametrize("kind", SUBWORDS)
def test_a_size_that_fits_is_kept(kind: str) -> None:
    trained = train_tokenizer(LINES, kind=kind, size=SIZES[kind])
    assert (trained.tokenizer.size, trained.sized_down) == (SIZES[kind], False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_corpus_that_cannot_fill_the_vocabulary_makes_it_smaller(kind: str) -> None:
    trained = train_tokenizer(LINES, kind=kind, size=50_000)
    assert trained.sized_down
    assert 4 < trained.tokenizer.size < 1000
    assert trained.tokenizer.decode(trained.tokenizer.encode(LINES[0])) == LINES[0]


@pytest.mark.parametrize("kind", SUBWORDS)
def test_a_vocabulary_too_small_for_the_characters_is_refused(kind: str) -> None:
    characters = {char for line in LINES for char in line if char != " "}
    least = 4 + 256 + len(characters | {SPACE})
    with pytest.raises(
        S2SError, match=rf"^tokenizer.size: a {kind} vocabulary of 200 pieces is too small .* alone are {least}\n"
    ):
        train_tokenizer(LINES, kind=kind, size=200)
    assert train_tokenizer(LINES, kind=kind, size=least + 1).tokenizer.size == least + 1


@pytest.mark.parametrize("lines", [[], ["", " ", "\0\u2028"]])
def test_a_blank_corpus_is_refused(lines: list[str]) -> None:
    with pytest.raises(S2SError, match="the tokenizer has no text to learn from\n  Every line is blank"):
        train_tokenizer(lines, kind="bpe", size=400)


def test_a_very_long_line_is_learnt_from() -> None:
    trained = train_tokenizer(["word " * 30_000], kind="bpe", size=300)
    assert len(trained.tokenizer.encode("word")) == 1


def test_a_file_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "a.model"
    file.write_bytes(tokenizer("bpe").model)
    loaded = Tokenizer.load(file)
    assert loaded.encode(LINES[0]) == tokenizer("bpe").encode(LINES[0])
    assert loaded.size == tokenizer("bpe").size


@pytest.mark.parametrize("content", [b"", b"no model", tokenizer("bpe").model[:2000]], ids=["empty", "text", "cut"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.model"
    file.write_bytes(content)
    with pytest.raises(S2SError, match=r"a\.model: the file is damaged, or not a sentencepiece model"):
        Tokenizer.load(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"a\.model: the tokenizer cannot be read: No such file"):
        Tokenizer.load(tmp_path / "a.model")


def test_a_model_with_other_special_pieces_is_told(tmp_path: Path) -> None:
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_prefix=str(tmp_path / "a"), vocab_size=60, minloglevel=2
    )
    with pytest.raises(S2SError, match=r"(?s)does not have pad, unk, bos, eos at 0, 1, 2, 3\n  Train one with"):
        Tokenizer.load(tmp_path / "a.model")
