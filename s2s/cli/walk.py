"""The walk through a translation as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, prod
from typing import TYPE_CHECKING

from rich.text import Text

from s2s.cli.lines import fit, hanging, whole_clauses
from s2s.explanations.table import explanation_of
from s2s.plots.panel import printable

if TYPE_CHECKING:
    from s2s.evaluation.alignment import WordAlignment
    from s2s.workflow.explain import Choice, HopNumbers, SidePiece, StepNumbers, Vector, Walk

HEADING, NAME, SAID, BEST, SOFT = "bold cyan", "cyan", "bold green", "bold", "dim"

WIDEST = 120
"""Columns beyond which more numbers of a vector tell nothing new."""

INDENT = 2
LABEL = 13
"""Columns for the name of a vector, such as `|s_12|` with its value."""

PIECE, WORD = 14, 14
NUMBER, SCORE, WEIGHT = 7, 9, 9
JUDGED = 7 + PIECE
"""Columns before the scores of a table."""

BAR = 20
"""Columns of a bar for a weight of 1."""

TERMS = 3
"""Source states that a context is written out with."""

ALWAYS_TOLD = ("cell", "attention", "attend", "start")
"""Settings that the head tells; others where they differ from the default."""


@dataclass(frozen=True)
class Head:
    """What the run is: its settings of `[model]`, and those that are not the default's; the search's description."""

    settings: Mapping[str, str]
    unusual: frozenset[str]
    search: str


def walk_lines(walk: "Walk", head: Head, *, steps: int, width: int) -> Iterator[Text]:
    """The walk, in lines of at most `width` columns; the first `steps` of its steps."""
    width = min(width, WIDEST)
    shown = walk.steps[:steps]
    yield from _head(walk, head, width)
    yield from _encoder(walk, width)
    yield from _start(walk, head, width)
    for step in shown:
        yield from _step(walk, step, width)
    if len(shown) < len(walk.steps):
        yield Text()
        yield Text(f"  {len(walk.steps) - len(shown)} more steps are not shown.", SOFT)
    yield from _summary(walk, width)


def _head(walk: "Walk", head: Head, width: int) -> Iterator[Text]:
    target = walk.target
    by = "given" if target.given else f"the model's own: {head.search}"
    if not target.given and any(step.chosen.rank > 1 for step in walk.steps):
        by += "; it looks ahead, so that a chosen piece may be less likely than its runners-up"
    if target.pieces[-1].word is not None:
        by += "; cut there, as decoding.max_length says"
    yield from hanging("source", printable(walk.source.text), indent=0, hang=8, width=width, style=HEADING)
    yield from hanging("target", printable(target.text), indent=0, hang=8, width=width, style=HEADING)
    yield from hanging("", f"({by})", indent=0, hang=8, width=width)
    yield Text()
    for setting, value in head.settings.items():
        if setting in ALWAYS_TOLD or setting in head.unusual:
            label = f"{setting} = {value}"
            short = explanation_of(setting, value).short
            yield from hanging(label, whole_clauses(short), indent=INDENT, hang=24, width=width, style=NAME)


def _encoder(walk: "Walk", width: int) -> Iterator[Text]:
    pieces, states = walk.source.pieces, walk.source.states
    yield Text()
    yield Text.assemble(
        ("encoder", HEADING), f"  {len(pieces)} pieces, a state h_j of {len(states[0])} numbers for each"
    )
    told = "|x| is the length of a vector x. Of its numbers the first are shown; --json has all."
    yield from hanging("", told, indent=0, hang=9, width=width, style=SOFT)
    yield Text(f"{'j':>5}  {fit('piece', PIECE)}{fit('word', WORD)}{'|h_j|':>{NUMBER}}  h_j", SOFT)
    for number, (piece, state, word) in enumerate(
        zip(pieces, states, _first_of_word(pieces, walk.source.words), strict=True), start=1
    ):
        left = f"{number:>5}  {fit(printable(piece.piece), PIECE)}{fit(word, WORD)}"
        yield Text(f"{left}{_norm(state):>{NUMBER}.2f}  {_numbers(state, width - len(left) - NUMBER - 2)}")


def _first_of_word(pieces: "Sequence[SidePiece]", words: Sequence[str]) -> list[str]:
    """The word of each piece, where it is the word's first."""
    before = [None, *(piece.word for piece in pieces)]
    return [
        "" if piece.word is None or piece.word == last else printable(words[piece.word])
        for piece, last in zip(pieces, before, strict=False)
    ]


