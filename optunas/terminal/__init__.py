"""What a person sees in the terminal: the search as it runs, and tables of what it found."""

from optunas.terminal.compare import comparison_page as comparison_page
from optunas.terminal.data import data_page as data_page
from optunas.terminal.intro import intro as intro
from optunas.terminal.live import watching as watching
from optunas.terminal.tables import best_table as best_table
from optunas.terminal.tables import comparison_table as comparison_table
from optunas.terminal.tables import proxy_table as proxy_table
from optunas.terminal.tables import status_table as status_table
from optunas.terminal.trial import trial_page as trial_page

__all__ = [
    "best_table",
    "comparison_page",
    "comparison_table",
    "data_page",
    "intro",
    "proxy_table",
    "status_table",
    "trial_page",
    "watching",
]
