"""A comparison: each run once, whole, and gone on with where it was stopped; nothing of another one is touched."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from small_runs import Compared, Watched, small, small_grid
from test_training import after, assert_same_run

from s2s.errors import S2SError, UsageError
from s2s.training.trainer import DivergedError
from s2s.workflow.comparison import Stopped, Trained, compare
from s2s.workflow.grid import build_grid, parse_variation
from s2s.workflow.measurement import measure
from s2s.workflow.run import RunDirectory

Files = dict[str, list[str]]


def prints(folder: Path) -> dict[str, tuple[str, int]]:
    """What every file of every run holds, and when it was written."""
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.glob("*/*"))
    }


def untrainable(*_: object, **__: object) -> None:
    raise AssertionError("nothing is to be trained")


# Running


def test_each_model_has_a_run_with_each_seed_named_by_its_settings(compared: Compared) -> None:
    names = sorted(path.name for path in compared.trained.out.iterdir() if path.is_dir())
    assert names == [f"{name}-first-seed{seed}" for name in ("additive", "none") for seed in (1, 2)]
    for name in names:
        run = RunDirectory(compared.trained.out / name)
        config = run.read_config()
        assert name == f"{config.model.attention}-{config.model.attend}-seed{config.training.seed}"
        assert (results := run.read_results()) is not None
        assert results.updates == 3
        assert (run.path / "written.toml").read_text(encoding="utf-8") == "# mine\n"
        assert run.read_manifest().command == ("s2s", "compare", "x")


def test_all_models_are_trained_with_one_seed_before_the_next_and_told_of(compared: Compared) -> None:
    begun = compared.told.begun
    assert [(p.number, p.total, p.contender.name, p.seed) for p in begun] == [
        (1, 4, "none, first", 1),
        (2, 4, "additive, first", 1),
        (3, 4, "none, first", 2),
        (4, 4, "additive, first", 2),
    ]
    assert begun[0].seconds_left is None
    first = RunDirectory(compared.trained.out / "none-first-seed1").read_results()
    assert first is not None
    assert begun[1].seconds_left == pytest.approx(3 * first.seconds)
    assert [w for w in compared.told.warnings if w.startswith("left out: none, last: ")] != []


def test_the_record_says_what_is_compared(compared: Compared) -> None:
    record = json.loads((compared.trained.out / "comparison.json").read_text(encoding="utf-8"))
    assert record["command"] == ["s2s", "compare", "x"]
    assert record["seeds"] == [1, 2]
    assert record["models"][1] == {
        "name": "additive, first",
        "settings": {"model.attention": "additive", "model.attend": "first"},
    }


# Going on


@pytest.fixture
def copied(compared: Compared, tmp_path: Path) -> Path:
    shutil.copytree(compared.trained.out, tmp_path / "compare-small", copy_function=shutil.copy2)
    return tmp_path / "compare-small"


def test_a_finished_run_is_not_repeated(corpus: Files, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train", "resume"):
        monkeypatch.setattr(f"s2s.workflow.comparison.{name}", untrainable)
    before = prints(copied)
    told = Watched()
    assert isinstance(compare(small_grid(corpus), copied, told), Trained)
    assert prints(copied) == before
    assert [planned.is_finished for planned in told.begun] == [True] * 4


def test_a_stopped_comparison_goes_on_as_if_it_had_never_stopped(
    corpus: Files, compared: Compared, tmp_path: Path
) -> None:
    """Stopped in the second of four runs: the first is not touched again, the second goes on from its checkpoint."""
    out = tmp_path / "compare-small"
    asked = after(8)  # before and after each update: one and three for the first run, one and two for the second
    stopped = compare(small_grid(corpus), out, Watched(), written="# mine\n", should_stop=asked)
    assert isinstance(stopped, Stopped)
    assert (stopped.at.number, stopped.at.contender.name, stopped.at.is_finished) == (2, "additive, first", False)
    finished = {name: print_ for name, print_ in prints(out).items() if name.startswith("none-first-seed1")}
    told = Watched()
    trained = compare(small_grid(corpus), out, told, written="# mine\n")
    assert isinstance(trained, Trained)
    assert any("going on after update" in note for note in told.notes)
    assert finished.items() <= prints(out).items()
    for contender in trained.grid.contenders:
        for seed in (1, 2):
            assert_same_run(compared.trained.out / contender.directory(seed), out / contender.directory(seed))


def test_more_seeds_and_models_may_join(corpus: Files, copied: Path) -> None:
    more = small_grid(
        corpus, "model.attention+model.attend=none+first,additive+first,additive+between", seeds=(1, 2, 3)
    )
    told = Watched()
    stopped = compare(more, copied, told, should_stop=lambda: len(told.begun) == 2)
    assert isinstance(stopped, Stopped)
    assert (stopped.at.number, stopped.at.total, stopped.at.contender.name) == (3, 9, "additive, between")


def test_a_wish_to_stop_between_two_runs_is_granted(corpus: Files, copied: Path) -> None:
    stopped = compare(small_grid(corpus), copied, Watched(), should_stop=lambda: True)
    assert isinstance(stopped, Stopped)
    assert stopped.at.number == 1


# What is refused, before anything trains


@pytest.fixture
def _nothing_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train", "resume"):
        monkeypatch.setattr(f"s2s.workflow.comparison.{name}", untrainable)


@pytest.mark.usefixtures("_nothing_trains")
def test_runs_of_another_comparison_are_refused_with_what_differs(corpus: Files, copied: Path) -> None:
    before = prints(copied)
    other = small_grid(corpus, "model.attention+model.attend=none+first,dot+first", decoding={"beam": 7})
    with pytest.raises(UsageError) as caught:
        compare(other, copied, Watched())
    message = str(caught.value)
    assert message.startswith(f"{copied}: the directory holds another comparison:\n")
    assert "  additive-first-seed1 is no run of this comparison\n" in message
    assert "  none-first-seed2: decoding.beam is 2 there and 7 here\n" in message
    assert "comparison.json holds" in message
    assert prints(copied) == before


@pytest.mark.usefixtures("_nothing_trains")
def test_a_directory_of_something_else_is_refused(corpus: Files, tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine", encoding="utf-8")
    with pytest.raises(S2SError, match=r"something else here \(no comparison\.json\), and nothing is overwritten"):
        compare(small_grid(corpus), tmp_path, Watched())
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    with pytest.raises(S2SError, match=r"the directory cannot be made: |something else here"):
        compare(small_grid(corpus), tmp_path / "report.md", Watched())


@pytest.mark.usefixtures("_nothing_trains")
def test_models_are_held_to_the_same_sentences(corpus: Files, tmp_path: Path) -> None:
    other = json.dumps(corpus["dev"])
    for vary, seeds, data in (
        (f"data.test={json.dumps(corpus['test'])},{other}", (1,), corpus),
        ("model.cell=rnn,gru", (1, 2), {"train": corpus["train"]}),  # a part of train is held out, by seed
    ):
        table = small({"data": data}).model_dump(mode="json")
        found = build_grid(table, {}, [parse_variation(vary)], seeds)
        with pytest.raises(UsageError, match=r"would be scored on other sentences.*\n  Give data\.dev and data\.test"):
            compare(found, tmp_path / "out", Watched())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_nothing_trains")
def test_faults_of_data_and_device_are_told_before_anything_is_made(corpus: Files, tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"There is no such file"):
        compare(small_grid({**corpus, "test": ["no.en", "no.fr"]}), tmp_path / "out", Watched())
    with pytest.raises(UsageError, match=r"device: 'warp' is no device"):
        compare(small_grid(corpus, training={"device": "warp"}), tmp_path / "out", Watched())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_nothing_trains")
def test_other_data_than_those_of_a_finished_run_are_refused(corpus: Files, copied: Path) -> None:
    path = copied / "none-first-seed2" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["data"][corpus["test"][0]] = "0" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(S2SError, match=r"test\.en: the file is not the one that the run was trained on"):
        compare(small_grid(corpus), copied, Watched())


def test_a_model_that_diverges_does_not_stop_the_others(
    corpus: Files, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copied / "none-first-seed2")

    def diverge(config: object, out: Path, *_: object, **__: object) -> None:
        raise DivergedError("the gradient is not finite (norm nan)", where="update 7", hint="Lower it.")

    monkeypatch.setattr("s2s.workflow.comparison.train", diverge)
    told = Watched()
    trained = compare(small_grid(corpus), copied, told)
    assert isinstance(trained, Trained)
    [diverged] = trained.diverged
    assert (diverged.contender.name, diverged.seed) == ("none, first", 2)
    assert diverged.reason == "update 7: the gradient is not finite (norm nan)"
    assert told.warnings[-1] == "none, first, seed 2 diverged: update 7: the gradient is not finite (norm nan)"
    assert trained.run(diverged.contender, 2) is None


def test_where_every_model_diverges_there_is_nothing_to_report(
    corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(config: object, out: Path, *_: object, **__: object) -> None:
        raise DivergedError("the gradient is not finite (norm nan)", where="update 7", hint="Lower it.")

    monkeypatch.setattr("s2s.workflow.comparison.train", diverge)
    trained = compare(small_grid(corpus), tmp_path / "c", Watched())
    assert isinstance(trained, Trained)
    message = r"no model could be trained to its end:\n  update 7: the gradient .*\n  Lower training\.learning_rate"
    with pytest.raises(S2SError, match=f"(?s){message}"):
        measure(trained)


def test_a_run_whose_making_was_killed_is_in_nobodys_way(corpus: Files, copied: Path) -> None:
    """It lies aside, hidden, until the same run is made again."""
    abandoned = copied / ".none-first-seed2.123.new"
    (copied / "none-first-seed2").rename(abandoned)
    trained = compare(small_grid(corpus), copied, Watched())
    assert isinstance(trained, Trained)
    assert trained.run(trained.grid.contenders[0], 2) is not None
    assert not abandoned.exists()


def test_a_loss_that_stays_without_end_is_a_run_that_diverged(
    corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the same comparison is begun once more."""
    monkeypatch.setattr("s2s.training.trainer.clip_gradients", lambda model, limit: float("nan"))
    grid = small_grid(corpus, seeds=(1,), training={"max_updates": 20})
    for _ in range(2):
        trained = compare(grid, tmp_path / "out", Watched())
        assert isinstance(trained, Trained)
        assert [(found.contender.name, found.seed) for found in trained.diverged] == [
            ("none, first", 1),
            ("additive, first", 1),
        ]
        for found in trained.diverged:
            assert found.reason.startswith("update 10: loss or gradient were not finite 10 times in a row")
