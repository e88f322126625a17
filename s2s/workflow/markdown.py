"""The report of a comparison for people: what was found, and the tables behind it."""

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean

from s2s.evaluation.significance import LEVEL
from s2s.workflow.corpora import BUILTIN_WARNING
from s2s.workflow.measurement import Measured, ModelMeasure, Spread, Verdict

HOPELESS = 1.0
"""Points of a score below which one model is no better than another, whatever a test of significance says."""

Column = tuple[str, Callable[[ModelMeasure], str]]
"""A column's title, and what it says of a model."""


def to_markdown(measured: Measured, figure: str, command: Sequence[str]) -> str:
    """The whole report.

    Args:
        measured: what it tells.
        figure: the name of the picture file beside it.
        command: that makes the comparison.
    """
    several = len(measured.seeds) > 1
    count = f"{len(measured.models)} model{'s' if len(measured.models) > 1 else ''}"
    blocks = [
        f"# {measured.name}: a comparison of {count}",
        f"> {BUILTIN_WARNING[0].upper()}{BUILTIN_WARNING[1:]}." if measured.builtin else "",
        "\n".join(f"- {finding}" for finding in findings(measured)),
        "## Scores",
        results_table(measured),
        _legend(measured),
        f"## BLEU by source length\n\n![BLEU by source length, a line a model]({figure})",
        f"As in Figure 2 of Bahdanau et al. (2015): BLEU of the {measured.part} sentences by the length of the source "
        f"in words, marks counted{'; means over the seeds' if several else ''}.",
        _lengths_table(measured),
        f"## Each run\n\n{_runs_table(measured)}" if several else "",
        _left_out(measured),
        _how(measured, command),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def findings(measured: Measured) -> list[str]:
    """For each score what differs significantly from the first model, and what does not."""
    if len(measured.models) < 2:
        return []
    if hopeless := next((score for score in measured.signatures if _is_hopeless(measured, score)), None):
        what = f"{measured.part} {hopeless}"
        return [
            f"No model has learnt to translate: every {what} is below {HOPELESS:g}. There is nothing to compare yet."
        ]
    return [_finding(measured, score) for score in measured.signatures]


def _is_hopeless(measured: Measured, score: str) -> bool:
    scores = [model.score(measured.part, score) for model in measured.models]
    return all(spread is None or spread.mean < HOPELESS for spread in scores)


def _finding(measured: Measured, score: str) -> str:
    first, *others = measured.models
    what = f"{measured.part} {score}"
    verdicts = {model.name: model.verdict(score) for model in others}
    if set(verdicts.values()) == {Verdict.SAME}:
        return (
            f"No difference in {what} from the first model ({first.name}) is significant (p < {LEVEL}): a null result."
        )
    parts: list[str] = []
    for verdict in Verdict:
        names = [_with_difference(model, score) for model in others if verdicts[model.name] is verdict]
        if names:
            subject = "it" if parts else f"compared with the first model ({first.name}), {what}"
            level = f" (p < {LEVEL}{' with every seed' if len(measured.seeds) > 1 else ''})" if not parts else ""
            parts.append(f"{subject} is {verdict.value}{level} for {'; '.join(names)}.")
    return " ".join(part[0].upper() + part[1:] for part in parts)


def _with_difference(model: ModelMeasure, score: str) -> str:
    found = model.differences(score)
    return f"{model.name} ({mean(d.difference for d in found):+.1f})" if found else model.name


def results_table(measured: Measured) -> str:
    """One line a model, as a Markdown table that is as well read as it is."""
    parts = ["dev", "test"] if measured.part == "test" else ["dev"]
    scores = list(measured.signatures)
    columns: list[Column] = [
        ("model", lambda model: model.name),
        ("parameters", lambda model: _spread(model.spread(lambda run: run.parameters), ",.0f")),
        ("tokens/s", lambda model: _spread(model.spread(lambda run: run.tokens_per_second), ",.0f")),
        ("minutes", lambda model: _spread(model.spread(lambda run: run.minutes), ".1f")),
        ("best update", lambda model: _spread(model.spread(lambda run: run.best_update), ",.0f")),
    ]
    for part in parts:
        for score in scores:
            columns.append((f"{part} {score}", partial(_score_cell, part, score)))
    if len(measured.models) > 1:
        for score in scores:
            columns += [(f"Δ {score}", partial(_difference_cell, score)), ("p", partial(_p_cell, score))]
    rows = [[cell(model) for _, cell in columns] for model in measured.models]
    return _table([title for title, _ in columns], rows)


def _score_cell(part: str, score: str, model: ModelMeasure) -> str:
    return _spread(model.score(part, score), ".2f")


def _difference_cell(score: str, model: ModelMeasure) -> str:
    found = model.differences(score)
    return f"{mean(d.difference for d in found):+.2f}" if found else ""


def _p_cell(score: str, model: ModelMeasure) -> str:
    """The largest p of all seeds: below the level, the difference is significant with every one."""
    found = model.differences(score)
    return f"{max(d.p_value for d in found):.3f}" if found else ""


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return "–"
    return f"{spread.mean:{form}} ± {spread.deviation:{form}}" if spread.deviation else f"{spread.mean:{form}}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded; the first column to the left, numbers to the right."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in [titles, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    lines = [
        "| "
        + " | ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (w + 1) + ":" if n else "-" * (w + 2) for n, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _legend(measured: Measured) -> str:
    several = len(measured.seeds) > 1
    parts = [
        f"Means over {len(measured.seeds)} seeds ± standard deviation (of a sample, n − 1)."
        if several
        else "One seed: differences within what another seed would change say nothing about the models.",
    ]
    if len(measured.models) > 1:
        largest = ", the largest of all seeds" if several else ""
        parts.append(
            f"Δ: {measured.part} score less that of the first model; p: of that difference by chance{largest}."
        )
    return " ".join(parts)


def _lengths_table(measured: Measured) -> str:
    titles = ["words", *(bucket.name for bucket in measured.buckets)]
    counts = ["sentences", *(f"{len(bucket.sentences):,}" for bucket in measured.buckets)]
    rows = [[model.name, *(f"{bleu:.1f}" for bleu in model.bleu_by_length)] for model in measured.models]
    return _table(titles, [counts, *rows])


def _runs_table(measured: Measured) -> str:
    parts = ["dev", "test"] if measured.part == "test" else ["dev"]
    scores = [(part, score) for part in parts for score in measured.signatures]
    titles = ["run", "updates", "best", "minutes", *(f"{part} {score}" for part, score in scores)]
    titles += [f"p {score}" for score in measured.signatures] if len(measured.models) > 1 else []
    rows = [
        [
            run.directory,
            f"{run.updates:,}",
            f"{run.best_update:,}",
            f"{run.minutes:.1f}",
            *(f"{run.score(part, score):.2f}" for part, score in scores),
            *(
                f"{run.from_first[score].p_value:.3f}" if run.from_first else ""
                for score in measured.signatures
                if len(measured.models) > 1
            ),
        ]
        for model in measured.models
        for run in model.runs
    ]
    return _table(titles, rows)


def _left_out(measured: Measured) -> str:
    lines = [f"- {out.name}: {out.reason}" for out in measured.left_out]
    lines += [f"- {d.contender.name}, seed {d.seed}, could not be trained: {d.reason}" for d in measured.diverged]
    return "## Left out\n\n" + "\n".join(lines) if lines else ""


def _how(measured: Measured, command: Sequence[str]) -> str:
    """What anybody needs who wants to check the numbers."""
    lines = [
        f"{' + '.join(v.keys)}: {', '.join(' + '.join(choice) for choice in v.choices)}" for v in measured.variations
    ]
    lines += [
        f"{measured.part}: {measured.sentences:,} sentences; seeds: {', '.join(map(str, measured.seeds))}",
        *_searches(measured.models),
        *(f"{score}: `{signature}`" for score, signature in measured.signatures.items()),
    ]
    if measured.bootstrap:
        lines += [
            "p: sacrebleu's paired bootstrap (Koehn 2004) over the sentences, each seed of a model with the same seed "
            "of the first; not corrected for the number of models: of twenty that are no better, one will seem so",
            *(f"bootstrap of {score}: `{signature}`" for score, signature in measured.bootstrap.items()),
        ]
    lines += ["tokens/s: target tokens in training, validations and the first update left out", *_machines(measured)]
    block = f"\n\n```sh\n{shlex.join(command)}\n```" if command else ""
    return "## How it was measured\n\n" + "\n".join(f"- {line}" for line in lines) + block


def _searches(models: Sequence[ModelMeasure]) -> list[str]:
    """The decoding settings; with the models' names where they differ."""
    names: dict[str, list[str]] = {}
    for model in models:
        names.setdefault(model.search, []).append(model.name)
    if len(names) == 1:
        return [f"decoding: {models[0].search}"]
    return [f"decoding of {'; '.join(those)}: {search}" for search, those in names.items()]


def _machines(measured: Measured) -> list[str]:
    manifests = [run.manifest for model in measured.models for run in model.runs]
    told = {
        f"{m.device} ({m.platform}), {m.formats}, {m.threads} threads; "
        + ", ".join(f"{name} {version}" for name, version in m.versions.items()): None
        for m in manifests
    }
    return [f"trained on {machine}" for machine in told]
