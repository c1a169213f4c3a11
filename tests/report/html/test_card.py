"""A result in a notebook."""

from __future__ import annotations

from optunas.architecture import Conv, ConvNorm, GlobalPool, Linear, Sequential
from optunas.report.html.card import card

from .reading import Read

NETWORK = Sequential(ConvNorm(8), GlobalPool(), Linear())


def test_a_card_is_a_table_and_a_picture() -> None:
    read = Read(card("Title", ("split", "accuracy"), [("test", "99 %")], NETWORK, (1, 8, 8), 10))
    assert read.rows == [["split", "accuracy"], ["test", "99 %"]]
    assert "Title" in read.text
    assert "svg" in {tag for tag, _ in read.elements}
    assert "Linear" in read.text


def test_texts_stay_texts_and_a_network_that_cant_be_drawn_is_left_out() -> None:
    text = "<script>alert(1)</script>"
    wrong = Sequential(Conv(8, kernel=9), Linear())  # no room for the kernel
    html = card(text, (text,), [(text,)], wrong, (1, 2, 2), 10)
    read = Read(html)
    assert read.scripts == []
    assert read.rows == [[text], [text]]
    assert "svg" not in {tag for tag, _ in Read(card("", (), [], None)).elements}
