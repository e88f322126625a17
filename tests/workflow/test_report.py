"""What a comparison reports: the numbers of the runs themselves, and words that follow from them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest
from small_runs import Compared

from s2s.data.corpus import Pair
from s2s.evaluation.significance import Difference, paired_bootstrap
from s2s.workflow.comparison import Diverged
from s2s.workflow.corpora import BUILTIN_WARNING
from s2s.workflow.evaluation import evaluate
from s2s.workflow.grid import LeftOut
from s2s.workflow.markdown import findings, results_table, to_markdown
from s2s.workflow.measurement import Measured, ModelMeasure, RunMeasure, Verdict, measure
from s2s.workflow.report import to_curves, to_json, write_report
from s2s.workflow.translation import load_run

NAMES = ["none, first", "additive, first"]


@pytest.fixture(scope="module")
def measured(compared: Compared) -> Measured:
    return measure(compared.trained)


# The numbers


def test_every_number_is_that_of_the_run(measured: Measured, compared: Compared) -> None:
    assert [model.name for model in measured.models] == NAMES
    pairs = [Pair(pair.src, pair.trg) for pair in compared.trained.scored.pairs]
    for model in measured.models:
        assert [run.seed for run in model.runs] == [1, 2]
        for run in model.runs:
            loaded = load_run(compared.trained.out / run.directory, device="cpu", threads=1)
            again = evaluate(loaded, pairs, loaded.beam(), ("BLEU", "chrF2"))
            assert run.test == {score.name: score.value for score in again.scores}
            assert measured.signatures == {score.name: score.signature for score in again.scores}
            assert model.search == again.search
            assert run.parameters == sum(parameter.numel() for parameter in loaded.model.parameters())
            results = loaded.directory.read_results()
            assert results is not None
            assert (run.updates, run.best_update) == (3, results.best_update)
            assert run.minutes == results.seconds / 60
            assert run.dev == {score.name: score.value for score in results.dev.scores}
            assert run.tokens_per_second is not None
            assert run.tokens_per_second > 0


def test_differences_are_those_of_the_same_seed(measured: Measured, compared: Compared) -> None:
    references = [pair.trg for pair in compared.trained.scored.pairs]
    first, other = measured.models
    assert [run.from_first for run in first.runs] == [{}, {}]
    for one, two in zip(first.runs, other.runs, strict=True):
        said = [
            json.loads((compared.trained.out / run.directory / "results.json").read_text(encoding="utf-8"))["test"]
            for run in (one, two)
        ]
        [found] = paired_bootstrap(said[0]["translations"], [said[1]["translations"]], references)
        assert two.from_first == {difference.name: difference for difference in found}


def test_lengths_cover_all_sentences(measured: Measured) -> None:
    """Ten sentences are too few for two buckets, so that the one has the BLEU of all."""
    [bucket] = measured.buckets
    assert bucket.sentences == tuple(range(10))
    for model in measured.models:
        assert [run.bleu_by_length for run in model.runs] == [(run.test["BLEU"],) for run in model.runs if run.test]
        assert model.bleu_by_length == (mean(run.test["BLEU"] for run in model.runs if run.test),)


# The words, on made-up numbers


def model(
    like: ModelMeasure, name: str, *differences: tuple[float, float], choices: tuple[int, ...] = (0,)
) -> ModelMeasure:
    """A model with these differences from the first and their p, one for each seed."""
    runs: list[RunMeasure] = []
    for seed, (difference, p_value) in enumerate(differences, start=1):
        from_first = {score: Difference(score, difference, p_value, "sig") for score in ("BLEU", "chrF2")}
        scores = {"BLEU": 50.0 + seed + difference, "chrF2": 60.0 + difference}
        runs.append(
            replace(like.runs[0], seed=seed, test=scores, dev=scores, from_first={} if name == "first" else from_first)
        )
    contender = replace(like.contender, name=name, choices=choices)
    return replace(like, contender=contender, runs=tuple(runs))


@pytest.fixture
def told(measured: Measured) -> Measured:
    """Three seeds: one model is better, one worse, one the same, and one depends on the seed."""
    like = measured.models[0]
    models = (
        model(like, "first", (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
        model(like, "better", (2.0, 0.001), (3.0, 0.04), (4.0, 0.001)),
        model(like, "worse", (-2.0, 0.001), (-3.0, 0.01), (-4.0, 0.001)),
        model(like, "same", (0.5, 0.3), (-0.5, 0.05), (0.3, 0.7)),
        model(like, "odd | one", (2.0, 0.001), (2.0, 0.2), (2.0, 0.001)),
    )
    return replace(measured, models=models, seeds=(1, 2, 3))


def test_findings_say_what_differs_and_what_does_not(told: Measured) -> None:
    assert findings(told)[0] == (
        "Compared with the first model (first), test BLEU is significantly higher (p < 0.05 with every seed) for "
        "better (+3.0). It is significantly lower for worse (-3.0). It is not significantly different for same (+0.1). "
        "It is significantly different with some seeds only for odd | one (+2.0)."
    )
    assert [finding.split(" is ")[0].split()[-1] for finding in findings(told)] == ["BLEU", "chrF2"]


def test_a_null_result_is_told_as_one(told: Measured) -> None:
    null = replace(told, models=(told.models[0], told.models[3]))
    assert findings(null)[0] == (
        "No difference in test BLEU from the first model (first) is significant (p < 0.05): a null result."
    )
    assert findings(replace(told, models=told.models[:1])) == []


def test_models_that_have_learnt_nothing_are_not_compared(told: Measured) -> None:
    like = told.models[0]
    hopeless = replace(like, runs=tuple(replace(run, test={"BLEU": 0.4, "chrF2": 3.0}) for run in like.runs))
    found = findings(replace(told, models=(hopeless, replace(told.models[1], runs=hopeless.runs))))
    assert found == ["No model has learnt to translate: every test BLEU is below 1. There is nothing to compare yet."]


def test_opposite_signs_are_no_verdict(told: Measured) -> None:
    torn = model(told.models[0], "torn", (2.0, 0.001), (-2.0, 0.001))
    assert torn.verdict("BLEU") is Verdict.MIXED
    assert told.models[0].verdict("BLEU") is Verdict.UNKNOWN


def test_the_table_has_means_deviations_and_the_largest_p(told: Measured) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in results_table(told).splitlines()]
    titles = rows[0]
    assert titles[:5] == ["model", "parameters", "tokens/s", "minutes", "best update"]
    assert titles[5:] == ["dev BLEU", "dev chrF2", "test BLEU", "test chrF2", "Δ BLEU", "p", "Δ chrF2", "p"]
    better = dict(zip(titles, rows[3], strict=True))
    values = [53.0, 55.0, 57.0]
    assert better["test BLEU"] == f"{mean(values):.2f} ± {stdev(values):.2f}"
    assert (better["Δ BLEU"], better["p"]) == ("+3.00", "0.040")
    assert "±" not in better["parameters"], "it is the same for each seed"
    assert [line.count("|") - line.count(r"\|") for line in results_table(told).splitlines()] == [14] * 7
    assert len({len(line) for line in results_table(told).splitlines()}) == 1


def test_the_report_for_people_has_every_part(told: Measured) -> None:
    told = replace(
        told,
        builtin=True,
        left_out=(LeftOut("none, last", {"model.attention": "none"}, "nobody asks"),),
        diverged=(Diverged(told.models[1].contender, 3, "not finite"),),
    )
    text = to_markdown(told, "bleu-by-length.svg", ["s2s", "compare", "x", "--vary", "a b"])
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# small: a comparison of 5 models",
        "## Scores",
        "## BLEU by source length",
        "## Each run",
        "## Left out",
        "## How it was measured",
    ]
    for expected in (
        f"> {BUILTIN_WARNING[1:]}",
        *(f"- {finding}" for finding in findings(told)),
        "![BLEU by source length, a line a model](bleu-by-length.svg)",
        "- none, last: nobody asks",
        "- better, seed 3, could not be trained: not finite",
        "- model.attention + model.attend: none + first, additive + first, none + last",
        "- test: 10 sentences; seeds: 1, 2, 3",
        "- decoding: beam 2, margin 2.5, repeats 2, length penalty 1, max length 0.1 x source + 10",
        *(f"`{signature}`" for signature in (*told.signatures.values(), *told.bootstrap.values())),
        "s2s compare x --vary 'a b'",
        "1 threads; s2s ",
    ):
        assert expected.removeprefix("> ") in text
    assert re.search(r"^\| sentences +\| +10 \|$", text, re.MULTILINE)
    assert "comparable" not in to_markdown(replace(told, builtin=False), "f.svg", [])


def test_decoding_is_told_for_each_model_where_it_differs(told: Measured) -> None:
    other = replace(told.models[1], search="beam 9")
    text = to_markdown(replace(told, models=(told.models[0], other)), "f.svg", [])
    assert "- decoding of first: beam 2, " in text
    assert "- decoding of better: beam 9\n" in text


def test_lines_share_a_colour_for_one_thing_and_a_stroke_for_the_other(told: Measured) -> None:
    like = told.models[0]
    grid = [model(like, f"{a}{b}", (0.0, 1.0), choices=(a, b, 0)) for a in (0, 1) for b in (0, 1, 2)]
    assert [(curve.colour, curve.stroke) for curve in to_curves(grid)] == [(b, a) for a in (0, 1) for b in (0, 1, 2)]
    alone = [model(like, str(a), (0.0, 1.0), choices=(a, 0)) for a in (0, 1, 2)]
    assert [(curve.colour, curve.stroke) for curve in to_curves(alone)] == [(0, 0), (1, 1), (2, 2)]


# The files


def test_files_hold_the_same_and_are_the_same_twice(measured: Measured, tmp_path: Path) -> None:
    files = write_report(measured, tmp_path, ["s2s", "compare"])
    assert [path.name for path in files] == [
        "report.md",
        "report.json",
        "bleu-by-length.png",
        "bleu-by-length.svg",
        "bleu-by-length.pdf",
    ]
    first = [path.read_bytes() for path in files]
    report = json.loads(first[1])
    assert report == json.loads(json.dumps(to_json(measured, ["s2s", "compare"])))
    assert first[0].decode() == to_markdown(measured, "bleu-by-length.png", ["s2s", "compare"])
    for name in NAMES:
        assert f">{name}</text>" in first[3].decode()
    write_report(measured, tmp_path, ["s2s", "compare"])
    assert [path.read_bytes() for path in files] == first


def test_the_report_for_programs(measured: Measured) -> None:
    report = to_json(measured, ["s2s"])
    assert (report["first"], report["compared_on"], report["sentences"], report["seeds"]) == (
        NAMES[0],
        "test",
        10,
        [1, 2],
    )
    assert report["lengths"][0]["sentences"] == 10
    assert [entry["name"] for entry in report["left_out"]] == ["none, last"]
    assert report["warning"] is None
    for entry, own in zip(report["models"], measured.models, strict=True):
        values = [run["test"]["BLEU"] for run in entry["runs"]]
        assert entry["over_seeds"]["test BLEU"] == {"mean": mean(values), "deviation": stdev(values)}
        assert entry["bleu_by_length"] == list(own.bleu_by_length)
    assert report["models"][0]["verdict"] == {}
    second = report["models"][1]
    assert set(second["verdict"]) == {"BLEU", "chrF2"}
    assert second["settings"] == {"model.attention": "additive", "model.attend": "first"}
    found = measured.models[1].runs[0].from_first["BLEU"]
    assert second["runs"][0]["from_first"]["BLEU"] == {"difference": found.difference, "p": found.p_value}
