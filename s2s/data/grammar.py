"""The built-in corpus: an English-French grammar that makes a sentence in both languages and its alignment.

A `Phrase` is the same thing said in both languages. Each French token carries the English tokens that it
expresses, so the gold links come from the construction itself. The file reads from the bottom of a sentence
to its top: tokens, noun phrases, verb phrases and clauses are built by functions that draw nothing; the
second half draws their parts. English determines French: each English sentence has one translation.
"""

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from s2s.data import lexicon
from s2s.data.lexicon import Adjective, Adverb, Determiner, Frame, Idiom, Noun, Pronoun, Verb
from s2s.errors import S2SError

T = TypeVar("T")
Tense = Literal["present", "past", "perfect", "future"]

SHORTEST, LONGEST = 3, 30
"""English words of a sentence, its final mark included."""

HELD_OUT_PAIRS = 500
"""Pairs of dev, and of test."""

ATTEMPTS_PER_PAIR = 20
"""How many sentences may be drawn for each that is wanted before the grammar counts as exhausted."""


# Tokens and phrases


@dataclass(frozen=True, eq=False, slots=True)
class En:
    """An English word; compared by identity, because links lead to this very token."""

    text: str


@dataclass(frozen=True, eq=False, slots=True)
class Fr:
    """A French word before elision and contraction, and the English words that it expresses."""

    text: str
    sure: tuple[En, ...] = ()
    possible: tuple[En, ...] = ()
    before_vowel: str = ""
    article: bool = False


@dataclass(frozen=True)
class Agreement:
    """What French agrees with."""

    person: int = 3
    plural: bool = False
    gender: str = "m"

    @property
    def form(self) -> int:
        """The place in (masculine, feminine, masculine plural, feminine plural)."""
        return 2 * self.plural + (self.gender == "f")

    @property
    def conjugation(self) -> int:
        """The place in (je, il, nous, vous, ils)."""
        if self.person == 3:
            return 4 if self.plural else 1
        return 3 if self.person == 2 else 2 if self.plural else 0


@dataclass(frozen=True)
class Phrase:
    """The same thing in both languages; `agreement` matters for noun phrases."""

    en: tuple[En, ...] = ()
    fr: tuple[Fr, ...] = ()
    agreement: Agreement = Agreement()
    ne: tuple[En, ...] = ()
    """The English word of a negative subject (`no minister`), for which the French verb takes `ne`."""

    def __add__(self, other: "Phrase") -> "Phrase":
        """One after the other; the first is the head."""
        return Phrase(self.en + other.en, self.fr + other.fr, self.agreement, self.ne)


NOTHING = Phrase()


def word(en: str, fr: str) -> Phrase:
    """One English word that is one French word."""
    source = En(en)
    return Phrase((source,), (Fr(fr, (source,)),))


def say(entry: Idiom) -> Phrase:
    """An entry of the lexicon."""
    en = tuple(En(text) for text in entry.en)
    fr = tuple(
        Fr(piece.text, tuple(en[i] for i in piece.sure), tuple(en[i] for i in piece.possible)) for piece in entry.fr
    )
    return Phrase(en, fr)


def idiom(en: str, fr: str) -> Phrase:
    """Fixed words, with the lexicon's marks for links."""
    return say(lexicon.idiom(en, fr))


def mark(en: str, fr: str) -> Phrase:
    """Punctuation."""
    return word(en, fr)


# Noun phrases

_NO_DETERMINER = Determiner(("", ""), ("", "", ""))


def noun_phrase(
    determiner: Determiner,
    noun: Noun,
    *,
    plural: bool = False,
    adjectives: Sequence[Adjective] = (),
    count: Phrase = NOTHING,
    negated: bool = False,
) -> Phrase:
    """Determiner, number, adjectives and noun: `the new French policy`, `la nouvelle politique française`.

    Args:
        adjectives: in English order; French keeps it before the noun and reverses it after the noun.
        count: a number, said after the determiner.
        negated: the phrase is the object of a negated verb, where French says `de` for `un` and `des`.
    """
    agreement = Agreement(3, plural, noun.gender)
    head = say(noun.plural if plural and noun.plural else noun.singular)
    described = [(adjective, _adjective(adjective, agreement)) for adjective in adjectives]
    before = [phrase.fr[0] for adjective, phrase in described if adjective.precedes]
    after = [phrase.fr[0] for adjective, phrase in reversed(described) if not adjective.precedes]
    en = tuple(token for _, phrase in described for token in phrase.en) + head.en
    fr = (*before, *head.fr, *after)
    article = _determiner(determiner, agreement, head.en[-1], bare=negated or (plural and bool(before)))
    return Phrase(article.en + count.en + en, article.fr + count.fr + fr, agreement)


def _adjective(adjective: Adjective, agreement: Agreement) -> Phrase:
    source = En(adjective.en)
    special = adjective.before_vowel if agreement.form == 0 else ""
    return Phrase((source,), (Fr(adjective.fr[agreement.form], (source,), (), special),))


def _determiner(determiner: Determiner, agreement: Agreement, head: En, *, bare: bool) -> Phrase:
    """The determiner; `bare` turns an indefinite one into `de`."""
    text = determiner.fr[2 if agreement.plural else int(agreement.gender == "f")]
    if determiner.indefinite and bare:
        text = "de"
    en = tuple(En(part) for part in determiner.en[agreement.plural].split())
    if determiner is _NO_DETERMINER:
        return NOTHING
    if determiner is lexicon.EVERY and agreement.plural:
        all_, the = en
        every = ("tous", "toutes")[agreement.gender == "f"]
        return Phrase(en, (Fr(every, (all_,)), Fr("les", (the,), article=True)))
    is_article = determiner is lexicon.THE
    return Phrase(en, (Fr(text, en, () if en else (head,), article=is_article),))


def mass_phrase(noun: Noun) -> Phrase:
    """What English says without an article and French with one: `peace`, `la paix`."""
    head = say(noun.singular)
    article = Fr("la" if noun.gender == "f" else "le", (), (head.en[-1],), article=True)
    return Phrase(head.en, (article, *head.fr), Agreement(3, False, noun.gender))


def named_phrase(noun: Noun) -> Phrase:
    """A person: `Mary`, `Marie`."""
    return replace(say(noun.singular), agreement=Agreement(3, False, noun.gender))


def possessor_phrase(owner: Phrase, noun: Noun) -> Phrase:
    """`the minister's decision`, `la décision du ministre`."""
    last = En(owner.en[-1].text + "'s")
    head = say(noun.singular)
    article = Fr("la" if noun.gender == "f" else "le", (), (head.en[-1],), article=True)
    owned = tuple(
        replace(
            token,
            sure=tuple(last if en is owner.en[-1] else en for en in token.sure),
            possible=tuple(last if en is owner.en[-1] else en for en in token.possible),
        )
        for token in owner.fr
    )
    fr = (article, *head.fr, Fr("de", (last,)), *owned)
    return Phrase((*owner.en[:-1], last, *head.en), fr, Agreement(3, False, noun.gender))


def attribute(preposition: str, french: str, phrase: Phrase) -> Phrase:
    """`on the agreement`, `sur l'accord`."""
    return word(preposition, french) + phrase


# Verb phrases


@dataclass(frozen=True)
class Negation:
    """English words, the French ones around the verb, and whether English needs `do`."""

    en: str
    fr: str
    support: bool = False


NOT = Negation("not", "pas", support=True)
NEVER = Negation("never", "jamais")
NO_LONGER = Negation("no longer", "plus")

Complement = Callable[[Agreement], Phrase]


