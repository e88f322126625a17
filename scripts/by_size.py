#!/usr/bin/env python
"""What a recipe is worth where there is little text: BLEU by the number of sentence pairs.

    python scripts/by_size.py --train x.en x.fr --dev dev.en dev.fr --test test.en test.fr \
        --recipe configs/low-resource.toml --minutes 5

Each recipe, and the defaults of all settings ("defaults"), trains on the first so many pairs of the corpus, for
the same minutes and on one core; the recipes train side by side, one size after the other. Prints a table in Markdown,
and writes the curves. The same command goes on where it was stopped.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from s2s.config import Config, to_toml

DEFAULTS = "defaults"
"""What the recipe of the defaults of all settings is called."""

Pair = tuple[Path, Path]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Scored:
    """A recipe's BLEU with so many pairs."""

    recipe: str
    pairs: int
    dev: float
    test: float


@app.command(help=__doc__)
def main(
    train: Annotated[Pair, typer.Option(metavar="SRC TRG", exists=True, dir_okay=False, help="The corpus.")],
    dev: Annotated[
        Pair, typer.Option(metavar="SRC TRG", exists=True, dir_okay=False, help="Chooses the best checkpoint.")
    ],
    test: Annotated[
        Pair, typer.Option(metavar="SRC TRG", exists=True, dir_okay=False, help="Scored once, at the end.")
    ],
    recipe: Annotated[list[Path], typer.Option(metavar="CONFIG.toml", exists=True, help="Repeatable.")],
    pairs: Annotated[list[int], typer.Option(metavar="N", min=1, help="Repeatable.")] = [1000, 3000, 10000],  # noqa: B006
    minutes: Annotated[float, typer.Option(help="Of training, for each recipe and size.")] = 5.0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where runs and picture go.")] = Path("runs/by-size"),
) -> None:
    """Train, score, tell, draw."""
    out.mkdir(parents=True, exist_ok=True)
    defaults = out / f"{DEFAULTS}.toml"
    defaults.write_text(to_toml(Config()), encoding="utf-8")  # each by its name: what is left out follows from the size
    recipes = [defaults, *recipe]
    if len({config.stem for config in recipes}) < len(recipes):
        raise SystemExit("two recipes have the same name; their runs would have, too")
    for count in sorted(set(pairs)):
        files = [_head(path, count, out) for path in train]
        data = ["--train", *files, "--dev", *map(str, dev), "--test", *map(str, test)]
        running = [_start(config, data, minutes, _run(out, config, count, minutes)) for config in recipes]
        if any([process.wait() for process in running if process]):
            raise SystemExit("a training failed; what it said is above")
    scored = [
        _read(config, count, _run(out, config, count, minutes)) for config in recipes for count in sorted(set(pairs))
    ]
    print(table(scored))  # noqa: T201
    draw(scored, out / "by-size.png")


def _head(path: Path, count: int, out: Path) -> str:
    """The first lines of a file, as a file."""
    short = out / f"{count}-{path.name}"
    with path.open("rb") as whole:
        lines = list(islice(whole, count))
    if len(lines) < count:
        raise SystemExit(f"{path} has {len(lines):,} lines, and {count:,} are asked for")
    short.write_bytes(b"".join(lines))
    return str(short)


def _run(out: Path, config: Path, count: int, minutes: float) -> Path:
    return out / f"{config.stem}-{count}-{minutes:g}min"


def _start(config: Path, data: Sequence[str], minutes: float, run: Path) -> "subprocess.Popen[bytes] | None":
    """A training, which goes on where it was stopped; None where it was finished before."""
    if (run / "results.json").exists():
        return None
    program = [sys.executable, "-m", "s2s", "train"]
    settings = ["--minutes", str(minutes), "--set", "training.threads=1", "--set", "training.patience=0"]
    anew = [str(config), *data, *settings, "--out", str(run)]
    return subprocess.Popen(
        [*program, *(["--resume", str(run)] if run.exists() else anew)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )


def _read(config: Path, count: int, run: Path) -> Scored:
    found = json.loads((run / "results.json").read_text(encoding="utf-8"))
    dev, test = (next(s["value"] for s in found[part]["scores"] if s["name"] == "BLEU") for part in ("dev", "test"))
    return Scored(config.stem, count, dev, test)


def table(scored: Sequence[Scored]) -> str:
    """A row a size, and two columns a recipe."""
    recipes = list(dict.fromkeys(one.recipe for one in scored))
    at = {(one.recipe, one.pairs): one for one in scored}
    lines = [
        "| pairs | " + " | ".join(f"{name}: dev | test" for name in recipes) + " |",
        "| --- " * (1 + 2 * len(recipes)) + "|",
    ]
    for count in sorted({one.pairs for one in scored}):
        cells = (f"{value:.1f}" for name in recipes for value in (at[name, count].dev, at[name, count].test))
        lines.append(f"| {count:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(scored: Sequence[Scored], path: Path) -> None:
    """Write the curves: pairs to the right, BLEU on test upwards."""
    import matplotlib.style
    from matplotlib.figure import Figure

    from s2s.plots.files import SETTINGS, write_figure
    from s2s.plots.lengths import COLOURS, DOTS_PER_INCH, MARKERS

    sizes = sorted({one.pairs for one in scored})
    with matplotlib.style.context(["default", {**SETTINGS, "font.size": 9}]):
        figure = Figure(figsize=(5.2, 3.4), dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        for number, name in enumerate(dict.fromkeys(one.recipe for one in scored)):
            curve = sorted((one.pairs, one.test) for one in scored if one.recipe == name)
            axes.plot(*zip(*curve, strict=True), color=COLOURS[number], marker=MARKERS[number], label=name)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("training pairs")
        axes.set_ylabel("BLEU on test")
        axes.grid(axis="y", color="0.88", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        write_figure(figure, path)


if __name__ == "__main__":
    app()
