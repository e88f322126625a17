"""The whole configuration: frozen, checked before work starts, every fault reported at once."""

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from s2s.errors import S2SError, UsageError

Table = dict[str, Any]
"""A configuration before it is checked: section -> key -> value."""

BUILTIN = "builtin"

BUILTIN_SETTINGS: Table = {
    "model": {
        "attend": "between",
        "embed_size": 128,
        "hidden_size": 128,
        "decoder_size": 128,
        "values": "lexical",
        "dropout": 0.0,
    },
    "training": {
        "batch_tokens": 700,
        "learning_rate": 4e-3,
        "label_smoothing": 0.0,
        "max_epochs": 0,
        "max_updates": 750,
    },
}
"""What is otherwise by default for the built-in corpus, whose small language a small model learns in minutes."""


def _as_source(value: object) -> object:
    """`"x.tsv"` is short for `["x.tsv"]`."""
    return (value,) if isinstance(value, str | Path) else value


def _as_sources(value: object) -> object:
    """One source where several may stand is a list of one."""
    if isinstance(value, str | Path):
        return ((value,),)
    if isinstance(value, list | tuple) and value and all(isinstance(item, str | Path) for item in value):
        if len(value) == 2 and not any(_is_tsv(item) for item in value):
            return (tuple(value),)
        return tuple((item,) for item in value)
    if isinstance(value, list | tuple):
        return tuple(_as_source(item) for item in value)
    return value


def _is_tsv(path: str | Path) -> bool:
    return str(path).endswith((".tsv", ".tsv.gz"))


def _is_text(path: Path) -> Path:
    """A path that a configuration file can hold."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as fault:
        raise ValueError(f"the file name {str(path)!r} is not UTF-8: rename it") from fault
    return path


Source = Annotated[
    tuple[Annotated[Path, AfterValidator(_is_text)], ...],
    BeforeValidator(_as_source),
    Field(min_length=1, max_length=2),
]
Sources = Annotated[tuple[Source, ...], BeforeValidator(_as_sources)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """A table of the configuration."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, strict=False
    )


class DataConfig(Section):
    """Where the sentence pairs come from."""

    corpus: Literal["", "builtin"] = ""
    """`builtin` trains on the generated English-French corpus in place of files."""
    pairs: Annotated[int, Field(ge=100, le=200_000)] = 20_000
    """Training pairs of the built-in corpus."""
    src_lang: str = ""
    """Code of the source language; empty: the ending of its file (`train.en`)."""
    trg_lang: str = ""
    """Code of the target language; empty: the ending of its file. `fr` splits elisions (l', d') into words."""
    train: Sources = ()
    """Training files: ["x.en", "x.fr"], "x.tsv" (two columns), or a list of such; .gz allowed."""
    dev: Source | None = None
    """The pairs that choose the best checkpoint; without them a seeded part of train is held out."""
    test: Source | None = None
    """The pairs that are scored once, at the end."""
    dev_size: Annotated[int, Field(ge=1)] = 1000
    """Pairs held out where `dev` is not given; never more than a tenth of train."""
    max_words: Annotated[int, Field(ge=1)] = 200
    """Training pairs with a longer side (words between spaces) are left out, and counted."""
    max_ratio: Annotated[float, Field(gt=1.0)] = 9.0
    """Training pairs with a side of more than this many times the other's words (3 at least) are left out."""


class TokenizerConfig(Section):
    """How text becomes pieces."""

    kind: Literal["bpe", "unigram", "char", "word"] = "bpe"
    """`bpe` and `unigram` subwords (sentencepiece), `char`acters, or `word`s between spaces."""
    size: Annotated[int, Field(ge=8, le=1_000_000)] = 4000
    """Pieces in the vocabulary, special and byte pieces included; sized down where the corpus has fewer."""
    joint: bool = True
    """One vocabulary for both languages, or one each."""


