"""`s2s train`: what it is told, in which order that counts, what it says, and how it stops and goes on."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_settings import overrides

from s2s.cli.stopping import stoppable
from s2s.config import Config
from s2s.errors import S2SError
from s2s.training.checkpoint import read_summary

S2S = Callable[..., Any]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks of the workflow, which then stops at once."""
    seen: dict[str, Any] = {}

    def train(config: Config, out: Path, reporter: object, **more: Any) -> None:
        seen.update(more, config=config, out=out)
        raise S2SError("asked")

    monkeypatch.setattr("s2s.workflow.training.train", train)
    return seen


def sources(config: Config) -> dict[str, Any]:
    names = {"train": config.data.train[0] if config.data.train else None, "dev": config.data.dev}
    return {name: [path.name for path in paths] if paths else None for name, paths in names.items()}


# What is trained on what


def test_without_anything_it_is_the_builtin_corpus(s2s: S2S, asked: dict[str, Any]) -> None:
    s2s("train")
    assert (asked["config"].data.corpus, sources(asked["config"])) == ("builtin", {"train": None, "dev": None})
    assert asked["out"] == Path("runs/builtin")


def test_settings_that_nobody_gave_follow_from_the_size_of_a_corpus_of_one_s_own(
    s2s: S2S, asked: dict[str, Any], run: Path, tmp_path: Path, pairs_of: Callable[[str], list[str]]
) -> None:
    files = pairs_of("--train")
    (tmp_path / "mine.toml").write_text(f"[data]\ntrain = {files[1:]}\n", encoding="utf-8")
    for arguments, fits in (
        ([], False),
        (files, True),
        (["mine.toml"], True),
        ([*files, "--init-from", str(run)], False),
    ):
        s2s("train", *arguments)
        assert asked["fits_corpus"] is fits


def test_a_corpus_without_its_flag_is_told_of_it(s2s: S2S) -> None:
    done = s2s("train", "x.en", "y z.fr")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is one CONFIG.toml at most, and here are 2 files: x.en 'y z.fr'\n"
        "  A corpus is given with --train, such as: s2s train --train x.en 'y z.fr'\n"
    )


def test_settings_alone_leave_it_the_builtin_corpus(s2s: S2S, asked: dict[str, Any]) -> None:
    s2s("train", "--set", "model.cell=lstm", "--set", "data.pairs=300")
    assert (asked["config"].data.corpus, asked["config"].model.cell) == ("builtin", "lstm")


