"""What a person sees in the terminal: the search as it runs, and tables of what it found."""

from .intro import intro as intro
from .live import watching as watching
from .tables import best_table as best_table
from .tables import comparison_table as comparison_table
from .tables import status_table as status_table
from .trial import trial_page as trial_page

__all__ = [
    "best_table",
    "comparison_table",
    "intro",
    "status_table",
    "trial_page",
    "watching",
]
