"""`s2s compare`: from the command line to the report, stopped on the way and gone on with."""

import json
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_settings import overrides

from s2s.cli.compare import ComparisonConsole

S2S = Callable[..., Any]

VARY = ("--vary", "model.cell=rnn,gru")
SETTINGS = ("model.attention=none", "model.attend=first", "training.max_updates=2")


@pytest.fixture
def config(corpus: Path, tmp_path: Path) -> Path:
    files = "".join(f'{name} = ["{corpus / name}.en", "{corpus / name}.fr"]\n' for name in ("train", "dev", "test"))
    (tmp_path / "mine.toml").write_text(f"# mine\n[data]\n{files}", encoding="utf-8")
    return tmp_path / "mine.toml"


def test_from_one_command_to_one_report(
    s2s: S2S, config: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped in its second run, and the command that it prints ends it."""
    command = ["compare", "mine.toml", *VARY, *overrides(*SETTINGS)]
    begun = []

    def begin(self: ComparisonConsole, planned: Any) -> None:
        begun.append(planned)
        if len(begun) == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(ComparisonConsole, "begin", begin)
        stopped = s2s(*command)
    assert (stopped.code, stopped.out) == (128 + signal.SIGTERM, "")
    [advice] = re.findall(r"stopped at run 2 of 2 \(gru, seed 1\), all saved\. Go on: (.*)\n", stopped.err)
    assert shlex.split(advice) == ["s2s", *command]

    done = s2s(*shlex.split(advice)[1:])
    assert done.code == 0, done.err
    out = Path("runs") / "compare-mine"
    assert sorted(path.name for path in out.iterdir()) == [
        "bleu-by-length.pdf",
        "bleu-by-length.png",
        "bleu-by-length.svg",
        "comparison.json",
        "gru-seed1",
        "report.json",
        "report.md",
        "rnn-seed1",
    ]
    assert "[1/2] rnn, seed 1: finished before\n" in done.err
    assert re.search(r"\[2/2\] gru, seed 1: in runs/compare-mine/gru-seed1, about \d:\d\d left\n", done.err)
    assert re.search(r"going on after update \d", done.err)
    assert f"wrote {out / 'report.md'}, " in done.err

    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    table, finding = done.out.rstrip("\n").split("\n\n")[:2]
    assert table in (out / "report.md").read_text(encoding="utf-8")
    assert finding == report["findings"][0]
    scored = s2s("eval", out / "gru-seed1", "--src", corpus / "test.en", "--ref", corpus / "test.fr", "--json")
    said = {score["name"]: score for score in json.loads(scored.out)["scores"]}
    gru = report["models"][1]
    assert gru["runs"][0]["test"] == {name: said[name]["value"] for name in ("BLEU", "chrF2")}
    assert report["signatures"] == {name: said[name]["signature"] for name in ("BLEU", "chrF2")}
    assert gru["search"] == json.loads(scored.out)["search"]
    svg = (out / "bleu-by-length.svg").read_text(encoding="utf-8")
    assert ">rnn</text>" in svg
    assert ">gru</text>" in svg

    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "comparison.json"}
    again = s2s(*command)
    assert (again.code, again.out) == (0, done.out)
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vary", "model.cell"], r"error: --vary 'model\.cell' is not of the form KEY=VALUE,VALUE\n  For example"),
        (["--vary", "model.cell=rnn,gry"], r"error: mine\.toml: 1 fault in the configurations:\n  model\.cell: "),
        (["--vary", "model.attention=none", *VARY], r"error: none of the 2 combinations makes a model:\n  rnn: .*asks"),
        (["--seeds", "1,x"], r"error: --seeds '1,x' is no list of different whole numbers"),
        ([], r"error: there is nothing to compare: no setting varies"),
        ([*VARY, "--set", "model.cell=gru"], r"error: --set: model\.cell both varies and is set"),
    ],
)
def test_faults_of_the_command(s2s: S2S, config: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = s2s("compare", "mine.toml", *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err)
    assert list(tmp_path.iterdir()) == [config]


def test_another_comparison_is_not_touched(s2s: S2S, config: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").write_text("mine", encoding="utf-8")
    done = s2s("compare", "mine.toml", *VARY, "--out", "out")
    assert (done.code, done.out) == (1, "")
    assert "error: out: there is something else here (no comparison.json), and nothing is overwritten" in done.err
