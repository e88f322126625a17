"""`s2s align`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from s2s.cli.warnings import warn
from s2s.errors import S2SError


class Words(StrEnum):
    """What a word is."""

    natural = "natural"
    space = "space"


def align(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    src: Annotated[Path, typer.Option(metavar="FILE", help="Source sentences.")],
    trg: Annotated[Path, typer.Option(metavar="FILE", help="Their translations, whoever made them.")],
    gold: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Gold links a line: 0-0 is sure, 1?2 possible; adds the error rate."),
    ] = None,
    words: Annotated[
        Words, typer.Option(help="natural words, or split at each space (tokenized text).")
    ] = Words.natural,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Word alignments of given pairs in Pharaoh format (SRC-TRG, from 0), read from the attention weights.

    Each target word is linked to the source word with the largest weight; to none where that is the end of the
    sentence. With --gold the alignment error rate (Och & Ney 2003) goes to standard error.
    """
    from s2s.data.corpus import read_pairs
    from s2s.evaluation.alignment import (
        alignment_error_rate,
        check_gold,
        check_gold_lines,
        format_pharaoh,
        links_from_weights,
        read_gold,
    )
    from s2s.workflow.alignment import align as align_pairs
    from s2s.workflow.alignment import refuse_without_attention
    from s2s.workflow.translation import load_run

    pairs = read_pairs((src, trg))
    links_of_gold = read_gold(gold) if gold else []
    if gold:
        if not pairs:
            raise S2SError("there is nothing to score: the file has no line", where=str(src))
        check_gold_lines(len(pairs), links_of_gold)
    loaded = load_run(run, device=device, threads=threads)
    refuse_without_attention(loaded)
    alignments = []
    links = []
    for alignment in align_pairs(loaded, pairs, words=words.value, warn=warn):
        found = links_from_weights(alignment)
        typer.echo(format_pharaoh(found))
        links.append(found)
        if gold:
            alignments.append(alignment)
    if gold:
        check_gold(links_of_gold, alignments, gold)
        score = alignment_error_rate(links, links_of_gold)
        typer.echo(f"precision {score.precision:.3f}, recall {score.recall:.3f}, AER {score.aer:.3f}", err=True)
