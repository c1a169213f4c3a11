"""Pruners: Optuna's by name, with settings that follow from the number of epochs."""

from optunas.pruners.by_name import PRUNERS as PRUNERS
from optunas.pruners.by_name import make_pruner as make_pruner

__all__ = ["PRUNERS", "make_pruner"]
