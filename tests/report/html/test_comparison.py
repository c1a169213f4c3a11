"""Two trials as a page, and pages in a notebook."""

from __future__ import annotations

import optuna
import pytest

import optunas
from optunas.report import compare, page
from optunas.report.html.notebook import Page

from ...performance.made_up import made_up
from .reading import Read

pytestmark = pytest.mark.usefixtures("quiet")


def test_two_trials_are_a_page_without_any_script() -> None:
    one, other = made_up(2).get_trials()
    html = compare(one, other)
    read = Read(html)
    assert "Trial 0 and trial 1" in read.text
    assert "From trial 0 (hand-made) to trial 1 (random draw)." in read.text
    assert read.row("parameters")[1:3] == [f"{t.user_attrs['params']:,}" for t in (one, other)]
    assert read.scripts == []
    assert "They are the same network." in Read(compare(one, one)).text


def test_a_notebook_shows_a_page_in_a_frame_that_keeps_it_in() -> None:
    study = optuna.create_study(study_name="\"'></iframe><script>alert(1)</script>")
    shown = page(study)
    assert isinstance(shown, Page)
    assert len(repr(shown)) < 100
    read = Read(shown._repr_html_())
    ((tag, known),) = read.elements
    assert (tag, known["sandbox"]) == ("iframe", "allow-scripts")
    assert known["srcdoc"] == str(shown)


def test_the_names_stand_in_the_public_face() -> None:
    assert {"compare", "page", "write"} <= set(dir(optunas.report))