class ModelConfig(Section):
    """The architecture."""

    cell: Literal["rnn", "lstm", "peephole", "cifg", "gru"] = "gru"
    """The recurrent cell of encoder and decoder; `s2s explain-cell` shows the equations of each."""
    reset: Literal["after", "before"] = "after"
    """Where a GRU resets: `after` its product with the state (cuDNN), or `before` it (Cho et al. 2014, the lesson)."""
    attention: Literal["additive", "dot", "general", "none"] = "additive"
    """The score: `additive` (Bahdanau 2015), `dot` or `general` (Luong 2015); `none`: one fixed vector (Cho 2014)."""
    scaled: bool = False
    """Divide the `dot` score by the square root of its width (Vaswani et al. 2017)."""
    attend: Literal["first", "between", "last"] = "between"
    """Who asks: `first` the previous state (Bahdanau), `between` one inside the step (Nematus), `last` the new one."""
    input_feeding: bool = True
    """With `attend = "last"`: each step reads what the one before it made of its state and context."""
    hops: Annotated[int, Field(ge=1, le=16)] = 1
    """Reads of the source in a step, each asking with what the last one found (memory networks, Sukhbaatar 2015)."""
    values: Literal["states", "lexical"] = "states"
    """What is read: the encoder's states, or, beside them, source words for the output (Nguyen & Chiang 2018)."""
    context: Literal["every_step", "start"] = "every_step"
    """With `attention = "none"`: the vector is read at `every_step` (Cho 2014), or is only the decoder's `start`."""
    start: Literal["bridge", "last", "zero"] = "bridge"
    """The decoder's start state: a layer over the encoder's last states, these as they are, or zeros."""
    bidirectional: bool = True
    """Read the source in both directions."""
    num_layers: Annotated[int, Field(ge=1, le=16)] = 1
    """Recurrent layers of the encoder and of the decoder."""
    residual: bool = False
    """From the second layer on, add what a layer reads to what it says (He et al. 2016)."""
    embed_size: Annotated[int, Field(ge=1)] = 256
    """Width of the embeddings, and of the readout where `tie` is not `none`."""
    hidden_size: Annotated[int, Field(ge=1)] = 256
    """Width of the encoder's states per direction."""
    decoder_size: Annotated[int, Field(ge=0)] = 0
    """Width of the decoder's states; 0: that of the encoder's directions together."""
    tie: Literal["none", "target", "all"] = "all"
    """Share the output layer with the target embedding (`target`), and with the source's, too (`all`)."""
    dropout: Share = 0.2
    """Share of embeddings, between-layer states and readouts that is zeroed in training (`training.dropout_after`)."""
    word_dropout: Share = 0.0
    """Share of source and target tokens whose whole embedding is zeroed in training (Sennrich & Zhang 2019)."""

    @property
    def encoder_width(self) -> int:
        """Width of the encoder's states, all directions together."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    @property
    def decoder_width(self) -> int:
        """Width of the decoder's states."""
        return self.decoder_size or self.encoder_width


