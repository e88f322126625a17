"""JoeyNMT and OpenNMT-py as contenders of `bench.py --peers`: the same pairs, pieces, sizes and threads.

Each is installed from PyPI into an environment of its own, on the torch that s2s runs on, and trains and translates by
its own commands. In training it takes turns with the others by being paused: a round is what it does between two of its
progress lines. To translate it is trained for a while; then a round is one command, by the time that it tells itself.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOREVER = 10**7
"""Updates that no benchmark comes to."""

SENTENCES = 64
"""What they translate at a time."""

LINGER = 0.1
"""Seconds that a program goes on for after a progress line: it sets its clock anew then, and not after the pause."""

REST = """
import re
from importlib.metadata import requires
wanted = [need.partition(";") for need in requires({name!r})]
print("\\n".join(need for need, _, only in wanted if "extra" not in only and re.split("[^A-Za-z]", need)[0] != "torch"))
"""
"""What a package needs beside torch, printed by the Python of its environment."""


@dataclass(frozen=True)
class Task:
    """What is to be trained on, and how large the model is.

    Attributes:
        folder: holds `train`, `dev` and `test`, each `.src` and `.trg` with blanks between the pieces, and the pieces,
            one a line, as `vocabulary.src` and `vocabulary.trg`.
        cell: lstm or gru.
        hidden_size: of the encoder, per direction.
        decoder_size: of the decoder.
        batch_tokens: target tokens of a batch.
    """

    folder: Path
    cell: str
    embed_size: int
    hidden_size: int
    decoder_size: int
    batch_tokens: int
    dropout: float
    label_smoothing: float


class Peer(ABC):
    """Another program.

    Attributes:
        package: its name on PyPI.
        version: which one.
        also: packages that it imports and does not ask for.
        report: what its progress lines match, with a group `tokens` or `rate`.
        searched: what the line matches that tells of the `seconds` of a translation.
    """

    name: str
    package: str
    version: str
    report: re.Pattern[str]
    searched: re.Pattern[str]
    also: tuple[str, ...] = ()

    @abstractmethod
    def configure(self, task: Task, *, report_every: int, updates: int = FOREVER) -> str:
        """Its configuration, in YAML (of which JSON is a part), for a training that saves at its end."""

    @abstractmethod
    def training(self, environment: Path, config: Path) -> list[str]:
        """The command that trains."""

    @abstractmethod
    def translation(self, environment: Path, config: Path, task: Task, beam: int) -> list[str]:
        """The command that translates `test.src` with what was trained."""

    @abstractmethod
    def tokens(self, found: re.Match[str], updates: int, seconds: float) -> float:
        """Target tokens of the updates before a progress line; `seconds` is the time since the line before it."""


class OpenNMT(Peer):
    """OpenNMT-py. Its `bsz` are mean tokens of source and target of a batch, and its sentences."""

    name, package, version = "OpenNMT-py", "OpenNMT-py", "3.5.1"
    report = re.compile(r"Step \d+/.*bsz: *\d+/ *(?P<tokens>\d+)/")
    searched = re.compile(r"Total translation time \(s\): (?P<seconds>[\d.]+)")

    def configure(self, task: Task, *, report_every: int, updates: int = FOREVER) -> str:
        files = {"path_src": str(task.folder / "train.src"), "path_tgt": str(task.folder / "train.trg")}
        return json.dumps(
            {
                "data": {"corpus": {**files, "transforms": []}},
                "src_vocab": str(task.folder / "vocabulary.src"),
                "tgt_vocab": str(task.folder / "vocabulary.trg"),
                "save_model": str(task.folder / "opennmt"),
                "encoder_type": "brnn",
                "decoder_type": "rnn",
                "rnn_type": task.cell.upper(),
                "enc_layers": 1,
                "dec_layers": 1,
                "word_vec_size": task.embed_size,
                "enc_hid_size": 2 * task.hidden_size,
                "dec_hid_size": task.decoder_size,
                "global_attention": "mlp",
                "dropout": [task.dropout],
                "label_smoothing": task.label_smoothing,
                "optim": "adam",
                "learning_rate": 1e-3,
                "max_grad_norm": 1,
                "batch_type": "tokens",
                "batch_size": task.batch_tokens,
                "num_workers": 0,
                "train_steps": updates,
                "valid_steps": FOREVER,
                "save_checkpoint_steps": updates,
                "report_every": report_every,
            }
        )

    def training(self, environment: Path, config: Path) -> list[str]:
        return [str(environment / "bin" / "onmt_train"), "-config", str(config)]

    def translation(self, environment: Path, config: Path, task: Task, beam: int) -> list[str]:
        [model] = task.folder.glob("opennmt_step_*.pt")
        files = ["-model", str(model), "-src", str(task.folder / "test.src"), "-output", os.devnull]
        search = ["-beam_size", str(beam), "-batch_size", str(SENTENCES), "-report_time"]
        return [str(environment / "bin" / "onmt_translate"), *files, *search]

    def tokens(self, found: re.Match[str], updates: int, seconds: float) -> float:
        return int(found["tokens"]) * updates


class JoeyNMT(Peer):
    """JoeyNMT. It tells target tokens a second, by the clock on the wall: pauses count."""

    name, package, version = "JoeyNMT", "joeynmt", "2.3.0"
    also = ("importlib_metadata",)
    report = re.compile(r"Step: *\d+,.*Tokens per Sec: *(?P<rate>\d+)")
    searched = re.compile(r"Generation took (?P<seconds>[\d.]+)\[sec\]")

    def configure(self, task: Task, *, report_every: int, updates: int = FOREVER) -> str:
        side = {"max_length": 1000, "level": "word", "lowercase": False}
        special = {"unk": 0, "pad": 1, "bos": 2, "eos": 3}
        tokens = {"unk": "<unk>", "pad": "<pad>", "bos": "<s>", "eos": "</s>"}
        recurrent = {
            "type": "recurrent",
            "rnn_type": task.cell,
            "embeddings": {"embedding_dim": task.embed_size},
            "dropout": task.dropout,
            "num_layers": 1,
        }
        return json.dumps(
            {
                "name": "bench",
                "joeynmt_version": self.version,
                "model_dir": str(task.folder / "joeynmt"),
                "use_cuda": False,
                "fp16": False,
                "data": {
                    "train": str(task.folder / "train"),
                    "dev": str(task.folder / "dev"),
                    "test": str(task.folder / "test"),
                    "dataset_type": "plain",
                    "src": {"lang": "src", "voc_file": str(task.folder / "vocabulary.src"), **side},
                    "trg": {"lang": "trg", "voc_file": str(task.folder / "vocabulary.trg"), **side},
                    "special_symbols": {f"{name}_id": number for name, number in special.items()}
                    | {f"{name}_token": token for name, token in tokens.items()},
                },
                "training": {
                    "optimizer": "adam",
                    # Of its schedules the one that runs on any torch; by this factor the rate stays as it is.
                    "scheduling": "exponential",
                    "decrease_factor": 1.0,
                    "learning_rate": 1e-3,
                    "clip_grad_norm": 1.0,
                    "label_smoothing": task.label_smoothing,
                    "loss": "crossentropy",
                    "normalization": "tokens",
                    "batch_type": "token",
                    "batch_size": task.batch_tokens,
                    "num_workers": 0,
                    "epochs": FOREVER,
                    "updates": updates,
                    "validation_freq": updates,
                    "logging_freq": report_every,
                    "early_stopping_metric": "loss",
                },
                "testing": {"beam_size": 1, "batch_size": SENTENCES, "batch_type": "sentence"},
                "model": {
                    "initializer": "xavier_uniform",
                    "encoder": {**recurrent, "hidden_size": task.hidden_size, "bidirectional": True},
                    "decoder": {
                        **recurrent,
                        "hidden_size": task.decoder_size,
                        "hidden_dropout": task.dropout,
                        "attention": "bahdanau",
                        "input_feeding": True,
                        "init_hidden": "bridge",
                    },
                },
            }
        )

    def training(self, environment: Path, config: Path) -> list[str]:
        return [str(environment / "bin" / "python"), "-m", "joeynmt", "train", str(config), "--skip-test"]

    def translation(self, environment: Path, config: Path, task: Task, beam: int) -> list[str]:
        told = json.loads(config.read_text(encoding="utf-8"))
        told["data"].pop("dev")  # it would be translated, too
        told["testing"]["beam_size"] = beam
        searching = config.with_suffix(f".beam{beam}.yaml")
        searching.write_text(json.dumps(told), encoding="utf-8")
        return [str(environment / "bin" / "python"), "-m", "joeynmt", "test", str(searching)]

    def tokens(self, found: re.Match[str], updates: int, seconds: float) -> float:
        return int(found["rate"]) * seconds


PEERS: tuple[Peer, ...] = (OpenNMT(), JoeyNMT())


class PausedTraining:
    """A peer's training, which goes on during `round` alone."""

    def __init__(self, peer: Peer, command: Sequence[str], updates: int, environment: Mapping[str, str]) -> None:
        self.about: dict[str, float] = {}
        self._peer, self._updates, self._said = peer, updates, ""
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
        )
        self._reported = self._wait()[1]
        self._pause()

    def round(self) -> dict[str, float]:
        """Let it go on until its next progress line; what it did."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGCONT)
        found, ended = self._wait()
        self._pause()
        tokens = self._peer.tokens(found, self._updates, ended - self._reported)
        self._reported = ended
        return {"count": tokens, "seconds": LINGER + ended - began, "peak_mb": self._peak_mb()}

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()

    def _peak_mb(self) -> float:
        """The most memory that it ever had, where the system keeps that; else what it has now."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
            return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
        except OSError:
            shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True)
            return int(shown.stdout) / 2**10

    def _pause(self) -> None:
        time.sleep(LINGER)
        self.process.send_signal(signal.SIGSTOP)

    def _wait(self) -> tuple[re.Match[str], float]:
        """The next progress line, and when it came."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said = (self._said + line)[-2000:]
            if found := self._peer.report.search(line):
                return found, time.perf_counter()
        raise SystemExit(f"{self._peer.name} ended with exit code {self.process.wait()}:\n{self._said}")


class Translating:
    """A peer that was trained; a round is a whole command, and its time what the command tells of the search alone."""

    def __init__(self, peer: Peer, command: Sequence[str], lines: int, environment: Mapping[str, str]) -> None:
        self.about: dict[str, float] = {}
        self._peer, self._command, self._lines, self._environment = peer, command, lines, environment

    def round(self) -> dict[str, float]:
        """Translate once."""
        said = _run(self._command, self._environment)
        found = self._peer.searched.search(said)
        if not found:
            raise SystemExit(f"{self._peer.name} did not tell how long it took:\n{said[-2000:]}")
        return {"count": self._lines, "seconds": float(found["seconds"])}

    def close(self) -> None:
        """Nothing is left running."""


def start_training(peer: Peer, task: Task, updates: int, threads: int, environments: Path) -> PausedTraining:
    """Install a peer if that was not done before, and begin its training, with rounds of so many updates."""
    command = peer.training(installed(peer, environments), _configured(peer, task, report_every=updates))
    return PausedTraining(peer, command, updates, _variables(threads))


def start_translating(
    peer: Peer, task: Task, updates: int, beam: int, lines: int, threads: int, environments: Path
) -> Translating:
    """Install a peer and train it for so many updates, if that was not done before; it translates `lines` lines."""
    environment, variables = installed(peer, environments), _variables(threads)
    config = task.folder / f"{peer.name}.yaml"
    if not config.exists():
        print(f"training {peer.name} for {updates} updates", file=sys.stderr, flush=True)  # noqa: T201
        _run(peer.training(environment, _configured(peer, task, report_every=updates, updates=updates)), variables)
    return Translating(peer, peer.translation(environment, config, task, beam), lines, variables)


def _configured(peer: Peer, task: Task, **settings: int) -> Path:
    config = task.folder / f"{peer.name}.yaml"
    config.write_text(peer.configure(task, **settings), encoding="utf-8")
    return config


def _variables(threads: int) -> dict[str, str]:
    """What their processes run with; they read their own checkpoints as pickles, which newer torch does when told."""
    return {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}


def installed(peer: Peer, environments: Path) -> Path:
    """The environment of a peer, which is made if there is none.

    torch is the one of this environment, whatever the peer asks for: the programs are compared, not their torch.
    """
    from importlib.metadata import version

    place = environments / f"{peer.name}-{peer.version}"
    python = str(place / "bin" / "python")
    if place.exists():
        return place
    print(f"installing {peer.package} {peer.version} into {place}", file=sys.stderr, flush=True)  # noqa: T201
    venv.create(place, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        _run([*pip, f"torch=={version('torch').partition('+')[0]}"])
        _run([*pip, "--no-deps", f"{peer.package}=={peer.version}"])
        _run([*pip, *peer.also, *_run([python, "-W", "ignore", "-c", REST.format(name=peer.package)]).splitlines()])
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place


def _run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """What a command says on both of its outputs.

    Raises:
        SystemExit: it fails.
    """
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout
