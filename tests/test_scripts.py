"""scripts/demo and scripts/test on machines made of stand-ins: what they find, install, run and say."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

# A stand-in for an environment's Python: `-m pip` is logged and puts the commands there, the rest is real.
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then
    echo "pip $*" >>"$LOG"
    for name in s2s ruff mypy pytest; do cp "$STAND_INS/$name" "$(dirname "$0")/$name"; done
else
    exec {python} "$@"
fi
"""

S2S = """#!/bin/sh
echo "s2s $*" >>"$LOG"
case $1 in
    train) mkdir -p "$3" ;;
    eval) echo '{"scores": [{"name": "chrF2", "value": 99}, {"name": "BLEU", "value": 91.26}]}' ;;
    align) echo 0-0; echo "${ALIGN_SAYS:-AER 0.123}" >&2; exit ${ALIGN_EXIT:-0} ;;
esac
"""

TOOL = """#!/bin/sh
echo "${0##*/} $*" >>"$LOG"
test "${0##*/}" != "$BROKEN"
"""


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Machine:
    """A copy of the repository's scripts and an active environment in which nothing is installed."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "a checkout"
        self.environment = directory / "environment"
        self.log = directory / "log"
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        for name in ("pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.root / name)
        write_program(self.environment / "bin/python", PYTHON.format(python=sys.executable))
        write_program(directory / "stand-ins/s2s", S2S)
        for name in ("ruff", "mypy", "pytest"):
            write_program(directory / "stand-ins" / name, TOOL)
        self.variables = {
            "PATH": os.defpath,
            "VIRTUAL_ENV": str(self.environment),
            "LOG": str(self.log),
            "STAND_INS": str(directory / "stand-ins"),
        }

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a script from elsewhere, with nothing to read, and empties the log first."""
        self.log.unlink(missing_ok=True)
        return subprocess.run(
            ["bash", self.root / "scripts" / script, *arguments],
            cwd=self.root.parent,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self, program: str) -> list[str]:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_test_checks_everything_in_order_and_passes_arguments_to_pytest(machine: Machine) -> None:
    done = machine.run("test", "-k", "beam search")
    assert done.returncode == 0, done.stderr
    log = machine.log.read_text(encoding="utf-8").splitlines()
    assert log[1:] == ["ruff check .", "ruff format --check .", "mypy ", "pytest -n auto -k beam search"]
    assert re.findall("^== (.*)", done.stdout, re.MULTILINE)[1:] == [
        "Lint: ruff check",
        "Format: ruff format --check",
        "Types: mypy",
        "Tests: pytest",
    ]


@pytest.mark.parametrize("broken", ["ruff", "mypy", "pytest"])
def test_test_stops_at_the_first_failure(machine: Machine, broken: str) -> None:
    assert machine.run("test", BROKEN=broken).returncode != 0
    assert machine.log.read_text(encoding="utf-8").splitlines()[-1].startswith(broken)


