"""Thousands of damaged and odd inputs: each is read as what it is, or told in one message; never a traceback.

The functions under test are those that the commands call with what a user gives them. Whatever they raise that is not
an `S2SError` fails the test, as a traceback would fail the user.
"""

import resource
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from small_runs import Finished

from s2s.config import check_config, parse_override, read_config
from s2s.data.corpus import read_pairs
from s2s.data.tokenizer import normalise
from s2s.errors import S2SError
from s2s.workflow.info import describe_run
from s2s.workflow.translation import Run, load_run, translate

EXAMPLES = 3000
"""Of each of the four kinds of input: 12,000 together."""

pytestmark = pytest.mark.slow

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=30),  # a hang
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)

MOST_MEMORY = 400_000
"""Kilobytes that a test may need beyond what it had at its start."""


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY


def outcome(use: Callable[[], Any]) -> Any:
    """What it gives, or None where it refuses, with a message that says something."""
    try:
        return use()
    except S2SError as fault:
        message = str(fault)
    assert message.strip()
    event("refused")
    return None


# Corpora

ODD_BYTES = (b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n\n", "\u2028".encode(), b"\xc3", b"\t", b"\x1f\x8b")

lines_of_bytes = st.lists(
    st.one_of(
        st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=40),
        st.sampled_from(ODD_BYTES),
    ),
    max_size=8,
).map(b"\n".join)


@fuzz
@given(src=lines_of_bytes, trg=lines_of_bytes, ending=st.sampled_from(["", ".gz", ".tsv"]))
def test_a_corpus_of_any_bytes(tmp_path: Path, src: bytes, trg: bytes, ending: str) -> None:
    """What is read is as many pairs as both files have lines, each line in its place."""
    paths = [tmp_path / f"src{ending}", tmp_path / f"trg{ending}"][: 1 if ending == ".tsv" else 2]
    for path, content in zip(paths, (src, trg), strict=False):
        path.write_bytes(content)
    pairs = outcome(lambda: read_pairs(tuple(paths)))
    if pairs is not None and not ending:
        event("read")
        for side, content in ((0, src), (1, trg)):
            *ended, last = content.decode("utf-8-sig").split("\n")
            lines = [*(line.removesuffix("\r") for line in ended), *([last] if last else [])]
            assert [pair[side] for pair in pairs] == lines


# Configurations

KEYS = (
    "data.corpus",
    "data.train",
    "model.cell",
    "model.hops",
    "training.clip",
    "training.max_minutes",
    "model.x",
    "x",
)

values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(["gru", "none", "builtin", "-1", "nan", "1e999", "[", "{}", "../x.en"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@fuzz
@given(
    key=st.sampled_from(KEYS) | st.text(max_size=20),
    value=values,
    content=st.text(max_size=80) | st.binary(max_size=80),
)
def test_a_configuration_of_any_text(tmp_path: Path, key: str, value: Any, content: str | bytes) -> None:
    outcome(lambda: check_config(parse_override(f"{key}={value}")))
    section, _, name = key.partition(".")
    outcome(lambda: check_config({section: {name: value} if name else value}))
    file = tmp_path / "c.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    outcome(lambda: check_config(read_config(file)))


# Runs


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Flips, cuts, repeats or replaces a part of a file."""
    at, size = draw(st.floats(0, 1)), draw(st.integers(0, 40))
    new = draw(st.binary(max_size=40))
    kind = draw(st.sampled_from(["replace", "cut", "truncate", "insert", "repeat"]))

    def damage(whole: bytes) -> bytes:
        start = int(at * len(whole))
        return {
            "replace": whole[:start] + new + whole[start + len(new) :],
            "cut": whole[:start] + whole[start + size :],
            "truncate": whole[:start],
            "insert": whole[:start] + new + whole[start:],
            "repeat": whole[:start] + whole[start : start + size] * 2 + whole[start + size :],
        }[kind]

    return damage


@fuzz
@given(
    name=st.sampled_from(["manifest.json", "config.toml", "tokenizer.model", "best.safetensors", "results.json"]),
    damage=damages(),
)
def test_a_run_with_a_damaged_file(
    damaged_run: Path, finished: Finished, name: str, damage: Callable[[bytes], bytes]
) -> None:
    whole = (finished.path / name).read_bytes()
    try:
        (damaged_run / name).write_bytes(damage(whole))
        outcome(lambda: describe_run(damaged_run))
        run = outcome(lambda: load_run(damaged_run, threads=1))
        if run is not None:
            event("loaded")
            assert len(list(translate(run, ["a man sees the sea .", ""]))) == 2
    finally:
        (damaged_run / name).write_bytes(whole)


@pytest.fixture(scope="module")
def damaged_run(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path_factory.mktemp("damaged") / "run"))


# Translation


@pytest.fixture(scope="module")
def trained(finished: Finished) -> Run:
    return load_run(finished.path, device="cpu", threads=1)


@fuzz
@given(lines=st.lists(st.text(max_size=60) | st.text("a man sees", max_size=400), min_size=1, max_size=4))
def test_any_lines_are_translated_each_in_its_place(trained: Run, lines: list[str]) -> None:
    translations = list(translate(trained, lines))
    assert len(translations) == len(lines)
    for line, translation in zip(lines, translations, strict=True):
        assert len(translation.text.splitlines()) <= 1
        if not normalise(line):
            assert translation.text == ""
