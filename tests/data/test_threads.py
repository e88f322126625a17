"""Work at the same time gives what it gives one after the other."""

import threading

import pytest

from s2s.data.threads import side_by_side


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_what_is_made_has_the_order_of_what_is_given(threads: int) -> None:
    assert side_by_side(str, iter([3, 1, 2]), threads=threads) == ["3", "1", "2"]
    assert side_by_side(str, [], threads=threads) == []


def test_so_many_are_made_at_the_same_time() -> None:
    """Each waits for the other: one after the other would wait until the time is up."""
    both = threading.Barrier(2, timeout=30.0)
    assert sorted(side_by_side(lambda _: both.wait(), "ab", threads=2)) == [0, 1]


def test_one_thread_is_that_of_who_asks() -> None:
    assert side_by_side(lambda _: threading.get_ident(), "ab", threads=1) == [threading.get_ident()] * 2


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fault_is_that_of_whoever_has_it(threads: int) -> None:
    with pytest.raises(ValueError, match="invalid literal for int"):
        side_by_side(int, ["1", "b"], threads=threads)
