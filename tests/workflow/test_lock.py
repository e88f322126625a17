"""A run takes one training at a time, and a training that was killed holds nothing."""

import errno
import fcntl
import multiprocessing
import os
from pathlib import Path

import pytest

from s2s.errors import S2SError
from s2s.workflow.lock import NAME, Lock, is_held


def hold(directory: Path, taken: object) -> None:
    with Lock(directory):
        taken.set()  # type: ignore[attr-defined]
        multiprocessing.Event().wait()


def test_the_second_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with Lock(tmp_path):
        with pytest.raises(
            S2SError, match=rf"another process trains or tunes this run \(process {os.getpid()}\)\n  Wait"
        ):
            Lock(tmp_path)
        assert (tmp_path / NAME).read_text() == str(os.getpid())
    with Lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    taken = context.Event()
    holder = context.Process(target=hold, args=(tmp_path, taken))
    holder.start()
    assert taken.wait(30)
    with pytest.raises(S2SError, match=rf"\(process {holder.pid}\)"):
        Lock(tmp_path)
    holder.kill()
    holder.join()
    assert (tmp_path / NAME).exists()
    with Lock(tmp_path):
        pass


def test_whether_it_is_held_is_seen_without_taking_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with Lock(tmp_path):
        assert is_held(tmp_path)
    (tmp_path / NAME).write_text("1", encoding="utf-8")  # of a process that was killed
    assert not is_held(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_it_is_held_through_a_renaming(tmp_path: Path) -> None:
    (tmp_path / "aside").mkdir()
    with Lock(tmp_path / "aside"):
        (tmp_path / "aside").rename(tmp_path / "run")
        with pytest.raises(S2SError, match="another process trains or tunes"):
            Lock(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_whoever_got_a_file_that_is_gone_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the opening and the locking the process before ended, and took its file away."""
    flock = fcntl.flock
    calls = []

    def late(descriptor: int, how: int) -> None:
        flock(descriptor, how)
        if not calls:
            (tmp_path / NAME).unlink()
        calls.append(how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Lock(tmp_path):
        assert len(calls) == 2
        assert (tmp_path / NAME).exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(S2SError, match=r"run: the run directory cannot be written to: .*\n  See to its permissions"):
        Lock(tmp_path / "run")
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(S2SError, match=r"cannot be locked: No locks available\n  Its file system has no locks"):
        Lock(tmp_path)
