"""Settings that follow from the size of the corpus."""

from math import inf
from pathlib import Path

import pytest
from small_runs import Told, small

from s2s.build import check_model
from s2s.config import Config, check_config
from s2s.workflow.sizing import TIERS, fit
from s2s.workflow.training import train

Files = dict[str, list[str]]

SIZES = [1, 1000, 3000, 10_000, 29_000, 200_000, 10**7]


@pytest.mark.parametrize("pairs", SIZES)
def test_every_size_has_settings_that_make_a_model(pairs: int) -> None:
    sized = fit(check_config({"data": {"train": ["a.tsv"]}}), pairs)
    check_model(sized.config.model)
    assert sized.chosen
    for line in sized.chosen:
        name, value = line.split("=")
        section, key = name.split(".")
        assert str(getattr(getattr(sized.config, section), key)) == value


def test_larger_corpora_get_larger_vocabularies_less_dropout_and_fewer_passes() -> None:
    configs = [fit(check_config({}), pairs).config for pairs in SIZES]
    for number, falls in (
        ([c.tokenizer.size for c in configs], False),
        ([c.model.dropout for c in configs], True),
        ([c.training.max_epochs for c in configs], True),
    ):
        assert number == sorted(number, reverse=falls)
        assert len(set(number)) > 1


def test_a_tier_ends_where_it_says() -> None:
    limits = [tier.pairs for tier in TIERS]
    assert limits == sorted(set(limits))
    assert limits[-1] == inf
    small_tier, next_tier = (fit(check_config({}), pairs).chosen for pairs in (int(limits[0]), int(limits[0]) + 1))
    assert small_tier != next_tier


def test_the_table_of_the_readme_is_true() -> None:
    readme = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
    rows = []
    for tier in TIERS:
        config = fit(check_config({}), 10**9 if tier.pairs == inf else int(tier.pairs)).config
        model, training = config.model, config.training
        rate = f"{training.learning_rate:.0e}".replace("e-0", "e-")
        patience = "" if training.patience == Config().training.patience else f", patience {training.patience}"
        pairs = "more" if tier.pairs == inf else f"up to {tier.pairs:,}"
        rows.append(
            f"| {pairs} | {config.tokenizer.size:,} | {model.embed_size}, {model.hidden_size}, {model.decoder_size} | "
            f"{model.dropout:g} | {training.batch_tokens}, {rate} | {training.max_epochs}{patience} |"
        )
        assert (model.values, model.tie, config.tokenizer.joint) == ("lexical", "target", False)
        assert training.dictionary == (tier.pairs > 6_000)
    assert "\n".join(rows) in readme


def test_what_was_set_stays() -> None:
    table = {"model": {"hidden_size": 7, "dropout": 0.0}, "training": {"max_epochs": 0, "max_minutes": 3.0}}
    sized = fit(check_config(table), 1000)
    assert (sized.config.model.hidden_size, sized.config.model.dropout) == (7, 0.0)
    assert (sized.config.training.max_epochs, sized.config.training.max_minutes) == (0, 3.0)
    assert not any(line.startswith(("model.hidden_size", "model.dropout", "training.max_")) for line in sized.chosen)
    assert any(line.startswith("tokenizer.size") for line in sized.chosen)


@pytest.mark.parametrize(
    "model",
    [
        {"attention": "none", "attend": "first"},
        {"attention": "none"},
        {"attention": "dot"},
        {"start": "last"},
        {"hidden_size": 512},
        {"bidirectional": False},
        {"cell": "lstm"},
        {"tie": "all"},
        {"tie": "none"},
        {"attention": "dot", "decoder_size": 512},
        {"start": "last", "decoder_size": 512},
        {"attention": "dot", "decoder_size": 256, "bidirectional": False},
        {"attention": "dot", "decoder_size": 64},
    ],
    ids=str,
)
@pytest.mark.parametrize("pairs", [1000, 30_000, None])
def test_what_is_chosen_does_not_contradict_what_was_set(model: dict[str, object], pairs: int | None) -> None:
    """Also for the built-in corpus, which has defaults of its own."""
    table = {"data": {"corpus": "" if pairs else "builtin"}, "model": model}
    config = check_config(table) if pairs is None else fit(check_config(table), pairs).config
    check_model(config.model)
    assert config.model.model_dump(include=set(model)) == model


def test_a_wider_encoder_gets_the_decoder_that_goes_with_it() -> None:
    assert fit(check_config({"model": {"hidden_size": 512}}), 1000).config.model.decoder_size == 0
    assert fit(check_config({"model": {"embed_size": 512}}), 1000).config.model.decoder_size > 0


@pytest.mark.parametrize("corpus", ["", "builtin"])
def test_a_budget_that_was_set_is_the_only_one(corpus: str) -> None:
    config = check_config({"data": {"corpus": corpus}, "training": {"max_minutes": 3.0}})
    training = config.training if corpus else fit(config, 1000).config.training
    assert (training.max_minutes, training.max_epochs, training.max_updates) == (3.0, 0, 0)


def test_words_are_no_subwords() -> None:
    assert not any(
        line.startswith("tokenizer.size") for line in fit(check_config({"tokenizer": {"kind": "word"}}), 9).chosen
    )


def test_training_fits_its_corpus_and_says_how(corpus: Files, tmp_path: Path) -> None:
    told = Told()
    config = small({"data": corpus})
    given = config.model_dump(mode="json", exclude_unset=True)
    outcome = train(check_config(given), tmp_path / "run", told, fits_corpus=True)
    [note] = [note for note in told.notes if note.startswith("chosen for 108 pairs: ")]
    assert "model.values=lexical" in note
    assert "hidden_size" not in note
    written = outcome.run.read_config()
    assert (written.model.values, written.model.hidden_size) == ("lexical", 16)
    train(config, tmp_path / "other", other := Told())
    assert not [note for note in other.notes if note.startswith("chosen for")]


def test_the_number_format_is_that_of_the_sizes_that_were_chosen(
    corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wide decoder, which the configuration has by itself, may well want another than the narrow one of few pairs."""
    measured = []
    monkeypatch.setattr("s2s.compute._bf16_is_faster", lambda device, *product: measured.append(product))
    given = {"data": corpus, "training": {"precision": "auto", "threads": 1, "max_updates": 1}}
    train(check_config(given), tmp_path / "run", Told(), fits_corpus=True, should_stop=lambda: True)
    of_training, _ = measured
    chosen = fit(check_config(given), 108).config
    assert of_training == (
        chosen.training.batch_tokens // 16,
        chosen.model.decoder_width,
        3 * chosen.model.decoder_width,
    )
    assert chosen.model.decoder_width < check_config(given).model.decoder_width
