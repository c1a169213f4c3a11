"""What the figures share: safe texts, readable colours, axes."""

import pytest

from optunas.visualization.frame import (
    close_up,
    empty,
    epochs,
    framed,
    is_wide,
    labelled,
    logarithmic,
    named,
    rounded,
    safe,
    time_unit,
    titled,
)
from optunas.visualization.palette import OUTCOMES, TEXT, faded

SCRIPT = "<img src=x onerror=alert(1)><a href='javascript:alert(1)'>&lt;\x1b[31m"


def test_markup_is_shown_sign_by_sign():
    said = safe(SCRIPT)
    assert "<" not in said
    assert ">" not in said
    assert "\x1b" not in said
    assert said.startswith("&lt;img")
    assert "&amp;lt;" in said
    assert len(safe("x" * 10_000)) == 2000


def test_long_names_keep_both_ends():
    said = named("beginning" + "x" * 100 + "the end")
    assert len(said) == 30
    assert said.startswith("beginning")
    assert said.endswith("the end")
    assert labelled("kernel", "x" * 50) == f"kernel = {'x' * 9}…{'x' * 8}"
    assert labelled("<b>", 5) == "&lt;b&gt; = 5"


def test_titles_are_wrapped_for_narrow_pages():
    said, lines = titled("Head\n" + "word " * 40)
    assert lines == 5
    assert said.count("<br>") == 4
    assert titled(SCRIPT)[0].count("<img") == 0


def test_figures_have_no_background_and_no_font_of_their_own():
    layout = framed("title").layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.family == "inherit"
    assert "plotly" not in str(layout.template)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("background", ["#ffffff", "#121212"])
def test_text_reads_on_light_and_on_dark(background: str):
    dark, light = sorted((luminance(TEXT), luminance(background)))
    assert (light + 0.05) / (dark + 0.05) > 4.1


def test_outcomes_have_colours_of_their_own():
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)
    assert faded("#0072B2", 0.5) == "rgba(0,114,178,0.5)"


def test_what_is_missing_is_said():
    figure = empty("Title", "It takes <b>more</b>.")
    assert "It takes &lt;b&gt;more&lt;/b&gt;." in figure.layout.title.text
    assert not figure.data


def test_logarithmic_axes_are_marked_at_plain_numbers():
    figure = framed("title")
    logarithmic(figure.update_xaxes, [800.0, 24_000.0])
    assert figure.layout.xaxis.tickvals == (1000, 2000, 5000, 10_000, 20_000)
    assert figure.layout.xaxis.ticktext == ("1 k", "2 k", "5 k", "10 k", "20 k")
    logarithmic(figure.update_xaxes, [0.02, 3000.0])
    assert figure.layout.xaxis.ticktext == ("0.1", "1", "10", "100", "1 k")
    assert is_wide([1, 20])
    assert not is_wide([1, 19])
    assert not is_wide([0, 20])
    assert not is_wide([])


def test_epochs_are_whole():
    figure = framed("title")
    for last, step in ((2, 1), (10, 1), (25, 3), (300, 30)):
        epochs(figure.update_xaxes, last)
        assert figure.layout.xaxis.dtick == step


def test_a_close_up_shows_the_good_ones():
    values = [0.1, 0.2] + [0.9 + n / 100 for n in range(10)]
    low, high = close_up(values, maximise=True)
    assert 0.8 < low < 0.91
    assert high > 0.99
    mirrored = close_up([-value for value in values], maximise=False)
    assert mirrored == pytest.approx([-high, -low])
    assert close_up([n / 10 for n in range(12)], maximise=True) is None
    assert close_up(values[:9], maximise=True) is None
    assert close_up([0.5] * 20, maximise=True) is None


def test_numbers_are_short_and_times_in_their_unit():
    assert rounded([0.123456789, float("nan"), 3.0]) == [0.12346, None, 3.0]
    assert [time_unit(s) for s in (5, 600, 9000)] == [("s", 1.0), ("min", 60.0), ("h", 3600.0)]
