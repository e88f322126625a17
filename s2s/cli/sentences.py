"""Sentences that were given as arguments."""

from collections.abc import Iterable
from typing import TypeVar

from s2s.errors import UsageError

Given = TypeVar("Given", str, list[str], str | None, list[str] | None)


def check_utf8(given: Given) -> Given:
    """A sentence or several, as the callback of an argument or option.

    Raises:
        UsageError: one is not UTF-8: Python has its bytes as characters that nothing can write.
    """
    for text in _texts(given):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as fault:
            shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            raise UsageError(
                f"character {fault.start + 1} of the sentence {shown!r} is not UTF-8",
                hint="Set the terminal to UTF-8, or put the sentence into a file and convert it with iconv.",
            ) from None
    return given


def _texts(given: str | list[str] | None) -> Iterable[str]:
    return [given] if isinstance(given, str) else given or []
