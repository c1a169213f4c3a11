"""Contracts that users' own classes can inherit and pass, as ours do."""

from .contract import SpaceContract as SpaceContract
from .promises import promises as promises
from .promises import write_promises as write_promises

__all__ = ["SpaceContract", "promises", "write_promises"]