class TrainingConfig(Section):
    """Optimisation, budget and validation."""

    batch_tokens: Annotated[int, Field(ge=1)] = 1000
    """Target pieces in a batch (padding included, end of sentence counted)."""
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 2e-3
    """Highest learning rate of Adam, reached after the warm-up."""
    warmup: Share = 0.05
    """Share of the budget in which the learning rate rises to its highest."""
    decay: Literal["linear", "none"] = "linear"
    """After the warm-up: fall in a straight line to 0 at the end of the budget, or stay."""
    max_updates: Annotated[int, Field(ge=0)] = 0
    """Budget in updates; 0: none. Training ends at the first budget that is used up."""
    max_epochs: Annotated[int, Field(ge=0)] = 6
    """Budget in passes over the training data; 0: none."""
    max_minutes: Annotated[float, Field(ge=0.0)] = 0.0
    """Budget in minutes of wall-clock, all validations but the last included; 0: none."""
    validate_every: Annotated[int, Field(ge=0)] = 0
    """Updates between validations; 0: at the end of each epoch."""
    checkpoint_every: Annotated[int, Field(ge=0)] = 500
    """Updates between checkpoints beside those at each validation; 0: no others."""
    patience: Annotated[int, Field(ge=0)] = 6
    """Validations without a better score after which training stops early; 0: never."""
    metric: Literal["bleu", "chrf", "loss"] = "bleu"
    """The dev score that chooses the best checkpoint and stops early."""
    dictionary: bool = False
    """Count a dictionary first (IBM Model 1): the embeddings of pieces that translate each other begin alike."""
    subword_dropout: Share = 0.0
    """Share of pieces that come in two halves in training, others in each pass (after Provilkov et al. 2020)."""
    dropout_after: Annotated[int, Field(ge=0)] = 1
    """Passes over the training data before dropout of any kind: in the first one all sentences are new."""
    label_smoothing: Share = 0.1
    """Probability mass taken from the right piece and spread over all pieces (Szegedy et al. 2016)."""
    average: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of the updates so far over which weights are averaged (Shamir & Zhang 2013); 0: validated as they are."""
    clip: Annotated[float, Field(ge=0.0)] = 1.0
    """Largest norm of the whole gradient; 0: not clipped."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients make one update."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Seed of everything drawn at random."""
    device: str = "auto"
    """`auto` (CUDA if there is one), `cpu`, `cuda` or `cuda:1`."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products; `auto` takes bf16 where a short measurement finds it faster, for training and
    for search each."""
    threads: Annotated[int, Field(ge=0, le=4096)] = 0
    """CPU threads; 0: all cores that this process may use."""


class DecodingConfig(Section):
    """Search."""

    beam: Annotated[int, Field(ge=1, le=1000)] = 5
    """Hypotheses kept for each sentence; 1 is greedy search."""
    length_penalty: Annotated[float, Field(ge=0.0)] = 1.0
    """A hypothesis' score is its log-probability divided by its length to this power."""
    margin: Annotated[float, Field(ge=0.0)] = 2.5
    """Give up hypotheses so many nats below the best of their length: less is faster; 0: none, as with `--n-best`."""
    repeats: Annotated[int, Field(ge=0)] = 2
    """Times in a row that a phrase of up to 12 pieces may be said, a single word once more; 0: no limit."""
    copy_unknown: bool = True
    """`char` and `word` pieces, models with attention: unknown words may be copied from where the model looks."""
    max_length: Annotated[float, Field(gt=0.0)] = 2.0
    """A translation is cut at this many target pieces for each source piece, plus 10."""


