"""A study as one HTML file: nothing outside is needed to read it, and nothing in it can run."""

from optunas.report.html.comparison import compare as compare
from optunas.report.html.writing import page as page
from optunas.report.html.writing import write as write

__all__ = ["compare", "page", "write"]
