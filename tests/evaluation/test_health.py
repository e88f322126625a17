"""Collapse is noticed on made-up data, and what is merely bad, or well, is left alone."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.config import settings
from s2s.evaluation.health import (
    EXPLODING,
    Finding,
    Weights,
    check_attention,
    check_gradients,
    check_translations,
    has_loop,
)

REFERENCES = [
    f"{who} {what} ." for who, what in product(("il", "elle", "on", "Anne"), ("dort", "court", "va", "lit", "rit"))
]

EYE = np.eye(6)
FLAT = np.full((6, 6), 1 / 6)
FROZEN = np.tile(np.array([0.9, 0.1, 0.0, 0.0, 0.0, 0.0]), (6, 1))


def signs(findings: list[Finding]) -> list[str]:
    return [re.sub(r"[\d.,%]+", "N", finding.sign) for finding in findings]


# Translations


def test_the_references_themselves_are_well() -> None:
    assert check_translations(REFERENCES, REFERENCES) == []


def test_wrong_translations_are_bad_and_not_collapsed() -> None:
    assert check_translations(REFERENCES[7:] + REFERENCES[:7], REFERENCES) == []


def test_the_same_translation_for_everything_is_noticed() -> None:
    [finding] = check_translations(["il dort ."] * 20, REFERENCES)
    assert finding.sign == "only 1 different translations for 20 sentences (20 references)"


@pytest.mark.parametrize(("different", "noticed"), [(3, True), (4, False)])
def test_few_means_under_a_fifth_of_the_references(different: int, noticed: bool) -> None:
    translations = [REFERENCES[n % different] for n in range(20)]
    assert bool(check_translations(translations, REFERENCES)) == noticed


def test_where_the_references_are_few_so_may_be_the_translations() -> None:
    assert check_translations(["oui"] * 20, ["oui", "non"] * 10) == []


def test_loops_are_noticed() -> None:
    looping = [f"{line} encore encore encore encore" if n < 2 else line for n, line in enumerate(REFERENCES)]
    [finding] = check_translations(looping, REFERENCES)
    assert finding.sign == "2 of 20 translations repeat themselves in a loop"
    assert check_translations(looping[:1] + REFERENCES[1:], REFERENCES) == []
    assert check_translations(looping, looping) == []


@pytest.mark.parametrize(
    ("line", "loops"),
    [
        ("", False),
        ("a", False),
        ("a a a", False),
        ("a a a a", True),
        ("x a b a b a b a b y", True),
        ("a b a b a b", False),
        ("a b c a b c a b c a b c", True),
        ("a a b b a a b b", False),
        ("x y z " * 4, True),
        ("的的的的", True),
        ("我喜欢苹果", False),
        ("abababab", True),
        ("the man saw the dog and the dog saw the cat", False),
    ],
)
def test_a_loop_is_the_same_four_times_in_a_row(line: str, loops: bool) -> None:
    assert has_loop(line) == loops


@given(st.text("ab ", max_size=30))
def test_a_loop_is_found_by_definition(line: str) -> None:
    units = line.split() if " " in line.strip() else list(line)
    slices = ((units[at : at + size], units[at : at + 4 * size]) for size in range(1, 7) for at in range(len(units)))
    assert has_loop(line) == any(len(four) == 4 * len(one) and one * 4 == four for one, four in slices)


def test_translations_far_too_short_or_long_are_noticed() -> None:
    [short] = check_translations(
        [line[:3] + str(n) for n, line in enumerate(REFERENCES)], [line * 2 for line in REFERENCES]
    )
    assert signs([short]) == ["the translations have N times the length of the references"]
    assert "ends its sentences at once" in short.cause
    [long] = check_translations([" / ".join([line, "b", "c", line]) for line in REFERENCES], REFERENCES)
    assert "does not find the end" in long.cause


def test_nothing_at_all_is_noticed_twice() -> None:
    assert signs(check_translations([""] * 20, REFERENCES)) == [
        "only N different translations for N sentences (N references)",
        "the translations have N times the length of the references",
    ]


def test_no_references_say_nothing() -> None:
    assert check_translations(["a"] * 20, [""] * 20) == []


# Attention


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (EYE, []),
        (0.5 * EYE + 0.5 * FLAT, []),
        (FLAT, ["attention is flat (its entropy is N of the highest possible)"]),
        (FROZEN, ["attention is frozen (every target step looks at the same source positions)"]),
        (0.99 * FROZEN + 0.01 * EYE, ["attention is frozen (every target step looks at the same source positions)"]),
        (0.5 * FROZEN + 0.5 * EYE, []),
    ],
)
def test_flat_and_frozen_attention_are_noticed(weights: Weights, expected: list[str]) -> None:
    assert signs(check_attention([weights] * 5)) == expected
    assert check_attention([weights] * 4) == [], "too few to tell"
    assert check_attention([weights[:3]] * 5) == [], "too short to tell"


def test_a_few_flat_sentences_among_others_are_no_matter() -> None:
    assert check_attention([EYE] * 5 + [FLAT] * 5) == []


def test_no_attention_is_no_bad_attention() -> None:
    assert check_attention([]) == []


# Gradients


def test_exploding_gradients_and_skipped_updates_are_noticed() -> None:
    assert check_gradients([], 0) == []
    assert check_gradients([1.0, 0.5, 10 * EXPLODING], 0) == []
    assert signs(check_gradients([1.0, 3 * EXPLODING, 2 * EXPLODING], 0)) == [
        "gradients explode (their norm is typically N)"
    ]
    [finding] = check_gradients([1.0] * 7, 3)
    assert finding.sign == "3 of 10 updates were skipped: loss or gradient were not finite"


# What is said


def test_each_finding_names_settings_that_exist() -> None:
    known = {setting.name for setting in settings()}
    findings = [
        *check_translations(["a a a a"] * 20, [line * 9 for line in REFERENCES]),
        *check_translations(["b" * 99 + str(n) for n in range(20)], REFERENCES),
        *check_attention([FLAT] * 5),
        *check_attention([FROZEN] * 5),
        *check_gradients([3 * EXPLODING], 1),
    ]
    assert len({finding.cause for finding in findings}) == 8
    for finding in findings:
        named = set(
            re.findall(r"\b(?:data|tokenizer|model|training|decoding)\.[a-z_]+", f"{finding.cause} {finding.advice}")
        )
        assert named
        assert named <= known
        assert str(finding).count("\n") == 0
