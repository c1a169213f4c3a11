"""The end of a search: the winner, retrained, measured once on the test split, on disk."""

from optunas.delivery.winner import Winner as Winner
from optunas.delivery.winner import deliver as deliver

__all__ = ["Winner", "deliver"]
