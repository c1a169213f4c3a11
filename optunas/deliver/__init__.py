"""The end of a search: the winner, retrained, measured once on the test split, on disk."""

from optunas.deliver.winner import Winner as Winner
from optunas.deliver.winner import deliver as deliver

__all__ = ["Winner", "deliver"]
