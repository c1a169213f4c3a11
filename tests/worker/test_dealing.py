"""Devices are dealt round."""

from typing import Any

import pytest

from optunas.errors import StudyError
from optunas.worker.dealing import deal


@pytest.mark.parametrize(
    ("given", "dealt"),
    [
        ((["a", "b"],), "ab"),
        ((["a", "b"], 3), "aba"),
        ((["a", "b"], None, 2), "abab"),
        ((["a", "b"], 4, 2), "abab"),
        ((["a"], 2), "aa"),
    ],
)
def test_each_worker_gets_one(given: Any, dealt: str) -> None:
    assert "".join(deal(*given)) == dealt


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((["a", "b"], 3, 2), "2 on each of 2 devices are 4, not 3: leave out --workers or"),
        ((["a", "b"], 1), "got 1 for 2 devices"),
    ],
)
def test_numbers_that_contradict_each_other(given: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        deal(*given)
