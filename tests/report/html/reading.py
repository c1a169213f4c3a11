"""A page read back as a browser would: its elements, its text, its tables."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Read(HTMLParser):
    """`elements`: (tag, attributes) in order; `scripts`: the text of each; `text`: what is seen."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self._seen: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self._seen).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((known.get("type"), ""))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._seen.append(" ")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        self._seen.append(" ")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif "style" not in self._open:
            self._seen.append(data)
            if {"td", "th"} & set(self._open):
                self.rows[-1][-1] += data

    def row(self, head: str) -> list[str]:
        """The first row of a table that begins so."""
        return next(row for row in self.rows if row and row[0] == head)
