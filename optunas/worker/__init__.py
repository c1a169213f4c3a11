"""Runs the trials of a study: one process on one device, as many as join. Needs no torch itself."""

from optunas.worker.comparisons import enqueue_comparisons as enqueue_comparisons
from optunas.worker.promotion import promote as promote
from optunas.worker.session import SLACK as SLACK
from optunas.worker.session import Noted as Noted
from optunas.worker.session import OutOfTime as OutOfTime
from optunas.worker.session import Plan as Plan
from optunas.worker.session import Watch as Watch
from optunas.worker.session import work as work

__all__ = ["SLACK", "Noted", "OutOfTime", "Plan", "Watch", "enqueue_comparisons", "promote", "work"]