@dataclass(frozen=True)
class Predicate:
    """What is said of a subject.

    `complement` gets the subject's agreement: adjectives and participles follow it. `clitic` is an object
    pronoun: its English side stands after the verb, its French side before. `object_agreement` belongs to a
    direct object before the French verb (a clitic, `que` ...), with which the participle agrees.
    """

    verb: Verb
    tense: Tense = "past"
    complement: Complement = lambda _: NOTHING
    negation: Negation | None = None
    adverb: Adverb | None = None
    clitic: Phrase = NOTHING
    object_agreement: Agreement | None = None
    adjuncts: Phrase = NOTHING
    subjunctive: bool = False


@dataclass(frozen=True)
class _EnglishVerb:
    """`front` is the auxiliary that a question puts before its subject."""

    front: tuple[En, ...]
    more: tuple[En, ...]
    main: tuple[En, ...]

    @property
    def head(self) -> En:
        return (self.main or self.front)[0]


def finite_english(verb: Verb, tense: Tense, agreement: Agreement) -> str:
    """Present or past form of an English verb."""
    base, third, past, _ = verb.en
    singular = agreement.person == 3 and not agreement.plural
    if base == "be":
        if tense == "present":
            first = agreement.person == 1 and not agreement.plural
            return "is" if singular else "am" if first else "are"
        return "was" if not agreement.plural else "were"
    if tense == "past":
        return past
    return third if singular else base


def _english_verb(predicate: Predicate, agreement: Agreement, *, support: bool) -> _EnglishVerb:
    """The English verb; `support`: a question or `not` wants an auxiliary."""
    verb, tense = predicate.verb, predicate.tense
    if tense == "future":
        return _EnglishVerb((En("will"),), (), (En(verb.base),))
    if tense == "perfect":
        singular = agreement.person == 3 and not agreement.plural
        return _EnglishVerb((En("has" if singular else "have"),), (), (En(verb.en[3]),))
    finite = finite_english(verb, tense, agreement)
    if verb.base == "be" or verb.base in lexicon.ENGLISH_MODALS:
        return _EnglishVerb((En(finite),), (), ())
    if support:
        do = "did" if tense == "past" else finite_english(_DO, tense, agreement)
        return _EnglishVerb((En(do),), (), (En(verb.base),))
    return _EnglishVerb((), (), (En(finite),))


_DO = replace(lexicon.BE_PASSIVE, en=("do", "does", "did", "done"))
_AVOIR = lexicon.verb("have", "avoir")


def participle(text: str, agreement: Agreement) -> str:
    """A French past participle: signé, signée, signés, signées."""
    text += "e" if agreement.gender == "f" else ""
    return text + ("s" if agreement.plural and not text.endswith("s") else "")


def finite_french(verb: Verb, tense: Tense, agreement: Agreement, *, subjunctive: bool = False) -> str:
    """Simple tenses of a French verb; `past` is the imparfait."""
    place = agreement.conjugation
    if tense == "future":
        return verb.future + ("ai", "a", "ons", "ez", "ont")[place]
    if tense == "past":
        return verb.imperfect[place]
    if subjunctive:
        plural = verb.present[4]
        regular = (plural.removesuffix("nt"), plural)
        return lexicon.FRENCH_SUBJUNCTIVE.get(verb.infinitive, regular)[agreement.plural]
    return verb.present[place]


def _french_verb(predicate: Predicate, agreement: Agreement, english: _EnglishVerb) -> list[Fr]:
    """The finite verb, and in a compound tense the participle behind it."""
    verb, tense = predicate.verb, predicate.tense
    head = english.head
    helpers = tuple(en for en in english.front if en is not head)
    compound = tense == "perfect" or (tense == "past" and not verb.imperfect)
    if not compound:
        text = finite_french(verb, tense, agreement, subjunctive=predicate.subjunctive)
        return [Fr(text, (head,), helpers)]
    auxiliary = lexicon.BE_PASSIVE if verb.with_etre else _AVOIR
    text = finite_french(auxiliary, "present", agreement, subjunctive=predicate.subjunctive)
    if tense == "perfect":
        first = Fr(text, helpers)
    else:
        first = Fr(text, (head,)) if verb.base == "be" else Fr(text, (), (*helpers, head))
    agrees_with = agreement if verb.with_etre else predicate.object_agreement
    second = participle(verb.participle, agrees_with) if agrees_with else verb.participle
    return [first, Fr(second, (head,))]


def _reflexive(verb: Verb, agreement: Agreement, head: En) -> tuple[Fr, ...]:
    if not verb.reflexive:
        return ()
    text = ("me", "se", "nous", "vous", "se")[agreement.conjugation]
    return (Fr(text, (), (head,)),)


@dataclass(frozen=True)
class _VerbPhrase:
    """A verb phrase whose English auxiliary can still go before the subject."""

    front: tuple[En, ...]
    rest: Phrase


def verb_phrase(predicate: Predicate, subject: Phrase, *, question: bool = False) -> _VerbPhrase:
    """The finite verb phrase that goes with a subject."""
    agreement, negation = subject.agreement, predicate.negation
    english = _english_verb(predicate, agreement, support=question or bool(negation and negation.support))
    no = tuple(En(text) for text in negation.en.split()) if negation else ()
    front = english.front
    if negation is NOT and front and front[0].text == "can":
        front = no = (En("cannot"),)
        english = replace(english, front=front)
    adverb = word(predicate.adverb.en, predicate.adverb.fr) if predicate.adverb else NOTHING
    early, late = ((), adverb.en) if predicate.adverb and predicate.adverb.last else (adverb.en, ())
    complement = predicate.complement(agreement)
    particle = (En(predicate.verb.particle),) if predicate.verb.particle else ()
    en_no = () if no == front else no
    en = (*en_no, *early, *english.main, *particle, *predicate.clitic.en, *complement.en, *late)
    finite, *rest = _french_verb(predicate, agreement, english)
    around = (Fr("ne", no or subject.ne),) if no or subject.ne else ()
    second = (Fr(negation.fr, no),) if negation else ()
    clitics = (*_reflexive(predicate.verb, agreement, english.head), *predicate.clitic.fr)
    linked = _link_particle(complement.fr, particle)
    fr = (*around, *clitics, finite, *second, *adverb.fr, *rest, *linked)
    return _VerbPhrase(front, Phrase(en, fr) + predicate.adjuncts)


def _link_particle(fr: tuple[Fr, ...], particle: tuple[En, ...]) -> tuple[Fr, ...]:
    """`to` is expressed by the `de` or `à` before the infinitive, or possibly by the infinitive alone."""
    if not particle or not fr:
        return fr
    first = fr[0]
    if first.text in ("de", "à") and not first.sure:
        return (replace(first, sure=particle, possible=()), *fr[1:])
    return (replace(first, possible=first.possible + particle), *fr[1:])


def infinitive(predicate: Predicate, preposition: str = "") -> Complement:
    """An infinitive phrase: `sign the agreement`, `de signer l'accord`."""

    def phrase(agreement: Agreement) -> Phrase:
        head = En(predicate.verb.base)
        adverb = word(predicate.adverb.en, predicate.adverb.fr) if predicate.adverb else NOTHING
        complement = predicate.complement(agreement)
        en = (head, *predicate.clitic.en, *complement.en, *adverb.en)
        before = (Fr(preposition, (), (head,)),) if preposition else ()
        clitics = (*_reflexive(predicate.verb, agreement, head), *predicate.clitic.fr)
        fr = (*before, *clitics, Fr(predicate.verb.infinitive, (head,)), *adverb.fr, *complement.fr)
        return Phrase(en, fr) + predicate.adjuncts

    return phrase


