"""Drawing phrases: noun phrases, what a subject does, times and places.

A noun phrase may hold a clause and a clause holds noun phrases, so these functions call each other; `room` says
how deep they may still nest.
"""

from dataclasses import replace

from s2s.data.builtin import lexicon
from s2s.data.builtin.dice import Dice
from s2s.data.builtin.grammar import (
    NEVER,
    NO_DETERMINER,
    NO_LONGER,
    NOT,
    Clause,
    Negation,
    Predicate,
    Tense,
    attribute,
    both,
    date,
    in_city,
    in_country,
    infinitive,
    mass_phrase,
    named_phrase,
    nobody,
    noun_phrase,
    possessor_phrase,
    relative_object,
    relative_subject,
    subject_pronoun,
    weekday,
    with_prepositions,
)
from s2s.data.builtin.lexicon import Adjective, Adverb, Frame, Noun, Pronoun
from s2s.data.builtin.phrases import NOTHING, Agreement, En, Fr, Phrase, say, word
from s2s.data.builtin.selection import (
    ATTRIBUTES_OF,
    COMPOUNDS_OF,
    DOMAINS_OF,
    FAMILY_WEIGHTS,
    FRAMES_OF,
    HAS_ORIGIN,
    OBJECT_FRAMES_OF,
    QUALITIES_OF,
    nouns_of,
)

# Noun phrases


def draw_adjectives(dice: Dice, noun: Noun) -> list[Adjective]:
    """None to three adjectives in English order: quality, origin, domain."""
    adjectives: list[Adjective] = []
    if QUALITIES_OF[noun.lemma] and dice.chance(0.28):
        adjectives.append(dice.pick(QUALITIES_OF[noun.lemma]))
    if (noun.kind in HAS_ORIGIN or noun.lemma in HAS_ORIGIN) and dice.chance(0.14):
        adjectives.append(dice.pick(lexicon.NATIONALITIES))
    if DOMAINS_OF[noun.lemma] and dice.chance(0.25):
        adjectives.append(dice.pick(DOMAINS_OF[noun.lemma]))
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
    return dice.pick(nouns_of(kind))


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
    if COMPOUNDS_OF.get(kind) and dice.chance(0.1):
        return noun_phrase(lexicon.THE, dice.pick(COMPOUNDS_OF[kind]))
    noun = draw_noun(dice, kind)
    if noun.kind in lexicon.UNCOUNTABLE:
        return mass_phrase(noun)
    if kind in ("plan", "document", "thing", "animal") and dice.chance(0.06):
        return possessor_phrase(draw_owner(dice), noun)
    if room > 0 and ATTRIBUTES_OF[noun.lemma] and dice.chance(0.5):
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
        determiner = lexicon.THE if dice.chance(0.25) else NO_DETERMINER
        count = draw_count(dice)
        if determiner is lexicon.THE and count.en[0].text == "several":
            determiner = NO_DETERMINER
        return noun_phrase(determiner, noun, plural=True, adjectives=adjectives, count=count)
    owner = dice.pick(lexicon.POSSESSIVES) if noun.kind in _OWNED else lexicon.THE
    determiner = dice.weigh(_DETERMINERS) or owner
    return noun_phrase(determiner, noun, plural=plural, adjectives=adjectives, negated=negated)


_DETERMINERS = ((60, lexicon.THE), (16, lexicon.A), (7, lexicon.THIS), (3, lexicon.EVERY), (12, None))
"""None is a possessive."""
_OWNED = ("person", "group", "document", "plan", "building", "thing", "food", "animal")


def draw_attributed(dice: Dice, noun: Noun, room: int) -> Phrase:
    """`the agreement on the environment`."""
    choice = dice.pick(ATTRIBUTES_OF[noun.lemma])
    plural = dice.chance(0.2)
    phrase = noun_phrase(lexicon.THE, noun, plural=plural, adjectives=draw_adjectives(dice, noun))
    if choice.en == "between":
        first, second = dice.pick_two(lexicon.COUNTRY)
        topic = mass_phrase(first) + word("and", "et") + mass_phrase(second)
    elif noun.kind == "document" and choice.en == "on" and dice.chance(0.25):
        topic = noun_phrase(lexicon.THE, dice.pick(COMPOUNDS_OF["issue"]))
    else:
        topic = draw_noun_phrase(dice, dice.pick(choice.kinds), room)
    return phrase + attribute(choice.en, choice.fr, topic)


def draw_relative(dice: Dice, phrase: Phrase, noun: Noun, room: int) -> Phrase:
    """`the letter` becomes `the letter that the minister signed`, or `... that concerns the region`."""
    if OBJECT_FRAMES_OF[noun.lemma] and dice.chance(0.5):
        frame = dice.pick(OBJECT_FRAMES_OF[noun.lemma])
        subject = draw_subject(dice, dice.pick(frame.subjects), 0)
        return relative_object(phrase, Clause(subject, Predicate(frame.verb, draw_tense(dice))))
    if not any(FRAMES_OF[family, noun.kind] for family in FAMILY_WEIGHTS):
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


# Verb phrases

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
        family = dice.weigh([(w, name) for name, w in FAMILY_WEIGHTS.items() if FRAMES_OF[name, kind]])
    frame = dice.pick(FRAMES_OF[family, kind])
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
    family = dice.weigh([(w, name) for name, w in FAMILY_WEIGHTS.items() if FRAMES_OF[name, kind]][:-2])
    positive = replace(subject, ne=(En("no"),))
    inner = draw_predicate(dice, kind, "present", room, positive, family=family)
    if frame in lexicon.MODAL_FRAMES:
        negation = NOT if predicate.negation else None
        predicate = replace(predicate, tense="present", negation=negation)
    if inner.adverb and not inner.adverb.last:
        predicate = replace(predicate, adverb=None if predicate.negation else inner.adverb)
        inner = replace(inner, adverb=None)
    return replace(predicate, complement=infinitive(inner, frame.fr_preposition))


# Times, places and circumstances


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


def _hour(dice: Dice) -> Phrase:
    """`at six o'clock`, `à six heures`."""
    return word("at", "à") + say(dice.pick(lexicon.NUMBER_LIST[:10])) + word("o'clock", "heures")


def _coming_date(dice: Dice) -> Phrase:
    return date(1 + dice.below(28), dice.pick(lexicon.MONTH_LIST))


_PAST_TIMES = (draw_month_year, draw_month_year, draw_date, draw_date, _ago, _day, _hour)
_FUTURE_TIMES = (_after_a_span, _coming_date, _coming_date, _day, _hour)


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


def draw_adjuncts(dice: Dice, tense: Tense, *, timed: bool = True) -> Phrase:
    """None to two of circumstance and, where `timed`, time."""
    phrase = draw_circumstance(dice) if dice.chance(0.22) else NOTHING
    return phrase + draw_time(dice, tense) if timed and dice.chance(0.38) else phrase
