"""`s2s settings`."""

from typing import Annotated

import typer


def settings(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="A setting (training.learning_rate) or a section (model).")
    ] = "",
) -> None:
    """Explain the settings of a configuration: meaning, default, what is allowed."""
    from s2s.config import settings as known

    for setting in known(key):
        typer.echo(f"{setting.name} = {setting.default}\n    {setting.meaning}\n    allowed: {setting.allowed}")
