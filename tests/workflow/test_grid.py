"""The grid of a comparison: every combination once, checked before anything trains."""

from pathlib import Path
from typing import Any

import pytest

from s2s.errors import UsageError
from s2s.workflow.grid import Grid, Variation, build_grid, parse_seeds, parse_variation

BUILTIN: dict[str, Any] = {"data": {"corpus": "builtin"}, "model": {"values": "states", "decoder_size": 0}}


def grid(*vary: str, seeds: tuple[int, ...] = (), chosen: dict[str, Any] | None = None) -> Grid:
    return build_grid(BUILTIN, chosen or {}, [parse_variation(text) for text in vary], seeds)


# What varies


def test_a_setting_and_its_values() -> None:
    assert parse_variation("model.cell=rnn, lstm ,gru") == Variation(("model.cell",), (("rnn",), ("lstm",), ("gru",)))


def test_settings_that_go_together() -> None:
    varied = parse_variation("model.attention+model.attend=none+first,additive+between")
    assert varied == Variation(("model.attention", "model.attend"), (("none", "first"), ("additive", "between")))


def test_a_value_may_hold_the_separators() -> None:
    assert parse_variation('data.train=["a.en", "a.fr"],x.tsv').choices == (('["a.en", "a.fr"]',), ("x.tsv",))
    assert parse_variation("data.src_lang='a,b',c").choices == (("'a,b'",), ("c",))
    assert parse_variation("training.learning_rate=1e+0,1e-3").choices == (("1e+0",), ("1e-3",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.cell", r"--vary 'model\.cell' is not of the form KEY=VALUE,VALUE\n  For example"),
        ("model.cell=", "is not of the form KEY=VALUE,VALUE"),
        ("model.cell=rnn,", "is not of the form KEY=VALUE,VALUE"),
        ("model.cell=rnn,,gru", "is not of the form KEY=VALUE,VALUE"),
        ("=rnn", "is not of the form KEY=VALUE,VALUE"),
        ("a.b+=x+y", "is not of the form KEY=VALUE,VALUE"),
        ("a.b+c.d=x+y,z", r"'z' gives 1 values to 2 settings\n  Each choice needs a value for each of a\.b, c\.d"),
        ("model.cell=rnn,gru,rnn", "names the choice rnn twice"),
        ("a.b+a.b=x+y", r"names the setting a\.b twice"),
    ],
)
def test_what_does_not_vary_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_variation(text)


def test_seeds() -> None:
    assert parse_seeds("3, 1,2") == (3, 1, 2)
    for text in ("", "1,", "1,1", "-1", "x", "1.5"):
        with pytest.raises(UsageError, match=r"is no list of different whole numbers\n  For example --seeds 1,2,3"):
            parse_seeds(text)


# The product


def test_every_combination_once_with_every_seed() -> None:
    found = grid("model.cell=rnn,gru", "model.attention+model.attend=none+first,dot+last", seeds=(1, 2))
    assert found.seeds == (1, 2)
    assert [contender.name for contender in found.contenders] == [
        "rnn, none, first",
        "rnn, dot, last",
        "gru, none, first",
        "gru, dot, last",
    ]
    last = found.contenders[-1]
    assert last.settings == {"model.cell": "gru", "model.attention": "dot", "model.attend": "last"}
    assert last.choices == (1, 1)
    assert last.directory(2) == "gru-dot-last-seed2"
    for seed, config in last.configs.items():
        assert (config.model.cell, config.model.attention, config.model.attend) == ("gru", "dot", "last")
        assert config.training.seed == seed
        assert config.model.embed_size == 128, "the defaults of the built-in corpus"


def test_without_seeds_it_is_the_one_of_the_configuration() -> None:
    assert grid("model.cell=rnn,gru", chosen={"training": {"seed": 7}}).seeds == (7,)


def test_values_are_read_as_set_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [small, _] = grid("model.hidden_size=32,64").contenders
    assert small.configs[1].model.hidden_size == 32
    found = build_grid({}, {}, [parse_variation('data.train=a.tsv,["b.en","b.fr"]')], ())
    assert [c.configs[1].data.train for c in found.contenders] == [
        ((tmp_path / "a.tsv",),),
        ((tmp_path / "b.en", tmp_path / "b.fr"),),
    ]