def test_a_configuration_without_data_is_an_error(s2s: S2S, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[model]\ncell = 'lstm'\n", encoding="utf-8")
    done = s2s("train", "mine.toml")
    assert (done.code, done.out) == (2, "")
    assert "error: data.train: the configuration names no training data" in done.err
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.toml"]


def test_the_configuration_gives_way_to_flags_and_these_to_set(s2s: S2S, asked: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "mine.toml"
    file.write_text(
        '# mine\n[data]\ntrain = ["c.en", "c.fr"]\ndev = ["c.en", "c.fr"]\ntest = ["c.en", "c.fr"]\n'
        "[training]\nseed = 3\n[model]\ncell = 'lstm'\n",
        encoding="utf-8",
    )
    flags = ["--dev", "f.en", "f.fr", "--test", "f.en", "f.fr"]
    s2s("train", file, *flags, "--set", "data.test=s.tsv", "--set", "training.seed=5", "--set", "training.seed=6")
    data = asked["config"].data
    assert data.train == ((file.parent / "c.en", file.parent / "c.fr"),)
    assert data.dev == (tmp_path / "f.en", tmp_path / "f.fr")
    assert data.test == (tmp_path / "s.tsv",)
    assert (asked["config"].training.seed, asked["config"].model.cell) == (6, "lstm")
    assert asked["out"] == Path("runs/mine")
    assert asked["written"].startswith("# mine\n")
    assert asked["command"][:2] == ["s2s", "train"]


@pytest.mark.parametrize(
    ("flags", "budget"),
    [
        (["--minutes", "0.5"], (0, 0, 0.5)),
        (["--epochs", "3"], (0, 3, 0.0)),
        (["--updates", "70"], (70, 0, 0.0)),
        (["--minutes", "2", "--set", "training.max_epochs=4"], (0, 4, 2.0)),
        ([], (9, 0, 8.0)),
    ],
)
def test_a_budget_of_the_command_line_is_the_only_one(
    s2s: S2S, asked: dict[str, Any], tmp_path: Path, flags: list[str], budget: tuple[int, int, float]
) -> None:
    (tmp_path / "mine.toml").write_text(
        "[data]\ncorpus = 'builtin'\n[training]\nmax_updates = 9\nmax_minutes = 8\n", encoding="utf-8"
    )
    s2s("train", "mine.toml", *flags)
    training = asked["config"].training
    assert (training.max_updates, training.max_epochs, training.max_minutes) == budget


def test_training_files_take_the_place_of_the_builtin_corpus(s2s: S2S, asked: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[data]\ncorpus = 'builtin'\n", encoding="utf-8")
    s2s("train", "mine.toml", "--train-tsv", "x.tsv")
    assert asked["config"].data.corpus == ""
    assert sources(asked["config"]) == {"train": ["x.tsv"], "dev": None}


def test_a_new_run_gets_a_name_that_is_free(s2s: S2S, asked: dict[str, Any], tmp_path: Path) -> None:
    for name in ("builtin", "builtin-2", "run"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    s2s("train")
    assert asked["out"] == Path("runs/builtin-3")
    s2s("train", "--train", "a.en", "a.fr")
    assert asked["out"] == Path("runs/run-2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.toml"], r"error: nowhere\.toml: the configuration cannot be read: No such file"),
        (["--set", "seed=3"], r"error: --set 'seed=3' is not of the form section\.key=value"),
        (["--set", "training.sed=3"], r"training\.sed: unknown setting; did you mean training\.seed\?"),
        (["--set", "training.sed=3", "--set", "model.cell=x"], r"error: 2 faults in the configuration:"),
        (["--train", "a", "b", "--train-tsv", "c"], r"error: --train and --train-tsv both name the train pairs"),
        (["--test", "a", "b", "--test-tsv", "c"], r"error: --test and --test-tsv both name the test pairs"),
        (["--dev", "a", "b"], r"takes no files"),
        (["--resume", "r", "--out", "q"], r"error: --resume goes on with the settings and data of the run\n  Beside"),
        (["--resume", "r", "--init-from", "q"], r"error: --resume goes on with the settings and data of the run"),
        (["--resume", "r", "--overwrite"], r"error: --resume goes on with the settings and data of the run"),
        (["--overwrite"], r"error: --overwrite replaces the run that --out names\n  Give --out RUN"),
        (["--set", "training.device=warp"], r"error: device: 'warp' is no device"),
        (
            ["--set", "model.attention=none", "--set", "model.attend=last"],
            r"error: model: .* make no model:\n  without attention nobody asks",
        ),
        (["--minutes", "3", "--epochs", "2"], r"error: --minutes, --epochs and --updates are three ways to say when"),
        (["--minutes", "0"], r"error: --minutes takes a number above 0\n"),
        (["--set", "hidden_size=3"], r"not of the form section\.key=value\n  Did you mean model\.hidden_size\?"),
        (["--train", "a"], "requires 2 arguments"),
        (["--train", "a", "--out", "r"], r"error: --train takes two files, source and target; --out was read as one"),
        (["--lr", "3"], "No such option"),
    ],
)
def test_faults_of_the_command(s2s: S2S, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = s2s("train", *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "a.en", "a.fr"], r"error: \S*a\.en: There is no such file\.\n"),
        (["--resume", "nowhere"], r"error: nowhere: there is no run here \(no manifest\.json\)"),
        (["--init-from", "nowhere"], r"error: nowhere: there is no run here \(no manifest\.json\)"),
    ],
)
def test_faults_of_the_data(s2s: S2S, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = s2s("train", *arguments)
    assert (done.code, done.out) == (1, "")
    assert re.search(message, done.err)
    assert list(tmp_path.iterdir()) == []


def test_unequal_sides_are_told_with_both_counts(s2s: S2S, corpus: Path) -> None:
    done = s2s("train", "--train", corpus / "train.en", corpus / "dev.fr")
    assert done.code == 1
    assert re.search(r"train\.en has 56 lines and \S*dev\.fr has 4", done.err)


# What it says


def test_standard_output_is_the_scores(training: tuple[Path, Any]) -> None:
    _, done = training
    assert done.code == 0
    names = [line.split()[:2] for line in done.out.splitlines()]
    assert names == [[part, name] for part in ("dev", "test") for name in ("BLEU", "chrF2", "perplexity")]
    assert all("version:" in line for line in done.out.splitlines() if "perplexity" not in line)


def test_standard_error_tells_how_it_goes_and_how_to_go_on(training: tuple[Path, Any]) -> None:
    run, done = training
    for expected in (
        "device: cpu, fp32, CPU threads: 1\n",
        "train: 56 pairs from ",
        "tokenizer: joint bpe, 310 pieces\n",
        "epoch 1, update 2, ",
        "update 6: dev loss ",
        " (best)\n",
        f"s2s translate {run}\n",
        f"s2s plot-alignment {run} ",
        f"s2s train --resume {run} ",
    ):
        assert expected in done.err
    assert "\x1b" not in done.err
    assert "not comparable with real text" not in done.err


def test_the_builtin_corpus_is_trained_on_and_its_scores_come_with_a_warning(s2s: S2S, tmp_path: Path) -> None:
    done = s2s("train", *overrides("data.pairs=200", "tokenizer.size=400", "training.max_updates=1"))
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 6
    assert "warning: scores on the built-in corpus are not comparable with real text" in done.err
    results = json.loads((tmp_path / "runs" / "builtin" / "results.json").read_text(encoding="utf-8"))
    assert results["updates"] == 1


def test_the_held_out_part_is_named(s2s: S2S, pairs_of: Callable[[str], list[str]]) -> None:
    done = s2s("train", *pairs_of("--train"), "--out", "r", *overrides("training.max_updates=1"))
    assert done.code == 0, done.err
    assert "dev: 5 pairs held out of train (seed 1)\n" in done.err
    assert [line.split()[0] for line in done.out.splitlines()] == ["dev"] * 3


# Stopping and going on


def test_a_run_goes_on_with_more_budget(s2s: S2S, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    done = s2s("train", "--resume", "r", "--updates", 7)
    assert done.code == 0, done.err
    assert "training.max_updates: 7 (was 6): allowed\n" in done.err
    assert "train on:    s2s train --resume r --updates N   (N in all)\n" in done.err
    refused = s2s("train", "--resume", "r", "--set", "model.cell=lstm")
    assert refused.code == 2
    assert "error: a run cannot be resumed with these settings:\n  model.cell: lstm (was gru): refused\n" in refused.err


def test_a_run_goes_on_where_its_corpus_was_moved(s2s: S2S, run: Path, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    shutil.copytree(corpus, tmp_path / "moved")
    files = [f for name in ("train", "dev", "test") for f in (f"--{name}", f"moved/{name}.en", f"moved/{name}.fr")]
    done = s2s("train", "--resume", "r", "--updates", 7, *files)
    assert done.code == 0, done.err
    assert "moved/train.fr" in (tmp_path / "r" / "config.toml").read_text(encoding="utf-8")
    (tmp_path / "moved" / "dev.fr").write_text("autre\n" * 4, encoding="utf-8")
    done = s2s("train", "--resume", "r", "--updates", 8)
    assert (done.code, "moved/dev.fr: the file is not the one that the run was trained on" in done.err) == (1, True)


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGTERM))]
)
def test_a_signal_saves_and_the_command_that_is_printed_goes_on(
    number: signal.Signals, pairs_of: Callable[[str], list[str]], tmp_path: Path
) -> None:
    settings = overrides("training.max_updates=100000", "training.max_epochs=0", "training.validate_every=90000")
    program = subprocess.Popen(
        [sys.executable, "-m", "s2s", "train", *pairs_of("--train"), "--out", "a run", *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # under nohup these tests would hand on theirs
    )
    assert program.stderr is not None
    for line in program.stderr:
        if line.startswith("epoch 1, update "):
            break
    program.send_signal(number)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (128 + number, "")
    assert "stopping once all is saved; once more ends at once without saving\n" in err
    [stopped] = re.findall(r"stopped after update ([\d,]+), all saved\. Go on: (.*)\n", err)
    updates = int(stopped[0].replace(",", ""))
    command = shlex.split(stopped[1])
    assert command == ["s2s", "train", "--resume", "a run"]
    events = (tmp_path / "a run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(events) == updates
    more = subprocess.run(
        [sys.executable, "-m", *command, "--set", f"training.max_updates={updates + 1}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert more.returncode == 0, more.stderr
    assert f"update {updates + 1:,}: dev loss" in more.stderr
    assert more.stdout.startswith("dev BLEU ")


def test_a_reader_that_has_gone_stops_training_and_nothing_is_lost(
    pairs_of: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """`s2s train ... 2>&1 | head`."""
    settings = overrides("training.max_updates=100000", "training.max_epochs=0", "training.validate_every=90000")
    program = subprocess.Popen(
        [sys.executable, "-m", "s2s", "train", *pairs_of("--train"), "--out", "run", *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert program.stdout is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(timeout=60) == 128 + signal.SIGPIPE
    events = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    updates = read_summary(tmp_path / "run" / "last.safetensors").progress.updates
    assert updates == len(events) > 0
    assert "interrupted" in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")


def test_the_second_ctrl_c_ends_at_once() -> None:
    """The first one puts the handlers back that were there before."""
    # A shell starts what runs in the background with SIGINT ignored, these tests perhaps, too.
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), stoppable() as stop:  # noqa: PT012
            signal.raise_signal(signal.SIGINT)
            assert stop.signal == signal.SIGINT
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, outside)


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)
