"""Runs the trials of a study: one process on one device, as many as join. Needs no torch itself."""

from .comparisons import enqueue_comparisons as enqueue_comparisons
from .session import Plan as Plan
from .session import Watch as Watch
from .session import work as work

__all__ = ["Plan", "Watch", "enqueue_comparisons", "work"]
