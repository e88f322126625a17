#!/usr/bin/env python
"""How fast s2s trains, translates and starts, and how much memory it takes.

Speed stands beside the machine's own limit, a textbook loop, another revision, or other programs.

    python scripts/bench.py train --model model.cell=gru --model model.cell=lstm --textbook gru
    python scripts/bench.py train --train x.en x.fr --against HEAD~3
    python scripts/bench.py train --train x.en x.fr --peers
    python scripts/bench.py translate runs/mine --input test.en
    python scripts/bench.py startup
    python scripts/bench.py memory --train x.en x.fr --minutes 60 --lines 1000000

Contenders run in processes of their own and take turns, so that a machine whose speed drifts treats them alike; each
figure is the median of the rounds, with the least and the most. Speed is in real target tokens a second: the end of
sentence counts, padding does not. The limit ("floor") is what the machine reaches in large matrix products of the same
number format, measured in the same rounds, over the operations that a token of the model needs.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any, Protocol

import peers
import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".peers"
"""Where other programs are installed, each in an environment of its own."""

PAIRS = 6000
"""Sentence pairs that are read: enough for every round, quick to prepare."""

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=__doc__, rich_markup_mode=None, pretty_exceptions_enable=False
)

Rounds = Annotated[int, typer.Option(min=1, help="Rounds that are counted; one more goes before them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object in place of a table.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads of each contender.")]


class Worker(Protocol):
    """A contender's process: prepared once, then asked for one round after the other.

    Attributes:
        about: `flops`, the operations that a token needs, where they are known.
    """

    about: dict[str, Any]

    def round(self) -> dict[str, float]:
        """What one round measured: `count` of tokens or sentences, `seconds`, `peak_mb`, perhaps a `rate`."""

    def close(self) -> None:
        """End the process."""


class Contender(Protocol):
    """Who is measured."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def start(self, threads: int) -> Worker:
        """Its process, with so many threads."""


@dataclass(frozen=True)
class Ours:
    """This program; `order` is what its process is told: see `worker`."""

    name: str
    order: dict[str, Any]
    code: Path = ROOT

    def start(self, threads: int) -> Worker:
        """See `Contender.start`."""
        return OurWorker(self, threads)


@dataclass(frozen=True)
class Theirs:
    """Another program."""

    peer: peers.Peer
    task: peers.Task
    updates: int

    @property
    def name(self) -> str:
        """See `Contender.name`."""
        return f"{self.peer.name} {self.peer.version}"

    def start(self, threads: int) -> Worker:
        """See `Contender.start`."""
        return peers.start_training(self.peer, self.task, self.updates, threads, ENVIRONMENTS)


@dataclass(frozen=True)
class TheirSearch:
    """Another program that translates, after a training of so many updates."""

    peer: peers.Peer
    task: peers.Task
    updates: int
    beam: int
    lines: int

    @property
    def name(self) -> str:
        """See `Contender.name`."""
        return f"beam {self.beam}, {self.peer.name} {self.peer.version}"

    def start(self, threads: int) -> Worker:
        """See `Contender.start`."""
        return peers.start_translating(self.peer, self.task, self.updates, self.beam, self.lines, threads, ENVIRONMENTS)


