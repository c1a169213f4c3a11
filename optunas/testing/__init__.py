"""Contracts that users' own classes can inherit and pass, as ours do."""

from optunas.testing.contract import SpaceContract as SpaceContract
from optunas.testing.promises import promises as promises
from optunas.testing.promises import write_promises as write_promises

__all__ = ["SpaceContract", "promises", "write_promises"]
