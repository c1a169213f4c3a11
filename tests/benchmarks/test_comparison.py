"""Searches in figures, in tables and in a plot."""

import sys

import numpy as np
import pytest

from optunas.benchmarks import Searches, plot_regret
from optunas.benchmarks.comparison import estimate, filled, markdown, ranking, ratio
from optunas.errors import OptunasError

QUICK = Searches.of([[1, 3, 9], [2, 9], [9]], 4, goal=9, proposal_s=[0.1, 0.2, 0.4])
SLOW = Searches.of([[1, 1, 2, 9], [1, 2, 3, 4], [1, 1, 1, 1]], 4, goal=9)


def test_a_search_that_was_ended_keeps_its_best():
    assert QUICK.best.tolist() == [[1, 3, 9, 9], [2, 9, 9, 9], [9, 9, 9, 9]]
    assert filled([[1, 2, 3]], 2).tolist() == [[1, 2]]
    assert np.isnan(filled([[], [1]], 2)).tolist() == [[True, True], [False, False]]


def test_evaluations_to_the_goal():
    assert (QUICK.evaluations, QUICK.found) == (4, 3)
    assert QUICK.efforts.tolist() == [3, 2, 1]
    assert SLOW.efforts.tolist() == [4, 4, 4]  # the last two never got there
    assert SLOW.found == 1


def test_before_anything_is_completed_nothing_is_found():
    searches = Searches.of([[float("nan"), 9], []], 3, goal=9)
    assert searches.efforts.tolist() == [2, 3]
    assert searches.found == 1


def test_a_mean_has_its_standard_error():
    assert estimate(np.array([1.0, 2.0, 3.0])) == "2.00 ± 0.58"
    assert estimate(np.array([12.34]), 1) == "12.3"


def test_the_ratio_of_means():
    rng = np.random.default_rng(0)
    above, below = rng.normal(30, 3, (2000, 20)), rng.normal(20, 2, (2000, 20))
    ratios = above.mean(axis=1) / below.mean(axis=1)
    share, error = ratio(above[0], below[0])
    assert share == ratios[0]
    assert error == pytest.approx(ratios.std(), rel=0.3)
    assert np.isnan(ratio(above[0, :1], below[0, :1])[1])


def test_a_table_in_markdown():
    assert markdown(["a", "b", "n"], [["x", "y", "1"]], 2) == (
        "| a | b | n |\n| --- | --- | ---: |\n| x | y | 1 |\n"
    )


def test_strategies_are_ranked_by_their_efforts():
    said = Searches.of([[5, 6], [7, 8]], 2, goal=1, reported=[[50, 60], [50, 80]])
    table = ranking({"slow": SLOW, "quick": QUICK, "short": said}, [2, 4])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert rows[0] == [
        "strategy", "after 2", "after 4", "to the best", "at most", "found", "proposal, ms",
    ]  # fmt: skip
    assert rows[2] == ["short (only 2)", "70.00 ± 10.00", "", "1.0 ± 0.0", "1", "2 of 2", ""]
    assert rows[3] == ["quick", "7.00 ± 2.00", "9.00 ± 0.00", "2.0 ± 0.6", "3", "3 of 3", "200"]
    assert rows[4][0] == "slow"


@pytest.mark.parametrize("best", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0))])
def test_what_searches_must_not_be(best):
    with pytest.raises(OptunasError, match="a row for each search and a column for each eval"):
        Searches(best, 1.0, best, np.zeros(3))
    with pytest.raises(OptunasError, match="reported of the shape \\(1, 2\\)"):
        Searches(np.zeros((2, 2)), 1.0, np.zeros((1, 2)), np.zeros(2))


def regret(seed, end):
    """From 5 to `end`, the medians of eleven searches on either side."""
    curve = np.geomspace(5, end + 0.001, 30) - 0.001
    return curve * np.random.default_rng(seed).uniform(0.5, 1.5, (11, 1))


def test_a_plot_shows_medians_and_quartiles():
    behind = regret(0, 0.1)
    figure = plot_regret({"A": {"tpe": behind}}, near=0.01, unit="%", highlight="tpe")
    (axes,) = figure.axes
    (line,) = axes.lines
    assert line.get_ydata()[10:] == pytest.approx(np.median(behind, axis=0)[10:])
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices
    at_the_end = set(edges[edges[:, 0] == 30][:, 1].round(9))
    assert at_the_end == set(np.percentile(behind[:, -1], [25, 75]).round(9))
    assert axes.get_title(loc="left") == "A"
    assert axes.get_ylabel() == "behind the best, %"
    assert 0 in axes.get_yticks()


def test_names_stand_apart_beside_their_lines():
    ends = {f"s{i}": regret(i, end) for i, end in enumerate([0, 0, 0, 0, 0, 0.5, 0.51, 4.0])}
    figure = plot_regret({"A": ends, "B": ends, "C": ends}, near=0.01, highlight="s2")
    for axes in figure.axes:
        heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
        assert len(heights) == 8
        gaps = np.diff(sorted(heights.values()))
        assert gaps.min() > 0.06
        assert 0 <= min(heights.values()) <= max(heights.values()) <= 1
        assert max(heights, key=heights.get) == "s7"
        assert {line.get_linewidth() for line in axes.lines} == {1.4, 2.4}
    assert len({line.get_color() for line in figure.axes[0].lines}) == 8


def test_of_those_that_end_alike_the_quickest_is_named_lowest():
    curves = {f"s{at}": np.where(np.arange(30) < at, 1.0, 0.0)[None] for at in (20, 5, 12)}
    (axes,) = plot_regret({"A": curves}, near=0.01).axes
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert sorted(heights, key=heights.get) == ["s5", "s12", "s20"]


def test_a_plot_is_written(tmp_path):
    figure = plot_regret({"A": {"random": regret(0, 1), "tpe": regret(1, 0)[:, :20]}}, near=0.01)
    figure.savefig(tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size > 5000


def test_what_can_not_be_plotted(monkeypatch):
    with pytest.raises(OptunasError, match="a panel or more"):
        plot_regret({}, near=0.1)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptunasError, match=r"pip install 'optunas\[plots\]'"):
        plot_regret({"A": {"tpe": regret(0, 1)}}, near=0.1)
