"""The contract of the search spaces at its full depth: 500 random draws a space.

Run `python tests/performance/contract.py` (about two minutes a space; names of test classes narrow
it: `python tests/performance/contract.py TestConvNet TestResNet`). The tests take fewer draws.
"""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1] / "spaces" / "test_contract.py"


class FullDepth:
    """A pytest plugin: every space of the test file gets the contract's own number of draws."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        from optunas.testing import SpaceContract

        for item in items:
            cls = getattr(item, "cls", None)
            if cls is not None and issubclass(cls, SpaceContract):
                cls.draws = SpaceContract.draws


if __name__ == "__main__":
    chosen = ["-k", " or ".join(sys.argv[1:])] if sys.argv[1:] else []
    sys.exit(pytest.main([str(TESTS), "-q", "--timeout=0", *chosen], plugins=[FullDepth()]))