def passive(verb: Verb, rest: Phrase = NOTHING) -> Complement:
    """`signed by the minister`, `signée par le ministre`; goes with `BE_PASSIVE`."""

    def phrase(agreement: Agreement) -> Phrase:
        return word(verb.en[3], participle(verb.participle, agreement)) + rest

    return phrase


def described(adjective: Adjective, rest: Phrase = NOTHING) -> Complement:
    """A predicative adjective."""
    return lambda agreement: word(adjective.en, adjective.fr[agreement.form]) + rest


def compared(adjective: Adjective, degree: Literal["more", "less", "as"], standard: Phrase) -> Complement:
    """`longer than the report`, `plus long que le rapport`."""

    def phrase(agreement: Agreement) -> Phrase:
        text = adjective.fr[agreement.form]
        link = word("as", "que") if degree == "as" else word("than", "que")
        if degree == "more" and adjective.comparative:
            return _by_ending(adjective.comparative, adjective, agreement) + link + standard
        french = {"more": "plus", "less": "moins", "as": "aussi"}[degree]
        return word(degree, french) + word(adjective.en, text) + link + standard

    return phrase


def _by_ending(en: str, adjective: Adjective, agreement: Agreement) -> Phrase:
    """`longer` / `plus long`; good and bad have words of their own."""
    source = En(en)
    own = lexicon.FRENCH_COMPARATIVES.get(adjective.en)
    if own:
        return Phrase((source,), (Fr(own[agreement.form], (source,)),))
    return Phrase((source,), (Fr("plus", (source,)), Fr(adjective.fr[agreement.form], (source,))))


def superlative(adjective: Adjective, degree: Literal["most", "least"], noun: Noun, *, every: bool) -> Complement:
    """`the least known of environments`, `le moins connu des environnements`."""

    def phrase(agreement: Agreement) -> Phrase:
        the = En("the")
        article = Fr(("le", "la", "les", "les")[agreement.form], (the,), article=True)
        text = adjective.fr[agreement.form]
        if degree == "most" and adjective.superlative:
            best = _by_ending(adjective.superlative, adjective, agreement)
        else:
            best = word(degree, "plus" if degree == "most" else "moins") + word(adjective.en, text)
        many = say(noun.plural or noun.singular)
        group = Phrase(many.en, (Fr("les", (), many.en, article=True), *many.fr))
        if every:
            determiner = _determiner(lexicon.EVERY, Agreement(3, True, noun.gender), many.en[0], bare=False)
            group = determiner + many
        return Phrase((the,), (article,)) + best + word("of", "de") + group

    return phrase


# Clauses


@dataclass(frozen=True)
class Clause:
    subject: Phrase
    predicate: Predicate


def statement(clause: Clause) -> Phrase:
    """`the minister signed the agreement`."""
    verbal = verb_phrase(clause.predicate, clause.subject)
    return clause.subject + Phrase(verbal.front) + verbal.rest


def question(clause: Clause, opening: Phrase = NOTHING, *, long: str = "Est-ce que") -> Phrase:
    """`did the minister sign the agreement`, `est-ce que le ministre a signé l'accord`."""
    verbal = verb_phrase(clause.predicate, clause.subject, question=True)
    asked = tuple(Fr(text, (), verbal.front) for text in long.split())
    rest = clause.subject + verbal.rest
    return Phrase((*opening.en, *verbal.front, *rest.en), (*opening.fr, *asked, *rest.fr))


def relative_subject(head: Phrase, pronoun: str, predicate: Predicate) -> Phrase:
    """`the minister who signed the agreement`."""
    verbal = verb_phrase(predicate, Phrase(agreement=head.agreement))
    return head + word(pronoun, "qui") + Phrase(verbal.front) + verbal.rest


def relative_object(head: Phrase, clause: Clause) -> Phrase:
    """`the letter that the minister signed`, `la lettre que le ministre a signée`."""
    predicate = replace(clause.predicate, object_agreement=head.agreement)
    return head + word("that", "que") + statement(Clause(clause.subject, predicate))


# From tokens to text


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


# Drawing


