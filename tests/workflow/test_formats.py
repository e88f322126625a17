"""Runs that earlier versions wrote are read by this one, and go on."""

import shutil
from pathlib import Path

import pytest
from small_runs import Told

from s2s.data.corpus import read_pairs
from s2s.workflow.evaluation import describe, reference_loss
from s2s.workflow.info import describe_run
from s2s.workflow.manifest import FORMAT_VERSION
from s2s.workflow.training import resume
from s2s.workflow.translation import load_run, translate

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

each_format = pytest.mark.parametrize("number", range(1, FORMAT_VERSION + 1))


@each_format
def test_it_translates_and_scores_as_it_did(number: int) -> None:
    """The loss over whole sentences hangs on every weight and on the vocabulary."""
    folder = FIXTURES / f"format-{number}"
    run = load_run(folder / "run", device="cpu", threads=1)
    pairs = read_pairs((folder / "dev.en", folder / "dev.fr"))
    results = run.directory.read_results()
    assert results is not None
    assert results.dev.sentences == len(pairs)
    assert describe(run.beam()) == results.dev.search
    decoding = run.config.decoding
    assert (decoding.margin, decoding.repeats, decoding.copy_unknown) == (0.0, 0, False)
    assert reference_loss(run, pairs) == pytest.approx(results.dev.loss, rel=1e-4)
    translations = [translation.text for translation in translate(run, [*(pair.src for pair in pairs), ""])]
    assert all(translations[:-1])
    assert translations[-1] == ""


@each_format
def test_it_is_described_and_whole(number: int) -> None:
    description = describe_run(FIXTURES / f"format-{number}" / "run")
    assert description.manifest.format_version == number
    assert description.faults == ()
    assert description.progress is not None
    assert description.progress.updates == 20


@each_format
def test_it_goes_on(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FIXTURES / f"format-{number}", tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    told = Told()
    outcome = resume(Path("run"), told, overrides={"training": {"max_updates": 22, "validate_every": 0}})
    assert [update.update for update in told.updates] == [21, 22]
    assert outcome.updates == 22
    assert outcome.run.metrics.read_text(encoding="utf-8").count('"event": "update"') == 22


def test_there_is_one_of_each_format_and_all_are_small() -> None:
    assert sorted(path.name for path in FIXTURES.glob("format-*")) == [
        f"format-{number}" for number in range(1, FORMAT_VERSION + 1)
    ]
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 100_000 * FORMAT_VERSION