class Config(Section):
    """All settings of a run."""

    data: DataConfig = DataConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    decoding: DecodingConfig = DecodingConfig()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Config":
        faults = [
            message
            for broken, message in (
                (
                    self.model.tie == "all" and not self.tokenizer.joint,
                    'model.tie = "all" shares one embedding between both languages and so needs '
                    'tokenizer.joint = true; or set model.tie = "target"',
                ),
                (
                    self.training.subword_dropout > 0.0 and self.tokenizer.kind in ("char", "word"),
                    f'training.subword_dropout splits subwords, and tokenizer.kind = "{self.tokenizer.kind}" has none',
                ),
                (
                    not any((self.training.max_updates, self.training.max_epochs, self.training.max_minutes)),
                    "training needs a budget: set max_epochs, max_updates or max_minutes above 0",
                ),
                (
                    bool(self.data.corpus) and bool(self.data.train or self.data.dev or self.data.test),
                    'data.corpus = "builtin" takes no files: leave out data.train, data.dev and data.test',
                ),
            )
            if broken
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self


def read_config(path: Path) -> Table:
    """The tables of a TOML file, its data paths made absolute from the file's own folder.

    Raises:
        UsageError: the file cannot be read or is not TOML.
    """
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as fault:
        raise UsageError(
            f"the configuration cannot be read: {fault.strerror}",
            where=str(path),
            hint="Shipped examples are in configs/; `s2s settings` lists every key.",
        ) from fault
    except UnicodeDecodeError as fault:
        raise UsageError("the configuration is not UTF-8 text", where=str(path)) from fault
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(
            f"the configuration is not valid TOML: {fault}",
            where=str(path),
            hint='Text needs quotes (cell = "gru"); tables are written [model].',
        ) from fault
    return with_absolute_paths(table, path.resolve().parent)


def with_absolute_paths(table: Table, folder: Path) -> Table:
    """The same table with `data.train`, `data.dev` and `data.test` taken from `folder`."""

    def absolute(value: object) -> object:
        if isinstance(value, str):
            return str(folder / Path(value).expanduser())
        return [absolute(item) for item in value] if isinstance(value, list) else value

    data = table.get("data")
    if not isinstance(data, dict):
        return table
    return {
        **table,
        "data": {k: absolute(v) if k in ("train", "dev", "test") else v for k, v in data.items()},
    }


def parse_override(text: str) -> Table:
    """`section.key=value` as a table; the value is TOML, or text where it is none.

    Raises:
        UsageError: there is no `section.key=` in front.
    """
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        meant = [setting.name for setting in settings() if setting.name.split(".")[1] == name.strip()]
        raise UsageError(
            f"--set {text!r} is not of the form section.key=value",
            hint=f"Did you mean {' or '.join(meant)}?"
            if meant
            else "For example --set training.learning_rate=1e-3; `s2s settings` lists every key.",
        )
    value = value.strip()
    parsed = _toml_or_text(value)
    # What is text stays text, whatever it looks like: `nan` and `no` are languages.
    kind = _kind_of(section, key)
    return {section: {key: value if kind is str and not isinstance(parsed, str) else parsed}}


def _kind_of(section: str, key: str) -> object:
    outer = Config.model_fields.get(section)
    field = outer.annotation.model_fields.get(key) if outer else None  # type: ignore[union-attr]
    return field.annotation if field else None


def _toml_or_text(value: str) -> object:
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value
    return parsed["value"] if list(parsed) == ["value"] else value


def merge(*tables: Table) -> Table:
    """One table; a later value takes the place of an earlier one."""
    merged: Table = {}
    for table in tables:
        for section, keys in table.items():
            if isinstance(keys, Mapping) and isinstance(merged.get(section, {}), Mapping):
                merged[section] = {**merged.get(section, {}), **keys}
            else:
                merged[section] = keys
    return merged


BUDGETS = ("max_updates", "max_epochs", "max_minutes")


def with_defaults(table: Table, defaults: Table) -> Table:
    """The table with these defaults for what it does not set, but for those that would contradict what it sets."""
    given = {section: keys for section, keys in table.items() if isinstance(keys, Mapping)}
    model, training = given.get("model", {}), given.get("training", {})
    contradicted = set()
    if model.get("attention") == "none":  # and so no source word is looked at, and nobody asks
        contradicted |= {"values", "attend"}
    if (
        {"hidden_size", "bidirectional"} & model.keys()
        or model.get("attention") == "dot"
        or model.get("start") == "last"
    ):
        contradicted.add("decoder_size")  # which goes with the width of the encoder's states
    if model.get("tie") == "all":  # one embedding for both languages, and so one vocabulary
        contradicted.add("joint")
    if given.get("tokenizer", {}).get("kind") in ("char", "word"):
        contradicted.add("size")
    kept: Table = {
        section: {key: value for key, value in keys.items() if key not in contradicted}
        for section, keys in defaults.items()
    }
    decoder = model.get("decoder_size")
    if type(decoder) is int and decoder > 0 and (model.get("attention") == "dot" or model.get("start") == "last"):
        fitting = max(decoder // (2 if model.get("bidirectional", True) else 1), 1)
        kept = merge(kept, {"model": {"hidden_size": fitting}})  # the other way round
    if "attend" in contradicted:
        kept = merge(kept, {"model": {"attend": "first"}})
    if any(training.get(budget) for budget in BUDGETS):  # then it is the only one
        kept = merge(kept, {"training": dict.fromkeys(BUDGETS, 0)})
    return merge(kept, table)


def with_builtin_defaults(table: Table) -> Table:
    """The table, with the built-in corpus' own defaults where it is trained on."""
    data = table.get("data")
    is_builtin = isinstance(data, Mapping) and data.get("corpus") == BUILTIN
    return with_defaults(table, BUILTIN_SETTINGS) if is_builtin else table


def check_config(table: Table, where: str | None = None) -> Config:
    """The configuration that a table says, defaults (for the built-in corpus, its own) for the rest.

    Raises:
        UsageError: naming every fault at once; an unknown key with the nearest known one.
    """
    try:
        return Config.model_validate(with_builtin_defaults(table))
    except ValidationError as fault:
        lines = [line for error in fault.errors(include_url=False) for line in _explain_fault(error).split("\n")]
        raise UsageError(
            f"{len(lines)} fault{'s' if len(lines) > 1 else ''} in the configuration:\n  " + "\n  ".join(lines),
            where=where,
            hint="`s2s settings KEY` explains a setting.",
        ) from fault


def _explain_fault(error: Any) -> str:
    place = [str(part) for part in error["loc"] if not str(part).startswith("function-")]
    name = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        nearest = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.5)
        advice = (
            f"did you mean {'.'.join([*place[:-1], nearest[0]])}?" if nearest else "known here: " + ", ".join(known)
        )
        return f"{name}: unknown setting; {advice}"
    if error["type"] == "value_error":
        return f"{error['ctx']['error']}"
    given = error["input"]
    return f"{name}: {error['msg'][0].lower()}{error['msg'][1:]} (given: {given!r})"


def _known_keys(place: list[str]) -> list[str]:
    fields = Config.model_fields
    if not place or place[0] not in fields:
        return sorted(fields)
    section = fields[place[0]].annotation
    return sorted(section.model_fields) if isinstance(section, type) and issubclass(section, Section) else []


class Setting(BaseModel):
    """What `s2s settings` tells of one key."""

    name: str
    default: str
    allowed: str
    meaning: str


def settings(key: str = "") -> list[Setting]:
    """Every setting, or those of a section, or the one of that name.

    Raises:
        UsageError: nothing has that name.
    """
    every = [
        Setting(
            name=f"{section}.{name}",
            default=_toml_value(field.default),
            allowed=_allowed(field.annotation, field.metadata),
            meaning=" ".join((field.description or "").split()),
        )
        for section, outer in Config.model_fields.items()
        for name, field in outer.annotation.model_fields.items()  # type: ignore[union-attr]
    ]
    chosen = [s for s in every if key in ("", s.name, s.name.split(".")[0], s.name.split(".")[1])]
    if not chosen:
        names = [name for s in every for name in (s.name, *s.name.split("."))]
        nearest = difflib.get_close_matches(key, names, n=1, cutoff=0.4)
        raise UsageError(
            f"no setting is called {key!r}",
            hint=f"Did you mean {nearest[0]}?" if nearest else "`s2s settings` lists every key.",
        )
    return chosen


def _allowed(annotation: Any, metadata: Iterable[Any]) -> str:
    choices = getattr(annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        return " | ".join(json.dumps(choice) for choice in choices)
    kinds = {bool: "true | false", int: "whole number", float: "number", str: "text"}
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    bounds = [f"{sign} {getattr(m, name)}" for m in metadata for name, sign in signs.items() if hasattr(m, name)]
    return " ".join([kinds.get(annotation, "file names"), *bounds])


def to_toml(config: Config) -> str:
    """The configuration, every key of it, as TOML that `read_config` reads back."""
    blocks = []
    for section, keys in config.model_dump(mode="json").items():
        lines = [f"{key} = {_toml_value(value)}" for key, value in keys.items() if value is not None]
        blocks.append(f"[{section}]\n" + "\n".join(lines) + "\n")
    return "\n".join(blocks)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if value is None:
        return "none"
    if isinstance(value, float) and not math.isfinite(value):
        raise S2SError(f"{value} cannot be written to a configuration")
    return repr(value)
