"""An error says what, where and what to do; its class says whose fault it is."""

import pytest

from s2s.errors import S2SError, UsageError


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (S2SError("what"), "what"),
        (S2SError("what", where="a.en:3"), "a.en:3: what"),
        (S2SError("what", hint="do this"), "what\n  do this"),
        (S2SError("what", where="a.en:3", hint="do this"), "a.en:3: what\n  do this"),
    ],
)
def test_what_is_known_is_told_in_the_order_where_what_hint(fault: S2SError, text: str) -> None:
    assert str(fault) == text


def test_usage_is_told_from_data_by_the_exit_code_and_caught_together() -> None:
    assert (S2SError.exit_code, UsageError.exit_code) == (1, 2)
    with pytest.raises(S2SError, match=r"^--out: no$"):
        raise UsageError("no", where="--out")
