"""A run is read from its folder alone, wherever it stands; what is wrong with one is told."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import Finished, Told, small
from torch.utils._python_dispatch import TorchDispatchMode

from s2s.build import build_model
from s2s.data.batches import EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.errors import S2SError
from s2s.workflow.evaluation import describe
from s2s.workflow.lock import Lock
from s2s.workflow.training import train
from s2s.workflow.translation import Run, load_ensemble, load_run, translate

LINES = ["a man sees the sea .", "", "the child likes an apple ."]


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))


def test_a_moved_run_translates_the_same(finished: Finished, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of its best weights, its tokenizer and its settings; the training data may be gone."""
    for name in ("last.safetensors", "written.toml", "results.json", "metrics.jsonl", "log.txt"):
        (copy / name).unlink()
    here = load_run(finished.path, device="cpu", threads=1)
    monkeypatch.chdir(copy.parent)
    there = load_run(Path("copy"), device="cpu", threads=1)
    assert list(translate(there, LINES)) == list(translate(here, LINES))
    assert (there.src_lang, there.trg_lang) == ("en", "fr")
    assert not there.model.training


def test_the_best_weights_translate_and_not_the_last(finished: Finished, copy: Path) -> None:
    shutil.copy(finished.path / "best.safetensors", copy / "last.safetensors")
    assert list(translate(load_run(copy, threads=1), LINES)) == list(
        translate(load_run(finished.path, threads=1), LINES)
    )
    (copy / "best.safetensors").write_bytes(b"")
    with pytest.raises(S2SError, match=r"best\.safetensors: the checkpoint is damaged, or not one of ours"):
        load_run(copy)


def test_the_search_is_that_of_the_run_unless_told(finished: Finished) -> None:
    run = load_run(finished.path, threads=1)
    assert run.beam().size == 2
    assert run.beam(size=7).size == 7


def test_unknown_words_are_copied_into_the_translation(of_words: Run) -> None:
    lines = ["Zoltan sees Qwxz .", "a man sees the sea .", "", "the child likes Brumpf !"]
    found = [translation.text.split() for translation in translate(of_words, lines)]
    assert [sorted({"Zoltan", "Qwxz", "Brumpf", "⁇"} & {*words}) for words in found] == [
        ["Qwxz", "Zoltan"],
        [],
        [],
        ["Brumpf"],
    ]
    assert found[0].count("Zoltan") == found[0].count("Qwxz") == 1
    both = replace(of_words, others=(of_words.model,), compute=replace(of_words.compute, threads=2))
    assert [translation.text.split() for translation in translate(both, lines)] == found
    off = of_words.config.decoding.model_copy(update={"copy_unknown": False})
    without = replace(of_words, config=of_words.config.model_copy(update={"decoding": off}))
    assert not any({"Zoltan", "Qwxz", "Brumpf", "⁇"} & {*t.text.split()} for t in translate(without, lines))


def test_what_is_copied_is_told_beside_a_score(of_words: Run, finished: Finished) -> None:
    assert describe(of_words.beam()) == (
        "beam 2, margin 2.5, repeats 2, unknown words copied, length penalty 1, max length 0.1 x source + 10"
    )
    assert "unknown" not in describe(load_run(finished.path, threads=1).beam())  # subwords spell everything


def test_only_a_model_that_looks_at_the_source_copies_from_it(of_words: Run) -> None:
    blind = of_words.config.model.model_copy(update={"attention": "none", "attend": "first", "values": "states"})
    size = of_words.tokenizers.src.size
    unseeing = build_model(blind, src_vocab=size, trg_vocab=of_words.tokenizers.trg.size).eval()
    assert of_words.beam().copy_unknown
    assert not replace(of_words, model=unseeing).beam().copy_unknown
    batch = collate([EncodedPair((5, 6, EOS), (7, 8)), EncodedPair((6, EOS), (7,))])
    model = of_words.model
    with torch.inference_mode():
        alone = of_words.attention(batch)
        torch.testing.assert_close(
            alone, model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).weights[:, :, -1]
        )
        together = replace(of_words, model=unseeing, others=(model, model))
        assert together.beam().copy_unknown
        torch.testing.assert_close(together.attention(batch), alone)


def test_whoever_asks_for_several_translations_gets_them_however_far_behind_the_best(finished: Finished) -> None:
    run = load_run(finished.path, threads=1)
    narrow = replace(run.beam(size=3), margin=1e-9)
    [best] = run.translator(narrow, n_best=3).translate(LINES[:1])
    assert len(best) == 3


class Conversions(TorchDispatchMode):
    """Counts how often a tensor of each shape is brought into another number format."""

    def __init__(self) -> None:
        super().__init__()
        self.of_shape: Counter[torch.Size] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._to_copy.default:
            self.of_shape[args[0].shape] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_brings_each_weight_into_its_number_format_once(finished: Finished, size: int) -> None:
    run = load_run(finished.path, device="cpu", threads=1)
    narrow = replace(run, compute=replace(run.compute, search_precision=torch.bfloat16))
    with Conversions() as conversions:
        [[translation]] = narrow.translator(narrow.beam(size)).translate(LINES[:1])
    assert len(translation.text) > 5  # so that there were several steps
    assert conversions.of_shape[run.model.decoder.output.weight.shape] == 1
    matrices = Counter(weight.shape for weight in run.model.parameters() if weight.dim() == 2)
    assert {shape for shape, count in matrices.items() if conversions.of_shape[shape] > count} == set()


