"""Which words go together: the adjectives and attributes of a noun, the verbs of a subject or an object.

The tables are drawn up once from the kinds that the lexicon gives its entries.
"""

from s2s.data.builtin import lexicon
from s2s.data.builtin.lexicon import Adjective, Noun


def nouns_of(kind: str) -> tuple[Noun, ...]:
    """Nouns of a kind; a kind may also be the lemma of one noun."""
    if kind == "country":
        return lexicon.COUNTRY
    if kind in lexicon.NOUNS:
        return lexicon.NOUNS[kind]
    return tuple(noun for nouns in lexicon.NOUNS.values() for noun in nouns if noun.lemma == kind)


def suits(adjective: Adjective, noun: Noun) -> bool:
    return noun.kind in adjective.kinds or noun.lemma in adjective.kinds


_COUNTABLE = tuple(noun for kind in lexicon.KINDS if kind not in lexicon.UNCOUNTABLE for noun in lexicon.NOUNS[kind])
QUALITIES_OF = {noun.lemma: tuple(a for a in lexicon.QUALITIES if suits(a, noun)) for noun in _COUNTABLE}
"""By lemma: what a thing may be, `important`."""
DOMAINS_OF = {noun.lemma: tuple(a for a in lexicon.CLASSIFIERS if suits(a, noun)) for noun in _COUNTABLE}
"""By lemma: which sort of thing it may be, `marine`."""
COMPOUNDS_OF = {kind: tuple(noun for noun in lexicon.COMPOUND_NOUNS if noun.kind == kind) for kind in lexicon.KINDS}
HAS_ORIGIN = (
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
FAMILY_WEIGHTS = {
    "transitive": 50, "prepositional": 14, "intransitive": 12, "giving": 10, "modal": 10, "intending": 7,
}  # fmt: skip
_LEMMAS = tuple(noun.lemma for nouns in lexicon.NOUNS.values() for noun in nouns)
FRAMES_OF = {
    (family, kind): tuple(frame for frame in frames if kind in frame.subjects)
    for family, frames in _FAMILIES.items()
    for kind in (*lexicon.KINDS, *_LEMMAS)
}
"""By family and subject, a kind or a lemma: what such a subject may do."""
_PASSIVE_KINDS = ("document", "plan", "issue", "event", "place", "building", "thing", "group")
PASSIVE_FRAMES = tuple(
    (frame, kind)
    for frame in lexicon.TRANSITIVE_FRAMES
    for kind in frame.objects
    if nouns_of(kind)[0].kind in _PASSIVE_KINDS and frame.verb.base not in lexicon.NEVER_PASSIVE
)
"""A verb, and a kind of object that may become its subject."""
OBJECT_FRAMES_OF = {
    noun.lemma: tuple(f for f in lexicon.TRANSITIVE_FRAMES if {noun.kind, noun.lemma} & set(f.objects))
    for noun in _COUNTABLE
}
"""By lemma: what may be done to a thing."""

ATTRIBUTES_OF = {
    noun.lemma: tuple(a for owners, a in lexicon.ATTRIBUTE_LIST if noun.kind in owners or noun.lemma in owners)
    for noun in _COUNTABLE
}
"""By lemma: the prepositions that may follow a noun, `on`, and what they lead to."""