class Dice:
    """Random choices that are the same on every machine: only `random.Random.random` is promised to stay."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weigh(self, items: Sequence[tuple[int, T]]) -> T:
        """One of (weight, item)."""
        left = self.below(sum(weight for weight, _ in items))
        for weight, item in items:
            left -= weight
            if left < 0:
                return item
        raise AssertionError("nothing to draw from")


def _nouns_of(kind: str) -> tuple[Noun, ...]:
    """Nouns of a kind; a kind may also be the lemma of one noun."""
    if kind == "country":
        return lexicon.COUNTRY
    if kind in lexicon.NOUNS:
        return lexicon.NOUNS[kind]
    return tuple(noun for nouns in lexicon.NOUNS.values() for noun in nouns if noun.lemma == kind)


def _suits(adjective: Adjective, noun: Noun) -> bool:
    return noun.kind in adjective.kinds or noun.lemma in adjective.kinds


_COUNTABLE = tuple(noun for kind in lexicon.KINDS if kind not in lexicon.UNCOUNTABLE for noun in lexicon.NOUNS[kind])
_QUALITIES = {noun.lemma: tuple(a for a in lexicon.QUALITIES if _suits(a, noun)) for noun in _COUNTABLE}
_DOMAINS = {noun.lemma: tuple(a for a in lexicon.CLASSIFIERS if _suits(a, noun)) for noun in _COUNTABLE}
_COMPOUNDS = {kind: tuple(noun for noun in lexicon.COMPOUND_NOUNS if noun.kind == kind) for kind in lexicon.KINDS}
_HAS_ORIGIN = (
    "group", "person", "thing", "law", "treaty", "policy", "economy", "culture", "industry", "language",
)  # fmt: skip
"""Kinds and lemmas that may be French or British."""

_FAMILIES = {
    "transitive": lexicon.TRANSITIVE_FRAMES,
    "prepositional": lexicon.PREPOSITIONAL_FRAMES,
    "intransitive": lexicon.INTRANSITIVE_FRAMES,
    "giving": lexicon.GIVING_FRAMES,
    "modal": lexicon.MODAL_FRAMES,
    "intending": lexicon.INTENDING_FRAMES,
}
_WEIGHTS = {
    "transitive": 50, "prepositional": 14, "intransitive": 12, "giving": 10, "modal": 10, "intending": 7,
}  # fmt: skip
_LEMMAS = tuple(noun.lemma for nouns in lexicon.NOUNS.values() for noun in nouns)
_FRAMES = {
    (family, kind): tuple(frame for frame in frames if kind in frame.subjects)
    for family, frames in _FAMILIES.items()
    for kind in (*lexicon.KINDS, *_LEMMAS)
}
_PASSIVE_KINDS = ("document", "plan", "issue", "event", "place", "building", "thing", "group")
_PASSIVE_FRAMES = tuple(
    (frame, kind)
    for frame in lexicon.TRANSITIVE_FRAMES
    for kind in frame.objects
    if _nouns_of(kind)[0].kind in _PASSIVE_KINDS and frame.verb.base not in lexicon.NEVER_PASSIVE
)
_OBJECT_FRAMES = {
    noun.lemma: tuple(f for f in lexicon.TRANSITIVE_FRAMES if {noun.kind, noun.lemma} & set(f.objects))
    for noun in _COUNTABLE
}
_ATTRIBUTES = {
    noun.lemma: tuple(a for owners, a in lexicon.ATTRIBUTE_LIST if noun.kind in owners or noun.lemma in owners)
    for noun in _COUNTABLE
}


def draw_adjectives(dice: Dice, noun: Noun) -> list[Adjective]:
    """None to three adjectives in English order: quality, origin, domain."""
    adjectives: list[Adjective] = []
    if _QUALITIES[noun.lemma] and dice.chance(0.28):
        adjectives.append(dice.pick(_QUALITIES[noun.lemma]))
    if (noun.kind in _HAS_ORIGIN or noun.lemma in _HAS_ORIGIN) and dice.chance(0.14):
        adjectives.append(dice.pick(lexicon.NATIONALITIES))
    if _DOMAINS[noun.lemma] and dice.chance(0.25):
        adjectives.append(dice.pick(_DOMAINS[noun.lemma]))
    return adjectives


def draw_count(dice: Dice) -> Phrase:
    """`three`, `several`, `45`."""
    if dice.chance(0.2):
        number = str(13 + dice.below(86))
        return word(number, number)
    if dice.chance(0.2):
        return word("several", "plusieurs")
    return say(dice.pick(lexicon.NUMBER_LIST))


def draw_noun(dice: Dice, kind: str) -> Noun:
    return dice.pick(_nouns_of(kind))


def draw_noun_phrase(dice: Dice, kind: str, room: int, *, negated: bool = False) -> Phrase:
    """A noun phrase of a kind.

    Args:
        room: how deep attributes and relative clauses may still nest.
        negated: it is the direct object of a negated verb.
    """
    if kind == "country":
        return mass_phrase(dice.pick(lexicon.COUNTRY))
    if kind == "city":
        return say(dice.pick(lexicon.CITY))
    if kind == "person" and dice.chance(0.12):
        return named_phrase(dice.pick(lexicon.NAMED))
    if _COMPOUNDS.get(kind) and dice.chance(0.1):
        return noun_phrase(lexicon.THE, dice.pick(_COMPOUNDS[kind]))
    noun = draw_noun(dice, kind)
    if noun.kind in lexicon.UNCOUNTABLE:
        return mass_phrase(noun)
    if kind in ("plan", "document", "thing", "animal") and dice.chance(0.06):
        return possessor_phrase(draw_owner(dice), noun)
    if room > 0 and _ATTRIBUTES[noun.lemma] and dice.chance(0.5):
        return draw_attributed(dice, noun, room - 1)
    phrase = draw_determined(dice, noun, negated=negated)
    if room > 0 and dice.chance(0.14):
        return draw_relative(dice, phrase, noun, room - 1)
    return phrase


def draw_owner(dice: Dice) -> Phrase:
    """Who owns something: a name or a person in the singular."""
    if dice.chance(0.4):
        return named_phrase(dice.pick(lexicon.NAMED))
    return noun_phrase(lexicon.THE, draw_noun(dice, "person"))


def draw_determined(dice: Dice, noun: Noun, *, negated: bool) -> Phrase:
    """A noun with determiner, number and adjectives."""
    plural = dice.chance(0.3)
    adjectives = draw_adjectives(dice, noun)
    if plural and dice.chance(0.25):
        determiner = lexicon.THE if dice.chance(0.25) else _NO_DETERMINER
        count = draw_count(dice)
        if determiner is lexicon.THE and count.en[0].text == "several":
            determiner = _NO_DETERMINER
        return noun_phrase(determiner, noun, plural=True, adjectives=adjectives, count=count)
    owner = dice.pick(lexicon.POSSESSIVES) if noun.kind in _OWNED else lexicon.THE
    determiner = dice.weigh(_DETERMINERS) or owner
    return noun_phrase(determiner, noun, plural=plural, adjectives=adjectives, negated=negated)


_DETERMINERS = ((60, lexicon.THE), (16, lexicon.A), (7, lexicon.THIS), (3, lexicon.EVERY), (12, None))
"""None is a possessive."""
_OWNED = ("person", "group", "document", "plan", "building", "thing", "food", "animal")


def draw_attributed(dice: Dice, noun: Noun, room: int) -> Phrase:
    """`the agreement on the environment`."""
    choice = dice.pick(_ATTRIBUTES[noun.lemma])
    plural = dice.chance(0.2)
    phrase = noun_phrase(lexicon.THE, noun, plural=plural, adjectives=draw_adjectives(dice, noun))
    if choice.en == "between":
        first, second = draw_two(dice, lexicon.COUNTRY)
        topic = mass_phrase(first) + word("and", "et") + mass_phrase(second)
    elif noun.kind == "document" and choice.en == "on" and dice.chance(0.25):
        topic = noun_phrase(lexicon.THE, dice.pick(_COMPOUNDS["issue"]))
    else:
        topic = draw_noun_phrase(dice, dice.pick(choice.kinds), room)
    return phrase + attribute(choice.en, choice.fr, topic)


def draw_two(dice: Dice, items: Sequence[T]) -> tuple[T, T]:
    """Two different ones."""
    first = dice.below(len(items))
    second = (first + 1 + dice.below(len(items) - 1)) % len(items)
    return items[first], items[second]


def draw_relative(dice: Dice, phrase: Phrase, noun: Noun, room: int) -> Phrase:
    """`the letter` becomes `the letter that the minister signed`, or `... that concerns the region`."""
    if _OBJECT_FRAMES[noun.lemma] and dice.chance(0.5):
        frame = dice.pick(_OBJECT_FRAMES[noun.lemma])
        subject = draw_subject(dice, dice.pick(frame.subjects), 0)
        return relative_object(phrase, Clause(subject, Predicate(frame.verb, draw_tense(dice))))
    if not any(_FRAMES[family, noun.kind] for family in _WEIGHTS):
        return phrase
    pronoun = "who" if noun.kind == "person" else "that"
    predicate = draw_predicate(dice, noun.kind, draw_tense(dice), room, phrase)
    return relative_subject(phrase, pronoun, predicate)


def draw_subject(dice: Dice, kind: str, room: int) -> Phrase:
    """A subject: a pronoun, a noun phrase, two of them, or `no minister`."""
    if kind == "person" and dice.chance(0.22):
        return subject_pronoun(dice.pick(lexicon.PRONOUNS))
    if kind == "group" and dice.chance(0.1):
        return mass_phrase(dice.pick(lexicon.COUNTRY))
    if kind in ("person", "group") and dice.chance(0.03):
        return nobody(draw_noun(dice, kind))
    phrase = draw_noun_phrase(dice, kind, room)
    if kind in ("person", "group") and dice.chance(0.06):
        return both(phrase, draw_noun_phrase(dice, kind, 0))
    return phrase


def subject_pronoun(pronoun: Pronoun) -> Phrase:
    agreement = Agreement(pronoun.person, pronoun.plural, pronoun.gender)
    return replace(word(pronoun.en, pronoun.fr), agreement=agreement)


def nobody(noun: Noun) -> Phrase:
    """`no minister`, `aucun ministre`; the verb takes `ne`."""
    no = En("no")
    head = say(noun.singular)
    french = Fr("aucune" if noun.gender == "f" else "aucun", (no,))
    return Phrase((no, *head.en), (french, *head.fr), Agreement(3, False, noun.gender), ne=(no,))


def both(first: Phrase, second: Phrase) -> Phrase:
    """`the minister and the queen`: feminine only if all are."""
    feminine = first.agreement.gender == second.agreement.gender == "f"
    return replace(first + word("and", "et") + second, agreement=Agreement(3, True, "f" if feminine else "m"))


# Drawing verb phrases

_TENSES: tuple[tuple[int, Tense], ...] = ((48, "past"), (22, "present"), (16, "future"), (14, "perfect"))
_NEGATIONS = ((6, NOT), (3, NEVER), (3, NO_LONGER))


def draw_tense(dice: Dice) -> Tense:
    return dice.weigh(_TENSES)


def draw_negation(dice: Dice) -> Negation | None:
    return dice.weigh(_NEGATIONS) if dice.chance(0.14) else None


_BEFORE_VERBS = tuple(adverb for adverb in lexicon.ADVERB_LIST if not adverb.last)


def draw_adverb(dice: Dice, kind: str) -> Adverb | None:
    """Now and then an adverb; only people and institutions do something carefully."""
    adverbs = lexicon.ADVERB_LIST if kind in ("person", "group") else _BEFORE_VERBS
    return dice.pick(adverbs) if dice.chance(0.14) else None


def draw_predicate(dice: Dice, kind: str, tense: Tense, room: int, subject: Phrase, *, family: str = "") -> Predicate:
    """What a subject of a kind does; a negative one is not negated again.

    Args:
        family: the family of frames to use; any that suits where it is empty.
    """
    if not family:
        family = dice.weigh([(w, name) for name, w in _WEIGHTS.items() if _FRAMES[name, kind]])
    frame = dice.pick(_FRAMES[family, kind])
    negation = None if subject.ne else draw_negation(dice)
    adverb = None if negation else draw_adverb(dice, kind)
    if family in ("modal", "intending"):
        return _draw_infinitive(dice, frame, kind, room, subject, Predicate(frame.verb, tense, negation=negation))
    if family == "intransitive":
        adjuncts = draw_place(dice) if dice.chance(0.5) else NOTHING
        return Predicate(frame.verb, tense, negation=negation, adverb=adverb, adjuncts=adjuncts)
    predicate = Predicate(frame.verb, tense, negation=negation, adverb=adverb)
    if family == "giving":
        return _draw_giving(dice, frame, room, subject, predicate)
    return draw_object(dice, frame, room, subject, predicate)


def _object_pronoun(dice: Dice, subject: Phrase) -> Pronoun:
    """One of another person than the subject, which would want a reflexive verb."""
    person = subject.agreement.person
    return dice.pick([p for p in lexicon.PRONOUNS if p.person == 3 or p.person != person])


def draw_object(dice: Dice, frame: Frame, room: int, subject: Phrase, predicate: Predicate) -> Predicate:
    """The object of a verb: a pronoun before the French verb, or a phrase after."""
    kind = dice.pick(frame.objects)
    direct = not frame.fr_preposition
    if kind == "person" and direct and dice.chance(0.3):
        pronoun = _object_pronoun(dice, subject)
        clitic = word(pronoun.en_object, pronoun.fr_direct)
        if frame.en_preposition:
            clitic = Phrase((En(frame.en_preposition), *clitic.en), clitic.fr)
        agreement = Agreement(pronoun.person, pronoun.plural, pronoun.gender)
        return replace(predicate, clitic=clitic, object_agreement=agreement)
    phrase = draw_noun_phrase(dice, kind, room, negated=bool(predicate.negation) and direct)
    phrase = with_prepositions(frame, phrase)
    return replace(predicate, complement=lambda _: phrase)


def with_prepositions(frame: Frame, phrase: Phrase) -> Phrase:
    """The object with the preposition of each language: `for the letter` / `la lettre`."""
    en = En(frame.en_preposition) if frame.en_preposition else None
    links = (en,) if en else ()
    if frame.fr_preposition:
        fr = (Fr(frame.fr_preposition, links, () if en else (phrase.en[-1],)), *phrase.fr)
    else:
        fr = phrase.fr
    return Phrase((*links, *phrase.en), fr)


def _draw_giving(dice: Dice, frame: Frame, room: int, subject: Phrase, predicate: Predicate) -> Predicate:
    """`gave the book to Mary`, `gave her the book`."""
    gift = draw_noun_phrase(dice, dice.pick(frame.objects), room, negated=bool(predicate.negation))
    if frame.verb.base not in ("explain", "recommend") and dice.chance(0.4):
        pronoun = _object_pronoun(dice, subject)
        clitic = word(pronoun.en_object, pronoun.fr_indirect)
        return replace(predicate, clitic=clitic, complement=lambda _: gift)
    receiver = draw_noun_phrase(dice, dice.pick(("person", "group")), 0)
    phrase = gift + word("to", "à") + receiver
    return replace(predicate, complement=lambda _: phrase)


def _draw_infinitive(
    dice: Dice, frame: Frame, kind: str, room: int, subject: Phrase, predicate: Predicate
) -> Predicate:
    """`must sign the agreement`, `decided to sign the agreement`."""
    family = dice.weigh([(w, name) for name, w in _WEIGHTS.items() if _FRAMES[name, kind]][:-2])
    positive = replace(subject, ne=(En("no"),))
    inner = draw_predicate(dice, kind, "present", room, positive, family=family)
    if frame in lexicon.MODAL_FRAMES:
        negation = NOT if predicate.negation else None
        predicate = replace(predicate, tense="present", negation=negation)
    if inner.adverb and not inner.adverb.last:
        predicate = replace(predicate, adverb=None if predicate.negation else inner.adverb)
        inner = replace(inner, adverb=None)
    return replace(predicate, complement=infinitive(inner, frame.fr_preposition))


# Drawing adjuncts


def draw_month_year(dice: Dice) -> Phrase:
    """`in August 1992`."""
    year = str(1960 + dice.below(65)) if dice.chance(0.5) else str(1985 + dice.below(20))
    month = say(dice.pick(lexicon.MONTH_LIST))
    if dice.chance(0.35):
        return word("in", "en") + word(year, year)
    return word("in", "en") + month + word(year, year)


def draw_date(dice: Dice) -> Phrase:
    """`on 3 May 1998`, `le 3 mai 1998`."""
    return date(1 + dice.below(28), dice.pick(lexicon.MONTH_LIST), str(1960 + dice.below(65)))


def date(day: int, month: Idiom, year: str = "") -> Phrase:
    """A day; without a year where that is empty."""
    on = En("on")
    number = word(str(day), "1er" if day == 1 else str(day))
    phrase = Phrase((on,), (Fr("le", (), (on,)),)) + number + say(month)
    return phrase + word(year, year) if year else phrase


def draw_time(dice: Dice, tense: Tense) -> Phrase:
    """A time that goes with a tense; nothing with the present perfect."""
    if tense == "perfect":
        return NOTHING
    fixed = tuple(entry for entry in lexicon.TIME_LIST if tense in entry.tags)
    if tense == "present" or dice.chance(0.35):
        if tense == "present" and dice.chance(0.25):
            return word("every", "chaque") + say(dice.pick(lexicon.DAY_LIST))
        return say(dice.pick(fixed))
    return dice.pick(_PAST_TIMES if tense == "past" else _FUTURE_TIMES)(dice)


def _ago(dice: Dice) -> Phrase:
    """`three years ago`, `il y a trois ans`."""
    ago = En("ago")
    span = say(dice.pick(lexicon.NUMBER_LIST)) + say(dice.pick(lexicon.SPAN_LIST))
    return Phrase((*span.en, ago), (*(Fr(text, (ago,)) for text in ("il", "y", "a")), *span.fr))


def _after_a_span(dice: Dice) -> Phrase:
    return word("in", "dans") + say(dice.pick(lexicon.NUMBER_LIST)) + say(dice.pick(lexicon.SPAN_LIST))


def _day(dice: Dice) -> Phrase:
    """`on Monday`, `lundi`."""
    day = say(dice.pick(lexicon.DAY_LIST))
    return weekday(day)


def weekday(day: Phrase) -> Phrase:
    on = En("on")
    return Phrase((on, *day.en), (replace(day.fr[0], possible=(on,)),))


def _hour(dice: Dice) -> Phrase:
    """`at six o'clock`, `à six heures`."""
    return word("at", "à") + say(dice.pick(lexicon.NUMBER_LIST[:10])) + word("o'clock", "heures")


def _coming_date(dice: Dice) -> Phrase:
    return date(1 + dice.below(28), dice.pick(lexicon.MONTH_LIST))


_PAST_TIMES = (draw_month_year, draw_month_year, draw_date, draw_date, _ago, _day, _hour)
_FUTURE_TIMES = (_after_a_span, _coming_date, _coming_date, _day, _hour)


def in_city(city: Idiom) -> Phrase:
    return word("in", "à") + say(city)


def in_country(country: Noun) -> Phrase:
    """`in France` / `en France`, `in Canada` / `au Canada`."""
    name = say(country.singular)
    masculine = country.gender == "m" and not lexicon.starts_with_vowel(name.fr[0].text)
    return word("in", "au" if masculine else "en") + name


def draw_place(dice: Dice) -> Phrase:
    if dice.chance(0.35):
        return in_city(dice.pick(lexicon.CITY))
    if dice.chance(0.4):
        return in_country(dice.pick(lexicon.COUNTRY))
    return say(_IN) + draw_noun_phrase(dice, dice.pick(("place", "building")), 0)


_IN = lexicon.idiom("in", "dans")


def draw_circumstance(dice: Dice) -> Phrase:
    """`with the minister`, `despite the crisis`."""
    entry = dice.pick(lexicon.PREPOSITION_LIST)
    return say(entry) + draw_noun_phrase(dice, dice.pick(entry.tags), 0)


def draw_adjuncts(dice: Dice, tense: Tense, scope: "Scope") -> Phrase:
    """None to two of circumstance and time."""
    phrase = draw_circumstance(dice) if dice.chance(0.22) else NOTHING
    return phrase + draw_time(dice, tense) if scope.time and dice.chance(0.38) else phrase


# Drawing clauses

_SUBJECT_KINDS = (
    (50, "person"), (26, "group"), (9, "document"), (5, "plan"), (4, "animal"), (2, "event"), (1, "crisis"),
    (2, "war"), (1, "strike"),
)  # fmt: skip
_DESCRIBED_KINDS = (
    (5, "person"), (4, "group"), (5, "document"), (5, "plan"), (5, "issue"), (4, "event"), (3, "place"),
    (3, "building"), (5, "thing"), (4, "food"), (3, "animal"),
)  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """What the sentence around a clause asks of it.

    `room`: how deep its phrases may nest; `tense`: None for any; `time`: whether it may say when.
    """

    room: int = 1
    tense: Tense | None = None
    time: bool = True


def draw_clause(dice: Dice, scope: Scope) -> Clause:
    """A clause of any kind: active, passive or descriptive."""
    tense = scope.tense or draw_tense(dice)
    while True:
        clause = dice.weigh(_CLAUSES)(dice, scope, tense)
        if scope.tense in (None, clause.predicate.tense):
            return clause


def draw_active(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    kind = dice.weigh(_SUBJECT_KINDS)
    subject = draw_subject(dice, kind, scope.room)
    predicate = draw_predicate(dice, kind, tense, scope.room, subject)
    adjuncts = predicate.adjuncts + draw_adjuncts(dice, predicate.tense, scope)
    return Clause(subject, replace(predicate, adjuncts=adjuncts))


def draw_passive(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`the agreement was signed by the minister in August 1992`."""
    frame, kind = dice.pick(_PASSIVE_FRAMES)
    subject = draw_noun_phrase(dice, kind, scope.room)
    modal = dice.pick(lexicon.MODAL_FRAMES[:3]) if dice.chance(0.12) else None
    rest = NOTHING
    if dice.chance(0.5):
        rest = word("by", "par") + draw_noun_phrase(dice, dice.pick(frame.subjects), 0)
    rest += draw_adjuncts(dice, "present" if modal else tense, scope)
    if modal:
        inner = Predicate(lexicon.BE_PASSIVE, "present", passive(frame.verb, rest))
        return Clause(subject, Predicate(modal.verb, "present", infinitive(inner)))
    negation = draw_negation(dice)
    return Clause(subject, Predicate(lexicon.BE_PASSIVE, tense, passive(frame.verb, rest), negation))