class OurWorker:
    """See `Worker`."""

    def __init__(self, contender: Ours, threads: int) -> None:
        environment = {**os.environ, "PYTHONPATH": str(contender.code), "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(contender.code / "scripts" / "bench.py"),
                "worker",
                json.dumps({**contender.order, "threads": threads}),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.about = self._answer()

    def round(self) -> dict[str, float]:
        """See `Worker.round`."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a contender ended with exit code {self.process.wait()}; its message is above")
        return dict(json.loads(line))

    def close(self) -> None:
        """See `Worker.close`."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@app.command()
def train(
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="SETTINGS", help="A contender: settings with blanks between them. Repeatable."),
    ] = None,
    textbook: Annotated[
        list[str] | None, typer.Option(metavar="CELL", help="A plain loop over torch.nn modules: gru or lstm.")
    ] = None,
    against: Annotated[str | None, typer.Option(metavar="REV", help="The first contender in another revision.")] = None,
    with_peers: Annotated[
        bool, typer.Option("--peers", help="JoeyNMT and OpenNMT-py at the first contender's sizes, from PyPI.")
    ] = False,
    train_files: Annotated[
        tuple[Path, Path] | None, typer.Option("--train", metavar="SRC TRG", help="Default: the built-in corpus.")
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help="Updates in a round.")] = 10,
    rounds: Rounds = 5,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Training: whole updates (batching, forward, backward, clipping, Adam), and their share of the floor."""
    data = {"train": [str(path.resolve()) for path in train_files] if train_files else [], "updates": updates}
    models = [settings.split() for settings in model or [""]]
    shared = [setting for setting in models[0] if all(setting in others for others in models)]
    ours = [
        Ours(
            " ".join(["s2s", *(s for s in settings if s not in shared)]),
            {"kind": "train", "settings": settings, **data},
        )
        for settings in models
    ]
    textbooks = [
        Ours(f"textbook {cell}", {"kind": "textbook", "settings": [*models[0], f"model.cell={cell}"], **data})
        for cell in textbook or []
    ]
    with _revision(against) as code, tempfile.TemporaryDirectory() as folder:
        before = [Ours(f"{ours[0].name} @ {against}", ours[0].order, code)] if code else []
        task = _task({**ours[0].order, "threads": threads}, Path(folder)) if with_peers else None
        theirs = [Theirs(peer, task, updates) for peer in peers.PEERS] if task else []
        results = _compete([*ours, *textbooks, *before, *theirs], rounds, threads)
    _print("target tokens/s", results, as_json, shared)


@app.command()
def translate(
    run: Annotated[Path, typer.Argument(metavar="RUN")],
    input_file: Annotated[Path, typer.Option("--input", metavar="FILE", help="One sentence a line.")],
    lines: Annotated[int, typer.Option(min=1, help="Lines of it in a round.")] = 200,
    beam: Annotated[list[int] | None, typer.Option(help="A beam to try. Repeatable; default 1 and 5.")] = None,
    against: Annotated[str | None, typer.Option(metavar="REV", help="The same in this revision, too.")] = None,
    with_peers: Annotated[
        bool, typer.Option("--peers", help="JoeyNMT and OpenNMT-py of RUN's sizes, trained on its corpus first.")
    ] = False,
    peer_updates: Annotated[int, typer.Option(min=1, help="Updates that these are trained for.")] = 500,
    rounds: Rounds = 5,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Translation: sentences a second."""
    order = {"kind": "translate", "run": str(run.resolve()), "input": str(input_file.resolve()), "lines": lines}
    ours = [Ours(f"beam {size}", {**order, "beam": size}) for size in beam or [1, 5]]
    with _revision(against) as code, tempfile.TemporaryDirectory() as folder:
        before = [Ours(f"{c.name} @ {against}", c.order, code) for c in ours] if code else []
        theirs = (
            _their_searches(run, input_file, lines, beam or [1, 5], peer_updates, Path(folder)) if with_peers else []
        )
        results = _compete([*ours, *before, *theirs], rounds, threads)
    _print("sentences/s", results, as_json)


def _their_searches(
    run: Path, input_file: Path, lines: int, beams: Sequence[int], updates: int, folder: Path
) -> list[TheirSearch]:
    from s2s.data.corpus import read_lines

    text = [line for line in islice(read_lines(input_file), lines) if line.strip()]  # they cannot do without words
    task = _task_of(run, text, folder)
    return [TheirSearch(peer, task, updates, beam, len(text)) for beam in beams for peer in peers.PEERS]


