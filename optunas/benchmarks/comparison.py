"""`Searches`: several searches by one strategy in figures, and these in Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optunas.errors import OptunasError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Searches:
    """Searches that differ in their seeds only; the greater a value, the better.

    * `best`: (searches, evaluations), the best value so far (`Simulation.best_by_evaluation`);
    * `goal`: the value that counts as found, such as the best of the table;
    * `reported`: (searches, evaluations), what is said of the choice, where that is something else
      than the value that it was chosen by;
    * `proposal_s`: (searches,), the seconds that each took for a proposal, where measured.
    """

    best: Array
    goal: float
    reported: Array
    proposal_s: Array

    def __post_init__(self) -> None:
        if self.best.ndim != 2 or not self.best.size or self.reported.shape != self.best.shape:
            raise OptunasError(
                "a row for each search and a column for each evaluation are needed; got best of "
                f"the shape {self.best.shape}, and reported of the shape {self.reported.shape}"
            )

    @classmethod
    def of(
        cls,
        best: Sequence[Sequence[float]],
        evaluations: int,
        goal: float,
        *,
        reported: Sequence[Sequence[float]] | None = None,
        proposal_s: Sequence[float] | None = None,
    ) -> Searches:
        """Of curves that may be shorter: a search that was ended early keeps what it has."""
        curves = filled(best, evaluations)
        said = curves if reported is None else filled(reported, evaluations)
        seconds = [np.nan] * len(curves) if proposal_s is None else proposal_s
        return cls(curves, goal, said, np.array(seconds, float))

    @property
    def evaluations(self) -> int:
        """How many each search had."""
        return len(self.best[0])

    @property
    def found(self) -> int:
        """In how many searches the goal was reached."""
        return int(np.count_nonzero(self._good.any(axis=1)))

    @property
    def efforts(self) -> Array:
        """Evaluations to the goal, for each search; all that it had where it never got there."""
        good = self._good
        return np.where(good.any(axis=1), good.argmax(axis=1) + 1.0, float(self.evaluations))

    @property
    def _good(self) -> NDArray[np.bool_]:
        return np.asarray(self.best >= self.goal)


def filled(curves: Sequence[Sequence[float]], length: int) -> Array:
    """(curves, length): each goes on with its last value; NaN where it has none."""
    rows = [[*curve[:length]] or [np.nan] for curve in curves]
    return np.array([row + row[-1:] * (length - len(row)) for row in rows], float)


def estimate(values: Array, digits: int = 2) -> str:
    """The mean and its standard error: `94.10 ± 0.03`."""
    error = f" ± {_error(values):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{error}"


def ratio(above: Array, below: Array) -> tuple[float, float]:
    """The ratio of two means and its standard error, to first order (NaN for a single value)."""
    share = above.mean() / below.mean()
    errors = [_error(values) / values.mean() for values in (above, below)]
    return float(share), float(abs(share) * np.hypot(*errors))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """A table whose first `names` columns are words, and the others numbers."""
    marks = ["---"] * names + ["---:"] * (len(head) - names)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, marks, *rows))


def ranking(searches: Mapping[str, Searches], points: Sequence[int]) -> str:
    """A table with a row for each strategy, from the fewest evaluations to the most.

    What is reported after so many evaluations as `points` has; evaluations to the goal; in how many
    searches it was found; and, in the median, milliseconds of a proposal.
    """
    rows = []
    for name, some in sorted(searches.items(), key=lambda item: item[1].efforts.mean()):
        own = some.evaluations
        after = (estimate(some.reported[:, at - 1]) if at <= own else "" for at in points)
        effort = estimate(some.efforts, 1), f"{some.efforts.max():.0f}"
        found = f"{some.found} of {len(some.best)}"
        name = name if own >= max(points) else f"{name} (only {own})"
        seconds = np.median(some.proposal_s)
        rows.append(
            [name, *after, *effort, found, "" if np.isnan(seconds) else f"{1e3 * seconds:.0f}"]
        )
    after = (f"after {at}" for at in points)
    return markdown(["strategy", *after, "to the best", "at most", "found", "proposal, ms"], rows)


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else np.nan
