"""scripts/by_size.py: recipes beside each other on the first pairs of a corpus."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent

WORDS = {"a": "un", "the": "le", "dog": "chien", "cat": "chat", "sees": "voit", "eats": "mange"}
SOURCE = [f"{a} {b} {c} {d} {e}" for a in ("a", "the") for b in ("dog", "cat") for c in ("sees", "eats")
          for d in ("a", "the") for e in ("dog", "cat")]  # fmt: skip


@pytest.fixture
def by_size(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("by_size")


def test_a_table_has_a_row_a_size_and_two_columns_a_recipe(by_size: Any) -> None:
    scored = [by_size.Scored("defaults", size, size / 1e3, size / 2e3) for size in (3000, 1000)]
    scored += [by_size.Scored("mine", size, 20.0, 21.25) for size in (1000, 3000)]
    assert by_size.table(scored).splitlines() == [
        "| pairs | defaults: dev | test | mine: dev | test |",
        "| --- | --- | --- | --- | --- |",
        "| 1,000 | 1.0 | 0.5 | 20.0 | 21.2 |",
        "| 3,000 | 3.0 | 1.5 | 20.0 | 21.2 |",
    ]


def test_it_trains_each_recipe_on_the_first_pairs_and_repeats_no_finished_run(tmp_path: Path) -> None:
    for side, lines in {
        "en": SOURCE,
        "fr": [" ".join(map(WORDS.__getitem__, line.split())) for line in SOURCE],
    }.items():
        (tmp_path / f"x.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "mine.toml").write_text("[model]\nembed_size = 8\nhidden_size = 8\n", encoding="utf-8")
    files = [str(tmp_path / "x.en"), str(tmp_path / "x.fr")]
    options = [word for name in ("--train", "--dev", "--test") for word in (name, *files)]
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "scripts" / "by_size.py"), *options, "--recipe", str(tmp_path / "mine.toml")]
    command += ["--pairs", "24", "--minutes", "0.01", "--out", str(out)]
    first = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert first.stdout.startswith(
        "| pairs | defaults: dev | test | mine: dev | test |\n| --- | --- | --- | --- | --- |\n| 24 | "
    )
    assert (out / "24-x.en").read_text(encoding="utf-8").splitlines() == SOURCE[:24]
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"defaults-24-0.01min", "mine-24-0.01min"}
    defaults = (out / "defaults-24-0.01min" / "config.toml").read_text(encoding="utf-8")
    assert 'tie = "all"' in defaults  # and not what such a corpus would be given
    assert "dictionary = false" in defaults
    assert (out / "by-size.png").read_bytes().startswith(b"\x89PNG")
    written = (out / "mine-24-0.01min" / "results.json").stat().st_mtime_ns
    again = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert again.stdout == first.stdout
    assert (out / "mine-24-0.01min" / "results.json").stat().st_mtime_ns == written


def test_it_refuses_more_pairs_than_there_are_and_recipes_of_one_name(by_size: Any, tmp_path: Path) -> None:
    (tmp_path / "x.en").write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"x\.en has 2 lines, and 3 are asked for"):
        by_size._head(tmp_path / "x.en", 3, tmp_path)
    pair = (tmp_path / "x.en", tmp_path / "x.en")
    with pytest.raises(SystemExit, match="two recipes have the same name"):
        by_size.main(pair, pair, pair, [Path("a/mine.toml"), Path("b/mine.toml")], out=tmp_path / "out")


def test_a_missing_file_is_told_and_nothing_starts(by_size: Any, tmp_path: Path) -> None:
    missing = [word for name in ("--train", "--dev", "--test") for word in (name, "none.en", "none.fr")]
    told = CliRunner().invoke(by_size.app, [*missing, "--recipe", "x.toml", "--out", str(tmp_path / "out")])
    assert told.exit_code == 2
    assert "none.en" in told.output
    assert not (tmp_path / "out").exists()