def _start(walk: "Walk", head: Head, width: int) -> Iterator[Text]:
    yield Text()
    yield Text.assemble(("decoder", HEADING), f"  {explanation_of('start', head.settings['start']).short}")
    if walk.steps[0].hops:
        return
    yield from hanging("", "Nobody asks: no scores e_ij, no weights α_ij.", indent=0, hang=9, width=width)
    if walk.steps[0].context:
        yield from hanging("", "One fixed vector c is the context of every step:", indent=0, hang=9, width=width)
        yield _vector("c", walk.steps[0].context, width)
    else:
        yield from hanging("", "No step sees a context: the source is in s_0 alone.", indent=0, hang=9, width=width)


def _step(walk: "Walk", step: "StepNumbers", width: int) -> Iterator[Text]:
    """A step in the order in which it is computed: states, question, answer, choice."""
    i = step.number
    asking = walk.asks.replace("{i-1}", str(i - 1)).replace("_i", f"_{i}")
    states = {f"s_{i - 1}": step.state_before}
    if step.hops:
        states[asking] = step.query
    yield Text()
    yield Text.assemble((f"step {i}", HEADING), f"  after {printable(step.before)}")
    for name, state in states.items():
        yield _vector(name, state, width, _role(step) if step.hops and name == asking else "")
    yield from _reading(walk, step, width)
    if f"s_{i}" not in states:
        yield _vector(f"s_{i}", step.state_after, width)
    if step.lexical:
        said = ",  ".join(f"{raised.logit:+.2f} to {printable(raised.piece)}" for raised in step.lexical)
        yield from hanging("words add", said, indent=INDENT, hang=LABEL + 2, width=width, style=NAME)
    yield from _choice(f"y_{i}", step.chosen, step.runners_up, width)


def _role(step: "StepNumbers") -> str:
    return "asks" if len(step.hops) == 1 else "asks: u^1"


