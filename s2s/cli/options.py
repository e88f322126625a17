"""Options that several commands have."""

from typing import Annotated

import typer

WIDEST = 1000
"""The widest beam, as of `decoding.beam`."""

Beam = Annotated[int | None, typer.Option(min=1, max=WIDEST, help="Hypotheses followed; 1 is greedy.")]
