"""The manifest of a run: what it is, and what it was made with."""

import json
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

import s2s
from s2s.compute import Compute, formats, precision_name
from s2s.config import Config
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.workflow.corpora import Corpora
from s2s.workflow.tokenizers import Tokenizers

FORMAT_VERSION = 1
"""Raised when a run directory of this program could no longer be read by the version before."""

LOST = "Put back a copy of the manifest: it says what the other files of the run are."


class Origin(BaseModel):
    """The run whose weights another began with.

    Attributes:
        run: where it stood.
        updates: the updates behind its weights.
        checksum: of their file, as it has it itself.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    updates: int
    checksum: str


class Manifest(BaseModel):
    """What a run is; written once, when it is made.

    Attributes:
        command: the command line that made it.
        revision: the commit of the program, with "-dirty" where it was changed; None if it ran from no checkout.
        pairs: how many, by set.
        data: SHA-256 of each file of the corpora.
        corpus: as in `data.corpus`.
        precision: what was chosen, perhaps by measuring, and stays on resume; `threads` likewise.
        search_precision: likewise; None in runs made before searches had one of their own.
        vocabulary: pieces, by side.
        tokenizers: SHA-256 of their models, by side.
        init_from: the run that it began with; None for fresh weights.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format_version: StrictInt
    created: str
    command: tuple[str, ...]
    revision: str | None
    src_lang: str
    trg_lang: str
    pairs: Mapping[str, int]
    data: Mapping[str, str]
    corpus: str
    device: str
    precision: Literal["fp32", "bf16"]
    search_precision: Literal["fp32", "bf16"] | None = None
    threads: Annotated[int, Field(ge=1, le=4096)]
    vocabulary: Mapping[str, int]
    tokenizers: Mapping[str, str]
    parameters: int
    init_from: Origin | None
    versions: Mapping[str, str]
    platform: str

    @property
    def formats(self) -> str:
        """The number formats in words."""
        return formats(self.precision, self.search_precision or self.precision)


def new_manifest(
    corpora: Corpora,
    config: Config,
    compute: Compute,
    command: Sequence[str],
    model: Seq2Seq,
    tokenizers: Tokenizers,
    init_from: Origin | None,
) -> Manifest:
    """The manifest of a run that is made now, by this program, here."""
    return Manifest(
        format_version=FORMAT_VERSION,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        command=tuple(command),
        revision=program_revision(),
        src_lang=corpora.src_lang,
        trg_lang=corpora.trg_lang,
        pairs={"train": len(corpora.train), "dev": len(corpora.dev), "test": len(corpora.test)},
        data=corpora.hashes,
        corpus=config.data.corpus,
        device=str(compute.device),
        precision=precision_name(compute.precision),
        search_precision=precision_name(compute.search_precision),
        threads=compute.threads,
        vocabulary={"src": tokenizers.src.size, "trg": tokenizers.trg.size},
        tokenizers=tokenizers.digests,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        init_from=init_from,
        versions={
            "s2s": s2s.__version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "sentencepiece", "sacrebleu", "safetensors")},
        },
        platform=f"{sys.platform} {platform.machine()}",
    )


def parse_manifest(text: bytes, where: str) -> Manifest:
    """The manifest in the text of its file.

    Raises:
        S2SError: it is damaged, or of a later version of the program.
    """
    try:
        table: dict[str, Any] = json.loads(text)
        version = table["format_version"]
        if type(version) is int and version > FORMAT_VERSION:
            raise S2SError(
                f"the run has format version {version}, and this program reads up to {FORMAT_VERSION}",
                where=where,
                hint="Update s2s.",
            )
        manifest = Manifest.model_validate(table)
    except ValidationError as fault:
        wrong = ", ".join(".".join(map(str, error["loc"])) for error in fault.errors(include_url=False))
        raise S2SError(f"the manifest is damaged, or not one of ours (see {wrong})", where=where, hint=LOST) from fault
    except (ValueError, LookupError, TypeError, RecursionError) as fault:
        raise S2SError(f"the manifest is damaged, or not one of ours ({fault})", where=where, hint=LOST) from fault
    if manifest.format_version < 1:
        raise S2SError("the manifest is damaged, or not one of ours (see format_version)", where=where, hint=LOST)
    return manifest


def program_revision() -> str | None:
    """The commit that this program runs from, if it runs from a checkout of its own."""
    root = Path(s2s.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