def _reading(walk: "Walk", step: "StepNumbers", width: int) -> Iterator[Text]:
    """What was read: tables of scores and weights, then the context; nothing without attention."""
    if not step.hops:
        return
    for number, hop in enumerate(step.hops[1:], start=2):
        yield _vector(f"u^{number}", hop.query, width, f"= H u^{number - 1} + R o^{number - 1}")
    columns = _columns(step)
    per_table = max((width - JUDGED - BAR - 2) // (SCORE + WEIGHT), 1)
    for first in range(0, len(columns), per_table):
        yield from _table(walk.source.pieces, columns[first : first + per_table], width)
    weights = step.hops[-1].weights
    largest = sorted(range(len(weights)), key=lambda j: -weights[j])[:TERMS]
    terms = " + ".join(f"{weights[j]:.2f} h_{j + 1}" for j in largest) + " + …" * (len(largest) < len(weights))
    name = f"c_{step.number}"
    yield Text.assemble(" " * INDENT, (fit(name, LABEL + 2), NAME), f"= {terms}")
    yield _vector(name, step.context, width)


@dataclass(frozen=True)
class _Column:
    """A hop in a table: the names of its scores and weights, and these."""

    names: tuple[str, str]
    hop: "HopNumbers"


def _columns(step: "StepNumbers") -> list[_Column]:
    """Named as the lesson does where there is one hop, and with the hop's number where there are several."""
    i = step.number
    if len(step.hops) == 1:
        return [_Column((f"e_{i}j", f"α_{i}j"), step.hops[0])]
    return [_Column((f"e^{k}_{i}j", f"p^{k}_{i}j"), hop) for k, hop in enumerate(step.hops, start=1)]


def _table(pieces: "Sequence[SidePiece]", columns: Sequence[_Column], width: int) -> Iterator[Text]:
    """A line for each source piece; the bar is the last column's weight."""
    bar = max(min(BAR, width - JUDGED - len(columns) * (SCORE + WEIGHT) - 2), 0)
    names = "".join(f"{score:>{SCORE}}{weight:>{WEIGHT}}" for score, weight in (column.names for column in columns))
    yield Text(f"{'j':>5}  {fit('piece', PIECE)}{names}", SOFT)
    last = columns[-1].hop.weights
    best = max(range(len(last)), key=last.__getitem__)
    for j, piece in enumerate(pieces):
        numbers = "".join(
            f"{column.hop.scores[j]:>+{SCORE}.2f}{column.hop.weights[j]:>{WEIGHT}.3f}" for column in columns
        )
        yield Text.assemble(
            (f"{j + 1:>5}  {fit(printable(piece.piece), PIECE)}{numbers}", BEST if j == best else ""),
            ("  " + "█" * round(last[j] * bar), NAME),
        )


def _choice(name: str, chosen: "Choice", others: "Sequence[Choice]", width: int) -> Iterator[Text]:
    rank = f" (only the {_ordinal(chosen.rank)})" if chosen.rank > 1 else ""
    yield Text.assemble(
        " " * INDENT,
        (fit(name, LABEL), NAME),
        (f"{_share(chosen.probability):>{NUMBER}}  {printable(chosen.piece)}", SAID),
        rank,
    )
    said = ",  ".join(f"{_share(other.probability)} {printable(other.piece)}" for other in others)
    yield from hanging("runners-up", said, indent=INDENT, hang=LABEL + 2, width=width, style=SOFT)


def _share(probability: float) -> str:
    return f"{probability:.3f}" if probability >= 0.0005 else f"{probability:.0e}"


def _ordinal(rank: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{rank:,}{'th' if rank % 100 in (11, 12, 13) else endings.get(rank % 10, 'th')}"


def _summary(walk: "Walk", width: int) -> Iterator[Text]:
    target, alignment = walk.target, walk.alignment
    words = [*target.words, *(piece.piece for piece in target.pieces if piece.word is None)]
    yield Text()
    yield Text.assemble(("in words", HEADING), "  the probability of each, given those before")
    for number, word in enumerate(words):
        of_word = [
            step.chosen.probability
            for step, piece in zip(walk.steps, target.pieces, strict=True)
            if (len(target.words) if piece.word is None else piece.word) == number
        ]
        # A word that shares its only piece with the word before it has no probability of its own.
        probability = _share(prod(of_word)) if of_word else ""
        looks = _looks(alignment, number) if alignment else ""
        yield Text.assemble(f"{probability:>{INDENT + NUMBER}}  ", (fit(printable(word), WORD), BEST), f"  {looks}")
    yield Text()
    told = f"log P = {target.log_prob:.3f}, over {len(walk.steps)} pieces; normalised by length: {target.score:.3f}"
    yield from hanging("", told, indent=INDENT, hang=0, width=width)


def _looks(alignment: "WordAlignment", row: int) -> str:
    """The source words that a target word looks at most, with their weights."""
    weights = alignment.weights[row]
    words = (*alignment.src_words, "<end>")
    best = sorted(range(len(words)), key=lambda j: -weights[j])[:TERMS]
    return "looks at " + ", ".join(f"{printable(words[j])} {weights[j]:.2f}" for j in best)


def _vector(name: str, vector: "Vector", width: int, note: str = "") -> Text:
    told = f"  {note}" if note else ""
    room = width - INDENT - LABEL - NUMBER - 2 - len(told)
    return Text.assemble(
        " " * INDENT,
        (fit(f"|{name}|", LABEL), NAME),
        f"{_norm(vector):>{NUMBER}.2f}  ",
        (_numbers(vector, room), SOFT),
        (told, NAME),
    )


def _norm(vector: "Vector") -> float:
    return hypot(*vector)


def _numbers(vector: "Vector", room: int) -> str:
    """The first numbers of a vector, as many as there is room for, and an ellipsis for the others."""
    count = min(max((room - 2) // NUMBER, 1), len(vector))
    shown = "".join(f"{number:+.2f}".ljust(NUMBER) for number in vector[:count])
    return shown + "…" * (count < len(vector))
