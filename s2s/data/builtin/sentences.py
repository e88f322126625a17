"""Drawing sentences: clauses first, then what may be said with them, each kind as often as its weight says."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from s2s.data.builtin import lexicon
from s2s.data.builtin.dice import Dice
from s2s.data.builtin.drawing import (
    draw_adjectives,
    draw_adjuncts,
    draw_attributed,
    draw_count,
    draw_date,
    draw_determined,
    draw_month_year,
    draw_negation,
    draw_noun,
    draw_noun_phrase,
    draw_owner,
    draw_place,
    draw_predicate,
    draw_subject,
    draw_tense,
    draw_time,
)
from s2s.data.builtin.grammar import (
    NO_DETERMINER,
    NOT,
    Clause,
    Predicate,
    Tense,
    born,
    compared,
    described,
    finite_english,
    how_many,
    infinitive,
    named_phrase,
    nobody,
    noun_phrase,
    passive,
    question,
    statement,
    subject_does_both,
    superlative,
    which,
)
from s2s.data.builtin.lexicon import Adjective, Noun
from s2s.data.builtin.phrases import NOTHING, Agreement, En, Fr, Phrase, idiom, mark, say, word
from s2s.data.builtin.selection import ATTRIBUTES_OF, DOMAINS_OF, PASSIVE_FRAMES, QUALITIES_OF, suits

# Clauses

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
    adjuncts = predicate.adjuncts + draw_adjuncts(dice, predicate.tense, timed=scope.time)
    return Clause(subject, replace(predicate, adjuncts=adjuncts))


def draw_passive(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`the agreement was signed by the minister in August 1992`."""
    frame, kind = dice.pick(PASSIVE_FRAMES)
    subject = draw_noun_phrase(dice, kind, scope.room)
    modal = dice.pick(lexicon.MODAL_FRAMES[:3]) if dice.chance(0.12) else None
    rest = NOTHING
    if dice.chance(0.5):
        rest = word("by", "par") + draw_noun_phrase(dice, dice.pick(frame.subjects), 0)
    rest += draw_adjuncts(dice, "present" if modal else tense, timed=scope.time)
    if modal:
        inner = Predicate(lexicon.BE_PASSIVE, "present", passive(frame.verb, rest))
        return Clause(subject, Predicate(modal.verb, "present", infinitive(inner)))
    negation = draw_negation(dice)
    return Clause(subject, Predicate(lexicon.BE_PASSIVE, tense, passive(frame.verb, rest), negation))


def draw_description(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`the report is important`, `... longer than the book`, `... the least known of reports`."""
    kind = dice.weigh(_DESCRIBED_KINDS)
    noun = draw_noun(dice, kind)
    adjective = dice.pick(QUALITIES_OF[noun.lemma] or DOMAINS_OF[noun.lemma])
    if tense == "present" and dice.chance(0.3):
        return draw_superlative(dice, noun, adjective)
    if scope.room > 0 and ATTRIBUTES_OF[noun.lemma] and dice.chance(0.3):
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
    domains = DOMAINS_OF[noun.lemma]
    subject = noun_phrase(lexicon.THE, noun, adjectives=[dice.pick(domains)] if domains else [])
    degree: Literal["most", "least"] = "least" if dice.chance(0.5) else "most"
    if suits(_KNOWN, noun) and dice.chance(0.4):
        adjective = _KNOWN
    complement = superlative(adjective, degree, noun, every=dice.chance(0.3))
    return Clause(subject, Predicate(lexicon.BE_COPULA, "present", complement))


def draw_birth(dice: Dice, scope: Scope, tense: Tense) -> Clause:
    """`Mary was born in Paris on 3 May 1950`."""
    person = named_phrase(dice.pick(lexicon.NAMED)) if dice.chance(0.5) else draw_owner(dice)
    when = dice.pick((draw_date, draw_month_year))(dice) if scope.time else NOTHING
    rest = (draw_place(dice) if dice.chance(0.6) or not when.en else NOTHING) + when
    return Clause(person, Predicate(lexicon.BE_BORN, "past", born(rest)))


_CLAUSES = ((62, draw_active), (22, draw_passive), (14, draw_description), (2, draw_birth))


# Statements


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
        if QUALITIES_OF[noun.lemma]:
            return opening + statement(draw_superlative(dice, noun, dice.pick(QUALITIES_OF[noun.lemma])))
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
    first, second = dice.pick_two(frames)
    subject = draw_noun_phrase(dice, actor, 0) if dice.chance(0.6) else draw_subject(dice, actor, 0)
    tense = draw_tense(dice)
    thing = draw_determined(dice, draw_noun(dice, kind), negated=False)
    return subject_does_both(subject, tense, first.verb, second.verb, thing, draw_adjuncts(dice, tense))


def draw_because_it(dice: Dice) -> Phrase:
    """`The law is useful because it protects the environment`: `it` has the gender of the subject."""
    kind = dice.pick(("document", "plan"))
    noun = draw_noun(dice, kind)
    subject = noun_phrase(lexicon.THE, noun, adjectives=draw_adjectives(dice, noun))
    tense: Tense = "present" if dice.chance(0.6) else "past"
    main = Clause(subject, Predicate(lexicon.BE_COPULA, tense, described(dice.pick(QUALITIES_OF[noun.lemma]))))
    it = replace(word("it", "elle" if noun.gender == "f" else "il"), agreement=subject.agreement)
    reason = Clause(it, draw_predicate(dice, kind, tense, 1, it))
    return statement(main) + idiom("because", "parce/1 que/1") + statement(reason)


def draw_existence(dice: Dice) -> Phrase:
    """`There are three keys in the box`, `Il y a trois clés dans ...`."""
    noun = draw_noun(dice, dice.pick(("thing", "document", "animal", "person")))
    plural = dice.chance(0.6)
    count = draw_count(dice) if plural and dice.chance(0.7) else NOTHING
    determiner = NO_DETERMINER if count.en else lexicon.A
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
    return opening + infinitive(predicate)(Agreement()) + draw_adjuncts(dice, "future")


# Questions


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
    return statement(Clause(who, replace(predicate, adjuncts=predicate.adjuncts + draw_adjuncts(dice, tense))))


def draw_object_question(dice: Dice) -> Phrase:
    """`What did he sign?`, `Which letter did he sign?`, `How many letters did he sign?`"""
    frame, kind = dice.pick(PASSIVE_FRAMES)
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
    predicate = Predicate(frame.verb, tense, object_agreement=agreement, adjuncts=draw_adjuncts(dice, tense))
    return question(Clause(subject, predicate), opening, long="est-ce que")


# All kinds

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