def test_installs_again_only_when_something_changed(machine: Machine) -> None:
    pip = "--disable-pip-version-check install --quiet -c requirements.lock -e"
    machine.run("demo")
    assert machine.calls("pip") == [f"-m pip {pip} ."]
    machine.run("demo")
    assert machine.calls("pip") == []
    machine.run("test")
    assert machine.calls("pip") == [f"-m pip {pip} .[dev]"]
    machine.run("demo")
    assert machine.calls("pip") == []
    with (machine.root / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("# another version\n")
    machine.run("test")
    assert machine.calls("pip") == [f"-m pip {pip} .[dev]"]


def test_installs_again_after_an_uninstall_and_for_another_checkout(machine: Machine) -> None:
    machine.run("test")
    (machine.environment / "bin/s2s").unlink()
    machine.run("test")
    assert len(machine.calls("pip")) == 1
    machine.root = machine.root.rename(machine.root.with_name("moved"))
    machine.run("test")
    assert len(machine.calls("pip")) == 1


def test_a_failed_installation_is_said_and_tried_again(machine: Machine) -> None:
    no_disk = "#!/bin/sh\n[ \"$1\" = -c ] || { echo 'ERROR: No space left' >&2; exit 1; }\n"
    working = (machine.environment / "bin/python").read_text(encoding="utf-8")
    write_program(machine.environment / "bin/python", no_disk)
    done = machine.run("test")
    assert done.returncode == 1
    assert re.search(r"No space left\ntest: the installation failed \(pip's reason is above\)\.", done.stderr)
    write_program(machine.environment / "bin/python", working)
    assert machine.run("test").returncode == 0


def test_demo_runs_the_main_job_and_sums_it_up(machine: Machine) -> None:
    done = machine.run("demo", "--set", "training.max_updates=5")
    assert done.returncode == 0, done.stderr
    sentence = "The agreement on the European Economic Area was signed in August 1992."
    test = "runs/demo/corpus/test"
    commands = [
        "train --out runs/demo --set training.max_updates=5",
        "data generate --pairs 0 --out runs/demo/corpus",
        f"eval runs/demo --src {test}.en --ref {test}.fr --json",
        f"align runs/demo --src {test}.en --trg {test}.fr --gold {test}.align",
        f"plot-alignment runs/demo {sentence} --out runs/demo/alignment.png",
    ]
    assert machine.calls("s2s") == commands
    for command in commands:
        assert f"$ s2s {command.replace(sentence, repr(sentence).replace(chr(39), chr(34)))}" in done.stdout
    summary = done.stdout.partition("== Summary")[2]
    assert re.search(r"^BLEU on test +91\.3 .*not comparable with BLEU on real text", summary, re.MULTILINE)
    assert re.search(r"^AER on test +0\.123 ", summary, re.MULTILINE)
    assert re.search(r"^picture +runs/demo/alignment\.png$", summary, re.MULTILINE)
    assert json.loads((machine.root / "runs/demo/test.scores.json").read_text(encoding="utf-8"))["scores"]
    assert (machine.root / "runs/demo/test.links").read_text(encoding="utf-8") == "0-0\n"


def test_demo_never_touches_an_earlier_run(machine: Machine) -> None:
    for name in ("runs/demo", "runs/demo-2", "runs/demo-3"):
        assert machine.run("demo").returncode == 0
        assert machine.calls("s2s")[0] == f"train --out {name}"


def test_demo_stops_where_a_command_fails(machine: Machine) -> None:
    assert machine.run("demo", ALIGN_EXIT="3").returncode == 3
    assert machine.calls("s2s")[-1].startswith("align")


def test_demo_does_not_sum_up_without_an_alignment_error_rate(machine: Machine) -> None:
    done = machine.run("demo", ALIGN_SAYS="no gold")
    assert done.returncode == 1
    assert re.search(r"demo: s2s align named no AER; what it said is in runs/demo/test\.aer\.txt", done.stderr)
    assert "Summary" not in done.stdout


def without_environment(machine: Machine, directory: Path, pythons: dict[str, str]) -> dict[str, str]:
    """The variables of a machine whose PATH has these Pythons (name -> script) and what bash needs."""
    for name in ("bash", "cat", "cksum", "dirname", "rm", "sh"):
        program = shutil.which(name)
        assert program is not None
        (directory / "bin").mkdir(exist_ok=True)
        (directory / "bin" / name).symlink_to(program)
    for name, script in pythons.items():
        write_program(directory / "bin" / name, script)
    return {"VIRTUAL_ENV": "", "PATH": str(directory / "bin")}


OLD = "#!/bin/sh\nexit 1\n"
NO_VENV = "#!/bin/sh\ncase $2 in *ensurepip*) exit 1 ;; esac\n"
MAKES = """#!/bin/sh
[ "$2" != venv ] || {{ echo "{name} $*" >>"$LOG"; echo "no room" >&2; exit 1; }}
"""


@pytest.mark.parametrize("pythons", [{}, {"python3": OLD}], ids=["none", "too old"])
def test_a_machine_without_a_new_enough_python(machine: Machine, tmp_path: Path, pythons: dict[str, str]) -> None:
    done = machine.run("test", **without_environment(machine, tmp_path, pythons))
    assert done.returncode == 1
    assert re.match(r"test: Python 3\.11 or newer is needed, and none of .*\n  Install it", done.stderr)


def test_a_machine_without_the_venv_module(machine: Machine, tmp_path: Path) -> None:
    done = machine.run("demo", **without_environment(machine, tmp_path, {"python3.13": OLD, "python3": NO_VENV}))
    assert done.returncode == 1
    assert re.match(r"demo: python3 lacks the modules venv and ensurepip.*\n  Install them", done.stderr)


def test_the_first_python_that_will_do_makes_the_environment(machine: Machine, tmp_path: Path) -> None:
    pythons = {"python3.13": OLD, "python3.12": NO_VENV} | {
        name: MAKES.format(name=name) for name in ("python3.11", "python3")
    }
    variables = without_environment(machine, tmp_path, pythons) | {
        "CONDA_PREFIX": "/conda",
        "CONDA_DEFAULT_ENV": "base",
    }
    done = machine.run("test", **variables)
    assert machine.log.read_text(encoding="utf-8") == f"python3.11 -m venv {machine.root}/.venv\n"
    assert re.search(
        r"no room\ntest: could not make .*/\.venv \(the reason is above\)\.\n  If .*: remove it", done.stderr
    )


def test_an_active_environment_that_will_not_do(machine: Machine) -> None:
    write_program(machine.environment / "bin/python", OLD)
    done = machine.run("test")
    assert done.returncode == 1
    assert re.match(r"test: .*/environment has no bin/python of version 3\.11 or newer\.\n  Activate", done.stderr)


def test_an_active_conda_environment_is_used(machine: Machine) -> None:
    variables = {"VIRTUAL_ENV": "", "CONDA_PREFIX": str(machine.environment), "CONDA_DEFAULT_ENV": "mine"}
    assert machine.run("test", **variables).returncode == 0
    assert len(machine.calls("pip")) == 1


def test_the_lock_pins_a_tested_version_of_each_dependency() -> None:
    """Exact, within the bounds of pyproject.toml, and public: `2.13.0` admits builds for CPU and CUDA."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"] + project["optional-dependencies"]["dev"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pins[wanted.name]), text
    assert not [pin for pin in pins.items() if "+" in pin[1] or pin[0].startswith("nvidia")]


@pytest.mark.slow
def test_the_benchmark_measures_each_contender_and_its_share_of_the_floor(tmp_path: Path) -> None:
    files = [tmp_path / "train.en", tmp_path / "train.fr"]
    for path in files:
        path.write_text("".join(f"{n} {n * n} {n + 1}\n" for n in range(300)), encoding="utf-8")
    tiny = "model.hidden_size=8 model.embed_size=8 tokenizer.size=300 training.batch_tokens=100"
    command = [sys.executable, str(ROOT / "scripts/bench.py"), "train", "--model", tiny, "--model"]
    command += [f"{tiny} model.cell=lstm", "--textbook", "gru", "--rounds", "2", "--updates", "1", "--json"]
    command += ["--train", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told = json.loads(done.stdout)
    results = told["results"]
    assert told["settings"] == tiny.split()
    assert [result["name"] for result in results] == ["s2s", "s2s model.cell=lstm", "textbook gru"]
    for result in results:
        assert 0 < result["least"] <= result["median"] <= result["most"]
    gru, lstm, _ = results
    assert 0 < gru["share_of_floor"] < 1
    # Recurrent weights of four blocks in place of three; readout, attention and output layer are the same.
    assert 1.0 < lstm["mflop_a_token"] / gru["mflop_a_token"] < 4 / 3


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ps"), reason="memory is asked of ps")
def test_the_benchmark_measures_the_memory_of_training_and_translation(tmp_path: Path) -> None:
    files = [tmp_path / "train.en", tmp_path / "train.fr"]
    for path in files:
        path.write_text("".join(f"{n} {n * n} {n + 1}\n" for n in range(300)), encoding="utf-8")
    settings = "model.hidden_size=8 model.embed_size=8 tokenizer.size=300 decoding.max_length=0.1"
    command = [sys.executable, str(ROOT / "scripts/bench.py"), "memory", "--train", *map(str, files), "--json"]
    command += ["--model", settings, "--minutes", "0.05", "--lines", "500"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    training, translation = json.loads(done.stdout)["results"]
    assert (training["name"], translation["name"]) == ("training", "translation of 500 lines")
    for result in (training, translation):  # in so short a run the least may be of a Python that still imports
        assert 1 < result["least"] <= result["median"] <= result["most"] <= result["peak_mb"]
        assert 50 < result["peak_mb"] < 5000
