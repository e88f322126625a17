"""Words: the definition, case by case, and what must hold for any text."""

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.data.words import ALPHANUMERIC, MODES, split_words


def texts(line: str, lang: str = "en", mode: str = "natural") -> list[str]:
    return [word.text for word in split_words(line, lang, mode)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ""),
        (" \t\u00a0\u3000", ""),
        ("A man sleeps.", "A|man|sleeps|."),
        ("well-known state-of-the-art", "well-known|state-of-the-art"),
        ("don't isn’t rock'n'roll O'Neil", "don't|isn’t|rock'n'roll|O'Neil"),
        ("semi‐arid non\u2011breaking", "semi‐arid|non\u2011breaking"),
        ("the dogs' tails 'quoted' -5 pre- --", "the|dogs|'|tails|'|quoted|'|-|5|pre|-|-|-"),
        ("a--b a-'b a'-b", "a|-|-|b|a|-|'|b|a|'|-|b"),
        ("In 1992, 3.5% (€20)", "In|1992|,|3|.|5|%|(|€|20|)"),
        ("snake_case a/b e.g.", "snake|_|case|a|/|b|e|.|g|."),
        ("...!?", ".|.|.|!|?"),
        ("l'accord d'un", "l'accord|d'un"),  # English knows no elision
        ("cafe\u0301 नमस्ते", "cafe\u0301|नमस्ते"),  # combining marks belong to their letters
        ("日本語 です。", "日本語|です|。"),
        ("hi🙂🙂", "hi|🙂|🙂"),
        ("a\u2028b\x0bc\x1cd", "a|b|c|d"),
    ],
)
def test_words_of_a_line(line: str, expected: str) -> None:
    assert texts(line) == (expected.split("|") if expected else [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "L'accord sur l’Espace économique européen a été signé.",
            "L'|accord|sur|l’|Espace|économique|européen|a|été|signé|.",
        ),
        ("c'est d'accord, j'ai m'a n'est s'il t'es", "c'|est|d'|accord|,|j'|ai|m'|a|n'|est|s'|il|t'|es"),
        (
            "Qu'il JUSQU'À lorsqu'elle puisqu'on quoiqu'un",
            "Qu'|il|JUSQU'|À|lorsqu'|elle|puisqu'|on|quoiqu'|un",
        ),
        ("aujourd'hui quelqu'un presqu'île prud'homme", "aujourd'hui|quelqu'un|presqu'île|prud'homme"),
        ("d'aujourd'hui qu'aujourd'hui", "d'|aujourd'hui|qu'|aujourd'hui"),
        ("qu'l'on c'est-à-dire", "qu'|l'|on|c'|est-à-dire"),
        ("a-t-il peut-être va-t'en", "a-t-il|peut-être|va-t'en"),
        ("l' accord l'", "l|'|accord|l|'"),
        ("l'1er d'e\u0301te\u0301", "l'|1er|d'|e\u0301te\u0301"),
        ("« Oui\u202f! »", "«|Oui|!|»"),
    ],
)
def test_french_elided_forms_are_words(line: str, expected: str) -> None:
    assert texts(line, "fr") == expected.split("|")


@pytest.mark.parametrize("lang", ["fr", "FR", "fr-CA", "fr_FR"])
def test_regional_french_is_french(lang: str) -> None:
    assert texts("l'eau", lang) == ["l'", "eau"]


@pytest.mark.parametrize("lang", ["en", "frr", "it", ""])
def test_other_languages_are_not(lang: str) -> None:
    assert texts("l'eau", lang) == ["l'eau"]


def test_space_mode_splits_at_white_space_only() -> None:
    line = " de les  l' accord, \u00a0signé. "
    assert texts(line, "fr", "space") == ["de", "les", "l'", "accord,", "signé."]


# Letters, marks and white space in such numbers that joiners, elisions and oddities meet often.
LINES = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="lqujsdaeé1'’-‑ .\u0301\u00a0\u2028\x1c\u200b🙂", max_size=40),
)


@given(line=LINES, lang=st.sampled_from(["en", "fr"]), mode=st.sampled_from(MODES))
def test_words_stand_where_they_say_and_cover_all_but_white_space(line: str, lang: str, mode: str) -> None:
    words = split_words(line, lang, mode)
    assert all(word.text == line[word.start : word.end] and word.text for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    assert "".join(word.text for word in words) == "".join(line.split())


@given(line=LINES)
def test_words_set_apart_by_spaces_are_the_same_words(line: str) -> None:
    """Only in a language without elision: a lone `l'` is a letter and a mark."""
    words = texts(line, "en")
    assert texts(" ".join(words), "en") == words


@given(line=LINES)
def test_natural_words_never_cross_white_space(line: str) -> None:
    spaced = {(word.start, word.end) for word in split_words(line, "fr", "space")}
    for word in split_words(line, "fr"):
        assert any(start <= word.start and word.end <= end for start, end in spaced)


@given(line=LINES)
def test_french_only_cuts_english_words_finer(line: str) -> None:
    cuts = {word.start for word in split_words(line, "fr")}
    assert {word.start for word in split_words(line, "en")} <= cuts


def test_letters_are_the_same_for_patterns_and_for_strings() -> None:
    characters = [chr(number) for number in range(sys.maxunicode + 1)]
    assert [c for c in characters if ALPHANUMERIC.fullmatch(c)] == [c for c in characters if c.isalnum()]
