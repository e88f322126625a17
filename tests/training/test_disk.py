"""Files: each is whole, the old one or the new, whatever goes wrong meanwhile."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import S2SError
from s2s.training.disk import append, remove_leftovers, write_atomically


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(S2SError, match="cannot be written: No space left on device") as caught:
        write_atomically(path, b"new")
    assert caught.value.where == str(path)
    assert "untouched" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_file_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is renamed the new one is whole and on the disk; until then the old one stands; then the names follow."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    flushed: list[tuple[str, bytes, list[str]]] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        fsync(descriptor)
        what = "folder" if os.path.isdir(descriptor) else "file"
        asides = [other.read_bytes().decode() for other in tmp_path.iterdir() if other != path]
        flushed.append((what, path.read_bytes(), asides))

    monkeypatch.setattr(os, "fsync", watch)
    write_atomically(path, b"n", b"ew")
    assert flushed == [("file", b"old", ["new"]), ("folder", b"new", [])]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_that_cannot_flush_a_folder_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def only_files(descriptor: int) -> None:
        if os.path.isdir(descriptor):
            raise OSError(22, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_nothing_is_written_through_a_link_that_lies_in_the_way(tmp_path: Path) -> None:
    """Neither in the place of the file nor in that of the one aside, whose name can be guessed."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("file", f".file.{os.getpid()}.tmp"):
        (folder / name).symlink_to(outside)
    write_atomically(folder / "file", b"new")
    assert outside.read_bytes() == b"precious"
    assert [(path.name, path.read_bytes(), path.is_symlink()) for path in folder.iterdir()] == [("file", b"new", False)]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_disk_that_is_full_at_any_byte_leaves_the_old_file(content: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=0, max_value=len(content) - 1))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_atomically(path, b"old")
        with pytest.raises(S2SError, match="the file cannot be written: File too large"), room_for(size):
            write_atomically(path, content)
        assert path.read_bytes() == b"old"
        assert list(path.parent.iterdir()) == [path]


def test_text_is_added_at_the_end(tmp_path: Path) -> None:
    append(tmp_path / "log", "a\n")
    append(tmp_path / "log", "é\n")
    assert (tmp_path / "log").read_bytes() == "a\né\n".encode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_text_that_has_no_room_is_told(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"/dev/full: the file cannot be written: No space left on device\n  Make room"):
        append(Path("/dev/full"), "a\n")


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["last.safetensors", ".hidden", ".x.tmp", "y.12.tmp", ".last.safetensors.12.tmp.mine"]
    for name in (*kept, ".last.safetensors.12.tmp", ".config.toml.345.tmp"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match="cannot be written: No such file"):
        write_atomically(tmp_path / "none" / "file", b"")


def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(S2SError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "x", b"")


def test_an_interrupted_write_leaves_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "x", b"")
    assert not list(tmp_path.iterdir())
