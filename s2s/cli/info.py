"""`s2s info`."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.errors import S2SError

if TYPE_CHECKING:
    from s2s.workflow.info import Description, Standing
    from s2s.workflow.results import Results

Row = tuple[str, str]


def info(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object, settings and all.")] = False,
) -> None:
    """Print what a run is: data, model, progress, scores, what it was made with, and whether its files are whole.

    Exit code 1 where a file of it is damaged.
    """
    from s2s.workflow.info import describe_run

    description = describe_run(run)
    if as_json:
        typer.echo(description.model_dump_json(indent=2))
    else:
        for label, value in _rows(description):
            typer.echo(f"{label:<12} {_printable(value)}")
    if description.faults:
        raise S2SError(
            "the run is damaged:\n  " + "\n  ".join(_printable(fault) for fault in description.faults),
            hint="With best.safetensors and tokenizer whole it translates, and s2s train --init-from RUN begins a new "
            "run with them; with last.safetensors and tokenizer whole s2s train --resume RUN trains on.",
        )


def _rows(description: "Description") -> Iterator[Row]:
    manifest, settings = description.manifest, description.settings
    yield "run", f"{description.run} (format {manifest.format_version}, {description.bytes:,} bytes)"
    yield "made", f"{manifest.created} by {shlex.join(manifest.command) or 'the Python API'}"
    yield "languages", f"{manifest.src_lang} to {manifest.trg_lang}"
    yield "pairs", ", ".join(f"{name} {count:,}" for name, count in manifest.pairs.items())
    if manifest.corpus:
        yield "corpus", manifest.corpus
    for path, digest in manifest.data.items():
        yield "data", f"{path} sha256:{digest}"
    if origin := manifest.init_from:
        yield "began with", f"{origin.run} after its update {origin.updates:,}, checksum {origin.checksum}"
    sizes = ", ".join(f"{side} {size:,}" for side, size in manifest.vocabulary.items())
    yield (
        "vocabulary",
        f"{settings.tokenizer.kind}, {'joint' if settings.tokenizer.joint else 'one each'}: {sizes} pieces",
    )
    model = settings.model
    decoder = f", decoder {model.decoder_size}" if model.decoder_size else ""
    yield (
        "model",
        f"{model.cell}, attention {model.attention}, attend {model.attend}, hops {model.hops}, values {model.values}, "
        f"start {model.start}, {model.num_layers} layer(s), embed {model.embed_size}, "
        f"hidden {model.hidden_size}{decoder}: {manifest.parameters:,} parameters",
    )
    yield "search", f"beam {settings.decoding.beam}, length penalty {settings.decoding.length_penalty:g}"
    yield "computed", f"{manifest.device}, {manifest.formats}, CPU threads: {manifest.threads}, {manifest.platform}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    yield "revision", manifest.revision or "not run from a checkout"
    if description.progress:
        yield from _progress(description.progress)
    for name, state in description.checkpoints.items():
        yield f"{name} file", f"{state.bytes:,} bytes, {state.fault or f'whole, weights sha256:{state.weights_sha256}'}"
    if description.results:
        yield from _results(description.results)
    else:
        yield "not ended", f"go on with it: s2s train --resume {shlex.quote(description.run)}"


def _progress(standing: "Standing") -> Iterator[Row]:
    yield (
        "progress",
        f"update {standing.updates:,}, epoch {standing.epoch}, {standing.seconds / 60:.1f} minutes, "
        f"{standing.skipped:,} updates skipped",
    )
    if standing.best_score is not None:
        how = " of greedy search" if standing.metric != "loss" else ""
        # What is next to nothing counts as 0, so that the loss decides (see `training.trainer`).
        score = f"{standing.best_score:.3f}" if standing.best_score else "below 1"
        yield "best", f"dev {standing.metric}{how} {score} at update {standing.best_update:,}"


def _results(results: "Results") -> Iterator[Row]:
    yield "ended", f"{results.end}, after {results.updates:,} updates; the best is of update {results.best_update:,}"
    for name, scored in (("dev", results.dev), ("test", results.test)):
        if scored:
            yield f"{name} search", scored.search
            for score in scored.scores:
                yield f"{name} {score.name}", f"{score.value:.2f} {score.signature}"
            yield f"{name} ppl", f"{scored.perplexity:.2f}"


def _printable(text: str) -> str:
    """A run may come from a stranger, and control characters would be the terminal's."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
