"""The final scores of a run, as its directory keeps them."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from s2s.errors import S2SError


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KeptScore(_Kept):
    """A number with its recipe; see `Score`."""

    name: str
    value: float
    signature: str


class KeptEvaluation(_Kept):
    """What the run scored on a set; see `Evaluation`. Where it is written again, its translations are left out."""

    scores: tuple[KeptScore, ...]
    loss: float
    perplexity: float
    sentences: int
    search: str
    translations: Annotated[tuple[str, ...], Field(exclude=True, repr=False)]


class Results(_Kept):
    """How training ended, and what the best checkpoint scored then.

    Attributes:
        end: why it ended.
        updates: after how many.
        best_update: the update of the best checkpoint.
        seconds: wall-clock of training.
    """

    end: str
    updates: int
    best_update: int
    seconds: float
    dev: KeptEvaluation
    test: KeptEvaluation | None

    def on(self, part: Literal["dev", "test"]) -> KeptEvaluation:
        """What it scored on this set, which there must be."""
        evaluation = self.dev if part == "dev" else self.test
        assert evaluation is not None
        return evaluation


ANEW = "Delete the file; s2s train --resume RUN makes the scores anew."


def parse_results(text: bytes, where: str) -> Results:
    """The results in the text of their file.

    Raises:
        S2SError: they are damaged.
    """
    try:
        return Results.model_validate(json.loads(text))
    except ValidationError as fault:
        wrong = ", ".join(".".join(map(str, error["loc"])) for error in fault.errors(include_url=False)[:5])
        raise S2SError(f"the results are damaged (see {wrong})", where=where, hint=ANEW) from fault
    except (ValueError, RecursionError) as fault:
        raise S2SError(f"the results are damaged ({fault})", where=where, hint=ANEW) from fault