@app.command()
def startup(rounds: Rounds = 5, as_json: AsJson = False) -> None:
    """Seconds from a command to its answer."""
    commands = {
        "s2s --version": ["-m", "s2s", "--version"],
        "s2s --help": ["-m", "s2s", "--help"],
        "import torch": ["-c", "import torch"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, arguments in commands.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
            if turn:
                seconds[name].append(time.perf_counter() - began)
    _print("seconds", [{"name": name, **_spread(values)} for name, values in seconds.items()], as_json)


@app.command()
def memory(
    train_files: Annotated[
        tuple[Path, Path] | None, typer.Option("--train", metavar="SRC TRG", help="Default: the built-in corpus.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="SETTINGS", help="Settings with blanks between them.")] = "",
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 1.0,
    lines: Annotated[int, typer.Option(min=1, help="Lines to translate then; the corpus' own, over and over.")] = 10000,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Memory of training and then of translation: over their last three quarters, and at its highest."""
    from s2s.data.corpus import read_lines

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        settings = [f"training.threads={threads}", "training.device=cpu", *model.split()]
        files = [str(path.resolve()) for path in train_files or ()]
        data = ["--train", *files] if files else ["--set", "data.corpus=builtin"]
        chosen = [word for setting in settings for word in ("--set", setting)]
        training = ["train", *data, "--out", str(run), "--minutes", str(minutes), *chosen]
        results = [{"name": "training", **_resident(training)}]
        source = train_files[0] if train_files else _builtin_source(Path(folder))
        text = Path(folder) / "lines"
        with text.open("w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in islice(cycle(read_lines(source)), lines))
        translating = ["translate", str(run), "--input", str(text), "--output", os.devnull, "--threads", str(threads)]
        results.append({"name": f"translation of {lines:,} lines", **_resident(translating)})
    _print("MB", results, as_json)


def _builtin_source(folder: Path) -> Path:
    """The English side of the built-in corpus' training part."""
    arguments = ["data", "generate", "--pairs", "1000", "--out", str(folder / "builtin")]
    subprocess.run([sys.executable, "-m", "s2s", *arguments], cwd=ROOT, capture_output=True, check=True)
    return folder / "builtin" / "train.en"


def _resident(arguments: Sequence[str]) -> dict[str, float]:
    """Megabytes that an s2s command and its processes hold, looked at several times a second.

    Mapped files count, too, and what several processes share as often as they do.
    """
    seen: list[float] = []
    with subprocess.Popen([sys.executable, "-m", "s2s", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True)
                rows = [list(map(int, line.split())) for line in shown.stdout.splitlines()]
                seen.append(sum(rss for own, parent, rss in rows if process.pid in (own, parent)) / 2**10)
                time.sleep(0.25)
        finally:
            process.terminate()
    seen = [megabytes for megabytes in seen if megabytes]
    if process.returncode or not seen:
        raise SystemExit(f"s2s {arguments[0]} ended with exit code {process.returncode}; its message is above")
    return {**_spread(seen[len(seen) // 4 :]), "peak_mb": max(seen)}


def _compete(contenders: Sequence[Contender], rounds: int, threads: int) -> list[dict[str, Any]]:
    """Each contender's figures, rounds interleaved; the round before the first is not counted."""
    found: list[list[dict[str, float]]] = [[] for _ in contenders]
    with ExitStack() as running:  # whatever happens, no process is left behind
        workers = []
        for contender in contenders:
            workers.append(contender.start(threads))
            running.callback(workers[-1].close)
        for turn in range(rounds + 1):
            for worker, seen in zip(workers, found, strict=True):
                measured = worker.round()
                if turn:
                    seen.append(measured)
    results = []
    for contender, worker, seen in zip(contenders, workers, found, strict=True):
        speed = [measured["count"] / measured["seconds"] for measured in seen]
        result = {"name": contender.name, **_spread(speed)}
        if "peak_mb" in seen[-1]:
            result["peak_mb"] = seen[-1]["peak_mb"]
        if "flops" in worker.about:
            shares = [s * worker.about["flops"] / m["rate"] for s, m in zip(speed, seen, strict=True)]
            result |= {"mflop_a_token": worker.about["flops"] / 1e6, "share_of_floor": statistics.median(shares)}
        results.append(result)
    return results


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def _print(unit: str, results: Sequence[dict[str, Any]], as_json: bool, shared: Sequence[str] = ()) -> None:
    """A table, or JSON; `shared` are the settings that no name needs to have."""
    if as_json:
        typer.echo(json.dumps({"unit": unit, "settings": list(shared), "results": list(results)}, indent=2))
        return
    first = results[0]["median"]
    table = Table(title=" ".join(shared), title_justify="left", title_style="")
    for title in ("contender", unit, "least to most", "to the first", "share of the floor", "peak memory"):
        table.add_column(title, justify="left" if title == "contender" else "right")
    for result in results:
        digits = 2 if result["median"] < 100 else 0
        share = "{share_of_floor:.0%} of {mflop_a_token:.1f} MFLOP" if "share_of_floor" in result else ""
        table.add_row(
            result["name"],
            f"{result['median']:,.{digits}f}",
            f"{result['least']:,.{digits}f} to {result['most']:,.{digits}f}",
            f"{result['median'] / first:.2f}",
            share.format_map(result),
            f"{result['peak_mb']:,.0f} MB" if "peak_mb" in result else "",
        )
    Console().print(table)


@contextmanager
def _revision(name: str | None) -> Iterator[Path | None]:
    """The code of another revision in a folder of its own, for as long as it is needed."""
    if name is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(code), name], cwd=ROOT, check=True)
        try:
            yield code
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(code)], cwd=ROOT, check=True)


# What follows runs in a contender's process, on the code that PYTHONPATH names.

Job = Callable[[], int]
"""One round; how many tokens or sentences it did."""


@app.command(hidden=True)
def worker(order: str) -> None:
    """Prepare what the order says; then, for each line on standard input, do a round and print what it measured."""
    import torch

    told = json.loads(order)
    torch.set_num_threads(told["threads"])
    torch.manual_seed(1)
    about: dict[str, float] = {}
    job = {"train": _training, "textbook": _textbook, "translate": _translation}[told["kind"]](told, about)
    print(json.dumps(about), flush=True)  # noqa: T201
    for _ in sys.stdin:
        rate = _product_rate(about.get("narrow", 0.0))
        began = time.perf_counter()
        count = job()
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        print(json.dumps({"count": count, "seconds": seconds, "rate": rate, "peak_mb": peak}), flush=True)  # noqa: T201


def _product_rate(narrow: float) -> float:
    """Operations a second in a large product, in bf16 where `narrow` is 1 and in fp32 where it is 0."""
    import torch

    kind = torch.bfloat16 if narrow else torch.float32
    left, right = torch.ones(1000, 1024, dtype=kind), torch.ones(1024, 1024, dtype=kind)
    _ = left @ right
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        _ = left @ right
        seconds.append(time.perf_counter() - began)
    return float(2 * 1000 * 1024 * 1024 / min(seconds))


def _prepared(told: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The configuration, the training data and the tokenizer."""
    from s2s.config import check_config, merge, parse_override
    from s2s.data.batches import TrainingData
    from s2s.data.store import StoredEncodedPairs, StoredIds
    from s2s.data.tokenizer import EOS, train_tokenizer
    from s2s.workflow.corpora import read_corpora

    data = {"train": told["train"]} if told["train"] else {"corpus": "builtin", "pairs": PAIRS}
    fixed = {"data": data, "training": {"threads": told["threads"], "device": "cpu"}}
    config = check_config(merge(fixed, *(parse_override(text) for text in told["settings"])))
    pairs = read_corpora(config.data, 1).train[:PAIRS]
    texts = [pair.src for pair in pairs] + [pair.trg for pair in pairs]
    tokenizer = train_tokenizer(texts, kind=config.tokenizer.kind, size=config.tokenizer.size).tokenizer
    encoded = StoredEncodedPairs(
        StoredIds((*src, EOS) for src in tokenizer.encode_all(pair.src for pair in pairs)),
        StoredIds(tokenizer.encode_all(pair.trg for pair in pairs)),
    )
    return config, TrainingData(encoded, config.training.batch_tokens, seed=1), tokenizer


def _task(told: dict[str, Any], folder: Path) -> peers.Task:
    """The same for a peer: files of the same pieces, and the same sizes."""
    config, data, tokenizer = _prepared(told)
    _write_pieces(folder / "train.src", tokenizer, (pair.src[:-1] for pair in data.pairs))
    _write_pieces(folder / "train.trg", tokenizer, (pair.trg for pair in data.pairs))
    return _described(config, tokenizer, tokenizer, folder)


def _task_of(run: Path, lines: Sequence[str], folder: Path) -> peers.Task:
    """What a peer is trained on to be measured beside a run: the run's pairs in its pieces, and its sizes."""
    from s2s.data.tokenizer import EOS
    from s2s.workflow.corpora import read_corpora
    from s2s.workflow.run import RunDirectory

    directory = RunDirectory(run)
    config = directory.read_config()
    tokenizers = directory.read_tokenizers(directory.read_manifest(), config)
    src, trg = tokenizers.src, tokenizers.trg
    pairs = read_corpora(config.data, config.training.seed).train
    _write_pieces(folder / "train.src", src, src.encode_each(pair.src for pair in pairs))
    _write_pieces(folder / "train.trg", trg, trg.encode_each(pair.trg for pair in pairs))
    _write_pieces(folder / "test.src", src, src.encode_each(lines))
    _write_pieces(folder / "test.trg", trg, ([EOS + 1] for _ in lines))  # JoeyNMT wants as many of them
    return _described(config, src, trg, folder)


def _described(config: Any, src: Any, trg: Any, folder: Path) -> peers.Task:
    from s2s.data.tokenizer import EOS

    for side, tokenizer in (("src", src), ("trg", trg)):
        pieces = tokenizer.pieces(range(EOS + 1, tokenizer.size))
        (folder / f"vocabulary.{side}").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
        few = list(islice((folder / f"train.{side}").open(encoding="utf-8"), 64))
        for name in ("dev", "test"):
            if not (path := folder / f"{name}.{side}").exists():
                path.write_text("".join(few), encoding="utf-8")
    model, training = config.model, config.training
    return peers.Task(
        folder=folder,
        cell=model.cell,
        embed_size=model.embed_size,
        hidden_size=model.hidden_size,
        decoder_size=model.decoder_size or 2 * model.hidden_size,
        batch_tokens=training.batch_tokens,
        dropout=model.dropout,
        label_smoothing=training.label_smoothing,
    )


def _write_pieces(path: Path, tokenizer: Any, sequences: Iterable[Sequence[int]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{' '.join(tokenizer.pieces(sequence))}\n" for sequence in sequences)


def _batches(data: Any) -> Iterator[Any]:
    """Batches without end."""
    epoch = 0
    while True:
        yield from data.batches(data.plan(epoch))
        epoch += 1


def _training(told: dict[str, Any], about: dict[str, float]) -> Job:
    from s2s.build import build_model, build_replicas
    from s2s.compute import build_compute, precision_name
    from s2s.training.optim import build_adam, clip_gradients

    config, data, tokenizer = _prepared(told)
    compute, vocab = build_compute(config), tokenizer.size
    model = build_model(config.model, src_vocab=vocab, trg_vocab=vocab)
    replicas, optimizer = build_replicas(config.training, compute, model), build_adam(model)
    optimizer.param_groups[0]["lr"] = 1e-4
    batches = _batches(data)
    about |= {"flops": _flops(model, data), "narrow": float(precision_name(compute.precision) == "bf16")}

    def job() -> int:
        tokens = 0
        for _ in range(told["updates"]):
            batch = next(batches)
            replicas.backward([batch], batch.tokens)
            clip_gradients(model, config.training.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tokens += batch.tokens
        return tokens

    return job


def _flops(model: Any, data: Any) -> float:
    """Operations for a target token: two for each weight that it meets, forward, and as many twice again, backward."""
    tokens = sum(len(pair.trg) + 1 for pair in data.pairs)
    a_source_token = sum(len(pair.src) for pair in data.pairs) / tokens
    a_sentence = len(data.pairs) / tokens
    total = 0.0
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.dim() == 2 and not name.endswith("peephole") and "embedding" not in name:
            of_source = name.startswith("encoder") or ".key." in name
            times = a_source_token if of_source else a_sentence if ".begin." in name else 1.0
            total += 6 * parameter.numel() * times
    return total


def _textbook(told: dict[str, Any], about: dict[str, float]) -> Job:
    """The loop of the tutorials over torch.nn modules: a cell a step, keys anew at each step, padding included."""
    import torch
    from torch import nn

    from s2s.training.optim import build_adam

    config, data, tokenizer = _prepared(told)
    settings = config.model
    vocab, states_width = tokenizer.size, 2 * settings.hidden_size
    width = settings.decoder_size or states_width
    lstm = settings.cell == "lstm"
    encoder_kind, cell_kind = (nn.LSTM, nn.LSTMCell) if lstm else (nn.GRU, nn.GRUCell)
    model = nn.ModuleDict(
        {
            "embedding": nn.Embedding(vocab, settings.embed_size),
            "encoder": encoder_kind(settings.embed_size, settings.hidden_size, batch_first=True, bidirectional=True),
            "query": nn.Linear(width, width),
            "key": nn.Linear(states_width, width),
            "score": nn.Linear(width, 1),
            "cell": cell_kind(settings.embed_size, width),
            "cell2": cell_kind(states_width, width),
            "readout": nn.Linear(width + states_width + settings.embed_size, settings.embed_size),
            "output": nn.Linear(settings.embed_size, vocab),
        }
    )
    dropout = nn.Dropout(settings.dropout)
    loss_of = nn.CrossEntropyLoss(ignore_index=0, label_smoothing=config.training.label_smoothing, reduction="sum")
    optimizer = build_adam(model)
    batches = _batches(data)

    def loss(batch: Any) -> Any:
        states, _ = model["encoder"](dropout(model["embedding"](batch.src)))
        hidden = torch.zeros(batch.src.shape[0], width)
        memory = torch.zeros_like(hidden)
        logits = []
        for embedded in dropout(model["embedding"](batch.trg_in)).unbind(1):
            hidden, memory = _step(model["cell"], embedded, hidden, memory)
            scores = model["score"](torch.tanh(model["query"](hidden)[:, None] + model["key"](states)))[:, :, 0]
            weights = torch.softmax(scores.masked_fill(~batch.src_mask, float("-inf")), dim=1)
            context = torch.bmm(weights[:, None], states)[:, 0]
            hidden, memory = _step(model["cell2"], context, hidden, memory)
            readout = torch.tanh(model["readout"](torch.cat((hidden, context, embedded), dim=1)))
            logits.append(model["output"](dropout(readout)))
        return loss_of(torch.stack(logits, dim=1).flatten(0, 1), batch.trg_out.flatten())

    def job() -> int:
        tokens = 0
        for _ in range(told["updates"]):
            batch = next(batches)
            optimizer.zero_grad()
            (loss(batch) / batch.tokens).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            tokens += batch.tokens
        return tokens

    return job


def _step(cell: Any, inputs: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """A step of either of torch's cells."""
    after = cell(inputs, (hidden, memory) if type(cell).__name__ == "LSTMCell" else hidden)
    return after if isinstance(after, tuple) else (after, memory)


def _translation(told: dict[str, Any], about: dict[str, float]) -> Job:
    from itertools import islice

    from s2s.data.corpus import read_lines
    from s2s.workflow.translation import load_run

    run = load_run(Path(told["run"]), device="cpu", threads=told["threads"])
    lines = list(islice(read_lines(Path(told["input"])), told["lines"]))
    translator = run.translator(run.beam(told["beam"]))
    return lambda: sum(1 for _ in translator.translate(lines))


if __name__ == "__main__":
    app()
