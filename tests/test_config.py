"""The configuration: every fault at once, precedence by merging, and a file that reads back what was written."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.config import (
    Config,
    DataConfig,
    DecodingConfig,
    ModelConfig,
    TokenizerConfig,
    TrainingConfig,
    check_config,
    merge,
    parse_override,
    read_config,
    to_toml,
    with_absolute_paths,
)
from s2s.config import settings as known_settings
from s2s.errors import UsageError
from s2s.workflow.sizing import TIERS, fit

ROOT = Path(__file__).resolve().parent.parent

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PATH = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(Path)
SOURCE = st.lists(PATH, min_size=1, max_size=2).map(tuple)
SHARE = st.floats(0.0, 1.0, exclude_max=True)
POSITIVE = st.floats(0.0, exclude_min=True, allow_infinity=False)

CONFIGS = st.builds(
    Config,
    data=st.builds(
        DataConfig,
        src_lang=TEXT,
        trg_lang=TEXT,
        train=st.lists(SOURCE).map(tuple),
        dev=st.none() | SOURCE,
        test=st.none() | SOURCE,
        max_ratio=st.floats(1.0, exclude_min=True, allow_infinity=False),
    ),
    tokenizer=st.builds(TokenizerConfig, size=st.integers(8, 1_000_000)),
    model=st.builds(
        ModelConfig, cell=st.sampled_from(["gru", "lstm"]), tie=st.sampled_from(["none", "target"]), dropout=SHARE
    ),
    training=st.builds(
        TrainingConfig,
        learning_rate=st.floats(0.0, 1.0, exclude_min=True),
        warmup=SHARE,
        max_minutes=st.floats(0.0, allow_infinity=False),
        seed=st.integers(0, 2**63 - 1),
        device=TEXT,
    ),
    decoding=st.builds(DecodingConfig, length_penalty=st.floats(0.0, allow_infinity=False), max_length=POSITIVE),
)


def read_back(config: Config) -> Config:
    return check_config(tomllib.loads(to_toml(config)))


@settings(max_examples=40)
@given(CONFIGS)
def test_what_is_written_reads_back_the_same(config: Config) -> None:
    assert read_back(config) == config


@settings(max_examples=60)
@given(TEXT)
def test_any_text_survives_being_written(text: str) -> None:
    config = check_config({"data": {"src_lang": text}, "training": {"device": text}})
    assert read_back(config) == config


def test_every_key_that_has_a_value_is_written() -> None:
    written = tomllib.loads(to_toml(Config()))
    unset = {"data.dev", "data.test"}
    assert {f"{s}.{k}" for s, keys in written.items() for k in keys} == {s.name for s in known_settings()} - unset


def test_nothing_said_is_the_defaults() -> None:
    assert check_config({}) == Config()


def test_the_configuration_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().training.seed = 2


# Faults


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model": {"hiden_size": 3}}, r"model\.hiden_size: unknown setting; did you mean model\.hidden_size\?"),
        ({"trainning": {"seed": 3}}, r"trainning: unknown setting; did you mean training\?"),
        ({"model": {"qqq": 3}}, r"model\.qqq: unknown setting; known here: attend, attention, bidirectional, cell"),
        (
            {"model": {"cell": "grus"}},
            r"model\.cell: input should be 'rnn', 'lstm', 'peephole', 'cifg' or 'gru' \(given: 'grus'\)",
        ),
        ({"training": {"learning_rate": 0.0}}, r"training\.learning_rate: input should be greater than 0"),
        ({"training": {"learning_rate": float("nan")}}, r"training\.learning_rate: input should be a finite number"),
        ({"data": {"dev": ["a", "b", "c"]}}, r"data\.dev: .* at most 2 items"),
        ({"model": 3}, r"model: input should be a valid dictionary"),
    ],
)
def test_a_fault_is_named_with_its_place(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"1 fault in the configuration:\n  {message}"):
        check_config(table)


def test_all_faults_are_told_at_once() -> None:
    table = {"model": {"cell": "elman", "hop": 2}, "training": {"seed": -1}, "modle": {}}
    with pytest.raises(UsageError, match=r"^my\.toml: 4 faults in the configuration") as caught:
        check_config(table, where="my.toml")
    for place in ("model.cell", "model.hop", "training.seed", "modle"):
        assert f"\n  {place}: " in str(caught.value)
    assert "`s2s settings KEY` explains a setting." in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"tokenizer": {"joint": False}}, r'model\.tie = "all" .* needs tokenizer\.joint = true'),
        (
            {"tokenizer": {"kind": "char"}, "training": {"subword_dropout": 0.1}},
            r'training\.subword_dropout splits subwords, and tokenizer\.kind = "char" has none',
        ),
        ({"training": {"max_epochs": 0}}, "training needs a budget: set max_epochs, max_updates or max_minutes"),
        ({"data": {"corpus": "builtin", "train": ["a", "b"]}}, r'data\.corpus = "builtin" takes no files'),
        ({"data": {"corpus": "builtin", "test": "a.tsv"}}, r'data\.corpus = "builtin" takes no files'),
    ],
)
def test_contradictions_are_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_config(table)


def test_each_contradiction_is_told() -> None:
    with pytest.raises(UsageError, match=r"(?s)tokenizer\.joint.*needs a budget"):
        check_config({"tokenizer": {"joint": False}, "training": {"max_epochs": 0}})


# Files of pairs


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["x.en", "x.fr"], [["x.en", "x.fr"]]),
        ("x.tsv", [["x.tsv"]]),
        (["x.tsv"], [["x.tsv"]]),
        (["x.tsv", "y.tsv.gz"], [["x.tsv"], ["y.tsv.gz"]]),
        ([["x.en", "x.fr"], "y.tsv"], [["x.en", "x.fr"], ["y.tsv"]]),
        ([["x.en", "x.fr"], ["y.en", "y.fr"]], [["x.en", "x.fr"], ["y.en", "y.fr"]]),
    ],
)
def test_training_files_may_be_said_briefly(given: Any, meant: list[list[str]]) -> None:
    train = check_config({"data": {"train": given}}).data.train
    assert train == tuple(tuple(map(Path, source)) for source in meant)


def test_paths_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    file = folder / "a.toml"
    file.write_text(
        '[data]\ntrain = [["x.en", "../x.fr"], "/abs/y.tsv"]\ndev = "d.tsv"\nsrc_lang = "en"\n', encoding="utf-8"
    )
    data = check_config(read_config(file)).data
    assert [[path.resolve() for path in source] for source in data.train] == [
        [folder / "x.en", tmp_path / "x.fr"],
        [Path("/abs/y.tsv")],
    ]
    assert data.dev == (folder / "d.tsv",)
    assert data.src_lang == "en"


def test_paths_elsewhere_are_relative_to_the_folder_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    table = with_absolute_paths({"data": {"train": ["a", "~/b"], "test": "/c"}}, Path("/here"))
    assert table == {"data": {"train": ["/here/a", "/home/me/b"], "test": "/c"}}


@pytest.mark.parametrize("text", ["", "a = 1", "\ufeff[model]\ncell = 'lstm'\n"])
def test_a_file_may_be_empty_or_begin_with_a_byte_order_mark(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text, encoding="utf-8")
    assert read_config(file) == tomllib.loads(text.removeprefix("\ufeff"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[model]\ncell = gru\n", r"a\.toml: the configuration is not valid TOML: .*line 2.*\n  Text needs quotes"),
        (b"[model]\ncell = '\xff'\n", r"a\.toml: the configuration is not UTF-8 text"),
        (None, r"a\.toml: the configuration cannot be read: No such file.*\n  Shipped examples are in configs/"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "a.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_config(file)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_config(tmp_path)


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.name)
def test_shipped_files_validate_and_say_only_what_differs(file: Path) -> None:
    """From the defaults, or from what a corpus of some size would be given."""
    table = read_config(file)
    check_config(table, where=str(file))
    corpus = {} if table["data"].get("corpus") is None else {"corpus": table["data"].pop("corpus")}
    default = check_config({"data": corpus})
    chosen = [] if corpus else [fit(default, int(min(tier.pairs, 10**9))).config for tier in TIERS]
    others = [config.model_dump(mode="json") for config in (default, *chosen)]
    same = [f"{s}.{k}" for s, keys in table.items() for k, v in keys.items() if all(o[s][k] == v for o in others)]
    assert same == []


# Overrides


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("training.learning_rate=1e-3", {"training": {"learning_rate": 1e-3}}),
        ("training.seed = 1_000", {"training": {"seed": 1000}}),
        ("model.bidirectional=false", {"model": {"bidirectional": False}}),
        ("model.cell=gru", {"model": {"cell": "gru"}}),
        ('model.cell="gru"', {"model": {"cell": "gru"}}),
        ("data.src_lang=no", {"data": {"src_lang": "no"}}),
        ("data.src_lang=", {"data": {"src_lang": ""}}),
        ("data.src_lang=a=b", {"data": {"src_lang": "a=b"}}),
        ("data.src_lang=1\nx = 2", {"data": {"src_lang": "1\nx = 2"}}),
        ('data.dev=["a b.en", "c.fr"]', {"data": {"dev": ["a b.en", "c.fr"]}}),
    ],
)
def test_an_override_is_toml_or_else_text(text: str, table: dict[str, Any]) -> None:
    assert parse_override(text) == table


@pytest.mark.parametrize("text", ["", "sed=3", "training.seed", "training.=3", ".seed=3", "=3"])
def test_an_override_names_section_and_key(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not of the form section\.key=value\n  For example --set"):
        parse_override(text)


def test_a_later_table_gives_way_to_none_before_it() -> None:
    merged = merge(
        {"model": {"cell": "lstm", "dropout": 0.1}, "data": {"pairs": 300}},
        {"model": {"dropout": 0.3}},
        {"training": {"seed": 5}},
    )
    assert merged == {
        "model": {"cell": "lstm", "dropout": 0.3},
        "data": {"pairs": 300},
        "training": {"seed": 5},
    }


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xyz"), st.integers()))))
def test_merging_takes_each_value_from_the_last_table_that_has_it(tables: list[dict[str, dict[str, int]]]) -> None:
    merged = merge(*tables)
    for section in "ab":
        for key in "xyz":
            values = [table[section][key] for table in tables if key in table.get(section, {})]
            assert merged.get(section, {}).get(key) == (values[-1] if values else None)


# What `s2s settings` tells


def test_every_setting_is_explained() -> None:
    every = known_settings()
    assert len(every) == sum(len(s.model_fields) for s in (type(getattr(Config(), n)) for n in Config.model_fields))
    assert [s.name for s in every if not s.meaning.endswith((".", ")")) or not s.allowed] == []


def test_settings_are_found_by_name_key_and_section() -> None:
    [full] = known_settings("training.learning_rate")
    assert (full.default, full.allowed) == ("0.002", "number > 0.0 <= 1.0")
    assert known_settings("learning_rate") == [full]
    assert [s.name for s in known_settings("decoding")] == [
        "decoding.beam",
        "decoding.length_penalty",
        "decoding.margin",
        "decoding.repeats",
        "decoding.copy_unknown",
        "decoding.max_length",
    ]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("model.cell", '"rnn" | "lstm" | "peephole" | "cifg" | "gru"'),
        ("tokenizer.joint", "true | false"),
        ("decoding.beam", "whole number >= 1 <= 1000"),
        ("training.device", "text"),
        ("data.train", "file names"),
        ("data.dev", "file names"),
    ],
)
def test_what_is_allowed_is_told(key: str, allowed: str) -> None:
    [setting] = known_settings(key)
    assert setting.allowed == allowed


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("learning_rat", r"Did you mean learning_rate\?"),
        ("modle", r"Did you mean model\?"),
        ("qqqq", "`s2s settings` lists every key"),
    ],
)
def test_a_setting_that_is_none(key: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no setting is called '{key}'\n  {hint}"):
        known_settings(key)
