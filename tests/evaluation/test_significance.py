"""The paired bootstrap: sacrebleu's numbers, and what holds for any test of a difference."""

import random

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from s2s.evaluation.metrics import score_translations
from s2s.evaluation.significance import LEVEL, paired_bootstrap

WORDS = ("the", "a", "dog", "cat", "house", "red", "small", "sees", "likes", "hears", "it", "two", "fish", ".")


def spoilt(lines: list[str], share: float, seed: int) -> list[str]:
    """The lines with this share of their words replaced."""
    draw = random.Random(seed)
    return [" ".join(w if draw.random() > share else draw.choice(WORDS) for w in line.split()) for line in lines]


REFERENCES = [" ".join(random.Random(n).choices(WORDS, k=6 + n % 7)) for n in range(60)]
GOOD, OTHER, BAD = spoilt(REFERENCES, 0.2, 1), spoilt(REFERENCES, 0.2, 2), spoilt(REFERENCES, 0.6, 3)


def test_numbers_are_those_of_sacrebleu() -> None:
    found = paired_bootstrap(GOOD, [OTHER, BAD], REFERENCES)
    systems = [("good", GOOD), ("other", OTHER), ("bad", BAD)]
    signatures, results = PairedTest(systems, {"BLEU": BLEU(), "chrF2": CHRF()}, [REFERENCES], test_type="bs")()
    for number, differences in enumerate(found, start=1):
        for difference in differences:
            assert difference.p_value == results[difference.name][number].p_value
            assert difference.signature == signatures[difference.name].format()
    assert [[d.name for d in differences] for differences in found] == [["BLEU", "chrF2"]] * 2


def test_differences_are_those_of_the_corpus_scores() -> None:
    good, bad = (score_translations(lines, REFERENCES, ("BLEU", "chrF2")) for lines in (GOOD, BAD))
    [found] = paired_bootstrap(GOOD, [BAD], REFERENCES)
    assert [d.difference for d in found] == pytest.approx([b.value - g.value for g, b in zip(good, bad, strict=True)])


def test_a_large_difference_is_significant_and_a_small_one_is_not() -> None:
    other, bad = paired_bootstrap(GOOD, [OTHER, BAD], REFERENCES, ("BLEU",))
    assert bad[0].p_value < LEVEL < other[0].p_value


def test_no_difference_is_never_significant() -> None:
    """In sacrebleu's estimate two equal systems differ with p = 1 / 1001."""
    [same] = paired_bootstrap(GOOD, [GOOD], REFERENCES)
    assert [(d.difference, d.p_value) for d in same] == [(0.0, 1.0)] * 2
    [worthless] = paired_bootstrap(["x"] * 3, [["y"] * 3], ["the dog sees it"] * 3, ("BLEU",))
    assert worthless[0].p_value == 1.0


def test_spaces_around_a_translation_are_no_difference() -> None:
    [same] = paired_bootstrap(GOOD, [[f" {line}\t" for line in GOOD]], REFERENCES)
    assert [d.difference for d in same] == [0.0, 0.0]


def test_it_compares_the_same_way_twice() -> None:
    assert paired_bootstrap(GOOD, [BAD], REFERENCES) == paired_bootstrap(GOOD, [BAD], REFERENCES)


def test_one_model_alone_is_compared_with_nothing() -> None:
    assert paired_bootstrap(GOOD, [], REFERENCES) == []
