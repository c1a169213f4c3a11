"""Pages that a notebook shows, each in a frame of its own."""

from __future__ import annotations

from html import escape

HEIGHT = "min(85vh, 60rem)"


class Page(str):
    """A whole HTML page: a text to be written to a file; Jupyter shows it in a frame.

    The frame keeps the page's scripts, and whatever a study holds, away from the notebook.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Short: a page is megabytes."""
        return f"<page of {len(self):,} signs>"

    def _repr_html_(self) -> str:
        look = f"border:0;height:{HEIGHT};resize:vertical;width:100%"
        return f'<iframe sandbox="allow-scripts" style="{look}" srcdoc="{escape(self)}"></iframe>'
