"""All explanations, and how one is found."""

import difflib

from s2s.errors import UsageError
from s2s.explanations.cells import CELLS
from s2s.explanations.explanation import Explanation
from s2s.explanations.frame import LAYERS, STARTS, TYING
from s2s.explanations.reading import MEMORY, ORDERS, SCORES

EXPLANATIONS = (*CELLS, *SCORES, *ORDERS, *MEMORY, *STARTS, *LAYERS, *TYING)
"""One for each value of the settings of `[model]`; K, L and p stand for any number."""


def explanations(name: str = "") -> list[Explanation]:
    """All, or those that have this name.

    Args:
        name: a value (`lstm`), a setting (`attend`), or both (`start=last`); `model.` may stand in front.

    Raises:
        UsageError: nothing has that name.
    """
    setting, equals, value = (part.strip() for part in name.removeprefix("model.").partition("="))
    found = [e for e in EXPLANATIONS if _is_meant(e, setting, value) or (not equals and setting in ("", e.value))]
    if found:
        return found
    known = sorted({n for e in EXPLANATIONS for n in (e.setting, e.value, f"{e.setting}={e.value}")})
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    raise UsageError(
        f"there is nothing to explain that is called {name!r}",
        where="NAME",
        hint=f"Did you mean {nearest[0]}?" if nearest else "`s2s explain-cell` lists every name.",
    )


def explanation_of(setting: str, value: str) -> Explanation:
    """The one for a setting's value, as the configuration writes it; for a number the one that stands for any."""
    of_setting = [e for e in EXPLANATIONS if e.setting == setting]
    exact = [e for e in of_setting if e.value == value]
    assert of_setting, setting
    return (exact or of_setting)[0]


def _is_meant(explanation: Explanation, setting: str, value: str) -> bool:
    """Whether it belongs to this setting, and to this value where one is given; a number is any."""
    any_number = value.replace(".", "", 1).isdecimal() and len(explanation.value) == 1
    return explanation.setting == setting and (value in ("", explanation.value) or any_number)
