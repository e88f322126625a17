"""A run from a stranger: nothing of it is executed, nothing outside it is read, and no number in it is believed."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rewriting import rewrite_config
from small_runs import Finished, Told

from s2s.data.tokenizer import train_tokenizer
from s2s.errors import S2SError
from s2s.workflow.run import FILES, LARGEST_TOKENIZER, LONGEST_TEXT
from s2s.workflow.training import resume
from s2s.workflow.translation import load_run, translate

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def run(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path / "run"))


NEEDED = ("manifest.json", "config.toml", "tokenizer.model", "best.safetensors")


@pytest.mark.parametrize("name", FILES)
def test_a_link_out_of_the_run_is_not_followed(run: Path, name: str) -> None:
    """Not to read, and on resume not to write: the log could lead to any file of the user's."""
    outside = run.parent / name
    if (run / name).exists():
        (run / name).rename(outside)
    else:
        outside.write_bytes(b"precious")
    before = outside.read_bytes()
    (run / name).symlink_to(Path("..") / name)
    for use in (load_run, lambda path: resume(path, Told())):
        with pytest.raises(S2SError, match=r"run/\.?\S+: this is a link out of the run; a run reads nothing outside"):
            use(run)
    assert outside.read_bytes() == before


@pytest.mark.parametrize("target", ["/etc/hostname", "../../nowhere", "log.txt"])
def test_links_that_lead_nowhere_or_in_a_circle(run: Path, target: str) -> None:
    (run / "log.txt").unlink()
    (run / "log.txt").symlink_to(target)
    with pytest.raises(
        S2SError, match=r"log\.txt: (this is a link out of the run|this is no plain file|the file cannot)"
    ):
        load_run(run)


def test_a_link_within_the_run_is_fine_and_so_is_one_to_the_run(run: Path) -> None:
    (run / "best.safetensors").rename(run / "mine.safetensors")
    (run / "best.safetensors").symlink_to("mine.safetensors")
    (run.parent / "link").symlink_to(run)
    assert len(list(translate(load_run(run.parent / "link", threads=1), ["a man ."]))) == 1


@pytest.mark.parametrize("name", ["config.toml", "tokenizer.model", "best.safetensors", "log.txt", ".lock"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_not_waited_for(run: Path, name: str, make: Callable[[Path], None]) -> None:
    (run / name).unlink(missing_ok=True)
    make(run / name)
    with pytest.raises(S2SError, match=r"this is no plain file; a run reads nothing outside its own directory\n  Put"):
        load_run(run)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_of_any_size_takes_no_memory(run: Path, name: str) -> None:
    """A terabyte that is a hole in the disk."""
    with (run / name).open("r+b") as stream:
        stream.truncate(2**40)
    with pytest.raises(S2SError, match=r"larger than \d\d\d?,\d+,\d+ bytes|by its header it has|it has [\d,]+ bytes"):
        load_run(run)
    assert LONGEST_TEXT < LARGEST_TOKENIZER < 2**30


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("hidden_size = 16", r"best\.safetensors: the checkpoint is of another model: \S+ should have shape \(\d+, "),
        ("embed_size = 16", r"best\.safetensors: the checkpoint is of another model: \S+ should have shape \(310, "),
    ],
)
@pytest.mark.parametrize("size", ["10000000", "100000000000000000", "9" * 40])
def test_a_model_of_any_size_takes_no_memory(run: Path, setting: str, message: str, size: str) -> None:
    key = setting.split()[0]
    rewrite_config(run, setting, f"{key} = {size}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(S2SError, match=rf"{message}|no model can be as large as this\n  Models of this kind are"):
        load_run(run)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize("name", NEEDED)
def test_a_byte_that_was_changed_never_ends_in_a_traceback(run: Path, name: str) -> None:
    """Told; or harmless, where it changes a date in the manifest, say. In weights and vocabulary it is always told."""
    whole = (run / name).read_bytes()
    for at in range(0, len(whole), max(len(whole) // 60, 1)):
        (run / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        try:
            translated = list(translate(load_run(run, threads=1), ["a man sees the sea ."]))
        except S2SError:
            continue
        assert len(translated) == 1
        assert name not in ("best.safetensors", "tokenizer.model")


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_was_cut_is_told(run: Path, name: str) -> None:
    whole = (run / name).read_bytes()
    for part in (0.0, 0.3, 0.6, 0.99):
        (run / name).write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(S2SError):
            load_run(run, threads=1)


def test_a_configuration_that_was_cut_anywhere_is_told(run: Path) -> None:
    """Also where what is left is one, with defaults for what is lost: training would go on with these."""
    whole = (run / "config.toml").read_text(encoding="utf-8")
    places = [at for at, char in enumerate(whole) if char == "\n"]
    for end in [
        0,
        *places,
        *(at + 1 for at in places[:-2]),
    ]:  # the last line but one is whole: its checksum alone is lost
        (run / "config.toml").write_text(whole[:end], encoding="utf-8")
        with pytest.raises(S2SError, match=r"config\.toml: the run's configuration is (cut short: decoding|damaged)"):
            load_run(run, threads=1)


def test_the_tokenizer_of_another_run_is_told(run: Path) -> None:
    trained = train_tokenizer(["a man sees the sea ."] * 9, kind="char", size=99)
    (run / "tokenizer.model").write_bytes(trained.tokenizer.model)
    with pytest.raises(
        S2SError, match=r"tokenizer\.model: the tokenizer is damaged, or of another run: .*\n  The run's"
    ):
        load_run(run)


def test_two_vocabularies_where_the_model_has_one(run: Path) -> None:
    """Out of range in the other's embedding."""
    for name in ("src.model", "trg.model"):
        shutil.copy(run / "tokenizer.model", run / name)
    (run / "tokenizer.model").unlink()
    with pytest.raises(S2SError, match=r"tokenizer\.model: the file cannot be read: No such file"):
        load_run(run)


WATCHED = """
import json, os, sys
from pathlib import Path
from s2s.workflow.translation import load_run, translate
from s2s.workflow.info import describe_run
import s2s.workflow.alignment
import sentencepiece, safetensors.torch

run = Path(sys.argv[1]).resolve()
# What Python and torch load on first use is loaded with a run of one's own.
list(translate(load_run(Path(sys.argv[2]), threads=1), ["a man ."]))
describe_run(Path(sys.argv[2]))
events = []
sys.addaudithook(lambda event, arguments: events.append((event, str(arguments[:2]))))
list(translate(load_run(run, threads=1), ["a man sees the sea ."]))
describe_run(run)
events, opened = list(events), [arguments for event, arguments in events if event == "open"]
print(json.dumps({
    "outside": [a for a in opened if str(run) not in a],
    "inside": len([a for a in opened if str(run) in a]),
    "executed": sorted({e for e, _ in events if e.startswith(("exec", "compile", "import", "subprocess", "os.exec",
        "os.system", "socket", "ctypes", "pickle", "marshal", "os.posix_spawn", "os.fork", "shutil", "os.remove"))}),
    "compiler": "torch._dynamo" in sys.modules,
}))
"""


def test_loading_opens_nothing_outside_and_executes_nothing(run: Path, finished: Finished) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(run), str(finished.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["inside"] >= len(NEEDED)
    assert seen["outside"] == []
    assert seen["executed"] == []
    assert not seen["compiler"], "torch's compiler takes seconds to load, and shapes need none"
