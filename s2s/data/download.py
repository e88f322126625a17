"""Fetch corpora that others publish: pinned addresses, checked bytes, licence shown."""

import gzip
import http.client
import shutil
import sys
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from s2s.data.corpus import file_hash
from s2s.errors import S2SError, UsageError

TIMEOUT = 30.0
"""Seconds that a server may be silent."""

PART = ".part"
"""What a name ends in until the file is complete and checked."""


@dataclass(frozen=True)
class Corpus:
    """A corpus as its publishers serve it.

    Attributes:
        name: what `s2s data download` calls it.
        about: a line on what it is.
        licence: what its owners allow, in a line.
        licence_url: where they say so.
        base_url: the folder of its files; a file is at `base_url/NAME.gz`.
        hashes: by file name (as unpacked), the sha256 of the .gz file.
    """

    name: str
    about: str
    licence: str
    licence_url: str
    base_url: str
    hashes: Mapping[str, str]


MULTI30K = Corpus(
    name="multi30k",
    about="Multi30k, English-French: 29,000 captions of pictures to train on, 1,014 to tune, four test sets",
    licence=(
        "for non-commercial research and education only: the captions are of Flickr30k and MS COCO pictures,"
        " whose terms hold"
    ),
    licence_url="https://github.com/multi30k/dataset",
    base_url="https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw",
    hashes={
        "train.en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
        "train.fr": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
        "val.en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
        "val.fr": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
        "test_2016_flickr.en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
        "test_2016_flickr.fr": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
        "test_2017_flickr.en": "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
        "test_2017_flickr.fr": "3ba671ceb2299f3304ffafefea7a833d08632fbaf0ba18546f8a2ec2391af496",
        "test_2017_mscoco.en": "aab300bfb4427697987e02cd0aacd44bfe8aa50456231b6474c08038bbed2b58",
        "test_2017_mscoco.fr": "754f3072ba9f124569ba5258b32730fc1d214bbf8e0c6dfb2b74401676220db0",
        "test_2018_flickr.en": "ef4f4844037d4c5dea75c9a8ed5fd78905967a26f67c255e230cc9780032654d",
        "test_2018_flickr.fr": "fb2b83fcceb937a4f7e3e93c1c51c22aba92f1e342391e6b5ba392b16a920501",
    },
)

CORPORA = {corpus.name: corpus for corpus in (MULTI30K,)}
"""What can be downloaded, by name."""


def download(name: str, out: Path, base_url: str | None = None, corpora: Mapping[str, Corpus] = CORPORA) -> list[Path]:
    """Fetch a corpus into a folder, as plain text; tell its licence and each step on standard error.

    A file that is there is kept and not fetched again: it gets its name only when it is checked and complete.
    Where one file fails, those before it stay, and the next call goes on after them.

    Args:
        name: which corpus, a key of `corpora`.
        out: the folder; it is made if missing.
        base_url: a mirror's folder in place of the publishers'; its files must have the same bytes.
        corpora: the table to look in.

    Returns:
        The files, in the order of the table.

    Raises:
        UsageError: no corpus has this name.
        S2SError: a file cannot be fetched, has other bytes than expected, or cannot be written.
    """
    if name not in corpora:
        raise UsageError(
            f"There is no corpus {name!r} to download.",
            hint=f"These can be downloaded: {', '.join(sorted(corpora))}",
        )
    corpus = corpora[name]
    base = (base_url or corpus.base_url).rstrip("/")
    _tell(f"{corpus.about}\nLicence: {corpus.licence} ({corpus.licence_url})")
    paths = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file_name, sha256 in corpus.hashes.items():
            path = out / file_name
            if path.is_file():
                _tell(f"{path} is there already; kept")
            else:
                _fetch(f"{base}/{file_name}.gz", path, sha256)
                _tell(f"{path} fetched and checked")
            paths.append(path)
    except OSError as error:
        raise S2SError(
            f"The files cannot be written: {error.strerror or error}.",
            where=str(out),
            hint="Name a folder that you may write to: --out DIR",
        ) from None
    return paths


def _fetch(url: str, path: Path, sha256: str) -> None:
    """One file: fetched under a temporary name, checked, unpacked to another, renamed; no part stays."""
    packed, plain = path.with_name(f"{path.name}.gz{PART}"), path.with_name(f"{path.name}{PART}")
    try:
        with open(packed, "wb") as stream:
            _copy(url, stream)
        found = file_hash(packed)
        if found != sha256:
            raise S2SError(
                f"The file has other bytes than expected: sha256 {found}, not {sha256}; it was not used.",
                where=url,
                hint="Try again; if it stays so, the file was changed, or your network answers in its place.",
            )
        _unpack(packed, plain, url)
        plain.replace(path)
    finally:
        packed.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)


def _copy(url: str, stream: BinaryIO) -> None:
    """The bytes at an address, whole, into a file."""
    by_hand = f"Is there a network? By hand: fetch {url} and unpack it into the folder; or name a --mirror."
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            # Read before written: a full disk is no fault of the network.
            expected = answer.headers.get("Content-Length")
            body = answer.read()
    except urllib.error.HTTPError as error:
        raise S2SError(f"The server answers {error.code} {error.reason}.", where=url, hint=by_hand) from None
    except urllib.error.URLError as error:
        raise S2SError(f"The address cannot be reached: {error.reason}.", where=url, hint=by_hand) from None
    except http.client.IncompleteRead as error:
        raise S2SError(
            f"The answer broke off after {len(error.partial):,} of {expected} bytes.",
            where=url,
            hint="Try again.",
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise S2SError(f"The answer broke off: {error or type(error).__name__}.", where=url, hint=by_hand) from None
    except ValueError as error:
        raise UsageError(
            f"This is no address: {error}.", where=url, hint="For example --mirror https://host/folder"
        ) from None
    stream.write(body)


def _unpack(packed: Path, plain: Path, url: str) -> None:
    try:
        with gzip.open(packed, "rb") as source, open(plain, "wb") as target:
            shutil.copyfileobj(source, target)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise S2SError(
            f"This is not a whole gzip file ({error}).",
            where=url,
            hint="The mirror may be damaged; try another.",
        ) from None


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
