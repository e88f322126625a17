"""The one kind of exception for whatever a user can cause."""


class S2SError(Exception):
    """A fault in what the program was given: what, where, and what to do.

    The command line prints it without a traceback and exits with `exit_code`.

    Args:
        message: what is wrong and what was expected, a full sentence without the place.
        where: the place, such as `train.en:4211` or a setting's name; None where there is none.
        hint: what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.message}{advice}"


class UsageError(S2SError):
    """The fault lies in the command or the configuration, not in the data."""

    exit_code = 2
