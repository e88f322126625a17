"""The built-in corpus: promises about whole corpora, and sentences checked by hand."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from s2s.data import builtin
from s2s.data.builtin import LESSON_SENTENCES, Example, corpus, grammar, lexicon
from s2s.data.builtin.dice import Dice
from s2s.data.builtin.grammar import NEVER, NO_LONGER, NOT, Clause, Predicate, noun_phrase, statement
from s2s.data.builtin.lexicon import THE, A
from s2s.data.builtin.phrases import Phrase, word
from s2s.data.builtin.sentences import draw_sentence
from s2s.data.builtin.surface import surface
from s2s.data.words import split_words
from s2s.errors import S2SError

Splits = dict[str, list[Example]]
Cut = list[tuple[Example, list[str], list[str]]]

NOUNS = {noun.lemma: noun for nouns in lexicon.NOUNS.values() for noun in nouns}
ADJECTIVES = {
    adjective.en: adjective for adjective in (*lexicon.QUALITIES, *lexicon.CLASSIFIERS, *lexicon.NATIONALITIES)
}
VERBS = {frame.verb.base: frame.verb for frame in (*lexicon.TRANSITIVE_FRAMES, *lexicon.INTRANSITIVE_FRAMES)}
PRONOUNS = {pronoun.en: grammar.subject_pronoun(pronoun) for pronoun in lexicon.PRONOUNS}


@pytest.fixture(scope="module")
def splits() -> Splits:
    return builtin.generate()


@pytest.fixture(scope="module")
def examples(splits: Splits) -> list[Example]:
    return [example for split in splits.values() for example in split]


@pytest.fixture(scope="module")
def cut(examples: list[Example]) -> Cut:
    """Every fourth example with its words."""
    return [(example, *texts(example)) for example in examples[::4]]


def texts(example: Example) -> tuple[list[str], list[str]]:
    src = [word.text for word in split_words(example.src, "en")]
    return src, [word.text for word in split_words(example.trg, "fr")]


def the(noun: str, *adjectives: str, plural: bool = False) -> Phrase:
    return noun_phrase(THE, NOUNS[noun], plural=plural, adjectives=[ADJECTIVES[name] for name in adjectives])


def a(noun: str, *adjectives: str, plural: bool = False, negated: bool = False) -> Phrase:
    described = [ADJECTIVES[name] for name in adjectives]
    return noun_phrase(A, NOUNS[noun], plural=plural, adjectives=described, negated=negated)


def both_sides(phrase: Phrase) -> tuple[str, str]:
    example = surface(phrase)
    return example.src, example.trg


# Whole corpora


def test_size_and_splits(splits: Splits) -> None:
    assert {name: len(split) for name, split in splits.items()} == {"train": 20_000, "dev": 500, "test": 500}


def test_no_sentence_twice_on_either_side(examples: list[Example]) -> None:
    for side in ("src", "trg"):
        counts = Counter(getattr(example, side) for example in examples)
        assert [text for text, count in counts.items() if count > 1] == []


def test_the_same_seed_gives_the_same_bytes() -> None:
    lines = [
        f"{name}\t{example.src}\t{example.trg}\t{builtin.pharaoh(example)}\n"
        for name, split in builtin.generate(pairs=200, seed=7).items()
        for example in split
    ]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert digest == "bb3d51e5fe218f43e338dbc8a8ad0effcfbfa6e497dc25603dafad7bb9e4684b"


def test_another_seed_gives_other_sentences(splits: Splits) -> None:
    other = builtin.generate(pairs=10, seed=2)
    assert not {e.src for e in other["test"]} & {e.src for e in splits["test"]}


def test_held_out_sentences_do_not_depend_on_the_size(splits: Splits) -> None:
    small = builtin.generate(pairs=10)
    assert small["dev"] == splits["dev"]
    assert small["test"] == splits["test"]
    assert small["train"] == splits["train"][:10]
    assert builtin.generate(pairs=0) == {"dev": splits["dev"], "test": splits["test"]}


def test_lengths(cut: Cut) -> None:
    lengths = [len(src) for _, src, _ in cut]
    assert corpus.SHORTEST <= min(lengths) <= max(lengths) <= corpus.LONGEST
    assert 11 <= sum(lengths) / len(lengths) <= 14
    assert sum(length >= 20 for length in lengths) > 0.08 * len(lengths)


def test_links_point_at_words_and_reach_every_french_word(cut: Cut) -> None:
    for example, src, trg in cut:
        assert example.sure <= example.possible
        assert {j for _, j in example.possible} == set(range(len(trg))), example
        assert all(0 <= i < len(src) for i, _ in example.possible), example
        assert (len(src) - 1, len(trg) - 1) in example.sure


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("agreement", "accord"),
        ("committee", "comité"),
        ("letters", "lettres"),
        ("Strasbourg", "Strasbourg"),
        ("yesterday", "hier"),
        ("never", "jamais"),
        ("because", "parce"),
        ("signed", "signé"),
    ],
)
def test_gold_links_join_translations(cut: Cut, english: str, french: str) -> None:
    seen = 0
    for example, src, trg in cut:
        if src.count(english) == 1 and trg.count(french) == 1:
            seen += 1
            assert (src.index(english), trg.index(french)) in example.sure, example
    assert seen > 10


def test_lemmas_are_many_and_occur(splits: Splits) -> None:
    assert lexicon.count_lemmas() >= 500
    words = set(re.findall(r"[\w'-]+", " ".join(e.src for e in splits["train"]).casefold()))
    words |= {word.removesuffix("'s") for word in words}
    lemmas = lexicon.lemmas()
    missing = [lemma for lemma, forms in lemmas.items() if not any(form.casefold() in words for form in forms)]
    assert missing == []


def test_english_determines_french() -> None:
    dice = Dice(5)
    translations: dict[str, str] = {}
    for _ in range(4000):
        example = surface(draw_sentence(dice))
        assert translations.setdefault(example.src, example.trg) == example.trg


VOWEL = r"(?=[aeiouyàâéèêîôœ]|h(?!éros|ibou|ausse|uit|olland|ongr))(?!onze)"


@pytest.mark.parametrize(
    "pattern",
    [
        rf"\b(?:le|la|de|que|ne|se|me|je|ce|ma|sa) {VOWEL}\w",
        rf"\b(?:un|le|ce|mon|son|notre|votre|leur|chaque) (?:nouveau|vieux|beau) {VOWEL}\w",
        r"\bde les?\b(?! \w+(?:er|ir|re)\b)",
        r"\bà les?\b(?! \w+(?:er|ir|re)\b)",
        r"\bde des\b",
        r"\bsi ils?\b",
        r"\b(?:cette|une|la|ma|sa) (?:accord|comité|ministre)s?\b",
        r"\b(?:l|d|qu|n|s|m|j)'[bcdfgjklmnpqrstvwxz]",
        r"\bl'h(?:éros|ibou|ausse)",
        r"\b(?:vieil|bel|nouvel|cet) [bcdfgjklmnpqrstvwxz]",
        r" [.,]",
        r"[^ ]\?",
        r"  ",
    ],
)
def test_forbidden_french(examples: list[Example], pattern: str) -> None:
    wrong = re.compile(pattern, re.IGNORECASE)
    assert [example.trg for example in examples if wrong.search(example.trg)] == []


def test_english_articles(examples: list[Example]) -> None:
    wrong = re.compile(r"\ba (?:[aio]|e(?!u)|u(?!ni|se)|hon)|\ban (?:[bcdfgjklmnpqrstvwxz]|uni|eu|use)", re.IGNORECASE)
    assert [example.src for example in examples if wrong.search(example.src)] == []


def test_negated_verbs_have_both_parts(cut: Cut) -> None:
    for example, src, trg in cut:
        if "not" in src or "cannot" in src or "never" in src:
            assert {"ne", "n'"} & {word.casefold() for word in trg}, example
            assert {"pas", "jamais", "plus"} & set(trg), example


# The lesson's sentences


def test_the_lesson_is_derived() -> None:
    first, second = LESSON_SENTENCES
    assert first.src == "The agreement on the European Economic Area was signed in August 1992."
    assert first.trg == "L'accord sur la zone économique européenne a été signé en août 1992."
    links = "0-0 1-1 2-2 3-3 4-6 5-5 6-4 7-7 7-8 8-9 9-10 10-11 11-12 12-13"
    assert builtin.pharaoh(first) == links
    assert second.src == "It should be noted that the marine environment is the least known of environments."
    assert second.trg == ("Il convient de noter que l'environnement marin est le moins connu des environnements.")
    links = "0-0 1-1 2?1 3?2 3-3 4-4 5-5 6-7 7-6 8-8 9-9 10-10 11-11 12-12 13?12 13-13 14-14"
    assert builtin.pharaoh(second) == links


def test_the_lesson_is_held_out(examples: list[Example]) -> None:
    def bare(text: str) -> str:
        return re.sub(r"\W", "", text.casefold())

    lesson = {bare(text) for example in LESSON_SENTENCES for text in (example.src, example.trg)}
    assert not lesson & {bare(text) for example in examples for text in (example.src, example.trg)}


def test_the_words_of_the_lesson_are_learnt(splits: Splits) -> None:
    for side in range(2):
        lines = [(example.src, example.trg)[side] for example in splits["train"]]
        counts = Counter(re.findall(r"\w+'?|[.,?]", " ".join(lines)))
        words = {word for example in LESSON_SENTENCES for word in texts(example)[side]}
        assert [word for word in words if counts[word] < 20] == []


# Sentences checked by hand


@pytest.mark.parametrize(
    ("phrase", "src", "trg"),
    [
        (the("policy", "new", "French", "agricultural"),
         "The new French agricultural policy", "La nouvelle politique agricole française"),
        (the("hero", "old"), "The old hero", "Le vieux héros"),
        (the("hospital"), "The hospital", "L'hôpital"),
        (a("friend", "old"), "An old friend", "Un vieil ami"),
        (a("key", plural=True), "Keys", "Des clés"),
        (a("key", "new", plural=True), "New keys", "De nouvelles clés"),
        (a("key", "white", plural=True), "White keys", "Des clés blanches"),
        (a("key", negated=True), "A key", "De clé"),
        (noun_phrase(lexicon.THIS, NOUNS["agreement"]), "This agreement", "Cet accord"),
        (noun_phrase(lexicon.POSSESSIVES[0], NOUNS["school"]), "My school", "Mon école"),
        (noun_phrase(lexicon.EVERY, NOUNS["letter"], plural=True), "All the letters", "Toutes les lettres"),
        (grammar.mass_phrase(NOUNS["education"]), "Education", "L'éducation"),
        (grammar.possessor_phrase(the("minister"), NOUNS["decision"]),
         "The minister's decision", "La décision du ministre"),
        (the("list") + word("of", "de") + the("city", plural=True),
         "The list of the cities", "La liste des villes"),
        (the("list") + word("of", "de") + a("city", plural=True), "The list of cities", "La liste de villes"),
        (grammar.date(1, lexicon.MONTH_LIST[4], "1998"), "On 1 May 1998", "Le 1er mai 1998"),
        (grammar.in_country(lexicon.COUNTRY[0]), "In France", "En France"),
        (grammar.in_country(lexicon.COUNTRY[4]), "In Canada", "Au Canada"),
        (grammar.how_many(NOUNS["expert"]), "How many experts", "Combien d'experts"),
    ],
)  # fmt: skip
def test_noun_phrases(phrase: Phrase, src: str, trg: str) -> None:
    assert both_sides(phrase) == (src, trg)


def says(subject: Phrase, predicate: Predicate) -> tuple[str, str]:
    return both_sides(statement(Clause(subject, predicate)))


def test_tenses_of_a_verb() -> None:
    sign, agreement, she = VERBS["sign"], the("agreement"), PRONOUNS["she"]

    def signs(tense: grammar.Tense) -> tuple[str, str]:
        return says(she, Predicate(sign, tense, lambda _: agreement))

    assert signs("present") == ("She signs the agreement", "Elle signe l'accord")
    assert signs("past") == ("She signed the agreement", "Elle a signé l'accord")
    assert signs("perfect") == ("She has signed the agreement", "Elle a signé l'accord")
    assert signs("future") == ("She will sign the agreement", "Elle signera l'accord")


def test_participles_agree_with_the_subject_after_etre() -> None:
    assert says(the("queen"), Predicate(VERBS["arrive"])) == ("The queen arrived", "La reine est arrivée")
    assert says(PRONOUNS["we"], Predicate(VERBS["leave"])) == ("We left", "Nous sommes partis")
    assert says(the("team", plural=True), Predicate(VERBS["meet"])) == (
        "The teams met",
        "Les équipes se sont réunies",
    )
    closed = Predicate(lexicon.BE_PASSIVE, complement=grammar.passive(VERBS["close"]))
    assert says(the("door", plural=True), closed) == ("The doors were closed", "Les portes ont été fermées")


def test_participles_agree_with_an_object_that_comes_first() -> None:
    bought = grammar.subject_does_both(PRONOUNS["I"], "past", VERBS["buy"], VERBS["sell"], the("lamp"))
    assert both_sides(bought) == ("I bought the lamp and sold it", "J'ai acheté la lampe et l'ai vendue")
    letter = the("letter", plural=True)
    clause = Clause(the("minister"), Predicate(VERBS["write"]))
    assert both_sides(grammar.relative_object(letter, clause)) == (
        "The letters that the minister wrote",
        "Les lettres que le ministre a écrites",
    )
    predicate = Predicate(VERBS["write"], object_agreement=letter.agreement)
    asked = grammar.question(Clause(PRONOUNS["he"], predicate), grammar.how_many(NOUNS["letter"]), long="est-ce que")
    assert both_sides(asked) == (
        "How many letters did he write",
        "Combien de lettres est-ce qu'il a écrites",
    )


@pytest.mark.parametrize(
    ("negation", "src", "trg", "links"),
    [
        (NOT, "He does not eat", "Il ne mange pas", "0-0 1?2 2-1 2-3 3-2"),
        (NEVER, "He never eats", "Il ne mange jamais", "0-0 1-1 1-3 2-2"),
        (NO_LONGER, "He no longer eats", "Il ne mange plus", "0-0 1-1 1-3 2-1 2-3 3-2"),
    ],
)
def test_negation(negation: grammar.Negation, src: str, trg: str, links: str) -> None:
    clause = Clause(PRONOUNS["he"], Predicate(VERBS["eat"], "present", negation=negation))
    example = surface(statement(clause))
    assert (example.src, example.trg, builtin.pharaoh(example)) == (src, trg, links)


def test_a_negative_subject_takes_ne() -> None:
    subject = grammar.nobody(NOUNS["authority"])
    adopted = Predicate(VERBS["adopt"], complement=lambda _: the("law"))
    assert says(subject, adopted) == ("No authority adopted the law", "Aucune autorité n'a adopté la loi")


def test_pronouns_stand_before_the_verb() -> None:
    give = next(f.verb for f in lexicon.GIVING_FRAMES if f.verb.base == "give")
    clitic, book = word("her", "lui"), the("book")
    gave = Predicate(give, complement=lambda _: book, clitic=clitic, negation=NOT)
    assert says(PRONOUNS["he"], gave) == ("He did not give her the book", "Il ne lui a pas donné le livre")
    want = next(f.verb for f in lexicon.MODAL_FRAMES if f.verb.base == "want")
    inner = Predicate(VERBS["help"], clitic=word("them", "les"))
    wants = Predicate(want, "present", grammar.infinitive(inner), NOT)
    assert says(PRONOUNS["they"], wants) == (
        "They do not want to help them",
        "Ils ne veulent pas les aider",
    )
    can = next(f.verb for f in lexicon.MODAL_FRAMES if f.verb.base == "can")
    cannot = Predicate(can, "present", grammar.infinitive(inner), NOT)
    assert says(PRONOUNS["she"], cannot) == ("She cannot help them", "Elle ne peut pas les aider")


def test_comparison() -> None:
    good = grammar.compared(ADJECTIVES["good"], "more", the("book"))
    copula = lexicon.BE_COPULA
    assert says(the("letter", plural=True), Predicate(copula, "past", good)) == (
        "The letters were better than the book",
        "Les lettres étaient meilleures que le livre",
    )
    finest = grammar.superlative(ADJECTIVES["beautiful"], "most", NOUNS["city"], every=True)
    assert says(the("city"), Predicate(copula, "present", finest)) == (
        "The city is the most beautiful of all the cities",
        "La ville est la plus belle de toutes les villes",
    )


def test_questions_and_subjunctives() -> None:
    clause = Clause(the("expert"), Predicate(VERBS["come"], "future"))
    assert both_sides(grammar.question(clause)) == ("Will the expert come", "Est-ce que l'expert viendra")
    doubtful = Clause(the("expert"), Predicate(VERBS["come"], "past", subjunctive=True))
    assert both_sides(statement(doubtful))[1] == "L'expert soit venu"
    sings = Clause(the("girl", plural=True), Predicate(VERBS["understand"], "present", subjunctive=True))
    assert both_sides(statement(sings))[1] == "Les filles comprennent"


@pytest.mark.parametrize(
    ("infinitive", "present", "future", "participle"),
    [
        ("manger", "mange mange mangeons mangez mangent", "manger", "mangé"),
        ("annoncer", "annonce annonce annonçons annoncez annoncent", "annoncer", "annoncé"),
        ("acheter", "achète achète achetons achetez achètent", "achèter", "acheté"),
        ("appeler", "appelle appelle appelons appelez appellent", "appeller", "appelé"),
        ("protéger", "protège protège protégeons protégez protègent", "protéger", "protégé"),
        ("finir", "finis finit finissons finissez finissent", "finir", "fini"),
        ("vendre", "vends vend vendons vendez vendent", "vendr", "vendu"),
        ("venir", "viens vient venons venez viennent", "viendr", "venu"),
    ],
)
def test_french_conjugation(infinitive: str, present: str, future: str, participle: str) -> None:
    assert lexicon.french_forms(infinitive) == (tuple(present.split()), future, participle)


# Faults and files


def test_too_few_pairs() -> None:
    with pytest.raises(S2SError, match="A corpus cannot have -3 pairs"):
        builtin.generate(-3)


def test_more_pairs_than_the_grammar_yields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "ATTEMPTS_PER_PAIR", 2)
    monkeypatch.setattr(corpus, "draw_sentence", lambda dice: the("cat") + word("sleeps", "dort"))
    with pytest.raises(S2SError, match="only 1 different pairs of the 1005 that were asked for"):
        builtin.generate(5)


def test_write(tmp_path: Path) -> None:
    splits = {"train": list(LESSON_SENTENCES), "dev": [LESSON_SENTENCES[0]], "test": []}
    out = tmp_path / "new" / "corpus"
    paths = builtin.write(splits, out)
    names = [f"{split}.{kind}" for split in splits for kind in ("en", "fr", "align")]
    assert [path.name for path in paths] == names
    assert (out / "train.en").read_bytes().decode().splitlines() == [e.src for e in LESSON_SENTENCES]
    assert (out / "dev.fr").read_bytes().decode() == LESSON_SENTENCES[0].trg + "\n"
    assert (out / "train.align").read_text().splitlines()[1].startswith("0-0 1-1 2?1 3?2 3-3 ")
    assert (out / "test.en").read_bytes() == b""


def test_write_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "dev.fr").write_text("mine")
    with pytest.raises(S2SError, match="The file exists already") as caught:
        builtin.write({"train": [], "dev": [LESSON_SENTENCES[0]]}, tmp_path)
    assert caught.value.where == str(tmp_path / "dev.fr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.fr"]
    assert (tmp_path / "dev.fr").read_text() == "mine"


@pytest.mark.parametrize(("out", "reason"), [("file", "this is not a folder"), ("file/sub", "Not a directory")])
def test_write_into_a_file(tmp_path: Path, out: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(S2SError, match=f"cannot be written: {reason}"):
        builtin.write({"train": []}, tmp_path / out)