def draw_description(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`the report is important`, `... longer than the book`, `... the least known of reports`."""
    kind = dice.weigh(_DESCRIBED_KINDS)
    noun = draw_noun(dice, kind)
    adjective = dice.pick(_QUALITIES[noun.lemma] or _DOMAINS[noun.lemma])
    if tense == "present" and dice.chance(0.3):
        return draw_superlative(dice, noun, adjective)
    if scope.room > 0 and _ATTRIBUTES[noun.lemma] and dice.chance(0.3):
        subject = draw_attributed(dice, noun, scope.room - 1)
    else:
        subject = draw_determined(dice, noun, negated=False)
    complement, negation = described(adjective), draw_negation(dice)
    if dice.chance(0.35):
        negation = NOT if negation else None
        other = noun_phrase(lexicon.THE, draw_noun(dice, kind), plural=dice.chance(0.3))
        complement = compared(adjective, dice.weigh(_DEGREES), other)
    return Clause(subject, Predicate(lexicon.BE_COPULA, tense, complement, negation))


_DEGREES: tuple[tuple[int, Literal["more", "less", "as"]], ...] = ((4, "more"), (2, "less"), (2, "as"))
_KNOWN = next(adjective for adjective in lexicon.QUALITIES if adjective.en == "known")


def draw_superlative(dice: Dice, noun: Noun, adjective: Adjective) -> Clause:
    """`the marine environment is the least known of environments`."""
    domains = _DOMAINS[noun.lemma]
    subject = noun_phrase(lexicon.THE, noun, adjectives=[dice.pick(domains)] if domains else [])
    degree: Literal["most", "least"] = "least" if dice.chance(0.5) else "most"
    if _suits(_KNOWN, noun) and dice.chance(0.4):
        adjective = _KNOWN
    complement = superlative(adjective, degree, noun, every=dice.chance(0.3))
    return Clause(subject, Predicate(lexicon.BE_COPULA, "present", complement))


def draw_birth(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`Mary was born in Paris on 3 May 1950`."""
    person = named_phrase(dice.pick(lexicon.NAMED)) if dice.chance(0.5) else draw_owner(dice)
    when = dice.pick((draw_date, draw_month_year))(dice) if scope.time else NOTHING
    rest = (draw_place(dice) if dice.chance(0.6) or not when.en else NOTHING) + when
    return Clause(person, Predicate(lexicon.BE_BORN, "past", born(rest)))


def born(rest: Phrase) -> Complement:
    """`born in Paris`, `née à Paris`; goes with `BE_BORN`."""
    return lambda agreement: word("born", participle("né", agreement)) + rest


_CLAUSES = ((62, draw_active), (22, draw_passive), (14, draw_description), (2, draw_birth))


# Drawing sentences


def draw_plain(dice: Dice) -> Phrase:
    return _opened(dice, statement(draw_clause(dice, Scope(room=2))))


def _opened(dice: Dice, phrase: Phrase) -> Phrase:
    """Now and then with a word before it: `However, ...`, `In 1992, ...`."""
    if not dice.chance(0.1):
        return phrase
    return say(dice.pick(lexicon.OPENING_LIST)) + mark(",", ",") + phrase


def draw_dated(dice: Dice) -> Phrase:
    """`In August 1992, the agreement was signed.`"""
    tense: Tense = "past" if dice.chance(0.7) else "future"
    return draw_time(dice, tense) + mark(",", ",") + statement(draw_clause(dice, Scope(tense=tense, time=False)))


def draw_prelude(dice: Dice) -> Phrase:
    """`It should be noted that ...`."""
    opening = say(dice.pick(lexicon.PRELUDE_LIST))
    if dice.chance(0.35):
        noun = draw_noun(dice, dice.pick(("issue", "document", "place", "environment")))
        if _QUALITIES[noun.lemma]:
            return opening + statement(draw_superlative(dice, noun, dice.pick(_QUALITIES[noun.lemma])))
    return opening + statement(draw_clause(dice, Scope()))


def draw_reported(dice: Dice) -> Phrase:
    """`The minister said that ...`."""
    frame = dice.pick(lexicon.SAYING_FRAMES)
    subject = draw_subject(dice, dice.pick(frame.subjects), 0)
    tense: Tense = "present" if dice.chance(0.4) else "past"
    time = draw_time(dice, tense) if tense == "past" and dice.chance(0.2) else NOTHING
    said = statement(Clause(subject, Predicate(frame.verb, tense, adjuncts=time)))
    return said + word("that", "que") + statement(draw_clause(dice, Scope()))


def draw_subordinate(dice: Dice) -> Phrase:
    """Two clauses with `because`, `when`, `if`, `while` or `although`."""
    conjunction = dice.pick(lexicon.CONJUNCTION_LIST)
    first, second = _TENSES_OF.get(conjunction.en[0]) or (draw_tense(dice), draw_tense(dice))
    main = statement(draw_clause(dice, Scope(tense=first)))
    clause = draw_clause(dice, Scope(tense=second))
    if conjunction.en[0] == "although":
        clause = draw_third_person(dice, second)
        clause = replace(clause, predicate=replace(clause.predicate, subjunctive=True))
    dependent = say(conjunction) + statement(clause)
    if conjunction.en[0] != "because" and dice.chance(0.4):
        return dependent + mark(",", ",") + main
    return main + dependent


_TENSES_OF: dict[str, tuple[Tense, Tense]] = {
    "when": ("past", "past"), "while": ("past", "past"), "if": ("future", "present"),
    "although": ("past", "past"),
}  # fmt: skip


def draw_third_person(dice: Dice, tense: Tense) -> Clause:
    """A clause whose subject is no first or second person."""
    while True:
        clause = draw_active(dice, Scope(), tense)
        if clause.subject.agreement.person == 3:
            return clause


def draw_joined(dice: Dice) -> Phrase:
    """Two clauses with `and` or `but`."""
    tense = draw_tense(dice)
    link = word("and", "et") if dice.chance(0.5) else mark(",", ",") + word("but", "mais")
    return statement(draw_clause(dice, Scope(tense=tense))) + link + statement(draw_clause(dice, Scope(tense=tense)))


def draw_and_it(dice: Dice) -> Phrase:
    """`Mary bought the house and sold it`, `Marie a acheté la maison et l'a vendue`."""
    kind = dice.pick(("thing", "document", "plan"))
    actor = "person" if kind == "thing" else dice.pick(("person", "group"))
    frames = [f for f in lexicon.TRANSITIVE_FRAMES if kind in f.objects and actor in f.subjects]
    first, second = draw_two(dice, frames)
    subject = draw_noun_phrase(dice, actor, 0) if dice.chance(0.6) else draw_subject(dice, actor, 0)
    tense = draw_tense(dice)
    thing = draw_determined(dice, draw_noun(dice, kind), negated=False)
    return subject_does_both(subject, tense, first.verb, second.verb, thing, draw_adjuncts(dice, tense, Scope()))


def subject_does_both(
    subject: Phrase, tense: Tense, first: Verb, second: Verb, thing: Phrase, adjuncts: Phrase = NOTHING
) -> Phrase:
    """A subject does two things to one object, which is a pronoun the second time."""
    opening = statement(Clause(subject, Predicate(first, tense, lambda _: thing)))
    agreement = thing.agreement
    french = "les" if agreement.plural else "la" if agreement.gender == "f" else "le"
    pronoun = word("them" if agreement.plural else "it", french)
    predicate = Predicate(second, tense, clitic=pronoun, object_agreement=agreement, adjuncts=adjuncts)
    verbal = verb_phrase(predicate, replace(subject, en=(), fr=()))
    return opening + word("and", "et") + Phrase(verbal.front) + verbal.rest


def draw_because_it(dice: Dice) -> Phrase:
    """`The law is useful because it protects the environment`: `it` has the gender of the subject."""
    kind = dice.pick(("document", "plan"))
    noun = draw_noun(dice, kind)
    subject = noun_phrase(lexicon.THE, noun, adjectives=draw_adjectives(dice, noun))
    tense: Tense = "present" if dice.chance(0.6) else "past"
    main = Clause(subject, Predicate(lexicon.BE_COPULA, tense, described(dice.pick(_QUALITIES[noun.lemma]))))
    it = replace(word("it", "elle" if noun.gender == "f" else "il"), agreement=subject.agreement)
    reason = Clause(it, draw_predicate(dice, kind, tense, 1, it))
    return statement(main) + idiom("because", "parce/1 que/1") + statement(reason)


def draw_existence(dice: Dice) -> Phrase:
    """`There are three keys in the box`, `Il y a trois clés dans ...`."""
    noun = draw_noun(dice, dice.pick(("thing", "document", "animal", "person")))
    plural = dice.chance(0.6)
    count = draw_count(dice) if plural and dice.chance(0.7) else NOTHING
    determiner = _NO_DETERMINER if count.en else lexicon.A
    thing = noun_phrase(determiner, noun, plural=plural, adjectives=draw_adjectives(dice, noun), count=count)
    tense: Tense = dice.pick(("present", "past"))
    there, be = En("there"), En(finite_english(lexicon.BE_COPULA, tense, thing.agreement))
    french = (Fr("il", (there,)), Fr("y", (there,)), Fr("a" if tense == "present" else "avait", (be,)))
    place = say(dice.pick(_PLACE_PREPOSITIONS)) + draw_noun_phrase(dice, "building", 1)
    return Phrase((there, be), french) + thing + place


_PLACE_PREPOSITIONS = tuple(entry for entry in lexicon.PREPOSITION_LIST if "building" in entry.tags)


def draw_necessity(dice: Dice) -> Phrase:
    """`It is necessary to sign the agreement`."""
    family = dice.pick(("transitive", "transitive", "prepositional", "giving"))
    predicate = draw_predicate(dice, "person", "present", 2, nobody(lexicon.NOUNS["person"][0]), family=family)
    if predicate.adverb and not predicate.adverb.last:
        predicate = replace(predicate, adverb=None)
    opening = say(dice.pick(lexicon.NECESSITY_LIST))
    return opening + infinitive(predicate)(Agreement()) + draw_adjuncts(dice, "future", Scope())


def draw_whether(dice: Dice) -> Phrase:
    """`Did the minister sign the agreement?`"""
    return question(_askable(dice))


def _askable(dice: Dice) -> Clause:
    """A clause without negation."""
    while True:
        clause = draw_clause(dice, Scope())
        if not clause.subject.ne and clause.predicate.negation is None:
            return clause


def draw_circumstance_question(dice: Dice) -> Phrase:
    """`Why did the minister sign the agreement?`"""
    opening = say(dice.pick(_ASKING))
    kind = dice.pick(("person", "group"))
    subject = draw_noun_phrase(dice, kind, 1)
    predicate = replace(draw_predicate(dice, kind, draw_tense(dice), 1, subject), negation=None)
    return question(Clause(subject, predicate), opening, long="est-ce que")


_ASKING = tuple(
    lexicon.idiom(en, fr) for en, fr in (("where", "où"), ("when", "quand"), ("why", "pourquoi"), ("how", "comment"))
)


def draw_who(dice: Dice) -> Phrase:
    """`Who signed the agreement?`"""
    tense = draw_tense(dice)
    who = word("who", "qui")
    predicate = draw_predicate(dice, "person", tense, 1, who)
    return statement(Clause(who, replace(predicate, adjuncts=predicate.adjuncts + draw_adjuncts(dice, tense, Scope()))))


def draw_object_question(dice: Dice) -> Phrase:
    """`What did he sign?`, `Which letter did he sign?`, `How many letters did he sign?`"""
    frame, kind = dice.pick(_PASSIVE_FRAMES)
    noun = draw_noun(dice, kind)
    form = dice.below(3)
    if form == 0:
        opening = word("what", "que")
    elif form == 1:
        opening = which(noun)
    else:
        opening = how_many(noun)
    subject = draw_subject(dice, dice.pick(frame.subjects), 0)
    tense = draw_tense(dice)
    agreement = opening.agreement if form else None
    predicate = Predicate(frame.verb, tense, object_agreement=agreement, adjuncts=draw_adjuncts(dice, tense, Scope()))
    return question(Clause(subject, predicate), opening, long="est-ce que")


def which(noun: Noun) -> Phrase:
    """`which letter`, `quelle lettre`."""
    bare = _bare(noun, plural=False)
    opening = word("which", "quelle" if noun.gender == "f" else "quel") + bare
    return replace(opening, agreement=bare.agreement)


def how_many(noun: Noun) -> Phrase:
    """`how many letters`, `combien de lettres`."""
    how, many = En("how"), En("many")
    bare = _bare(noun, plural=True)
    opening = Phrase((how, many), (Fr("combien", (how, many)), Fr("de", (), (many,))))
    return replace(opening + bare, agreement=bare.agreement)


def _bare(noun: Noun, *, plural: bool) -> Phrase:
    return noun_phrase(_NO_DETERMINER, noun, plural=plural)


SENTENCES: tuple[tuple[int, str, Callable[[Dice], Phrase]], ...] = (
    (34, ".", draw_plain),
    (6, ".", draw_dated),
    (9, ".", draw_prelude),
    (8, ".", draw_reported),
    (9, ".", draw_subordinate),
    (7, ".", draw_joined),
    (5, ".", draw_and_it),
    (4, ".", draw_because_it),
    (4, ".", draw_existence),
    (4, ".", draw_necessity),
    (3, "?", draw_whether),
    (3, "?", draw_circumstance_question),
    (2, "?", draw_who),
    (2, "?", draw_object_question),
)
"""Kinds of sentences: weight, final mark, and the function that draws one."""

_WEIGHED = tuple((weight, (final, draw)) for weight, final, draw in SENTENCES)


def draw_sentence(dice: Dice) -> Phrase:
    """One sentence with its final mark."""
    final, draw = dice.weigh(_WEIGHED)
    return draw(dice) + mark(final, final)


# The lesson's sentences, and the corpus


def _lesson() -> tuple[Example, Example]:
    """The two sentences of the lesson, said by the functions above."""
    nouns = {noun.lemma: noun for nouns in lexicon.NOUNS.values() for noun in nouns}
    compounds = {noun.lemma: noun for noun in lexicon.COMPOUND_NOUNS}
    adjectives = {adjective.en: adjective for adjective in (*lexicon.QUALITIES, *lexicon.CLASSIFIERS)}
    verbs = {frame.verb.base: frame.verb for frame in lexicon.TRANSITIVE_FRAMES}
    area = noun_phrase(lexicon.THE, compounds["European Economic Area"])
    agreement = noun_phrase(lexicon.THE, nouns["agreement"]) + attribute("on", "sur", area)
    when = word("in", "en") + word("August", "août") + word("1992", "1992")
    signed = Predicate(lexicon.BE_PASSIVE, "past", passive(verbs["sign"], when))
    first = statement(Clause(agreement, signed)) + mark(".", ".")
    environment = nouns["environment"]
    known = superlative(adjectives["known"], "least", environment, every=False)
    marine = noun_phrase(lexicon.THE, environment, adjectives=[adjectives["marine"]])
    opening = say(lexicon.PRELUDE_LIST[0])
    second = opening + statement(Clause(marine, Predicate(lexicon.BE_COPULA, "present", known))) + mark(".", ".")
    return surface(first), surface(second)


LESSON_SENTENCES = _lesson()
"""The sentences of the alignment figure; no split holds one of them."""


def _key(text: str) -> str:
    """A text without case, marks and spaces: what makes two sentences the same."""
    return re.sub(r"[\W_]+", "", text.casefold())


def generate(pairs: int = 20_000, seed: int = 1) -> dict[str, list[Example]]:
    """The corpus: `train` with `pairs` examples, `dev` and `test` with 500 each.

    The same seed gives the same corpus on every machine. No sentence, English or French, occurs twice.

    Raises:
        S2SError: `pairs` is below 1, or more than the grammar yields.
    """
    if pairs < 1:
        raise S2SError(f"A corpus needs at least 1 pair, not {pairs}.", where="pairs", hint="Ask for more.")
    dice = Dice(seed)
    wanted = pairs + 2 * HELD_OUT_PAIRS
    seen = {_key(text) for example in LESSON_SENTENCES for text in (example.src, example.trg)}
    examples: list[Example] = []
    for _ in range(wanted * ATTEMPTS_PER_PAIR):
        phrase = draw_sentence(dice)
        if not SHORTEST <= len(phrase.en) <= LONGEST:
            continue
        example = surface(phrase)
        keys = _key(example.src), _key(example.trg)
        if seen.intersection(keys):
            continue
        seen.update(keys)
        examples.append(example)
        if len(examples) == wanted:
            break
    else:
        raise S2SError(
            f"The grammar yields only {len(examples)} different pairs of the {wanted} that were asked for.",
            where="pairs",
            hint="Ask for fewer.",
        )
    dev, test = examples[:HELD_OUT_PAIRS], examples[HELD_OUT_PAIRS : 2 * HELD_OUT_PAIRS]
    return {"train": examples[2 * HELD_OUT_PAIRS :], "dev": dev, "test": test}


def pharaoh(example: Example) -> str:
    """The links of an example on a line: `0-0` is sure, `1?2` possible only."""
    links = sorted(example.possible)
    return " ".join(f"{i}{'-' if (i, j) in example.sure else '?'}{j}" for i, j in links)


def write(splits: dict[str, list[Example]], out: Path) -> list[Path]:
    """Writes `train.en`, `train.fr`, `train.align` and so on into the folder `out`, and returns their paths.

    Raises:
        S2SError: one of the files exists, or the folder cannot be written.
    """
    texts = {}
    for split, examples in splits.items():
        texts[out / f"{split}.en"] = [example.src for example in examples]
        texts[out / f"{split}.fr"] = [example.trg for example in examples]
        texts[out / f"{split}.align"] = [pharaoh(example) for example in examples]
    for path in texts:
        if path.exists():
            raise S2SError("The file exists already.", where=str(path), hint="Choose another folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, lines in texts.items():
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise S2SError(f"The corpus cannot be written: {error.strerror}.", where=str(out)) from error
    return list(texts)