def test_while_it_is_trained_for_the_first_time_there_is_nothing_to_translate_with(
    corpus: dict[str, list[str]], tmp_path: Path
) -> None:
    train(small({"data": corpus}), tmp_path / "run", Told(), should_stop=lambda: True)
    with (
        Lock(tmp_path / "run"),
        pytest.raises(S2SError, match=r"it is being trained now, and its first validation is to come\n  Wait for it"),
    ):
        load_run(tmp_path / "run")


def test_before_the_first_validation_there_is_nothing_to_translate_with(
    corpus: dict[str, list[str]], tmp_path: Path
) -> None:
    train(small({"data": corpus}), tmp_path / "run", Told(), should_stop=lambda: True)
    with pytest.raises(S2SError, match=r"no trained weights yet: .* first validation\n.*s2s train --resume .*run"):
        load_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", "{", r"manifest\.json: the manifest is damaged"),
        ("manifest.json", "[]", r"manifest\.json: the manifest is damaged"),
        ("manifest.json", '{"format_version": 99}', r"format version 99, and this program reads up to 1\n  Update s2s"),
        ("config.toml", "[model", r"config\.toml: the run's configuration is damaged"),
        ("config.toml", "a = " + "[" * 100_000, r"config\.toml: the run's configuration is damaged"),
        ("config.toml", "[model]\ncell = 'x'\n", r"config\.toml: 1 fault in the configuration:\n  model\.cell"),
        ("config.toml", "[model]\nembed_size = 8\n", r"config\.toml: the run's configuration is cut short: decoding\."),
        (
            "config.toml",
            "[model]\nembed_size = 8\n[decoding]\nmax_length = 2.0\n",
            r"best\.safetensors: the checkpoint is of another model: \S+ sho",
        ),
        ("tokenizer.model", "", r"tokenizer\.model: the file is damaged, or not a sentencepiece model"),
        ("best.safetensors", "x", r"best\.safetensors: the checkpoint is damaged"),
    ],
)
def test_a_damaged_file_of_a_run_is_named(copy: Path, name: str, content: str, message: str) -> None:
    (copy / name).write_text(content, encoding="utf-8")
    with pytest.raises(S2SError, match=message):
        load_run(copy)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("manifest.json", r"copy: there is no run here"),
        ("config.toml", r"config\.toml: the file cannot be read: No such file"),
        ("tokenizer.model", r"tokenizer\.model: the file cannot be read: No such file"),
        (
            "best.safetensors",
            r"best\.safetensors: the run's best weights are missing\n  Put a copy of the file",
        ),
    ],
)
def test_a_missing_file_of_a_run_is_named(copy: Path, name: str, message: str) -> None:
    (copy / name).unlink()
    with pytest.raises(S2SError, match=message):
        load_run(copy)


@pytest.mark.parametrize("path", ["nothing", "copy/manifest.json"])
def test_what_is_no_run(copy: Path, path: str) -> None:
    with pytest.raises(S2SError, match=r"there is no run here \(no manifest\.json\)\n  A run is the directory"):
        load_run(copy.parent / path)


def test_a_later_version_of_the_program_may_say_more(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "manifest.json").write_text(json.dumps({**manifest, "more": 1}), encoding="utf-8")
    assert load_run(copy, threads=1).src_lang == "en"


@pytest.fixture
def sibling(finished: Finished, tmp_path: Path) -> Path:
    """A run with the same vocabularies and other weights."""
    config = small({"data": finished.config.data.model_dump(mode="json"), "training": {"seed": 7}})
    train(config, tmp_path / "sibling", Told())
    for name in ("tokenizer.model", "src.model", "trg.model"):
        if (finished.path / name).exists():
            shutil.copy(finished.path / name, tmp_path / "sibling" / name)
    return tmp_path / "sibling"


def test_an_ensemble_of_a_run_and_itself_is_the_run(finished: Finished) -> None:
    alone = load_run(finished.path, device="cpu", threads=1)
    twice = load_ensemble([finished.path, finished.path], device="cpu", threads=1)
    for one, two in zip(translate(alone, LINES), translate(twice, LINES), strict=True):
        assert two.text == one.text
        assert two.log_prob == pytest.approx(one.log_prob, abs=1e-4)


def test_an_ensemble_says_the_mean_of_its_members_probabilities(finished: Finished, sibling: Path) -> None:
    """So it forces a reference with that mean, too, whichever member is named first."""
    batch = collate([EncodedPair(src=(5, 6, 7, EOS), trg=(8, 9))])
    paths = [finished.path, sibling]
    members = [load_run(path, device="cpu", threads=1) for path in paths]
    with torch.inference_mode():
        expected = torch.stack([run.forced_log_probs(batch).exp() for run in members]).mean(dim=0).log()
        for order in (paths, paths[::-1]):
            torch.testing.assert_close(load_ensemble(order, threads=1).forced_log_probs(batch), expected)
    texts = [[t.text for t in translate(load_ensemble(order, threads=1), LINES)] for order in (paths, paths[::-1])]
    assert texts[0] == texts[1]
    assert texts[0][1] == ""


def test_members_with_other_vocabularies_are_refused(
    finished: Finished, corpus: dict[str, list[str]], tmp_path: Path
) -> None:
    train(small({"data": corpus, "tokenizer": {"kind": "char"}}), tmp_path / "run", Told())
    with pytest.raises(S2SError, match=r"run: the run has other vocabularies than .*\n.*the same \[tokenizer\]"):
        load_ensemble([finished.path, tmp_path / "run"], threads=1)
