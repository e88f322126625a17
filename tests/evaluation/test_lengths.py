"""BLEU by source length: every sentence counts once, in the bucket of its length."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from s2s.evaluation.lengths import bleu_by_length, bucket_by_length
from s2s.evaluation.metrics import score_translations


@given(st.lists(st.integers(0, 80), min_size=1), st.integers(1, 10), st.integers(1, 40))
def test_every_sentence_is_in_the_one_bucket_of_its_length(lengths: list[int], width: int, fewest: int) -> None:
    buckets = bucket_by_length(lengths, width=width, fewest=fewest)
    assert sorted(index for bucket in buckets for index in bucket.sentences) == list(range(len(lengths)))
    for bucket in buckets:
        held = [lengths[index] for index in bucket.sentences]
        assert bucket.shortest <= min(held) <= bucket.mean <= max(held) <= bucket.longest
        assert len(held) >= min(fewest, len(lengths))
    assert (buckets[0].shortest, buckets[-1].longest) == (min(lengths), max(lengths))
    assert all(one.longest + 1 == other.shortest for one, other in pairwise(buckets))


def test_buckets_are_steps_of_equal_width_where_there_are_enough_sentences() -> None:
    lengths = [3] * 30 + [5] * 30 + [6] * 40 + [12] * 30 + [15] * 5 + [16] * 31 + [24] * 40
    buckets = bucket_by_length(lengths)
    assert [(b.name, len(b.sentences)) for b in buckets] == [
        ("3–5", 60),
        ("6–10", 40),
        ("11–15", 35),
        ("16–20", 31),
        ("21–24", 40),
    ]
    assert buckets[0].mean == 4.0


def test_too_few_sentences_are_taken_in_by_their_neighbour() -> None:
    buckets = bucket_by_length([2] * 10 + [8] * 25 + [13] * 40 + [40] * 3)
    assert [(b.name, len(b.sentences)) for b in buckets] == [("2–10", 35), ("11–40", 43)]


def test_a_small_corpus_is_one_bucket() -> None:
    [bucket] = bucket_by_length([7, 7, 7])
    assert (bucket.name, bucket.sentences) == ("7", (0, 1, 2))


def test_bleu_of_a_bucket_is_that_of_its_sentences() -> None:
    references = ["the dog sees it .", "a man likes the sea .", "two fish draw a red house .", "it hears the cat ."]
    translations = ["the dog sees it .", "a man hears the sea .", "two fish see a house .", "it hears the cat ."]
    one, other = bucket_by_length([5, 6, 7, 5], fewest=1)
    assert bleu_by_length([one, other], translations, references) == [
        score_translations(translations[::3], references[::3], ("BLEU",))[0].value,
        score_translations(translations[1:3], references[1:3], ("BLEU",))[0].value,
    ]
    [everything] = bucket_by_length([5, 6, 7, 5])
    assert bleu_by_length([everything], translations, references) == [
        score_translations(translations, references, ("BLEU",))[0].value
    ]
