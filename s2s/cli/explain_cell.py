"""`s2s explain-cell`."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from s2s.explanations.explanation import Explanation, Paper, Sizes

WIDEST = 110
"""Columns beyond which a text is hard to read."""

FULL_LIST = 82
"""Columns in which no title of the list is cut."""

NAME_STYLE, TITLE_STYLE, SYMBOL_STYLE, HEADING_STYLE = "bold cyan", "bold", "cyan", "dim"


def explain_cell(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A cell (lstm) or another value (additive), a setting (attend), or both (start=last).",
            show_default=False,
        ),
    ] = "",
    input_size: Annotated[int, typer.Option(min=1, help="E, the width of the input x_t.")] = 256,
    hidden_size: Annotated[int, typer.Option(min=1, help="H, the width of the state.")] = 256,
    vocab_size: Annotated[int, typer.Option(min=1, help="V, the pieces in the vocabulary.")] = 4000,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Explain a cell, or any other part of the model: equations, gates, parameters, paper.

    Without a name, list everything that is explained.
    """
    from s2s.cli.lines import Output, show_json
    from s2s.explanations.explanation import Sizes
    from s2s.explanations.table import explanations

    found = explanations(name)
    sizes = Sizes(input_size=input_size, hidden_size=hidden_size, vocab_size=vocab_size)
    if as_json:
        show_json([_as_table(e, sizes) for e in found])
        return
    output = Output()
    width = min(output.width, WIDEST)
    output.show(_explained(found, sizes, width) if name else _listed(found, sizes, width))


def _as_table(explanation: "Explanation", sizes: "Sizes") -> dict[str, object]:
    from dataclasses import asdict

    letters = sizes.letters()
    return {
        **asdict(explanation),
        "formula": explanation.formula,
        "sizes": {letter: letters[letter] for letter in explanation.letters},
        "parameters": explanation.parameters(sizes),
    }


def _listed(found: "Iterable[Explanation]", sizes: "Sizes", width: int) -> "Iterator[Text]":
    """A line for each, its setting where it is the first one's."""
    from rich.text import Text

    from s2s.cli.lines import fit

    before = ""
    for explanation in found:
        setting = "" if explanation.setting == before else explanation.setting
        before = explanation.setting
        yield Text.assemble(
            (fit(setting, 15), NAME_STYLE),
            (fit(explanation.value, 12), SYMBOL_STYLE),
            fit(explanation.title, max(min(width, FULL_LIST) - 37, 20)),
            fit(f"{explanation.parameters(sizes):,}", 10, right=True),
        )
    yield Text()
    letters = sizes.letters()
    yield Text(f"On the right its parameters, for E = {letters['E']:,}, H = {letters['H']:,}, V = {letters['V']:,}.")
    yield Text("`s2s explain-cell NAME` explains one, such as lstm, attend or start=last.")


def _explained(found: "Iterable[Explanation]", sizes: "Sizes", width: int) -> "Iterator[Text]":
    from rich.text import Text

    for number, explanation in enumerate(found):
        if number:
            yield Text()
        yield Text.assemble((explanation.name, NAME_STYLE), "   ", (explanation.title, TITLE_STYLE))
        for heading, lines in (
            ("equations", [("", equation) for equation in explanation.equations]),
            ("parts", [(part.symbol, part.meaning) for part in explanation.parts]),
            ("parameters", _parameters(explanation, sizes)),
            ("beside its relatives", [("", explanation.differs)]),
            ("papers", [("", _quoted(paper)) for paper in explanation.papers]),
        ):
            yield from _section(heading, lines, width)


def _section(heading: str, lines: "list[tuple[str, str]]", width: int) -> "Iterator[Text]":
    """A heading, and under it texts, each beside its label; nothing where there are none."""
    from rich.text import Text

    from s2s.cli.lines import hanging

    if not lines:
        return
    yield Text()
    yield Text(f"  {heading}", HEADING_STYLE)
    room = max(len(label) for label, _ in lines)
    for label, text in lines:
        yield from hanging(label, text, indent=4, hang=room + 2 if label else 0, width=width, style=SYMBOL_STYLE)


def _parameters(explanation: "Explanation", sizes: "Sizes") -> list[tuple[str, str]]:
    from s2s.cli.lines import fit
    from s2s.explanations.explanation import LETTERS

    if not explanation.weights:
        return [("", "none")]
    room = max(len(weight.shape) for weight in explanation.weights) + 2
    letters = sizes.letters()
    return [
        ("", f"{explanation.formula} = {explanation.parameters(sizes):,}: {explanation.counted}"),
        *((weight.name, f"{fit(weight.shape, room)}{weight.meaning}") for weight in explanation.weights),
        *((letter, f"= {letters[letter]:,}, {LETTERS[letter]}") for letter in explanation.letters),
    ]


def _quoted(paper: "Paper") -> str:
    return f"{paper.authors} ({paper.year}). {paper.title}. {paper.venue}."
