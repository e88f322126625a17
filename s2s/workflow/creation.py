"""A new run directory, whole from its first moment, where there was none or one that may be replaced."""

import errno
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from s2s.config import Config
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.checkpoint import Progress, Saved, save_training
from s2s.training.disk import LEFTOVER, sync
from s2s.training.optim import build_adam
from s2s.workflow.lock import Lock, is_held
from s2s.workflow.manifest import Manifest
from s2s.workflow.run import FILES, RunDirectory
from s2s.workflow.tokenizers import Tokenizers

ANOTHER = "Choose another --out."


def refuse_existing(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where no new run can be made, or something is, unless it is a run and may be replaced.

    Raises:
        S2SError: with what is there; also where the run is being trained.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        _refuse_unwritable(out)
        return
    if not out.is_dir():
        raise S2SError("this is a file, and a run is a directory", where=str(out), hint=ANOTHER)
    if not overwrite:
        raise _exists(out)
    if not RunDirectory(out).exists():
        raise S2SError(
            "this is no run (it has no manifest.json), and --overwrite replaces nothing else",
            where=str(out),
            hint=ANOTHER,
        )
    RunDirectory(out).read_manifest()
    if others := _what_is_no_run(out):
        raise S2SError(
            f"there is more than a run here: {', '.join(others[:5])}; --overwrite would lose it",
            where=str(out),
            hint="Move it elsewhere, or choose another --out.",
        )
    with Lock(out):  # not to be told only when all is ready
        pass


@contextmanager
def new_run(
    run: RunDirectory,
    *,
    config: Config,
    written: str,
    tokenizers: Tokenizers,
    model: Seq2Seq,
    manifest: Manifest,
    overwrite: bool,
) -> Iterator[None]:
    """Make a run directory with all that training it needs, and hold its lock until the end of the `with`.

    It is made aside and renamed, so that it is there whole or not at all. A run that it replaces stands until then,
    and is renamed, too, before it is deleted.

    Raises:
        S2SError: it cannot be made, or the one to be replaced is being trained.
    """
    place = run.path.resolve()
    with ExitStack() as held:
        aside = RunDirectory(place.with_name(f".{place.name}.{os.getpid()}.new"))
        try:
            _remove_abandoned(place)
            aside.path.mkdir(parents=True)
            try:
                held.enter_context(Lock(aside.path))
                aside.write_config(config)
                if written:
                    aside.write_text("written.toml", written)
                aside.write_tokenizers(tokenizers)
                save_training(aside.last, model, build_adam(model), Saved(Progress()))
                aside.write_manifest(manifest)
                _put_in_place(aside.path, place, overwrite=overwrite)
            except BaseException:
                shutil.rmtree(aside.path, ignore_errors=True)
                raise
        except OSError as fault:
            if fault.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _exists(run.path) from fault
            raise S2SError(
                f"the run directory cannot be made: {fault.strerror}",
                where=str(run.path),
                hint=ANOTHER,
            ) from fault
        yield


def _put_in_place(aside: Path, place: Path, *, overwrite: bool) -> None:
    if not (overwrite and RunDirectory(place).exists()):
        aside.replace(place)
        sync(place.parent)
        return
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    with Lock(place):
        place.replace(old)
        try:
            aside.replace(place)
        except OSError:
            old.replace(place)
            raise
        sync(place.parent)
        shutil.rmtree(old, ignore_errors=True)


def _remove_abandoned(place: Path) -> None:
    """Remove what processes that were killed here left aside; what a living one holds stays.

    An old run that was on its way out while there is no new one in its place is kept.
    """
    ending = "(new|old)" if place.exists() else "new"
    abandoned = re.compile(rf"\.{re.escape(place.name)}\.\d+\.{ending}")
    for path in place.parent.iterdir() if place.parent.exists() else ():
        if abandoned.fullmatch(path.name) and path.is_dir() and not _what_is_no_run(path):
            with suppress(S2SError), Lock(path):
                shutil.rmtree(path)


def _what_is_no_run(directory: Path) -> list[str]:
    """The names of what is no file of a run."""
    names = sorted(path.name for path in directory.iterdir())
    return [name for name in names if name not in FILES and not LEFTOVER.fullmatch(name)]


def _refuse_unwritable(out: Path) -> None:
    """Better told now than when corpus and tokenizer are ready."""
    place = out.resolve().parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise S2SError(f"the run directory cannot be made: {place} is a file", where=str(out), hint=ANOTHER)
    if not os.access(place, os.W_OK | os.X_OK):
        raise S2SError(f"the run directory cannot be made: {place} cannot be written to", where=str(out), hint=ANOTHER)


def _exists(out: Path) -> S2SError:
    """What is said of a directory with something in it, which is asked about before a new run is begun."""
    if not RunDirectory(out).exists():
        return S2SError("the directory is not empty, and nothing is overwritten", where=str(out), hint=ANOTHER)
    if is_held(out):
        return S2SError(
            "a run stands here, and it is being trained now",
            where=str(out),
            hint="Choose another --out, or wait for it; a run takes one training at a time.",
        )
    return S2SError(
        "the run directory exists already, and nothing is overwritten",
        where=str(out),
        hint=f"Choose another --out, go on with it (s2s train --resume {shlex.quote(str(out))}), or replace it with "
        "--overwrite.",
    )
