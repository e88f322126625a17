"""Warnings on standard error, for the commands that show no progress."""

import typer


def warn(message: str) -> None:
    """Tell the user of something that may want mending."""
    typer.echo(f"warning: {message}", err=True)
