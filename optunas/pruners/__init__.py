"""Pruners: Optuna's by name, with settings that follow from the number of epochs; ours for studies
with several objectives, and how a trial of such a study reports and asks."""

from optunas.pruners.by_name import PRUNERS as PRUNERS
from optunas.pruners.by_name import make_pruner as make_pruner
from optunas.pruners.pareto import ParetoPruner as ParetoPruner
from optunas.pruners.promoting import PromotingPruner as PromotingPruner
from optunas.pruners.reports import report as report
from optunas.pruners.reports import reported as reported
from optunas.pruners.reports import should_prune as should_prune

__all__ = [
    "PRUNERS",
    "ParetoPruner",
    "PromotingPruner",
    "make_pruner",
    "report",
    "reported",
    "should_prune",
]
