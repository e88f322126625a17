"""The grammar: functions that build the same phrase in English and French, and draw nothing.

The file reads from the bottom of a sentence to its top: noun phrases, times and places, verb phrases, clauses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from s2s.data.builtin import lexicon
from s2s.data.builtin.lexicon import Adjective, Adverb, Determiner, Frame, Idiom, Noun, Pronoun, Verb
from s2s.data.builtin.phrases import NOTHING, Agreement, En, Fr, Phrase, say, word

Tense = Literal["present", "past", "perfect", "future"]


# Noun phrases

NO_DETERMINER = Determiner(("", ""), ("", "", ""))


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
    if determiner is NO_DETERMINER:
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
    return noun_phrase(NO_DETERMINER, noun, plural=plural)


def with_prepositions(frame: Frame, phrase: Phrase) -> Phrase:
    """The object with the preposition of each language: `for the letter` / `la lettre`."""
    en = En(frame.en_preposition) if frame.en_preposition else None
    links = (en,) if en else ()
    if frame.fr_preposition:
        fr = (Fr(frame.fr_preposition, links, () if en else (phrase.en[-1],)), *phrase.fr)
    else:
        fr = phrase.fr
    return Phrase((*links, *phrase.en), fr)


# Times and places


def date(day: int, month: Idiom, year: str = "") -> Phrase:
    """A day; without a year where that is empty."""
    on = En("on")
    number = word(str(day), "1er" if day == 1 else str(day))
    phrase = Phrase((on,), (Fr("le", (), (on,)),)) + number + say(month)
    return phrase + word(year, year) if year else phrase


def weekday(day: Phrase) -> Phrase:
    on = En("on")
    return Phrase((on, *day.en), (replace(day.fr[0], possible=(on,)),))


def in_city(city: Idiom) -> Phrase:
    return word("in", "à") + say(city)


def in_country(country: Noun) -> Phrase:
    """`in France` / `en France`, `in Canada` / `au Canada`."""
    name = say(country.singular)
    masculine = country.gender == "m" and not lexicon.starts_with_vowel(name.fr[0].text)
    return word("in", "au" if masculine else "en") + name


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


def born(rest: Phrase) -> Complement:
    """`born in Paris`, `née à Paris`; goes with `BE_BORN`."""
    return lambda agreement: word("born", participle("né", agreement)) + rest


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
