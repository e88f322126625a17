"""The tokenizers of a run."""

import hashlib
from dataclasses import dataclass

from s2s.data.tokenizer import Tokenizer


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizer of each side; the same one where the vocabulary is joint."""

    src: Tokenizer
    trg: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.src is self.trg

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the model of each side."""
        return {side: hashlib.sha256(t.model).hexdigest() for side, t in (("src", self.src), ("trg", self.trg))}
