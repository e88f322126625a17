"""Downloads, from a server on loopback that serves well and badly."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from s2s.data.download import CORPORA, Corpus, download
from s2s.errors import S2SError, UsageError

TEXTS = {"train.en": b"a man\n" * 50, "train.fr": "un été\n".encode() * 50}
PACKED = {name: gzip.compress(text, mtime=0) for name, text in TEXTS.items()}


def table(packed: dict[str, bytes]) -> dict[str, Corpus]:
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in packed.items()}
    corpus = Corpus("small", "A small corpus", "for this test", "https://licence.example", "", hashes)
    return {"small": corpus}


class Server(ThreadingHTTPServer):
    """Answers `/corpus/NAME.gz` from `bodies`, cut after `cut` bytes if that is set; notes what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.bodies = dict(PACKED)
        self.cut: int | None = None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/corpus"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path.removeprefix("/corpus/").removesuffix(".gz"))
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is asked directly, whatever the environment says of proxies."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_files_are_fetched_checked_and_unpacked(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    paths = download("small", out, server.url + "/", table(PACKED))
    assert paths == [out / "train.en", out / "train.fr"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == TEXTS
    talk = capsys.readouterr()
    assert talk.out == ""
    assert "A small corpus\nLicence: for this test (https://licence.example)" in talk.err


def test_a_file_that_is_there_is_kept_and_not_asked_for(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.en").write_bytes(b"mine\n")
    paths = download("small", tmp_path, server.url, table(PACKED))
    assert server.asked == ["/corpus/train.fr.gz"]
    assert paths[0].read_bytes() == b"mine\n"
    assert f"{tmp_path / 'train.en'} is there already; kept" in capsys.readouterr().err
    download("small", tmp_path, server.url, table(PACKED))
    assert len(server.asked) == 1


def test_other_bytes_than_expected_are_not_used(server: Server, tmp_path: Path) -> None:
    server.bodies["train.fr"] = gzip.compress(b"something else\n")
    found, expected = (hashlib.sha256(body).hexdigest() for body in (server.bodies["train.fr"], PACKED["train.fr"]))
    with pytest.raises(
        S2SError,
        match=f"The file has other bytes than expected: sha256 {found}, not {expected}; it was not used",
    ):
        download("small", tmp_path, server.url, table(PACKED))
    assert [path.name for path in tmp_path.iterdir()] == ["train.en"]
    # Once the server is right again, the next call goes on after the good file.
    server.bodies["train.fr"] = PACKED["train.fr"]
    download("small", tmp_path, server.url, table(PACKED))
    assert server.asked.count("/corpus/train.en.gz") == 1
    assert (tmp_path / "train.fr").read_bytes() == TEXTS["train.fr"]


def test_a_file_that_the_server_has_not(server: Server, tmp_path: Path) -> None:
    del server.bodies["train.en"]
    with pytest.raises(S2SError, match="The server answers 404") as refused:
        download("small", tmp_path, server.url, table(PACKED))
    assert refused.value.where == f"{server.url}/train.en.gz"
    assert f"fetch {server.url}/train.en.gz" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_breaks_off(server: Server, tmp_path: Path) -> None:
    server.cut = 20
    size = len(PACKED["train.en"])
    with pytest.raises(S2SError, match=f"The answer broke off after 20 of {size} bytes"):
        download("small", tmp_path, server.url, table(PACKED))
    assert list(tmp_path.iterdir()) == []


def test_right_bytes_that_are_no_gzip_file(server: Server, tmp_path: Path) -> None:
    bodies = {"train.en": b"plain text\n"}
    server.bodies = bodies
    with pytest.raises(S2SError, match="This is not a whole gzip file"):
        download("small", tmp_path, server.url, table(bodies))
    assert list(tmp_path.iterdir()) == []


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            S2SError, match=r"The address cannot be reached: .*\n  Is there a network\? By hand: fetch"
        ) as refused:
            download("small", tmp_path, url, table(PACKED))
    assert refused.value.where == f"{url}/train.en.gz"
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.data.download.TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(S2SError, match="The answer broke off: timed out"):
            download("small", tmp_path, url, table(PACKED))
    assert list(tmp_path.iterdir()) == []


def test_something_that_is_not_a_web_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 hello\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        with pytest.raises(S2SError, match="The answer broke off: 220 hello"):
            download("small", tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}", table(PACKED))
        thread.join()


def test_a_folder_of_files_can_be_the_mirror(tmp_path: Path) -> None:
    for name, body in PACKED.items():
        (tmp_path / f"{name}.gz").write_bytes(body)
    download("small", tmp_path / "out", tmp_path.as_uri(), table(PACKED))
    assert (tmp_path / "out" / "train.fr").read_bytes() == TEXTS["train.fr"]


def test_what_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="This is no address: unknown url type"):
        download("small", tmp_path, "mirror/folder", table(PACKED))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_corpus_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"There is no corpus 'multi31k' to download\.\n  These can be downloaded: multi30k"
    ):
        download("multi31k", tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(S2SError, match="The files cannot be written: ") as refused:
        download("small", tmp_path / "file", "http://127.0.0.1:9", table(PACKED))
    assert refused.value.where == str(tmp_path / "file")


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_each_corpus_is_pinned_and_has_both_sides(corpus: Corpus) -> None:
    """No branch or "latest" in an address, and a sha256 for every file."""
    assert corpus.base_url.startswith("https://")
    assert not {"main", "master", "latest"} & set(corpus.base_url.split("/"))
    assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in corpus.hashes.values())
    assert len(set(corpus.hashes.values())) == len(corpus.hashes)
    stems = [name.rsplit(".", 1)[0] for name in corpus.hashes]
    assert all(stems.count(stem) == 2 for stem in stems)
    assert corpus.licence
    assert corpus.licence_url.startswith("https://")


def test_the_files_of_multi30k() -> None:
    stems = {name.removesuffix(".en") for name in CORPORA["multi30k"].hashes if name.endswith(".en")}
    tests = {"test_2016_flickr", "test_2017_flickr", "test_2017_mscoco", "test_2018_flickr"}
    assert stems == {"train", "val"} | tests
