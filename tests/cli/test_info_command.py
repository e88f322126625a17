"""`s2s info`: what a run is, and whether its files are whole."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rewriting import rewrite_config

from s2s.training.checkpoint import Progress, check_whole
from s2s.training.tensorfile import read_tensors, serialise
from s2s.workflow.manifest import program_revision

S2S = Callable[..., Any]


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def rows(out: str) -> list[tuple[str, str]]:
    return [(line[:12].strip(), line[13:]) for line in out.splitlines()]


def test_it_tells_what_the_run_is(s2s: S2S, run: Path, corpus: Path) -> None:
    done = s2s("info", run)
    assert (done.code, done.err) == (0, "")
    told = rows(done.out)
    by_label = dict(told)
    assert by_label["run"].startswith(f"{run} (format 1, ")
    assert " by s2s train --train " in by_label["made"]
    assert by_label["languages"] == "en to fr"
    assert by_label["pairs"] == "train 56, dev 4, test 4"
    assert [value.split(" sha256:")[0] for label, value in told if label == "data"] == [
        str(corpus / f"{name}.{lang}") for name in ("train", "dev", "test") for lang in ("en", "fr")
    ]
    assert by_label["vocabulary"] == "bpe, joint: src 310, trg 310 pieces"
    assert re.match(
        r"gru, attention additive, attend between, hops 1, values lexical, start bridge, 1 layer\(s\), embed 16, "
        r"hidden 16: [\d,]+ parameters",
        by_label["model"],
    )
    assert by_label["computed"].startswith("cpu, fp32, CPU threads: 1, ")
    assert "torch " in by_label["versions"]
    assert by_label["revision"] == (program_revision() or "not run from a checkout")
    assert re.fullmatch(r"update 6, epoch \d, \d\.\d minutes, 0 updates skipped", by_label["progress"])
    assert re.fullmatch(r"dev bleu of greedy search \d\.\d{3} at update 6", by_label["best"])
    for name in ("last", "best"):
        digest = check_whole(run / f"{name}.safetensors")
        assert re.fullmatch(rf"[\d,]+ bytes, whole, weights sha256:{digest}", by_label[f"{name} file"])
    assert by_label["ended"] == "the budget is used up, after 6 updates; the best is of update 6"
    assert {"dev search", "dev BLEU", "dev chrF2", "dev ppl", "test BLEU", "test chrF2", "test ppl"} <= set(by_label)


def test_as_json_with_every_setting(s2s: S2S, run: Path) -> None:
    done = s2s("info", run, "--json")
    told = json.loads(done.out, parse_constant=lambda constant: pytest.fail(constant))
    assert told["manifest"] == json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert told["settings"]["model"]["hidden_size"] == 16
    assert told["progress"]["updates"] == 6
    assert told["bytes"] == sum(path.stat().st_size for path in run.iterdir())
    assert told["checkpoints"]["last"]["updates"] == 6
    assert told["checkpoints"]["last"]["weights_sha256"] == check_whole(run / "last.safetensors")
    assert told["results"]["dev"]["scores"][0]["name"] == "BLEU"
    assert "translations" not in told["results"]["dev"]
    assert told["faults"] == []


def test_a_run_that_has_just_begun(s2s: S2S, copy: Path) -> None:
    for name in ("best.safetensors", "results.json", "metrics.jsonl", "log.txt"):
        (copy / name).unlink()
    last = copy / "last.safetensors"
    metadata = {"progress": json.dumps(asdict(Progress()))}
    last.write_bytes(b"".join(serialise(read_tensors(last, 10**8).tensors, metadata)))
    done = s2s("info", copy)
    assert (done.code, done.err) == (0, "")
    assert "ended" not in dict(rows(done.out))
    assert json.loads(s2s("info", copy, "--json").out)["results"] is None


def test_damage_is_told_and_the_rest_as_well(s2s: S2S, copy: Path) -> None:
    content = bytearray((copy / "last.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "last.safetensors").write_bytes(content)
    done = s2s("info", copy)
    assert done.code == 1
    assert "error: the run is damaged:\n  copy/last.safetensors: " in done.err.replace(str(copy.parent) + "/", "")
    assert "its bytes do not match their checksum" in done.err
    assert "\n  With best.safetensors and tokenizer whole it translates, and s2s train --init-from RUN" in done.err
    assert "with last.safetensors and tokenizer whole s2s train --resume RUN trains on" in done.err
    assert "progress" not in dict(rows(done.out))
    assert "whole" in dict(rows(done.out))["best file"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"results\.json: the results are damaged \(Expecting"),
        ("[]", r"results\.json: the results are damaged \(see "),
        ('{"end": 1}', r"results\.json: the results are damaged \(see end, updates, "),
        ("[" * 100_000, r"results\.json: the results are damaged \(.*recursion"),
    ],
)
def test_damaged_results_are_told(s2s: S2S, copy: Path, content: str, message: str) -> None:
    (copy / "results.json").write_text(content, encoding="utf-8")
    done = s2s("info", copy)
    assert done.code == 1
    assert re.search(message, done.err)
    assert "progress" in dict(rows(done.out))


def test_a_damaged_tokenizer_is_told(s2s: S2S, copy: Path) -> None:
    content = bytearray((copy / "tokenizer.model").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "tokenizer.model").write_bytes(content)
    done = s2s("info", copy)
    assert done.code == 1
    assert re.search(r"error: the run is damaged:\n  .*tokenizer\.model: the (tokenizer|file) is damaged", done.err)


def test_scores_of_an_earlier_end_are_not_those_of_a_run_that_went_on(s2s: S2S, copy: Path) -> None:
    results = json.loads((copy / "results.json").read_text(encoding="utf-8"))
    results["updates"] -= 1
    (copy / "results.json").write_text(json.dumps(results), encoding="utf-8")
    done = s2s("info", copy)
    assert done.code == 0
    assert "ended" not in dict(rows(done.out))


def test_a_run_without_its_last_checkpoint(s2s: S2S, copy: Path) -> None:
    (copy / "last.safetensors").unlink()
    done = s2s("info", copy)
    assert done.code == 1
    assert "last.safetensors: there is no such checkpoint" in done.err


def test_a_run_without_its_best_weights(s2s: S2S, copy: Path) -> None:
    (copy / "best.safetensors").unlink()
    done = s2s("info", copy)
    assert done.code == 1
    assert "best.safetensors: it is missing; update 6 had the best score" in done.err


def test_weights_of_another_model_than_the_configuration_describes(s2s: S2S, copy: Path) -> None:
    rewrite_config(copy, "hidden_size = 16", "hidden_size = 32")
    done = s2s("info", copy)
    assert done.code == 1
    assert "last.safetensors: the checkpoint is of another model" in done.err


def test_a_stranger_does_not_reach_the_terminal(s2s: S2S, copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "manifest.json").write_text(json.dumps({**manifest, "platform": "\x1b[2Jx\x07"}), encoding="utf-8")
    done = s2s("info", copy)
    assert "\x1b" not in done.out
    assert "\ufffd[2Jx\ufffd" in done.out


def test_what_is_no_run(s2s: S2S) -> None:
    done = s2s("info", "nowhere")
    assert (done.code, done.out) == (1, "")
    assert "error: nowhere: there is no run here" in done.err