def test_names_say_what_a_value_belongs_to_where_it_could_be_another_setting() -> None:
    found = grid("model.attention+model.attend=none+first,additive+first", "model.tie=none,all")
    assert [c.name for c in found.contenders][:2] == [
        "attention=none, first, tie=none",
        "attention=none, first, all",
    ]
    numbers = grid("model.hidden_size=32,64", "model.bidirectional=true,false", "model.cell=gru")
    assert numbers.contenders[1].name == "hidden_size=32, bidirectional=false"
    assert numbers.contenders[1].directory(1) == "hidden_size=32-bidirectional=false-seed1"


def test_seeds_alone_are_one_model() -> None:
    [only] = grid("model.cell=gru", seeds=(1, 2)).contenders
    assert (only.name, only.directory(2)) == ("gru", "gru-seed2")
    [only] = grid(seeds=(1, 2)).contenders
    assert (only.name, only.directory(2)) == ("model", "model-seed2")


# What is refused, and what is left out


def test_a_combination_that_makes_no_model_is_left_out_with_the_reason() -> None:
    found = grid("model.attention=none,additive", "model.attend=first,between,last")
    assert [c.name for c in found.contenders] == [
        "none, first",
        "additive, first",
        "additive, between",
        "additive, last",
    ]
    assert [out.name for out in found.left_out] == ["none, between", "none, last"]
    for out in found.left_out:
        assert "without attention nobody asks" in out.reason
        assert "\n" not in out.reason


def test_nothing_differs_but_what_varies() -> None:
    """Defaults of the built-in corpus give way to what contradicts them, but not in one combination alone."""
    vary = parse_variation("model.attention+model.attend=none+first,additive+first,dot+first")
    found = build_grid({"data": {"corpus": "builtin"}}, {}, [vary], (1, 2))
    assert [c.name for c in found.contenders] == ["additive, first"]
    assert 'set values = "states"' in found.left_out[0].reason
    assert "decoder_size = 128 is not the width" in found.left_out[1].reason


def test_one_left_alone_is_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match=r"nothing to compare additive with, .*:\n  none: .*nobody asks") as caught:
        grid("model.attention=additive,none")
    assert "--vary model.attention+model.attend=none+first" in str(caught.value)
    assert len(grid("model.attention=additive,none", seeds=(1, 2)).contenders) == 1


def test_none_left_is_an_error_with_every_reason() -> None:
    message = (
        r"none of the 2 combinations makes a model:\n  rnn: .*nobody asks.*\n  gru: .*nobody asks.*\n  Settings that"
    )
    with pytest.raises(UsageError, match=message):
        grid("model.cell=rnn,gru", chosen={"model": {"attention": "none", "attend": "last"}})


def test_every_value_is_checked_and_each_fault_told_once() -> None:
    with pytest.raises(UsageError) as caught:
        grid("model.cell=rnn,gry,gru", "model.hops=1,99", seeds=(1, 2))
    message = str(caught.value)
    assert message.startswith("2 faults in the configurations:\n  model.")
    assert (message.count("given: 'gry'"), message.count("given: 99")) == (1, 1)
    with pytest.raises(UsageError, match=r"model\.sell: unknown setting; did you mean model\.cell\?"):
        grid("model.sell=rnn,gru")
    with pytest.raises(UsageError, match=r"training\.seed: .*less than"):
        grid("model.cell=rnn,gru", seeds=(2**63,))


@pytest.mark.parametrize(
    ("vary", "seeds", "chosen", "message"),
    [
        (["model.cell=rnn,gru", "model.cell=cifg,lstm"], (), {}, r"--vary: model\.cell varies twice"),
        (["model.cell=rnn,gru"], (), {"model": {"cell": "gru"}}, r"--set: model\.cell both varies and is set"),
        (["model.cell=rnn,gru"], (1, 2), {"training": {"seed": 3}}, r"--set: training\.seed both varies and is set"),
        (["training.seed=1,2"], (), {}, r"--vary training\.seed would compare luck\n  Give --seeds"),
        ([], (), {}, "there is nothing to compare: no setting varies, and there are not several seeds"),
        (["model.cell=gru"], (1,), {}, "there is nothing to compare"),
        (["data.src_lang=a/b,a?b"], (), {}, "would have the same run directory"),
    ],
)
def test_what_contradicts_itself(vary: list[str], seeds: tuple[int, ...], chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        grid(*vary, seeds=seeds, chosen=chosen)
